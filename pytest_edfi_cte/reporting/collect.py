"""From a finished test to the result model, attached to pytest's own report.

The report travels from an xdist worker to the controller with it.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte import fixtures
from pytest_edfi_cte.errors import NOT_ASKED, EdFiError, NonConformance, NotTestable
from pytest_edfi_cte.python_scenarios import SCENARIO
from pytest_edfi_cte.reporting import waivers
from pytest_edfi_cte.reporting.document import BAD
from pytest_edfi_cte.reporting.faults import our_bug
from pytest_edfi_cte.reporting.model import (
    CheckKind,
    CheckResult,
    Painter,
    flat_properties,
    is_good,
    visible,
)
from pytest_edfi_cte.reporting.results import Kind, Outcome, Place, remark, result_of
from pytest_edfi_cte.reporting.runs import planned
from pytest_edfi_cte.reporting.students import COUNTS
from pytest_edfi_cte.reporting.tracebacks import cleaned_repr, last_entries
from pytest_edfi_cte.reporting.waivers import Waiver
from pytest_edfi_cte.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run

PACKAGE = Path(__file__).parents[1]
#: Marker of a test that judges something (its first argument is the id) -> sort of check.
JUDGING: dict[str, CheckKind] = {"edfi_scenario": "scenario", "edfi_contract": "contract"}
#: A test that uses another of our fixtures talks to the API: a check of the user's own.
OFFLINE = frozenset({"edfi_settings", "edfi_sandbox", "edfi_new_sandbox", "edfi_sandbox_options"})
#: A test with a row in the report: what ends badly after it changes the row.
HAS_ROW = pytest.StashKey[bool]()


class Collector:
    """Makes results in the process that runs the test, gathers them in the one that reports."""

    def __init__(self, run: Run, waivers: Sequence[Waiver] = ()) -> None:
        self._run = run
        self._waivers = waivers
        self._paint = Painter(run.redactor.clean)
        #: A hook about the rows could not be asked: nothing is missing but what it would have said.
        self.hook_failed = False
        #: What a hook says of single checks: said with them, and not of the run.
        self._remarks: set[str] = set()
        #: node id -> result, in the order in which they came.
        self.results: dict[str, CheckResult] = {}

    @property
    def notes(self) -> list[str]:
        """What the results note of the run, each once."""
        notes = dict.fromkeys(n for result in self.results.values() for n in result["notes"])
        return [note for note in notes if note not in self._remarks]

    @property
    def checks(self) -> list[CheckResult]:
        """Results of the contract pack."""
        return [result for result in self.results.values() if result["kind"] == "contract"]

    @property
    def python_scenarios(self) -> list[CheckResult]:
        """Results of tests that say which requirement they are for."""
        all_of_them = self.results.values()
        return [r for r in all_of_them if r["kind"] == "scenario" and r["level"]]

    def text(self, text: str) -> str:
        """Any text of the run, made safe to show."""
        return self._paint.text(text)

    def attach(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> pytest.TestReport:
        """Word the report for people and, for a check, add its result and properties."""
        error = call.excinfo.value if call.excinfo else None
        self._word(call, report)
        report.sections = [(name, self._paint.text(text)) for name, text in report.sections]
        if report.when == "call" and COUNTS in item.stash:
            report.edfi_students = item.stash[COUNTS]  # type: ignore[attr-defined]  # as below
        kind = _kind(item, error)
        if kind is None or fixtures.EVIDENCE not in item.stash:
            return report
        known = report.when == "teardown" and HAS_ROW in item.stash
        if report.when == "call" or (not report.passed and not known):
            item.stash[HAS_ROW] = True
            evidence = item.stash[fixtures.EVIDENCE]
            verdict = evidence.verdict or verdict_of(report, error)
            if kind[0] == "own" and call.excinfo and not is_our_bug(call.excinfo):
                verdict = Verdict.FAILED if verdict is Verdict.HARNESS_ERROR else verdict
            if verdict is Verdict.FAILED and not evidence.message:
                # A subtest, perhaps: its test goes on, and has not passed.
                evidence.verdict, evidence.message = verdict, _told(report)
            result = self._result(item, kind, verdict, report)
            waivers.apply(self._waivers, result, date.today())  # noqa: DTZ011 - a calendar day
            report.edfi_remarks = remark(self._run, result)  # type: ignore[attr-defined]  # pytest sends extra attributes along
            report.edfi = result  # type: ignore[attr-defined]  # as above
            if kind[0] != "own":
                properties = flat_properties(result, self._run.facts())
                item.user_properties.extend(properties)
                report.user_properties.extend(properties)
            if result["verdict"] == Verdict.WAIVED.value:
                # As pytest treats what is expected to fail: it neither passes nor fails the run.
                report.outcome = "skipped"
                report.wasxfail = f"waived: {result['waiver']}"
        elif report.when == "teardown" and report.failed:
            ended = verdict_of(report, error).value, self._paint.text(report.longreprtext)
            report.edfi_end = ended  # type: ignore[attr-defined]  # as above
        return report

    def gather(self, report: pytest.TestReport) -> None:
        """Keep a result; a test whose process ended under it gets one here."""
        result: CheckResult | None = getattr(report, "edfi", None)
        remarks, failed = getattr(report, "edfi_remarks", ((), False))
        self._remarks.update(remarks)
        self.hook_failed |= failed
        if result:
            self.results[report.nodeid] = result
        elif report.when not in ("setup", "call", "teardown") and report.failed:
            self.results[report.nodeid] = self._crashed(report)
        ended = getattr(report, "edfi_end", None)
        known = self.results.get(report.nodeid)
        if ended and known and known["verdict"] not in BAD:
            # What passed and then could not end well has not passed.
            known["verdict"], known["message"] = ended

    def _crashed(self, report: pytest.TestReport) -> CheckResult:
        """What is said of a test whose xdist worker crashed under it."""
        name = report.nodeid.rpartition("[")[2].removesuffix("]")
        plan = next((p for p in planned(self._run) if p["id"] == name), None)
        text = self._paint.text(report.longreprtext).strip()
        place = _place(report)
        return {
            "id": plan["id"] if plan else report.nodeid,
            "kind": plan["kind"] if plan else "own",
            "level": "",
            "number": 0,
            "student": 0,
            "title": plan["title"] if plan else report.nodeid,
            "requirement": "",
            "verdict": Verdict.NOT_TESTABLE.value,
            "message": f"not testable: the process that ran this test ended under it.\n{text}\n"
            "Run this test alone, without workers (-n0), to see why.",
            "waiver": "",
            "test": place[0],
            "file": place[1],
            "line": place[2],
            "seconds": place[3],
            "findings": [],
            "notes": [],
            "steps": [],
            "exchanges": [],
        }

    def _word(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        excinfo = call.excinfo
        if excinfo is None or not report.failed:
            return
        if isinstance(excinfo.value, EdFiError):
            text = str(excinfo.value)
            if isinstance(excinfo.value, NOT_ASKED):
                text = f"not testable: {text}"
        elif is_our_bug(excinfo):
            text = our_bug(excinfo)
        else:
            # Somebody's own test: its traceback stays, with its values shown safely.
            report.longrepr = cleaned_repr(report.longrepr, self._run.redactor.clean)
            return
        text = self._paint.text(text)
        shown = excinfo.getrepr(style="value")
        first, *rest = text.split("\n")
        # The short summary prints the crash's message, so it gets the headline alone.
        if shown.reprcrash is not None:
            shown.reprcrash.message = first
        for entry in last_entries(shown):
            entry.lines[:] = [first, *rest]
        report.longrepr = cleaned_repr(shown, self._run.redactor.clean)

    def _result(
        self, item: pytest.Item, kind: Kind, verdict: Verdict, report: pytest.TestReport
    ) -> CheckResult:
        evidence = item.stash[fixtures.EVIDENCE]
        scenario = evidence.scenario
        if kind[0] == "scenario" and scenario is None and self._run.connected:
            known = kind[1] in self._run.chosen.entries
            scenario = self._run.scenario(kind[1]) if known else None  # its fixture was not made
        told = _told(report) if not is_good(verdict.value) else ""
        outcome = Outcome(kind, _place(report), verdict, told, title=evidence.title or item.name)
        return result_of(self._run, evidence, outcome, scenario)


def _kind(item: pytest.Item, error: BaseException | None) -> Kind | None:
    """What sort of check a test is, and its id; None for a test that has nothing to do with us.

    Also for a test of many students: it keeps their results itself. A test that judged by our
    assertions is a check wherever its records come from: a verdict of ours is never left out.
    """
    if item.get_closest_marker("edfi_students"):
        return None
    if SCENARIO in item.stash:
        return "scenario", item.stash[SCENARIO].id
    for marker, kind in JUDGING.items():
        found = item.get_closest_marker(marker)
        if found:
            return kind, str(found.args[0])
    names = getattr(item, "fixturenames", ())
    asked = any(name.startswith("edfi_") and name not in OFFLINE for name in names)
    evidence = item.stash.get(fixtures.EVIDENCE, None)
    judged = (evidence and evidence.findings) or isinstance(error, NonConformance | NotTestable)
    return ("own", item.nodeid) if asked or judged else None


def _place(report: pytest.TestReport) -> Place:
    """Where a test is and how long it took: node id, file, line, seconds."""
    file, line, _ = report.location
    seconds = round(getattr(report, "duration", 0.0), 3)
    return visible(report.nodeid), visible(file or ""), (line or 0) + 1, seconds


def _told(report: pytest.TestReport) -> str:
    """A report's text with the headline first: pytest begins with the code of the test."""
    text = report.longreprtext
    crash = getattr(report.longrepr, "reprcrash", None)
    first = crash.message.partition("\n")[0] if crash else ""
    return text if text.startswith(first) else f"{first}\n{text}"


def verdict_of(report: pytest.TestReport, error: BaseException | None) -> Verdict:
    """The verdict word for a test's outcome."""
    if report.passed:
        return Verdict.PASSED
    if report.skipped:
        return Verdict.NOT_APPLICABLE
    if isinstance(error, NOT_ASKED):
        return Verdict.NOT_TESTABLE
    if isinstance(error, NonConformance | AssertionError | pytest.fail.Exception):
        return Verdict.FAILED
    return Verdict.HARNESS_ERROR


def is_our_bug(excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
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
