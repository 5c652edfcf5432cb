"""In GitHub Actions: annotations in the log, and the summary on the step's page."""

from __future__ import annotations

import pytest

from tests.reporting import MIXED
from tests.test_report import IDS


@pytest.fixture
def actions(monkeypatch, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("from the step before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    return summary


def test_a_failure_is_annotated_and_summarised(actions, new_sandbox, kit) -> None:
    result = kit.scenarios(new_sandbox(MIXED[0]))
    lines = [line for line in result.outlines if line.startswith("::error ")]
    (line,) = lines
    assert "test_edfi_certification.py,line=" in line
    assert "title=failed%3A Scenario 2%3A Modify the program service's primary indicator::" in line
    assert line.endswith("primaryIndicator: expected false, received true")
    assert actions.read_text().startswith(
        "from the step before\n# Ed-Fi CTE conformance: not conformant\n"
    )


def test_a_good_run_has_a_summary_and_no_annotation(actions, new_sandbox, kit) -> None:
    result = kit.scenarios(new_sandbox())
    assert "::error" not in result.stdout.str()
    assert "# Ed-Fi CTE conformance: conformant" in actions.read_text()


def test_elsewhere_there_is_neither(actions, monkeypatch, new_sandbox, kit) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    result = kit.scenarios(new_sandbox(MIXED[0]))
    assert "::error" not in result.stdout.str()
    assert actions.read_text() == "from the step before\n"


def test_a_summary_that_cannot_be_written_is_said(
    actions, monkeypatch, new_sandbox, kit, tmp_path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such"))
    result = kit.scenarios(new_sandbox(), "-k", IDS[0])
    assert result.ret == 0
    assert "the step summary could not be written" in result.stdout.str()
