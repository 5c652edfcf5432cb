"""What killed processes have left behind, found in their journals: the next run deletes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.journal import Journal, orphans

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run


def after_killed(run: Run, whose: str) -> list[str]:
    """Delete what journals without a living owner list; says what could not be deleted.

    ``whose``: what left it, for the note: an earlier run, or a worker of this one.
    """
    left: list[str] = []
    for journal in orphans(run.journal.path.parent, run.journal):
        run.records.confirm(journal)
        here = [e for e in journal.pending() if e.base_url == run.api.base_url]
        problems = run.records.clean_up(journal)
        if here and not problems:
            run.note(f"Deleted {len(here)} records that a killed {whose} had left behind.")
        for entry in journal.unconfirmed():
            if entry.base_url == run.api.base_url:
                run.note(
                    f"A killed {whose} may have left a {entry.resource} record with key "
                    f"{dict(entry.key)}; it cannot be told whether it is ours, so it stays."
                )
        left += problems
        if not journal.pending():
            journal.remove()
    _forget_ledgers(run)
    return left


def _forget_ledgers(run: Run) -> None:
    """Delete the results of students that killed runs kept for their reports."""
    folder = run.journal.path.parent
    for path in folder.glob("run-*.sqlite"):
        journal = Journal(path.with_suffix(".jsonl"))
        if journal.path == run.journal.path:
            continue
        with journal.owned() as mine:
            if mine:
                for part in folder.glob(f"{path.name}*"):
                    part.unlink(missing_ok=True)
        if mine and not journal.path.exists():
            journal.remove()
