"""The evidence pack: nine files of one run, each a view of one document."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from pytest_edfi_cte.cli import main
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.reporting.pack import SUMS, VIEWS, check_folder, discard, write
from tests.broken_apis import problem
from tests.reporting import MIXED, check, made, mixed_pack
from tests.test_report import IDS

UPDATE = "cteProgramServices[Information Technology].primaryIndicator"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two passes, a failure, a not testable and a waiver: (folder of the pack, finished process)."""
    folder = tmp_path_factory.mktemp("mixed")
    done = mixed_pack(folder)
    return folder / "pack", done


@pytest.fixture(scope="module")
def results(mixed):
    return json.loads((mixed[0] / "results.json").read_text())


def by_id(results, part: str):
    return next(c for c in results["checks"] if part in c["id"])


def test_the_pack_has_nine_files_and_verifies(mixed) -> None:
    folder, done = mixed
    assert done.returncode == 1, done.stdout + done.stderr
    assert {p.name for p in folder.iterdir()} == {*VIEWS, SUMS}
    checked = subprocess.run(
        ["sha256sum", "-c", SUMS], cwd=folder, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0
    assert checked.stdout.count(": OK") == len(VIEWS) == 8


def test_the_document_fits_its_schema(results) -> None:
    validator = shipped().results_validator()
    assert list(validator.iter_errors(results)) == []
    for broken in ({**results, "format": 2}, {**results, "verdict": "fine"}, {**results, "x": 1}):
        assert list(validator.iter_errors(broken)) != []


def test_the_document_tells_the_run(results) -> None:
    (run,) = results["runs"]
    assert (run["mode"], run["seed"], run["school_year"]) == ("drive", 5, 2027)
    assert run["edition"] == "SIS v5, table without endDate"
    assert run["api"]["data_standard"] == "5.2.0"
    assert run["started"] < run["finished"]
    assert run["outcome"] == "finished"
    assert results["verdict"] == "not conformant"
    assert results["counts"] == {"passed": 2, "failed": 1, "not testable": 1, "waived": 1}


def test_the_document_tells_each_check(results) -> None:
    failed = by_id(results, IDS[1])
    (row,) = [row for row in failed["findings"] if row["verdict"] != "ok"]
    assert row["where"] == UPDATE
    assert row["property"] == "cteProgramServices.primaryIndicator"
    assert (row["certification"], row["api"]) == ("REQUIRED", "optional")
    assert (row["expected"], row["received"], row["kind"]) == ("false", "true", "not-stored")
    assert "Store what was sent" in row["next"]
    puts = [e for e in failed["exchanges"] if e["line"].startswith("PUT")]
    assert '"primaryIndicator": false' in puts[0]["request_body"]
    assert ["Authorization", "[redacted]"] in puts[0]["request_headers"]
    assert [e["at"] for e in failed["exchanges"]] == sorted(e["at"] for e in failed["exchanges"])
    untestable = by_id(results, "programs_are_taken")
    assert untestable["verdict"] == "not testable"
    assert "the program could not be created" in untestable["message"]
    waived = by_id(results, "end_dates")
    assert waived["verdict"] == "waived"
    assert "J. Doe, State Education Agency until 2099-05-31" in waived["waiver"]
    assert [w["state"] for w in results["waivers"]] == ["applied"]
    begin = next(r for r in by_id(results, IDS[0])["findings"] if r["property"] == "beginDate")
    assert (begin["certification"], begin["api"]) == ("REQUIRED", "required")


def test_what_was_not_tested_is_said(results) -> None:
    assert [gap["id"] for gap in results["not_covered"]] == [
        "batch",
        "errors",
        "descriptors",
        "practice",
    ]


def test_junit_is_a_view_of_the_document(mixed) -> None:
    root = ElementTree.parse(mixed[0] / "junit.xml").getroot()
    assert {k: root.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    case = next(c for c in root.iter("testcase") if c.get("name") == IDS[1])
    assert case.find("failure").get("message") == f"{UPDATE}: expected false, received true"
    waived = next(c for c in root.iter("testcase") if "end_dates" in c.get("name"))
    assert waived.find("skipped").get("message").startswith("waived: The vendor fixes it")


def test_the_summary_has_the_worst_first(mixed) -> None:
    text = (mixed[0] / "summary.md").read_text()
    assert text.startswith("# Ed-Fi CTE conformance: not conformant\n")
    assert text.index("✗ failed") < text.index("? not testable") < text.index("✓ passed")
    assert "expected false, received true" in text
    assert "Certification step 6" in text


def test_the_badge_never_says_more_than_the_verdict(mixed) -> None:
    badge = json.loads((mixed[0] / "badge.json").read_text())
    assert badge == {
        "schemaVersion": 1,
        "label": "Ed-Fi CTE conformance",
        "message": "not conformant, 2 of 5 passed",
        "color": "red",
        "isError": True,
    }
    svg = ElementTree.parse(mixed[0] / "badge.svg").getroot()
    assert svg.get("aria-label") == "Ed-Fi CTE conformance: not conformant, 2 of 5 passed"


def test_the_data_mapping_has_every_row_with_what_was_seen(mixed) -> None:
    with (mixed[0] / "data-mapping.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 32
    update = [r for r in rows if r["Scenario"] == "2"]
    (wrong,) = [r for r in update if r["Result"] == "wrong"]
    assert wrong["Property"] == "cteProgramServices.primaryIndicator"
    assert (wrong["Expected"], wrong["Received"]) == ("false", "true")
    assert {r["Result"] for r in rows if r is not wrong} == {"ok"}


def test_of_other_tables_their_own_rows_and_scenarios_are_told(kit, sandbox) -> None:
    chosen = ("sis-v5-student-homeless-*", "sis-v5-student-program-association-1-*")
    select = [f"--edfi-select={pattern}" for pattern in chosen]
    kit.scenarios(sandbox, *select, "-k", "homeless", "--edfi-report=pack").assert_outcomes(
        passed=2, deselected=1
    )
    with (kit.pytester.path / "pack" / "data-mapping.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {r["Resource"] for r in rows} == {"studentHomelessProgramAssociations"}
    assert {r["Result"] for r in rows} == {"ok"}
    stay = [r for r in rows if r["Property"] == "homelessPrimaryNighttimeResidenceDescriptor"]
    assert [r["Scenario"] for r in stay] == ["1", "2"]
    assert all(r["Expected"].startswith('"uri://ed-fi.org/') for r in stay)
    content = json.loads((kit.pytester.path / "pack" / "results.json").read_text())
    assert [table["title"] for table in content["runs"][0]["tables"]] == [
        "Student Homeless Program Association",
        "Student Program Association",
    ]
    gaps = [gap["id"] for gap in content["not_covered"] if gap["id"].startswith("sis-")]
    assert gaps == ["sis-v5-student-program-association-1-create"]


def test_the_terminal_ends_with_one_screen(mixed) -> None:
    screen = mixed[1].stdout.partition("Ed-Fi conformance ==")[2]
    for line in (
        "NOT CONFORMANT: 2 passed, 1 failed, 1 not testable, 1 waived",
        "✗ failed        Scenario 2: Modify the program service's primary indicator",
        f"      {UPDATE}: expected false, received true",
        "? not testable  test_our_programs_are_taken",
        "~ waived        test_the_host_keeps_our_end_dates",
        "The vendor fixes it in the May release (accepted by J. Doe",
        "report: ",
    ):
        assert line in screen
    assert screen.count("\n") < 25
    assert "::error" not in screen


# -- the folder -----------------------------------------------------------------------------------


def test_a_pack_is_written_over_a_pack_and_over_nothing_else(tmp_path) -> None:
    folder = tmp_path / "pack"
    write(made(check()), folder)
    (folder / "notes.txt").write_text("mine")
    first = (folder / "results.json").read_text()
    check_folder(folder, "--edfi-report")
    write(made(check(verdict="failed")), folder)
    assert (folder / "results.json").read_text() != first
    assert (folder / "notes.txt").read_text() == "mine"
    assert {p.name for p in folder.iterdir()} == {*VIEWS, SUMS, "notes.txt"}


def _of_an_earlier_version(folder: Path) -> None:
    """A pack without a start page, as it was written before there was one."""
    write(made(check()), folder)
    (folder / "index.html").unlink()
    kept = [
        line for line in (folder / SUMS).read_text().splitlines() if not line.endswith("index.html")
    ]
    (folder / SUMS).write_text("".join(f"{line}\n" for line in kept))


def test_a_pack_of_an_earlier_version_is_known_as_ours(tmp_path) -> None:
    _of_an_earlier_version(tmp_path)
    check_folder(tmp_path, "--edfi-report")
    discard(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_start_page_that_is_not_listed_stays(tmp_path) -> None:
    _of_an_earlier_version(tmp_path)
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"has a index\.html that no report of ours wrote"):
        check_folder(tmp_path, "--edfi-report")
    discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize("name", ["summary.md", "SHA256SUMS"])
def test_a_file_of_somebody_else_is_not_overwritten(name, tmp_path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigurationError, match=f"has a {name} that no report of ours wrote"):
        check_folder(tmp_path, "--edfi-report")


def test_a_file_is_no_folder(tmp_path) -> None:
    (tmp_path / "pack").write_text("")
    with pytest.raises(ConfigurationError, match="pack is a file; expected a folder"):
        check_folder(tmp_path / "pack", "--edfi-report")


def test_a_half_written_pack_is_known_as_ours_and_does_not_verify(tmp_path, monkeypatch) -> None:
    write(made(check()), tmp_path)
    real, done = Path.replace, []

    def breaks(self, target):
        done.append(target)
        if len(done) == 3:
            raise OSError("disk full")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", breaks)
    with pytest.raises(OSError, match="disk full"):
        write(made(check(verdict="failed")), tmp_path)
    assert not list(tmp_path.glob(".*"))
    checked = subprocess.run(
        ["sha256sum", "--quiet", "-c", SUMS], cwd=tmp_path, capture_output=True, check=False
    )
    assert checked.returncode == 1
    check_folder(tmp_path, "--edfi-report")


def test_a_folder_that_cannot_be_used_is_said_before_anything_is_sent(
    new_sandbox, kit, pytester
) -> None:
    sandbox = new_sandbox()
    (pytester.path / "pack").mkdir()
    (pytester.path / "pack" / "summary.md").write_text("mine")
    result = kit.scenarios(sandbox, "--edfi-report=pack")
    assert result.ret == 4
    assert "has a summary.md that no report of ours wrote" in result.stderr.str()
    assert sandbox.requests == []


# -- runs that end early --------------------------------------------------------------------------


def test_an_interrupted_run_has_its_pack(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile(
        """
        def test_a(edfi_session):
            pass
        def test_b(edfi_session):
            raise KeyboardInterrupt
        """
    )
    result = kit.subprocess(new_sandbox(), "--edfi-report=pack")
    assert result.ret == 2
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert content["verdict"] == "interrupted"
    assert content["runs"][0]["outcome"] == "interrupted"
    assert [c["verdict"] for c in content["checks"]] == ["passed"]
    assert [g["reason"] for g in content["not_covered"]][:2] == [
        "the run was interrupted before it"
    ] * 2


def test_ctrl_c_writes_the_pack(new_sandbox, kit, pytester) -> None:
    """A real SIGINT, to a run that waits for an API that does not answer."""
    sandbox = new_sandbox()
    waits = sandbox.fault(method="PUT", delay=60)
    command = [
        sys.executable,
        "-m",
        "pytest",
        *kit.arguments(sandbox, "--pyargs", "pytest_edfi_cte", "--edfi-report=pack"),
    ]
    with subprocess.Popen(
        command, cwd=pytester.path, env=os.environ, stdout=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 60
        # Not before: where an interrupt meets code that is made from a string (a schema, a dataclass),
        # CPython ends with the signal's code, whatever pytest has made of it.
        while not waits.hits:
            assert time.monotonic() < until
            with suppress(subprocess.TimeoutExpired):
                pytest.fail(f"it ended before it was interrupted: {process.wait(0.05)}")
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 2, output
    assert "report: " in output
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert content["verdict"] == "interrupted"


def test_a_crashed_worker_is_in_the_pack(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile(
        """
        import os
        def test_dies(edfi_session):
            os._exit(1)
        def test_lives(edfi_session):
            pass
        """
    )
    result = kit.subprocess(new_sandbox(), "--edfi-report=pack", "-n2")
    assert result.ret == 1
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    found = {c["id"].rpartition("::")[2]: c for c in content["checks"]}
    assert found["test_dies"]["verdict"] == "not testable"
    assert "the process that ran this test ended under it" in found["test_dies"]["message"]
    assert found["test_dies"]["message"].endswith("without workers (-n0), to see why.")
    assert found["test_lives"]["verdict"] == "passed"
    assert content["counts"]["passed"] == 3
    assert list(pytester.path.glob("pack*")) == [pytester.path / "pack"]


def test_a_pass_that_ends_in_an_error_has_not_passed(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.fixture
        def breaks(edfi_session):
            yield
            raise RuntimeError("it does not end")
        def test_a(breaks):
            pass
        """
    )
    kit.run(new_sandbox(), "-k", "test_a", "--edfi-report=pack")
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert content["verdict"] == "not conformant"
    assert "it does not end" in content["checks"][0]["message"]


def test_a_run_without_an_api_writes_nothing(pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.makeini("[pytest]\nedfi_report = pack")
    assert pytester.runpytest_inprocess("-p", "no:randomly").ret == 0
    assert not (pytester.path / "pack").exists()


# -- the other sorts of checks and of runs -------------------------------------------------------


def test_checks_of_the_contract_pack_are_checks_like_any(new_sandbox, kit, pytester) -> None:
    sandbox = new_sandbox()
    kit.scenarios(sandbox, "--edfi-contract", "-k", "discovery", "--edfi-report=pack")
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert list(shipped().results_validator().iter_errors(content)) == []
    assert {c["kind"] for c in content["checks"]} == {"contract"}
    anonymous = by_id(content, "discovery-is-anonymous")
    assert (anonymous["level"], anonymous["verdict"]) == ("must", "passed")
    assert anonymous["requirement"].startswith("discovery (must; Guidelines 4.0, Discovery API): ")
    listed = next(r for r in content["requirements"] if r["id"] == "discovery")
    assert listed["checks"] == ["discovery-is-anonymous"]
    gaps = {gap["id"] for gap in content["not_covered"]}
    assert {IDS[0], "token-is-given"} < gaps
    assert "discovery-is-anonymous" not in gaps


def test_the_cause_that_the_doctor_finds_is_on_the_page(new_sandbox, kit, pytester) -> None:
    kit.scenarios(new_sandbox(), "--edfi-set=programName=Nowhere", "--edfi-report=pack")
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert content["counts"] == {"not testable": 2}
    (line,) = content["runs"][0]["set_up"]
    assert "program" in line
    assert "data (who loads data into the API)" in line
    page = (pytester.path / "pack" / "conformance.html").read_text()
    assert "The set-up is not right:" in page


def test_what_is_left_behind_is_in_the_pack(new_sandbox, kit, pytester) -> None:
    def refuse(request, proceed):
        return problem(403, "Not yours.") if request.method == "DELETE" else proceed(request)

    kit.scenarios(new_sandbox(refuse), "--edfi-report=pack")
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert len(content["runs"][0]["left_behind"]) == 3
    page = (pytester.path / "pack" / "conformance.html").read_text()
    assert page.count("<b>Left behind in the API:</b>") == 3


def test_no_certificate_verified_is_an_alert(new_sandbox, kit, pytester) -> None:
    kit.scenarios(new_sandbox(), "--edfi-insecure", "--edfi-report=pack")
    page = (pytester.path / "pack" / "conformance.html").read_text()
    assert '<p class="alert"><b>TLS CERTIFICATES WERE NOT VERIFIED' in page


def test_paths_in_an_ini_file_are_relative_to_it(new_sandbox, kit, pytester) -> None:
    folder = pytester.mkdir("below")
    pytester.makeini("[pytest]\nedfi_report = packs/nightly")
    pytester.chdir()
    kit.monkeypatch.chdir(folder)
    assert kit.subprocess(new_sandbox(), "--pyargs", "pytest_edfi_cte", "-c", "../tox.ini").ret == 0
    assert (pytester.path / "packs" / "nightly" / SUMS).exists()


def test_a_report_that_cannot_be_written_fails_the_run(new_sandbox, kit, pytester) -> None:
    """Somebody puts a file there while the tests run."""
    pytester.makepyfile(
        """
        import shutil

        def test_a(edfi_session):
            shutil.rmtree("pack")
            open("pack", "w").close()
        """
    )
    result = kit.run(new_sandbox(), "-k", "test_a", "--edfi-report=pack")
    assert result.ret == 1
    assert "the report could not be written: " in result.stdout.str()
    assert result.parseoutcomes()["passed"] == 1


# -- exit codes -----------------------------------------------------------------------------------


def test_exit_code_0_is_conformant(new_sandbox, kit, pytester) -> None:
    assert kit.scenarios(new_sandbox(), "--edfi-report=pack").ret == 0
    content = json.loads((pytester.path / "pack" / "results.json").read_text())
    assert content["verdict"] == "conformant"
    assert (
        (pytester.path / "pack" / "summary.md")
        .read_text()
        .startswith("# Ed-Fi CTE conformance: conformant")
    )


def test_exit_code_1_is_findings_or_not_testable(new_sandbox, kit, pytester) -> None:
    assert kit.scenarios(new_sandbox(MIXED[0]), "-k", "update").ret == 1
    pytester.makepyfile("def test_a(edfi_new_program): edfi_new_program()")
    assert kit.run(new_sandbox(MIXED[1]), "-k", "test_a").ret == 1


def test_exit_code_4_is_configuration(new_sandbox, kit) -> None:
    assert kit.scenarios(new_sandbox(), "--edfi-waive=missing.yaml").ret == 4


SUITE = ("--pyargs", "pytest_edfi_cte", "--edfi-report=pack")
#: What is typed where nothing can be judged -> (its exit code, the variables that are different).
NOTHING_JUDGED = {
    "wrong secret": ((), 4, {"EDFI_CLIENT_SECRET": "wrong"}),
    "no such API": (("--edfi-url=http://127.0.0.1:1",), 4, {}),
    "no API": (("--edfi-url=",), 4, {}),
    "mistake in another option": (("--edfi-school-year=soon",), 4, {}),
    "no such table": (("--edfi-select=nobody",), 4, {}),
    "no such file": (("missing.py",), 4, {}),
    "no test": (("-k", "nothing"), 5, {}),
}


@pytest.mark.parametrize("typed", NOTHING_JUDGED)
def test_no_old_pack_stays_where_nothing_was_judged(
    typed, sandbox, kit, pytester, monkeypatch
) -> None:
    folder = pytester.path / "pack"
    write(made(check()), folder)
    (folder / "notes.txt").write_text("mine")
    options, code, variables = NOTHING_JUDGED[typed]
    arguments = kit.arguments(sandbox, *SUITE, *options)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert pytester.runpytest_inprocess(*arguments).ret == code
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("typed", ["--collect-only", "--help", "--markers"])
def test_a_look_around_leaves_the_pack(typed, sandbox, kit, pytester) -> None:
    folder = pytester.path / "pack"
    write(made(check()), folder)
    pytester.runpytest_inprocess(*kit.arguments(sandbox, *SUITE, typed))
    check_folder(folder, "--edfi-report")
    assert {path.name for path in folder.iterdir()} == {*VIEWS, SUMS}


def test_what_is_not_ours_is_left_where_nothing_was_judged(sandbox, kit, pytester) -> None:
    folder = pytester.mkdir("pack")
    write(made(check()), folder)
    (folder / SUMS).write_text("0 somebody else's\n")
    result = pytester.runpytest_inprocess(*kit.arguments(sandbox, *SUITE))
    assert result.ret == 4
    assert {path.name for path in folder.iterdir()} == {*VIEWS, SUMS}


# -- a rehearsal ----------------------------------------------------------------------------------


def test_a_rehearsal_has_the_same_pack(tmp_path, monkeypatch, capsys) -> None:
    folder = tmp_path / "pack"
    steps = ["--steps", "create,update", "--seed", "3"]
    act = shlex.join([sys.executable, "-c", "print('nothing was sent'); raise SystemExit(3)"])
    assert main(["rehearse", "--act", act, *steps, "--report", str(folder)]) == 1
    assert f"report: {folder / 'conformance.html'}" in capsys.readouterr().out
    content = json.loads((folder / "results.json").read_text())
    assert list(shipped().results_validator().iter_errors(content)) == []
    assert content["runs"][0]["mode"] == "rehearse"
    assert content["runs"][0]["seed"] == 3
    assert {c["kind"] for c in content["checks"]} == {"wire"}
    assert content["verdict"] == "not conformant"
    assert "nothing was sent" in content["checks"][0]["steps"][0]["output"]
    wrong = [row for c in content["checks"] for row in c["findings"]]
    assert wrong
    assert all(row["verdict"] == "wrong" and row["next"] for row in wrong)
    limits = [g for g in content["not_covered"] if g["reason"].startswith("no traffic can tell")]
    assert len(limits) == 5
    page = (folder / "conformance.html").read_text()
    assert "Traffic of the product" in page
    assert "edfi-cte rehearse --seed=3" in page


def test_the_traffic_of_a_rehearsal_is_evidence(tmp_path) -> None:
    from pytest_edfi_cte.rehearsal.stage import Rehearsal
    from pytest_edfi_cte.reporting.rehearsed import rehearsed

    with Rehearsal(steps=["create"], seed=3) as rehearsal:

        def act(task) -> None:
            key = (task.client_id, task.client_secret)
            body = {"grant_type": "client_credentials"}
            requests.post(f"{task.url}/oauth/token", data=body, auth=key, timeout=10)
            requests.get(f"{task.url}/data/v3/ed-fi/students", timeout=10)

        rehearsal.act("create", act)
        content = rehearsed(rehearsal, 0.0)
        secret = rehearsal.sandbox.client_secret
    assert list(shipped().results_validator().iter_errors(content)) == []
    lines = [e["line"] for e in content["checks"][0]["exchanges"]]
    assert any("/oauth/token → 200" in line for line in lines)
    assert any("/ed-fi/students → 401" in line for line in lines)
    assert secret not in json.dumps(content)
    created = by_id(content, "create.record")
    assert created["verdict"] == "not testable"
    assert created["message"]


def test_a_rehearsal_does_not_overwrite_either(tmp_path, capsys) -> None:
    (tmp_path / "summary.md").write_text("mine")
    assert main(["rehearse", "--act", "true", "--report", str(tmp_path)]) == 4
    assert "has a summary.md that no report of ours wrote" in capsys.readouterr().err
