"""What the plugin costs a pytest run that does not use it: ``python benchmarks/idle.py``.

CPU seconds (user + system) of ``pytest --co -q`` on one small test, each variant in turn, median
of the rounds. Figures on one machine; compare the ratios.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 9
VARIANTS = {
    "bare pytest": [],
    "with pytest-edfi-cte": ["-p", "pytest_edfi_cte.plugin"],
    "with pytest-html and pytest-metadata": [
        "-p",
        "pytest_metadata.plugin",
        "-p",
        "pytest_html.plugin",
    ],
    "with Faker's plugin": ["-p", "faker.contrib.pytest.plugin"],
}


def cpu(folder: str, arguments: list[str]) -> float:
    """CPU seconds of one start."""
    command = [sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_a.py").write_text("def test_a(): pass\n", encoding="utf-8")
        spent: dict[str, list[float]] = {name: [] for name in VARIANTS}
        for _ in range(ROUNDS + 1):
            for name, arguments in VARIANTS.items():
                spent[name].append(cpu(folder, arguments))
    bare = statistics.median(spent["bare pytest"][1:])
    print("| start | CPU seconds | more than bare |\n| --- | --- | --- |")
    for name, times in spent.items():
        median = statistics.median(times[1:])  # the first round fills the caches
        print(f"| {name} | {median:.3f} | {median - bare:+.3f} ({median / bare:.2f} times) |")


if __name__ == "__main__":
    main()
