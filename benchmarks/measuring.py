"""How all the benchmarks measure: CPU seconds of child processes, variants in turn, medians.

One machine's seconds say little about another's, and a busy machine stretches them: what counts are
the ratios of variants that ran in turn.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_edfi_cte.sandbox.remote import RemoteSandbox

#: Seconds until a sandbox must be ready.
PATIENCE = 30
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
HTML = ["-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin"]
FAKER = ["-p", "faker.contrib.pytest.plugin"]
OURS = ["-p", "pytest_edfi_cte.plugin"]


@dataclass(frozen=True)
class Line:
    """A line of the table. ``met`` is None where there is no target: the figure stands beside.

    ``where``: of a target that is not met, where the time goes.
    """

    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    where: str = ""

    def __str__(self) -> str:
        word = {True: "met", False: "NOT met", None: ""}[self.met]
        return f"| {self.what} | {self.measured} | {self.target} | {word} |"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """For a child process: the plugins that are named and no other, compiled files where they help.

    Python's own folders for compiled files may be switched off here; an installed package has them.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EDFI_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        **more,
    }


def cpu(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> float:
    """CPU seconds (user and system) of a command and its children; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, cwd=folder, env=dict(variables), capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of one's own."""
    with tempfile.TemporaryDirectory(prefix="edfi-benchmark-") as name:
        yield Path(name)


@dataclass(frozen=True)
class Api:
    """A sandbox in a process of its own, whose CPU is nobody's that is measured."""

    variables: Mapping[str, str]
    control: RemoteSandbox

    def clear(self) -> None:
        """As it was at the start: no records of runs, no tokens."""
        self.control.clear()


@contextmanager
def api(place: Path) -> Iterator[Api]:
    """Start a sandbox, and end it."""
    file = place / "sandbox.env"
    command = [sys.executable, "-m", "pytest_edfi_cte.cli", "sandbox", f"--env-file={file}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not file.exists() or not file.read_text(encoding="utf-8").count("ADMIN_TOKEN="):
            if time.monotonic() > deadline or process.poll() is not None:
                sys.exit("the sandbox did not start")
            time.sleep(0.05)
        lines = file.read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        found = {name: value for name, _, value in pairs if name}
        address = found.pop("EDFI_SANDBOX_ADMIN_URL"), found.pop("EDFI_SANDBOX_ADMIN_TOKEN")
        yield Api(found, RemoteSandbox(*address))
    finally:
        process.terminate()
        process.wait(PATIENCE)
