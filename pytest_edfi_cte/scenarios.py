"""The scenario model: what a table asks of one record, resolved for one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

Json = dict[str, Any]
#: The two states of a record that a table's rows give: as it is made, and as it becomes.
STEPS = ("create", "update")
#: Step of a scenario -> HTTP method of the request that it is about.
METHODS = {"create": "POST", "update": "PUT", "upsert": "POST", "delete": "DELETE", "absent": "GET"}
TABLE_RULE = "by the certification table"
#: Types of rows that only hold other rows.
CONTAINERS = ("reference", "object", "array")


@dataclass(frozen=True)
class Row:
    """One line of the table, resolved.

    ``path`` is dotted from the record's root; ``type`` is the table's ("date", "descriptor"…);
    ``values`` maps a state of the record ("create", "update") to the JSON value. It has no entry
    where nothing is sent, and none at all in rows that only hold others. ``by``: who says so.
    """

    path: str
    type: str
    collection: bool
    required: str
    values: Mapping[str, Any]
    by: str = TABLE_RULE

    @property
    def rule(self) -> str:
        """Who requires the value: ``REQUIRED by the certification table``."""
        return f"{self.required} {self.by}"

    @property
    def name(self) -> str:
        """The property's own name, the last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Need:
    """What must exist for a scenario. ``found_by``: the parts of the key that identify it.

    ``after``: made as soon as the scenario's record is there, to which it refers.
    """

    resource: str
    preloaded: bool
    found_by: tuple[str, ...]
    record: Json
    after: bool = False


@dataclass(frozen=True)
class Scenario:
    """One scenario of a table: what to send and what must be stored.

    ``step`` is create, update, upsert, delete or absent; ``changes`` the one path that it changes,
    None where it is none or several; ``changed`` has all of them.
    """

    step: str
    number: int
    title: str
    changes: str | None
    changed: tuple[str, ...]
    table: Table

    @property
    def method(self) -> str:
        """The HTTP method of its request."""
        return METHODS[self.step]

    @property
    def id(self) -> str:
        """Readable and unique, e.g. ``sis-v5-student-cte-program-association-1-create``."""
        return f"{self.table.id}-{self.number}-{self.step}"

    @property
    def state(self) -> str:
        """The state of the record that it is about: "create" or "update"."""
        return "update" if self.step in ("update", "upsert") else "create"

    @property
    def payload(self) -> Json:
        """The record as JSON, built from the table's column; a new object each time."""
        return self.table.payload(self.state)


def nowhere(_uri: str) -> str:
    """Where a value stands that no user's file has."""
    return ""


@dataclass(frozen=True)
class Table:
    """What a table says of one record, for one school year, namespace and set of overrides.

    A file with several scenarios gives several of these: one for each, with the record's two
    states ("create" and "update", whatever the columns are called in the file).
    """

    id: str
    title: str
    certification: str
    edition: str
    resource: str
    schema: str
    rows: tuple[Row, ...]
    school_year: int
    needs: Mapping[str, Need]
    #: query parameter -> dotted path, from the schema
    natural_key: Mapping[str, str]
    #: step -> number, title and what changes
    _scenarios: Mapping[str, Mapping[str, Any]]
    #: state -> the record as a hook changed it, and the part of it that no row is about
    sent: Mapping[str, Json] = field(default_factory=dict)
    added: Mapping[str, Json] = field(default_factory=dict)
    #: descriptor URI -> file and line of a user's own table that has it, else an empty text
    written_at: Callable[[str], str] = field(default=nowhere, compare=False, repr=False)

    @property
    def prerequisites(self) -> dict[str, Json]:
        """Name of the prerequisite -> its record as JSON."""
        return {name: need.record for name, need in self.needs.items()}

    @property
    def descriptors(self) -> dict[str, str]:
        """Every descriptor value that the rows send: URI -> path of the property it is for."""
        rows = [row for row in self.rows if row.type == "descriptor"]
        return {row.values[step]: row.path for row in rows for step in row.values}

    def scenario(self, step: str) -> Scenario:
        """The scenario of a step; KeyError for one that the table does not have."""
        facts = self._scenarios[step]
        return Scenario(step=step, table=self, **{"changes": None, "changed": (), **facts})

    def has(self, step: str) -> bool:
        """Whether the table has a scenario of this step."""
        return step in self._scenarios

    def changing(self, step: str, paths: tuple[str, ...]) -> Table:
        """The table with other paths that the scenario of a step changes."""
        facts = dict(self._scenarios[step])
        only = facts.get("changes") or (paths[0] if len(paths) == 1 else None)
        facts |= {"changes": only, "changed": paths}
        return replace(self, _scenarios={**self._scenarios, step: facts})

    def payload(self, step: str) -> Json:
        """The record in one of its states; one element in each collection that a row is about."""
        if step in self.sent:
            return deepcopy(self.sent[step])
        if step not in self._payloads:
            self._payloads[step] = self._built(step)
        record: Json = _copied(self._payloads[step])
        return record

    @cached_property
    def _payloads(self) -> dict[str, Json]:
        """Built once: a scenario asks for its record a dozen times."""
        return {}

    def _built(self, step: str) -> Json:
        record: Json = {}
        collections = {row.path for row in self.rows if row.collection}
        for row in self.rows:
            if step in row.values:
                put(record, row.path, row.values[step], collections)
        return record

    def key_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The natural key of a record as query parameters; None for a missing part."""
        return {query: get(record, path) for query, path in self.natural_key.items()}

    @property
    def moves(self) -> bool:
        """True where the record gets another natural key."""
        return self.key_of(self.payload("create")) != self.key_of(self.payload("update"))


def _copied(value: Any) -> Any:
    """A copy of JSON; values that hold no others are shared."""
    if type(value) is dict:
        return {name: _copied(inner) for name, inner in value.items()}
    if type(value) is list:
        return [_copied(inner) for inner in value]
    return value


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
