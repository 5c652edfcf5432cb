"""Which of some records is the one that a product was to send, and whether it is as asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_edfi_cte.compare import (
    ABSENT,
    SameDescriptor,
    at,
    identity_of,
    is_descriptor,
    same_json,
    short,
)
from pytest_edfi_cte.expectations import judge_sent
from pytest_edfi_cte.judge import Finding, Kind, judge_schema
from pytest_edfi_cte.judgements import Judgement, of_a_product, ordered
from pytest_edfi_cte.payloads import BY_HOOK
from pytest_edfi_cte.scenarios import Scenario, Table

Json = dict[str, Any]
BY_KEY = "part of the natural key, by the certification table"
ONCE = "once under its natural key, by the certification table"
REQUIRED, AT_WILL = "REQUIRED", ("CONDITIONAL", "OPTIONAL")
#: Near misses that are named; more would only hide the nearest.
NEAREST = 3


class RecordJudge:
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

    def differing_key(
        self, record: Mapping[str, Any], state: str = "create"
    ) -> list[tuple[str, Any, Any]]:
        """The parts of the natural key that differ: (path, expected, received).

        ``state`` of the table's record ("create", "update"): an update may give it another key.
        """
        wanted = self.table.payload(state)
        parts = []
        for path in self.table.natural_key.values():
            expected, received = at(wanted, path), at(record, path)
            # As text too: 222222 for "222222" is this record, and its type is judged later.
            as_text = str(expected).lower() == str(received).lower()
            if not as_text and not same_json(expected, received, self.accepts):
                parts.append((path, expected, received))
        return parts

    def under_key(self, records: Iterable[Json], state: str = "create") -> list[Json]:
        """The records under the table's natural key, mappings applied."""
        return [record for record in records if not self.differing_key(record, state)]

    def near(
        self, records: Sequence[Json], known: frozenset[str] | None, state: str = "create"
    ) -> list[Finding]:
        """The nearest records under another key, one finding for each part that differs."""
        new = [r for r in records if known is None or r.get("id") not in known]
        missed = ((self.differing_key(r, state), r) for r in new)
        misses = sorted(missed, key=lambda miss: len(miss[0]))
        fewest = len(misses[0][0]) if misses else 0
        return [
            miss(record, *part)
            for parts, record in misses[:NEAREST]
            if len(parts) == fewest
            for part in parts
        ]

    # -- a create ---------------------------------------------------------------------------

    def created(
        self, scenario: Scenario, records: Sequence[Json], known: frozenset[str] | None = None
    ) -> Judgement:
        """The record of a create among ``records``; ``known``: ids that were there before."""
        mine = self.under_key(records)
        if not mine:
            return Judgement(tuple(self._not_there(records, known)), open=True)
        findings = [count(mine)]
        strangers = [r for r in records if known is not None and r not in mine]
        findings += [second(r) for r in strangers if r.get("id") not in (known or ())]
        return Judgement(ordered([*findings, *self.values(scenario, mine[0])]))

    def _not_there(
        self, records: Sequence[Json], known: frozenset[str] | None
    ) -> Sequence[Finding]:
        near = self.near(records, known)
        where = "records under the natural key"
        return near or [Finding(where, 1, 0, ONCE, "not-sent")]

    def values(self, scenario: Scenario, record: Json) -> list[Finding]:
        """Every row of the table, and the resource's schema where the rows say nothing."""
        sent = judge_sent(scenario, record, self.schema, self.accepts)
        rows = [_excused(finding) for finding in sent]
        if self.validator is not None:
            judged = {finding.where for finding in rows} | {"id"}
            model = judge_schema(self.validator, record, self.label)
            # `id` and what begins with "_" is the API's own: no product sends it.
            rows += [f for f in model if f.where not in judged and not f.where.startswith("_")]
        return self._services([of_a_product(finding) for finding in rows], record, scenario.payload)

    def _services(self, findings: list[Finding], record: Json, asked: Json) -> list[Finding]:
        """Where the table's element is not there at all, say that instead of each property."""
        for row in self.table.rows:
            if not row.collection or at(asked, row.path) is ABSENT:
                continue
            elements = at(record, row.path)
            elements = elements if isinstance(elements, list) else []
            wanted = at(asked, row.path)[0]
            key = identity_of(self.schema, row.path)[0]
            if any(self.is_service(element, wanted, key) for element in elements):
                continue
            if not elements and row.required != REQUIRED:
                continue
            label = f"{row.path}[{short(at(wanted, key))}]"
            names = [at(element, key) for element in elements]
            kind: Kind = "other-service" if names else "service-missing"
            rule = f"{row.required} by the certification table"
            missing = Finding(label, at(wanted, key), names or ABSENT, rule, kind)
            rest = [f for f in findings if not f.where.startswith((f"{label}.", row.path)) or f.ok]
            findings = [missing, *rest]
        return findings

    def is_service(self, element: Any, wanted: Mapping[str, Any], key: str) -> bool:
        """True where an element is the table's, be it in another namespace or case."""
        one, other = at(element, key), at(wanted, key)
        if same_json(one, other, self.accepts):
            return True
        return is_descriptor(one, other) and short(one).lower() == short(other).lower()


def miss(record: Json, path: str, expected: Any, received: Any) -> Finding:
    """A part of the natural key that keeps a record from being the one that is looked for."""
    namespace = is_descriptor(expected, received) and short(expected) == short(received)
    kind: Kind = "key-namespace" if namespace else "other-key"
    return Finding(f"{path} (of {record.get('id')})", expected, received, BY_KEY, kind)


def _excused(finding: Finding) -> Finding:
    """What is CONDITIONAL or OPTIONAL need not be sent: a product may not have it.

    A value that a hook of the user's sets is asked of it all the same.
    """
    at_will = finding.rule.startswith(AT_WILL) and not finding.rule.endswith(BY_HOOK)
    excused = finding.kind in ("missing", "null") and at_will
    rule = f"{finding.rule}; the product did not send it"
    return replace(finding, kind="ok", rule=rule) if excused else finding


def count(mine: Sequence[Json]) -> Finding:
    """How often the record is there."""
    kind: Kind = "ok" if len(mine) == 1 else "sent-twice"
    return Finding("records under the natural key", 1, len(mine), ONCE, kind)


def second(record: Json) -> Finding:
    """A record beside the one that was asked for."""
    return Finding("another record of the student", ABSENT, record.get("id"), ONCE, "second-record")
