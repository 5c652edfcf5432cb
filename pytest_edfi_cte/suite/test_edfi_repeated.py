"""The scenarios of the run for fictional students (``--edfi-repeat``), some in each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.collection import parametrize

if TYPE_CHECKING:
    import pytest

    from pytest_edfi_cte.reporting.students import Students


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its scenarios."""
    parametrize(metafunc)


def test_students(edfi_students: Students) -> None:
    """Every scenario for every one of these students; all findings are told together."""
    edfi_students.judge()
