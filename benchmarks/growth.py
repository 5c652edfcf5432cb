"""Ten times the students: ten times the work, next to no more memory, and a report at any moment.

CPU seconds and peak memory of the pytest process with ``--edfi-report``, and what ``results.json``
says when the process is killed (signal 9) at moments that nobody chose.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from measuring import OURS, PYTEST, Api, Line, api, environment, folder, median

RUN = [*PYTEST, *OURS, "--pyargs", "pytest_edfi_cte", "--edfi-report=pack"]
SIZES = (10, 100, 1_000, 10_000)
LINEAR, BASE_MB, KB_EACH, PAGE_MB = 0.10, 60, 6, 20
KILLS = 10


def run(number: int, place: Path, sandbox: Api) -> tuple[float, float]:
    """CPU seconds and peak MB of one run."""
    sandbox.clear()
    variables = environment(place, **sandbox.variables)
    command = [*RUN, f"--edfi-repeat={number}"]
    with subprocess.Popen(
        command, cwd=place, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def killed(place: Path, sandbox: Api) -> int:
    """How many students a killed run's report has; it must be a whole document."""
    sandbox.clear()
    results = place / "pack" / "results.json"
    results.unlink(missing_ok=True)
    command = [*RUN, "--edfi-repeat=5000"]
    variables = environment(place, **sandbox.variables)
    with subprocess.Popen(
        command, cwd=place, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as process:
        while not results.exists():
            time.sleep(0.05)
        time.sleep(random.uniform(0, 6))  # noqa: S311 - any moment
        process.kill()
    content = json.loads(results.read_text(encoding="utf-8"))
    assert content["verdict"] == "interrupted"  # noqa: S101 - the figure would be a lie
    return int(content["counts"].get("passed", 0)) // 2


def measure(rounds: int) -> list[Line]:
    """The lines of the table; the largest size is measured once, it takes minutes."""
    with folder() as place, api(place) as sandbox:
        run(1, place, sandbox)  # fills the caches
        seen = {
            size: [run(size, place, sandbox) for _ in range(1 if size == SIZES[-1] else rounds)]
            for size in SIZES
        }
        page = (place / "pack" / "conformance.html").stat().st_size / 1e6
        whole = [killed(place, sandbox) for _ in range(KILLS)]
    seconds = {size: median([cpu for cpu, _ in runs]) for size, runs in seen.items()}
    memory = {size: median([mb for _, mb in runs]) for size, runs in seen.items()}
    spans = list(itertools.pairwise(SIZES))
    each = [(seconds[b] - seconds[a]) / (b - a) * 1000 for a, b in spans]
    shown = ", ".join(f"{ms:.1f} ms to {b:,}" for ms, (_, b) in zip(each, spans, strict=True))
    spread = max(each) / min(each) - 1
    allowed = {size: BASE_MB + size * KB_EACH / 1024 for size in SIZES}
    sizes = ", ".join(f"{memory[s]:.1f} MB at {s:,}" for s in SIZES)
    return [
        Line(
            "4 growth: CPU for a student more",
            f"{shown}: within {spread:.0%}",
            f"within {LINEAR:.0%}",
            spread <= LINEAR,
        ),
        Line(
            "4 growth: memory of the pytest process",
            sizes,
            f"≤ {BASE_MB} MB + {KB_EACH} KB for each student",
            all(memory[size] <= allowed[size] for size in SIZES),
        ),
        Line(
            f"4 growth: the page for {SIZES[-1]:,} students",
            f"{page:.2f} MB",
            f"< {PAGE_MB} MB",
            page < PAGE_MB,
        ),
        Line(
            f"4 growth: `results.json` after `kill -9`, {KILLS} times",
            f"whole, with {min(whole)} to {max(whole)} students",
            "readable",
            True,
        ),
    ]


if __name__ == "__main__":
    print(*measure(3), sep="\n")
