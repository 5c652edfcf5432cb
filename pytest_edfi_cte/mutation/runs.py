"""One run per defect, many in one process: the same pytest, the same tests that a user runs."""

from __future__ import annotations

import gc
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from pytest_edfi_cte import options, sandboxes
from pytest_edfi_cte.mutation.model import Cell, State
from pytest_edfi_cte.mutation.watcher import Watcher

_ID = re.compile(r"\b[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b")
#: Signs that nobody can read, as they are or as JSON escapes them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|\\u00[01][0-9a-f]")
#: The beginning of an id that a quotation cuts off.
_CUT_ID = re.compile(r"(?<=[\"/])[0-9a-f-]+(?=…)")
_NO_COVERAGE = re.compile(r"\bno:(pytest_)?cov\b")
_LONGEST_LINE = 240
#: Exit codes of a run that took place, be it over no test.
_RAN = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)
_TAIL = 30  # lines of a run's output that explain why it was not green
#: A line that pytest writes where a run cannot start.
_ERROR = "ERROR: "


@dataclass(frozen=True)
class Order:
    """What all runs have in common. ``target`` is a glob on collections, "" for the default."""

    arguments: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    target: str = ""
    data_standard: str = "5.0"


@dataclass(frozen=True)
class Said:
    """What one run said: column -> cell, pytest's exit code, and its output's last lines."""

    cells: dict[str, Cell]
    code: int
    output: str = ""


@dataclass
class _Bench:
    """A worker's own sandbox, used for one run after the other."""

    order: Order
    watch: Any = field(default_factory=sandboxes.watch)
    sandbox: Any = None
    settled: bool = False

    def __post_init__(self) -> None:
        self.sandbox = sandboxes.started(
            middleware=[self.watch], data_standard=self.order.data_standard, client_id="mutate"
        )


_benches: list[_Bench] = []


def prepare(order: Order) -> None:
    """Make this process ready for :func:`run`; called once in each."""
    _benches[:] = [_Bench(order)]


def dismiss() -> None:
    """Stop this process's sandbox."""
    for bench in _benches:
        bench.sandbox.stop()
    _benches.clear()
    gc.unfreeze()


def run(name: str | None) -> Said:
    """Run the tests against the sandbox with one defect or variant, or as it is."""
    (bench,) = _benches
    bench.sandbox.clear()
    for collection, records in NEIGHBOURS.items():
        bench.sandbox.load(collection, records)
    strict: tuple[str, ...] = ()
    bench.watch.middleware = None
    if name is not None:
        defect = sandboxes.defect(name)
        target = (bench.order.target,) if bench.order.target else ()
        bench.watch.middleware = defect.make(*target)
        strict = _strictly(defect.level)
    watcher = Watcher(bench.watch.take, bench.order.wanted, name or "")
    bench.watch.take()
    arguments = [
        *_BEFORE,
        *_without_coverage(bench.order.arguments),
        *bench.order.arguments,
        *strict,
    ]
    arguments += [f"--edfi-url={bench.sandbox.url}", f"--edfi-client-id={bench.sandbox.client_id}"]
    out, err = io.StringIO(), io.StringIO()
    with _as_if_alone(bench.sandbox.client_secret), redirect_stdout(out), redirect_stderr(err):
        code = int(pytest.main(arguments, plugins=[watcher]))
    cells = watcher.cells()
    if code not in _RAN:
        line = next((ln for ln in err.getvalue().splitlines() if ln.startswith(_ERROR)), "")
        ours = code == pytest.ExitCode.INTERNAL_ERROR
        line = line.removeprefix(_ERROR) or f"pytest ended with exit code {code}"
        stopped = Cell(State.ERROR if ours else State.STOPPED, line)
        cells = dict.fromkeys(cells, stopped) if cells else {"": stopped}
    if not bench.settled:
        # pytest collects garbage at the end of every run: what the first one imported stays.
        gc.collect()
        gc.freeze()
        bench.settled = True
    tail = "\n".join((out.getvalue() + err.getvalue()).splitlines()[-_TAIL:])
    plain = {column: _settled(cell, bench.sandbox.url) for column, cell in cells.items()}
    return Said(plain, code, tail.replace(bench.sandbox.url, "<API>"))


#: Before the user's own arguments, which may say otherwise: one request is one try, and the
#: fictional data is the same in every run. The rest keeps a run from touching anything of the
#: user's, and pytest from minding that this is not the first one in its process.
_BEFORE = (
    *("--edfi-retries=0", "--edfi-seed=1"),
    *("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def _without_coverage(arguments: Sequence[str]) -> list[str]:
    """The option that keeps pytest-cov out, where it is loaded: it would measure every run."""
    given = " ".join([*arguments, os.environ.get("PYTEST_ADDOPTS", "")])
    installed = "pytest_cov" in {point.name for point in entry_points(group="pytest11")}
    unloaded = "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in os.environ or _NO_COVERAGE.search(given)
    return ["--no-cov"] if installed and not unloaded else []


def _strictly(level: str) -> tuple[str, ...]:
    """Where a recommendation is broken, the contract pack must fail and not only warn."""
    known = any(option.name == "strict" for option in options.OPTIONS)
    return ("--edfi-strict",) if level == "should" and known else ()


def _settled(cell: Cell, url: str) -> Cell:
    """The cell without what differs from run to run: addresses and ids.

    A quoted body may be in another encoding or binary: only what can be read is kept.
    """
    readable = _CONTROL.sub("", cell.line)
    line = _CUT_ID.sub("<id>", _ID.sub("<id>", readable.replace(url, "<API>")))
    line = f"{line[:_LONGEST_LINE]}…" if len(line) > _LONGEST_LINE else line
    return replace(cell, line=line)


@contextmanager
def _as_if_alone(secret: str) -> Iterator[None]:
    """Leave nothing of a run behind: environment, import path, and modules of the user's."""
    environment, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    here = Path.cwd()
    os.environ["EDFI_CLIENT_SECRET"] = secret
    for name in [n for n in os.environ if n.startswith(("PYTEST_XDIST_", "PYTEST_CURRENT_"))]:
        del os.environ[name]
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if _is_the_users(sys.modules[name], here):
                del sys.modules[name]


def _is_the_users(module: Any, here: Path) -> bool:
    """A conftest or a test: imported anew in each run. Libraries stay, some cannot come twice."""
    file = getattr(module, "__file__", None)
    if not file:
        return False
    place = Path(file)
    installed = {"site-packages", "dist-packages"} & set(place.parts)
    ours = Path(__file__).parents[1] in place.parents
    return here in place.parents and not installed and not ours


# Records of others, as any real API has them: a defect may mix them up with ours.
_PROGRAM_TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"
NEIGHBOURS: dict[str, list[dict[str, Any]]] = {
    "students": [
        {
            "studentUniqueId": "604822",
            "firstName": "Ola",
            "lastSurname": "Example",
            "birthDate": "2010-04-05",
        }
    ],
    "studentSchoolAssociations": [
        {
            "studentReference": {"studentUniqueId": "604822"},
            "schoolReference": {"schoolId": 255901001},
            "entryDate": "2026-08-31",
            "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade",
        }
    ],
    "studentCTEProgramAssociations": [
        {
            "beginDate": "2026-08-23",
            "educationOrganizationReference": {"educationOrganizationId": 255901},
            "programReference": {
                "educationOrganizationId": 255901,
                "programName": "Career and Technical Education",
                "programTypeDescriptor": _PROGRAM_TYPE,
            },
            "studentReference": {"studentUniqueId": "604822"},
        }
    ],
}
