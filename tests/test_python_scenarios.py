"""Scenarios in Python: in the same report, with requirement and evidence; mistakes told at once."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

SUITE = '''
import pytest
from pytest_edfi_cte import assert_record

@pytest.mark.edfi_scenario("ours-1-exit", requirement="upsert")
def test_exit(edfi_new_cte_association, edfi_session):
    """A student leaves the program."""
    association = edfi_new_cte_association(endDate="2027-05-23")
    assert_record(edfi_session.get(association.url), {"endDate": "2027-05-23"})

@pytest.mark.edfi_scenario("ours-2-wrong", requirement="etag")
def test_wrong(edfi_new_cte_association, edfi_session):
    association = edfi_new_cte_association(endDate="2027-05-23")
    assert_record(edfi_session.get(association.url), {"endDate": "2027-05-24"})

@pytest.mark.parametrize("year", [1, 2])
@pytest.mark.edfi_scenario("ours-3-plain")
def test_plain(edfi_session, year):
    assert edfi_session.get("/ed-fi/students").status_code == 200
'''


@pytest.fixture
def requirement_ids(monkeypatch) -> tuple[str, str]:
    """A must and a should of the file, whatever they are called."""
    from pytest_edfi_cte.contract import shipped
    from pytest_edfi_cte.requirements import requirements

    found = requirements(shipped())
    must = next(r.id for r in found if r.level == "must" and r.checks)
    should = next(r.id for r in found if r.level == "should" and r.checks)
    return must, should


def test_they_are_in_every_view_with_their_requirement(kit, sandbox, requirement_ids) -> None:
    must, should = requirement_ids
    suite = SUITE.replace('"upsert"', f'"{must}"').replace('"etag"', f'"{should}"')
    kit.pytester.makepyfile(test_ours=suite)
    result = kit.run(sandbox, "--edfi-report=pack", "--junitxml=j.xml")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "Scenario ours-2-wrong failed: a value comes back different from what was sent.",
            f"  {should} (should; *): *",
            "  endDate",
            '    expected  "2027-05-24"  (string, by this test)',
            '    received  "2027-05-23"  (string)',
            f"requirement {must}: ours-1-exit passed",
            f"requirement {should}: ours-2-wrong failed",
        ]
    )
    pack = kit.pytester.path / "pack"
    content = json.loads((pack / "results.json").read_text("utf-8"))
    checks = {c["id"]: c for c in content["checks"]}
    assert {"ours-1-exit", "ours-2-wrong", "ours-3-plain[1]", "ours-3-plain[2]"} < checks.keys()
    first = checks["ours-1-exit"]
    assert (first["kind"], first["level"]) == ("scenario", "must")
    assert first["title"] == "A student leaves the program."
    assert first["requirement"].startswith(f"{must} (must; ")
    assert first["findings"][0]["where"] == "endDate"
    assert any(e["line"].startswith("POST ") for e in first["exchanges"])
    assert checks["ours-3-plain[1]"]["title"] == "test_plain [1]"
    covered = {row["id"]: row["checks"] for row in content["requirements"]}
    assert covered == {must: ["ours-1-exit"], should: ["ours-2-wrong"]}
    page = (pack / "conformance.html").read_text("utf-8")
    assert "Requirements (2)" in page
    assert "A student leaves the program." in page
    assert f"Requirement {must} (must): ours-1-exit passed" in (pack / "summary.md").read_text(
        "utf-8"
    )
    cases = ElementTree.parse(pack / "junit.xml").iter("testcase")
    assert {"ours-1-exit", "ours-2-wrong"} < {case.get("name") for case in cases}
    properties = {
        (p.get("name"), p.get("value")) for p in ElementTree.parse("j.xml").iter("property")
    }
    assert {("edfi_scenario", "ours-1-exit"), ("edfi_level", "must")} <= properties


LEVELS = """
import pytest
from pytest_edfi_cte.judge import Finding

@pytest.mark.edfi_scenario("ours-level", requirement="{requirement}")
def test_level(edfi_session, edfi_evidence):
    edfi_evidence.add([Finding("ETag header", "there", "not there", "by us", "requirement", "words")])
    edfi_evidence.conclude()
"""


@pytest.mark.parametrize(("number", "verdict"), [(0, "failed"), (1, "warning")])
def test_findings_count_by_the_level_of_the_requirement(
    kit, sandbox, requirement_ids, number, verdict
) -> None:
    kit.pytester.makepyfile(test_ours=LEVELS.format(requirement=requirement_ids[number]))
    result = kit.run(sandbox, "--edfi-report=pack", "test_ours.py::test_level")
    result.assert_outcomes(**{"failed" if number == 0 else "passed": 1})
    (check,) = json.loads((kit.pytester.path / "pack/results.json").read_text("utf-8"))["checks"]
    assert (check["verdict"], check["id"]) == (verdict, "ours-level")
    assert (
        f"{requirement_ids[number]} ({('must', 'should')[number]}) is not kept" in check["message"]
    )


def test_beside_the_contract_pack_a_scenario_counts_with_the_checks(
    kit, sandbox, requirement_ids
) -> None:
    must = requirement_ids[0]
    kit.pytester.makepyfile(
        test_ours=SUITE.replace('"upsert"', f'"{must}"').replace(', requirement="etag"', "")
    )
    kit.run(sandbox, "--edfi-contract", "--edfi-report=pack", "-k", "exit or upsert")
    content = json.loads((kit.pytester.path / "pack/results.json").read_text("utf-8"))
    assert len(content["requirements"]) > 50
    (row,) = (row for row in content["requirements"] if row["id"] == must)
    assert row["checks"][-1] == "ours-1-exit"
    assert len(row["checks"]) > 1


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('("a", requirement="upsrt")', "there is no requirement 'upsrt'; did you mean 'upsert'?"),
        ("()", "the marker is written edfi_scenario(id) or *; found edfi_scenario()"),
        ("(5)", "found edfi_scenario(5)"),
        ('("a", needs="b")', "found edfi_scenario('a', needs='b')"),
        (
            '("sis-v5-student-cte-program-association-1-create")',
            "the scenario id 'sis-v5-student-cte-program-association-1-create' is taken by scenarios/",
        ),
        (
            '("b")',
            ": the scenario id 'b' is taken by test_mistake.py::test_a",
        ),
    ],
)
def test_a_mistake_in_a_marker_ends_the_run(kit, sandbox, marker, words) -> None:
    result = mistaken(kit, sandbox, marker)
    result.stderr.fnmatch_lines([f"ERROR: *test_mistake.py::test_*{words}*"])
    assert not sandbox.requests


def test_with_workers_the_controller_tells_it(kit, sandbox) -> None:
    result = mistaken(kit, sandbox, '("a", requirement="upsrt")', "-n2")
    result.stdout.fnmatch_lines(["ERROR: test_mistake.py::test_a: *did you mean 'upsert'?; *"])


def mistaken(kit, sandbox, marker, *arguments):
    second = '("b")' if marker == '("b")' else '("c")'
    kit.pytester.makepyfile(
        test_mistake=f"""
import pytest
@pytest.mark.edfi_scenario{marker}
def test_a(edfi_session): pass
@pytest.mark.edfi_scenario{second}
def test_b(edfi_session): pass
"""
    )
    result = kit.run(sandbox, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "passed" not in result.stdout.str()
    return result
