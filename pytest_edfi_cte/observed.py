"""Judging what a product sent, from records alone: no HTTP, no pytest, no waiting.

Given are the records of the table's resource (as JSON with ``id``) among which the product's one
should be, and before an update the record as it was. The caller decides where they come from (an
API that is watched, the sandbox's memory) and, for a judgement that is still open, whether to look
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_edfi_cte.compare import (
    ABSENT,
    SameDescriptor,
    at,
    equal_ids,
    identity_of,
    is_descriptor,
    same_json,
    short,
)
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.expectations import judge_sent
from pytest_edfi_cte.judge import Finding, Kind, judge_schema
from pytest_edfi_cte.judgements import Judgement, of_a_product, ordered
from pytest_edfi_cte.scenarios import Scenario, Table

Json = dict[str, Any]
BY_KEY = "part of the natural key, by the certification table"
IN_PLACE = "an update in place, by the certification"
ONCE = "once under its natural key, by the certification table"
#: Near misses that are named; more would only hide the nearest.
NEAREST = 3


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Before:
    """The record before the update. ``id`` is its place in the API.

    ``record`` may hold something in the place of values (fingerprints, where they are kept in a
    file): then ``view`` makes a record comparable with it, and ``shown`` gives the value behind a
    fingerprint, or a text where it is not known. ``others``: the ids of the student's other
    records at the time, None where they are not known.
    """

    id: str
    record: Mapping[str, Any]
    others: frozenset[str] | None = None
    view: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_it_is
    shown: Callable[[Any], Any] = _as_it_is


class ProductJudge:
    """Judges records by one table. Descriptor values that count as one: ``accepts``.

    ``schema``: the resource's JSON Schema; ``validator``: compiled, None leaves it out; ``label``
    names it in findings. ``accepts`` and ``spelled`` both tell whether two descriptor URIs are one
    value: the first in the eyes of the table, with the vendor's mappings; the second in the API.
    """

    def __init__(
        self,
        table: Table,
        schema: Json,
        *,
        accepts: SameDescriptor | None = None,
        spelled: SameDescriptor | None = None,
        validator: Any = None,
        label: str = "by the API model",
    ) -> None:
        self.table = table
        self.schema = schema
        self.accepts = accepts
        self.spelled = spelled
        self.validator = validator
        self.label = label

    # -- which record -----------------------------------------------------------------------

    def differing_key(self, record: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
        """The parts of the natural key that differ: (path, expected, received)."""
        wanted = self.table.payload("create")
        parts = []
        for path in self.table.natural_key.values():
            expected, received = at(wanted, path), at(record, path)
            # As text too: 222222 for "222222" is this record, and its type is judged later.
            as_text = str(expected).lower() == str(received).lower()
            if not as_text and not same_json(expected, received, self.accepts):
                parts.append((path, expected, received))
        return parts

    def under_key(self, records: Iterable[Json]) -> list[Json]:
        """The records under the table's natural key, mappings applied."""
        return [record for record in records if not self.differing_key(record)]

    def _near(self, records: Sequence[Json], known: frozenset[str] | None) -> list[Finding]:
        """The nearest records under another key, one finding for each part that differs."""
        new = [r for r in records if known is None or r.get("id") not in known]
        misses = sorted(((self.differing_key(r), r) for r in new), key=lambda miss: len(miss[0]))
        fewest = len(misses[0][0]) if misses else 0
        return [
            _miss(record, *part)
            for parts, record in misses[:NEAREST]
            if len(parts) == fewest
            for part in parts
        ]

    # -- scenario 1 -------------------------------------------------------------------------

    def created(
        self, scenario: Scenario, records: Sequence[Json], known: frozenset[str] | None = None
    ) -> Judgement:
        """The record of a create among ``records``; ``known``: ids that were there before."""
        mine = self.under_key(records)
        if not mine:
            return Judgement(tuple(self._not_there(records, known)), open=True)
        findings = [_count(mine)]
        strangers = [r for r in records if known is not None and r not in mine]
        findings += [_second(r) for r in strangers if r.get("id") not in (known or ())]
        return Judgement(ordered([*findings, *self._values(scenario, mine[0])]))

    def _not_there(
        self, records: Sequence[Json], known: frozenset[str] | None
    ) -> Sequence[Finding]:
        near = self._near(records, known)
        where = "records under the natural key"
        return near or [Finding(where, 1, 0, ONCE, "not-sent")]

    def _values(self, scenario: Scenario, record: Json) -> list[Finding]:
        """Every row of the table, and the resource's schema where the rows say nothing."""
        rows = judge_sent(scenario, record, self.schema, self.accepts)
        if self.validator is not None:
            judged = {finding.where for finding in rows} | {"id"}
            model = judge_schema(self.validator, record, self.label)
            # `id` and what begins with "_" is the API's own: no product sends it.
            rows += [f for f in model if f.where not in judged and not f.where.startswith("_")]
        return self._services([of_a_product(finding) for finding in rows], record)

    def _services(self, findings: list[Finding], record: Json) -> list[Finding]:
        """Where the table's service is not there at all, say that instead of each property."""
        for row in self.table.rows:
            elements = at(record, row.path)
            if not row.collection:
                continue
            elements = elements if isinstance(elements, list) else []
            wanted = at(self.table.payload("create"), row.path)[0]
            key = identity_of(self.schema, row.path)[0]
            if any(self.is_service(element, wanted, key) for element in elements):
                continue
            label = f"{row.path}[{short(wanted[key])}]"
            names = [at(element, key) for element in elements]
            kind: Kind = "other-service" if names else "service-missing"
            rule = f"{row.required} by the certification table"
            missing = Finding(label, wanted[key], names or ABSENT, rule, kind)
            rest = [f for f in findings if not f.where.startswith((f"{label}.", row.path)) or f.ok]
            findings = [missing, *rest]
        return findings

    def is_service(self, element: Any, wanted: Mapping[str, Any], key: str) -> bool:
        """True where an element is the table's, be it in another namespace or case."""
        one, other = at(element, key), wanted[key]
        if same_json(one, other, self.accepts):
            return True
        return is_descriptor(one, other) and short(one).lower() == short(other).lower()

    # -- scenario 2 -------------------------------------------------------------------------

    def is_updated(self, scenario: Scenario, before: Before) -> bool:
        """True where the record was as scenario 2 wants it before anything was to happen."""
        collection, _, name = (scenario.changes or "").rpartition(".")
        wanted = at(scenario.payload, collection)[0]
        element = self._service_of(before.record, collection, wanted)
        return same_json(before.shown(at(element, name)), wanted[name])

    def _service_of(self, record: Mapping[str, Any], collection: str, wanted: Json) -> Any:
        key = identity_of(self.schema, collection)[0]
        elements = at(record, collection)
        found = elements if isinstance(elements, list) else []
        return next((e for e in found if self.is_service(e, wanted, key)), ABSENT)

    def updated(self, scenario: Scenario, before: Before, records: Sequence[Json]) -> Judgement:
        """The record after an update: in place, the one property changed, nothing else."""
        own = next((r for r in records if equal_ids(r.get("id"), before.id)), None)
        mine = self.under_key(records)
        others = [r for r in records if r is not own and r not in mine]
        second = [
            _second(r)
            for r in others
            if before.others is not None and r.get("id") not in before.others
        ]
        if own is None:
            if mine:
                new = Finding("id", before.id, mine[0].get("id"), IN_PLACE, "recreated")
                return Judgement(ordered([new, *self._values(scenario, mine[0])]))
            where = "the record that scenario 1 created"
            gone = Finding(where, before.id, ABSENT, IN_PLACE, "deleted")
            return Judgement((gone, *self._near(others, before.others)))
        values = self._values(scenario, own)
        differences = judge_unchanged(
            before.record, before.view(own), "", self.schema, self.spelled
        )
        found = [
            Finding("id", before.id, own.get("id"), IN_PLACE),
            *second,
            *([_count(mine)] if len(mine) > 1 else []),
        ]
        found += self._differences(scenario, before, own, differences)
        if not differences:
            found.append(self._not_updated(scenario, own))
        still = not differences and not second and len(mine) == 1
        return Judgement(ordered([*found, *values]), open=still)

    def _not_updated(self, scenario: Scenario, record: Json) -> Finding:
        """The one value that scenario 2 is about, as it still is."""
        path = scenario.changes or ""
        collection, _, name = path.rpartition(".")
        wanted = at(scenario.payload, collection)[0]
        label = short(wanted[identity_of(self.schema, collection)[0]])
        received = at(self._service_of(record, collection, wanted), name)
        required = next(row.required for row in self.table.rows if row.path == path)
        rule = f"{required} by the certification table"
        where = f"{collection}[{label}].{name}"
        return Finding(where, wanted[name], received, rule, "not-updated")

    def _differences(
        self, scenario: Scenario, before: Before, after: Json, differences: Sequence[Finding]
    ) -> list[Finding]:
        """What changed beside what should, told as what the product did."""
        collection, _, name = (scenario.changes or "").rpartition(".")
        wanted = at(scenario.payload, collection)[0]
        key = identity_of(self.schema, collection)[0]
        old = self._service_of(before.record, collection, wanted)
        label = f"{collection}[{short(at(old, key))}]" if old is not ABSENT else ""
        found = [replace(f, expected=before.shown(f.expected)) for f in differences]
        found = [replace(f, received=before.shown(f.received)) for f in found]
        target = f"{label}.{name}"
        rest = [of_a_product(f) for f in found if f.where != target]
        gone = next((f for f in rest if f.where == label and f.received is ABSENT), None)
        if gone is not None:
            now = at(after, collection)
            names = [at(e, key) for e in now] if isinstance(now, list) else now
            replaced = Finding(label, at(old, key), names, IN_PLACE, "service-replaced")
            inside = f"{collection}["
            return [replaced, *(f for f in rest if not f.where.startswith(inside))]
        if target not in [f.where for f in found]:
            ending = f"].{name}"
            rest = [
                replace(f, kind="wrong-service") if f.where.endswith(ending) else f for f in rest
            ]
        return rest


def _miss(record: Json, path: str, expected: Any, received: Any) -> Finding:
    """A part of the natural key that keeps a record from being the one that is looked for."""
    namespace = is_descriptor(expected, received) and short(expected) == short(received)
    kind: Kind = "key-namespace" if namespace else "other-key"
    return Finding(f"{path} (of {record.get('id')})", expected, received, BY_KEY, kind)


def _count(mine: Sequence[Json]) -> Finding:
    kind: Kind = "ok" if len(mine) == 1 else "sent-twice"
    return Finding("records under the natural key", 1, len(mine), ONCE, kind)


def _second(record: Json) -> Finding:
    return Finding(
        "another association of the student", ABSENT, record.get("id"), ONCE, "second-record"
    )
