"""Waivers: accepted findings are shown as waived, never as passed, and end on their day."""

from __future__ import annotations

import json

import pytest

from tests.reporting import MIXED
from tests.test_report import HTML, IDS

PLACE = "cteProgramServices.primaryIndicator"
ELEMENT = "cteProgramServices[Information Technology].primaryIndicator"


@pytest.fixture
def waive(new_sandbox, kit, pytester):
    """``waive(entries, *arguments)`` runs the scenarios on a sandbox that ignores the update."""

    def run(content, *arguments: str, broken: bool = True):
        text = content if isinstance(content, str) else json.dumps(content)
        (pytester.path / "waivers.yaml").write_text(text)
        sandbox = new_sandbox(*([MIXED[0]] if broken else []))
        result = kit.scenarios(
            sandbox, "--edfi-waive=waivers.yaml", "--edfi-report=pack", *arguments
        )
        path = pytester.path / "pack" / "results.json"
        return result, json.loads(path.read_text()) if path.exists() else {}

    return run


def outcomes(result):
    return {word: n for word, n in result.parseoutcomes().items() if word != "warnings"}


def entry(**changes):
    return {"reason": "Fixed in May", "who": "J. Doe", "until": "2099-05-31", **changes}


@pytest.mark.parametrize(
    "what",
    [{"check": IDS[1]}, {"path": PLACE}, {"path": ELEMENT}, {"check": IDS[1], "path": PLACE}],
)
def test_a_waived_finding_does_not_fail_the_run_and_has_not_passed(what, waive) -> None:
    result, content = waive([entry(**what)])
    assert result.ret == 0
    assert outcomes(result) == {"passed": 1, "waived": 1}
    assert content["counts"] == {"passed": 1, "waived": 1}
    assert content["verdict"] == "conformant"
    (row,) = [r for c in content["checks"] for r in c["findings"] if r["verdict"] != "ok"]
    assert (row["where"], row["verdict"]) == (ELEMENT, "waived")
    assert content["waivers"][0]["state"] == "applied"
    assert content["waivers"][0]["checks"] == [IDS[1]]
    result.stdout.fnmatch_lines(
        ["*~ waived *Scenario 2*", "*Fixed in May (accepted by J. Doe until 2099-05-31)*"]
    )


def test_it_is_waived_in_every_view(waive, pytester) -> None:
    result, _ = waive([entry(path=PLACE)], *HTML, "--junitxml=junit.xml", "-rA")
    pack = pytester.path / "pack"
    for name in ("conformance.html", "summary.md", "junit.xml", "badge.svg", "data-mapping.csv"):
        assert "waived" in (pack / name).read_text().lower(), name
    assert "Waived" in (pytester.path / "report.html").read_text()
    assert "waived: Fixed in May" in (pytester.path / "junit.xml").read_text()
    assert result.ret == 0


def test_workers_waive_too(new_sandbox, kit, pytester) -> None:
    (pytester.path / "waivers.yaml").write_text(json.dumps([entry(path=PLACE)]))
    sandbox = new_sandbox(MIXED[0])
    result = kit.subprocess(
        sandbox, "--pyargs", "pytest_edfi_cte", "-n2", "--edfi-waive=waivers.yaml"
    )
    assert result.ret == 0
    assert outcomes(result) == {"passed": 1, "waived": 1}


def test_an_expired_waiver_waives_nothing_and_fails_the_run(waive) -> None:
    result, content = waive([entry(path=PLACE, until="2020-01-31")])
    assert result.ret == 1
    assert content["counts"] == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines([f"WAIVER expired: {PLACE} (until 2020-01-31, J. Doe)"])
    result, content = waive([entry(path=PLACE, until="2020-01-31")], broken=False)
    assert result.ret == 1
    assert content["counts"] == {"passed": 2}
    assert content["verdict"] == "not conformant"


@pytest.mark.parametrize(
    "what",
    [
        {"check": IDS[0]},
        {"path": "privateCTEProgram"},
        {"check": "no-such-check"},
        {"check": IDS[0], "path": PLACE},
    ],
)
def test_a_waiver_that_matches_nothing_fails_the_run(what, waive) -> None:
    result, content = waive([entry(**what)], broken=False)
    assert result.ret == 1
    assert content["waivers"][0]["state"] == "matches nothing"
    assert "WAIVER matches nothing: " in result.stdout.str()


def test_only_what_is_named_is_waived(waive) -> None:
    result, content = waive([entry(check=IDS[1], path="beginDate"), entry(path=PLACE)])
    assert content["counts"] == {"passed": 1, "waived": 1}
    assert [w["state"] for w in content["waivers"]] == ["matches nothing", "applied"]
    assert result.ret == 1


def test_a_check_with_another_finding_stays_failed(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_edfi_cte.judge import Finding
        def test_two(edfi_session, edfi_evidence):
            edfi_evidence.add([Finding(w, 1, 2, "ours", "wrong-value") for w in ("a", "b")])
            edfi_evidence.conclude()
        """
    )
    (pytester.path / "waivers.yaml").write_text(json.dumps([entry(path="a")]))
    result = kit.run(new_sandbox(), "-k", "two", "--edfi-waive=waivers.yaml", "--edfi-report=pack")
    assert result.ret == 1
    (check,) = json.loads((pytester.path / "pack" / "results.json").read_text())["checks"]
    assert check["verdict"] == "failed"
    assert [row["verdict"] for row in check["findings"]] == ["waived", "wrong"]


def test_what_is_not_testable_cannot_be_waived(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile("def test_a(edfi_new_program): edfi_new_program()")
    (pytester.path / "waivers.yaml").write_text(
        json.dumps([entry(check="test_what_is_not_testable_cannot_be_waived.py::test_a")])
    )
    result = kit.run(new_sandbox(MIXED[1]), "-k", "test_a", "--edfi-waive=waivers.yaml")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1


def test_a_test_that_fails_without_a_finding_is_waived_by_its_id(
    new_sandbox, kit, pytester
) -> None:
    pytester.makepyfile("def test_a(edfi_session): assert 0")
    name = "test_a_test_that_fails_without_a_finding_is_waived_by_its_id.py::test_a"
    (pytester.path / "waivers.yaml").write_text(json.dumps([entry(check=name)]))
    result = kit.run(new_sandbox(), "-k", "test_a", "--edfi-waive=waivers.yaml")
    assert result.ret == 0
    assert result.parseoutcomes()["waived"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "waivers.yaml is not YAML"),
        ("", "waivers.yaml: None is not of type 'array'"),
        ("[]", "waivers.yaml: [] should be non-empty"),
        ([entry()], "entry 1: expected `check` or `path`"),
        (
            [entry(path="a"), {"path": "b", "who": "x", "until": "2099-01-01"}],
            "entry 2: 'reason' is a required property",
        ),
        ([entry(path="a", until="soon")], "entry 1: until: 'soon' is not a 'date'"),
        ([entry(path="a", reason=" ")], "entry 1: reason: ' ' does not match"),
        ([entry(path="a", forever=True)], "entry 1: Additional properties are not allowed"),
    ],
)
def test_a_damaged_file_is_a_configuration_mistake(content, said, waive) -> None:
    result, _ = waive(content)
    assert result.ret == 4
    assert said in result.stderr.str()
