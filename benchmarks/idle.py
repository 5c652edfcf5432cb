"""What the plugin costs a pytest run that does not use it: ``python benchmarks/idle.py``.

CPU of the plugin's import alone, measured in the process, and of ``pytest --co -q`` on a suite of
1,000 tests with and without the plugins that an installation brings.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measuring import FAKER, HTML, OURS, PYTEST, Line, cpu, environment, folder, median

FILES, TESTS = 20, 50
IMPORT_MS, SHARE = 10, 0.02
IMPORT = (
    "import time, pytest; began = time.process_time(); import pytest_edfi_cte.plugin; "
    "print(time.process_time() - began)"
)
#: Figures without a target. A plugin's fixtures and options are registered, too, in every run.
BESIDE = {
    "our plugin": "all of our plugin, with its fixtures and options",
    "pytest-html's and pytest-metadata's": "the plugins of pytest-html and pytest-metadata",
    "Faker's": "Faker's plugin (`-p no:faker` saves it)",
}
VARIANTS = {
    "bare": [],
    "our plugin": OURS,
    "pytest-html's and pytest-metadata's": HTML,
    "Faker's": FAKER,
}


def measure(rounds: int) -> list[Line]:
    """The lines of the table."""
    spent: dict[str, list[float]] = {name: [] for name in VARIANTS}
    imports = []
    with folder() as place:
        variables = environment(place)
        for number in range(FILES):
            tests = "".join(f"def test_{n}(): pass\n" for n in range(TESTS))
            Path(place, f"test_{number}.py").write_text(tests, encoding="utf-8")
        for _ in range(rounds + 1):
            command = [sys.executable, "-c", IMPORT]
            told = subprocess.check_output(command, cwd=place, env=variables, text=True)
            imports.append(float(told))
            for name, plugins in VARIANTS.items():
                spent[name].append(cpu([*PYTEST, "--co", *plugins], place, variables))
    # The first round fills the caches.
    pairs = {name: zip(times[1:], spent["bare"][1:], strict=True) for name, times in spent.items()}
    more = {name: median([one - bare for one, bare in both]) for name, both in pairs.items()}
    bare, seconds = median(spent["bare"][1:]), median(imports[1:])
    met = seconds * 1000 < IMPORT_MS and seconds / bare < SHARE
    return [
        Line(
            f"1 idle: import of our plugin; share of `pytest --co -q` of {FILES * TESTS:,} tests",
            f"{seconds * 1000:.1f} ms, {seconds / bare:.1%} of {bare:.2f} s",
            f"< {IMPORT_MS} ms, < {SHARE:.0%}",
            met,
        ),
        *(
            Line(f"1 idle: {what}", f"{more[name] * 1000:+.0f} ms, {more[name] / bare:+.1%}")
            for name, what in BESIDE.items()
        ),
    ]


if __name__ == "__main__":
    print(*measure(9), sep="\n")
