"""pytest's hooks around each test of a run: evidence before, verdict after."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from pytest_edfi_cte import fixtures
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.evidence import Evidence, current
from pytest_edfi_cte.python_scenarios import SCENARIO
from pytest_edfi_cte.reporting.collect import Collector
from pytest_edfi_cte.reporting.contract import STATUS
from pytest_edfi_cte.run import Run


class RunningHooks:
    """Registered where tests run. ``pointer`` says where a set-up that is wrong is explained."""

    def __init__(self, run: Run, results: Collector, pointer: Callable[[], str]) -> None:
        self._run = run
        self._results = results
        self._pointer = pointer

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """After a test its evidence is nobody's any more."""
        before = current.set(None)
        try:
            return (yield)
        finally:
            current.reset(before)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Start the test's evidence before its first fixture sends something."""
        self._run.current_test = item.nodeid
        evidence = item.stash[fixtures.EVIDENCE] = Evidence(self._run)
        current.set(evidence)
        python = item.stash.get(SCENARIO, None)
        if python is not None:
            evidence.named, evidence.title = f"Scenario {python.id}", python.title
            evidence.requirement = python.requirement
        ours = _ours(item) if self._run.blocked else ()
        cause = next((why for name, why in self._run.blocked.items() if name in ours), None)
        if cause is not None:
            raise NotTestable(
                f"{cause}\n  It is explained at the top of this run; {self._pointer()}"
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """A user's hook that failed over an answer fails the test that it was for."""
        result = yield
        self._run.recorder.raise_failure()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """As above, for what was sent after the test."""
        result = yield
        self._run.recorder.raise_failure()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the report its verdict, evidence and a text for people."""
        report = yield
        return self._results.attach(item, call, report)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """Show a warning or information of the contract pack as what it is; the test passed."""
        result = getattr(report, "edfi", None)
        return STATUS.get(result["verdict"]) if result and report.when == "call" else None


def names_of(item: pytest.Item) -> list[str]:
    """The names of a test's fixtures."""
    return list(getattr(item, "fixturenames", ()))


def _ours(item: pytest.Item) -> list[str]:
    """The fixtures of a test that are as we wrote them; none where their ground is another's.

    What the doctor found through our session, for our table, says nothing about another's.
    """
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    ours = [name for name in names_of(item) if len(known.get(name, ())) == 1]
    ground = {"edfi_session", "edfi_table", "edfi_prerequisites"} & set(names_of(item))
    return ours if ground <= set(ours) else []
