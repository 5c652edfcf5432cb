"""From a student's round to the ledger, and to the outcome of the test that many students share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte.errors import NOT_ASKED, EdFiError, HookFailed, NonConformance, NotTestable
from pytest_edfi_cte.reporting import waivers
from pytest_edfi_cte.reporting.document import BAD
from pytest_edfi_cte.reporting.faults import our_bug
from pytest_edfi_cte.reporting.ledger import Ledger
from pytest_edfi_cte.reporting.model import CheckResult
from pytest_edfi_cte.reporting.results import Outcome, remark, result_of
from pytest_edfi_cte.reporting.waivers import Waiver
from pytest_edfi_cte.rounds import Judged, Rounds
from pytest_edfi_cte.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run

#: Students whose findings a test tells in full; the report has the others.
MOST_TOLD = 3


def ledger_path(run: Run) -> Path:
    """Where the processes of a run keep their students' results: beside its journal."""
    return run.journal.path.with_suffix(".sqlite")


#: Of a test: how many checks it made, and how many of them are bad.
COUNTS = pytest.StashKey[list[int]]()


class StudentResults:
    """Keeps what is judged, in whichever process judges it."""

    def __init__(self, run: Run, accepted: Sequence[Waiver]) -> None:
        self._run = run
        self._accepted = accepted
        #: How a hook of the user's failed over a result, "" where none did.
        self.hook_failed = ""
        #: Called after each result that this process keeps, with whether it is bad.
        self.listeners: list[Callable[[bool], None]] = []

    @cached_property
    def ledger(self) -> Ledger:
        """The run's ledger, made with its first result."""
        return Ledger(ledger_path(self._run))

    @property
    def begun(self) -> bool:
        """True where some student has been judged."""
        return bool(self._run.settings.repeat) and ledger_path(self._run).exists()

    def close(self, *, ended: bool) -> None:
        """Close the ledger; where the run has ended nobody needs it any more."""
        if self.begun:
            self.ledger.remove() if ended else self.ledger.close()

    def take(self, judged: Judged, item: pytest.Item) -> CheckResult | None:
        """Keep a result; the result where it is bad or waived, else None."""
        result = self._keep(judged, item)
        bad = result is not None and result["verdict"] in BAD
        counts = item.stash.setdefault(COUNTS, [0, 0])
        counts[0] += 1
        counts[1] += bad
        for listener in self.listeners:
            listener(bad)
        return result

    def _keep(self, judged: Judged, item: pytest.Item) -> CheckResult | None:
        run, error, scenario = self._run, judged.error, judged.scenario
        seconds = round(judged.seconds, 4)
        if error is None and judged.number != (run.settings.repeat or (0, 0))[0]:
            self.ledger.note(scenario, judged.number, seconds)
            return None
        file, line, _ = item.location
        outcome = Outcome(
            ("scenario", scenario.id),
            (item.nodeid, file or "", (line or 0) + 1, seconds),
            _verdict(error),
            _text(error) if error else "",
            student=judged.number,
        )
        result = result_of(run, judged.evidence, outcome, scenario)
        waivers.apply(self._accepted, result, date.today())  # noqa: DTZ011 - a calendar day
        if remark(run, result)[1]:
            self.hook_failed = self.hook_failed or result["notes"][-1]
        self.ledger.add(result)
        return result if result["verdict"] in (*BAD, Verdict.WAIVED.value) else None


class Students:
    """The students of one test."""

    def __init__(
        self, item: pytest.Item, numbers: Iterable[int], rounds: Rounds, results: StudentResults
    ) -> None:
        self._item = item
        self._numbers = numbers
        self._rounds = rounds
        self._results = results

    def judge(self) -> None:
        """Every scenario for each student; raises with the findings of all together.

        :class:`NonConformance` where something failed, :class:`NotTestable` where nothing did and
        something could not be shown. Where all that is wrong is waived, the test is expected to
        fail; an exception that is our own bug is raised as it is, if there is nothing else.
        """
        told: list[CheckResult] = []
        count = 0
        words: set[str] = set()
        bug: Exception | None = None
        for number in self._numbers:
            for judged in self._rounds.judge(number):
                result = self._results.take(judged, self._item)
                if result is None:
                    continue
                words.add(result["verdict"])
                count += 1
                if result["verdict"] == Verdict.HARNESS_ERROR.value:
                    bug = bug or judged.error
                told += [result] if len(told) < MOST_TOLD else []
        if words == {Verdict.HARNESS_ERROR.value} and bug:
            raise bug
        if not words:
            if self._results.hook_failed:
                raise HookFailed(self._results.hook_failed)
            return
        text = _together(told, count)
        if words == {Verdict.WAIVED.value}:
            pytest.xfail(f"waived: {told[0]['waiver']}")
        if words <= {Verdict.NOT_TESTABLE.value, Verdict.WAIVED.value}:
            raise NotTestable(text)
        raise NonConformance(text)


def _together(told: Sequence[CheckResult], count: int) -> str:
    """The findings of a test's students; the number of all first."""
    first = told[0]
    rest = f" ({count} of this test's checks are not as required)" if count > 1 else ""
    lines = [f"student {first['student']}: {_message(first)}{rest}"]
    said: set[str] = set()
    for result in told:
        lines.append(f"  student {result['student']}, {result['id']}:")
        known = result["message"] in said
        said.add(result["message"])
        told_before = ["(the same)"] if known else result["message"].splitlines()
        lines += [f"    {line}" for line in told_before]
    if count > len(told):
        lines.append(f"  … and {count - len(told)} more; results.json of --edfi-report has all.")
    lines.append(
        f"  One student alone: the same options with --edfi-repeat={first['student']}-"
        f"{first['student']} and this run's --edfi-seed."
    )
    return "\n".join(lines)


def _message(result: CheckResult) -> str:
    return result["message"].partition("\n")[0].removeprefix(f"{Verdict.NOT_TESTABLE.value}: ")


def _verdict(error: Exception | None) -> Verdict:
    if error is None:
        return Verdict.PASSED
    if isinstance(error, NOT_ASKED):
        return Verdict.NOT_TESTABLE
    return Verdict.FAILED if isinstance(error, NonConformance) else Verdict.HARNESS_ERROR


def _text(error: Exception) -> str:
    if isinstance(error, NOT_ASKED):
        return f"{Verdict.NOT_TESTABLE.value}: {error}"
    if isinstance(error, EdFiError):
        return str(error)
    return our_bug(pytest.ExceptionInfo.from_exception(error))
