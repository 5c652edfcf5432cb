"""Deletes what the contract pack made, whether its POST was meant to succeed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.compare import at
from pytest_edfi_cte.contract_checks.answers import NOT_FOUND

if TYPE_CHECKING:
    from pytest_edfi_cte.contract_checks.bench import Bench
    from pytest_edfi_cte.journal import Entry

STUDENTS, ENROLLMENTS = "students", "studentSchoolAssociations"
STUDENT_ID = "studentReference.studentUniqueId"
#: Records of one student that are asked for at once; a run makes about half as many.
PAGE = 100
#: How often it is asked whether something is left.
ROUNDS = 3


def clear(bench: Bench) -> str:
    """Delete everything about the bench's students; what stands in the way, "" where nothing does.

    Associations first: without its enrollment a student's records are hidden.
    """
    for resource in (bench.resource, ENROLLMENTS, STUDENTS):
        for student in bench.students if resource != STUDENTS else ():
            _sweep(bench, resource, student["studentUniqueId"])
        for entry in bench.records.journal.pending():
            if entry.resource == resource and entry.url in bench.made:
                problem = _delete(bench, entry)
                if problem:
                    return problem
    return ""


def _delete(bench: Bench, entry: Entry) -> str | None:
    """Delete what no query showed; what stands in the way, None where it is gone."""
    url = entry.url or ""
    if url in bench.removed and bench.get(url).status == NOT_FOUND:
        bench.records.journal.deleted(url)
        return None
    place = bench.records.address_of(entry)
    return bench.records.delete(place) if place else None


def _sweep(bench: Bench, resource: str, student: str) -> None:
    """Delete what a query shows to be about the student, expected or not.

    A record is known to be gone when a query that showed it does not show it any more.
    """
    journal, told = bench.records.journal, dict[str, str]()
    for _ in range(ROUNDS):
        answer = bench.get(resource, params={"studentUniqueId": student, "limit": PAGE})
        if answer.rows is None:
            return
        own = {
            row["id"]: row
            for row in answer.rows
            if str(at(row, STUDENT_ID)) == student and isinstance(row.get("id"), str)
        }
        for record_id in told.keys() - own.keys():
            journal.deleted(told.pop(record_id))
        noted = {(e.url or "").rpartition("/")[2]: e.url for e in journal.pending()}
        for record_id, row in own.items():
            known = noted.get(record_id) or bench.records.adopt(resource, row, record_id).url
            if known and bench.send("DELETE", known).accepted:
                told[record_id] = known
        if not own:
            return
