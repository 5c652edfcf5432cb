"""A pytest plugin inside each run: chooses the tests, and notes what they said."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from pytest_edfi_cte.collection import PACKAGE, SUITE
from pytest_edfi_cte.mutation.model import CONTRACT, Cell, State, worst
from pytest_edfi_cte.verdicts import Verdict

#: Options of other plugins that have no place in a run that is one of many: what they write
#: would be overwritten, and xdist's workers would be out of our sight.
_SWITCHED_OFF: dict[str, Any] = {
    "htmlpath": None,
    "xmlpath": None,
    "numprocesses": None,
    "dist": "no",
    "tx": [],
    "usepdb": False,
    "randomly_reorganize": False,
}
#: Our own plugin that writes ``--edfi-report``, by the name ``hooks.py`` gives it.
REPORT = "edfi_cte_report"
_STATES = {
    Verdict.FAILED.value: State.CAUGHT,
    Verdict.NOT_TESTABLE.value: State.STOPPED,
    Verdict.HARNESS_ERROR.value: State.ERROR,
}


class Watcher:
    """``take``: gives the number of altered answers since it was called last.

    ``wanted``: globs for the columns to run, empty for all. ``name``: the defect's; of one
    column's tests those run first whose names are like it, for the first red one decides.
    """

    def __init__(
        self, take: Callable[[], int], wanted: tuple[str, ...] = (), name: str = ""
    ) -> None:
        self._take = take
        self._wanted = wanted
        self._words = _words(name)
        self._columns: dict[str, str] = {}
        self._red: dict[str, Cell] = {}
        self._altered: dict[str, int] = {}
        self._before: int | None = None  # alterations while connecting: every test's concern
        self._named: list[str] = []

    def cells(self) -> dict[str, Cell]:
        """Column -> what its tests said."""
        found: dict[str, list[Cell]] = {}
        for test, column in self._columns.items():
            altered = self._altered.get(test, 0)
            silent = Cell(State.UNNOTICED if altered else State.NOT_APPLICABLE, "", test)
            cell = replace(self._red.get(test, silent), altered=altered)
            found.setdefault(column, []).append(cell)
        return {column: worst(cells) for column, cells in found.items()}

    # -- which tests ------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config, args: list[str]) -> None:
        """Without tests of the user's the shipped ones run, whatever ``testpaths`` says.

        All of them, the contract pack too, unless some are chosen.
        """
        known = early_config.known_args_namespace
        if not known.file_or_dir:
            chosen = self._wanted or known.keyword or known.markexpr
            args[:0] = ["--pyargs", PACKAGE, *(() if chosen else ("--edfi-contract",))]
            known.file_or_dir, known.pyargs = [PACKAGE], True

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Switch off what does not belong into one run of many."""
        for name, value in _SWITCHED_OFF.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        self._named = list(config.args)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """No report of ours either: each of many runs would overwrite the one before."""
        plugins = session.config.pluginmanager
        if plugins.has_plugin(REPORT):
            plugins.unregister(name=REPORT)

    @pytest.hookimpl(trylast=True)  # after -k and -m
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the tests that use an API, of the chosen columns."""
        suite_named = any(_names_suite(name) for name in self._named)
        kept: list[pytest.Item] = []
        left: list[pytest.Item] = []
        for item in items:
            column = column_of(item)
            ours = SUITE in item.path.parents
            chosen = column is not None and (suite_named or not ours)
            if chosen and self._wanted:
                chosen = any(fnmatchcase(column or "", pattern) for pattern in self._wanted)
            (kept if chosen else left).append(item)
            if chosen:
                self._columns[item.nodeid] = column or ""
        items[:] = sorted(kept, key=self._likelihood)
        if left:
            config.hook.pytest_deselected(items=left)

    def _likelihood(self, item: pytest.Item) -> tuple[bool, int]:
        contract = self._columns[item.nodeid] == CONTRACT
        return contract, -len(self._words & _words(item.name)) if contract else 0

    # -- what they said -----------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """A column that has caught the defect is not asked again."""
        altered = self._take()
        self._before = altered if self._before is None else self._before
        column = self._columns[item.nodeid]
        if any(self._columns[test] == column for test in self._red):
            pytest.skip("caught already")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Only what a test could judge counts, not the cleaning up behind it."""
        self._altered[item.nodeid] = self._take() + (self._before or 0)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first red report of a test."""
        if report.failed and report.nodeid not in self._red:
            state, line = _said(report)
            self._red[report.nodeid] = Cell(state, line, report.nodeid)


def column_of(item: pytest.Item) -> str | None:
    """The scenario's id, the contract pack, or the file; None for a test without an API."""
    if item.get_closest_marker("edfi_contract"):
        return CONTRACT
    marker = item.get_closest_marker("edfi_scenario")
    if marker and marker.args:
        return str(marker.args[0])
    uses = any(name.startswith("edfi_") for name in getattr(item, "fixturenames", ()))
    return item.nodeid.partition("::")[0] if uses else None


def _words(name: str) -> set[str]:
    """The beginnings of a name's longer words: ``ignores`` is like ``ignored``."""
    return {word[:5] for word in re.findall(r"[a-z]{3,}", name)} - {"answe", "test", "contr"}


def _names_suite(argument: str) -> bool:
    name = argument.partition("::")[0]
    return name.split(".")[0] == PACKAGE or SUITE.parent in [
        Path(name).absolute(),
        *Path(name).absolute().parents,
    ]


def _said(report: pytest.TestReport) -> tuple[State, str]:
    """The state and the finding in one line."""
    result: Any = getattr(report, "edfi", None)
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longreprtext)
    headline = next((line for line in text.splitlines() if line.strip()), "no text")
    if result and result["kind"] != "own":
        state = _STATES.get(result["verdict"], State.CAUGHT)
        wrong = [row for row in result["findings"] if row["verdict"] == "wrong"]
        if state is State.CAUGHT and wrong:
            row = wrong[0]
            return state, f"{row['where']}: expected {row['expected']}, received {row['received']}"
        return state, headline
    if headline.startswith("harness error"):
        return State.ERROR, headline
    stopped = headline.startswith("not testable") or report.when == "setup"
    return (State.STOPPED if stopped else State.CAUGHT), headline
