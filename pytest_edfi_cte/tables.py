"""From a table in ``fixtures/scenarios/`` to the scenario model.

Month-days become dates of the school year, code values become descriptor URIs, and ``--edfi-set``
replaces what the user wants replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.notations import SCHOOL_YEAR_STARTS
from pytest_edfi_cte.scenarios import STEPS, Row, Table, put
from pytest_edfi_cte.settings import Settings

Json = dict[str, Any]


def load(contract: Contract, settings: Settings, standard: str) -> Table:
    """The CTE table for these settings.

    Raises :class:`ContractError` for a broken file and :class:`ConfigurationError` for an
    ``--edfi-set`` that names nothing, has a value of the wrong type or defeats the scenario.
    """
    raw = contract.table()
    resolver = _Resolver(contract, settings)
    rows = tuple(resolver.row(row) for row in raw["rows"])
    overrides = _Overrides(rows, raw["prerequisites"], settings, resolver)
    rows = overrides.rows()
    key = contract.schema(standard, raw["schema"])["x-edfi-naturalKey"]
    _check_sense(rows, key, raw["scenarios"]["update"]["changes"])
    return Table(
        id=raw["id"],
        title=raw["title"],
        certification=raw["certification"],
        edition=raw["edition"],
        resource=raw["resource"],
        schema=raw["schema"],
        rows=rows,
        school_year=settings.school_year,
        prerequisites=overrides.prerequisites(rows),
        natural_key=key,
        _scenarios=raw["scenarios"],
    )


def scenario_ids(contract: Contract) -> dict[str, str]:
    """Step -> readable id of its scenario, without resolving anything: for collection."""
    raw = contract.table()
    return {step: f"{raw['id']}-{raw['scenarios'][step]['number']}-{step}" for step in STEPS}


def school_year_date(month_day: str, school_year: int) -> str:
    """``8/23`` in school year 2027 is ``2026-08-23``: the day that falls in July 1 to June 30.

    Ruling of this project for the table's "M/D/[Current School Year]". ValueError where the day
    does not exist in that year.
    """
    month, day = (int(part) for part in month_day.split("/"))
    year = school_year - 1 if month >= SCHOOL_YEAR_STARTS else school_year
    return date(year, month, day).isoformat()


class _Resolver:
    """Turns a table's notation into JSON values."""

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.descriptors = contract.descriptor_names
        self.namespace = settings.namespace
        self.school_year = settings.school_year

    def row(self, raw: Mapping[str, Any]) -> Row:
        values = {
            step: self.value(raw["path"], raw["type"], raw[step]) for step in STEPS if step in raw
        }
        return Row(raw["path"], raw["type"], raw["collection"], raw["required"], values)

    def value(self, path: str, kind: str, value: Any) -> Any:
        if kind == "date" and "/" in value:
            return school_year_date(value, self.school_year)
        if kind == "descriptor" and not value.startswith("uri://"):
            name = path.rpartition(".")[2]
            return f"{self.namespace}/{self.descriptors[name]}#{value}"
        return value

    def parse(self, path: str, kind: str, text: str) -> Any:
        """A user's text as a value of a row's type; ValueError says what was expected."""
        expected = _PATTERNS.get(kind)
        if expected and not re.fullmatch(expected[0], text):
            raise ValueError(f"{text!r} is not {expected[1]}")
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
        if kind == "boolean":
            return text.lower() == "true"
        if kind == "date" and "/" not in text:
            return date.fromisoformat(text).isoformat()
        if not text:
            raise ValueError("the value is empty")
        return self.value(path, kind, text)


_PATTERNS = {
    "integer": (r"-?\d+", "an integer"),
    "number": (r"-?\d+(\.\d+)?", "a number"),
    "boolean": (r"(?i:true|false)", "a boolean; write true or false"),
    "date": (r"\d{1,2}/\d{1,2}|\d{4}-\d{2}-\d{2}", "a date; write 2026-08-23 or 8/23"),
}


class _Overrides:
    """``--edfi-set``: names are a row's path, or its last part where that is unambiguous."""

    def __init__(
        self,
        rows: tuple[Row, ...],
        prerequisites: Mapping[str, Any],
        settings: Settings,
        resolver: _Resolver,
    ) -> None:
        self._rows = rows
        self._raw = prerequisites
        self._resolver = resolver
        #: (step or "", path) -> value
        self._row_values: dict[tuple[str, str], Any] = {}
        #: (prerequisite, path) -> value
        self._record_values: dict[tuple[str, str], Any] = {}
        for name, text in settings.overrides.items():
            self._take(name, text, settings.sources.get(f"set {name}", "--edfi-set"))

    def rows(self) -> tuple[Row, ...]:
        return tuple(
            replace(
                row,
                values={
                    step: self._row_values.get(
                        (step, row.path), self._row_values.get(("", row.path), value)
                    )
                    for step, value in row.values.items()
                },
            )
            for row in self._rows
        )

    def prerequisites(self, rows: tuple[Row, ...]) -> dict[str, Json]:
        values = {row.path: row.values["create"] for row in rows if row.values}
        result: dict[str, Json] = {}
        for name, spec in self._raw.items():
            record: Json = {}
            for path, raw in spec["values"].items():
                if isinstance(raw, Mapping):
                    value = values[raw["from"]]
                else:
                    value = self._resolver.value(path, _kind(path, raw), raw)
                put(record, path, self._record_values.get((name, path), value), frozenset())
            result[name] = record
        return result

    def _take(self, name: str, text: str, source: str) -> None:
        step, colon, rest = name.partition(":")
        step, path = (step, rest) if colon and step in STEPS else ("", name)
        record, _, inner = path.partition(".")
        raw = self._raw.get(record, {}).get("values", {}).get(inner)
        try:
            if raw is not None and not isinstance(raw, Mapping) and not step:
                value = self._resolver.parse(inner, _kind(inner, raw), text)
                self._record_values[record, inner] = value
                return
            row = self._find(path)
            self._row_values[step, row.path] = self._resolver.parse(row.path, row.type, text)
        except ValueError as error:
            shown = f"{text!r}: " if "out of range" in str(error) else ""
            raise ConfigurationError(f"{source}: {name}: {shown}{error}") from None

    def _find(self, name: str) -> Row:
        settable = [row for row in self._rows if row.values]
        exact = [row for row in settable if row.path == name]
        found = exact or [row for row in settable if row.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError("stands more than once; write " + " or ".join(r.path for r in found))
        known = list(self._names())
        # Short names can be typed, too: cipCode is near cipcode, its path is not.
        near = {path.rpartition(".")[2].casefold(): path for path in known}
        close = get_close_matches(name.rpartition(".")[2].casefold(), near, 1, 0.75)
        hint = f" Did you mean {near[close[0]].rpartition('.')[2]}?" if close else ""
        raise ValueError(f"no such property.{hint} Known names: {', '.join(known)}")

    def _names(self) -> Iterator[str]:
        yield from (row.path for row in self._rows if row.values)
        for name, spec in self._raw.items():
            for path, raw in spec["values"].items():
                if not isinstance(raw, Mapping):
                    yield f"{name}.{path}"


def _kind(path: str, value: Any) -> str:
    """The type of a prerequisite's value, told from its name and notation."""
    if path.endswith("Descriptor"):
        return "descriptor"
    if path.endswith("Date"):
        return "date"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def _check_sense(rows: tuple[Row, ...], key: Mapping[str, str], changes: str) -> None:
    for row in rows:
        if not row.values:
            continue
        same = row.values["create"] == row.values["update"]
        if row.path in key.values() and not same:
            raise ConfigurationError(
                f"--edfi-set: {row.path} is part of the natural key, which must not change between "
                "the scenarios; give it without 'create:' or 'update:'"
            )
        if row.path == changes and same:
            raise ConfigurationError(
                f"--edfi-set: {row.path} must differ between the scenarios: it is what the second "
                f"changes; both have {row.values['create']!r}. Give it for one: update:{row.name}=…"
            )
