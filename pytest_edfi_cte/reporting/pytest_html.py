"""pytest-html as a view of the result model: columns, a section per scenario, a summary on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte.reporting.drawing import template
from pytest_edfi_cte.reporting.model import CheckResult, first_wrong, is_good
from pytest_edfi_cte.reporting.students import StudentResults
from pytest_edfi_cte.reporting.words import (
    advice,
    badness,
    headline,
    is_all_good,
    kit_name,
    report_name,
    students_told,
)

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run

COLUMNS = ("Scenario", "Requirement", "Expected", "Received")
#: pytest-html's own columns before ours: Result, Test.
FIRST = 2


class HtmlHooks:
    """pytest-html's hooks; where it is not installed or switched off, none is called."""

    def __init__(self, run: Run, students: StudentResults) -> None:
        self._run = run
        self._students = students
        self._results: dict[str, CheckResult] = {}

    def gather(self, report: pytest.TestReport) -> None:
        """Keep a scenario's result for the summary."""
        result = _check_of(report)
        if result:
            self._results[report.nodeid] = result

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Name the report for what it is."""
        report.title = report_name(self._tables())

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add our columns behind Result and Test."""
        cells[FIRST:FIRST] = [f"<th>{name}</th>" for name in COLUMNS]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Fill our columns; tests that are no scenario leave them empty."""
        result = _check_of(report)
        cells[FIRST:FIRST] = self._render(
            "cells", result=result, row=_deciding(result), mode=self._run.settings.mode
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: pytest.TestReport, data: list[str]) -> None:
        """Show a scenario's findings and exchanges above whatever was logged."""
        result = _check_of(report)
        if result:
            logged = [line for line in data if line != "No log output captured."]
            message = result["message"]
            # The message is in our section already, in a form that fits a narrow screen.
            data[:] = self._render("details", result=result) + (logged if not message else [])

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Verdicts first, then what was judged; what is left behind is said here too."""
        self._run.clean_up()
        everything = list(self._results.values())
        results = [r for r in everything if r["kind"] != "contract"]
        results.sort(key=lambda r: (r["number"], r["id"]))
        checks = sorted((r for r in everything if r["kind"] == "contract"), key=badness)
        rows = self._students.ledger.rows() if self._students.begun else []
        facts = self._run.facts() if everything or rows else {}
        tables = self._tables()
        if facts and kit_name(tables) != kit_name(()):
            told = (f"{table['title']} ({table['resource']})" for table in tables)
            facts["Tables"] = ", ".join(dict.fromkeys(told))
        notes = dict.fromkeys(note for result in everything for note in result["notes"])
        prefix.extend(
            self._render(
                "summary",
                results=results,
                students=[(students_told(row), is_all_good(row), row) for row in rows],
                checks=checks,
                facts=facts,
                notes=list(notes),
                left=self._run.left_behind,
                is_good=is_good,
                headline=headline,
                advice=advice,
            )
        )

    def _tables(self) -> list[dict[str, Any]]:
        return [entry.file.content for entry in self._run.chosen.entries.values()]

    @staticmethod
    def _render(part: str, **values: Any) -> list[str]:
        """One block of the template, escaped; ``cells`` gives one text per column."""
        parts = template("pytest_html.html")
        text = "".join(parts.blocks[part](parts.new_context(values)))
        return [cell.strip() for cell in text.split("<!--cell-->") if cell.strip()]


def _check_of(report: pytest.TestReport) -> CheckResult | None:
    """A report's check; a test of the user's own is shown by pytest-html as it shows any."""
    result: CheckResult | None = getattr(report, "edfi", None)
    return None if result is None or result["kind"] == "own" else result


def _deciding(result: CheckResult | None) -> dict[str, Any] | None:
    """The row that decided the verdict: the first wrong finding."""
    wrong = first_wrong(result["findings"]) if result else None
    return dict(wrong) if wrong else None
