"""A state's own data: the worked example against a host of its own, and what its parts are for."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import hookspecs
from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.state_contract import contract_of
from tests.sandbox.commands import Command

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
EXAMPLE = ROOT / "examples/state_extension"
PLACE = {"tenant": "ex-doe", "year": 2027}


@pytest.fixture
def example(pytester):
    """The example in a folder of its own."""
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    return pytester


def commands() -> list[list[str]]:
    readme = (EXAMPLE / "README.md").read_text("utf-8")
    return [shlex.split(line) for line in re.findall(r"^```sh\n(.+)\n```", readme, re.MULTILINE)]


def test_it_runs_as_its_readme_says(example) -> None:
    """The host as a process of its own, under tenant and year."""
    host, run = commands()
    started = Command(*host[2:])
    try:
        assert started.url.endswith("/ex-doe/2027")
        assert host[:2] == ["edfi-cte", "sandbox"]
        assert run[0] == "pytest"
        result = example.runpytest_inprocess(*run[1:], "-p", "no:randomly", "-v")
    finally:
        started.end()
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "*ex-student-endorsement-1-create* PASSED*",
            "*ex-student-endorsement-2-update* PASSED*",
            "requirement update: ex-extension-1 passed",
            "note: A hook changed what is sent as studentCTEProgramAssociations: _ext.ex.*",
            "note: Slowest answer: *",
        ]
    )
    text = (example.path / "pack/results.json").read_text("utf-8")
    checks = {check["id"]: check for check in json.loads(text)["checks"]}
    assert "ex-student-endorsement-3-absent" not in checks
    assert "Asked for by the state" in checks["ex-student-endorsement-1-create"]["notes"][-1]
    rows = {
        f["where"]: f for f in checks["sis-v5-student-cte-program-association-1-create"]["findings"]
    }
    assert rows["_ext.ex.mentors[Ben Example].mentorName"]["verdict"] == "ok"
    assert rows["_ext.ex.capstoneHours"]["rule"] == "set by the hook pytest_edfi_payload"
    assert "of-no-use-here" not in text


def on(example, sandbox, kit, *arguments):
    kit.credentials(sandbox)
    return example.runpytest_inprocess(f"--edfi-url={sandbox.url}", "-p", "no:randomly", *arguments)


def test_a_host_that_does_not_keep_the_extension_fails(example, new_sandbox, kit) -> None:
    host = new_sandbox(**PLACE)
    result = on(
        example,
        host,
        kit,
        "--edfi-select=sis-v5-student-cte-program-association-1-create",
        "--pyargs",
        "pytest_edfi_cte",
    )
    result.stdout.fnmatch_lines(
        [
            "  _ext",
            "    expected  {*capstoneHours*}  (an object, set by the hook pytest_edfi_payload)",
            "    received  nothing: the property is absent",
        ]
    )
    assert result.ret == 1


def test_without_the_crosswalk_the_states_code_is_another_value(example, new_sandbox, kit) -> None:
    host = new_sandbox(openapi=[EXAMPLE / "openapi.yaml"], seed=EXAMPLE / "seed", **PLACE)
    file = example.path / "crosswalk.csv"
    file.write_text("stored,table\n")
    result = on(example, host, kit, "-k", "counts_as")
    result.assert_outcomes(failed=1, deselected=5)
    result.stdout.fnmatch_lines(["  cteProgramServices[[]Information Technology]"])


def test_rows_of_a_table_may_be_about_the_extension(example, new_sandbox, kit) -> None:
    host = new_sandbox(openapi=[EXAMPLE / "openapi.yaml"], seed=EXAMPLE / "seed", **PLACE)
    table = (ROOT / "fixtures/scenarios/student-cte-program-association.yaml").read_text("utf-8")
    kind = "{path: _ext%s, type: %s, collection: false, required: REQUIRED%s}"
    value = "uri://ex.example/EndorsementTypeDescriptor#Arts"
    more = [
        kind % ("", "object", ""),
        kind % (".ex", "object", ""),
        kind
        % (
            ".ex.endorsementTypeDescriptor",
            "descriptor",
            f', create: "{value}", update: "{value}"',
        ),
        kind % (".ex.capstoneHours", "integer", ", create: 1, update: 1"),
    ]
    table = re.sub(r"(?m)^id: .*", "id: ex-cte", table)
    table = table.replace("rows:\n", "rows:\n" + "".join(f"- {row}\n" for row in more))
    (example.path / "tables/cte.yaml").write_text(table)
    (example.path / "conftest.py").write_text("")
    result = on(
        example,
        host,
        kit,
        "--edfi-scenarios=tables/cte.yaml",
        "--edfi-report=pack",
        "--pyargs",
        "pytest_edfi_cte",
    )
    result.assert_outcomes(passed=2)
    text = (example.path / "pack/results.json").read_text("utf-8")
    rows = {f["where"]: f for c in json.loads(text)["checks"] for f in c["findings"]}
    assert rows["_ext.ex.capstoneHours"]["rule"] == "REQUIRED by the certification table"


def test_without_its_document_a_states_resource_is_unknown(example, new_sandbox, kit) -> None:
    (example.path / "pytest.ini").write_text("[pytest]\n")
    result = on(example, new_sandbox(**PLACE), kit)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*student-endorsement.yaml, line 6: resource: *no resource 'studentEndorsements' here*"]
    )


def test_the_contract_with_a_document() -> None:
    contract = contract_of([str(EXAMPLE / "openapi.yaml")])
    for standard in STANDARDS:
        known = contract.resource_schemas(standard)
        assert set(known) == {*shipped().resource_schemas(standard), "studentEndorsements"}
        fact = known["studentEndorsements"]["properties"]["priorEndorsementTypeDescriptor"]
        assert fact["x-edfi-descriptor"] == "EndorsementTypeDescriptor"
        assert "_ext" in known["studentCTEProgramAssociations"]["properties"]
    assert contract.namespaces["endorsementTypeDescriptors"] == "ex"
    assert contract.descriptor_names["endorsementTypeDescriptor"] == "EndorsementTypeDescriptor"
    assert contract_of([]) is shipped()
    assert (
        "_ext"
        not in shipped().resource_schemas("5.0")["studentCTEProgramAssociations"]["properties"]
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "openapi: [", "--edfi-openapi: .*not YAML"),
        (
            lambda text: text.replace("/ex/studentEndorsements", "/ex/students"),
            "has a collection of this name, too",
        ),
        (
            lambda text: text.replace("maxLength: 20\n", "maxLength: '20'\n"),
            "studentEndorsement/properties/note: maxLength cannot be used: '20'",
        ),
        (
            lambda text: text.replace("maxLength: 20\n", "pattern: '^\\p{L}+$'\n"),
            r"note: pattern cannot be used: '\^",
        ),
        (lambda text: text.replace("maxLength: 20\n", "minimum: [1]\n"), r"minimum .*: \[1\]"),
        (lambda text: text.replace("maxLength: 20\n", "format: [date]\n"), "format cannot be used"),
        (None, "--edfi-openapi: .*cannot be read"),
    ],
)
def test_a_document_that_cannot_be_used(tmp_path, change, words) -> None:
    file = tmp_path / "ex.yaml"
    if change:
        file.write_text(change((EXAMPLE / "openapi.yaml").read_text("utf-8")))
    with pytest.raises(ConfigurationError, match=words):
        contract_of([str(file)])


HOOKS = [name for name in vars(hookspecs) if name.startswith("pytest_edfi_")]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_an_implementer_in_the_examples(name) -> None:
    files = [f.read_text("utf-8") for f in (ROOT / "examples").rglob("*.py")]
    assert any(f"def {name}(" in text for text in files)
