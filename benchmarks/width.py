"""Eight workers against an API that needs 50 ms for an answer, beside one: seconds on the clock."""

from __future__ import annotations

import subprocess
import sys
import time

from measuring import OURS, PYTEST, Line, api, environment, folder

RUN = [*PYTEST, "-p", "xdist", *OURS, "--pyargs", "pytest_edfi_cte", "--edfi-report=pack"]
WORKERS, DELAY, STUDENTS = 8, 0.05, 160
TARGET = 6.0


def measure(rounds: int) -> list[Line]:  # noqa: ARG001 - minutes on the clock: once is enough
    """The line of the table. Everything counts: also the start of the workers."""
    with folder() as place, api(place) as sandbox:
        variables = environment(place, **sandbox.variables)

        def seconds(workers: int) -> float:
            sandbox.clear()
            sandbox.control.fault(delay=DELAY)
            command = [*RUN, f"--edfi-repeat={STUDENTS}", "-n", str(workers)]
            began = time.monotonic()
            done = subprocess.run(
                command, cwd=place, env=variables, capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(done.stdout + done.stderr)
            return time.monotonic() - began

        one, many = seconds(1), seconds(WORKERS)
        tokens = [r for r in sandbox.control.requests if r.path.endswith("/oauth/token")]
    return [
        Line(
            f"5 width: {WORKERS} workers beside one, {DELAY * 1000:.0f} ms an answer, "
            f"{STUDENTS} students",
            f"{one / many:.1f} times as fast ({one:.0f} s, {many:.0f} s; {len(tokens)} token)",
            f"≥ {TARGET:.0f} times",
            one / many >= TARGET and len(tokens) == 1,
        )
    ]


if __name__ == "__main__":
    print(*measure(1), sep="\n")
