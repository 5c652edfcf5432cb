"""``--edfi-repeat``: the scenarios for many fictional students."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug import Response

from pytest_edfi_cte import cohort
from pytest_edfi_cte.cli import main
from pytest_edfi_cte.cohort import Cohort
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.journal import Journal
from pytest_edfi_cte.notations import students
from pytest_edfi_cte.reporting.stored import read
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from tests.conftest import state

CREATE, UPDATE = (f"sis-v5-student-cte-program-association-{n}" for n in ("1-create", "2-update"))
SEED = "--edfi-seed=7"


def numbers(sandbox) -> list[str]:
    """The students that were sent, in order of arrival."""
    sent = [r for r in sandbox.requests if r.method == "POST" and r.path.endswith("/students")]
    return [json.loads(r.body)["studentUniqueId"] for r in sent]


def workers(kit, sandbox, *arguments: str) -> pytest.RunResult:
    """A run with two workers, which import nothing but what it needs."""
    kit.monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "xdist", "-p", "pytest_edfi_cte.plugin", "-n2")
    return kit.subprocess(sandbox, *plugins, "--pyargs", "pytest_edfi_cte", SEED, *arguments)


def results(folder: Path) -> dict:
    return read(folder / "results.json")


# -- the cohort ---------------------------------------------------------------------------------


def test_students_have_numbers_of_their_own() -> None:
    one, other = Cohort(7, 1, 3000), Cohort(8, 1, 3000)
    ids = [c.student_id(n) for c in (one, other) for n in range(c.first, c.last + 1)]
    assert len(set(ids)) == 6000
    assert {len(i) for i in ids} == {18}
    assert max(map(int, ids)) < 2**63
    assert one.student_id(17) == Cohort(7, 17, 17).student_id(17)


@pytest.mark.parametrize("last", [1, 499, 500, 501, 9_999, 60_000])
def test_batches_have_every_student_once(last: int) -> None:
    batches = list(Cohort(1, 1, last).batches())
    assert [n for batch in batches for n in batch] == list(range(1, last + 1))
    assert len(batches) <= max(500, -(-last // 50))


@pytest.mark.parametrize(("text", "meant"), [("12", (1, 12)), ("5-9", (5, 9)), ("3-3", (3, 3))])
def test_students_are_given_by_number_or_range(text: str, meant: tuple[int, int]) -> None:
    assert students(text) == meant


@pytest.mark.parametrize("text", ["0", "-4", "9-5", "x", "1.5", "100000000", ""])
def test_what_is_no_number_of_students_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 1000, or 501-1000"):
        students(text)


def test_a_scenario_is_about_another_student_and_else_as_it_was() -> None:
    table = load(shipped(), Settings(), "5.0")
    scenario = table.scenario("update")
    other = cohort.for_student(scenario, "9000")
    assert json.loads(json.dumps(scenario.payload).replace('"222222"', '"9000"')) == other.payload
    assert other.changed == scenario.changed
    text = json.dumps(table.prerequisites).replace('"222222"', '"9000"')
    assert other.table.prerequisites == json.loads(text)
    assert list(cohort.own_needs(other.table)) == ["student", "enrollment"]


def test_a_record_about_no_student_cannot_be_repeated() -> None:
    table = load(shipped(), Settings(), "5.0")
    other = replace(table, natural_key={"programName": "programReference.programName"})
    with pytest.raises(ConfigurationError, match="natural key .* has no studentUniqueId"):
        cohort.check([other.scenario("create")])


def test_a_preloaded_student_cannot_be_repeated() -> None:
    table = load(shipped(), Settings(), "5.0")
    needs = {**table.needs, "student": replace(table.needs["student"], preloaded=True)}
    with pytest.raises(ConfigurationError, match="pre-loaded, and is never made"):
        cohort.check([replace(table, needs=needs).scenario("create")])


def test_a_journal_that_is_cleared_is_empty_and_goes_on(tmp_path) -> None:
    journal = Journal.start(tmp_path)
    journal.clear()
    journal.creating("http://a", "students", {"studentUniqueId": "1"})
    journal.clear()
    assert journal.unconfirmed() == []
    journal.creating("http://a", "students", {"studentUniqueId": "2"})
    assert [entry.key for entry in journal.unconfirmed()] == [{"studentUniqueId": "2"}]


# -- runs -----------------------------------------------------------------------------------------


def test_every_student_is_judged_and_nothing_stays(sandbox, kit, pytester) -> None:
    before = state(sandbox)
    result = kit.scenarios(sandbox, "--edfi-repeat=3", SEED, "--edfi-report=pack")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["*repeat students 1-3 [[]option --edfi-repeat]*", "CONFORMANT: 6 passed"]
    )
    assert numbers(sandbox) == [Cohort(7, 1, 3).student_id(n) for n in (1, 2, 3)]
    assert state(sandbox) == before
    content = results(pytester.path / "pack")
    assert content["counts"] == {"passed": 6}
    assert [row["counts"] for row in content["students"]] == [{"passed": 3}] * 2
    assert [[n for n, *_ in row["students"]] for row in content["students"]] == [[1, 2, 3]] * 2
    # One student is the example, with its evidence.
    assert [(c["id"], c["student"]) for c in content["checks"]] == [(CREATE, 1), (UPDATE, 1)]
    page = (pytester.path / "pack" / "conformance.html").read_text()
    assert page.count("3 of 3 students passed") == 2


def test_one_connection_and_one_token(sandbox, kit) -> None:
    kit.scenarios(sandbox, "--edfi-repeat=2", SEED).assert_outcomes(passed=2)
    tokens = [r for r in sandbox.requests if r.path.endswith("/oauth/token")]
    assert len(tokens) == 1
    assert len({r.connection for r in sandbox.requests}) == 1


def wrong_for(number: int):
    """An API that does not store the update of one student."""
    marked = Cohort(7, 1, 9).student_id(number)

    def through(request, proceed):
        if request.method == "PUT" and marked in request.get_data(as_text=True):
            return Response(status=204)
        return proceed(request)

    return through


def test_a_student_that_fails_is_named_with_its_evidence(new_sandbox, kit, pytester) -> None:
    sandbox = new_sandbox(wrong_for(2))
    result = kit.scenarios(sandbox, "--edfi-repeat=3", SEED, "--edfi-report=pack")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "student 2: Scenario 2 (*) failed: the update was accepted but not stored.",
            "*cteProgramServices[[]Information Technology].primaryIndicator",
            "*expected  false  (boolean, REQUIRED by the certification table)",
            "*received  true  (boolean)",
            "*--edfi-repeat=2-2 and this run's --edfi-seed.",
            "NOT CONFORMANT: 5 passed, 1 failed",
            "*✗ 2 of 3 students passed, 1 failed: Scenario 2*",
            "*✗ failed * (student 2)",
        ]
    )
    content = results(pytester.path / "pack")
    bad = [c for c in content["checks"] if c["verdict"] == "failed"]
    assert [(c["id"], c["student"]) for c in bad] == [(UPDATE, 2)]
    assert [row["kind"] for row in bad[0]["findings"] if row["verdict"] != "ok"] == ["not-stored"]
    assert any(e["line"].startswith("PUT ") for e in bad[0]["exchanges"])
    junit = (pytester.path / "pack" / "junit.xml").read_text()
    assert 'name="edfi.students" tests="2" failures="1"' in junit
    assert "2 of 3 students passed, 1 failed" in (pytester.path / "pack/summary.md").read_text()


def test_one_student_alone(new_sandbox, kit) -> None:
    sandbox = new_sandbox(wrong_for(2))
    result = kit.scenarios(sandbox, "--edfi-repeat=2-2", SEED)
    result.assert_outcomes(failed=1)
    assert numbers(sandbox) == [Cohort(7, 1, 2).student_id(2)]


def test_a_waiver_counts_for_every_student(new_sandbox, kit, pytester) -> None:
    pytester.makefile(
        ".yaml",
        accepted="- {path: cteProgramServices.primaryIndicator, reason: fixed in May, "
        "who: J. Doe, until: 2099-05-31}",
    )
    sandbox = new_sandbox(wrong_for(2))
    result = kit.scenarios(sandbox, "--edfi-repeat=3", SEED, "--edfi-waive=accepted.yaml")
    result.assert_outcomes(passed=2, xfailed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["CONFORMANT: 5 passed, 1 waived"])


def test_students_of_an_earlier_run_are_left_alone(sandbox, kit) -> None:
    kit.scenarios(sandbox, "--edfi-repeat=2", SEED, "--edfi-keep-data").assert_outcomes(passed=2)
    kept = state(sandbox)
    assert {s["studentUniqueId"] for s in kept["students"]} >= set(numbers(sandbox))
    result = kit.scenarios(sandbox, "--edfi-repeat=2", SEED)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["not testable: student 1: the API already has a students record*", "*another --edfi-seed*"]
    )
    assert state(sandbox) == kept


def test_what_no_student_can_do_without_is_said_and_asked_once(new_sandbox, kit) -> None:
    sandbox = new_sandbox()
    result = kit.scenarios(
        sandbox, "--edfi-repeat=3", SEED, "--edfi-set", "programReference.programName=Nothing"
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["not testable: student 3: the program is missing*"])
    result.stdout.fnmatch_lines(["*(the same)", "*6 checks, for one cause:"])
    asked = [r for r in sandbox.requests if "/programs?" in r.path]
    assert len(asked) == 1
    assert numbers(sandbox) == []


def test_a_token_that_is_not_renewed_is_no_error_of_ours(new_sandbox, kit, pytester) -> None:
    ended = []

    def through(request, proceed):
        if request.method == "POST" and Cohort(7, 2, 2).student_id(2) in request.get_data(
            as_text=True
        ):
            ended.append(request.path)
        return Response(status=401) if ended else proceed(request)

    options = ("--edfi-repeat=2", SEED, "--edfi-report=pack")
    result = kit.scenarios(new_sandbox(through), *options)
    # What the student has made cannot be deleted either: the error at the end.
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["not testable: *refused the client *", "*2 not testable"])
    rows = results(pytester.path / "pack")["students"]
    assert [row["counts"] for row in rows] == [{"passed": 1, "not testable": 1}] * 2


def test_where_nothing_can_be_deleted_no_more_students_are_made(new_sandbox, kit) -> None:
    def through(request, proceed):
        return Response(status=403) if request.method == "DELETE" else proceed(request)

    sandbox = new_sandbox(through)
    result = kit.scenarios(sandbox, "--edfi-repeat=12", SEED)
    result.assert_outcomes(passed=10, failed=2)
    result.stdout.fnmatch_lines(
        ["not testable: student 11: 30 records of students before this one could not be deleted*"]
    )
    assert len(numbers(sandbox)) == 10


def test_any_table_is_repeated(sandbox, kit) -> None:
    before = state(sandbox)
    result = kit.scenarios(
        sandbox, "--edfi-repeat=2", SEED, "--edfi-select=sis-v5-student-homeless-*"
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*2 of 2 students passed*omeless*"])
    assert state(sandbox) == before


def test_observe_mode_refuses(sandbox, kit) -> None:
    result = kit.scenarios(sandbox, "--edfi-repeat=2", "--edfi-mode=observe")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*option --edfi-repeat: students are repeated in drive mode*"])
    assert sandbox.requests == []


def test_workers_share_the_students(sandbox, kit, pytester) -> None:
    before = state(sandbox)
    result = workers(kit, sandbox, "--edfi-repeat=8", "--edfi-report=pack")
    result.assert_outcomes(passed=8)
    assert sorted(numbers(sandbox)) == [Cohort(7, 1, 8).student_id(n) for n in range(1, 9)]
    assert len([r for r in sandbox.requests if r.path.endswith("/oauth/token")]) == 1
    assert state(sandbox) == before
    content = results(pytester.path / "pack")
    assert [row["counts"] for row in content["students"]] == [{"passed": 8}] * 2


def test_masked_people_do_not_grow_with_the_students(sandbox, kit) -> None:
    result = kit.scenarios(sandbox, "--edfi-repeat=2", SEED, "--edfi-mask-people")
    result.assert_outcomes(passed=2)


# -- runs that are killed -------------------------------------------------------------------------


def killed(kit, sandbox, arguments: list[str], when) -> None:
    """Run pytest in a process of its own, and kill it (signal 9) once ``when`` says so."""
    words = kit.arguments(sandbox, "--pyargs", "pytest_edfi_cte", SEED, *arguments)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", *words]
    with subprocess.Popen(
        command, cwd=kit.pytester.path, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            while not when():
                with suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"it ended before it was killed: {process.wait(0.05)}")
        finally:  # also where ``when`` fails: thousands of students would be waited for
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_a_run_that_is_killed_leaves_a_readable_result(sandbox, kit, pytester, capsys) -> None:
    before = state(sandbox)
    folder = pytester.path / "pack"
    kit.scenarios(sandbox, "--edfi-report=pack").assert_outcomes(passed=2)
    old = results(folder)["runs"][0]["id"]
    seen: list[int] = []

    def has_some_students() -> bool:
        if not (folder / "results.json").exists():  # the old pack is gone, the new one is to come
            return False
        content = results(folder)  # it is a whole document at every moment
        if content["runs"][0]["id"] == old:
            return False
        assert content["verdict"] == "interrupted"
        seen.append(content["counts"].get("passed", 0))
        return seen[-1] > 0

    killed(kit, sandbox, ["--edfi-repeat=5000", "--edfi-report=pack"], has_some_students)
    assert seen[0] == 0, "it is there before the first student"
    # What the earlier run left would contradict it.
    names = {path.name for path in folder.iterdir() if not path.name.endswith(".tmp")}
    assert names == {"results.json", "SHA256SUMS"}
    content = results(folder)
    assert content["runs"][0]["outcome"] == "interrupted"
    assert content["counts"]["passed"] == sum(len(r["students"]) for r in content["students"])
    capsys.readouterr()
    assert main(["report", str(folder / "results.json")]) == 1
    assert capsys.readouterr().out.startswith("INTERRUPTED: ")
    # The next run deletes what the killed one left, and takes its place in the folder.
    result = kit.scenarios(sandbox, "--edfi-repeat=1", SEED, "--edfi-report=pack")
    result.assert_outcomes(passed=1)
    after = state(sandbox)
    # Killed between the POST of a student and its answer: not enrolled it is hidden from us.
    hidden = [
        s for s in after["students"] if s["studentUniqueId"].startswith(Cohort(7, 1, 1).prefix)
    ]
    assert len(hidden) <= 1
    assert bool(hidden) == ("may have left a students record" in result.stdout.str())
    assert {**after, "students": [s for s in after["students"] if s not in hidden]} == before
    assert results(folder)["counts"] == {"passed": 2}
    left = [path.name for path in (pytester.path / ".pytest_cache/d/edfi").glob("run-*.sqlite*")]
    assert left == []
    assert list(folder.glob(".*")) == []


# -- what is made of the results ------------------------------------------------------------------


def test_results_of_students_are_compared_and_merged(new_sandbox, kit, pytester, capsys) -> None:
    for name, middleware in (("bad", [wrong_for(2)]), ("good", [])):
        kit.scenarios(new_sandbox(*middleware), "--edfi-repeat=3", SEED, f"--edfi-report={name}")
    bad, good = (str(pytester.path / name / "results.json") for name in ("bad", "good"))
    capsys.readouterr()
    assert main(["report", "--compare", good, bad]) == 1
    assert "New failures (1)\n  Scenario 2: Modify the program" in capsys.readouterr().out
    assert main(["report", "--compare", bad, good]) == 0
    assert "Fixed (1)\n  Scenario 2: Modify the program" in capsys.readouterr().out
    assert main(["report", good, bad, f"--out={pytester.path / 'both'}"]) == 1
    both = results(pytester.path / "both")
    assert both["counts"] == {"passed": 11, "failed": 1}
    assert sorted((row["run"], row["id"]) for row in both["students"]) == [
        (0, CREATE),
        (0, UPDATE),
        (1, CREATE),
        (1, UPDATE),
    ]
    assert [c["student"] for c in both["checks"] if c["verdict"] == "failed"] == [2]


def test_a_scenario_that_is_repeated_no_more_is_a_regression(
    sandbox, kit, pytester, capsys
) -> None:
    kit.scenarios(sandbox, "--edfi-repeat=2", SEED, "--edfi-report=many")
    kit.scenarios(sandbox, "--edfi-report=one")
    old, new = (str(pytester.path / name / "results.json") for name in ("many", "one"))
    capsys.readouterr()
    assert main(["report", "--compare", old, new]) == 1
    assert "2 of 2 students passed" in capsys.readouterr().out


def test_a_hook_that_fails_over_a_student_fails_its_test(sandbox, kit, pytester) -> None:
    pytester.makeconftest("def pytest_edfi_report_row(check): raise ValueError('of the hook')")
    result = kit.scenarios(sandbox, "--edfi-repeat=2", SEED)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*pytest_edfi_report_row*of the hook*"])


def test_a_lost_answer_is_a_finding_and_its_record_is_deleted(new_sandbox, kit) -> None:
    """The API makes the association, and its answer never comes."""
    sandbox = new_sandbox()
    before = state(sandbox)
    sandbox.fault(path="/ed-fi/studentCTEProgramAssociations", method="POST", drop="after", times=1)
    result = kit.scenarios(sandbox, "--edfi-repeat=1", SEED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*answer to the POST*"])
    assert state(sandbox) == before
