"""The benchmarks' baselines do what they are said to do: the very same requests as the kit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from pytest_edfi_cte.sandbox import Sandbox

BASELINE = Path(__file__).parents[1] / "benchmarks" / "baseline"
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
KIT = [*PYTEST, "-p", "pytest_edfi_cte.plugin", "--pyargs", "pytest_edfi_cte"]
KIT += ["--edfi-school-year=2027"]
STUDENT = re.compile(r"222222|9\d{8,}")


def sent(sandbox: Sandbox, folder: Path, *command: str) -> list[tuple[object, ...]]:
    """What a command sends, with ids and students' numbers left out."""
    before = len(sandbox.requests)
    variables = {
        **{n: v for n, v in os.environ.items() if not n.startswith(("COVERAGE_", "EDFI_"))},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "EDFI_URL": sandbox.url,
        "EDFI_CLIENT_ID": sandbox.client_id,
        "EDFI_CLIENT_SECRET": sandbox.client_secret,
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = []
    for request in sandbox.requests[before:]:
        path, _, query = request.path.partition("?")
        path = re.sub(r"/[0-9a-f]{32}$", "/ID", path)
        parameters = sorted((name, STUDENT.sub("N", value)) for name, value in parse_qsl(query))
        found.append((request.method, path, request.status, *parameters))
    return found


@pytest.mark.parametrize(
    ("kit", "baseline", "number"),
    [
        ([], [*PYTEST, f"--rootdir={BASELINE}", str(BASELINE / "test_by_hand.py")], 35),
        (["--edfi-repeat=2"], [str(BASELINE / "bare_loop.py"), "2"], 2 * 19),
    ],
    ids=["start", "per record"],
)
def test_a_baseline_sends_what_the_kit_sends(kit, baseline, number, tmp_path) -> None:
    with Sandbox() as sandbox:
        ours = sent(sandbox, tmp_path, *KIT, *kit)
        assert not sandbox.records("studentCTEProgramAssociations")
        theirs = sent(sandbox, tmp_path, *baseline)
    if kit:  # what all students share is looked up before the first, in our runs alone
        first = next(n for n, request in enumerate(ours) if "/ed-fi/students" in str(request[1]))
        ours, theirs = ours[first:], theirs[2:]
        assert ours[0][:2] == ("GET", theirs[0][1])
    assert len(theirs) == number
    assert theirs == ours
