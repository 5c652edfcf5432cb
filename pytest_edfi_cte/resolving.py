"""A table's notation as JSON values: rows, prerequisites, and what ``--edfi-set`` replaces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.making import Maker
from pytest_edfi_cte.notations import SCHOOL_YEAR_STARTS
from pytest_edfi_cte.properties import at_path, kind_of
from pytest_edfi_cte.scenarios import CONTAINERS, STEPS, Need, Row, put
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.table_files import NOT_SENT

Json = dict[str, Any]
#: Where there is no value, not even null.
NOTHING = object()


def school_year_date(month_day: str, school_year: int) -> str:
    """``8/23`` in school year 2027 is ``2026-08-23``: the day that falls in July 1 to June 30.

    Ruling of this project for the table's "M/D/[Current School Year]". ValueError where the day
    does not exist in that year.
    """
    month, day = (int(part) for part in month_day.split("/"))
    year = school_year - 1 if month >= SCHOOL_YEAR_STARTS else school_year
    return date(year, month, day).isoformat()


class Resolver:
    """Turns a table's notation into JSON values. ``place`` tells invented values apart."""

    def __init__(self, contract: Contract, settings: Settings, place: str) -> None:
        self.descriptors = contract.descriptor_names
        self.namespace = settings.namespace
        self.school_year = settings.school_year
        self.maker = Maker(contract, settings, place)

    def plain_row(self, raw: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
        """A row as its file has it; values taken from elsewhere are compared as written."""
        values = {
            state: self.value(raw["path"], raw["type"], raw[column])
            for state, column in columns.items()
            if raw.get(column, NOT_SENT) != NOT_SENT
        }
        return Row(raw["path"], raw["type"], raw["collection"], raw["required"], values)

    def value(self, path: str, kind: str, value: Any) -> Any:
        """The JSON value behind a notation; what is taken from elsewhere stays as it is."""
        if isinstance(value, Mapping):
            if "from" in value:
                return value
            made = self.maker.made(path, value)
            return made if kind in ("integer", "number", "boolean") else str(made)
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


def source_of(row: Mapping[str, Any]) -> tuple[str, str] | None:
    """The prerequisite and path that a row's values come from; ValueError where it is several."""
    cells = [v["from"] for v in row.values() if isinstance(v, Mapping) and "from" in v]
    sources = list(dict.fromkeys(cells))
    if len(sources) > 1:
        raise ValueError("comes from several records; write " + " or ".join(sources))
    name, _, path = sources[0].partition(".") if sources else ("", "", "")
    return (name, path) if sources else None


class Needs:
    """The prerequisites of a file; values that they take from the rows come last."""

    def __init__(
        self, raw: Mapping[str, Any], schemas: Mapping[str, Json], resolver: Resolver
    ) -> None:
        self.raw = raw
        self._schemas = schemas
        self._resolver = resolver

    def given(self, name: str, path: str) -> Any:
        """The value as written, None where the file gives none or takes it from elsewhere."""
        value = self.raw.get(name, {}).get("values", {}).get(path)
        return None if isinstance(value, Mapping) and "from" in value else value

    def kind(self, name: str, path: str) -> str:
        """The type of a value, by the schema of its resource."""
        schema = self._schemas[self.raw[name]["resource"]]
        return kind_of(at_path(schema, path) or {"type": "string"})

    def value(self, name: str, path: str, overrides: Overrides) -> Any:
        """A value that comes from no row, replaced where the user wants it replaced."""
        replaced = overrides.of_record(name, path)
        if replaced is not NOTHING:
            return replaced
        return self._resolver.value(path, self.kind(name, path), self.given(name, path))

    def resolved(self, rows: Mapping[str, Any], overrides: Overrides) -> dict[str, Need]:
        """Every prerequisite with its record; ``rows``: path -> value, for those sent."""
        found: dict[str, Need] = {}
        for name, spec in self.raw.items():
            schema = self._schemas[spec["resource"]]
            values: Json = {}
            for path, raw in spec.get("values", {}).items():
                if not (isinstance(raw, Mapping) and "from" in raw):
                    values[path] = self.value(name, path, overrides)
                elif raw["from"] in rows:
                    values[path] = rows[raw["from"]]
                else:
                    other, _, inner = raw["from"].partition(".")
                    values[path] = self.value(other, inner, overrides)
            values = {path: value for path, value in values.items() if value is not NOTHING}
            if not spec.get("preloaded", False):
                others = {n: (need.resource, need.record) for n, need in found.items()}
                values |= self._resolver.maker.missing(name, schema, values, others)
            record: Json = {}
            for path, value in values.items():
                put(record, path, value, frozenset())
            parts = tuple(spec.get("found_by", schema["x-edfi-naturalKey"]))
            found[name] = Need(
                spec["resource"],
                spec.get("preloaded", False),
                parts,
                record,
                spec.get("after", False),
            )
        return found


class Overrides:
    """``--edfi-set``: names are a row's path, or its last part where that is unambiguous."""

    def __init__(
        self,
        rows: list[Json],
        columns: Mapping[str, str],
        needs: Needs,
        settings: Settings,
        resolver: Resolver,
        elsewhere: Iterable[str] = (),
    ) -> None:
        self._elsewhere = frozenset(elsewhere)
        self._rows = [row for row in rows if row["type"] not in CONTAINERS]
        self._columns = columns
        self._needs = needs
        self._resolver = resolver
        #: (step or "", path) -> value
        self._row_values: dict[tuple[str, str], Any] = {}
        #: (prerequisite, path) -> value
        self._record_values: dict[tuple[str, str], Any] = {}
        for name, text in settings.overrides.items():
            self._take(name, text, settings.sources.get(f"set {name}", "--edfi-set"))

    def row(self, raw: Mapping[str, Any]) -> Row:
        """A row with its values as they are in this run."""
        plain = self._resolver.plain_row(raw, self._columns)
        values = {step: self._value(step, plain.path, v) for step, v in plain.values.items()}
        return Row(plain.path, plain.type, plain.collection, plain.required, values)

    def of_record(self, name: str, path: str) -> Any:
        """What replaces a prerequisite's value, if anything does."""
        return self._record_values.get((name, path), NOTHING)

    def _value(self, step: str, path: str, value: Any) -> Any:
        replaced = self._row_values.get((step, path), self._row_values.get(("", path), NOTHING))
        if replaced is not NOTHING:
            return replaced
        if isinstance(value, Mapping):
            name, _, inner = value["from"].partition(".")
            return self._needs.value(name, inner, self)
        return value

    def _take(self, name: str, text: str, source: str) -> None:
        step, colon, rest = name.partition(":")
        step, path = (step, rest) if colon and step in STEPS else ("", name)
        record, _, inner = path.partition(".")
        try:
            if self._needs.given(record, inner) is not None and not step:
                kind = self._needs.kind(record, inner)
                self._record_values[record, inner] = self._resolver.parse(inner, kind, text)
                return
            row = self._find(path)
            if row is None:
                return
            value = self._resolver.parse(row["path"], row["type"], text)
            source_record = source_of(row)
            if source_record:
                self._record_values[source_record] = value
                return
            self._row_values[step, row["path"]] = value
        except ValueError as error:
            shown = f"{text!r}: " if "out of range" in str(error) else ""
            raise ConfigurationError(f"{source}: {name}: {shown}{error}") from None

    def _find(self, name: str) -> Json | None:
        """The row of that name; None where only another table of the run has it."""
        exact = [row for row in self._rows if row["path"] == name]
        found = exact or [r for r in self._rows if r["path"].rpartition(".")[2] == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                "stands more than once; write " + " or ".join(r["path"] for r in found)
            )
        if name in self._elsewhere:
            return None
        known = list(self._names())
        # Short names can be typed, too: cipCode is near cipcode, its path is not.
        near = {path.rpartition(".")[2].casefold(): path for path in known}
        close = get_close_matches(name.rpartition(".")[2].casefold(), near, 1, 0.75)
        hint = f" Did you mean {near[close[0]].rpartition('.')[2]}?" if close else ""
        raise ValueError(f"no such property.{hint} Known names: {', '.join(known)}")

    def _names(self) -> Iterator[str]:
        yield from (row["path"] for row in self._rows)
        for name, spec in self._needs.raw.items():
            for path in spec.get("values", {}):
                if self._needs.given(name, path) is not None:
                    yield f"{name}.{path}"
