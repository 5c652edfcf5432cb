"""The scenarios of the run for fictional students (``--edfi-repeat``), some in each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_edfi_cte.reporting.students import Students


def test_students(edfi_students: Students) -> None:
    """Every scenario for every one of these students; all findings are told together."""
    edfi_students.judge()
