"""The hooks that end a run with its report: pack, screen, GitHub's views, exit code."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte.reporting import pack, waivers
from pytest_edfi_cte.reporting.collect import Collector
from pytest_edfi_cte.reporting.contract import contract_lines, requirement_lines
from pytest_edfi_cte.reporting.document import (
    Document,
    RunCheck,
    StudentsRow,
    document,
    new_run_id,
)
from pytest_edfi_cte.reporting.markdown import github_annotations, summary
from pytest_edfi_cte.reporting.runs import run_info
from pytest_edfi_cte.reporting.screen import screen
from pytest_edfi_cte.reporting.stored import pieces
from pytest_edfi_cte.reporting.students import StudentResults
from pytest_edfi_cte.reporting.waivers import Waiver

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter  # pytest 8.0 has it under this name alone

    from pytest_edfi_cte.run import Run


#: Seconds between two looks at how far a run is, in its results.json.
SHORTEST_PAUSE = 1.0


class ReportHooks:
    """Registered in the process that reports: xdist's controller, or the only one.

    ``set_up``: what the look before the run found wrong, asked for when the run is over.
    """

    def __init__(
        self,
        run: Run,
        results: Collector,
        accepted: Sequence[Waiver],
        folder: Path | None,
        students: StudentResults,
        set_up: Callable[[], Sequence[str]],
    ) -> None:
        self._run = run
        self._students = students
        self._results = results
        self._accepted = accepted
        self._folder = folder
        self._set_up = set_up
        self._started = time.time()
        self._id = new_run_id()
        self._due = 0.0
        if folder:
            students.listeners.append(lambda _bad: self._keep())
        self._document: Document | None = None
        self._said: list[tuple[str, str]] = []
        self._unwritten = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report, after clean-up and after xdist's workers have stopped.

        Also where the run was interrupted. A waiver that is expired or matches nothing makes a run
        fail that would have passed; so does a report that cannot be written.
        """
        refused = int(session.exitstatus) == pytest.ExitCode.USAGE_ERROR  # nothing is judged
        if self._run.connected is None or refused:
            return
        self._run.clean_up()
        interrupted = int(session.exitstatus) in (
            pytest.ExitCode.INTERRUPTED,
            pytest.ExitCode.INTERNAL_ERROR,
        )
        self._document = content = self._made(interrupted=interrupted)
        hook_failed = self._remark(content) or self._results.hook_failed
        if self._folder:
            try:
                written = pack.write(content, self._folder, self._pieces(content))
            except OSError as error:
                self._said.append((f"the report could not be written: {error}", "red"))
                self._unwritten = True
            else:
                self._said.append((f"report: {written}", ""))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            self._tell_github(content)
        # A number, and not pytest's own type: other plugins set numbers too.
        bad = content["verdict"] == "not conformant" or self._unwritten or hook_failed
        if bad and int(session.exitstatus) == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _made(self, *, interrupted: bool) -> Document:
        """The document as views for people need it; :meth:`_pieces` has all of it."""
        checks: list[RunCheck] = [{**result, "run": 0} for result in self._results.results.values()]
        rows: list[StudentsRow] = []
        if self._students.begun:
            rows, shown = self._students.ledger.rows(), self._students.ledger.shown()
            checks += shown
        of_students = (note for check in checks if check["student"] for note in check["notes"])
        notes = list(dict.fromkeys([*self._run.notes, *self._results.notes, *of_students]))
        info = run_info(
            self._run,
            started=self._started,
            interrupted=interrupted,
            notes=notes,
            set_up=self._set_up(),
        )
        info["id"] = self._id  # of the run, whenever it is written
        today = date.today()  # noqa: DTZ011 - a waiver's last day is a day of the calendar
        accepted = waivers.outcomes(self._accepted, checks, today)
        if interrupted:  # what was not reached cannot be matched
            accepted = [row for row in accepted if row["state"] != "matches nothing"]
        return document([info], checks, accepted, self._run.contract, rows)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """From here on there is a ``results.json``, whatever ends this process."""
        if self._folder and self._run.connected:
            with suppress(OSError):  # said at the end, where it is tried again
                pack.begin(self._folder)
            self._keep()

    def _keep(self) -> None:
        """Write what is known so far, where it is time to: as a run that was interrupted here.

        Of students it has every verdict, and the evidence that the page would show.
        The file is replaced as a whole, so whoever reads it finds a document. How often depends on
        what it costs: less than a fiftieth of the run.
        """
        now = time.monotonic()
        if self._folder is None or self._run.connected is None or now < self._due:
            return
        content = self._made(interrupted=True)
        with suppress(OSError):  # as above
            pack.keep(self._folder, self._pieces(content, content["checks"]))
        self._due = time.monotonic() + max(SHORTEST_PAUSE, 50 * (time.monotonic() - now))

    def _pieces(
        self, content: Document, checks: Iterable[RunCheck | str] | None = None
    ) -> Iterator[str]:
        """``results.json`` piece by piece; without ``checks`` with all evidence of all students."""
        if not self._students.begun:
            return pieces(content, content["checks"], lambda row: row["students"])
        ledger = self._students.ledger
        if checks is None:
            others = (check for check in content["checks"] if not check["student"])
            checks = chain(ledger.all_evidence(), others)
        return pieces(content, checks, lambda row: ledger.students(row["id"]))

    def _remark(self, content: Document) -> bool:
        """Add what the hook says of the run; True where it failed."""
        call = self._run.hooks.report_summary
        if call is None:
            return False
        said, failed = call.texts(document=deepcopy(content))
        lines = [self._results.text(text) for text in [*said, *([failed] if failed else [])]]
        content["runs"][0]["notes"] += lines
        self._said += [
            (f"note: {line}", "red" if line == lines[-1] and failed else "") for line in lines
        ]
        return bool(failed)

    def _tell_github(self, content: Document) -> None:
        self._said += [(line, "") for line in github_annotations(content)]
        name = os.environ.get("GITHUB_STEP_SUMMARY")
        if not name:
            return
        try:
            with Path(name).open("a", encoding="utf-8") as stream:
                stream.write(summary(content))
        except OSError as error:
            self._said.append((f"the step summary could not be written: {error}", "red"))

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """One screen: verdicts, the first findings, what is left behind, where the report is."""
        notes = list(dict.fromkeys([*self._run.notes, *self._results.notes]))
        left, checks = self._run.left_behind, self._results.checks
        if not (self._results.results or self._document or notes or left or self._said):
            return
        terminalreporter.section("Ed-Fi conformance")
        lines = list(screen(self._document)) if self._document else []
        lines += contract_lines(self._run.contract, checks) if checks else ()
        lines += requirement_lines(self._results.python_scenarios)
        lines += [(f"note: {note}", "") for note in notes]
        lines += [(f"LEFT BEHIND: {problem}", "red") for problem in left]
        for line, colour in [*lines, *self._said]:
            text = self._results.text(line)
            terminalreporter.line(text, **{colour: True} if colour else {})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the results, also the workers'."""
        self._results.gather(report)
        if report.when == "teardown":
            self._keep()
