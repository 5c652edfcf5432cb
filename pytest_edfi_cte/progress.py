"""How far a run of many students is: a line that moves in a terminal, and nothing in a log.

It takes the place of pytest's dots, which are tests and not students.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import nullcontext
from typing import Any

import pytest

#: Seconds between two movements of the line.
EVERY = 0.2
WIDEST = 100


class Progress:
    """Registered where reports arrive: xdist's controller, or the only process.

    ``whole``: how many checks there will be, all ``scenarios`` of all students.
    """

    def __init__(self, config: pytest.Config, whole: int, scenarios: int) -> None:
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        self._reporter._show_progress_info = False  # noqa: SLF001 - its [100%] would follow ours
        self._whole, self._scenarios = whole, max(scenarios, 1)
        self._checks = self._bad = 0
        self._began = self._shown = time.monotonic()

    @classmethod
    def wanted(cls, config: pytest.Config) -> bool:
        """True in a terminal that a person looks at; ``-v`` wants pytest's own lines."""
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        moving = reporter is not None and reporter.isatty and not os.environ.get("CI")
        return bool(moving and config.option.verbose <= 0 and not config.option.usepdb)

    def judged(self, checks: int, bad: int) -> None:
        """So many checks more are made, of which so many are not as required."""
        self._checks += checks
        self._bad += bad
        if time.monotonic() - self._shown >= EVERY or self._checks == self._whole:
            self._shown = time.monotonic()
            self._rewrite(self._line())

    def _line(self) -> str:
        students = self._whole // self._scenarios
        done = self._checks // self._scenarios
        width = min(self._reporter._tw.fullwidth, WIDEST)  # noqa: SLF001 - pytest has no public way
        return line(done, students, self._bad, time.monotonic() - self._began, width)

    def _rewrite(self, text: str) -> None:
        capture = self._capture
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            self._reporter.rewrite(text, erase=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """The time of the students alone counts; the last line stays, also after Ctrl-C."""
        self._began = time.monotonic()
        try:
            return (yield)
        finally:
            if 0 < self._checks < self._whole:  # interrupted
                self._rewrite(self._line())
                self._reporter.ensure_newline()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What a worker judged arrives with its test."""
        counts = getattr(report, "edfi_students", None)
        if counts and hasattr(report, "node"):
            self.judged(*counts)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """No letter for a test of students: the line says more."""
        if getattr(report, "edfi_students", None) is None:
            return None
        outcome = report.outcome
        return outcome, "", outcome.upper()


def line(done: int, whole: int, bad: int, seconds: float, width: int) -> str:
    """``1,234 of 10,000 students, 41 a second, 3:34 left, 2 checks not as required``."""
    rate = done / seconds if seconds > 0 else 0.0
    parts = [f"{done:,} of {whole:,} students"]
    if rate:
        shown = f"{rate:.0f} a second" if rate >= 10 else f"{rate:.1f} a second"  # noqa: PLR2004 - two digits
        parts.append(shown)
        left = (whole - done) / rate
        parts.append(f"{_clock(left)} left" if done < whole else f"in {_clock(seconds)}")
    if bad:
        parts.append(f"{bad:,} checks not as required")
    text = ", ".join(parts)
    return text if len(text) < width else f"{text[: width - 2]}…"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
