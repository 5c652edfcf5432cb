"""From a finished test to the result model, attached to pytest's own report.

The report travels from an xdist worker to the controller with it.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte import fixtures
from pytest_edfi_cte.errors import EdFiError, NonConformance, NotTestable
from pytest_edfi_cte.reporting.model import Painter, ScenarioResult, is_good, requirement_of
from pytest_edfi_cte.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run

PACKAGE = Path(__file__).parents[1]
ISSUES = "the project's issue tracker"
#: Markers of tests that judge something; their first argument is its id.
JUDGING = ("edfi_scenario", "edfi_contract")


class Collector:
    """Makes results in the process that runs the test, gathers them in the one that reports."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._paint = Painter(run.redactor.clean)
        self._sent_notes = 0
        self.notes: list[str] = []
        #: Results of the contract pack.
        self.checks: list[ScenarioResult] = []

    def text(self, text: str) -> str:
        """Any text of the run, made safe to show."""
        return self._paint.text(text)

    def attach(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> pytest.TestReport:
        """Word the report for people and, for a scenario, add its result and properties."""
        error = call.excinfo.value if call.excinfo else None
        self._word(call, report)
        report.sections = [(name, self._paint.text(text)) for name, text in report.sections]
        marker = next(filter(None, map(item.get_closest_marker, JUDGING)), None)
        decided = report.when == "call" or (report.when == "setup" and not report.passed)
        if marker and decided and fixtures.EVIDENCE in item.stash:
            verdict = item.stash[fixtures.EVIDENCE].verdict or verdict_of(report, error)
            result = self._result(item, str(marker.args[0]), verdict, report)
            report.edfi = result  # type: ignore[attr-defined]  # pytest sends extra attributes along
            properties = _properties(result)
            item.user_properties.extend(properties)
            report.user_properties.extend(properties)
        return report

    def gather(self, report: pytest.TestReport) -> None:
        """Keep a result's notes for the terminal, and what a pytest outcome does not say."""
        result: ScenarioResult | None = getattr(report, "edfi", None)
        if result:
            self.notes += result["notes"]
            if result["level"]:
                self.checks.append(result)

    def _word(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        excinfo = call.excinfo
        if excinfo is None or not report.failed:
            return
        if isinstance(excinfo.value, EdFiError):
            text = str(excinfo.value)
            if isinstance(excinfo.value, NotTestable):
                text = f"not testable: {text}"
        elif isour_bug(excinfo):
            text = our_bug(excinfo)
        else:
            if isinstance(report.longrepr, str):
                report.longrepr = self._run.redactor.clean(report.longrepr)
            return
        text = self._paint.text(text)
        shown = excinfo.getrepr(style="value")
        first, *rest = text.split("\n")
        # The short summary prints the crash's message, so it gets the headline alone.
        if shown.reprcrash is not None:
            shown.reprcrash.message = first
        for entry in _entries(shown):
            entry.lines[:] = [first, *rest]
        report.longrepr = shown

    def _result(
        self, item: pytest.Item, scenario_id: str, verdict: Verdict, report: pytest.TestReport
    ) -> ScenarioResult:
        evidence = item.stash[fixtures.EVIDENCE]
        findings = self._paint.findings(evidence.findings)
        scenario, requirement = evidence.scenario, evidence.requirement
        notes = [self._paint.text(note) for note in self._run.notes]
        message = "" if is_good(verdict.value) else evidence.message or report.longreprtext
        asked = f"{requirement.label}: {requirement.text}" if requirement else ""
        return {
            "scenario": scenario_id,
            "level": requirement.level if requirement else "",
            "number": scenario.number if scenario else 0,
            "title": scenario.title if scenario else evidence.title or item.name,
            "requirement": asked or requirement_of(findings),
            "verdict": verdict.value,
            "message": self._paint.text(message),
            "findings": findings,
            "notes": notes,
            "exchanges": self._paint.exchanges(evidence.exchanges),
            "facts": self._run.facts(),
        }


def verdict_of(report: pytest.TestReport, error: BaseException | None) -> Verdict:
    """The verdict word for a test's outcome."""
    if report.passed:
        return Verdict.PASSED
    if report.skipped:
        return Verdict.NOT_APPLICABLE
    if isinstance(error, NotTestable):
        return Verdict.NOT_TESTABLE
    if isinstance(error, NonConformance | AssertionError | pytest.fail.Exception):
        return Verdict.FAILED
    return Verdict.HARNESS_ERROR


def isour_bug(excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
    """True where an exception that is nobody's verdict escaped from this package's code."""
    if isinstance(excinfo.value, pytest.fail.Exception | pytest.skip.Exception | KeyboardInterrupt):
        return False
    frames = [Path(frame.filename) for frame in traceback.extract_tb(excinfo.tb)]
    ours = [PACKAGE in path.parents for path in frames]
    # A test of the user may call us and fail by itself: what counts is the innermost code that
    # belongs to either, libraries left out.
    sided = [mine for path, mine in zip(frames, ours, strict=True) if mine or _is_users(path)]
    return bool(sided and sided[-1])


def _is_users(path: Path) -> bool:
    return not {"site-packages", "dist-packages", "lib"} & set(path.parts)


def our_bug(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """The text for an exception of our own: whose it is, and what to do with it."""
    where = "".join(traceback.format_tb(excinfo.tb)[-4:])
    return (
        f"harness error: pytest-edfi-cte itself failed ({excinfo.exconly(tryshort=True)}).\n"
        "  This says nothing about the judged API. Please report it, with these lines, to "
        f"{ISSUES}:\n{where}"
    )


def _entries(shown: Any) -> list[Any]:
    chain = getattr(shown, "chain", None)
    tracebacks = [part[0] for part in chain] if chain else [shown.reprtraceback]
    return [entry for tb in tracebacks[-1:] for entry in tb.reprentries[-1:]]


def _properties(result: ScenarioResult) -> list[tuple[str, object]]:
    """The result as flat properties, for JUnit XML and other readers of ``user_properties``."""
    check = [("edfi_contract", result["scenario"]), ("edfi_level", result["level"])]
    flat: list[tuple[str, object]] = [
        *(check if result["level"] else [("edfi_scenario", result["scenario"])]),
        ("edfi_verdict", result["verdict"]),
        ("edfi_requirement", result["requirement"]),
    ]
    flat += [(f"edfi_{_word(name)}", value) for name, value in result["facts"].items()]
    flat += [
        ("edfi_finding", f"{row['where']}: expected {row['expected']}, received {row['received']}")
        for row in result["findings"]
        if not row["ok"]
    ]
    return flat + [("edfi_note", note) for note in result["notes"]]


def _word(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")
