"""What one run of both scenarios costs, beside a test file written by hand that does the same.

Both against a sandbox in another process, both with a report: ours is the evidence pack and
pytest-html's page, the other's is pytest-html's. ``baseline/test_by_hand.py`` says what it does.
"""

from __future__ import annotations

from pathlib import Path

from measuring import FAKER, HTML, OURS, PYTEST, Line, api, cpu, environment, folder, median
from shares import shares

BASELINE = Path(__file__).parent / "baseline"
PAGE = ["--html=report.html", "--self-contained-html"]
RUN = [*HTML, *OURS, "--pyargs", "pytest_edfi_cte", "--edfi-school-year=2027"]
HAND = "by hand"
VARIANTS = {
    HAND: [*HTML, *PAGE, f"--rootdir={BASELINE}", str(BASELINE / "test_by_hand.py")],
    "--edfi-report": [*FAKER, *RUN, "--edfi-report=pack"],
    "--edfi-report and --html": [*FAKER, *RUN, "--edfi-report=pack", *PAGE],
    "--edfi-report, with -p no:faker": [*RUN, "--edfi-report=pack"],
}
TARGET = 1.0


def measure(rounds: int) -> list[Line]:
    """The lines of the table."""
    spent: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with folder() as place, api(place) as sandbox:
        variables = environment(place, **sandbox.variables)
        for _ in range(rounds + 1):
            for name, arguments in VARIANTS.items():
                sandbox.clear()
                spent[name].append(cpu([*PYTEST, *arguments], place, variables))
        where = {}
        for name, arguments in VARIANTS.items():
            sandbox.clear()
            where[name] = shares([*PYTEST, *arguments], place, variables)
    hand = median(spent[HAND][1:])
    lines = [Line("2 start: both scenarios by hand", f"{hand:.3f} s")]
    for name in list(VARIANTS)[1:]:
        both = zip(spent[name][1:], spent[HAND][1:], strict=True)
        ratio = median([ours / other for ours, other in both])
        told = f"{ratio:.2f} times ({median(spent[name][1:]):.3f} s)"
        met = ratio <= TARGET
        lines.append(Line(f"2 start: {name}", told, f"≤ {TARGET:.1f} times", met, where[name]))
    return lines


if __name__ == "__main__":
    print(*measure(7), sep="\n")
