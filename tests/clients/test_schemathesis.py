"""``schemathesis`` 4 against the sandbox over HTTP: its command on the sandbox's own documents.

What is not asked: that data which its document allows is accepted. A schema cannot say which
descriptor values and records there are, nor which strings type inference takes for a number.
"""

import os
import re
import subprocess
import sys

import pytest
import requests
from openapi_spec_validator import validate

from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.model import model_of
from pytest_edfi_cte.sandbox.openapi import document
from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, student

# No secret on a command line: it reads the token from the environment.
CONFIG = """
headers = { Authorization = "Bearer ${TOKEN}" }
seed = 1
"""
ANSWERS = "not_a_server_error,status_code_conformance,response_schema_conformance"
#: Further ones, of which Swagger 2.0 cannot say enough: there a 201 without body needs a type.
ALL = (
    f"{ANSWERS},content_type_conformance,response_headers_conformance,unsupported_method,"
    "allow_header_conformance,ignored_auth,use_after_free"
)


#: Further collections, instead of the usual ones: all of them take minutes.
FURTHER = os.environ.get("EDFI_CTE_SCHEMATHESIS", "").split()
RESOURCES = FURTHER or ["calendars", "programs"]


@pytest.fixture
def run(tmp_path):
    """Runs it on one document of a sandbox, for some of its resources; (exit code, text)."""

    def run(box, file, collections, checks, *options):
        credentials = (box.client_id, box.client_secret)
        grant = {"grant_type": "client_credentials"}
        token = requests.post(f"{box.url}/oauth/token", data=grant, auth=credentials).json()
        (tmp_path / "schemathesis.toml").write_text(CONFIG)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{box.url}/metadata{file}"),
            *("--checks", checks, "--no-shrink", "--no-color"),
            *("--include-path-regex", f"^/ed-fi/({'|'.join(collections)})(/|$)"),
            *options,
        ]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment | {"TOKEN": token["access_token"]},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def box():
    with Sandbox() as box:
        box.load("students", [student()])
        box.load(ENROLLMENTS, [enrollment()])
        box.load(CTE, [association()])
        yield box


def passed(outcome, box, operations):
    code, text = outcome
    assert code == 0, text
    assert f"Selected: {operations}/" in text, text
    statuses = {request.status for request in box.requests}
    assert statuses >= {200, 400, 404}
    assert max(statuses) < 500


@pytest.mark.parametrize(
    ("part", "collections", "examples"),
    [
        ("resources", ["students", CTE], 5),
        ("descriptors", ["cteProgramServiceDescriptors"], 10),
    ],
    ids=["resources", "descriptor"],
)
def test_the_sandbox_does_what_its_openapi_document_says(run, box, part, collections, examples):
    file = f"/data/v3/{part}/openapi.json"
    phases = ("--phases", "coverage,fuzzing", "--max-examples", str(examples))
    outcome = run(box, file, collections, ALL, *phases)
    passed(outcome, box, 7 * len(collections))
    assert 405 in {request.status for request in box.requests}


def test_the_sandbox_does_what_its_swagger_document_says(run, box):
    collections = [ENROLLMENTS, *RESOURCES]
    file = "/data/v3/resources/swagger.json"
    outcome = run(box, file, collections, ANSWERS, "--phases", "fuzzing", "--max-examples", "5")
    passed(outcome, box, 7 * len(collections))


def test_answers_that_are_not_as_documented_are_found(run):
    def wrong(request, proceed):
        response = proceed(request)
        if request.path.endswith("/keyChanges"):
            response.status_code = 418
        elif request.path.endswith("/deletes"):
            response.data = '[{"id": 1}]'
            response.status_code = 200
        elif request.path.endswith("/sexDescriptors"):
            response.status_code = 500
        return response

    few = ("--phases", "fuzzing", "--max-examples", "1", "--mode", "positive")
    with Sandbox(middleware=[wrong]) as box:
        file = "/data/v3/descriptors/openapi.json"
        code, text = run(box, file, ["sexDescriptors"], ALL, *few)
    assert code == 1, text
    assert "Server error" in text
    assert re.search("Undocumented (HTTP )?status code", text), text  # version 4.30 says HTTP
    assert "Response violates schema" in text


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("standard", "part"),
    [("4.0", "resources"), ("5.0", "resources"), ("5.0", "descriptors")],
)
def test_the_documents_are_valid(standard, part, version):
    found = document(model_of(standard), part, "http://localhost", version=version)
    validate(found)
    operations = [o["operationId"] for path in found["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations))
