"""What a table covers: its scenarios, what is judged in each, and the properties it exercises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte.contract import Contract, TableFile
from pytest_edfi_cte.properties import at_path, inner, kind_of, paths, resolved
from pytest_edfi_cte.scenarios import CONTAINERS, METHODS
from pytest_edfi_cte.table_files import NOT_SENT, ROW_FACTS, standards_of
from pytest_edfi_cte.tables import scenario_ids

#: Step -> what is judged, in a few words each; ``steps.py`` does it.
CHECKS = {
    "create": (
        "POST is answered 201 with a Location",
        "the record reads back as every row says",
        "it fits the API's model",
        "it is found once by its natural key",
    ),
    "update": (
        "PUT is answered 204",
        "what the scenario changes is stored, as every row says",
        "nothing else has changed",
        "it is still one record, with its id",
    ),
    "upsert": (
        "POST of a key that exists is answered 200 with the same Location",
        "what the scenario changes is stored, as every row says",
        "nothing else has changed",
        "it is still one record, with its id",
    ),
    "delete": (
        "DELETE is answered 204",
        "the record is found neither by its id nor by its natural key",
    ),
    "absent": ("once deleted, the record is found neither by its id nor by its natural key",),
}
LEVELS = ("REQUIRED", "CONDITIONAL", "OPTIONAL")


@dataclass(frozen=True)
class Planned:
    """One scenario of a table."""

    id: str
    number: int
    step: str
    method: str
    title: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """A table and what it exercises. Paths are of values, not of what holds them.

    ``rows`` counts the rows with a value by the table's level; ``required`` and ``optional`` are
    the model's properties: path -> whether some scenario sends it.
    """

    file: str
    id: str
    title: str
    certification: str
    resource: str
    standards: tuple[str, ...]
    scenarios: tuple[Planned, ...]
    rows: dict[str, int]
    required: dict[str, bool]
    optional: dict[str, bool]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "file": self.file,
            "id": self.id,
            "title": self.title,
            "certification": self.certification,
            "resource": self.resource,
            "standards": list(self.standards),
            "scenarios": [vars(each) | {"checks": list(each.checks)} for each in self.scenarios],
            "rows": self.rows,
            "model": {
                level: {
                    "exercised": [path for path, sent in found.items() if sent],
                    "not exercised": [path for path, sent in found.items() if not sent],
                }
                for level, found in (("required", self.required), ("optional", self.optional))
            },
        }


def coverage(contract: Contract, table: TableFile) -> Coverage:
    """What a table that makes sense covers, against the newest data standard that it is for."""
    content = table.content
    standards = standards_of(contract, content)
    schema = contract.resource_schemas(standards[-1])[content["resource"]]
    rows = [row for row in content["rows"] if row["type"] not in CONTAINERS]
    sent = {row["path"] for row in rows if _is_sent(row)}
    must: list[str] = []
    may: list[str] = []
    for path in paths(schema):
        fact = at_path(schema, path) or {}
        if kind_of(fact) not in CONTAINERS:
            (must if _is_required(schema, path) else may).append(path)
    ids = scenario_ids(content)
    return Coverage(
        file=table.file,
        id=content["id"],
        title=content["title"],
        certification=content["certification"],
        resource=content["resource"],
        standards=tuple(standards),
        scenarios=tuple(
            Planned(
                ids[n], s["number"], s["step"], METHODS[s["step"]], s["title"], CHECKS[s["step"]]
            )
            for n, s in content["scenarios"].items()
        ),
        rows={level: sum(row["required"] == level for row in rows) for level in LEVELS},
        required={path: path in sent for path in must},
        optional={path: path in sent for path in may},
    )


def _is_sent(row: dict[str, Any]) -> bool:
    return any(value != NOT_SENT for name, value in row.items() if name not in ROW_FACTS)


def _is_required(schema: dict[str, Any], path: str) -> bool:
    """Whether no record can do without: required, and so is all that holds it."""
    here: dict[str, Any] = schema
    for part in path.split("."):
        here = resolved(schema, here)
        here = resolved(schema, here["items"]) if "items" in here else here
        if part not in here.get("required", ()):
            return False
        here = inner(schema, here)[part]
    return True
