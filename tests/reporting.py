"""A run to look at: two passes, a failure, a not testable and a waiver, and documents made by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pytest_edfi_cte.reporting.document import Document, document
from pytest_edfi_cte.sandbox import Sandbox
from tests.broken_apis import answered, ignored, problem

OWN = '''
"""Our district's own expectations."""
from pytest_edfi_cte.judge import Finding


def test_our_association_is_readable(edfi_cte_association, edfi_session):
    assert edfi_session.get(edfi_cte_association.url).status_code == 200


def test_our_programs_are_taken(edfi_new_program):
    edfi_new_program()


def test_the_host_keeps_our_end_dates(edfi_cte_association, edfi_session, edfi_evidence):
    stored = edfi_session.get(edfi_cte_association.url).json()
    received = stored.get("endDate", "2027-05-24")
    found = Finding("endDate", "2027-05-23", received, "REQUIRED by our district", "wrong-value")
    edfi_evidence.add([found])
    edfi_evidence.conclude()
'''
WAIVERS = """
- path: endDate
  reason: The vendor fixes it in the May release
  who: J. Doe, State Education Agency
  until: 2099-05-31
"""


def refuses_programs(request, proceed):
    """A host that gives no right to create programs."""
    no = request.method == "POST" and request.path.endswith("/programs")
    return (
        problem(403, "Access to the resource could not be authorized.") if no else proceed(request)
    )


#: With these a run has everything that a report can show.
MIXED = (answered("PUT", ignored)(), refuses_programs)
MIXED_ARGUMENTS = ("--edfi-report=pack", "--edfi-waive=waivers.yaml", "--edfi-seed=5")


def run_info(**changes: Any) -> Any:
    """A run as the document holds it."""
    return {
        "id": "a" * 32,
        "mode": "drive",
        "tool_version": "1.0",
        "certification": "Ed-Fi SIS v5",
        "edition": "SIS v5, table without endDate",
        "api": {
            "url": "https://host/api",
            "version": "7.3",
            "data_standard": "5.2.0",
            "embedded": False,
        },
        "school_year": 2027,
        "seed": 5,
        "started": "2026-11-24T22:00:00.000Z",
        "finished": "2026-11-24T22:00:05.000Z",
        "seconds": 5.0,
        "outcome": "finished",
        "masked": False,
        "facts": {"API": "https://host/api", "Seed": "5"},
        "notes": [],
        "left_behind": [],
        "set_up": [],
        "planned": [{"id": "s-1-create", "kind": "scenario", "title": "Scenario 1: create"}],
        "limits": [],
        "options": [],
        "tables": [
            {
                "id": "sis-v5-student-cte-program-association",
                "resource": "studentCTEProgramAssociations",
                "title": "Student CTE Program Association",
                "edition": "SIS v5, table without endDate",
                "judged": ["s-1-create"],
                "scenarios": ["s-1-create"],
                "rows": [
                    {
                        "path": "beginDate",
                        "type": "date",
                        "certification": "REQUIRED",
                        "api": "required",
                        "expected": {"s-1-create": '"2026-08-23"'},
                    },
                    {
                        "path": "cteProgramServices.cipCode",
                        "type": "string",
                        "certification": "REQUIRED",
                        "api": "optional",
                        "expected": {"s-1-create": '"11.0103"'},
                    },
                ],
            }
        ],
        **changes,
    }


def finding(where: str = "beginDate", **changes: Any) -> Any:
    """A finding as the document holds it; right by default."""
    return {
        "where": where,
        "property": where,
        "certification": "REQUIRED",
        "api": "required",
        "expected": '"2026-08-23"',
        "received": '"2026-08-23"',
        "received_type": "string",
        "rule": "REQUIRED by the certification table",
        "verdict": "ok",
        "kind": "ok",
        "next": "",
        **changes,
    }


def wrong(where: str = "beginDate", received: str = '"2026-08-24"', **changes: Any) -> Any:
    """A finding that is not as expected."""
    return finding(
        where,
        received=received,
        verdict="wrong",
        kind="wrong-value",
        next="Return it as it was sent.",
        **changes,
    )


def exchange(number: int = 0, **changes: Any) -> Any:
    """An exchange as the document holds it."""
    return {
        "line": "GET https://host/api/data/v3/ed-fi/students → 200",
        "at": f"2026-11-24T22:00:0{number}.000Z",
        "milliseconds": 12,
        "request_headers": [["Accept", "application/json"], ["Authorization", "[redacted]"]],
        "request_body": "",
        "response_headers": [["Content-Type", "application/json"]],
        "response_body": '{\n  "id": "4f"\n}',
        **changes,
    }


def check(name: str = "s-1-create", verdict: str = "passed", **changes: Any) -> Any:
    """A check as the document holds it."""
    rows = [finding()] if verdict == "passed" else [wrong()]
    return {
        "run": 0,
        "id": name,
        "kind": "scenario",
        "level": "",
        "number": 1,
        "student": 0,
        "title": "Create a record",
        "requirement": "16 REQUIRED rows of the certification table",
        "verdict": verdict,
        "message": ""
        if verdict == "passed"
        else "Scenario 1 (Create a record) failed: a value differs.\n  more",
        "waiver": "",
        "test": f"test_a.py::test_a[{name}]",
        "file": "test_a.py",
        "line": 3,
        "seconds": 0.5,
        "findings": rows,
        "notes": [],
        "steps": [],
        "exchanges": [exchange()],
        **changes,
    }


def made(*checks: Any, runs: Any = None, waivers: Any = ()) -> Document:
    """A document of these checks, all of one table."""
    run = run_info()
    run["tables"][0]["scenarios"] = [check["id"] for check in checks]
    return document(runs or [run], checks, waivers)


def mixed_pack(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in ``folder`` against a sandbox so that ``folder/pack`` has everything."""
    (folder / "test_district.py").write_text(OWN)
    (folder / "waivers.yaml").write_text(WAIVERS)
    with Sandbox(middleware=MIXED) as sandbox:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:randomly",
            "-p",
            "no:xdist",
            "-p",
            "no:cov",
        ]
        key = {"EDFI_CLIENT_ID": sandbox.client_id, "EDFI_CLIENT_SECRET": sandbox.client_secret}
        return subprocess.run(
            [
                *command,
                f"--edfi-url={sandbox.url}",
                "--edfi-school-year=2027",
                *MIXED_ARGUMENTS,
                *arguments,
            ],
            cwd=folder,
            env={**os.environ, **key},
            capture_output=True,
            text=True,
            check=False,
        )
