"""What differs between two reads of one record; collections are matched by their key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pytest_edfi_cte.compare import ABSENT, Json, SameDescriptor, at, identity_of, same_json, short
from pytest_edfi_cte.judge import Finding, Kind

#: What the API keeps beside the data: it may change between two reads.
SERVER_KEPT = frozenset({"_etag", "_lastModifiedDate", "_lineage", "link"})


def judge_unchanged(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    changes: str | Collection[str],
    schema: Json,
    same_descriptor: SameDescriptor | None = None,
) -> list[Finding]:
    """Differences between two reads of one record, except at ``changes`` and in what a host keeps.

    ``changes``: the dotted paths the scenario changes. No finding: nothing else changed.
    """
    paths = [changes] if isinstance(changes, str) else changes
    return list(_Diff(paths, schema, same_descriptor).walk(before, after, "", ""))


class _Diff:
    def __init__(self, changes: Collection[str], schema: Json, same: SameDescriptor | None) -> None:
        self.changes = changes
        self.schema = schema
        self.same = same

    def walk(self, before: Any, after: Any, path: str, label: str) -> Iterator[Finding]:
        if path and path in self.changes:
            return
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for name in sorted({*before, *after} - SERVER_KEPT):
                inner = f"{path}.{name}".lstrip(".")
                shown = f"{label}.{name}".lstrip(".")
                yield from self.walk(at(before, name), at(after, name), inner, shown)
        elif isinstance(before, list) and isinstance(after, list):
            yield from self._lists(before, after, path, label)
        elif not same_json(before, after, self.same):
            lost = after is ABSENT or after is None
            kind: Kind = "appeared" if before is ABSENT else "lost" if lost else "changed"
            yield Finding(label, before, after, "unchanged by the update", kind)

    def _lists(self, before: list[Any], after: list[Any], path: str, label: str) -> Iterator[Any]:
        keys = identity_of(self.schema, path)
        left = list(after)
        for element in before:
            name = short(at(element, keys[0])) if keys else ""
            match: Any = ABSENT
            for number, other in enumerate(left):
                if self._same_element(element, other, keys):
                    match = left.pop(number)  # by place: list.remove would take 1 for true
                    break
            yield from self.walk(element, match, path, f"{label}[{name}]")
        for element in left:
            name = short(at(element, keys[0])) if keys else ""
            yield from self.walk(ABSENT, element, path, f"{label}[{name}]")

    def _same_element(self, one: Any, other: Any, keys: list[str]) -> bool:
        if keys:
            return all(same_json(at(one, k), at(other, k), self.same) for k in keys)
        return same_json(one, other, self.same)
