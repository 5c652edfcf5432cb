"""The contract pack in pytest: when it is collected, what its levels mean, what it leaves behind."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from werkzeug.wrappers import Response

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.requirements import by_check, coverage, requirements
from pytest_edfi_cte.sandbox import Client
from pytest_edfi_cte.sandbox.defects import VARIANTS
from pytest_edfi_cte.sandbox.defects.tools import problem
from pytest_edfi_cte.sandbox.defects.variants import without_headers
from tests.conftest import state
from tests.contract_faults import FAULTS, LEGAL, echoing, instead, is_cte, stored_anyway

PACK = ("--edfi-contract", "--pyargs", "pytest_edfi_cte")


def only(*checks: str) -> tuple[str, ...]:
    return (*PACK, "-k", " or ".join(f"test_contract[{name}]" for name in checks))


def fault(name: str):
    make, _ = FAULTS[name]
    return make()


def test_the_pack_is_collected_only_where_it_is_asked_for(sandbox, kit) -> None:
    checks = len(by_check(shipped()))
    kit.scenarios(sandbox, "--co").assert_outcomes()
    assert "test_contract" not in kit.scenarios(sandbox, "--co", "-q").stdout.str()
    asked = kit.run(sandbox, *PACK, "--co", "-q").stdout.str()
    assert asked.count("test_contract[") == checks
    kit.monkeypatch.setenv("EDFI_CONTRACT", "yes")
    by_variable = kit.scenarios(sandbox, "--co", "-q").stdout.str()
    assert by_variable.count("test_contract[") == checks
    kit.monkeypatch.delenv("EDFI_CONTRACT")
    kit.pytester.makeini("[pytest]\nedfi_contract = true\npython_files = check_*.py\n")
    kit.pytester.makepyfile(check_own="def test_own(): pass")
    by_ini = kit.run(sandbox, "--co", "-q").stdout.str()
    assert by_ini.count("test_contract[") == checks
    assert "test_own" in by_ini


def test_the_whole_pack_is_green_and_leaves_nothing(sandbox, kit) -> None:
    before = state(sandbox)
    result = kit.run(sandbox, *PACK, "--edfi-keep-data", "-m", "edfi_contract", "-v")
    checks = len(by_check(shipped()))
    result.assert_outcomes(passed=checks, deselected=2)
    result.stdout.fnmatch_lines(
        ["*test_contract?create-answers-201? PASSED*", f"contract: {coverage(shipped())}"]
    )
    result.stdout.fnmatch_lines([f"contract: {checks} passed"])
    assert state(sandbox) == before
    assert len(sandbox.requests) < 350


def test_the_pack_beside_the_scenarios_on_two_workers_in_any_order(sandbox, kit) -> None:
    before = state(sandbox)
    result = kit.run(sandbox, *PACK, "-n2", "-p", "randomly")
    result.assert_outcomes(passed=len(by_check(shipped())) + 2)
    result.stdout.fnmatch_lines(["contract: 75 requirements: *", "contract: * passed"])
    assert state(sandbox) == before


def test_a_must_fails_with_everything_that_helps(new_sandbox, kit) -> None:
    sandbox = new_sandbox(fault("delete-twice-is-404"))
    result = kit.run(sandbox, *only("delete-twice-is-404"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*delete (must) is not kept: A DELETE is answered with 204 and removes the record*",
            "*Source: Guidelines 4.0, DELETE Requests*",
            "*status: second DELETE of a record*",
            "*expected  404*",
            "*received  204*",
            "*DELETE http://*/studentCTEProgramAssociations/* → 204*",
            "*Next: Remove the record from reads by id and from queries.*",
        ]
    )
    result.stdout.fnmatch_lines(["*contract: 1 failed*"])


def test_a_should_is_a_warning_everywhere_and_strict_makes_it_a_failure(new_sandbox, kit) -> None:
    sandbox = new_sandbox(fault("create-location-is-absolute"))
    check = only("create-location-is-absolute")
    reports = ("--html=r.html", "--self-contained-html", "--junitxml=r.xml", "-v")
    result = kit.run(sandbox, *check, *reports)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*test_contract?create-location-is-absolute? WARNING*",
            "contract: 1 warning",
            "warning: create-location-is-absolute: create-location-absolute (should) is not kept: *",
            "*expected  an absolute URL*",
            "*Next: Write scheme and host into Location*",
        ]
    )
    page = (kit.pytester.path / "r.html").read_text()
    assert "edfi-verdict edfi-warning" in page
    assert "create-location-is-absolute, should" in page
    properties = ET.parse(kit.pytester.path / "r.xml").iter("property")
    told = {p.get("name"): p.get("value") for p in properties}
    assert told["edfi_contract"] == "create-location-is-absolute"
    assert (told["edfi_level"], told["edfi_verdict"]) == ("should", "warning")
    strict = kit.run(sandbox, *check, "--edfi-strict")
    strict.assert_outcomes(failed=1)
    strict.stdout.fnmatch_lines(["*create-location-absolute (should) is not kept*"])


def test_a_could_is_information_even_where_strict(new_sandbox, kit) -> None:
    sandbox = new_sandbox(fault("put-without-id-in-the-body"))
    result = kit.run(sandbox, *only("put-without-id-in-the-body"), "--edfi-strict", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*INFORMATION*", "information: put-without-id-in-the-body: update-without-id (could)*"]
    )


@pytest.mark.parametrize(
    ("make", "check", "evidence"),
    [
        (without_headers("ETag"), "if-none-match-is-304", "sends no ETag: GET http*200"),
        (LEGAL["no-token-info"], "token-info-tells-the-token", "no token_info: POST http*404"),
        (LEGAL["no-openapi"], "openapi-misses-nothing", "names no openApiMetadata"),
        (
            VARIANTS["old-error-bodies"].make,
            "problem-details-are-complete",
            "no problem details: POST http*400",
        ),
    ],
)
def test_what_a_host_does_not_have_does_not_apply(make, check, evidence, new_sandbox, kit) -> None:
    result = kit.run(new_sandbox(make()), *only(check), "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["contract: 1 does not apply", f"*SKIPPED*{evidence}*"])


def test_a_missing_prerequisite_is_red_and_not_the_checks_finding(new_sandbox, kit) -> None:
    def no_students(request, proceed):
        if request.method == "POST" and request.path.endswith("/students"):
            return problem(403, "Not yours.", "security:authorization:access-denied:resource")
        return proceed(request)

    result = kit.run(new_sandbox(no_students), *only("put-replaces", "query-by-student"))
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*not testable: the fictional student could not be created.*", "*Not yours.*"]
    )


def test_no_answer_is_a_finding_and_no_bug_of_ours(kit, new_sandbox) -> None:
    sandbox = new_sandbox()
    kit.pytester.makeconftest(
        """
        import pytest
        from pytest_edfi_cte.errors import RequestFailed

        @pytest.fixture(scope="session")
        def edfi_session(edfi_session):
            send = edfi_session.request
            def request(method, url, **more):
                if method == "PATCH":
                    raise RequestFailed("PATCH: the line is dead")
                return send(method, url, **more)
            edfi_session.request = request
            return edfi_session
        """
    )
    result = kit.run(sandbox, "--edfi-contract", "-k", "test_contract[patch-is-refused]")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no answer: PATCH: the line is dead*"])
    assert "harness error" not in result.stdout.str()


def test_a_record_that_should_have_been_refused_is_deleted(new_sandbox, kit) -> None:
    sandbox = new_sandbox(stored_anyway(lambda body: body.pop("id", None))())
    before = state(sandbox)
    kit.run(sandbox, *only("id-in-post-is-refused")).assert_outcomes(failed=1)
    created = [r for r in sandbox.requests if r.method == "POST" and r.status == 201]
    assert len(created) >= 4
    assert state(sandbox) == before


def test_a_refusal_that_stored_all_the_same_is_deleted(new_sandbox, kit) -> None:
    """The host says 400 and keeps the record: only asking for our student shows it."""

    def liar(request, proceed):
        response = proceed(request)
        if is_cte(request, "POST") and response.status_code == 201:
            return problem(400, "No.", "bad-request")
        return response

    sandbox = new_sandbox(liar)
    before = state(sandbox)
    result = kit.run(sandbox, *only("create-answers-201"))
    result.assert_outcomes(failed=1)
    assert state(sandbox) == before


def test_personal_data_in_an_error_is_found(new_sandbox, kit) -> None:
    sandbox = new_sandbox(instead(lambda r: "/students" in r.path, echoing)())
    kit.run(sandbox, *only("errors-hide-people")).assert_outcomes(failed=1)


def test_without_an_api_the_pack_is_not_there(kit) -> None:
    kit.pytester.makeini("[pytest]\nedfi_contract = true")
    kit.pytester.makepyfile("def test_own(): pass")
    result = kit.pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
    assert "does not apply" not in result.stdout.str()


# -- requirements -----------------------------------------------------------------------------------


def test_every_requirement_has_checks_or_a_reason() -> None:
    from pytest_edfi_cte.contract_checks.catalogue import CHECKS

    known = requirements(shipped())
    assert all(bool(r.checks) != bool(r.excluded) for r in known)
    named = [name for r in known for name in r.checks]
    assert set(named) <= set(CHECKS), "a requirement names a check that does not exist"
    assert set(CHECKS) <= set(named), "a check covers no requirement"
    assert len(named) == len(set(named)), "a check covers two requirements"
    assert len({r.id for r in known}) == len(known)
    assert all(check.title for check in CHECKS.values())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: r.pop("next"), "requirements.yaml, line"),
        (lambda r: r.update(level="may"), "'may' is not one of"),
        (lambda r: r.update(excluded="because it is too hard to do"), "requirements[0]"),
        (lambda r: r.update(checks=[]), "checks: "),
    ],
)
def test_a_broken_requirements_file_says_where(spoil, said, tmp_path) -> None:
    import shutil
    from importlib import resources

    import yaml

    from pytest_edfi_cte.contract import Contract
    from pytest_edfi_cte.contract_text import ContractError

    folder = resources.files("pytest_edfi_cte_fixtures")
    shutil.copytree(str(folder), tmp_path, dirs_exist_ok=True)
    path = tmp_path / "requirements.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    spoil(content["requirements"][0])
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ContractError, match=r"requirements\.yaml") as raised:
        Contract(tmp_path).requirements()
    assert said in str(raised.value)


def test_a_key_that_may_only_read_is_told_once_and_is_no_finding(new_sandbox, kit) -> None:
    sandbox = new_sandbox(clients=[Client("reader", "s3cr3t", (255901,), "read-only")])
    checks = (
        "required-student-property-is-demanded",
        "too-long-name-is-refused",
        "put-replaces",
        "query-by-student",
        "bad-paging-is-refused",
    )
    reader = SimpleNamespace(url=sandbox.url, client_id="reader", client_secret="s3cr3t")
    result = kit.run(reader, *only(*checks))
    result.assert_outcomes(failed=len(checks))
    text = result.stdout.str()
    assert 'received  "403' not in text
    assert text.count("not testable: the key may not do this, so nothing is shown") >= 2
    body = text[text.index("= FAILURES =") : text.index("= Ed-Fi conformance =")]
    assert (
        body.count("The API says: ") == 3
    )  # the two about students, and the student of the others
    result.stdout.fnmatch_lines(
        [
            "*told with the first check that met it: test_contract?*",
            "NOT CONFORMANT: 5 not testable",
            "*? not testable  3 checks, for one cause:",
            "*the fictional student could not be created.",
            "*POST http*/ed-fi/students → 403",
        ]
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"message": "Access to the resource could not be authorized."}, True),
        ({"type": "urn:ed-fi:api:security:authorization:", "detail": "No."}, True),
        ({"type": "urn:ed-fi:api:bad-request:data", "detail": "authorization"}, False),
        ({"message": "The name is too long."}, False),
    ],
)
def test_a_403_that_is_about_the_body_stays_a_finding(body, reason, new_sandbox, kit) -> None:
    def refuse(request, proceed):
        if request.method == "POST" and request.path.endswith("/students"):
            return Response(json.dumps(body), 403, content_type="application/json")
        return proceed(request)

    result = kit.run(new_sandbox(refuse), *only("too-long-name-is-refused"))
    result.assert_outcomes(failed=1)
    assert ("not testable: the key may not" in result.stdout.str()) is reason
    assert ('received  "403: ' in result.stdout.str()) is not reason


def test_what_failed_comes_before_what_was_not_testable(new_sandbox, kit) -> None:
    def refuse(request, proceed):
        if request.path.endswith("/programs"):
            return Response("[]", content_type="application/json")
        return instead_of_400(request, proceed)

    def instead_of_400(request, proceed):
        if request.method == "POST" and request.path.endswith("/students"):
            return Response("{}", 500)
        return proceed(request)

    arguments = ("--edfi-contract", "--pyargs", "pytest_edfi_cte", "--html=report.html")
    chosen = "create or too-long-name-is-refused or put-replaces"
    result = kit.run(new_sandbox(refuse), *arguments, "-k", chosen, "--edfi-report=pack")
    text = (kit.pytester.path / "pack" / "summary.md").read_text(encoding="utf-8")
    assert text.index("failed |") < text.index("not testable |")
    result.stdout.fnmatch_lines(["*not testable  Scenario 1: Create a Student *"])
    page = (kit.pytester.path / "report.html").read_text(encoding="utf-8")
    box = page[page.index("Verdict per scenario") : page.index("Contract pack")]
    assert "Scenario 1 Create a Student" in box
    assert "<br>program: the program is missing" in box
    assert "<br>Next: " in box
    assert ": not testable: " not in box
