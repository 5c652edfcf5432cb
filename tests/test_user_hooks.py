"""The hooks that users implement: what they see and change, and how their own mistakes are told."""

from __future__ import annotations

import json
import re

import pytest
import requests

from pytest_edfi_cte.client.customising import announce, customise
from pytest_edfi_cte.client.exchange import Exchange, Recorder
from pytest_edfi_cte.client.session import Anonymous, HttpSession, Transport
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.errors import HookFailed
from pytest_edfi_cte.payloads import amended, beyond, differences, leaves
from pytest_edfi_cte.secret import Redactor
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.user_hooks import NO_HOOKS
from tests.conftest import SERVICE, state

SCHEMA = shipped().schema("5.0", "studentCTEProgramAssociation")


def pack(kit):
    return json.loads((kit.pytester.path / "pack/results.json").read_text("utf-8"))


def rows(kit, ending):
    (check,) = (c for c in pack(kit)["checks"] if c["id"].endswith(ending))
    return {row["where"]: row for row in check["findings"]}


def run(kit, sandbox, conftest, *arguments, tests="", **named):
    kit.pytester.makeconftest(conftest)
    if tests:
        kit.pytester.makepyfile(test_own=tests)
    return kit.run(sandbox, "--edfi-report=pack", *arguments, **named)


# -- payload --------------------------------------------------------------------------------------

PAYLOAD = """
def pytest_edfi_payload(resource, payload, scenario):
    if resource == "studentCTEProgramAssociations":
        payload["cteProgramServices"][0]["cipCode"] = "12.0500"
        payload["endDate"] = "2027-05-23" if scenario and scenario.step == "update" else "2027-05-20"
        del payload["privateCTEProgram"]
    if resource == "students":
        payload["middleName"] = "Hook"
"""


def test_what_the_payload_hook_changes_is_sent_and_expected_back(kit, sandbox) -> None:
    before = state(sandbox)
    tests = "def test_student(edfi_new_student):\n    assert edfi_new_student()['middleName'] == 'Hook'\n"
    result = run(kit, sandbox, PAYLOAD, tests=tests)
    result.assert_outcomes(passed=3)
    created, updated = rows(kit, "-1-create"), rows(kit, "-2-update")
    assert created["endDate"]["expected"] == '"2027-05-20"'
    assert created["endDate"]["rule"] == "set by the hook pytest_edfi_payload"
    assert updated["endDate"]["expected"] == '"2027-05-23"'
    cip = created["cteProgramServices[Information Technology].cipCode"]
    assert cip["expected"] == '"12.0500"'
    assert cip["rule"].endswith("table, value set by the hook pytest_edfi_payload")
    assert created["privateCTEProgram"]["expected"] == "absent"
    (note,) = (n for n in pack(kit)["runs"][0]["notes"] if "hook" in n)
    assert note == (
        "A hook changed what is sent as studentCTEProgramAssociations: privateCTEProgram, "
        "cteProgramServices.cipCode, endDate."
    )
    posted = [
        json.loads(r.body)
        for r in sandbox.requests
        if r.method == "POST" and r.path.endswith("ed-fi/students")
    ]
    assert all(student["middleName"] == "Hook" for student in posted)
    assert len(posted) == 2, "the table's student and a fictional one"
    assert state(sandbox) == before


def test_every_fictional_student_gets_it(kit, sandbox) -> None:
    before = state(sandbox)
    result = run(kit, sandbox, PAYLOAD, "--edfi-repeat=2")
    result.assert_outcomes(passed=2)
    bodies = [r.body or "" for r in sandbox.requests if r.method in ("POST", "PUT")]
    ends = [b for b in bodies if '"endDate": "2027-05-2' in b]
    assert len(ends) >= 4, "a create and an update for each"
    assert len({json.loads(b)["studentReference"]["studentUniqueId"] for b in ends}) == 2
    assert state(sandbox) == before


def test_what_is_not_stored_of_it_is_a_finding(kit, new_sandbox) -> None:
    def forgets(request, proceed):
        if request.method in ("POST", "PUT") and b"endDate" in request.get_data():
            body = json.loads(request.get_data())
            body.pop("endDate")
            from pytest_edfi_cte.sandbox import altered

            request = altered(request, body=body)
        return proceed(request)

    result = run(kit, new_sandbox(forgets), PAYLOAD)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "  endDate",
            '    expected  "2027-05-20"  (string, set by the hook pytest_edfi_payload)',
            "    received  nothing: the property is absent",
        ]
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            'payload["beginDate"] = "2026-09-01"',
            "changed beginDate, a part of the natural key of",
        ),
        ("return payload", "returned a value; it is to change payload in place"),
        ("1 / 0", "raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_payload_hook_that_is_wrong_ends_the_run(kit, sandbox, body, words) -> None:
    result = run(kit, sandbox, f"def pytest_edfi_payload(payload):\n    {body}\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: the hook pytest_edfi_payload {words}*"])
    assert "harness error" not in result.stdout.str()
    assert not [r for r in sandbox.requests if r.method != "GET" and "oauth" not in r.path]


MASKED = """
def pytest_edfi_payload(resource, payload, scenario):
    if resource == "students":
        payload["firstName"] = "Zuleikha"

def pytest_edfi_before_request(request):
    assert "Zuleikha" not in (request.body or "")

def pytest_edfi_after_response(exchange):
    assert "Zuleikha" not in (exchange.request_body or "") + (exchange.response_body or "")
"""


def test_names_that_a_hook_sends_are_masked_as_all_others(kit, sandbox) -> None:
    result = run(kit, sandbox, MASKED, "--edfi-mask-people")
    result.assert_outcomes(passed=2)
    assert any("Zuleikha" in (request.body or "") for request in sandbox.requests)
    for file in (kit.pytester.path / "pack").iterdir():
        assert "Zuleikha" not in file.read_text("utf-8"), file


def table():
    return load(shipped(), Settings(), "5.0")


def test_a_hook_that_changes_nothing_changes_nothing() -> None:
    notes = []
    assert amended(table(), lambda **given: [None], SCHEMA, notes.append) == table()
    assert notes == []


def test_the_scenario_changes_what_its_payload_changes() -> None:
    def call(resource, payload, scenario):
        if resource.startswith("studentCTE"):
            payload["_ext"] = {"tx": {"hours": 1 if scenario.step == "create" else 2, "same": True}}
            payload["cteProgramServices"].append({"cteProgramServiceDescriptor": SERVICE + "X"})
        return []

    notes = []
    changed = amended(table(), call, SCHEMA, notes.append)
    assert changed.scenario("update").changed == (
        "cteProgramServices.primaryIndicator",
        "_ext.tx.hours",
    )
    assert notes[0].endswith(": cteProgramServices, _ext.tx.hours, _ext.tx.same.")
    assert changed.added["update"]["_ext"]["tx"]["hours"] == 2
    assert len(changed.payload("create")["cteProgramServices"]) == 2


def test_differences_of_records() -> None:
    assert beyond({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1}, "d": [1]}) == {"a": {"c": 2}}
    assert beyond({"a": 1}, {"a": True}) == {"a": 1}
    assert list(leaves({"a": {"b": 1}, "c": [], "d": {}})) == ["a.b", "c", "d"]
    assert list(differences({"a": {"b": 1}, "c": 1}, {"a": {"b": True}})) == ["a.b", "c"]


# -- session, requests, answers ----------------------------------------------------------------------

WIRE = """
import json
from pathlib import Path

SEEN = Path("seen.json")

def pytest_edfi_session(session):
    session.headers["X-Gateway-Key"] = "gateway-key-of-ours"

def pytest_edfi_before_request(request):
    assert "Authorization" not in request.headers
    request.headers["X-Trace"] = f"{request.method} of the kit"
    request.headers.pop("Accept-Encoding", None)
    note("before", [request.method, request.url, request.headers, request.body])

def pytest_edfi_after_response(exchange):
    note("after", [exchange.method, exchange.url, exchange.status, dict(exchange.request_headers), exchange.request_body, exchange.response_body])

def note(when, what):
    seen = json.loads(SEEN.read_text()) if SEEN.exists() else []
    SEEN.write_text(json.dumps([*seen, [when, *what]]))
"""


def test_requests_and_answers_are_seen_without_secrets(kit, sandbox) -> None:
    result = run(kit, sandbox, WIRE)
    result.assert_outcomes(passed=2)
    text = (kit.pytester.path / "seen.json").read_text()
    seen = json.loads(text)
    sent = [what for what in seen if what[0] == "before"]
    answered = [what for what in seen if what[0] == "after"]
    assert len(sent) == len(answered) == len(sandbox.requests)
    assert any("oauth" in what[2] for what in sent), "the token's request, too"
    put = next(what for what in answered if what[1] == "PUT")
    assert put[3] == 204
    assert json.loads(put[5])["beginDate"] == "2026-08-23"
    for secret in (sandbox.client_secret, "gateway-key-of-ours", "Bearer "):
        assert secret not in text
        assert secret not in (kit.pytester.path / "pack/results.json").read_text("utf-8")
    for request in sandbox.requests:
        assert request.headers["x-gateway-key"] == "gateway-key-of-ours"
        assert request.headers["x-trace"] == f"{request.method} of the kit"
        assert "gzip" not in request.headers.get("accept-encoding", "")


@pytest.mark.parametrize(
    ("conftest", "words"),
    [
        (
            "import requests\ndef pytest_edfi_session(session):\n    session.mount('http://', requests.adapters.HTTPAdapter())\n",
            "the hook pytest_edfi_session mounted an adapter",
        ),
        (
            "def pytest_edfi_before_request(request):\n    request.headers['authorization'] = 'x'\n",
            "the hook pytest_edfi_before_request set authorization, which is the run's own",
        ),
        (
            "def pytest_edfi_before_request(request):\n    request.headers['X-A'] = 'a\\nb'\n",
            "the hook pytest_edfi_before_request set X-A to something that cannot be sent",
        ),
        (
            "def pytest_edfi_before_request(request):\n    request.headers['X-A'] = '\u2192'\n",
            "the hook pytest_edfi_before_request set X-A to something that cannot be sent",
        ),
        (
            "def pytest_edfi_session(session):\n    session.nothing\n",
            "the hook pytest_edfi_session raised AttributeError: *",
        ),
    ],
)
def test_a_hook_that_breaks_the_connection_ends_the_run(kit, sandbox, conftest, words) -> None:
    result = run(kit, sandbox, conftest)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}*"])


class Told:
    """A hook with one implementation."""

    def __init__(self, does) -> None:
        self.does = does

    def __call__(self, **given) -> None:
        self.does(**given)

    def wrong(self, what: str) -> AssertionError:
        return AssertionError(what)


@pytest.mark.parametrize(
    "value", ["k-2718281828", "short", ["k-2718281828", "k-3141592653"], (5, 6), b"k-2718281828"]
)
def test_a_parameter_of_a_session_is_never_shown(value) -> None:
    recorder = Recorder(Redactor())

    def add(session) -> None:
        session.params = {"v": value}
        session.headers["X-Gateway"] = b"bytes-of-a-key"

    with HttpSession(Transport(), recorder) as session:
        customise(session, recorder, Told(add))
        sent = requests.Request("GET", "http://host/x?rev=shorter", auth=Anonymous())
        url = session.prepare_request(sent).url
    recorder.add(Exchange("GET", url, 200, response_body="bytes-of-a-key"))
    assert re.fullmatch(r"http://host/x\?rev=shorter((&v=)?\[redacted\]){1,2}", recorder.last.url)
    assert recorder.last.response_body == "[redacted]"


def test_a_header_may_be_set_in_another_case() -> None:
    request = requests.Request("GET", "http://host/", headers={"Accept": "a/a"}).prepare()

    def change(request) -> None:
        del request.headers["Accept"]
        request.headers["accept"] = "b/b"

    announce(request, Recorder(Redactor()), Told(change))
    assert request.headers["Accept"] == "b/b"


BREAKS = """
def pytest_edfi_after_response(exchange):
    if exchange.method == "POST" and exchange.url.endswith("studentCTEProgramAssociations"):
        raise RuntimeError("our proxy is down")
"""


def test_a_hook_that_fails_in_a_test_is_not_the_apis_failure(kit, sandbox) -> None:
    before = state(sandbox)
    result = run(kit, sandbox, BREAKS)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "not testable: the hook pytest_edfi_after_response raised RuntimeError: our proxy is down",
            "  It is in */conftest.py, line 3. This says nothing about the judged API; put the hook right.",
        ]
    )
    assert "harness error" not in result.stdout.str()
    verdicts = {check["verdict"] for check in pack(kit)["checks"]}
    assert verdicts == {"not testable"}
    assert state(sandbox) == before, "what was created is deleted all the same"


def test_a_hook_may_judge_with_our_assertions(kit, sandbox) -> None:
    conftest = """
from pytest_edfi_cte import assert_record

def pytest_edfi_after_response(exchange):
    if exchange.method == "GET" and "?" not in exchange.url and "Associations/" in exchange.url:
        assert_record(exchange, {"privateCTEProgram": True})
"""
    result = run(kit, sandbox, conftest)
    result.assert_outcomes(failed=2, errors=2)  # the last look before the delete is seen, too
    result.stdout.fnmatch_lines(
        ["  privateCTEProgram", "    expected  true  (boolean, by this test)"]
    )


# -- report -----------------------------------------------------------------------------------------

REPORT = """
def pytest_edfi_report_row(check):
    check["verdict"] = "failed"  # a copy: nothing comes of it
    if check["id"].endswith("-1-create"):
        return f"Ticket CTE-{check['number']}"
    return ["two", "<b>remarks</b>"] if check["number"] else None

def pytest_edfi_report_summary(document):
    document["verdict"] = "not conformant"
    return f"{len(document['checks'])} checks, told to the board"
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_remarks_are_in_the_report(kit, sandbox, workers) -> None:
    result = run(kit, sandbox, REPORT, *workers)
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["note: 2 checks, told to the board"])
    assert "note: Ticket" not in result.stdout.str(), "it is about a check, not about the run"
    content = pack(kit)
    notes = {check["number"]: check["notes"] for check in content["checks"]}
    assert "Ticket CTE-1" in notes[1]
    assert notes[2][-2:] == ["two", "<b>remarks</b>"]
    assert content["runs"][0]["notes"][-1] == "2 checks, told to the board"
    page = (kit.pytester.path / "pack/conformance.html").read_text("utf-8")
    assert "Note: Ticket CTE-1" in page
    assert "&lt;b&gt;remarks&lt;/b&gt;" in page
    assert "told to the board" in (kit.pytester.path / "pack/summary.md").read_text("utf-8")


@pytest.mark.parametrize("hook", ["report_row(check", "report_summary(document"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 5", "gave 5; a text or several are expected"),
        ("return [5]", "gave [[]5]; a text or several are expected"),
        ("raise KeyError('board')", "raised KeyError: 'board'"),
    ],
)
def test_a_report_hook_that_fails_costs_its_remarks_alone(kit, sandbox, hook, body, words) -> None:
    result = run(kit, sandbox, f"def pytest_edfi_{hook}):\n    {body}\n")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    name = hook.partition("(")[0]
    result.stdout.fnmatch_lines([f"note: the hook pytest_edfi_{name} {words}*"])
    assert pack(kit)["verdict"] == "conformant"


# -- scenarios --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scenarios(config", "modify_scenarios(config, scenarios"])
def test_a_hook_about_scenarios_that_fails_is_told(kit, sandbox, name) -> None:
    result = run(kit, sandbox, f"def pytest_edfi_{name}):\n    raise OSError('no network drive')\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    hook = name.partition("(")[0]
    result.stderr.fnmatch_lines(
        [
            f"ERROR: the hook pytest_edfi_{hook} raised OSError: no network drive",
            "  It is in */conftest.py, line 2. This says nothing about the judged API*",
        ]
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "scenarios(config):\n    return 5\n",
            "the hook pytest_edfi_scenarios gave 5; a path or *",
        ),
        (
            "scenarios(config):\n    return [None]\n",
            "the hook pytest_edfi_scenarios gave None; a *",
        ),
        (
            "scenarios(config):\n    return {'id': config.rootpath}\n",
            "pytest_edfi_scenarios: the table has a value that YAML does not know: *Path(*",
        ),
        (
            "modify_scenarios(config, scenarios):\n    scenarios.append('mine')\n",
            "the hook pytest_edfi_modify_scenarios put 'mine' among the scenarios; *",
        ),
    ],
)
def test_what_is_no_scenario_is_told(kit, sandbox, body, words) -> None:
    result = run(kit, sandbox, f"def pytest_edfi_{body}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}"])


def test_ini_chooses_scenarios(kit, sandbox) -> None:
    from pathlib import Path

    import pytest_edfi_cte

    source = Path(pytest_edfi_cte.__file__).parents[1] / "fixtures/scenarios/sis-v5-current.yaml"
    text = source.read_text("utf-8").replace("id: sis-v5-current", "id: ours", 1)
    folder = kit.pytester.mkdir("tables")
    (folder / "ours.yaml").write_text(text, encoding="utf-8")
    kit.pytester.makeini("[pytest]\nedfi_scenarios =\n    tables\nedfi_select =\n    ours*-1-*\n")
    sub = kit.pytester.mkdir("sub")
    kit.monkeypatch.chdir(sub)
    result = kit.run(
        sandbox,
        "-v",
        "--pyargs",
        "pytest_edfi_cte",
        "--rootdir",
        str(kit.pytester.path),
        "-c",
        str(kit.pytester.path / "tox.ini"),
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*[[]ini edfi_scenarios]*"])


# -- cost -------------------------------------------------------------------------------------------


def test_hooks_that_nobody_implements_are_none(kit, sandbox) -> None:
    tests = """
from pytest_edfi_cte.fixtures import RUN

def test_none(request, edfi_session):
    hooks = request.config.stash[RUN].hooks
    edfi_session.get("/ed-fi/students")
    assert {name for name in vars(hooks) if name != "_config"} == {
        "payload", "session", "before_request", "after_response"
    }, "looked up once, and kept"
    assert not any(value for name, value in vars(hooks).items() if name != "_config")
"""
    run(kit, sandbox, "", tests=tests).assert_outcomes(passed=3)
    assert NO_HOOKS.payload is NO_HOOKS.report_row is None


def test_the_hook_s_failure_is_its_own_kind() -> None:
    from pytest_edfi_cte.errors import ConfigurationError, NonConformance, NotTestable

    assert issubclass(HookFailed, NotTestable)
    assert issubclass(HookFailed, ConfigurationError)
    assert not issubclass(HookFailed, NonConformance)


# -- observe mode --------------------------------------------------------------------------------

PRODUCT = """
import requests

def pytest_edfi_payload(resource, payload, scenario):
    if resource == "studentCTEProgramAssociations":
        payload["endDate"] = "2027-05-20"

def pytest_edfi_act(step, values):
    form = {{"grant_type": "client_credentials"}}
    token = requests.post("{url}/oauth/token", data=form, auth=("{id}", "{secret}")).json()["access_token"]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {{token}}"
        if {forgets}:
            del values["endDate"]
        session.post("{url}/data/v3/ed-fi/studentCTEProgramAssociations", json=values).raise_for_status()
    return "sent"
"""


@pytest.mark.parametrize("forgets", [False, True])
def test_in_observe_mode_the_product_must_send_it_too(kit, sandbox, forgets) -> None:
    from tests.broken_products import prepare

    prepare(sandbox)
    key = {"url": sandbox.url, "id": sandbox.client_id, "secret": sandbox.client_secret}
    result = run(
        kit,
        sandbox,
        PRODUCT.format(forgets=forgets, **key),
        "--edfi-mode=observe",
        "--edfi-settle=0",
    )
    if not forgets:
        result.assert_outcomes(passed=2)
        return
    result.stdout.fnmatch_lines(
        ["  endDate", "    expected  *set by the hook pytest_edfi_payload)"]
    )
    assert result.ret == 1
