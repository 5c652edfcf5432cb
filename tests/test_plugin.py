"""The plugin in other people's suites: what it collects, when it stays away, how it runs."""

from __future__ import annotations

import json

import pytest

from tests.conftest import state, with_other_student
from tests.servers import serving

OWN = """
def test_own(): pass
"""
NEEDY = """
def test_needy(edfi_session): assert edfi_session.get("/ed-fi/students").status_code == 200
"""


def test_without_an_address_nothing_is_added(pytester) -> None:
    pytester.makepyfile(OWN)
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)
    assert "edfi:" not in result.stdout.str()


@pytest.mark.parametrize(
    "fixture",
    [
        "edfi_session",
        "edfi_settings",
        "edfi_student",
        "edfi_new_student",
        "edfi_cte_association",
        "edfi_evidence",
        "edfi_table",
    ],
)
def test_without_an_address_a_test_that_needs_one_is_skipped(fixture, pytester) -> None:
    pytester.makepyfile(f"def test_needy({fixture}): raise SystemExit")
    result = pytester.runpytest_inprocess("-rs", "-p", "no:randomly")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*needs an Ed-Fi API: give --edfi-url=URL (or the environment variable EDFI_URL, or ini edfi_url)*"
        ]
    )


def test_the_suite_without_an_address_is_a_mistake(pytester) -> None:
    result = pytester.runpytest_inprocess("--pyargs", "pytest_edfi_cte", "-p", "no:randomly")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pytest_edfi_cte needs an Ed-Fi API: give --edfi-url=URL*"])


def test_an_address_adds_the_two_scenarios_to_a_suite(sandbox, kit, pytester) -> None:
    pytester.makepyfile(OWN + NEEDY)
    kit.run(sandbox).assert_outcomes(passed=4)


@pytest.mark.parametrize("way", ["EDFI_URL", "ini"])
def test_the_address_may_come_from_environment_or_ini(
    way, sandbox, kit, pytester, monkeypatch
) -> None:
    pytester.makepyfile(OWN)
    kit.credentials(sandbox)
    if way == "ini":
        pytester.makeini(f"[pytest]\nedfi_url = {sandbox.url}\n")
    else:
        monkeypatch.setenv("EDFI_URL", sandbox.url)
    pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:xdist").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pyargs", "pytest_edfi_cte"],
        ["--pyargs", "pytest_edfi_cte", "pytest_edfi_cte.suite"],
        ["--pyargs", "pytest_edfi_cte.suite.test_edfi_certification"],
    ],
)
def test_named_by_package_only_the_scenarios_run_and_never_twice(
    arguments, sandbox, kit, pytester
) -> None:
    pytester.makepyfile(OWN)
    kit.run(sandbox, *arguments).assert_outcomes(passed=2)


def test_named_with_the_own_suite_they_run_once(sandbox, kit, pytester) -> None:
    pytester.makepyfile(test_a=OWN)
    kit.run(sandbox, "--pyargs", "test_a.py", "pytest_edfi_cte").assert_outcomes(passed=3)


def test_a_path_to_the_package_is_known_too(sandbox, kit) -> None:
    from pytest_edfi_cte.collection import SUITE

    kit.pytester.makeini("[pytest]")
    kit.run(sandbox, "-c", "tox.ini", str(SUITE)).assert_outcomes(passed=2)


def test_a_single_test_runs_alone(sandbox, kit, pytester) -> None:
    pytester.makepyfile(test_a=OWN)
    kit.run(sandbox, "test_a.py::test_own").assert_outcomes(passed=1)


def test_testpaths_and_other_naming_rules_do_not_matter(sandbox, kit, pytester) -> None:
    pytester.makeini(
        "[pytest]\ntestpaths = checks\npython_files = check_*.py\npython_functions = check_*\n"
    )
    pytester.mkdir("checks").joinpath("check_a.py").write_text("def check_own(): pass\n")
    kit.run(sandbox).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("expression", "passed"), [("update", 1), ("create", 1), ("sis-v5", 2), ("student_cte", 0)]
)
def test_selection_by_name(expression, passed, sandbox, kit) -> None:
    result = kit.scenarios(sandbox, "-k", expression)
    assert result.parseoutcomes().get("passed", 0) == passed


def test_selection_by_marker(sandbox, kit, pytester) -> None:
    pytester.makepyfile(OWN)
    kit.run(sandbox, "-m", "edfi_scenario").assert_outcomes(passed=2, deselected=1)
    kit.run(sandbox, "-m", "not edfi_scenario").assert_outcomes(passed=1, deselected=2)
    result = pytester.runpytest_inprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.edfi_scenario(id, requirement=None): *"])


def test_nothing_is_sent_where_nothing_is_selected(sandbox, kit, pytester) -> None:
    pytester.makepyfile(OWN)
    kit.run(sandbox, "-k", "own").assert_outcomes(passed=1, deselected=2)
    kit.run(sandbox, "--collect-only")
    assert not sandbox.requests


def test_each_scenario_alone_in_any_order_and_again(sandbox, kit) -> None:
    before = state(sandbox)
    orders = [["create", "update"], ["update", "create"]]
    for names in orders:
        ids = [f"test_{n}" for n in names]
        for name in ids:
            kit.run(
                sandbox, "--pyargs", f"pytest_edfi_cte.suite.test_edfi_certification::{name}"
            ).assert_outcomes(passed=1)
        both = kit.run(
            sandbox,
            "--pyargs",
            *[f"pytest_edfi_cte.suite.test_edfi_certification::{name}" for name in ids],
            "-v",
        )
        both.assert_outcomes(passed=2)
        shown = both.stdout.str()
        assert shown.index(ids[0]) < shown.index(ids[1])
    assert state(sandbox) == before


def test_last_failed(new_sandbox, kit, pytester) -> None:
    from tests.broken_apis import answered, ignored

    broken = new_sandbox(answered("PUT", ignored)())
    kit.scenarios(broken).assert_outcomes(passed=1, failed=1)
    good = new_sandbox()
    kit.scenarios(good, "--lf").assert_outcomes(passed=1, deselected=1)
    kit.scenarios(good, "--lf").assert_outcomes(passed=2)


def test_last_failed_beside_a_failing_test_of_the_suite(new_sandbox, kit, pytester) -> None:
    from tests.broken_apis import answered, ignored

    pytester.makepyfile(test_a="def test_bad(): assert 0")
    broken = new_sandbox(answered("PUT", ignored)())
    kit.run(broken).assert_outcomes(passed=1, failed=2)
    kit.run(broken, "--lf").assert_outcomes(failed=2, deselected=1)


@pytest.mark.parametrize("workers", ["-n2", "-n4"])
def test_workers_do_not_collide_and_share_one_token(workers, sandbox, kit, pytester) -> None:
    before = state(sandbox)
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.parametrize("n", range(6))
        def test_students(n, edfi_new_cte_association, edfi_student):
            record = edfi_new_cte_association()
            assert record.created
        """
    )
    result = kit.subprocess(sandbox, workers)
    result.assert_outcomes(passed=8)
    assert state(sandbox) == before
    assert sum(request.path == "/oauth/token" for request in sandbox.requests) == 1


def test_workers_share_the_embedded_sandbox(pytester) -> None:
    arguments = ["--pyargs", "pytest_edfi_cte", "--edfi-url=sandbox", "-n", "4", "--edfi-seed=5"]
    result = pytester.runpytest_subprocess(*arguments, "-p", "no:randomly", "--junitxml=x.xml")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["edfi: url sandbox *seed 5*"])
    import re

    urls = set(
        re.findall(r'name="edfi_api" value="([^"]*)"', (pytester.path / "x.xml").read_text())
    )
    assert len(urls) == 1


def test_under_random_order(sandbox, kit) -> None:
    result = kit.pytester.runpytest_subprocess(
        *kit.arguments(sandbox, "--pyargs", "pytest_edfi_cte")[2:], "-p", "randomly"
    )
    result.assert_outcomes(passed=2)


def test_without_a_cache_it_works_too(sandbox, kit) -> None:
    kit.scenarios(sandbox, "-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_our_session_can_be_overridden_at_the_root(sandbox, kit, pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        @pytest.fixture(scope="session")
        def edfi_session(edfi_session):
            edfi_session.headers["X-Vendor"] = "yes"
            return edfi_session
        """
    )
    kit.scenarios(sandbox, "--html=x.html", "--self-contained-html").assert_outcomes(passed=2)
    assert "X-Vendor: yes" in (pytester.path / "x.html").read_text()


def test_fixtures_have_readable_documentation(pytester) -> None:
    from pytest_edfi_cte import fixtures

    result = pytester.runpytest_inprocess("--fixtures", "-p", "no:randomly")
    text = result.stdout.str()
    names = [name for name in vars(fixtures) if name.startswith("edfi_")]
    assert len(names) >= 15
    for name in names:
        assert name in text
    assert (
        "no docstring available"
        not in text.partition("pytest_edfi_cte.fixtures")[2].partition("------")[0]
    )


def test_a_user_test_that_fails_keeps_its_own_traceback(sandbox, kit, pytester) -> None:
    pytester.makepyfile("def test_bad(edfi_session):\n    value = 1\n    assert value == 2\n")
    result = kit.run(sandbox, "-k", "bad")
    result.stdout.fnmatch_lines(["*assert value == 2*", "E*assert 1 == 2*"])
    assert "harness error" not in result.stdout.str()


def test_our_own_bug_is_reported_as_ours(sandbox, kit, pytester) -> None:
    pytester.makeconftest(
        """
        import pytest_edfi_cte.drive as drive
        drive.judge_sent = None
        """
    )
    result = kit.subprocess(
        sandbox,
        "--pyargs",
        "pytest_edfi_cte",
        "-k",
        "create",
        "--html=x.html",
        "--self-contained-html",
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "harness error: pytest-edfi-cte itself failed (TypeError: *",
            "*says nothing about the judged API*",
        ]
    )
    assert "harness error" in (pytester.path / "x.html").read_text()


def test_our_own_bug_while_connecting_is_reported_as_ours(sandbox, kit, pytester) -> None:
    pytester.makeconftest(
        """
        import pytest_edfi_cte.run as run
        run.discover = None
        """
    )
    result = kit.subprocess(sandbox, "--pyargs", "pytest_edfi_cte")
    assert result.ret == 3
    assert (
        "harness error: pytest-edfi-cte itself failed (TypeError: "
        in result.stdout.str() + result.stderr.str()
    )


def test_user_code_that_fails_below_us_is_not_our_bug(sandbox, kit, pytester) -> None:
    pytester.makepyfile(
        """
        def test_bad(edfi_session):
            edfi_session.hooks["response"].append(lambda *a, **k: {}["their mistake"])
            edfi_session.get("/ed-fi/students")
        """
    )
    result = kit.run(sandbox, "-k", "bad")
    result.assert_outcomes(failed=1, deselected=2)
    assert "their mistake" in result.stdout.str()
    assert "harness error" not in result.stdout.str()


def test_the_header_shows_settings_and_the_api(sandbox, kit) -> None:
    result = kit.scenarios(sandbox)
    result.stdout.fnmatch_lines(
        [
            f"edfi: url {sandbox.url} [[]option --edfi-url[]], client_id {sandbox.client_id} *client_secret set *",
            f"edfi: {sandbox.url} is version 7.3, Data Standard 5.2.0",
        ]
    )
    assert sandbox.client_secret not in result.stdout.str()


def test_an_older_host_with_its_own_shape_of_addresses(sandbox, kit, pytester) -> None:
    """Another base path, relative addresses and no data model: the kit finds its way."""
    import requests
    from werkzeug.wrappers import Response

    def proxy(request):
        if request.path.rstrip("/") == "/t1/2027":
            body = {"version": "6.1", "urls": {"oauth": "login", "dataManagementApi": "dms"}}
            return Response(json.dumps(body), content_type="application/json")
        paths = {"/t1/login": "/oauth/token"}
        path = paths.get(request.path, request.path.replace("/t1/dms", "/data/v3"))
        answer = requests.request(
            request.method,
            sandbox.url + path,
            params=request.args,
            data=request.get_data(),
            headers={k: v for k, v in request.headers if k not in ("Host", "Content-Length")},
            timeout=10,
        )
        location = answer.headers.get("Location", "").replace(f"{sandbox.url}/data/v3", "/t1/dms")
        headers = {
            "ETag": answer.headers.get("ETag", ""),
            **({"Location": location} if location else {}),
        }
        return Response(
            answer.content,
            answer.status_code,
            headers,
            content_type=answer.headers.get("Content-Type"),
        )

    kit.credentials(sandbox)
    with serving(proxy) as base:
        result = pytester.runpytest_inprocess(
            "-p",
            "no:randomly",
            "-p",
            "no:xdist",
            "--pyargs",
            "pytest_edfi_cte",
            f"--edfi-url={base}/t1/2027",
        )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["edfi: note: The API names no Ed-Fi data model; judged by Data Standard 5.0."]
    )


def test_a_retry_that_blurs_created_and_updated_is_not_testable(new_sandbox, kit) -> None:
    """The first POST is stored but its answer is lost in a gateway; the second finds the record."""
    lost = []

    def gateway(request, proceed):
        response = proceed(request)
        if request.method == "POST" and "programassociations" in request.path.lower() and not lost:
            lost.append(1)
            response.status_code = 504
        return response

    sandbox = with_other_student(new_sandbox(gateway))
    before = state(sandbox)
    result = kit.scenarios(sandbox, "-k", "create", "--edfi-retries=1")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["not testable: the POST was answered 200 only after 2 attempts*"])
    assert state(sandbox) == before
    lost.clear()
    kit.scenarios(sandbox, "-k", "update", "--edfi-retries=1").assert_outcomes(
        passed=1, deselected=1
    )
    assert state(sandbox) == before


def test_lost_connections_during_a_scenario(new_sandbox, kit) -> None:
    """No answer at all is a failure of the scenario, or makes its prerequisite not testable."""
    from werkzeug.wrappers import Response

    class HangUp(Response):
        def __call__(self, environ, start_response):
            start_response("200 OK", [("Content-Length", "10")])
            yield b"x"
            raise ConnectionResetError("hung up on purpose")

    def cut(method: str, part: str):
        def middleware(request, proceed):
            if (
                request.method == method
                and part in request.path.lower()
                and not request.query_string
            ):
                proceed(request)
                return HangUp()
            return proceed(request)

        return middleware

    cases = [
        ("POST", "studentcteprogramassociations", "create", {"failed": 1}, "answer to the POST"),
        ("GET", "studentcteprogramassociations/", "create", {"failed": 1}, "answer to the GET"),
        ("PUT", "studentcteprogramassociations/", "update", {"failed": 1}, "answer to the PUT"),
        (
            "POST",
            "studentcteprogramassociations",
            "update",
            {"errors": 1},
            "not testable: the record to update could not be created.",
        ),
        (
            "POST",
            "students",
            "create",
            {"errors": 1},
            "not testable: the student could not be created: no answer.",
        ),
    ]
    for method, part, step, outcome, says in cases:
        result = kit.scenarios(new_sandbox(cut(method, part)), "-k", step)
        result.assert_outcomes(deselected=1, **outcome)
        assert says in result.stdout.str()


def test_evidence_works_without_a_scenario(sandbox, kit, pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_edfi_cte.judge import Finding
        def test_own_check(edfi_evidence, edfi_session):
            edfi_session.get("/ed-fi/students")
            edfi_evidence.add([Finding("number of students", 5, 1, "by our own rule", "wrong-value")])
            edfi_evidence.conclude()
        """
    )
    result = kit.run(sandbox, "-k", "own_check")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        [
            "The check failed: *",
            "  number of students",
            "    expected  5  (number, by our own rule)",
            "  GET */ed-fi/students → 200",
        ]
    )


def test_one_connection_for_one_run(new_sandbox, kit) -> None:
    ports: set[str] = set()

    def watch(request, proceed):
        ports.add(request.environ["REMOTE_PORT"])
        return proceed(request)

    kit.scenarios(new_sandbox(watch)).assert_outcomes(passed=2)
    assert len(ports) == 1
