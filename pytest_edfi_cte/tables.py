"""From a table of scenarios, as a file has it, to the scenario model.

Month-days become dates of the school year, code values become descriptor URIs, and ``--edfi-set``
replaces what the user wants replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_edfi_cte.contract import Contract, TableFile
from pytest_edfi_cte.contract_text import ContractError
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.literals import refused
from pytest_edfi_cte.properties import at_path
from pytest_edfi_cte.resolving import NOTHING, Needs, Overrides, Resolver, school_year_date
from pytest_edfi_cte.scenarios import STEPS, Row, Table, get
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.table_files import ROW_FACTS, origin_of

Json = dict[str, Any]
_LEAP_DAY = re.compile(r"0?2/29")


def load(
    contract: Contract, settings: Settings, standard: str, elsewhere: Iterable[str] = ()
) -> Table:
    """The shipped CTE table for these settings: both scenarios, "create" and "update".

    Raises :class:`ContractError` for a broken file and :class:`ConfigurationError` for an
    ``--edfi-set`` that names nothing, has a value of the wrong type or defeats the scenario.
    """
    return resolve(contract, settings, standard, contract.table(), "update", elsewhere)


def scenario_ids(table: Mapping[str, Any]) -> dict[str, str]:
    """Scenario's name in a table's file -> its readable id, without resolving anything."""
    scenarios = table["scenarios"].items()
    return {name: f"{table['id']}-{s['number']}-{s['step']}" for name, s in scenarios}


def names_in(table: Mapping[str, Any]) -> Iterator[str]:
    """What ``--edfi-set`` may call the values of a table: paths, and their last parts."""
    for row in table["rows"]:
        yield from (row["path"], row["path"].rpartition(".")[2])
    for name, need in table.get("prerequisites", {}).items():
        yield from (f"{name}.{path}" for path in need.get("values", {}))


def resolve(
    contract: Contract,
    settings: Settings,
    standard: str,
    file: TableFile,
    name: str,
    elsewhere: Iterable[str] = (),
) -> Table:
    """What a table says of the record of one scenario; the file has passed ``check_sense``.

    ``elsewhere``: names that ``--edfi-set`` may use because another table of the run has them.

    The record's state "create" is the column of the scenario that it begins with, "update" the
    scenario's own. Raises as :func:`load` does.
    """
    raw = file.content
    columns = _columns(raw["scenarios"], name)
    schemas = contract.resource_schemas(standard)
    schema = schemas[raw["resource"]]
    _check_days(file, settings.school_year)
    resolver = Resolver(contract, settings, f"{raw['id']}/{columns['create']}")
    needs = Needs(raw.get("prerequisites", {}), schemas, resolver)
    overrides = Overrides(raw["rows"], columns, needs, settings, resolver, elsewhere)
    rows = tuple(overrides.row(row) for row in raw["rows"])
    key: dict[str, str] = schema["x-edfi-naturalKey"]
    told = _as_list(raw["scenarios"][name].get("changes", []))
    published = tuple(resolver.plain_row(row, columns) for row in raw["rows"])
    _check_rows_made(file, columns, published, schema)
    _check_sense(rows, published, key, told, _Written(file, name, columns))
    changed = changed_paths(rows, schema)
    facts = {
        step: {"number": s["number"], "title": s["title"]}
        for step, s in ((s, raw["scenarios"][n]) for s, n in _steps(raw["scenarios"], name))
    }
    if raw["scenarios"][name]["step"] in ("update", "upsert"):
        only = told[0] if len(told) == 1 else changed[0] if len(changed) == 1 else None
        facts[raw["scenarios"][name]["step"]] |= {"changes": only, "changed": changed}
    sent = {row.path: row.values.get("create", NOTHING) for row in rows}
    records = needs.resolved(sent, overrides)
    for need in records:
        _check_need_made(file, need, records[need].record, schemas, overrides)
    return Table(
        id=raw["id"],
        title=raw["title"],
        certification=raw["certification"],
        edition=raw["edition"],
        resource=raw["resource"],
        schema=contract.schema_name(standard, raw["resource"]),
        rows=rows,
        school_year=settings.school_year,
        needs=records,
        natural_key=key,
        _scenarios=facts,
        written_at=partial(_written_at, contract, file, columns, rows, published),
    )


def _columns(scenarios: Json, name: str) -> dict[str, str]:
    """State of the record -> the column that gives it."""
    step, origin = scenarios[name]["step"], origin_of(scenarios, name)
    first = origin or name
    return {"create": first, "update": name if step in ("update", "upsert") else first}


def _steps(scenarios: Json, name: str) -> Iterator[tuple[str, str]]:
    """The steps of a table made for one scenario: to make the record, and the scenario's own."""
    yield "create", origin_of(scenarios, name) or name
    yield scenarios[name]["step"], name


def _as_list(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def changed_paths(rows: tuple[Row, ...], schema: Json) -> tuple[str, ...]:
    """The paths whose values differ. An element that gets another identity is another element."""
    collections = [row.path for row in rows if row.collection]
    found: list[str] = []
    for row in rows:
        before, after = (row.values.get(step, NOTHING) for step in STEPS)
        if before == after and type(before) is type(after):
            continue
        within = next((c for c in collections if row.path.startswith(f"{c}.")), None)
        fact = at_path(schema, row.path) or {}
        identity = within and fact.get("x-edfi-identity")
        found.append(within if identity and within else row.path)
    return tuple(dict.fromkeys(found))


def _written(content: Json) -> Iterator[tuple[list[str | int], Any]]:
    """Where each value of a file stands, and the value: of the rows, then of what must exist."""
    for number, row in enumerate(content["rows"]):
        for column in row:
            if column not in ROW_FACTS:
                yield ["rows", number, column], row[column]
    for name, need in content.get("prerequisites", {}).items():
        for path, value in need.get("values", {}).items():
            yield ["prerequisites", name, "values", path], value


def _written_at(
    contract: Contract,
    file: TableFile,
    columns: Mapping[str, str],
    rows: tuple[Row, ...],
    published: tuple[Row, ...],
    uri: str,
) -> str:
    """File and line of the row that sends a descriptor value, where a user wrote it there."""
    if contract.ships(file):
        return ""
    for number, (row, written) in enumerate(zip(rows, published, strict=True)):
        for state, value in row.values.items():
            if value == uri == written.values[state]:
                line = file.line(["rows", number, columns[state]])
                return f"{file.file}, line {line}"
    return ""


def _check_days(file: TableFile, school_year: int) -> None:
    """A leap day is a day in some school years only; every other was looked at before."""
    for place, value in _written(file.content):
        if isinstance(value, str) and _LEAP_DAY.fullmatch(value):
            try:
                school_year_date(value, school_year)
            except ValueError:
                year = f"school year {school_year - 1}-{school_year}"
                said = f"{value} is no day of {year}: {school_year} is no leap year"
                raise ContractError(file.file, file.line(place), said) from None


def _check_rows_made(
    file: TableFile, columns: Mapping[str, str], rows: tuple[Row, ...], schema: Json
) -> None:
    """The API's model must allow what is made, as it must what is written out."""
    for number, (raw, row) in enumerate(zip(file.content["rows"], rows, strict=True)):
        for state, value in row.values.items():
            place: list[str | int] = ["rows", number, columns[state]]
            _check_made(file, place, raw[columns[state]], at_path(schema, row.path), value)


def _check_need_made(
    file: TableFile, name: str, record: Json, schemas: Mapping[str, Json], overrides: Overrides
) -> None:
    need = file.content["prerequisites"][name]
    for path, raw in need.get("values", {}).items():
        if overrides.of_record(name, path) is NOTHING:
            fact = at_path(schemas[need["resource"]], path)
            place = ["prerequisites", name, "values", path]
            _check_made(file, place, raw, fact, get(record, path))


def _check_made(
    file: TableFile, place: list[str | int], raw: Any, fact: Json | None, value: Any
) -> None:
    if fact is None or not isinstance(raw, Mapping) or "from" in raw:
        return
    problem = refused(fact, value)
    if problem:
        ((how, argument),) = raw.items()
        said = f"{{{how}: {argument}}} gives what cannot be: {problem}"
        raise ContractError(file.file, file.line(place), said)


@dataclass(frozen=True)
class _Written:
    """A scenario as its file has it: what to say where the file itself defeats it."""

    file: TableFile
    name: str
    columns: Mapping[str, str]

    def unchanged(self, path: str) -> ContractError:
        """The mistake of a path in ``changes`` that has the same value in both columns."""
        file, column = self.file, self.columns["update"]
        label = f"scenarios.{self.name}.changes: "
        line = file.line(["scenarios", self.name, "changes"])
        step = file.content["scenarios"][self.name]["step"]
        if column == self.columns["create"]:
            return ContractError(file.file, line, f"{label}a step {step!r} changes nothing")
        rows = file.content["rows"]
        number = next(n for n, row in enumerate(rows) if row["path"] == path)
        there = file.line(["rows", number, column])
        both = f"both columns have {rows[number][column]!r} (line {there})"
        said = f"{path} does not differ: {both}; give one of them another value"
        return ContractError(file.file, line, f"{label}{said}")


def _check_sense(
    rows: tuple[Row, ...],
    published: tuple[Row, ...],
    key: Mapping[str, str],
    changes: list[str],
    source: _Written,
) -> None:
    """Replaced values must not defeat the scenario: what the file changes, and nothing else."""
    for row, written in zip(rows, published, strict=True):
        if row.values.keys() != set(STEPS):
            continue
        same = row.values["create"] == row.values["update"]
        as_written = written.values["create"] == written.values["update"]
        if row.path in key.values() and not same and as_written:
            raise ConfigurationError(
                f"--edfi-set: {row.path} is part of the natural key, which must not change between "
                "the scenarios; give it without 'create:' or 'update:'"
            )
        if row.path in changes and same and as_written:
            raise source.unchanged(row.path)
        if row.path in changes and same:
            raise ConfigurationError(
                f"--edfi-set: {row.path} must differ between the scenarios: it is what the second "
                f"changes; both have {row.values['create']!r}. Give it for one: update:{row.name}=…"
            )
