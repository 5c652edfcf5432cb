"""Fixtures for the kit's own tests: sandboxes, and runs of the plugin against them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import faker
import jsonschema
import pytest
import pytest_html
import requests
import yaml

import pytest_edfi_cte.hooks
import pytest_edfi_cte.observe
import pytest_edfi_cte.terminal
from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.faults import around as wrapped

# pytester's in-process runs forget what they import; what is here already is shared by all.
PRELOADED = (
    faker,
    jsonschema,
    pytest_html,
    requests,
    yaml,
    pytest_edfi_cte.hooks,
    pytest_edfi_cte.observe,
    pytest_edfi_cte.terminal,
)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """A plain `pytest` runs everything with two workers and coverage.

    Not by `addopts`: the kit's users read those too, in a checkout without the dev extra.
    """
    options = config.option
    if not hasattr(options, "cov_source") or not hasattr(options, "numprocesses"):
        return None  # without the dev extra: what is only shown (--help, --fixtures) still is
    chosen = options.cov_source or options.no_cov or options.numprocesses is not None
    if chosen or options.usepdb or hasattr(config, "workerinput"):
        return None
    usual = ["-n", "2", "--dist", "worksteal", "--cov", "--cov-report=term:skip-covered"]
    command = [sys.executable, "-m", "pytest", *usual, *config.invocation_params.args]
    # The suite starts hundreds of processes: each would compile the package anew.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.call(command, env=environment)


with suppress(ImportError):  # a user's checkout has no dev extra, and pytest --help reads this
    import hypothesis

    # How long one example takes says something about the machine, nothing about the kit.
    hypothesis.settings.register_profile("kit", deadline=None)
    hypothesis.settings.load_profile("kit")

SCHOOL_YEAR = "2027"

SERVICE = "uri://ed-fi.org/CTEProgramServiceDescriptor#"
TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"
OTHER_STUDENT = {
    "studentUniqueId": "604822",
    "firstName": "Ola",
    "lastSurname": "Example",
    "birthDate": "2010-04-05",
}
OTHER_ENROLLMENT = {
    "studentReference": {"studentUniqueId": "604822"},
    "schoolReference": {"schoolId": 255901001},
    "entryDate": "2026-08-31",
    "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade",
}


def association(student: str = "604822", **changes: Any) -> dict[str, Any]:
    """A CTE association as a vendor might have stored it."""
    return {
        "beginDate": "2026-08-23",
        "educationOrganizationReference": {"educationOrganizationId": 255901},
        "programReference": {
            "educationOrganizationId": 255901,
            "programName": "Career and Technical Education",
            "programTypeDescriptor": TYPE,
        },
        "studentReference": {"studentUniqueId": student},
        "cteProgramServices": [{"cteProgramServiceDescriptor": SERVICE + "Health Science"}],
        **changes,
    }


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No EDFI_… variable, CI service, proxy or width of the developer's machine reaches a test.

    Nor does the coverage of this process reach those that a test starts: to be traced doubles
    their time, and what they run is run in this process by other tests.
    """
    unwanted = ("EDFI_", "GITHUB_", "COVERAGE_", "COLUMNS")  # the last one is set by xdist, too
    for name in [*os.environ]:
        if name.startswith(unwanted) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Like pytest's own, without plugins that no run in it uses and every process would import."""
    unused = "-p no:schemathesis -p no:anyio -p no:hypothesispytest"
    monkeypatch.setenv("PYTEST_ADDOPTS", unused)
    return pytester


class Shelf:
    """Plain sandboxes that one test after the other uses: to plant one takes a third of a test.

    Each is as new when a test gets it: seed alone, no tokens, faults or requests, and listening.
    Only its address and its key have been seen before.
    """

    def __init__(self) -> None:
        self._free: list[tuple[Sandbox, list[Any]]] = []
        self._stack = ExitStack()

    @contextmanager
    def lend(self, middleware: tuple[Any, ...]) -> Iterator[Sandbox]:
        sandbox, around = self._free.pop() if self._free else self._new()
        around[:] = middleware
        try:
            yield sandbox
        finally:
            around.clear()
            sandbox.stop()  # as a fresh one: whoever still talks to it is cut off
            sandbox.clear()
            sandbox.start()
            self._free.append((sandbox, around))

    def _new(self) -> tuple[Sandbox, list[Any]]:
        around: list[Any] = []

        def through(request: Any, proceed: Any) -> Any:
            for wrapper in reversed(around):
                proceed = wrapped(wrapper, proceed)
            return proceed(request)

        return self._stack.enter_context(Sandbox(middleware=[through])), around

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="session")
def _shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.close()


@pytest.fixture
def new_sandbox(_shelf: Shelf) -> Iterator[Callable[..., Sandbox]]:
    """``new_sandbox(*middleware, **options)`` starts a sandbox that is gone after the test."""
    with ExitStack() as stack:

        def start(*middleware: Any, **options: Any) -> Sandbox:
            if options:
                return stack.enter_context(Sandbox(middleware=middleware, **options))
            return stack.enter_context(_shelf.lend(middleware))

        yield start


@pytest.fixture
def sandbox(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox that holds another student's association beside the pre-loaded data."""
    return with_other_student(new_sandbox())


def with_other_student(sandbox: Sandbox) -> Sandbox:
    sandbox.load("students", [OTHER_STUDENT])
    sandbox.load("studentSchoolAssociations", [OTHER_ENROLLMENT])
    sandbox.load("studentCTEProgramAssociations", [association()])
    return sandbox


class Kit:
    """Runs the plugin in a folder of its own, against a sandbox, in this process."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.monkeypatch = monkeypatch

    def credentials(self, sandbox: Sandbox) -> None:
        self.monkeypatch.setenv("EDFI_CLIENT_ID", sandbox.client_id)
        self.monkeypatch.setenv("EDFI_CLIENT_SECRET", sandbox.client_secret)

    def arguments(self, sandbox: Sandbox, *arguments: str) -> list[str]:
        self.credentials(sandbox)
        year = f"--edfi-school-year={SCHOOL_YEAR}"
        plugins = ["-p", "no:randomly", "-p", "no:cov", "-p", "no:xdist"]
        if any(a.startswith("-n") for a in arguments):
            plugins = plugins[:-2]
        return [*plugins, f"--edfi-url={sandbox.url}", year, "--edfi-retries=0", *arguments]

    def scenarios(self, sandbox: Sandbox, *arguments: str) -> pytest.RunResult:
        """Run the shipped scenarios alone. They assert by findings: nothing is to be rewritten."""
        return self.run(sandbox, "--assert=plain", "--pyargs", "pytest_edfi_cte", *arguments)

    def run(self, sandbox: Sandbox, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(*self.arguments(sandbox, *arguments))

    def subprocess(self, sandbox: Sandbox, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess(*self.arguments(sandbox, *arguments))


@pytest.fixture
def kit(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Kit:
    return Kit(pytester, monkeypatch)


def state(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Everything a run could have changed."""
    names = ("students", "studentSchoolAssociations", "studentCTEProgramAssociations", "programs")
    return {name: sandbox.records(name) for name in names}
