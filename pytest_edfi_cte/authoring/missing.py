"""What a table would not notice: the sandbox's defects, and the rows that would notice them.

The table runs against the sandbox with each defect. What it does not notice is tried again with
the draft of the same resource, which has every property: the finding there names the row.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pytest_edfi_cte import sandboxes
from pytest_edfi_cte.authoring.draft import draft
from pytest_edfi_cte.authoring.yaml_file import as_yaml, draft_id
from pytest_edfi_cte.contract import Contract, TableFile
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.mutation.attack import Progress, attack
from pytest_edfi_cte.mutation.model import CONTRACT, Matrix, Outcome, Subject
from pytest_edfi_cte.mutation.runs import Order
from pytest_edfi_cte.properties import paths
from pytest_edfi_cte.table_files import standards_of

Json = dict[str, Any]
#: The draft beside the table: an id that no table of a person's has.
_DRAFTED = "edfi-cte-draft-"


@dataclass(frozen=True)
class Missed:
    """A defect that stays unnoticed. ``row``: the path that would notice it, "" for no row.

    ``elsewhere``: the finding of the draft, where that is about the answer and no row.
    """

    name: str
    summary: str
    row: str
    in_table: bool
    elsewhere: str = ""

    @property
    def advice(self) -> str:
        """What to do about it."""
        if not self.row and self.elsewhere:
            return f"a row for every property would (edfi-cte scenarios new): {self.elsewhere}"
        if not self.row:
            return "no row would: it needs another scenario, or the contract pack (--edfi-contract)"
        if self.in_table:
            return f"give the row {self.row} another value, or a scenario that changes it"
        return f"a row would: {self.row}"


@dataclass(frozen=True)
class Attacked:
    """How many defects a table noticed, which not, and which conforming APIs it blamed."""

    caught: int
    missed: tuple[Missed, ...]
    blamed: tuple[str, ...]

    @property
    def good(self) -> bool:
        """True where nothing that applies is missed and nobody blamed."""
        return not self.missed and not self.blamed


def attacked(
    contract: Contract,
    table: TableFile,
    jobs: int = 1,
    only: Sequence[str] = (),
    progress: Progress = lambda _done, _all: None,
) -> Attacked:
    """Attack a table; ``only``: globs of defects.

    Raises :class:`ConfigurationError` where the table is not green to begin with.
    """
    content = table.content
    standard = standards_of(contract, content)[-1]
    subjects = _subjects(only)

    def run(chosen: str, scenarios: str, wanted: Sequence[Subject]) -> Matrix:
        order = Order(
            arguments=(chosen,),
            wanted=(f"{scenarios}-*",),
            target=content["resource"].lower(),
            data_standard=standard,
        )
        return attack(order, lambda _columns: wanted, jobs, progress)

    chosen = f"--edfi-scenarios={Path(table.file).resolve()}"
    matrix = run(chosen, content["id"], subjects)
    unnoticed = matrix.of(Outcome.MISSED, Outcome.NOT_APPLICABLE)
    rows: dict[str, str] = {}
    lines: dict[str, str] = {}
    wanted = [row.subject for row in unnoticed if not row.subject.is_variant]
    if wanted:
        with tempfile.TemporaryDirectory(prefix="edfi-cte-") as folder:
            file = Path(folder, "draft.yaml")
            full = draft(contract, standard, content["resource"])
            file.write_text(as_yaml(full, _DRAFTED), encoding="utf-8")
            second = run(f"--edfi-scenarios={file}", draft_id(full, _DRAFTED), wanted)
        lines = {row.subject.name: row.telling.line for row in second.of(Outcome.CAUGHT)}
        schema = contract.resource_schemas(standard)[content["resource"]]
        rows = {name: _row(line, schema) for name, line in lines.items()}
    mine = {row["path"] for row in content["rows"]}
    missed = []
    for each in unnoticed:
        name = each.subject.name
        if each.subject.is_variant or (each.outcome is Outcome.NOT_APPLICABLE and name not in rows):
            continue  # no row of this resource could notice it
        path = rows.get(name, "")
        missed.append(Missed(name, each.subject.summary, path, path in mine, lines.get(name, "")))
    blamed = tuple(row.subject.name for row in matrix.of(Outcome.BLAMED))
    return Attacked(matrix.count(Outcome.CAUGHT), tuple(missed), blamed)


def _subjects(only: Sequence[str]) -> list[Subject]:
    """The defects that scenarios are judged by, and the variants: not the contract pack's own."""
    defects, variants = sandboxes.defects()
    known = [*defects, *variants]
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ConfigurationError(
                f"--defect: no defect or variant is called {pattern!r}{nearest(pattern, known)}"
            )
    return [
        Subject(each.name, each.group, each.summary, each.level, is_variant)
        for registry, is_variant in ((defects, False), (variants, True))
        for each in registry.values()
        if each.group != CONTRACT
        and (not only or any(fnmatchcase(each.name, pattern) for pattern in only))
    ]


def _row(line: str, schema: Json) -> str:
    """The row that a finding is about: ``services[Vision].cipCode: expected …``; "" for none."""
    where = re.sub(r"\[[^]]*\]", "", line.partition(": expected")[0]).partition(" ")[0]
    return where if where in set(paths(schema)) else ""
