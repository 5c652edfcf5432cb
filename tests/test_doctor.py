"""The doctor names the first cause of a broken set-up, and lets a good one pass."""

from __future__ import annotations

import json
import re
import shlex
import sys
from types import SimpleNamespace

import pytest
from werkzeug.wrappers import Response

from pytest_edfi_cte import cli
from pytest_edfi_cte.client.discovery import Api
from pytest_edfi_cte.client.tokeninfo import token_info_url
from pytest_edfi_cte.doctor.model import Diagnosis, Line, Status, Who
from pytest_edfi_cte.doctor.page import Page
from pytest_edfi_cte.sandbox import Client, Sandbox
from tests.broken_setups import (
    CLIENTS,
    SETUPS,
    Bench,
    Switch,
    answers,
    at,
    changed,
    dated,
    discovery,
    named,
    no_token_info,
    without,
)
from tests.conftest import OTHER_ENROLLMENT, state, with_other_student
from tests.servers import serving

ALL = [
    "reachable",
    "tls",
    "api",
    "standard",
    "clock",
    "token",
    "claims",
    "namespaces",
    "ed_org",
    "coverage",
    "descriptors",
    "program",
    "school",
    "student",
    "enrollment",
    "association",
    "openapi",
]


@pytest.fixture(scope="module")
def breakable():
    """One sandbox for all: starting one takes longer than most of these tests."""
    switch = Switch()
    with Sandbox(middleware=[switch], clients=list(CLIENTS.values())) as sandbox:
        yield sandbox, switch


@pytest.fixture
def bench(breakable, tmp_path, monkeypatch):
    bench = Bench(*breakable, tmp_path, monkeypatch)
    with bench.stack:
        yield bench


@pytest.fixture
def doctor(capsys):
    """``doctor(*arguments)`` -> (exit code, the JSON page)."""

    def run(*arguments: str) -> tuple[int, dict]:
        code = cli.main(["doctor", "--retries=0", "--school-year=2027", "--json", *arguments])
        shown = capsys.readouterr()
        assert "s3cr3t" not in shown.out + shown.err
        assert "pa55word" not in shown.out + shown.err
        return code, json.loads(shown.out)

    return run


def by_probe(page: dict) -> dict[str, dict]:
    return {line["probe"]: line for line in page["lines"]}


@pytest.mark.parametrize("setup", SETUPS, ids=lambda s: s.name)
def test_the_first_cause_of_a_broken_setup(setup, bench, doctor) -> None:
    code, page = doctor(*setup.make(bench))
    cause = page["first_cause"]
    assert cause, page
    assert (code, page["can_succeed"]) == (1, False)
    assert (cause["probe"], cause["who"]) == (setup.probe, setup.who), cause
    assert setup.found in cause["found"], cause
    assert setup.how in cause["how"], cause
    assert cause["means"]
    assert cause["evidence"].startswith(("GET ", "POST ", "PUT ", "DELETE ")), cause
    lines = by_probe(page)
    assert list(lines) == ALL
    before = ALL[: ALL.index(setup.probe)]
    assert not [name for name in before if lines[name]["status"] == "problem"]


def test_there_are_enough_of_them() -> None:
    assert len({setup.name for setup in SETUPS}) >= 15
    assert {setup.who for setup in SETUPS} == {who.value for who in Who}


def test_what_needs_the_cause_is_unknown_and_nothing_is_sent_for_it(bench, doctor) -> None:
    sandbox = bench.sandbox()
    bench.key(sandbox.client_id, "another secret")
    _, page = doctor(f"--url={sandbox.url}")
    lines = by_probe(page)
    for name in ALL[ALL.index("claims") : -1]:
        assert (lines[name]["status"], lines[name]["because"]) == ("unknown", "token")
    assert {r.path for r in sandbox.requests} == {"/", "/oauth/token", "/metadata"}


def test_other_problems_are_listed_too(bench, doctor) -> None:
    _, page = doctor(
        *bench.broken(at("/programs", answers(200, [])), at("/schools", answers(200, [])))
    )
    problems = [line["probe"] for line in page["lines"] if line["status"] == "problem"]
    assert problems == ["program", "school"]
    assert by_probe(page)["enrollment"]["because"] == "school"


# -- good set-ups ---------------------------------------------------------------------------------


def good(code: int, page: dict) -> dict[str, dict]:
    assert page["first_cause"] is None, page["first_cause"]
    assert (code, page["can_succeed"]) == (0, True)
    return by_probe(page)


def test_the_embedded_sandbox(doctor) -> None:
    lines = good(*doctor("--url=sandbox"))
    assert list(lines) == ALL
    assert {line["status"] for line in lines.values()} == {"ok"}


def test_an_older_data_standard(new_sandbox, bench, doctor) -> None:
    sandbox = new_sandbox(data_standard="4.0")
    bench.key(sandbox.client_id, sandbox.client_secret)
    lines = good(*doctor(f"--url={sandbox.url}"))
    assert "Data Standard 4.0.0, judged by the schemas of 4.0" in lines["standard"]["found"]


@pytest.mark.parametrize("client", ["sis", "two districts"])
def test_a_vendors_key(client, bench, doctor) -> None:
    lines = good(*doctor(*bench.broken(client=client)))
    assert "claim set 'SIS Vendor' allows Create" in lines["claims"]["found"]


def test_nothing_is_changed_and_little_is_sent(bench, doctor) -> None:
    sandbox = with_other_student(bench.sandbox())
    before = state(sandbox)
    good(*doctor(f"--url={sandbox.url}"))
    assert state(sandbox) == before
    posted = [r.path for r in sandbox.requests if r.method != "GET"]
    assert posted == ["/oauth/token", "/oauth/token_info"]
    assert len(sandbox.requests) < 25


def test_a_host_without_token_info(bench, doctor) -> None:
    sandbox = bench.sandbox(no_token_info)
    before = state(sandbox)
    lines = good(*doctor(f"--url={sandbox.url}"))
    assert state(sandbox) == before
    assert {n for n, line in lines.items() if line["status"] == "unknown"} == {
        "claims",
        "coverage",
        "namespaces",
    }
    assert "no refusal" in lines["claims"]["found"]
    tried = [(r.method, r.status) for r in sandbox.requests if r.method != "GET"][2:]
    assert tried == [("POST", 400), ("PUT", 404), ("DELETE", 404)]


@pytest.mark.parametrize(
    "answer",
    [
        changed(lambda t: [t.pop(n) for n in ("claim_set", "resources")]),
        changed(lambda t: t.update(resources=[], education_organizations=None, claim_set="x")),
        changed(lambda t: t.update(namespace_prefixes=None, assigned_profiles={})),
        answers(200, ["no", "object"]),
        answers(401),
        lambda *_: Response("<html>", 200, content_type="text/html"),
    ],
    ids=["older", "empty", "other-types", "array", "401", "html"],
)
def test_an_odd_token_info_is_no_problem(answer, bench, doctor) -> None:
    good(*doctor(*bench.broken(at("token_info", answer))))


def test_a_token_goes_to_no_other_host(bench, doctor) -> None:
    def move(document: dict) -> None:
        urls = document["urls"]
        urls["oauth"] = urls["oauth"].replace("127.0.0.1", "localhost")

    sandbox = bench.sandbox(discovery(move))
    lines = good(*doctor(f"--url={sandbox.url}"))
    assert "the token was not sent there" in lines["coverage"]["found"]
    assert not [r for r in sandbox.requests if "token_info" in r.path]


@pytest.mark.parametrize(
    ("oauth", "expected"),
    [
        ("https://host/api/oauth/token", "https://host/api/oauth/token_info"),
        ("https://host/t1/oauth/token/", "https://host/t1/oauth/token_info"),
        ("https://host/login", "https://host/api/oauth/token_info"),
    ],
)
def test_where_token_info_is(oauth, expected) -> None:
    api = Api("https://host/api", "https://host/api/data/", oauth, "7", "5.0", "5.0", {})
    assert token_info_url(api) == expected


def key_of(number: int, kind: str):
    """token_info as if the key were for another ed-org."""
    ed_orgs = [{"education_organization_id": number, "type": f"edfi.{kind}"}]
    return at("token_info", changed(lambda t: t.update(education_organizations=ed_orgs)))


def test_an_ed_org_below_one_of_the_keys(bench, doctor) -> None:
    def below(found: list) -> None:
        found[0]["educationServiceCenterReference"] = {"educationServiceCenterId": 255950}

    lines = good(*doctor(*bench.broken(key_of(1, "StateEducationAgency"))))
    assert lines["coverage"]["status"] == "unknown"
    above = at("/localeducationagencies", changed(below))
    lines = good(*doctor(*bench.broken(key_of(255950, "EducationServiceCenter"), above)))
    assert lines["coverage"]["found"] == "255950: the table's 255901 is below 255950"


def test_an_ed_org_that_is_a_school_of_the_key(bench, doctor) -> None:
    sandbox = bench.sandbox()
    name = "Career and Technical Education"
    reference = {"educationOrganizationReference": {"educationOrganizationId": 255901044}}
    kind = f"uri://ed-fi.org/ProgramTypeDescriptor#{name}"
    sandbox.load("programs", [{**reference, "programName": name, "programTypeDescriptor": kind}])
    path = "educationOrganizationId=255901044"
    sets = [f"--set={r}.{path}" for r in ("educationOrganizationReference", "programReference")]
    lines = good(*doctor(f"--url={sandbox.url}", *sets))
    assert lines["coverage"]["found"] == "255901: the table's 255901044 is below 255901"


def test_a_student_who_is_there_needs_no_right_to_create_one(bench, doctor) -> None:
    sandbox = bench.sandbox(without("students", "Create", "Delete"))
    student = {"studentUniqueId": "222222", "firstName": "Some", "lastSurname": "Body"}
    sandbox.load("students", [{**student, "birthDate": "2009-02-03"}])
    reference = {"studentReference": {"studentUniqueId": "222222"}}
    sandbox.load("studentSchoolAssociations", [{**OTHER_ENROLLMENT, **reference}])
    lines = good(*doctor(f"--url={sandbox.url}"))
    assert lines["student"]["found"] == "222222 is there; it will be left as it is"
    assert "is there" in lines["enrollment"]["found"]
    assert "Body" not in json.dumps(lines)


def test_a_valid_certificate(bench, doctor) -> None:
    lines = good(*doctor(*bench.certified("localhost")))
    assert lines["tls"]["found"] == "the certificate is valid for localhost"


# -- warnings -------------------------------------------------------------------------------------


def warned(lines: dict[str, dict], probe: str) -> dict:
    assert {n for n, line in lines.items() if line["status"] == "warning"} == {probe}
    assert lines[probe]["means"]
    assert lines[probe]["how"]
    return lines[probe]


def test_a_clock_alone_stops_nothing(bench, doctor) -> None:
    line = warned(good(*doctor(*bench.broken(dated(7200)))), "clock")
    assert "2 h behind" in line["found"]
    assert good(*doctor(*bench.broken(dated(50))))["clock"]["status"] == "ok"


def test_plain_http_to_another_machine(bench, doctor) -> None:
    named(bench, "api.example")
    url = bench.broken()[0].replace("127.0.0.1", "api.example")
    line = warned(good(*doctor(url)), "tls")
    assert "is not encrypted" in line["found"]
    assert line["who"] == "host"


def test_an_unchecked_certificate(bench, doctor) -> None:
    arguments = bench.certified("another.example", trusted=False)
    line = warned(good(*doctor(*arguments, "--insecure")), "tls")
    assert "not checked" in line["found"]


def test_a_redirected_base(bench, doctor) -> None:
    place = {"Location": f"{bench.sandbox().url}/"}
    detour = bench.stack.enter_context(serving(lambda _: Response(b"", 301, headers=place)))
    line = warned(good(*doctor(f"--url={detour}")), "api")
    assert f"leads on to {place['Location']}" in line["found"]


def test_what_could_not_be_deleted_again(bench, doctor) -> None:
    line = warned(good(*doctor(*bench.broken(without("students", "Delete")))), "student")
    assert "cannot be deleted again" in line["found"]


def test_a_profile(bench, doctor) -> None:
    change = changed(lambda t: t.update(assigned_profiles=["Small"]))
    line = warned(good(*doctor(*bench.broken(at("token_info", change)))), "claims")
    assert "the profile Small" in line["found"]


def test_a_key_that_may_not_write_the_tables_descriptors(bench, doctor) -> None:
    line = warned(good(*doctor(*bench.broken(client="other namespace"))), "namespaces")
    assert line["found"] == "uri://tea.texas.gov: does not cover uri://ed-fi.org"


# -- unknown --------------------------------------------------------------------------------------


def test_a_refused_look_up_is_left_to_the_run(bench, doctor) -> None:
    lines = good(*doctor(*bench.broken(at("/programs", answers(403, {"message": "No reading."})))))
    assert lines["program"]["status"] == "unknown"
    assert "No reading." in lines["program"]["found"]


def test_an_api_without_openapi(bench, doctor) -> None:
    def drop(document: dict) -> None:
        del document["urls"]["openApiMetadata"]

    assert good(*doctor(*bench.broken(discovery(drop))))["openapi"]["status"] == "unknown"
    odd = at("/metadata", answers(200, {"swagger": "2.0"}))
    assert good(*doctor(*bench.broken(odd)))["openapi"]["status"] == "unknown"


def test_an_api_that_names_no_data_model(bench, doctor) -> None:
    lines = good(*doctor(*bench.broken(discovery(lambda d: d.pop("dataModels")))))
    assert "names no Ed-Fi data model" in lines["standard"]["found"]


def test_an_api_that_hangs_up_on_the_way(bench, doctor) -> None:
    def cut(*_args):
        response = answers(200, [])()
        response.headers["Content-Length"] = "999"
        response.automatically_set_content_length = False
        return response

    code, page = doctor(*bench.broken(at("/schools", cut)), "--timeout=0.5")
    assert code == 1
    assert page["first_cause"]["probe"] == "school"
    assert page["first_cause"]["means"] == "The API stopped answering."


# -- the command ----------------------------------------------------------------------------------


def test_the_page(bench, capsys) -> None:
    arguments = bench.broken(at("/programs", answers(200, [])))
    assert cli.main(["doctor", *arguments]) == 1
    shown = capsys.readouterr().out
    top, _, rest = shown.partition("\n\n  ok ")
    assert "No run can succeed yet. The first cause:\n\n  program: the program is missing" in top
    for words in (
        "means",
        "who    data (who loads data into the API)",
        "how    Load",
        "seen   GET",
    ):
        assert words in top
    assert "problem  program" in rest
    assert "see above" in rest
    assert shown.rstrip().endswith("Fix the first cause, then run this again.")
    assert "\x1b" not in shown


def test_the_page_of_a_good_setup_says_what_to_run(capsys) -> None:
    assert cli.main(["doctor", "--url=sandbox"]) == 0
    shown = capsys.readouterr().out
    assert "A run can succeed: nothing stands in its way." in shown
    assert shown.endswith("Next: pytest --pyargs pytest_edfi_cte --edfi-url=sandbox\n")


# -- other tables ---------------------------------------------------------------------------------

HOMELESS = "--select=sis-v5-student-homeless-*"


def test_of_other_tables_their_needs_are_looked_at(bench, doctor, capsys) -> None:
    url = f"--url={bench.sandbox().url}"
    code, page = doctor(url, HOMELESS)
    assert (code, page["can_succeed"]) == (0, True)
    lines = by_probe(page)
    assert "studentHomelessProgramAssociations" in lines["claims"]["found"]
    assert "studentHomelessProgramAssociations" in lines["tables"]["found"]
    assert lines["preloaded"]["found"].startswith("education organization (localEducationAgencies)")
    assert {line["status"] for line in page["lines"]} <= {"ok", "unknown", "warning"}
    assert cli.main(["doctor", url, HOMELESS]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "A run can succeed" not in shown
    assert "stands in the way of a run of Student Homeless Program Association. Not looked" in shown
    assert "CTE" not in shown


@pytest.mark.parametrize(
    ("broken", "probe", "found"),
    [
        (("/programs", answers(200, [])), "preloaded", "the program is missing"),
        (
            ("/homelessprimarynighttimeresidencedescriptors", answers(200, [])),
            "descriptors",
            "HomelessPrimaryNighttimeResidenceDescriptor",
        ),
    ],
)
def test_what_other_tables_lack_is_a_problem(broken, probe, found, bench, doctor) -> None:
    code, page = doctor(*bench.broken(at(*broken)), HOMELESS)
    assert code == 1
    assert page["first_cause"]["probe"] == probe
    assert found in page["first_cause"]["found"]


def test_a_key_without_a_claim_on_another_table(bench, doctor) -> None:
    code, page = doctor(*bench.broken(client="assessment"), HOMELESS)
    assert (code, page["first_cause"]["probe"]) == (1, "claims")
    assert "Delete of studentHomelessProgramAssociations" in page["first_cause"]["found"]
    assert page["first_cause"]["means"].startswith("The scenarios write")


def test_a_table_of_another_data_standard(bench, doctor) -> None:
    code, page = doctor(*bench.broken(), "--select=sis-v4-*")
    assert (code, page["first_cause"]["probe"]) == (1, "tables")
    assert "is for Data Standard 4.0; this API has 5.0" in page["first_cause"]["found"]
    assert by_probe(page)["claims"]["because"] == "tables"


def test_what_the_cte_table_alone_needs_is_no_problem_of_others(bench, doctor) -> None:
    broken = bench.broken(at("/cteprogramservicedescriptors", answers(200, [])))
    assert doctor(*broken)[0] == 1
    assert doctor(*broken, HOMELESS)[0] == 0


LINES = (
    Line(Status.OK, "fine", probe="a", title="first"),
    Line(
        Status.PROBLEM,
        "bad \x1b[31m" + "word " * 30,
        "It means something " * 5,
        Who.DATA,
        "Do this " * 20,
        "GET https://host/v7.3/api/data/v3/ed-fi/programs?" + "x" * 60,
        probe="b",
        title="second",
    ),
    Line(Status.WARNING, "odd", "why", Who.HOST, "how", probe="c", title="third"),
    Line(Status.UNKNOWN, "not looked at", because="b", probe="d", title="fourth"),
    Line(Status.PROBLEM, "worse", "why", Who.YOU, "how", probe="e", title="fifth"),
)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_the_page_keeps_to_the_width(width) -> None:
    page = Page(width, colour=False, clean=lambda text: text.replace("\x1b", "\\x1b"))
    text = page.text(Diagnosis(LINES), "https://host/api", "https://host/api")
    assert "\x1b" not in text
    assert "because of: second" in text
    assert "2 problems in all" in text
    for line in text.splitlines():
        assert len(line) <= min(width, 110) or "https://" in line


def test_colour_says_nothing_that_words_do_not() -> None:
    plain = Page(100, colour=False, clean=str).text(Diagnosis(LINES[:1]), "u", "u")
    coloured = Page(100, colour=True, clean=str).text(Diagnosis(LINES[:1]), "u", "u")
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


@pytest.mark.parametrize("setting", ["tty", "no-color"])
def test_colour_where_a_terminal_wants_it(setting, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if setting == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    assert cli.main(["doctor", "--url=sandbox"]) == 0
    assert ("\x1b[32m" in capsys.readouterr().out) is (setting == "tty")


def test_mistakes_in_the_options_are_exit_code_4(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    cases = {
        "which API? Give --url URL": [],
        "option --url: 'ftp://host' is not the base URL": ["--url=ftp://host"],
        "the API needs a client id": ["--url=http://127.0.0.1:9"],
        "option --set: studentId: no such property": ["--url=sandbox", "--set=studentId=5"],
        "option --env-file: ": ["--url=sandbox", "--env-file=missing.env"],
        "EDFI_CLIENT_SECRET": ["--url=http://127.0.0.1:9", "--client-id=x"],
    }
    for says, arguments in cases.items():
        assert cli.main(["doctor", *arguments]) == 4
        shown = capsys.readouterr()
        assert says in shown.err
        assert not shown.out


def test_a_sandbox_without_its_extra(capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest_edfi_cte.sandbox", None)
    assert cli.main(["doctor", "--url=sandbox"]) == 4
    assert "pip install 'pytest-edfi-cte[sandbox]'" in capsys.readouterr().err


def test_environment_and_env_file_are_read_as_by_pytest(
    bench, doctor, monkeypatch, tmp_path
) -> None:
    sandbox = bench.sandbox()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDFI_CLIENT_ID")
    monkeypatch.delenv("EDFI_CLIENT_SECRET")
    (tmp_path / "my.env").write_text(
        f"EDFI_URL={sandbox.url}\nEDFI_CLIENT_ID={sandbox.client_id}\n"
        f"EDFI_CLIENT_SECRET={sandbox.client_secret}\n"
    )
    good(*doctor("--env-file=my.env"))
    good(*doctor("--edfi-env-file=my.env", "--edfi-set=studentUniqueId=7"))
    monkeypatch.setenv("EDFI_ENV_FILE", "my.env")
    lines = good(*doctor("--set=studentUniqueId=8", "--set=cipCode=12.0000"))
    assert lines["student"]["found"].startswith("8 ")


def test_help_names_the_plugins_options_and_no_secret(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["doctor", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for flag in ("--url", "--edfi-url", "--client-id", "--env-file", "--ca-bundle", "--json"):
        assert flag in shown
    assert "--client-secret" not in shown
    assert "--seed" not in shown


# -- before a run of pytest -----------------------------------------------------------------------

OWN = """
    import pytest
    @pytest.mark.parametrize("n", range(5))
    def test_ours(n, edfi_cte_association): raise SystemExit
    def test_free(edfi_session): assert edfi_session.get("/ed-fi/students").status_code == 200
"""


def as_key(sandbox, client: Client) -> SimpleNamespace:
    """The sandbox as another key meets it."""
    return SimpleNamespace(url=sandbox.url, client_id=client.id, client_secret=client.secret)


ASSESSMENT = CLIENTS["assessment"]
CAUSE = (
    "claims: the key's claim set 'Assessment Vendor' does not allow Create, Read, Update and "
    "Delete of studentCTEProgramAssociations"
)


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "worker"])
def test_one_explanation_instead_of_many_failures(workers, new_sandbox, kit, pytester) -> None:
    pytester.makepyfile(OWN)
    sandbox = new_sandbox(clients=[ASSESSMENT])
    result = kit.run(as_key(sandbox, ASSESSMENT), *workers)
    result.assert_outcomes(errors=7, passed=1)
    text = result.stdout.str()
    assert text.count(f"edfi: doctor: PROBLEM: {CAUSE}") == 1
    assert text.count("edfi:   application (who gives out the key and its claim set): Give") == 1
    assert text.count("edfi: doctor: also: student: the student (222222) is not visible") == 1
    assert text.index("doctor: PROBLEM") < text.index("not testable")
    assert len(re.findall(f"^not testable: {CAUSE}$", text, re.MULTILINE)) == 7
    assert f"edfi-cte doctor --url={sandbox.url} --school-year=2027 --retries=0 shows the " in text
    assert "harness error" not in text
    assert "s3cr3t" not in text
    writes = [r for r in sandbox.requests if r.method != "GET" and "/ed-fi/" in r.path]
    assert writes == []


def test_a_good_run_costs_two_requests_more(new_sandbox, kit) -> None:
    sandbox = new_sandbox()
    result = kit.scenarios(sandbox)
    result.assert_outcomes(passed=2)
    assert "edfi: doctor: ok" in result.stdout.str()
    asked = [r.path for r in sandbox.requests if r.method == "GET"]
    for part in ("/localEducationAgencies?", "/programs?"):
        assert sum(part in path for path in asked) == 1
    assert sum("Descriptors?" in path for path in asked) == 3
    assert sum("token_info" in r.path for r in sandbox.requests) == 1


def test_workers_do_not_ask_again(new_sandbox, kit) -> None:
    sandbox = new_sandbox()
    result = kit.scenarios(sandbox, "-n1")
    result.assert_outcomes(passed=2)
    assert "edfi: doctor: ok" in result.stdout.str()
    asked = [r.path for r in sandbox.requests]
    assert sum("/programs?" in path for path in asked) == 1
    assert sum("token_info" in path for path in asked) == 1


def test_tests_that_need_no_record_cost_nothing(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile("def test_free(edfi_session): pass")
    sandbox = new_sandbox()
    result = kit.run(sandbox, "-k", "free")
    result.assert_outcomes(passed=1, deselected=2)
    assert "edfi: doctor" not in result.stdout.str()
    assert [r.path for r in sandbox.requests] == ["/", "/oauth/token"]


@pytest.mark.parametrize(
    ("path", "status"), [("token_info", 401), ("localeducationagencies", 429), ("programs", 500)]
)
def test_what_the_api_will_not_say_blocks_nothing(path, status, new_sandbox, kit) -> None:
    kit.scenarios(new_sandbox(at(path, answers(status)))).assert_outcomes(passed=2)


def test_an_overridden_fixture_is_not_blocked(new_sandbox, kit, pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        @pytest.fixture
        def edfi_cte_slot(): return "theirs"
        """
    )
    pytester.makepyfile("def test_their_own(edfi_cte_slot): assert edfi_cte_slot == 'theirs'")
    sandbox = new_sandbox(clients=[ASSESSMENT])
    result = kit.run(as_key(sandbox, ASSESSMENT), "-k", "their_own")
    result.assert_outcomes(passed=1, deselected=2)


def test_an_overridden_session_may_open_what_ours_does_not(new_sandbox, kit, pytester) -> None:
    def opened(request, proceed):
        return proceed(request) if "X-Open" in request.headers else answers(200, [])()

    sandbox = new_sandbox(at("/programs", opened))
    pytester.makepyfile("def test_program(edfi_program): assert edfi_program.url")
    kit.run(sandbox, "-k", "test_program").assert_outcomes(errors=1, deselected=2)
    pytester.makeconftest(
        """
        import pytest
        @pytest.fixture(scope="session")
        def edfi_session(edfi_session):
            edfi_session.headers["X-Open"] = "sesame"
            return edfi_session
        """
    )
    kit.run(sandbox, "-k", "test_program").assert_outcomes(passed=1, deselected=2)


def test_a_warning_is_said_beside_the_ok(new_sandbox, kit) -> None:
    result = kit.scenarios(new_sandbox(dated(7200)))
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    assert "edfi: doctor: ok" in text
    assert "edfi: doctor: warning: this clock is 2 h behind the API's" in text


def test_a_connection_that_fails_points_to_the_doctor(kit, pytester) -> None:
    nowhere = SimpleNamespace(url="http://127.0.0.1:9/api", client_id="a", client_secret="b")
    result = kit.run(nowhere, "--pyargs", "pytest_edfi_cte")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "edfi-cte doctor --url=http://127.0.0.1:9/api" in result.stderr.str()


def test_an_association_in_the_way_is_told_before_the_run(new_sandbox, kit, capsys) -> None:
    sandbox = new_sandbox()
    kit.scenarios(sandbox, "--edfi-keep-data", "-k", "test_create").assert_outcomes(
        passed=1, deselected=1
    )
    (there,) = sandbox.records("studentCTEProgramAssociations")
    result = kit.scenarios(sandbox)
    result.assert_outcomes(errors=2)
    text = result.stdout.str()
    assert "edfi: doctor: PROBLEM: association: the API already has a" in text
    assert f"DELETE {sandbox.url}/data/v3/ed-fi/studentCTEProgramAssociations/" in text
    assert "doctor: ok" not in text
    assert sandbox.records("studentCTEProgramAssociations") == [there]


def test_the_hints_work_as_they_are_typed(new_sandbox, tmp_path, capsys, kit) -> None:
    sandbox = new_sandbox()
    env = tmp_path / "an env"
    env.write_text(f"EDFI_CLIENT_SECRET={sandbox.client_secret}\n", encoding="utf-8")
    given = [f"--url={sandbox.url}", f"--client-id={sandbox.client_id}", f"--env-file={env}"]
    given += ["--set=cipCode=11.0201", "--school-year=2027", "--timeout=20"]
    assert cli.main(["doctor", *given]) == 0
    shown = capsys.readouterr().out
    assert sandbox.client_secret not in shown
    words = shlex.split(shown.rpartition("Next: ")[2])
    assert words[0] == "pytest"
    off = ["-p", "no:randomly", "-p", "no:cov", "-p", "no:xdist"]
    kit.pytester.runpytest_inprocess(*words[1:], *off).assert_outcomes(passed=2)
    broken = kit.pytester.runpytest_inprocess(*words[1:], "--edfi-set=programName=None", *off)
    hint = broken.stdout.str().partition("edfi-cte doctor")[2].partition(" shows the whole")[0]
    assert cli.main(["doctor", *shlex.split(hint)]) == 1
    assert "program: the program is missing" in capsys.readouterr().out


def test_an_address_below_the_base_is_told_what_is_one(new_sandbox, kit, capsys) -> None:
    sandbox = new_sandbox()
    wrong = f"{sandbox.url}/v7.3/api"
    key = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    result = kit.run(SimpleNamespace(url=wrong, **key), "--pyargs", "pytest_edfi_cte")
    assert f"{sandbox.url} is one: --edfi-url={sandbox.url}" in result.stderr.str()
    assert cli.main(["doctor", f"--url={wrong}"]) == 1
    assert f"Give --edfi-url {sandbox.url}\n" in capsys.readouterr().out
