"""``edfi-cte rehearse``, the fixture ``edfi_rehearsal``, and what products are handed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import select
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import requests
from dotenv import dotenv_values

from pytest_edfi_cte import cli
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.contract_text import ContractError
from pytest_edfi_cte.errors import ConfigurationError, NonConformance
from pytest_edfi_cte.product import Command
from pytest_edfi_cte.rehearsal.script import read_script, shipped_script
from pytest_edfi_cte.rehearsal.stage import Rehearsal
from pytest_edfi_cte.rehearsal.words import page
from tests.conftest import TYPE
from tests.wire_products import Clock, IgnoresRetryAfter, Product

MAIN = "from pytest_edfi_cte.cli import main; raise SystemExit(main())"
ROOT = Path(cli.__file__).parents[1]
#: A product as a program: it gets along with the environment and stdin alone.
PROGRAM = f"""
import json, os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from types import SimpleNamespace
from tests.wire_products import Clock, Product

given = json.load(sys.stdin)
assert sys.argv[1:] == ["--fast", given["step"]] == ["--fast", os.environ["EDFI_STEP"]]
assert os.environ["EDFI_REHEARSAL"] == "1"
assert os.environ["EDFI_URL"] == given["url"]
assert Path(os.environ["EDFI_STUDENTS_JSON"]).read_text() == Path(given["json"]).read_text()
assert os.environ["EDFI_STUDENTS_CSV"] == given["csv"]
assert os.environ["EDFI_SCHOOL_YEAR"] == str(given["school_year"])
given["client_secret"] = os.environ["EDFI_CLIENT_SECRET"]
product = Product(Clock())
product(SimpleNamespace(**given))
product.close()
print("sent with", given["client_secret"])
"""


@pytest.fixture
def program(tmp_path, monkeypatch) -> str:
    (tmp_path / "product.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    return f"{shlex.quote(sys.executable)} product.py --fast"


def test_a_command_acts(program, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    arguments = ["rehearse", "--act", program, "--steps", "create,batch", "--seed", "1"]
    small = ["--students", "2", "--school-year", "2027"]
    assert cli.main([*arguments, *small, "--json", "result.json"]) == 0
    out = capsys.readouterr().out
    assert "Part 1 of 2, create: Create a student in a CTE program (certification step 5)" in out
    assert f"Running: {shlex.split(program)[0]} product.py --fast create" in out
    assert "exit code 0" in out
    assert "school year    2027 (2026-2027)" in out
    assert "passed          Scenario 1, the association is there with every value" in out
    assert "not covered     A person can map local values to the API's descriptors." in out
    assert "Certification step 5: Transactional cases" in out
    assert "step 7: Error handling" not in out  # was not played
    # The id of a check stands at the end of its line.
    assert re.search(r"^  passed +Scenario 1, .* create\.record$", out, re.MULTILINE)
    assert "PASSED: 15 passed, 8 do not apply (steps played: create, batch)." in out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["passed"] is True
    assert result["facts"]["seed"] == 1
    verdicts = {check["id"]: check["verdict"] for check in result["checks"]}
    assert verdicts["batch.present"] == "passed"
    assert verdicts["update.in-place"] == "does not apply"
    assert [step["id"] for step in result["steps"]] == ["create", "batch"]
    assert result["steps"][0]["output"] == "sent with [redacted]"
    assert any("POST /oauth/token → 200" in line for line in result["steps"][0]["requests"])
    assert {"step": 5, "what": shipped_script().not_covered[0][1]} in result["not_covered"]


def test_a_product_that_fails_and_sends_nothing(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    act = f"{shlex.quote(sys.executable)} -c 'import sys; sys.exit(\"no license\")'"
    assert cli.main(["rehearse", "--act", act, "--steps", "create"]) == 1
    out = capsys.readouterr().out
    assert "FAILED          The product ends each step well" in out
    assert "received  exit code 1" in out
    assert "no license" in out
    assert "step create: the product sent nothing at all" in out
    assert "NOT TESTABLE    Scenario 1, the association is there with every value" in out
    assert "passed   " not in out


def test_next_steps_name_the_options_of_the_command(program, tmp_path, capsys) -> None:
    skipping = f"import sys\nif sys.argv[-1] == 'update': sys.exit()\n{PROGRAM}"
    (tmp_path / "product.py").write_text(skipping)
    assert cli.main(["rehearse", "--act", program, "--steps", "create,update"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "nothing changed: the record is as it was before the update" in out
    assert "give it some: --wait 15m" in out
    assert "--edfi-" not in out
    # In every view, and nowhere in what the product itself has said.
    (tmp_path / "product.py").write_text(f"print('--edfi-wait')\n{skipping}")
    given = ["rehearse", "--act", program, "--steps", "create,update", "--json", "result.json"]
    assert cli.main(given) == 1
    result = json.loads((tmp_path / "result.json").read_text())
    steps = [f["next"] for check in result["checks"] for f in check["findings"]]
    assert any("give it some: --wait 15m" in step for step in steps)
    assert not any("--edfi-" in step for step in steps)
    assert result["steps"][1]["output"] == "--edfi-wait"


def test_a_log_in_an_old_encoding_loses_no_result(tmp_path) -> None:
    text = r"import sys; sys.stdout.buffer.write(b'\xe2\x86\x92 down\n'); sys.exit(1)"
    (tmp_path / "product.py").write_text(text)
    act = f"{shlex.quote(sys.executable)} product.py"
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "rehearse", "--act", act, "--steps", "create"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.stderr == b""
    assert done.returncode == 1
    assert b"\\u2192 down" in done.stdout
    assert b"NOT PASSED" in done.stdout


def test_a_child_that_stays_behind_does_not_keep_the_step_waiting(tmp_path) -> None:
    """It has inherited stdin, and more is written there than a pipe holds."""
    act = Command(("sh", "-c", "exec 3<&0; sleep 30 <&3 & echo $! >pid"), tmp_path, 20.0)
    done = act.run(dict(os.environ), "x" * 1_000_000)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.problem == "ok", done.line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_what_a_stopped_command_started_is_stopped_too(tmp_path) -> None:
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        script = "{ echo up; exec sleep 60; } >alive & wait"
        done = Command(("sh", "-c", script), tmp_path, 1.5).run(dict(os.environ), "")
        assert done.problem == "act-timeout"
        said = b""
        while select.select([reader], [], [], 10.0)[0] and (part := os.read(reader, 99)):
            said += part
        # At the end of the pipe nobody has it open any more.
        ended = bool(select.select([reader], [], [], 0)[0])
        assert said == b"up\n"
        assert ended, "the child is still there"
    finally:
        os.close(reader)


@pytest.mark.parametrize("before", [0, 5, 4096])
def test_no_part_of_a_secret_is_left_where_output_is_cut(before, program, tmp_path, capsys) -> None:
    """The end of the output begins within the secret."""
    text = (
        "import os, sys\n"
        "secret = os.environ['EDFI_CLIENT_SECRET']\n"
        f"sys.stdout.write('x' * {before} + secret + ' ' + 'y' * (4096 - 9) + '\\n')\n"
        "open('secret', 'w').write(secret)\n"
        "sys.exit(1)\n"
    )
    (tmp_path / "product.py").write_text(text)
    given = ["rehearse", "--act", program, "--steps", "create", "--json", "result.json"]
    assert cli.main(given) == 1
    secret = (tmp_path / "secret").read_text()
    shown = capsys.readouterr().out + (tmp_path / "result.json").read_text()
    assert "… yyy" in shown
    assert not any(secret[n:] in shown for n in range(len(secret) - 4))


def test_a_command_that_does_not_end_is_stopped(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    act = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'"
    given = ["rehearse", "--act", act, "--act-timeout", "0.2", "--steps", "errors"]
    assert cli.main([*given, "--json", str(tmp_path)]) == 4
    captured = capsys.readouterr()
    assert "received  stopped: not done within 0.2 s" in captured.out
    assert "Is a directory" in captured.err


def test_what_a_product_sends_cannot_move_the_cursor() -> None:
    clock = Clock()
    product = Product(clock)

    def act(task) -> None:
        product(task)
        evil = {**task.records["students"][0], "studentUniqueId": "\x1b[2J\u202e"}
        product.send("students", evil)

    with Rehearsal(students=2, steps=["batch"], seed=1, clock=clock) as rehearsal:
        rehearsal.run(act)
        with pytest.raises(NonConformance) as error:
            rehearsal.require("batch.once")
        shown = page(rehearsal.results, rehearsal.script, rehearsal.played)
    product.close()
    for text in (str(error.value), shown):
        assert "\\u001b[2j\\u202e" in text
        assert "\x1b" not in text


def test_strict_makes_warnings_fail() -> None:
    clock = Clock()
    product = IgnoresRetryAfter(clock)
    options = {"steps": ["errors", "recover"], "seed": 1, "clock": clock}
    with Rehearsal(**options) as rehearsal:
        rehearsal.run(product)
        rehearsal.conclude()
        with pytest.raises(NonConformance, match=r"before the time that the\s+API had"):
            rehearsal.conclude(strict=True)
        with pytest.raises(NonConformance, match="errors.retry-after"):
            rehearsal.require("errors.retry-after")
        assert rehearsal.require("errors.backoff").note == "pauses such as 0.10 s, 0.20 s, 0.40 s"
    product.close()


class Person:
    """Stands for a person and the product's screens: works whenever Enter is pressed."""

    def __init__(self, monkeypatch, capsys) -> None:
        self.capsys = capsys
        self.seen = ""
        self.product = Product(Clock())
        monkeypatch.setattr("sys.stdin", self)

    def readline(self) -> str:
        told = self.capsys.readouterr().out
        self.seen += told
        return self.enter(told)

    def isatty(self) -> bool:
        return True

    def enter(self, told: str) -> str:
        return "\n"


def test_a_person_acts(monkeypatch, capsys, tmp_path) -> None:
    person = Person(monkeypatch, capsys)
    file = tmp_path / "product.env"
    modes = []

    def enter(_told: str) -> str:
        modes.append((stat.S_IMODE(file.stat().st_mode), file.read_text()))
        if len(modes) % 2 == 0:  # the first Enter in a step is too early
            requests.get(dotenv_values(file)["EDFI_URL"], timeout=10)
        return "\n"

    person.enter = enter
    arguments = ["rehearse", "--steps", "create,update", "--env-file", str(file), "--seed", "1"]
    assert cli.main([*arguments, "--students", "2", "--set", "studentUniqueId=604822"]) == 1
    out = person.seen + capsys.readouterr().out
    assert "Press Enter when done." in out
    assert "studentUniqueId   604822" in out
    assert "cteProgramServiceDescriptor" in out
    assert 'change primaryIndicator of "Information Technology" from true to false' in " ".join(
        out.split()
    )
    assert "does not apply  The product ends each step well (a person acted" in out
    assert out.count("The API received 1 request.") == 2
    assert out.count("Nothing arrived yet. Enter to wait on, s to skip this step") == 2
    assert len(modes) == 4, "asked twice in each step"
    assert {mode for mode, _ in modes} == {0o600}
    assert "EDFI_CLIENT_SECRET=" in modes[0][1]
    assert not file.exists()
    assert "client secret" not in out


def test_a_person_sees_credentials_and_files(monkeypatch, capsys) -> None:
    person = Person(monkeypatch, capsys)
    files = []

    def enter(told: str) -> str:
        files.extend(Path(line.strip()) for line in told.splitlines() if line.endswith(".csv"))
        assert all(file.exists() for file in files)
        return "S\n" if "Nothing arrived yet" in told else "\n"

    person.enter = enter
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli.main(["rehearse", "--steps", "batch", "--students", "3"]) == 1
    assert "Skipped: nothing is judged by it." in capsys.readouterr().out
    assert "client secret  " in person.seen
    assert "3 students:" in person.seen
    (file,) = files
    assert not file.exists(), "nothing is left behind"


@pytest.mark.parametrize("stdin", [io.StringIO(""), None], ids=["empty", "closed"])
def test_nobody_is_there(stdin, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    assert cli.main(["rehearse"]) == 4
    captured = capsys.readouterr()
    assert "nobody is there to press Enter (no terminal): give a command" in captured.err
    assert captured.out == "", "no instructions and no secret"


def test_no_secret_goes_where_no_terminal_is(monkeypatch, capsys) -> None:
    Person(monkeypatch, capsys)
    assert cli.main(["rehearse"]) == 4
    captured = capsys.readouterr()
    assert "the client secret would be written where no terminal is" in captured.err
    assert "--env-file FILE" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("ending", "said"), [("q\n", "ended"), ("", "ended"), (None, "interrupted")]
)
def test_what_was_played_is_judged_where_it_is_ended_early(
    ending, said, monkeypatch, capsys, tmp_path
) -> None:
    """By q, Ctrl-D and Ctrl-C; it is never passed."""
    person = Person(monkeypatch, capsys)
    file, result = tmp_path / "product.env", tmp_path / "result.json"

    def enter(told: str) -> str:
        if "Part 1" in told:
            requests.get(dotenv_values(file)["EDFI_URL"], timeout=10)
            return "\n"
        if "Part 2" in told and said == "ended":
            return "\n"
        if ending is None:
            raise KeyboardInterrupt
        return ending

    person.enter = enter
    given = ["rehearse", "--env-file", str(file), "--json", str(result)]
    assert cli.main([*given, "--report", str(tmp_path / "pack")]) == 2
    captured = capsys.readouterr()
    where = f"{said} in part 2 (update)"
    assert captured.err == f"edfi-cte rehearse: {where}; {file} removed\n"
    assert f"(steps played: create; {where})." in " ".join(captured.out.split())
    assert "step create: the product sent no record that was accepted" in captured.out
    judged = json.loads(result.read_text())
    assert (judged["passed"], judged["ended_early"]) == (False, where)
    assert [step["id"] for step in judged["steps"]] == ["create"]
    pack = json.loads((tmp_path / "pack/results.json").read_text())
    assert pack["runs"][0]["outcome"] == "interrupted"


def test_a_good_rehearsal_that_is_interrupted_is_not_passed(program, tmp_path, capsys) -> None:
    """A command acts, and Ctrl-C comes while it does; what it did before was right."""
    stopping = (
        "import os, signal, sys\n"
        f"if sys.argv[-1] == 'update': os.kill({os.getpid()}, signal.SIGINT)\n{PROGRAM}"
    )
    (tmp_path / "product.py").write_text(stopping)
    given = ["rehearse", "--act", program, "--steps", "create,update", "--json", "result.json"]
    assert cli.main(given) == 2
    captured = capsys.readouterr()
    assert "\nNOT PASSED: " in captured.out
    assert "interrupted in part 2 (update)" in captured.err
    judged = json.loads((tmp_path / "result.json").read_text())
    assert {c["verdict"] for c in judged["checks"]} <= {"passed", "does not apply"}
    assert judged["passed"] is False


def test_failure_is_allowed_while_the_api_is_in_trouble(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    act = f"{shlex.quote(sys.executable)} -c 'import sys; sys.exit(3)'"
    cli.main(["rehearse", "--act", act, "--steps", "create,errors"])
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("(exit code 3 is allowed here)") == 1
    assert "This may take a while: the API fails on purpose" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--descriptor", f"{TYPE.replace('ed-fi.org', 'x.example')}{'x' * 60}={TYPE}"],
            "no API can hold the value uri://x.example/ProgramTypeDescriptor#Career",
        ),
        (["--act", ""], "--act: no command is named"),
        (["--act", "'"], "no closing quotation"),
        (["--act", "./no-such-command"], "--act: ./no-such-command: there is no such command"),
        (["--steps", "jump"], "no step 'jump'; the steps are create, update, batch"),
        (["--steps", "update"], "the step update needs create: play create,update"),
        (["--steps", "recover"], "the step recover needs errors"),
        (["--students", "0"], "0 students: a batch has at least one"),
        (["--set", "nonsense=1"], "nonsense: no such property"),
        (["--json", "nowhere/result.json"], "there is no folder nowhere"),
        (["--retry-after", "-1"], "retry_after and wait are seconds, not below 0"),
        (["--descriptor-file", "nowhere.csv"], "nowhere.csv cannot be read"),
        (
            ["--descriptor", f"{TYPE}=uri://x.example/ProgramTypeDescriptor#X"],
            "no value of the table",
        ),
    ],
)
def test_mistakes_are_said_before_anything_starts(arguments, said, capsys) -> None:
    given = arguments if "--act" in arguments else ["--act", sys.executable, *arguments]
    assert cli.main(["rehearse", *given]) == 4
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "nonsense"], "is not NAME=VALUE"),
        (["--wait", "soon"], "is not a duration"),
        (["--school-year", "27"], "is not a school year"),
        (["--descriptor", "x"], "is not a descriptor value"),
    ],
)
def test_values_that_cannot_be_read(arguments, said, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["rehearse", *arguments])
    assert ended.value.code == cli.ExitCode.CONFIGURATION
    assert said in capsys.readouterr().err


def test_sigterm_ends_it_cleanly(tmp_path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("EDFI_", "COVERAGE"))}
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "rehearse", "--env-file", "product.env", "--act", "sleep 60"],
        cwd=tmp_path,
        env={**env, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stdout:
            if "Running:" in line:
                break
        assert (tmp_path / "product.env").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_product_that_goes_on_after_its_step(tmp_path) -> None:
    """It is waited for until everything is there."""
    script = tmp_path / "later.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import subprocess, sys
            given = sys.stdin.read()
            child = subprocess.Popen(
                [sys.executable, {str(tmp_path / "product.py")!r}, "--fast", sys.argv[1]],
                stdin=subprocess.PIPE, text=True, start_new_session=True,
                stdout=subprocess.DEVNULL,
            )
            child.stdin.write(given)
            """
        )
    )
    (tmp_path / "product.py").write_text(PROGRAM)
    with Rehearsal(steps=["create", "update"], seed=1, wait=30) as rehearsal:
        rehearsal.run(Command((sys.executable, str(script)), tmp_path, 30))
        assert rehearsal.require("create.record").good
        assert rehearsal.require("update.in-place").good


def test_steps_are_played_once_and_in_order() -> None:
    def nothing(_task) -> None:
        pass

    with Rehearsal(steps=["create", "update"], seed=1) as rehearsal:
        for step, said in (
            ("update", "the step update needs create to be played before it"),
            ("batch", "the step batch is not one of this rehearsal"),
            ("jump", "no step 'jump'"),
        ):
            with pytest.raises(ConfigurationError, match=said):
                rehearsal.act(step, nothing)
        rehearsal.act("create", nothing)
        with pytest.raises(ConfigurationError, match="was played already"):
            rehearsal.act("create", nothing)
    with pytest.raises(RuntimeError, match="has not begun"):
        Rehearsal().act("create", nothing)


def test_what_is_handed_out() -> None:
    tasks = []
    with Rehearsal(students=40, steps=["create", "batch", "errors"], school_year=2027, seed=5) as r:
        r.run(lambda task: tasks.append((task, task.csv.read_text(), task.json.read_text())))
    create, batch, errors = (task for task, _, _ in tasks)
    assert create.records["studentCTEProgramAssociations"] == [r.table.payload("create")]
    ids = [row["studentUniqueId"] for task in (create, batch, errors) for row in task.rows]
    assert len(ids) == len(set(ids)) == 1 + 40 + 10
    for task, as_csv, as_json in tasks:
        assert json.loads(as_json) == task.rows
        rows = list(csv.DictReader(as_csv.splitlines()))
        assert [row["studentUniqueId"] for row in rows] == [
            row["studentUniqueId"] for row in task.rows
        ]
    row = batch.rows[0]
    assert row["programType"] == "Career and Technical Education"
    assert rows[0]["primaryIndicator"] in ("true", "false")
    assert "uri://" not in tasks[1][1]
    services = {row["cteProgramService"] for row in batch.rows}
    assert len(services) == 4, "values differ from student to student"
    assert create.client_secret not in repr(create)
    with Rehearsal(students=40, steps=["batch"], school_year=2027, seed=5) as again:
        again.run(lambda task: tasks.append(task.rows))
    assert tasks[-1] == batch.rows, "the same seed, the same students"


def test_a_state_namespace() -> None:
    state = "uri://state.example/CTEProgramServiceDescriptor#07"
    own = "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology"

    class InState(Product):
        def body(self, collection, record):
            return json.loads(json.dumps(record).replace(own, state))

    clock = Clock()
    product = InState(clock)
    with Rehearsal(students=4, seed=1, clock=clock, descriptors={state: own}) as rehearsal:
        rehearsal.run(product)
        rehearsal.conclude(strict=True)
    product.close()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  rate: 10 ", "  rate: fast ", "limits.rate"),
        ("- id: runs\n", "- id: runs\n  sometimes: true\n", "'sometimes' was unexpected"),
    ],
)
def test_a_broken_script_is_named_by_its_line(old, new, said, tmp_path) -> None:
    shutil.copytree(ROOT / "fixtures", tmp_path, dirs_exist_ok=True)
    file = tmp_path / "rehearsal.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(ContractError, match=rf"rehearsal.yaml, line \d+.*{said}"):
        read_script(Contract(tmp_path))


SUITE = """
import pytest
from tests.wire_products import Clock, {product}

@pytest.fixture(scope="module")
def clock():
    return Clock()

@pytest.fixture(scope="module")
def edfi_rehearsal_options(clock):
    return {{"students": 4, "clock": clock}}

def test_ours(edfi_rehearsal, clock, subtests):
    product = {product}(clock)
    edfi_rehearsal.run(product)
    product.close()
    edfi_rehearsal.conclude(subtests)
"""


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest has subtests since 9")
@pytest.mark.parametrize(("product", "wrong"), [("Product", 0), ("SendsOrphans", 1)])
def test_in_a_suite_each_check_is_a_subtest(product, wrong, pytester, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    pytester.makepyfile(SUITE.format(product=product))
    result = pytester.runpytest_inprocess(
        "-p", "no:randomly", "--edfi-seed=1", "--edfi-school-year=2027", "-rA"
    )
    failed = [line for line in result.outlines if line.startswith("SUBFAILED")]
    assert len(failed) == wrong
    if wrong:
        assert "errors.children" in failed[0]
        result.stdout.fnmatch_lines(["*the product sent records whose parent had failed*"])
        assert result.ret == 1
    else:
        result.assert_outcomes(passed=1)


def test_a_hook_acts(pytester, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    pytester.makeconftest(
        """
        from tests.wire_products import Clock, Product
        product = Product(Clock())
        def pytest_edfi_rehearse(task):
            product(task)
            if task.step == "create":
                product.close()
        """
    )
    pytester.makepyfile(
        """
        import pytest
        @pytest.fixture(scope="module")
        def edfi_rehearsal_options():
            return {"steps": ["create"]}
        def test_ours(edfi_rehearsal):
            edfi_rehearsal.run().conclude()
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=1)
    (pytester.path / "conftest.py").unlink()
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nobody acts in the step create: give a product, or implement*"])
