"""The scenario model: a certification table's rows and steps, resolved for one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
STEPS = ("create", "update")
#: Types of rows that only hold other rows.
CONTAINERS = ("reference", "array")


@dataclass(frozen=True)
class Row:
    """One line of the certification table, resolved.

    ``path`` is dotted from the record's root; ``type`` is the table's ("date", "descriptor"…);
    ``values`` maps step ("create", "update") to the JSON value, empty for rows that only hold
    others.
    """

    path: str
    type: str
    collection: bool
    required: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The property's own name, the last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Scenario:
    """One scenario of a table: what to send and what must be stored."""

    step: str
    number: int
    method: str
    title: str
    changes: str | None
    table: Table

    @property
    def id(self) -> str:
        """Readable and unique, e.g. ``sis-v5-student-cte-program-association-1-create``."""
        return f"{self.table.id}-{self.number}-{self.step}"

    @property
    def payload(self) -> Json:
        """The record as JSON, built from the table's column; a new object each time."""
        return self.table.payload(self.step)


@dataclass(frozen=True)
class Table:
    """A certification table resolved for one school year, namespace and set of overrides."""

    id: str
    title: str
    certification: str
    edition: str
    resource: str
    schema: str
    rows: tuple[Row, ...]
    school_year: int
    #: name of the prerequisite -> its record as JSON
    prerequisites: Mapping[str, Json]
    #: query parameter -> dotted path, from the schema
    natural_key: Mapping[str, str]
    _scenarios: Mapping[str, Mapping[str, Any]]

    @property
    def descriptors(self) -> dict[str, str]:
        """Every descriptor value that the rows send: URI -> path of the property it is for."""
        rows = [row for row in self.rows if row.type == "descriptor"]
        return {row.values[step]: row.path for row in rows for step in row.values}

    def scenario(self, step: str) -> Scenario:
        """The scenario of a step; KeyError for another word."""
        return Scenario(step=step, table=self, **{"changes": None, **self._scenarios[step]})

    def payload(self, step: str) -> Json:
        """The record that a step sends; one element in each collection."""
        record: Json = {}
        collections = {row.path for row in self.rows if row.collection}
        for row in self.rows:
            if row.type not in CONTAINERS:
                put(record, row.path, row.values[step], collections)
        return record

    def key_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The natural key of a record as query parameters; None for a missing part."""
        return {query: get(record, path) for query, path in self.natural_key.items()}


def get(record: Any, path: str) -> Any:
    """The value at a dotted path, or None; collections are not entered."""
    for part in path.split("."):
        if not isinstance(record, Mapping):
            return None
        record = record.get(part)
    return record


def put(record: Json, path: str, value: Any, collections: set[str] | frozenset[str]) -> None:
    """Set the value at a dotted path, making objects, and one element per collection."""
    here = record
    *parents, name = path.split(".")
    walked = ""
    for part in parents:
        walked = f"{walked}.{part}".lstrip(".")
        if walked in collections:
            here = here.setdefault(part, [{}])[0]
        else:
            here = here.setdefault(part, {})
    here[name] = value
