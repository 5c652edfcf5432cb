"""A record against a record that somebody expects; collections are matched by their key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_edfi_cte.compare import ABSENT, Json, SameDescriptor, at, identity_of, same_json, short
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.judge import (
    Finding,
    Kind,
    alike,
    compared,
    judge_record,
    not_sent,
    problem_of,
)
from pytest_edfi_cte.payloads import BY_HOOK
from pytest_edfi_cte.properties import KEPT, at_path, inner
from pytest_edfi_cte.scenarios import Scenario

#: Where no schema says which names there are: "beginDat" is like beginDate, and endDate is not.
VERY_LIKE = 0.85


def judge_expected(
    expected: Any,
    actual: Any,
    rule: str,
    schema: Json,
    same_descriptor: SameDescriptor | None = None,
) -> list[Finding]:
    """Every value of ``expected`` against ``actual``: one finding each, right or wrong.

    What ``expected`` does not name is not judged; a collection that it names has its elements and
    no others. :data:`ABSENT` expects that nothing is there (absent or null). ``schema`` is the
    resource's and knows the keys; where it knows none, elements match by all that is expected.
    ``rule`` says who expects it.
    """
    return list(_Expected(rule, schema, same_descriptor).walk(expected, actual, "", ""))


def judge_sent(
    scenario: Scenario,
    record: Any,
    schema: Json,
    same_descriptor: SameDescriptor | None = None,
) -> list[Finding]:
    """The table's rows against a record, and what a hook sent beside them."""
    findings = judge_record(scenario, record, schema, same_descriptor)
    added = scenario.table.added.get(scenario.state)
    if added and isinstance(record, Mapping):
        findings += judge_expected(added, record, BY_HOOK, schema, same_descriptor)
    return findings


class _Expected:
    def __init__(self, rule: str, schema: Json, same: SameDescriptor | None) -> None:
        self.rule = rule
        self.schema = schema
        self.same = same

    def walk(self, expected: Any, actual: Any, path: str, label: str) -> Iterator[Finding]:
        where = label or "record"
        if expected is ABSENT:
            yield not_sent(where, actual, self.rule)
        elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
            for name, value in expected.items():
                below, shown = f"{path}.{name}".lstrip("."), f"{label}.{name}".lstrip(".")
                lacks = name not in actual and value is not ABSENT
                meant = self._meant(name, {*actual} - {*expected}, path) if lacks else ""
                if meant:
                    yield Finding(shown, value, ABSENT, f"{self.rule}{meant}", "misnamed")
                else:
                    yield from self.walk(value, actual.get(name, ABSENT), below, shown)
        elif isinstance(expected, list) and isinstance(actual, list):
            yield from self._elements(expected, actual, path, label)
        elif isinstance(expected, (Mapping, list)):
            note = "an array" if isinstance(expected, list) else "an object"
            kind = problem_of(expected, actual)
            yield Finding(where, expected, actual, self.rule, kind, note)
        else:
            yield compared(where, expected, actual, self.rule, same=self.same)

    def _meant(self, name: str, others: set[str], path: str) -> str:
        """Which property of record or model a name is like that the model lacks; else ""."""
        if not self.schema:
            return nearest(name, sorted(others), VERY_LIKE)
        here = at_path(self.schema, path) if path else self.schema
        known = {*inner(self.schema, here or {}), *KEPT}
        return "" if name in known else nearest(name, sorted(others | known))

    def _elements(
        self, expected: list[Any], actual: list[Any], path: str, label: str
    ) -> Iterator[Finding]:
        yield Finding(label, expected, actual, self.rule, expected_note="an array")
        keys = identity_of(self.schema, path) if self.schema else []
        left = list(enumerate(actual))
        for number, element in enumerate(expected):
            shown = f"{label}[{self._name(element, keys, number)}]"
            match = next((n for n, (_, e) in enumerate(left) if self._same(element, e, keys)), None)
            if match is None:
                yield Finding(shown, element, ABSENT, self.rule, "missing")
            else:
                yield from self.walk(element, left.pop(match)[1], path, shown)
        for number, element in left:
            shown = f"{label}[{self._name(element, keys, number)}]"
            again = any(self._same(one, element, keys) for one in expected)
            kind: Kind = "duplicate" if again else "extra"
            yield Finding(shown, ABSENT, element, self.rule, kind)

    def _same(self, one: Any, other: Any, keys: list[str]) -> bool:
        """Whether an element is the expected one, right or wrong in what is not its key."""
        known = [key for key in keys if at(one, key) is not ABSENT]
        if known:
            return all(alike(at(one, key), at(other, key), self.same) for key in known)
        if isinstance(one, Mapping):
            return all(f.ok for f in self.walk(one, other, "", ""))
        return same_json(one, other, self.same)

    @staticmethod
    def _name(element: Any, keys: list[str], number: int) -> str:
        """The element in a finding: its key's code value, else its number."""
        value = at(element, keys[0]) if keys else element
        return short(value) if isinstance(value, str) else str(number)
