"""examples/load: the scenarios as Locust users, in one process, several, and over the network."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_edfi_cte.cohort import Cohort
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.load import Load, from_environment
from pytest_edfi_cte.settings import Settings
from tests.conftest import state
from tests.test_repeat import numbers, wrong_for

HOW_TO = (Path(__file__).parents[1] / "docs" / "how-to" / "load-test.md").read_text("utf-8")
#: benchmarks/load.py runs the whole 20.
SECONDS = "3s"
FILE = Path(__file__).parents[1] / "examples" / "load" / "locustfile.py"


@pytest.fixture
def locust(kit, tmp_path) -> Iterator:
    """``locust(sandbox, *arguments, **environment)`` starts one in a folder of its own."""
    started = []

    def start(sandbox, *arguments: str, **environment: str) -> subprocess.Popen:
        kit.credentials(sandbox)
        command = [sys.executable, "-m", "locust", "-f", str(FILE), *arguments]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "EDFI_URL": sandbox.url, "EDFI_SEED": "7", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


HEADLESS = ("--headless", "--only-summary", "--csv", "load", "-r", "4")


def rows(folder: Path, name: str = "stats") -> list[dict[str, str]]:
    with (folder / f"load_{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_two_processes_for_some_seconds_find_nothing(sandbox, locust, tmp_path) -> None:
    """The how-to's command, stopped by time, amid students: none is there twice, and none is left."""
    before = state(sandbox)
    (command,) = re.findall(r"^locust .*", HOW_TO, re.MULTILINE)
    words = shlex.split(command.partition("locustfile.py ")[2].replace("20s", SECONDS))
    run = locust(sandbox, *words)
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 0, output
    assert len(set(numbers(sandbox))) == len(numbers(sandbox)) > 4
    assert state(sandbox) == before
    scenarios = [row for row in rows(tmp_path) if row["Type"] == "SCENARIO"]
    assert [row["Name"].rpartition("-")[2] for row in scenarios] == ["create", "update"]
    assert all(row["Failure Count"] == "0" for row in rows(tmp_path))
    assert all(float(row["Requests/s"]) > 1 for row in scenarios)
    assert re.search(r"Aggregated +\d+ +0\(0\.00%\)", output), "throughput is in the output"
    assert list((tmp_path / ".edfi-load").iterdir()) == []
    tokens = [r for r in sandbox.requests if r.path.endswith("/oauth/token")]
    assert len(tokens) == 2


def test_findings_are_failures(new_sandbox, locust, tmp_path) -> None:
    sandbox = new_sandbox(wrong_for(2))
    run = locust(sandbox, *HEADLESS, "-u", "1", EDFI_REPEAT="3")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1, output
    assert "every student was judged" in output
    assert "student 2: Scenario 2 (" in output
    (failure,) = rows(tmp_path, "failures")
    assert (failure["Method"], failure["Occurrences"]) == ("SCENARIO", "1")
    assert "primaryIndicator: expected false, received true" in failure["Error"]
    assert numbers(sandbox) == [Cohort(7, 1, 3).student_id(n) for n in (1, 2, 3)]


def test_master_and_worker_over_the_network(sandbox, locust, tmp_path) -> None:
    before = state(sandbox)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    lead = locust(
        sandbox,
        *(*HEADLESS, "-u", "2", "--master", "--expect-workers", "1", "--master-bind-port", port),
        EDFI_REPEAT="25",
    )
    worker = locust(sandbox, "--worker", "--master-port", port, EDFI_SEED="1")
    output = lead.communicate(timeout=60)[0]
    assert lead.returncode == 0, output
    assert worker.wait(timeout=60) == 0
    # The master's seed counts, and each of its students was judged once.
    assert sorted(numbers(sandbox)) == [Cohort(7, 1, 25).student_id(n) for n in range(1, 26)]
    assert state(sandbox) == before
    judged = [row["Request Count"] for row in rows(tmp_path) if row["Type"] == "SCENARIO"]
    assert judged == ["25", "25"]


def test_without_an_address_it_says_so(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="no address: set EDFI_URL"):
        Load(from_environment(), tmp_path)


def test_settings_of_the_environment_count(monkeypatch) -> None:
    monkeypatch.setenv("EDFI_REPEAT", "5-9")
    assert from_environment().repeat == (5, 9)


def test_observe_mode_is_no_load(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="nothing is repeated"):
        Load(Settings(url="http://127.0.0.1:1", mode="observe"), tmp_path)


def test_each_exchange_is_told_without_secrets(sandbox, kit, tmp_path, monkeypatch) -> None:
    kit.credentials(sandbox)
    monkeypatch.setenv("EDFI_URL", sandbox.url)
    load = Load(from_environment(), tmp_path)
    told: list = []
    rounds = load.rounds(7, told.append)
    judged = list(rounds.judge(1))
    rounds.close()
    assert load.close() == []
    assert [(j.error, j.said) for j in judged] == [(None, "")] * 2
    assert "POST" in {exchange.method for exchange in told}
    headers = [value for exchange in told for value in exchange.request_headers.values()]
    assert not any("Bearer" in value for value in headers)
    assert json.dumps(headers).count("[redacted]") == len(told)
