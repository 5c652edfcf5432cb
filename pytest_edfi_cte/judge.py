"""The judge: typed comparison and schema validation; see also ``differences``.

Everything it says is a :class:`Finding`. JSON types are part of a value (true is not 1),
collections are matched by their key, and absent, null and empty are three different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_edfi_cte.compare import (
    ABSENT,
    Json,
    SameDescriptor,
    at,
    identity_of,
    is_descriptor,
    json_type,
    nothing,
    same_json,
    short,
)
from pytest_edfi_cte.scenarios import CONTAINERS, TABLE_RULE, Row, Scenario

#: Of observe mode, where the product is judged: what it sent, and how (see observed.py).
_Found = Literal["not-sent", "other-key", "key-namespace", "sent-twice", "second-record"]
_Sent = Literal["not-supplied", "supplied-null", "supplied-type", "supplied-value", "supplied-case"]
_More = Literal["local-namespace", "supplied-extra", "supplied-duplicate", "supplied-schema"]
_Service = Literal["service-missing", "other-service", "service-replaced", "wrong-service"]
_Update = Literal["not-updated", "recreated", "deleted", "also-changed", "also-lost", "also-added"]
_Moved = Literal["not-moved", "old-key-kept", "not-deleted", "sent-again"]
_Act = Literal["act-failed", "act-timeout"]
#: The sort of a problem in one word; the words for people are in verdicts.MEANINGS.
Kind = Literal[
    _Found,
    _Sent,
    _More,
    _Service,
    _Update,
    _Moved,
    _Act,
    "ok",
    "status",
    "location",
    "not-json",
    "id",
    "new-id",
    "not-found",
    "duplicated",
    "disagrees",
    "not-stored",
    "missing",
    "misnamed",
    "null",
    "wrong-type",
    "wrong-value",
    "case",
    "namespace",
    "extra",
    "duplicate",
    "lost",
    "changed",
    "appeared",
    "schema",
    "requirement",
]
#: As a finding's ``expected_note``: what was expected and received is words and no JSON.
WORDS = "words"


@dataclass(frozen=True)
class Finding:
    """One compared thing: where, what was expected, what was received, and whether that is right.

    ``kind`` is one word for the sort of problem ("missing", "wrong-type", "changed"…), "ok" where
    there is none. ``rule`` says who requires it. ``where`` is a path in the record or a part of
    the answer, e.g. ``Location header``.
    """

    where: str
    expected: Any
    received: Any
    rule: str
    kind: Kind = "ok"
    expected_note: str = ""

    @property
    def ok(self) -> bool:
        """True where nothing is wrong."""
        return self.kind == "ok"


def judge_record(
    scenario: Scenario,
    record: Any,
    schema: Json,
    same_descriptor: SameDescriptor | None = None,
) -> list[Finding]:
    """Every row of the table against a record as read back: one finding per row, at least."""
    if not isinstance(record, Mapping):
        return [compared("record", {}, record, TABLE_RULE, expected_note="one JSON object")]
    return list(_Rows(scenario, record, schema, same_descriptor))


class _Rows:
    """Walks the table's rows over one record."""

    def __init__(
        self,
        scenario: Scenario,
        record: Mapping[str, Any],
        schema: Json,
        same_descriptor: SameDescriptor | None,
    ) -> None:
        self.state = scenario.state
        self.rows = scenario.table.rows
        self.payload = scenario.payload
        self.record = record
        self.schema = schema
        self.same = same_descriptor

    def __iter__(self) -> Iterator[Finding]:
        for row in self.rows:
            where, sent, received = self._place(row.path)
            if row.collection:
                yield from self._collection(row, sent, received, where)
            elif row.type in CONTAINERS:
                yield self._container(row, sent, received, where)
            else:
                yield self._plain(row, received, where)

    def _place(self, path: str) -> tuple[str, Any, Any]:
        """Where a row is, what was sent there and what was received.

        In each collection above it: of the element that was sent, found by its key.
        """
        sent: Any = self.payload
        received: Any = self.record
        where = walked = ""
        for part in path.split("."):
            if isinstance(sent, list):
                key, sent = self._key(walked), sent[0]
                wanted = at(sent, key)
                where += f"[{short(wanted)}]"
                elements = received if isinstance(received, list) else []
                matching = (e for e in elements if self._matches(at(e, key), wanted))
                received = next(matching, ABSENT)
            walked, where = f"{walked}.{part}".lstrip("."), f"{where}.{part}".lstrip(".")
            sent, received = at(sent, part), at(received, part)
        return where, sent, received

    def _plain(self, row: Row, received: Any, where: str) -> Finding:
        rule = row.rule
        value = row.values.get(self.state, ABSENT)
        if value is ABSENT:
            return not_sent(where, received, rule)
        return compared(where, value, received, rule, same=self.same)

    @staticmethod
    def _container(row: Row, expected: Any, received: Any, where: str) -> Finding:
        rule = row.rule
        if expected is ABSENT:
            return not_sent(where, received, rule)
        kind: Kind = "ok" if json_type(received) == "object" else problem_of(expected, received)
        return Finding(where, expected, received, rule, kind, "an object")

    def _key(self, path: str) -> str:
        """The identity property of a collection's elements, from the schema."""
        return identity_of(self.schema, path)[0]

    def _collection(self, row: Row, expected: Any, received: Any, where: str) -> Iterator[Finding]:
        rule = row.rule
        if expected is ABSENT:
            yield not_sent(where, received, rule)
            return
        if not isinstance(received, list):
            kind = problem_of(expected, received)
            yield Finding(where, expected, received, rule, kind, "an array")
            return
        key = self._key(row.path)
        sent = [at(element, key) for element in expected]
        yield Finding(where, expected, received, rule, expected_note="an array")
        for number, element in enumerate(received):
            value = at(element, key) if isinstance(element, Mapping) else element
            label = f"{where}[{short(value) if isinstance(value, str) else number}]"
            if not any(self._matches(value, one) for one in sent):
                yield Finding(label, ABSENT, element, rule, "extra")
            elif any(self._matches(value, at(before, key)) for before in received[:number]):
                yield Finding(label, ABSENT, element, rule, "duplicate")

    def _matches(self, one: Any, other: Any) -> bool:
        return alike(one, other, self.same)


def alike(one: Any, other: Any, same: SameDescriptor | None = None) -> bool:
    """One service, if perhaps in another namespace or case: then its own finding says which."""
    if same_json(one, other, same):
        return True
    return is_descriptor(one, other) and short(one).lower() == short(other).lower()


def judge_schema(validator: Any, record: Any, label: str) -> list[Finding]:
    """Where a record breaks its JSON Schema; ``label`` names the schema in the rule."""
    findings = []
    absent: set[tuple[str | int, ...]] = set()
    for error in validator.iter_errors(record):
        for leaf in _leaves(error):
            path = list(leaf.absolute_path)
            where = _where(record, path)
            received = leaf.instance
            expected: Any = f"{leaf.validator} {leaf.validator_value}"
            kind: Kind = "schema"
            if leaf.validator == "required":
                # An error for each missing name, and none says which: the first that is not told.
                lacking = (n for n in leaf.validator_value if n not in leaf.instance)
                name = next((n for n in lacking if (*path, n) not in absent), None)
                if name is None:
                    continue
                absent.add((*path, name))
                where, received = f"{where}.{name}".lstrip("."), ABSENT
                expected, kind = "present", "missing"
            elif leaf.validator == "type":
                kinds = leaf.validator_value
                expected = " or ".join([kinds] if isinstance(kinds, str) else kinds)
                kind = "wrong-type"
            elif leaf.validator == "format":
                expected = _FORMATS.get(leaf.validator_value, leaf.validator_value)
            findings.append(Finding(where or "record", expected, received, label, kind, "schema"))
    return findings


def judge_modified(record: Mapping[str, Any], schema: Json) -> list[Finding]:
    """The date of the last change, where a model does not name it: shown, it is a date and time.

    Data Standard 4's model has no ``_lastModifiedDate``, and its hosts show one all the same.
    """
    name = "_lastModifiedDate"
    value = record.get(name)
    if value is None or name in schema["properties"] or _is_instant(value):
        return []
    expected = _FORMATS["date-time"]
    return [Finding(name, expected, value, "by the Ed-Fi API guidelines", "schema", "schema")]


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and bool(_INSTANT.fullmatch(value))


_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?")
_FORMATS = {"date": "a date such as 2026-08-23", "date-time": "a date and time (RFC 3339)"}


def not_sent(where: str, received: Any, rule: str) -> Finding:
    """What the table does not send must not be there; hosts leave it out or write null."""
    empty = nothing(received) or received == []
    return Finding(where, ABSENT, received, rule, "ok" if empty else "extra")


def compared(
    where: str,
    expected: Any,
    received: Any,
    rule: str,
    *,
    expected_note: str = "",
    same: SameDescriptor | None = None,
) -> Finding:
    """The finding about one value, right or wrong, with its type."""
    kind = "ok" if same_json(expected, received, same) else problem_of(expected, received)
    return Finding(where, expected, received, rule, kind, expected_note)


def problem_of(expected: Any, received: Any) -> Kind:
    """The sort of difference, in one word."""
    if received is ABSENT:
        return "missing"
    if received is None:
        return "null"
    if json_type(expected) != json_type(received):
        return "wrong-type"
    if is_descriptor(expected, received) and expected.lower() == received.lower():
        return "case"
    if is_descriptor(expected, received) and short(expected) == short(received):
        return "namespace"
    return "wrong-value"


def _leaves(error: Any) -> Iterator[Any]:
    """An optional reference is "the reference or null": what matters is why it is no reference."""
    if error.validator == "anyOf":
        for inner in error.context:
            if inner.schema_path[0] == 0:
                yield from _leaves(inner)
    else:
        yield error


def _where(record: Any, path: list[str | int]) -> str:
    label = ""
    here = record
    for part in path:
        here = here[part]
        if isinstance(part, int):
            names = here.items() if isinstance(here, Mapping) else ()
            key = next((v for k, v in names if k.endswith("Descriptor") and is_descriptor(v)), None)
            label += f"[{short(key) if key else part}]"
        else:
            label = f"{label}.{part}".lstrip(".")
    return label
