"""Does a table of scenarios make sense? Every path, type and name against the data standard.

The format itself is ``schemas/scenario-table.json``; here is what no JSON Schema can say. Each
problem names file, line and the nearest word that would be valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_edfi_cte.contract import STANDARDS, Contract, TableFile
from pytest_edfi_cte.contract_text import ContractError, nearest
from pytest_edfi_cte.literals import refused
from pytest_edfi_cte.properties import at_path, kind_of, paths
from pytest_edfi_cte.scenarios import CONTAINERS

Json = dict[str, Any]
#: What a row says beside its columns.
ROW_FACTS = ("path", "type", "collection", "required")
#: Steps that send the record, so that they have a column.
SENDING = ("create", "update", "upsert")
NOT_SENT = "-"


def standards_of(contract: Contract, content: Json) -> list[str]:
    """The data standards that a table is for: those it names, else all with its resource."""
    known = content.get("standards", STANDARDS)
    return [s for s in known if content["resource"] in contract.resource_schemas(s)]


def origin_of(scenarios: Json, name: str) -> str | None:
    """The scenario whose record one changes or removes; None of a create."""
    scenario = scenarios[name]
    if scenario["step"] == "create":
        return None
    names = list(scenarios)
    above = [n for n in names[: names.index(name)] if scenarios[n]["step"] in SENDING]
    found: str | None = scenario.get("of", above[-1] if above else None)
    return found


def check_sense(contract: Contract, table: TableFile) -> None:
    """Raise :class:`ContractError` for the first thing in a table that cannot be."""
    for problem in problems(contract, table):
        raise problem


def problems(contract: Contract, table: TableFile) -> Iterator[ContractError]:
    """Everything in a table that cannot be, not raised."""
    for place, problem in _problems(contract, table.content):
        yield ContractError(table.file, table.line(place), problem)


Place = list[Any]
Problems = Iterator[tuple[Place, str]]


def _problems(contract: Contract, content: Json) -> Problems:
    standards = standards_of(contract, content)
    if not standards:
        wanted = content.get("standards", STANDARDS)
        known = {name for s in wanted for name in contract.resource_schemas(s)}
        word = content["resource"]
        where = f"Data Standard {' or '.join(wanted)} has no resource {word!r} here"
        yield ["resource"], f"resource: {where}{nearest(word, known)}"
        return
    schemas = contract.resource_schemas(standards[-1])
    yield from _scenarios(content["scenarios"])
    yield from _rows(content, schemas[content["resource"]])
    yield from _needs(content, dict.fromkeys(schemas), schemas)


def _scenarios(scenarios: Json) -> Problems:
    numbers: set[int] = set()
    sending = [name for name, s in scenarios.items() if s["step"] in SENDING]
    for name, scenario in scenarios.items():
        here, label = ["scenarios", name], f"scenarios.{name}"
        if name in ROW_FACTS:
            yield here, f"scenarios: {name!r} cannot name one, rows use the word"
        if scenario["number"] in numbers:
            yield [*here, "number"], f"{label}: two scenarios have this number"
        numbers.add(scenario["number"])
        origin = origin_of(scenarios, name)
        if scenario["step"] == "create":
            if "of" in scenario:
                yield [*here, "of"], f"{label}: a create is of no other"
        elif origin is None:
            said = "needs a scenario above it that sends the record; name it with of"
            yield here, f"{label}: a step {scenario['step']!r} {said}"
        elif origin not in sending or origin == name:
            said = f"no other scenario {origin!r} sends a record"
            yield [*here, "of"], f"{label}.of: {said}{nearest(origin, sending)}"


def _rows(content: Json, schema: Json) -> Problems:
    rows = content["rows"]
    places = {row["path"] for row in rows}
    for number, row in enumerate(rows):
        label, here = f"rows[{number}]", ["rows", number]
        fact = at_path(schema, row["path"])
        if fact is None:
            said = f"{content['resource']} has no property {row['path']!r}"
            near = nearest(row["path"], paths(schema))
            yield [*here, "path"], f"{label}.path: {said}{near}"
            continue
        if row["path"] in [r["path"] for r in rows[:number]]:
            yield [*here, "path"], f"{label}.path: {row['path']} has a row already"
        parent = row["path"].rpartition(".")[0]
        if parent and parent not in places:
            yield [*here, "path"], f"{label}.path: the row of {parent} is missing"
        yield from _facts(row, kind_of(fact), label, here)
        if kind_of(fact) not in CONTAINERS:
            yield from _cells(content, row, label, here, fact)
    for name, scenario in content["scenarios"].items():
        given = scenario.get("changes", [])
        for path in [given] if isinstance(given, str) else given:
            if path not in places:
                said = f"scenarios.{name}.changes: there is no row {path!r}{nearest(path, places)}"
                yield ["scenarios", name, "changes"], said


def _facts(row: Json, kind: str, label: str, here: Place) -> Problems:
    """What a row says of its property, against the API's model."""
    if row["type"] != kind:
        yield [*here, "type"], f"{label}.type: {row['path']} is of type {kind!r} in the API's model"
    if row["collection"] != (kind == "array"):
        is_one = "a collection" if kind == "array" else "no collection"
        yield [*here, "collection"], f"{label}.collection: {row['path']} is {is_one}"


def _cells(content: Json, row: Json, label: str, here: Place, fact: Json) -> Problems:
    """One value for each scenario that sends the record, and no other."""
    columns = [name for name, s in content["scenarios"].items() if s["step"] in SENDING]
    for column in row.keys() - set(ROW_FACTS) - set(columns):
        near = nearest(column, [*columns, *ROW_FACTS])
        said = f"{label}.{column}: no scenario of this name sends a record{near}"
        yield [*here, column], said
    for column in columns:
        if column in row:
            if row[column] != NOT_SENT:
                place = f"{label}.{column}"
                yield from _value(content, row[column], [*here, column], place, fact, in_row=True)
        else:
            said = f"{row['path']} has no value for {column!r}; write - where nothing is sent"
            yield here, f"{label}: {said}"


def _needs(content: Json, known: Iterable[str], schemas: Any) -> Problems:
    known = list(known)
    for name, need in content.get("prerequisites", {}).items():
        label, here = f"prerequisites.{name}", ["prerequisites", name]
        if need["resource"] not in known:
            near = nearest(need["resource"], known)
            said = f"there is no resource {need['resource']!r}{near}"
            yield [*here, "resource"], f"{label}.resource: {said}"
            continue
        if need.get("after") and need.get("preloaded"):
            yield [*here, "after"], f"{label}.after: what is pre-loaded is there before"
        schema = schemas[need["resource"]]
        for part in need.get("found_by", ()):
            key = schema["x-edfi-naturalKey"]
            if part not in key:
                yield (
                    [*here, "found_by"],
                    f"{label}.found_by: {part!r} is no part of the natural key{nearest(part, key)}",
                )
        for path, value in need.get("values", {}).items():
            fact = at_path(schema, path)
            if fact is None or kind_of(fact) in CONTAINERS:
                values = list(paths(schema))
                said = f"{need['resource']} has no value {path!r}"
                yield [*here, "values", path], f"{label}: {said}{nearest(path, values)}"
            else:
                place = [*here, "values", path]
                yield from _value(content, value, place, f"{label}.values.{path}", fact)


def _value(
    content: Json, value: Any, place: Place, label: str, fact: Json, *, in_row: bool = False
) -> Problems:
    """The API's model must allow a value; one that is taken from elsewhere must be there, too."""
    if not isinstance(value, dict) or "from" not in value:
        problem = refused(fact, value)
        if problem:
            yield place, f"{label}: {problem}"
        return
    source = value["from"]
    known = _literals(content.get("prerequisites", {}))
    if not in_row:
        known = {**_cells_by_path(content), **known}
    if source not in known:
        yield place, f"{label}.from: {source!r} names no value{nearest(source, known)}"
    for problem in filter(None, (refused(fact, given) for given in known.get(source, ()))):
        yield place, f"{label}.from: {source}: {problem}"
        return


def _literals(needs: Json) -> dict[str, list[Any]]:
    """Every value of the prerequisites that comes from nowhere else."""
    return {
        f"{name}.{path}": [given]
        for name, need in needs.items()
        for path, given in need.get("values", {}).items()
        if not (isinstance(given, dict) and "from" in given)
    }


def _cells_by_path(content: Json) -> dict[str, list[Any]]:
    """The values of every row that has any."""
    return {
        row["path"]: [v for n, v in row.items() if n not in ROW_FACTS and v != NOT_SENT]
        for row in content["rows"]
        if row["type"] not in CONTAINERS
    }
