"""What a table would send in drive mode: method, path and body of each step, nothing sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pytest_edfi_cte.catalogue import Chosen, Entry
from pytest_edfi_cte.contract import Contract, TableFile
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.properties import at_path
from pytest_edfi_cte.scenarios import METHODS, Scenario, Table, get
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.table_files import NOT_SENT, ROW_FACTS, standards_of
from pytest_edfi_cte.tables import scenario_ids

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request. ``path`` is below the data management address; ``why`` says when it is sent."""

    method: str
    path: str
    why: str
    body: Json | None = None


@dataclass(frozen=True)
class Sent:
    """The requests of one scenario, after those for what must exist before.

    ``changed``: the paths that its column changes; ``untold``: those that its ``changes`` does not
    name. ``idle``: an update that changes nothing, so that who ignores it passes.
    """

    id: str
    title: str
    idle: bool
    changed: tuple[str, ...]
    untold: tuple[str, ...]
    before: tuple[Request, ...]
    requests: tuple[Request, ...]

    @property
    def good(self) -> bool:
        """True where it changes what it says, and an update something."""
        return not self.untold and not self.idle


def sent(contract: Contract, settings: Settings, table: TableFile) -> list[Sent]:
    """Every scenario of a table, for the newest data standard that it is for.

    Raises :class:`ConfigurationError` where a value cannot be made.
    """
    content = table.content
    names = scenario_ids(content)
    entries = [Entry(i, n, content["scenarios"][n]["step"], table) for n, i in names.items()]
    chosen = Chosen(contract, settings, entries)
    standard = standards_of(contract, content)[-1]
    found = []
    for scenario_id in chosen.entries:
        scenario = chosen.scenario(scenario_id, standard)
        schema = contract.resource_schemas(standard)[content["resource"]]
        found.append(
            Sent(
                scenario_id,
                scenario.title,
                scenario.step in ("update", "upsert") and not scenario.changed,
                scenario.changed,
                _untold(scenario, content["scenarios"][chosen.entries[scenario_id].name]),
                tuple(_before(contract, standard, scenario.table)),
                tuple(_requests(scenario, schema)),
            )
        )
    return found


def _untold(scenario: Scenario, written: Json) -> tuple[str, ...]:
    told = written.get("changes", scenario.changed)
    known = {told} if isinstance(told, str) else set(told)
    holders = tuple(f"{path}." for path in known)
    within = {path.rpartition(".")[0] for path in known}
    return tuple(
        path
        for path in scenario.changed
        if path not in known | within and not path.startswith(holders)
    )


#: Property that names an ed-org -> the files of the sample data that have such.
ED_ORGS = {
    "schoolId": ("schools",),
    "localEducationAgencyId": ("localEducationAgencies",),
    "educationOrganizationId": ("schools", "localEducationAgencies", "educationServiceCenters"),
}


@dataclass(frozen=True)
class _Written:
    """A value as written: where it stands, its property's schema, and whether it names itself.

    ``own``: part of a record that this table makes, not of one that it refers to.
    """

    place: list[str | int]
    path: str
    fact: Json
    value: Any
    own: bool


def not_loaded(contract: Contract, table: TableFile) -> list[str]:
    """Code values and ed-orgs that the sample data does not have, with line and nearest word.

    An ed-org that the table makes itself need not be there.
    """
    codes = {u.rpartition("/")[2]: c for u, c in contract.grand_bend("descriptors").items()}
    written = list(_values(contract, table.content))
    made = {each.value for each in written if each.own and each.path in ED_ORGS}
    found: dict[str, None] = {}
    for each in written:
        said = None
        if "x-edfi-descriptor" in each.fact:
            said = _no_code(codes, each)
        elif each.path.rpartition(".")[2] in ED_ORGS and not each.own and each.value not in made:
            said = _no_ed_org(contract, each)
        if said:
            found[f"line {table.line(each.place)}: {said}"] = None
    return list(found)


def _values(contract: Contract, content: Json) -> Iterator[_Written]:
    """Every value of a table that is written out and sent."""
    schemas = contract.resource_schemas(standards_of(contract, content)[-1])
    schema = schemas[content["resource"]]
    for number, row in enumerate(content["rows"]):
        fact, own = at_path(schema, row["path"]) or {}, "." not in row["path"]
        for column, value in row.items():
            if column not in ROW_FACTS and value != NOT_SENT and not isinstance(value, dict):
                yield _Written(["rows", number, column], row["path"], fact, value, own)
    for name, need in content.get("prerequisites", {}).items():
        for path, value in need.get("values", {}).items():
            if not isinstance(value, dict):
                place = ["prerequisites", name, "values", path]
                fact = at_path(schemas[need["resource"]], path) or {}
                own = "." not in path and not need.get("preloaded", False)
                yield _Written(place, path, fact, value, own)


def _no_code(codes: Json, each: _Written) -> str | None:
    name, code = each.fact["x-edfi-descriptor"], each.value
    known = {known.casefold(): known for known in codes.get(name, ())}
    if code.startswith("uri://") or code.casefold() in known:
        return None
    return f"{name} has no code value {code!r} there{nearest(code, known.values())}"


def _no_ed_org(contract: Contract, each: _Written) -> str | None:
    name = each.path.rpartition(".")[2]
    known = [
        next(record[key] for key in record if key.endswith("Id"))
        for file in ED_ORGS[name]
        for record in contract.grand_bend(file)
    ]
    if each.value in known:
        return None
    return f"there is no {name} {each.value} there; it has {', '.join(map(str, known))}"


def _before(contract: Contract, standard: str, table: Table) -> Iterator[Request]:
    schemas = contract.resource_schemas(standard)
    for need in table.needs.values():
        if need.after:
            continue
        key = schemas[need.resource]["x-edfi-naturalKey"]
        query = {part: get(need.record, key[part]) for part in need.found_by}
        path = f"/ed-fi/{need.resource}"
        why = "must be there" if need.preloaded else "is it there?"
        yield Request("GET", f"{path}?{urlencode(query, safe=':/')}", why)
        if not need.preloaded:
            yield Request("POST", path, "if it is not", need.record)


def _requests(scenario: Scenario, schema: Json) -> Iterator[Request]:
    path = f"/ed-fi/{scenario.table.resource}"
    one = f"{path}/{{id}}"
    first = scenario.table.payload("create")
    creates = scenario.step == "create"
    yield Request("POST", path, "answer 201" if creates else "the record that it is about", first)
    for need in scenario.table.needs.values():
        if need.after:
            yield Request("POST", f"/ed-fi/{need.resource}", "as soon as it is there", need.record)
    if not creates:
        yield from _change(scenario, schema, path, one)
    gone = scenario.step in ("delete", "absent")
    yield Request("GET", one, "answer 404" if gone else "answer 200: every row is judged")
    query = urlencode(scenario.table.key_of(scenario.payload), safe=":/")
    yield Request("GET", f"{path}?{query}", "finds nothing" if gone else "finds it once")


def _change(scenario: Scenario, schema: Json, path: str, one: str) -> Iterator[Request]:
    if scenario.step in ("delete", "absent"):
        yield Request("DELETE", one, "answer 204")
    elif scenario.step == "upsert":
        yield Request("POST", path, "answer 200, the same record", scenario.payload)
    elif scenario.table.moves and not schema.get("x-edfi-keyChanges"):
        yield Request("DELETE", one, "answer 204: the API's model lets no PUT change the key")
        yield Request("POST", path, "answer 201, under its new key", scenario.payload)
    else:
        body = {"id": "{id}", **scenario.payload}
        yield Request(METHODS["update"], one, "answer 204, in place", body)
