"""What one more student of ``--edfi-repeat`` costs, beside a bare loop over ``requests.Session``.

The difference of two runs of different length, for each student more: what a run begins and ends
with is in neither figure. ``baseline/bare_loop.py`` sends the very same requests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from measuring import HTML, OURS, PYTEST, Line, api, cpu, environment, folder, median
from shares import shares

LOOP = Path(__file__).parent / "baseline" / "bare_loop.py"
RUN = [*PYTEST, *HTML, *OURS, "--pyargs", "pytest_edfi_cte", "--edfi-report=pack"]
RUN += ["--html=report.html", "--self-contained-html"]
#: From the first to the second number of students: one test each, then several in a test.
SPANS = ((50, 200), (500, 800))
TARGET = 1.0


def measure(rounds: int) -> list[Line]:
    """The lines of the table."""
    lines = []
    with folder() as place, api(place) as sandbox:
        variables = environment(place, **sandbox.variables)

        def spent(command: list[str]) -> float:
            sandbox.clear()
            return cpu(command, place, variables)

        def profiled(students: int) -> str:
            sandbox.clear()
            return shares([*RUN, f"--edfi-repeat={students}"], place, variables)

        spent([*RUN, "--edfi-repeat=1"])  # fills the caches
        for few, many in SPANS:
            ours, bare = [], []
            for _ in range(rounds):
                loops = [spent([sys.executable, str(LOOP), str(n)]) for n in (few, many)]
                runs = [spent([*RUN, f"--edfi-repeat={n}"]) for n in (few, many)]
                bare.append((loops[1] - loops[0]) / (many - few) * 1000)
                ours.append((runs[1] - runs[0]) / (many - few) * 1000)
            ratio = median([one / other for one, other in zip(ours, bare, strict=True)])
            lines.append(
                Line(
                    f"3 per record: a student more, from {few} to {many:,}",
                    f"{ratio:.2f} times ({median(ours):.1f} ms, bare loop {median(bare):.1f} ms)",
                    f"≤ {TARGET:.1f} times",
                    ratio <= TARGET,
                    profiled(many),
                )
            )
    return lines


if __name__ == "__main__":
    print(*measure(5), sep="\n")
