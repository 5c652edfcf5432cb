"""Records that come after a scenario's own: made once it is there, gone before it is deleted.

A student, say, cannot be read back before it is enrolled, nor deleted while it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.records import Records
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Table

Json = dict[str, Any]


def make(prerequisites: Prerequisites, table: Table) -> None:
    """What the table has ``after`` its record; :class:`NotTestable` where it cannot be made."""
    for name, need in table.needs.items():
        if need.after:
            prerequisites.create(name.replace("_", " "), need.resource, need.record, absent=True)


def keys(records: Records, table: Table) -> list[tuple[str, Json]]:
    """Collection and natural key of each of them."""
    late = [need for need in table.needs.values() if need.after]
    return [(need.resource, records.key_of(need.resource, need.record)) for need in late]


def delete_ours(run: Run, records: Records, wanted: Collection[tuple[str, Json]]) -> None:
    """Delete what this run made under some keys; a failure is noted and tried again at the end."""
    for entry in records.journal.pending() if wanted else ():
        ours = (entry.resource, entry.key) in wanted and entry.url
        url = records.address_of(entry) if ours else None
        problem = records.delete(url) if url else None
        if problem:
            run.note(f"Not deleted yet, tried again at the end: {problem}")
        elif url:
            records.journal.deleted(entry.url or "")
