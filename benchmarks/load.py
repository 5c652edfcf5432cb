"""The scenarios as Locust users: 20 seconds, two processes, one sandbox on the same machine."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from measuring import Line, api, environment, folder

FILE = Path(__file__).parents[1] / "examples" / "load" / "locustfile.py"
RUN = ["--headless", "-u", "8", "-r", "8", "-t", "20s", "--processes", "2", "--csv", "load"]


def measure(rounds: int) -> list[Line]:  # noqa: ARG001 - a figure beside the target
    """The line of the table; how many students a second is the machine's, and stands beside."""
    with folder() as place, api(place) as sandbox:
        command = [sys.executable, "-m", "locust", "-f", str(FILE), *RUN]
        variables = environment(place, **sandbox.variables)
        done = subprocess.run(
            command, cwd=place, env=variables, capture_output=True, text=True, check=False
        )
        with (place / "load_stats.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
    scenarios = [row for row in rows if row["Type"] == "SCENARIO"]
    total = next(row for row in rows if row["Name"] == "Aggregated")
    findings = sum(int(row["Failure Count"]) for row in rows if row["Type"])
    students = float(scenarios[-1]["Requests/s"]) if scenarios else 0.0
    return [
        Line(
            "6 load: Locust, 20 s, 2 processes, 8 users",
            f"{findings} findings, {students:.0f} students a second, "
            f"{float(total['Requests/s']):.0f} requests and scenarios a second",
            "0 findings",
            findings == 0 and done.returncode == 0 and bool(scenarios),
        )
    ]


if __name__ == "__main__":
    print(*measure(1), sep="\n")
