"""Records in a file: how soon the sandbox is ready, and what 100,000 records cost.

Run ``python tests/benchmarks/storage.py`` in a checkout with the dev extra. It prints a table; it
asserts nothing, since a busy machine is no defect. Reads /proc, so Linux only.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from pytest_edfi_cte.sandbox import Sandbox  # noqa: E402 - the path first
from pytest_edfi_cte.sandbox.access import Rights  # noqa: E402 - the path first
from pytest_edfi_cte.sandbox.store import Condition  # noqa: E402 - the path first
from tests.sandbox.commands import Command  # noqa: E402 - the path first
from tests.sandbox.support import ENROLLMENTS, enrollment, student  # noqa: E402 - the path first

RIGHTS = Rights((255901,), ("uri://",))


def ready(*arguments: str) -> tuple[float, float]:
    """(seconds until the first answer, CPU seconds of the process until then); median of seven."""
    found = []
    for _ in range(7):
        begin = time.perf_counter()
        command = Command(*arguments)
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(command.url).status_code == 200
        took = time.perf_counter() - begin
        fields = Path(f"/proc/{command.process.pid}/stat").read_text().rpartition(")")[2].split()
        found.append((took, (int(fields[11]) + int(fields[12])) / 100))
        command.end()
    return tuple(map(statistics.median, zip(*found, strict=True)))


def memory() -> float:
    """Resident memory in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def key_query(box: Sandbox, name: str) -> float:
    """Microseconds of one look-up of an enrollment by its natural key; median of 300."""
    key = {"studentUniqueId": name, "schoolId": 255901001, "entryDate": "2024-08-31"}
    conditions = [Condition(part, value, key=True) for part, value in key.items()]
    resource, times = box._engine.model.named(ENROLLMENTS), []
    for _ in range(300):
        begin = time.perf_counter()
        assert len(box._engine.query(resource, conditions, RIGHTS, limit=25)) == 1
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def fill(file: Path) -> None:
    """Students with their enrollments through all rules, up to 100,000 records."""
    print(f"{'records':>8} {'MiB':>6} {'file MiB':>9} {'us/write':>9} {'us/key query':>13}")
    with Sandbox(db=file) as box:
        students, enrollments = (box._engine.model.named(n) for n in ("students", ENROLLMENTS))
        done = 0
        for goal in (1_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000):
            begin, first = time.perf_counter(), done
            while done < goal:
                box._engine.create(students, student(f"s{done}"), RIGHTS)
                box._engine.create(enrollments, enrollment(f"s{done}"), RIGHTS)
                done += 2
            write = (time.perf_counter() - begin) / (done - first) * 1e6
            size = file.stat().st_size / 2**20
            query = key_query(box, "s0")
            print(f"{done:8} {memory():6.1f} {size:9.1f} {write:9.0f} {query:13.0f}", flush=True)
    begin = time.perf_counter()
    box = Sandbox(db=file)
    print(f"opened again in {(time.perf_counter() - begin) * 1e3:.1f} ms")
    begin = time.perf_counter()
    box.clear()
    print(f"clear() in {time.perf_counter() - begin:.1f} s, {memory():.1f} MiB")
    box.close()


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sandbox.db"
        names = {"in memory": [], "in a file": ["--db", file]}  # new the first time, then there
        for name, arguments in names.items():
            wall, cpu = ready(*arguments)
            print(f"ready, {name}: {wall:.3f} s (CPU {cpu:.2f} s)", flush=True)
        fill(Path(folder) / "filled.db")


if __name__ == "__main__":
    main()
