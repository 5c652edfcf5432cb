"""What runs that were killed have left behind: the next run deletes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.journal import orphans

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run


def after_killed_runs(run: Run) -> list[str]:
    """Delete what earlier runs created in this API; says what could not be deleted."""
    left: list[str] = []
    for journal in orphans(run.journal.path.parent, run.journal):
        here = [e for e in journal.pending() if e.base_url == run.api.base_url]
        problems = run.records.clean_up(journal)
        if here and not problems:
            run.note(f"Deleted {len(here)} records that a killed run had left behind.")
        for entry in journal.unconfirmed():
            if entry.base_url == run.api.base_url:
                run.note(
                    f"A killed run may have left a {entry.resource} record with key "
                    f"{dict(entry.key)}; it cannot be told whether it is ours, so it stays."
                )
        left += problems
        if not journal.pending():
            journal.remove()
    return left
