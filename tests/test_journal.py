"""What a run created is deleted again: after failures, Ctrl-C, kill -9 and crashed workers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.journal import Entry, Journal, orphans
from pytest_edfi_cte.locks import alone_with
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.settings import Settings
from tests.conftest import association, state, with_other_student

CTE = "studentCTEProgramAssociations"
ONE = Entry("http://a", "students", {"studentUniqueId": "1"}, "http://a/ed-fi/students/1")
TWO = Entry("http://a", "students", {"studentUniqueId": "2"}, "http://a/ed-fi/students/2")


def test_pending_is_what_was_created_and_not_deleted_newest_first(tmp_path) -> None:
    journal = Journal.start(tmp_path)
    assert journal.pending() == []
    journal.created(ONE)
    journal.created(TWO)
    assert journal.pending() == [TWO, ONE]
    journal.deleted(TWO.url)
    assert journal.pending() == [ONE]


def test_a_creation_without_answer_is_unconfirmed(tmp_path) -> None:
    journal = Journal.start(tmp_path)
    journal.creating("http://a", "students", ONE.key)
    journal.creating("http://a", "students", TWO.key)
    journal.created(ONE)
    assert [entry.key for entry in journal.unconfirmed()] == [TWO.key]
    journal.settled(Entry("http://a", "students", TWO.key, None))
    assert journal.unconfirmed() == []


def test_a_line_cut_in_half_is_passed_over(tmp_path) -> None:
    journal = Journal.start(tmp_path)
    journal.created(ONE)
    with journal.path.open("a") as stream:
        stream.write('{"event": "created", "base_url": "http')
    assert journal.pending() == [ONE]


def test_a_journal_of_a_living_run_is_left_alone(tmp_path) -> None:
    mine, other = Journal.start(tmp_path), Journal.start(tmp_path)
    other.created(ONE)
    with other.owned() as held:
        assert held
        assert list(orphans(tmp_path, mine)) == []
        with Journal(other.path).owned() as second:
            assert not second
    found = list(orphans(tmp_path, mine))
    assert [journal.path for journal in found] == [other.path]
    found[0].remove()
    assert list(orphans(tmp_path, mine)) == []


def test_a_record_that_others_hold_is_waited_for_and_then_not_testable() -> None:
    with (
        alone_with("test of the lock"),
        pytest.raises(NotTestable, match="another run on this machine"),
    ):
        with alone_with("test of the lock", patience=0):
            raise AssertionError
    with alone_with("test of the lock", patience=0):
        pass


HANG = """
import os, signal
def test_students(edfi_new_cte_association, edfi_cte_association):
    edfi_new_cte_association()
    {act}
"""


@pytest.mark.parametrize(
    ("act", "returncode"),
    [("assert 0", 1), ("raise KeyboardInterrupt", 2), ("raise SystemExit(5)", None)],
)
def test_after_a_failure_or_ctrl_c_everything_is_deleted(act, returncode, sandbox, kit) -> None:
    before = state(sandbox)
    kit.pytester.makepyfile(HANG.format(act=act))
    result = kit.subprocess(sandbox)
    if returncode:
        assert result.ret == returncode
    assert state(sandbox) == before
    assert not list(kit.pytester.path.glob(".pytest_cache/d/edfi/*"))


def killed(kit, sandbox, *arguments: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        *kit.arguments(sandbox, "-k", "students", *arguments),
    ]
    done = subprocess.run(
        command, cwd=kit.pytester.path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stdout


def test_the_next_run_cleans_up_after_a_killed_one(sandbox, kit) -> None:
    before = state(sandbox)
    kit.pytester.makepyfile(HANG.format(act="os.kill(os.getpid(), signal.SIGKILL)"))
    killed(kit, sandbox)
    assert state(sandbox) != before
    assert list(kit.pytester.path.glob(".pytest_cache/d/edfi/*.jsonl"))
    result = kit.scenarios(sandbox)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["note: Deleted 6 records that a killed run had left behind."])
    assert state(sandbox) == before
    assert not list(kit.pytester.path.glob(".pytest_cache/d/edfi/*.jsonl"))


def test_after_a_killed_run_only_its_own_records_are_deleted(sandbox, kit) -> None:
    """Another API's records stay in the journal; a record with another key under the id stays."""
    kit.pytester.makepyfile(HANG.format(act="os.kill(os.getpid(), signal.SIGKILL)"))
    killed(kit, sandbox)
    journal = next(kit.pytester.path.glob(".pytest_cache/d/edfi/*.jsonl"))
    other = sandbox.records("studentCTEProgramAssociations")[0]
    assert other["studentReference"]["studentUniqueId"] == "604822"
    url = f"{sandbox.url}/data/v3/ed-fi/studentCTEProgramAssociations/{other['id']}"
    foreign = {
        "base_url": sandbox.url,
        "resource": "studentCTEProgramAssociations",
        "key": {"studentUniqueId": "1"},
        "url": url,
    }
    elsewhere = {**foreign, "base_url": "http://elsewhere", "url": "http://elsewhere/1"}
    begun = {**foreign, "resource": "students", "url": None}
    with journal.open("a") as stream:
        for event, entry in (("created", foreign), ("created", elsewhere), ("creating", begun)):
            stream.write(json.dumps({"event": event, **entry}) + "\n")
    result = kit.scenarios(sandbox)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["note: A killed run may have left a students record with key *it stays."]
    )
    assert other in sandbox.records("studentCTEProgramAssociations")
    left = [json.loads(line) for line in journal.read_text().splitlines()]
    assert any(line["url"] == "http://elsewhere/1" for line in left)


def test_a_crashed_worker_leaves_nothing_behind(sandbox, kit) -> None:
    before = state(sandbox)
    kit.pytester.makepyfile(HANG.format(act="os.kill(os.getpid(), signal.SIGKILL)"))
    result = kit.subprocess(sandbox, "-n2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*worker*crashed while running*"])
    assert state(sandbox) == before


def test_what_a_killed_run_left_and_cannot_be_deleted_is_tried_again(new_sandbox, kit) -> None:
    from tests.broken_apis import problem

    refusing = [False]

    def maybe(request, proceed):
        if refusing[0] and request.method == "DELETE" and "/students/" in request.path:
            return problem(403, "Not now.")
        return proceed(request)

    sandbox = with_other_student(new_sandbox(maybe))
    before = state(sandbox)
    kit.pytester.makepyfile(HANG.format(act="os.kill(os.getpid(), signal.SIGKILL)"))
    killed(kit, sandbox)
    refusing[0] = True
    result = kit.scenarios(sandbox)
    result.stdout.fnmatch_lines(["LEFT BEHIND: DELETE *403: Not now."])
    refusing[0] = False
    kit.scenarios(sandbox).assert_outcomes(passed=2)
    kit.scenarios(sandbox).assert_outcomes(passed=2)
    assert state(sandbox) == before
    assert not list((kit.pytester.path / ".pytest_cache/d/edfi").iterdir())


def test_an_api_that_is_gone_at_the_end_is_said(new_sandbox, kit) -> None:
    sandbox = new_sandbox()
    kit.pytester.makeconftest(
        """
        import pytest
        @pytest.fixture(scope="session", autouse=True)
        def stop_the_api(edfi_settings):
            yield
            import urllib.request
            urllib.request.urlopen(edfi_settings.url + "/stop-for-the-test", data=b"").close()
        """
    )

    def stoppable(request, proceed):
        from tests.broken_apis import problem

        if request.path == "/stop-for-the-test":
            stopped.append(1)
        return problem(503, "Stopped.") if stopped else proceed(request)

    stopped: list[int] = []
    sandbox = new_sandbox(stoppable)
    result = kit.scenarios(sandbox)
    result.stdout.fnmatch_lines(["LEFT BEHIND: DELETE *503: Stopped."])


def test_what_is_under_an_invented_key_is_ours_though_no_answer_came(sandbox, tmp_path) -> None:
    """A run that was killed between a POST and its answer; a run's own journal stays unsure."""
    settings = Settings(
        url=sandbox.url,
        client_id=sandbox.client_id,
        client_secret=Secret(sandbox.client_secret),
    )
    days = ("2026-09-01", "2026-09-02")
    for day, invented in zip(days, (True, False), strict=True):
        body = association(beginDate=day)
        sandbox.load(CTE, [body])
        journal = Journal.start(tmp_path, invented=invented)
        journal.creating(sandbox.url, CTE, {"beginDate": day}, body)
    run = Run(settings)
    run.open_journal(tmp_path)
    run.clean_up_after_killed_runs()
    left = {record["beginDate"] for record in sandbox.records(CTE)}
    assert left == {"2026-08-23", "2026-09-02"}
    assert run.left_behind == []
    assert any("may have left a studentCTEProgramAssociations record" in note for note in run.notes)
    run.close()
