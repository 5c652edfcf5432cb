"""Records that come after a scenario's own: made once it is there, gone before it is deleted.

A student, say, cannot be read back before it is enrolled, nor deleted while it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.records import Records
from pytest_edfi_cte.scenarios import Table

Json = dict[str, Any]


class Followers:
    """What a table has ``after`` its record."""

    def __init__(self, prerequisites: Prerequisites, table: Table) -> None:
        self._prerequisites = prerequisites
        self._needs = {name: need for name, need in table.needs.items() if need.after}

    def make(self) -> None:
        """Make them; :class:`NotTestable` where one is refused."""
        for name, need in self._needs.items():
            said = name.replace("_", " ")
            self._prerequisites.create(said, need.resource, need.record, absent=True)

    def leave(self) -> None:
        """Delete them, where this run made them."""
        records = self._prerequisites.records
        needs = self._needs.values()
        delete_ours(records, [(n.resource, records.key_of(n.resource, n.record)) for n in needs])


def delete_ours(records: Records, wanted: Collection[tuple[str, Json]]) -> None:
    """Delete what this run made under some keys; a failure is noted and tried again at the end."""
    for entry in records.journal.pending() if wanted else ():
        ours = (entry.resource, entry.key) in wanted and entry.url
        url = records.address_of(entry) if ours else None
        problem = records.delete(url) if url else None
        if problem:
            records.note(f"Not deleted yet, tried again at the end: {problem}")
        elif url:
            records.journal.deleted(entry.url or "")
