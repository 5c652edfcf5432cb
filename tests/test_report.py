"""What a run leaves behind for others: HTML, JUnit properties, and never a secret."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.client.exchange import BODY_LIMIT
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.reporting.model import Painter, requirement_of, visible
from pytest_edfi_cte.verdicts import Verdict
from tests.broken_apis import answered, ignored, put, shown

IDS = (
    "sis-v5-student-cte-program-association-1-create",
    "sis-v5-student-cte-program-association-2-update",
)
HTML = ("--html=report.html", "--self-contained-html")


def properties(pytester, scenario: str) -> dict[str, list[str]]:
    root = ElementTree.parse(pytester.path / "junit.xml").getroot()
    case = next(c for c in root.iter("testcase") if scenario in c.get("name", ""))
    found: dict[str, list[str]] = {}
    for entry in case.iter("property"):
        found.setdefault(entry.get("name"), []).append(entry.get("value"))
    return found


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_junit_has_the_verdict_and_the_facts(workers, new_sandbox, kit) -> None:
    sandbox = new_sandbox(answered("PUT", ignored)())
    run = kit.subprocess if workers else kit.run
    run(sandbox, "--pyargs", "pytest_edfi_cte", "--junitxml=junit.xml", "--edfi-seed=5", *workers)
    create, update = (properties(kit.pytester, scenario) for scenario in IDS)
    assert create["edfi_verdict"] == ["passed"]
    assert update["edfi_verdict"] == ["failed"]
    assert update["edfi_scenario"] == [IDS[1]]
    assert update["edfi_finding"] == [
        "cteProgramServices[Information Technology].primaryIndicator: expected false, received true"
    ]
    assert update["edfi_requirement"] == [
        "cteProgramServices[Information Technology].primaryIndicator: REQUIRED by the certification table"
    ]
    for facts in (create, update):
        assert facts["edfi_api"] == [sandbox.url]
        assert facts["edfi_api_version"] == ["7.3"]
        assert facts["edfi_data_standard"] == ["5.2.0"]
        assert facts["edfi_school_year"][0].startswith("2027 (2026-2027")
        assert facts["edfi_edition_of_the_table"] == ["SIS v5, table without endDate"]
        assert facts["edfi_seed"] == ["5"]
        assert facts["edfi_pytest_edfi_cte"]


def test_junit_of_a_set_up_that_failed(new_sandbox, kit) -> None:
    from tests.broken_apis import problem

    def refuse(request, proceed):
        no = request.method == "POST" and request.path.endswith("/students")
        return problem(403, "No.") if no else proceed(request)

    kit.scenarios(new_sandbox(refuse), "--junitxml=junit.xml")
    for scenario in IDS:
        assert properties(kit.pytester, scenario)["edfi_verdict"] == ["not testable"]


def test_html_of_a_test_that_is_no_scenario_has_empty_columns(sandbox, kit) -> None:
    kit.pytester.makepyfile("def test_own(edfi_session): print('hello'); assert 0")
    kit.run(sandbox, *HTML).assert_outcomes(passed=2, failed=1)
    page = (kit.pytester.path / "report.html").read_text()
    assert "test_own" in page
    assert page.count("scope=\\&#34;col\\&#34;") > 0


def test_without_pytest_html_everything_else_works(sandbox, kit) -> None:
    kit.scenarios(sandbox, "-p", "no:html").assert_outcomes(passed=2)


def test_html_of_a_run_without_scenarios(sandbox, kit) -> None:
    kit.pytester.makepyfile("def test_own(edfi_session): pass")
    kit.run(sandbox, "-k", "own", *HTML).assert_outcomes(passed=1, deselected=2)
    assert "No scenario was run." in (kit.pytester.path / "report.html").read_text()


def test_what_is_left_behind_is_in_the_html(new_sandbox, kit) -> None:
    from tests.broken_apis import problem

    def refuse(request, proceed):
        return problem(403, "Not yours.") if request.method == "DELETE" else proceed(request)

    kit.scenarios(new_sandbox(refuse), *HTML)
    page = (kit.pytester.path / "report.html").read_text()
    assert page.count("Left behind in the API: DELETE") == 1
    # The enrollment and the student stay, so that the association can still be deleted.
    assert page.count("Left behind in the API: ") == 3
    assert page.count("kept, for the record above needs it") == 2


def test_insecure_and_replaced_values_are_in_the_report(sandbox, kit) -> None:
    kit.scenarios(
        sandbox,
        "--edfi-insecure",
        "--edfi-set=student.firstName=Ada",
        "--junitxml=junit.xml",
        *HTML,
    )
    facts = properties(kit.pytester, IDS[0])
    assert facts["edfi_replaced_values"] == ["student.firstName=Ada"]
    assert "TLS CERTIFICATES WERE NOT VERIFIED" in (kit.pytester.path / "report.html").read_text()


HOSTILE = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>\u202eevil\x00"


def test_hostile_values_are_escaped(new_sandbox, kit) -> None:
    sandbox = new_sandbox(shown(put("technicalSkillsAssessmentDescriptor", HOSTILE))())
    result = kit.scenarios(sandbox, "-k", "create", "--junitxml=junit.xml", *HTML)
    result.assert_outcomes(failed=1, deselected=1)
    page = (kit.pytester.path / "report.html").read_text()
    assert "<script>document" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert "\u202e" not in result.stdout.str()
    assert r"\u202eevil" in result.stdout.str()
    ElementTree.parse(kit.pytester.path / "junit.xml")


def test_lone_surrogates_and_huge_bodies_survive_the_workers(new_sandbox, kit) -> None:
    value = "\ud800" + "x" * (2 * BODY_LIMIT)
    sandbox = new_sandbox(shown(put("technicalSkillsAssessmentDescriptor", value))())
    result = kit.subprocess(sandbox, "--pyargs", "pytest_edfi_cte", "-n2", "-k", "create", *HTML)
    result.assert_outcomes(failed=1)
    page = (kit.pytester.path / "report.html").read_text()
    assert "cut at 64 KiB" in page
    assert r"\ud800" in page
    assert len(page) < 20 * BODY_LIMIT


SHOWN = st.text(st.characters(), max_size=30)


@given(SHOWN)
def test_visible_text_has_no_hidden_characters(text) -> None:
    result = visible(text)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", result
    )
    result.encode("utf-8")
    assert visible(result) == result


def test_a_finding_without_details() -> None:
    paint = Painter(lambda text: text)
    rows = paint.findings(
        [Finding("x", 1, 2, "rule", "wrong-value"), Finding("y", 1, 1, "REQUIRED")]
    )
    assert requirement_of(rows) == "x: rule"
    assert requirement_of(rows[1:]) == "1 REQUIRED rows of the certification table"
    assert requirement_of([]) == ""
    assert Verdict.PASSED.value == "passed"


SHOWS_ALL = """
import logging, os
def test_shows_all(edfi_session, edfi_settings, edfi_new_student, request):
    student = edfi_new_student()
    sent = edfi_session.get("/ed-fi/students").request
    bearer = sent.headers["Authorization"]
    everything = dict(sent.headers)
    logging.getLogger("own").warning("settings %r, sent %s", edfi_settings, everything)
    try:
        raise ValueError(bearer)
    except ValueError:
        logging.getLogger("own").exception("with a traceback")
    print(edfi_settings, edfi_session, vars(edfi_session).keys(), bearer)
    assert student == bearer, f"told {everything}"
def test_raises(edfi_session):
    raise LookupError(edfi_session.get("/ed-fi/students").request.headers["Authorization"])
def test_our_bug(edfi_session):
    from pytest_edfi_cte.values import count
    count(edfi_session.get("/ed-fi/students").request.headers["Authorization"])
def test_worker_dies(edfi_session):
    if os.environ.get("PYTEST_XDIST_WORKER"):
        print(edfi_session.get("/ed-fi/students").request.headers)
        os._exit(1)
"""
SHOWN_ALL = (
    "--junitxml=junit.xml",
    "-vvv",
    "--showlocals",
    "--log-file=run.log",
    "--log-level=DEBUG",
    "--log-cli-level=DEBUG",
    "--setup-show",
    "--edfi-report=pack",
    *HTML,
)


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_no_artefact_holds_a_secret(workers, new_sandbox, kit, pytester, monkeypatch) -> None:
    """A failing run with everything shown: pack, pages, XML, terminal, logs, tracebacks, locals."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # our own, not the inner run's
    tokens: list[str] = []

    def echo(request, proceed):
        """A host that repeats the caller's secrets in its answers."""
        response = proceed(request)
        if request.path == "/oauth/token":
            tokens.append(response.get_json()["access_token"])
        if request.method == "PUT":
            said = f"You sent {request.headers['Authorization']} of {secret}"
            response.set_data(f'{{"detail": "{said}"}}')
            response.status_code = 400
            response.headers["X-Echo"] = secret
        return response

    secret = "s3cr3t/with+chars&more"
    sandbox = new_sandbox(echo, client_secret=secret)
    pytester.makepyfile(SHOWS_ALL)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "step.md"))
    result = kit.subprocess(sandbox, *SHOWN_ALL, *workers)
    assert result.ret == 1
    files = [p for p in pytester.path.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
    names = {p.name for p in files}
    assert {
        "conformance.html",
        "results.json",
        "report.html",
        "junit.xml",
        "run.log",
        "step.md",
    } <= names
    texts = {str(p): p.read_text(errors="replace") for p in files}
    texts |= {"stdout": result.stdout.str(), "stderr": result.stderr.str()}
    everything = "\n".join(texts.values())
    for words in (
        " → 400",
        "harness error: pytest-edfi-cte itself failed (ValueError: 'Bearer [redacted]'",
        "LookupError",
        "with a traceback",
    ):
        assert words in everything
    assert ("ended under it" in everything) == bool(workers)
    assert len(tokens) >= 1
    pair = f"{sandbox.client_id}:{secret}"
    for value in (secret, *tokens):
        for form in (value, quote(value, safe=""), base64.b64encode(value.encode()).decode()):
            assert [name for name, text in texts.items() if form in text] == []
    assert base64.b64encode(pair.encode()).decode() not in everything
