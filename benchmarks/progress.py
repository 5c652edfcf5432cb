"""The line that a long run shows: in a terminal with rate and time left, in a log not at all."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from measuring import OURS, PYTEST, Line, api, environment, folder

STUDENTS = 400
RUN = [*PYTEST, *OURS, "--pyargs", "pytest_edfi_cte", f"--edfi-repeat={STUDENTS}"]
SHOWN = re.compile(rf"\d+ of {STUDENTS} students, [\d.,]+ a second, \d+:\d\d left")


def measure(rounds: int) -> list[Line]:  # noqa: ARG001 - seen or not: once is enough
    """The line of the table: how often it is drawn in a terminal, and how often without one."""
    with folder() as place, api(place) as sandbox:
        variables = environment(place, **sandbox.variables)
        variables.pop("CI", None)
        log = subprocess.run(
            RUN, cwd=place, env=variables, capture_output=True, text=True, check=False
        )
        if log.returncode:
            sys.exit(log.stdout + log.stderr)
        drawn = len(SHOWN.findall(_in_a_terminal(place, {**variables, "TERM": "xterm"})))
        quiet = len(SHOWN.findall(log.stdout))
    return [
        Line(
            f"7 progress: rate and time left, drawn while {STUDENTS} students are judged",
            f"{drawn} times in a terminal, {quiet} times in a log",
            "shown, and quiet",
            drawn > 0 and quiet == 0,
        )
    ]


def _in_a_terminal(place: Path, variables: dict[str, str]) -> str:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        RUN, cwd=place, env=variables, stdin=follower, stdout=follower, stderr=follower
    ) as run:
        os.close(follower)
        shown = b""
        try:
            while part := os.read(leader, 65536):
                shown += part
        except OSError:  # the other end is closed: Linux says so with an error
            pass
        finally:
            os.close(leader)
        if run.wait():
            sys.exit(shown.decode(errors="replace"))
    return shown.decode(errors="replace")


if __name__ == "__main__":
    print(*measure(1), sep="\n")
