"""How fast the sandbox is: ``python tests/benchmarks/sandbox.py`` (Linux; minutes).

The sandbox runs as a process of its own. This one loads it through four keep-alive connections
with all checks on: students, their enrollments, and ten CTE associations of each; then reads
associations by id and by natural key, at every tenfold size. Wall rates depend on what else the
machine does and on this process, which shares its cores; CPU per request does much less.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from load import Answer, Load, Measured, Process

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST, DATA = "127.0.0.1", "/data/v3/ed-fi"
CLIENT, SECRET, EDORG = "benchmark", "not a secret", 255901
SCHOOL, PROGRAM = 255901001, "Career and Technical Education"
URI = "uri://ed-fi.org/"
#: Associations of one student, one per school year.
EACH = 10
READS = 5000


def student(number: int) -> dict:
    """A student as a vendor's product would send it."""
    return {
        "studentUniqueId": str(number),
        "firstName": "Madison",
        "middleName": "Grace",
        "lastSurname": "Johnson",
        "birthDate": "2008-01-01",
        "birthSexDescriptor": f"{URI}SexDescriptor#Female",
    }


def enrollment(number: int) -> dict:
    """The student's enrollment."""
    return {
        "studentReference": {"studentUniqueId": str(number)},
        "schoolReference": {"schoolId": SCHOOL},
        "entryDate": "2014-08-31",
        "entryGradeLevelDescriptor": f"{URI}GradeLevelDescriptor#Ninth grade",
        "primarySchool": True,
    }


def association(number: int, turn: int) -> dict:
    """The certification's association, of one student in one year."""
    return {
        "beginDate": f"{2015 + turn}-08-23",
        "educationOrganizationReference": {"educationOrganizationId": EDORG},
        "programReference": {
            "educationOrganizationId": EDORG,
            "programName": PROGRAM,
            "programTypeDescriptor": f"{URI}ProgramTypeDescriptor#{PROGRAM}",
        },
        "studentReference": {"studentUniqueId": str(number)},
        "nonTraditionalGenderStatus": True,
        "privateCTEProgram": False,
        "cteProgramServices": [
            {
                "cteProgramServiceDescriptor": f"{URI}CTEProgramServiceDescriptor#{name}",
                "cipCode": "11.0103",
                "primaryIndicator": name == "Information Technology",
                "serviceBeginDate": "2024-08-23",
            }
            for name in ("Information Technology", "Health Science")
        ],
    }


def natural_key(number: int, turn: int) -> str:
    """The query that names one association."""
    return urlencode(
        {
            "beginDate": f"{2015 + turn}-08-23",
            "educationOrganizationId": EDORG,
            "programName": PROGRAM,
            "programTypeDescriptor": f"{URI}ProgramTypeDescriptor#{PROGRAM}",
            "studentUniqueId": number,
        }
    )


@contextlib.contextmanager
def running(db: Path | None) -> Iterator[tuple[int, Process, float]]:
    """A sandbox in a process: its port, the process, seconds until it answered discovery."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("edfi-cte"), "sandbox", f"--port={port}"]
    command += ["--client", f"{CLIENT}:{SECRET}:Ed-Fi Sandbox:{EDORG}"]
    command += [f"--db={db}"] if db else []
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not _answers(port):
            assert process.poll() is None, "the sandbox ended"
            time.sleep(0.005)
        yield port, Process(process.pid), time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


class Step(NamedTuple):
    """What was measured while the collection grew to a size."""

    associations: int
    measured: dict[str, Measured]
    memory: float


class Bench:
    """One client of a running sandbox, with a token."""

    def __init__(self, port: int, server: Process) -> None:
        self.load = Load(HOST, port, server)
        self._server = server
        form = urlencode(
            {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        )
        answers: list[Answer] = []
        login = self.load.request(
            "POST", "/oauth/token", form.encode(), Content_Type="application/x-www-form-urlencoded"
        )
        self.load.run([login], answers.append)
        assert answers[0].status == 200, answers
        self._bearer = f"Bearer {json.loads(answers[0].body)['access_token']}"
        self._students = 0
        self._addresses: list[str] = []

    def grow(self, associations: int) -> Step:
        """Load until there are so many associations, then read."""
        first, end = self._students, associations // EACH
        self._students = end
        numbers = range(1_000_000 + first, 1_000_000 + end)
        pairs = [(number, turn) for number in numbers for turn in range(EACH)]
        measured = {
            "POST student": self._post("students", map(student, numbers)),
            "POST enrollment": self._post("studentSchoolAssociations", map(enrollment, numbers)),
            "POST association": self._post(
                "studentCTEProgramAssociations", (association(*pair) for pair in pairs)
            ),
        }
        memory = self._server.memory
        addresses = random.Random(1).choices(self._addresses, k=READS)
        measured["GET by id"] = self._get(addresses, b'{"id":')
        collection = f"{DATA}/studentCTEProgramAssociations"
        some = random.Random(2).choices(pairs, k=READS)
        queries = [f"{collection}?{natural_key(*pair)}" for pair in some]
        measured["GET by key"] = self._get(queries, b'[{"id":')
        return Step(associations, measured, memory)

    def _post(self, collection: str, records: Iterator[dict]) -> Measured:
        def created(answer: Answer) -> None:
            assert answer.status == 201, answer
            self._addresses.append(DATA + answer.header(b"Location").partition(DATA)[2])

        self._addresses.clear()
        requests = [
            self.load.request(
                "POST",
                f"{DATA}/{collection}",
                json.dumps(record).encode(),
                Authorization=self._bearer,
                Content_Type="application/json",
            )
            for record in records
        ]
        return self.load.run(requests, created)

    def _get(self, paths: list[str], begins: bytes) -> Measured:
        def found(answer: Answer) -> None:
            assert answer.status == 200, answer
            assert answer.body.startswith(begins), answer

        requests = [self.load.request("GET", p, Authorization=self._bearer) for p in paths]
        return self.load.run(requests, found)


HEAD = """\
| associations | request | per second | CPU ms | 50 % ms | 99 % ms | load's CPU ms | memory MB |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def rows(step: Step) -> Iterator[str]:
    """A step as rows of the table."""
    for name, m in step.measured.items():
        yield (
            f"| {step.associations:,} | {name} | {m.rate:,.0f} | {m.cpu_each:.2f}"
            f" | {m.latency(0.5):.1f} | {m.latency(0.99):.1f} | {m.own_each:.2f}"
            f" | {step.memory:.0f} |"
        )


def summary(steps: list[Step]) -> Iterator[str]:
    """The table of docs/reference/figures.md: requests per second and the server's CPU for each."""
    yield f"| associations stored | {' | '.join(f'{s.associations:,}' for s in steps)} |"
    yield f"| --- |{' --- |' * len(steps)}"
    for name in steps[0].measured:
        cells = (f"{s.measured[name].rate:,.0f} ({s.measured[name].cpu_each:.2f})" for s in steps)
        yield f"| {name}: per second (CPU ms) | {' | '.join(cells)} |"
    yield f"| memory, MB | {' | '.join(f'{s.memory:.0f}' for s in steps)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--records",
        type=int,
        default=100_000,
        metavar="N",
        help="associations in the last step (default 100000; from 1000)",
    )
    parser.add_argument("--in-memory", action="store_true", help="no --db file")
    arguments = parser.parse_args()
    sizes = [n for n in (1_000, 10_000) if n < arguments.records] + [arguments.records]
    with tempfile.TemporaryDirectory() as folder:
        db = None if arguments.in_memory else Path(folder, "sandbox.db")
        with running(db) as (port, server, ready):
            print(f"Ready in {ready:.2f} s ({server.cpu:.2f} s of CPU, {server.memory:.0f} MB).\n")
            print(HEAD)
            bench = Bench(port, server)
            try:
                steps = []
                for size in sizes:
                    steps.append(bench.grow(size))
                    print("\n".join(rows(steps[-1])), flush=True)
            finally:
                bench.load.close()
    print("", *summary(steps), sep="\n")


if __name__ == "__main__":
    main()
