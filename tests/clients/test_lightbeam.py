"""``lightbeam`` 0.1 against the sandbox over HTTP: its command, as its users run it."""

import json
import os
import subprocess
import sys

import pytest

from pytest_edfi_cte.sandbox import Sandbox
from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, student, unlinked, uri

CONFIG = """
data_dir: data
state_dir: state
force_delete: true
edfi_api:
  base_url: {url}
  version: 3
  mode: shared_instance
  client_id: ${{EDFI_API_CLIENT_ID}}
  client_secret: ${{EDFI_API_CLIENT_SECRET}}
connection:
  num_retries: 1
  verify_ssl: false
validate:
  methods: "*"  # schema, descriptors, uniqueness and references
"""
STUDENTS = [student(n) for n in "123"]


class Lightbeam:
    """Its command in a folder of its own."""

    def __init__(self, box, folder):
        self.box = box
        self.folder = folder
        (folder / "lightbeam.yaml").write_text(CONFIG.format(url=box.url))
        (folder / "data").mkdir()

    def data(self, **records):
        for name, rows in records.items():
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (self.folder / f"data/{name}.jsonl").write_text(text)

    def fetched(self, name):
        text = (self.folder / f"data/{name}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def __call__(self, command, *options):
        """Run it; its text and the report that it writes about validate and send."""
        secrets = {
            "EDFI_API_CLIENT_ID": self.box.client_id,
            "EDFI_API_CLIENT_SECRET": self.box.client_secret,
        }
        done = subprocess.run(
            [sys.executable, "-m", "lightbeam", command, "--results-file", "out/r", *options],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")} | secrets,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        text = done.stdout + done.stderr
        assert done.returncode == 0, text
        assert "Traceback" not in text
        report = self.folder / "out/r"
        if command in {"validate", "send"}:
            return text, json.loads(report.read_text())["resources"]
        return text, report.read_text() if report.exists() else ""


@pytest.fixture(scope="module")
def box():
    with Sandbox() as box:
        yield box


@pytest.fixture
def lightbeam(box, tmp_path):
    box.clear()
    return Lightbeam(box, tmp_path)


def test_send_count_fetch_and_delete(lightbeam):
    box = lightbeam.box
    records = {
        "students": STUDENTS,
        ENROLLMENTS: [enrollment(n) for n in "123"],
        CTE: [association(n) for n in "123"],
    }
    lightbeam.data(**records)
    _, report = lightbeam("send")
    for name in records:
        assert report[name]["successes"] == [{"status_code": 201, "count": 3}], report
    # In the order of the dependencies: nobody is written about before the enrollment.
    assert list(report) == ["students", ENROLLMENTS, CTE]

    _, counts = lightbeam("count", "--selector", f"students,{ENROLLMENTS},{CTE}")
    rows = dict(reversed(line.split("\t")) for line in counts.splitlines())
    assert rows == {"Endpoint": "Records", **dict.fromkeys(records, "3")}

    paged = ("--set", "fetch.page_size", "2", "--drop-keys", "id,_etag,_lastModifiedDate")
    lightbeam("fetch", "--selector", f"students,{CTE}", *paged)
    for name in ("students", CTE):
        found = [unlinked(record) for record in lightbeam.fetched(name)]
        assert sorted(found, key=str) == sorted(records[name], key=str)

    one = json.dumps({"studentUniqueId": "2"})
    lightbeam("fetch", "--selector", "students", "--query", one)
    assert [row["studentUniqueId"] for row in lightbeam.fetched("students")] == ["2"]

    lightbeam.data(**records)
    text, _ = lightbeam("delete", "--force")
    assert [len(box.records(name)) for name in (CTE, ENROLLMENTS)] == [0, 0]
    # It deletes in the order's reverse and looks records up first. Students whom no enrollment
    # ties to the key any more cannot be looked up, here as on the ODS/API.
    assert "payload not found in API]; instances: 3" in text
    assert len(box.records("students")) == 3
    statuses = {request.status for request in box.requests}
    assert statuses == {200, 201, 204}


def test_validate_and_send_report_a_bad_record(lightbeam):
    box = lightbeam.box
    wrong = association("1", cteProgramServices=[{"cteProgramServiceDescriptor": uri("X", "None")}])
    nobody = association("nobody")
    lightbeam.data(
        students=[STUDENTS[0], {"studentUniqueId": "2"}],
        **{ENROLLMENTS: [enrollment("1")], CTE: [association("1"), wrong, nobody]},
    )
    _, report = lightbeam("validate")
    assert report[ENROLLMENTS]["records_failed"] == 0
    (failure,) = report["students"]["failures"]
    assert (failure["method"], failure["line_numbers"]) == ("schema", [2])
    assert failure["message"].startswith("'birthDate' is a required property")
    failures = {f["method"]: f for f in report[CTE]["failures"]}
    assert {method: f["line_numbers"] for method, f in failures.items()} == {
        "descriptors": [2],
        "references": [3],
    }
    assert "is not a valid descriptor value" in failures["descriptors"]["message"]
    assert (
        'invalid studentReference : {"studentUniqueId": "nobody"}'
        in (failures["references"]["message"])
    )

    text, report = lightbeam("send")
    told = {
        (name, f["status_code"], *f["line_numbers"]): f["message"]
        for name, found in report.items()
        for f in found.get("failures", ())
    }
    required = "{} is required. (at $.{})"
    birth, first, last = (required.format(n, n) for n in ("birthDate", "firstName", "lastSurname"))
    messages = [f["message"] for f in report["students"]["failures"]]
    assert sorted(messages) == [birth, first, last]
    unknown = "is no CTEProgramServiceDescriptor that this API knows."
    place = "$.cteProgramServices[0].cteProgramServiceDescriptor"
    assert told[CTE, 400, 2] == f"{unknown} (at {place})"
    assert told[CTE, 409, 3] == "$.studentReference: there is no such Student."
    assert f"{unknown} (at {place})  (at line 2 of " in text
    assert [len(box.records(n)) for n in ("students", ENROLLMENTS, CTE)] == [1, 1, 1]
