"""Observe mode: reads only, waits politely, lets the product act, and says what was seen of it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from werkzeug.wrappers import Response

from pytest_edfi_cte.errors import ConfigurationError, NonConformance, NotTestable, ReadOnlyRun
from pytest_edfi_cte.product import Driver
from tests.broken_products import (
    HEALTH,
    RIGHT,
    Link,
    Product,
    changed,
    nothing,
    post,
    put,
    set_to,
    without,
)
from tests.observing import OBSERVER, Observer, Observing, Player, Stage, link_to, written_by_us

ASSOCIATIONS = "studentCTEProgramAssociations"
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def stage():
    stage = Stage()
    with stage.sandbox:
        yield stage


@pytest.fixture
def api(stage):
    """``api(*middleware)``: an API without associations."""
    yield stage.set_up
    stage.clean()


@pytest.fixture
def connect():
    """``connect(sandbox)``: the product's connection."""
    with ExitStack() as stack:
        yield lambda sandbox: stack.enter_context(link_to(sandbox))


@pytest.fixture
def watch():
    """``watch(sandbox, *options)`` gives an observer without pytest around it."""
    made = []

    def start(sandbox, *options: str) -> Observer:
        made.append(Observer(sandbox, options))
        return made[-1]

    yield start
    for observer in made:
        observer.close()


@pytest.fixture
def observing(pytester, monkeypatch) -> Observing:
    return Observing(pytester, monkeypatch)


def nobody(*_given, **_named) -> None:
    return None


PERSON = Driver({}, nobody)


def values(observer: Observer, step: str = "create") -> dict:
    return observer.run.table.payload(step)


# -- reads only ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "post", "Put"])
def test_no_write_leaves_the_session(method, api, watch) -> None:
    sandbox = api()
    session = watch(sandbox).run.session
    with pytest.raises(ReadOnlyRun, match=r"only reads .*was not sent"):
        session.request(method, f"/ed-fi/{ASSOCIATIONS}", json={})
    prepared = requests.Request(method, session.resource_url(ASSOCIATIONS), json={}).prepare()
    with pytest.raises(ReadOnlyRun):
        session.send(prepared)
    assert session.get(f"/ed-fi/{ASSOCIATIONS}").status_code == 200
    assert written_by_us(sandbox) == []


def test_not_even_to_the_address_of_the_token(api, watch) -> None:
    """The session for resources has no business there."""
    session = watch(api()).run.session
    with pytest.raises(ReadOnlyRun):
        session.post(session.api.oauth_url, data={})


def test_in_drive_mode_writes_leave(sandbox, kit) -> None:
    kit.pytester.makepyfile(
        "def test_it(edfi_session): assert edfi_session.post('/ed-fi/students', json={}).status_code == 400"
    )
    kit.run(sandbox, "-k", "test_it").assert_outcomes(passed=1, deselected=2)


def test_a_test_of_ones_own_that_writes_is_told_so(api, observing) -> None:
    sandbox = api()
    observing.pytester.makepyfile(
        """
        def test_reads(edfi_session): assert edfi_session.get("/ed-fi/students").ok
        def test_posts(edfi_session): edfi_session.post("/ed-fi/students", json={})
        def test_makes(edfi_new_student): edfi_new_student()
        def test_has(edfi_cte_association): pass
        """
    )
    result = observing.run(sandbox, "-k", "test_reads or test_posts or test_makes or test_has")
    result.assert_outcomes(passed=1, failed=2, errors=1, deselected=2)
    assert result.stdout.str().count("not testable: this run only reads (--edfi-mode=observe)") >= 3
    result.stdout.fnmatch_lines(
        ["*POST */ed-fi/students was not sent.*", "*needs --edfi-mode=drive*"]
    )
    assert written_by_us(sandbox) == []
    assert not list(observing.pytester.path.rglob("run-*.jsonl"))


def test_what_a_killed_run_left_is_not_deleted_here(api, observing, connect) -> None:
    sandbox = api()
    folder = observing.pytester.path / ".pytest_cache/d/edfi"
    folder.mkdir(parents=True)
    student = sandbox.records("students")[0]
    entry = {
        "event": "created",
        "base_url": sandbox.url,
        "resource": "students",
        "key": {"studentUniqueId": student["studentUniqueId"]},
        "url": f"{sandbox.url}/data/v3/ed-fi/students/{student['id']}",
    }
    (folder / "run-1-dead.jsonl").write_text(json.dumps(entry) + "\n")
    observing.scenarios(sandbox, "-k", "create")
    assert student in sandbox.records("students")
    assert written_by_us(sandbox) == []


# -- waiting ------------------------------------------------------------------------------------


def looks_of(observer: Observer, seen: list) -> object:
    """A middleware that notes when the observer looked: (time, If-None-Match, status)."""

    def middleware(request, proceed):
        response = proceed(request)
        if "CTEProgramAssociations" in request.path and request.method == "GET":
            tag = request.headers.get("If-None-Match")
            seen.append((observer[0].clock.time if observer else 0, tag, response.status_code))
        return response

    return middleware


def test_polls_politely_until_time_is_up(api, watch) -> None:
    seen, place = [], []
    sandbox = api(looks_of(place, seen))
    place.append(watch(sandbox, "--edfi-wait=60s").starts_with(PERSON))
    with pytest.raises(NonConformance, match="the product's record is not there"):
        place[0].judge("create")
    assert [time for time, _, _ in seen] == [0, 1, 3, 7, 15, 25, 35, 45, 55, 60]
    assert place[0].voice.said[-1] == "  Time is up after 1 min (10 looks)."


def test_without_a_wait_it_judges_what_is_there(api, watch, connect) -> None:
    sandbox = api()
    observer = watch(sandbox).starts_with(PERSON)
    post(connect(sandbox), values(observer))
    observer.judge("create")
    assert observer.clock.time == 0
    assert observer.voice.said[-1] == "  There and right after 0 s (1 look)."
    # Nobody is asked to create something that is judged at once.
    assert "announced create" not in observer.voice.said
    assert observer.voice.said[1].startswith("Scenario 1: ")
    assert "  Judging what is there now" in observer.voice.said[2]


def test_ctrl_c_while_waiting_says_what_is_not_judged(api, watch) -> None:
    observer = watch(api(), "--edfi-wait=60s").starts_with(PERSON)

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    observer.clock.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        observer.judge("create")
    assert "announced create" in observer.voice.said
    assert observer.voice.said[-1] == "  Interrupted: nothing is judged for scenario 1."


def test_stops_as_soon_as_it_is_right(api, watch, connect) -> None:
    sandbox = api()
    observer = watch(sandbox, "--edfi-wait=15m").starts_with(PERSON)
    link = connect(sandbox)
    observer.clock.after(100, lambda: post(link, values(observer)))
    observer.judge("create")
    assert 100 <= observer.clock.time <= 110
    observer.clock.after(100, lambda: put(link, values(observer, "update")))
    observer.judge("update")
    assert 200 <= observer.clock.time <= 225


def test_what_is_wrong_fails_when_it_has_settled(api, watch, connect) -> None:
    sandbox = api()
    observer = watch(sandbox, "--edfi-wait=15m").starts_with(PERSON)
    link = connect(sandbox)
    wrong = changed(set_to("cteProgramServices.cipCode", "1"))
    observer.clock.after(20, lambda: wrong(link, values(observer)))
    with pytest.raises(NonConformance, match="the product sent another value"):
        observer.judge("create")
    assert 30 <= observer.clock.time <= 42
    assert observer.voice.said[-1].startswith("  Wrong, and unchanged for 10 s after")
    assert any('cipCode is "1", expected "11.0103"' in said for said in observer.voice.said)


def test_what_is_corrected_in_time_passes(api, watch, connect) -> None:
    sandbox = api()
    observer = watch(sandbox, "--edfi-wait=15m", "--edfi-settle=30").starts_with(PERSON)
    link = connect(sandbox)
    wrong = changed(set_to("cteProgramServices.cipCode", "1"))
    observer.clock.after(5, lambda: wrong(link, values(observer)))
    observer.clock.after(25, lambda: post(link, values(observer)))
    observer.judge("create")
    assert observer.clock.time < 40


def test_a_wrong_record_of_before_may_still_be_put_right(api, watch, connect) -> None:
    """It has not changed since the scenario began: the person is given the whole wait."""
    sandbox = api()
    observer = watch(sandbox, "--edfi-wait=15m").starts_with(PERSON)
    link = connect(sandbox)
    post(link, values(observer, "update"))
    observer.clock.after(300, lambda: post(link, values(observer)))
    evidence = observer.judge("create")
    assert 300 <= observer.clock.time <= 311
    assert any("was there when the scenario began and was updated" in s for s, _ in evidence.steps)


def test_reads_the_known_record_with_its_etag(api, watch, connect) -> None:
    seen, place = [], []
    sandbox = api(looks_of(place, seen))
    observer = watch(sandbox, "--edfi-wait=30s").starts_with(PERSON)
    place.append(observer)
    link = connect(sandbox)
    post(link, values(observer))
    observer.judge("create")
    seen.clear()
    with pytest.raises(NonConformance, match="nothing changed"):
        observer.judge("update")
    statuses = [status for _, _, status in seen]
    # All, the one record, then 304 until the end, where all is looked at again.
    assert statuses[:2] == [200, 200]
    assert set(statuses[2:-1]) == {304}
    assert all(tag for _, tag, _ in seen[2:-1])
    assert seen[-1][1:] == (None, 200)


def failing(status: int, times: int):
    """A host that answers its first reads of the association with an error."""
    left = [times]

    def middleware(request, proceed):
        if "CTEProgramAssociations" in request.path and request.method == "GET" and left[0] != 0:
            left[0] -= 1
            return Response("{}", status, content_type="application/json")
        return proceed(request)

    return middleware, left


def test_an_outage_while_waiting_is_waited_out(api, watch, connect) -> None:
    middleware, left = failing(503, 0)
    sandbox = api(middleware)
    observer = watch(sandbox, "--edfi-wait=5m").starts_with(PERSON)
    link = connect(sandbox)

    def outage() -> None:
        left[0] = 3
        post(link, values(observer))

    observer.clock.after(20, outage)
    observer.judge("create")
    assert any("503" in said for said in observer.voice.said)
    assert left == [0]


def test_an_api_that_is_down_at_the_end_says_nothing_about_the_product(api, watch) -> None:
    middleware, left = failing(503, 0)
    observer = watch(api(middleware), "--edfi-wait=1m").starts_with(PERSON)
    observer.clock.after(20, lambda: left.__setitem__(0, -1))
    with pytest.raises(NotTestable, match=r"cannot be read: GET .*503"):
        observer.judge("create")


def test_a_key_that_may_not_read_is_not_testable(api, watch) -> None:
    observer = watch(api(failing(403, -1)[0]), "--edfi-wait=15m").starts_with(PERSON)
    with pytest.raises(NotTestable, match="cannot be read"):
        observer.judge("create")
    assert observer.clock.time == 0


@pytest.mark.parametrize("refused", [400, 404])
def test_a_host_without_limit_or_query_is_understood(refused, api, watch, connect) -> None:
    def picky(request, proceed):
        if request.method == "GET" and "limit=25" in request.query_string.decode():
            return Response("{}", refused, content_type="application/json")
        return proceed(request)

    sandbox = api(picky)
    observer = watch(sandbox).starts_with(PERSON)
    post(connect(sandbox), values(observer))
    observer.judge("create")


def test_a_host_that_ignores_the_query_shows_no_strangers(api, watch, connect) -> None:
    """It answers with another student's record; the natural key finds the right one."""

    def ignores(request, proceed):
        response = proceed(request)
        if "limit=25" in request.query_string.decode() and response.status_code == 200:
            others = [r for r in sandbox.records(ASSOCIATIONS) if r != response.get_json()]
            other = [r for r in others if r["studentReference"]["studentUniqueId"] == "604822"]
            response.set_data(json.dumps(other))
        return response

    sandbox = api(ignores)
    observer = watch(sandbox).starts_with(PERSON)
    link = connect(sandbox)
    changed(set_to("studentReference.studentUniqueId", "604822"))(link, values(observer))
    with pytest.raises(NonConformance, match="the product's record is not there") as raised:
        observer.judge("create")
    assert "under another natural key" not in str(raised.value)
    post(link, values(observer))
    observer.judge("create")


# -- which scenario is judged against what ------------------------------------------------------


def test_a_record_that_was_there_and_stays_shows_no_create(api, watch, connect) -> None:
    sandbox = api()
    link = connect(sandbox)
    observer = watch(sandbox).starts_with(Product("idle", create=nothing), link)
    post(link, values(observer))
    with pytest.raises(NotTestable, match="was there before the product acted"):
        observer.judge("create")
    # Touched by the product, it may be judged.
    observer.starts_with(Product("touches"), link)
    put(link, values(observer, "update"))
    evidence = observer.judge("create")
    assert any("was updated by it" in line for line, _ in evidence.steps)


def test_update_alone_is_compared_with_what_is_there_at_the_start(api, watch, connect) -> None:
    sandbox = api()
    link = connect(sandbox)
    observer = watch(sandbox).starts_with(Product("right"), link)
    post(link, values(observer))
    observer.judge("update")
    observer.starts_with(Product("again", update=put), link)
    with pytest.raises(NotTestable, match="had the value that scenario 2 asks for before") as told:
        observer.judge("update")
    assert "Change primaryIndicator back to true in the product" in str(told.value)
    assert "--edfi-set studentUniqueId=…" in str(told.value)


def test_update_of_nothing_is_not_testable(api, watch, connect) -> None:
    sandbox = api()
    observer = watch(sandbox).starts_with(Product("right"), connect(sandbox))
    with pytest.raises(NotTestable, match=r"no record to update .*studentUniqueId=222222"):
        observer.judge("update")


def test_an_older_record_of_the_student_is_no_near_miss(api, watch, connect) -> None:
    sandbox = api()
    link = connect(sandbox)
    observer = watch(sandbox).starts_with(Product("never", create=nothing), link)
    changed(set_to("beginDate", "2025-08-23"))(link, values(observer))
    with pytest.raises(NonConformance) as raised:
        observer.judge("create")
    assert "the product's record is not there" in str(raised.value)
    assert "2025-08-23" not in str(raised.value).partition("GET ")[0]


# -- the whole in pytest ------------------------------------------------------------------------


def test_both_scenarios_in_pytest_with_reports(api, observing, connect) -> None:
    sandbox = api()
    player = Player(RIGHT[0], connect(sandbox), observing.clock)
    files = ("--junitxml=junit.xml", "--html=report.html", "--self-contained-html")
    result = observing.scenarios(sandbox, *files, "--edfi-wait=1m", plugins=(player,))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "edfi:*mode observe [[]option --edfi-mode]*",
            "edfi:*wait 60 s [[]option --edfi-wait]*",
            "Scenario 1: Create a Student CTE Program Association*",
            "*beginDate  *2026-08-23",
            "*Passed  (uri://ed-fi.org)",
            "*pytest_edfi_act: returned*",
            "*There and right*",
            "Scenario 2: *",
            '*change primaryIndicator of "Information Technology" from true*',
        ]
    )
    root = ElementTree.parse(observing.pytester.path / "junit.xml").getroot()
    found = [(p.get("name"), p.get("value")) for p in root.iter("property")]
    assert ("edfi_mode", "observe: the product is judged, this run only reads") in found
    assert any(n == "edfi_step" and v.startswith("pytest_edfi_act: returned") for n, v in found)
    assert any(n == "edfi_step" and v.startswith("There and right") for n, v in found)
    page = (observing.pytester.path / "report.html").read_text()
    assert "What was seen of the product" in page
    assert "observe: the product is judged, this run only reads" in page
    assert "<small>observe</small>" in page.replace("\\u003c", "<").replace("&lt;", "<").replace(
        "&gt;", ">"
    )


def test_drive_is_the_default_and_says_so(sandbox, kit) -> None:
    result = kit.scenarios(sandbox, "--junitxml=junit.xml")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["edfi:*mode drive [[]default]*"])
    text = (kit.pytester.path / "junit.xml").read_text()
    assert '"drive: the API is judged"' in text
    assert "edfi_step" not in text


def test_scenarios_keep_their_order(api, observing, connect) -> None:
    """A plug-in that shuffles would have the product update what it has not created."""
    sandbox = api()
    player = Player(RIGHT[0], connect(sandbox), observing.clock)
    observing.pytester.makeconftest(
        """
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(items): items.reverse()
        """
    )
    observing.scenarios(sandbox, plugins=(player,)).assert_outcomes(passed=2)


def test_a_fixture_of_ones_own_is_the_product(api, observing) -> None:
    sandbox = api()
    observing.pytester.makeconftest(
        f"""
        import pytest
        from tests.broken_products import Link, post, put

        @pytest.fixture(scope="session")
        def edfi_product():
            link = Link({sandbox.url!r}, {sandbox.client_id!r}, {sandbox.client_secret!r})
            def act(scenario, step, values):
                {{"create": post, "update": put}}[step](link, values)
            yield act
            link.close()
        """
    )
    observing.pytester.syspathinsert(ROOT)
    result = observing.scenarios(sandbox)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*edfi_product: returned nothing after*"])


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--edfi-url=sandbox", "the embedded sandbox starts and ends with this run"),
        ("--edfi-mode=watch", "'watch' is not one of drive, observe"),
        ("--edfi-wait=soon", "'soon' is not a duration; write 90, 90s, 15m or 1h"),
        ("--edfi-phase=delete", "'delete' is not one of create, update"),
        ("--edfi-act=./sync.sh", "is not STEP=COMMAND"),
        ("--edfi-act=create=./no-such-thing x", "there is no command './no-such-thing' here"),
        ("--edfi-act=create=", "names no command"),
        ("--edfi-act=create=a 'b", "no closing quotation"),
        ("--edfi-state=no/such/folder.json", "there is no folder"),
        ("--edfi-descriptor=x", "'x' is not a descriptor value"),
        (
            "--edfi-descriptor=uri://a/BDescriptor#c=uri://d/EDescriptor#f",
            "values of different descriptors",
        ),
        (
            "--edfi-descriptor=uri://a/ProgramTypeDescriptor#c=uri://d/ProgramTypeDescriptor#f",
            "is no value of the table, so nothing can count as it",
        ),
        ("--edfi-descriptor-file=none.csv", "none.csv cannot be read"),
    ],
)
def test_mistakes_are_said_before_anything_is_sent(option, says, api) -> None:
    sandbox = api()
    before = len(sandbox.requests)
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        Observer(sandbox, (option,))
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-n2"], "*run it without xdist's workers (-n0)*"),
        (
            ["--edfi-phase=update", "--edfi-state=none.json"],
            "*none.json does not exist: the create phase failed or did not run.*",
        ),
    ],
)
def test_mistakes_end_pytest_with_its_code_for_them(arguments, says, api, observing) -> None:
    sandbox = api()
    before = len(sandbox.requests)
    result = observing.scenarios(sandbox, *arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines([says])
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    "option", ["--edfi-wait=5", "--edfi-phase=create", "--edfi-act=create=true", "--edfi-state=x"]
)
def test_observe_options_in_drive_mode_are_a_mistake(option, api) -> None:
    with pytest.raises(ConfigurationError, match="only --edfi-mode=observe, where your product"):
        Observer(api(), ("--edfi-mode=drive", option))


def test_in_an_ini_they_may_rest(sandbox, kit, pytester) -> None:
    pytester.makeini("[pytest]\nedfi_wait = 15m\nedfi_act = create=true\n")
    kit.scenarios(sandbox).assert_outcomes(passed=2)


# -- commands -----------------------------------------------------------------------------------

SYNC = """
import json, os, sys
sys.path.insert(0, {root!r})
from tests.broken_products import Link, post, put
values = json.load(sys.stdin)
assert values == json.loads(os.environ["EDFI_VALUES"])
assert os.environ["EDFI_VALUE_STUDENTREFERENCE_STUDENTUNIQUEID"] == "222222"
assert os.environ["EDFI_VALUE_CTEPROGRAMSERVICES_PRIMARYINDICATOR"] in ("true", "false")
assert os.environ["EDFI_URL"] == {url!r}
assert os.environ["EDFI_SCENARIO"].endswith(os.environ["EDFI_STEP"]) and sys.argv[1] == os.environ["EDFI_STEP"]
link = Link({url!r}, {id!r}, {secret!r})
{{"create": post, "update": put}}[sys.argv[1]](link, values)
link.close()
print("sent as", {id!r})
"""


def script(folder: Path, text: str) -> str:
    path = folder / "sync.py"
    path.write_text(text)
    return f"{shlex.quote(sys.executable)} {path}"


def test_a_command_in_another_process_is_the_product(api, observing, pytester) -> None:
    """pytest in a process, the product in a second one, the API in a third: real ones."""
    sandbox = api()
    command = script(
        pytester.path,
        SYNC.format(
            root=str(ROOT), url=sandbox.url, id=sandbox.client_id, secret=sandbox.client_secret
        ),
    )
    acts = [f"--edfi-act={step}={command} {step}" for step in ("create", "update")]
    arguments = observing.arguments(sandbox, "--pyargs", "pytest_edfi_cte", *acts)
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*Running: *sync.py create", "*sync.py create: exit code 0 after*"]
    )
    assert written_by_us(sandbox) == []


def test_a_command_that_fails_is_a_finding_with_its_output(api, watch, tmp_path) -> None:
    text = (
        "import sys; print('x' * 9000); print('queue is full for', 'observers-secret'); sys.exit(3)"
    )
    command = script(tmp_path, text)
    observer = watch(api(), "--edfi-wait=15m", f"--edfi-act=create={command}")
    observer.starts_with(Driver(observer.run.observing.commands, nobody))
    with pytest.raises(NonConformance) as raised:
        observer.judge("create")
    said = str(raised.value)
    assert "the product's own step failed" in said.splitlines()[0]
    assert "exit code 3 after" in said
    assert "queue is full" in said
    assert len(said) < 7000
    assert observer.clock.time == 0, "nothing more is to be expected of it"


def test_the_output_of_a_command_is_redacted(api, observing, pytester) -> None:
    command = script(pytester.path, "print('key observers-secret'); raise SystemExit(1)")
    files = ("--junitxml=junit.xml", "--html=report.html", "--self-contained-html")
    result = observing.scenarios(api(), "-k", "create", f"--edfi-act=create={command}", *files)
    result.assert_outcomes(failed=1, deselected=1)
    everything = result.stdout.str() + "".join(
        (pytester.path / name).read_text() for name in ("junit.xml", "report.html")
    )
    assert "key [redacted]" in everything
    assert "observers-secret" not in everything


def test_a_command_that_does_not_end_is_stopped(api, watch, tmp_path) -> None:
    text = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    command = script(tmp_path, text)
    observer = watch(api(), "--edfi-act-timeout=0.5", f"--edfi-act=create={command}")
    observer.starts_with(Driver(observer.run.observing.commands, nobody))
    with pytest.raises(NonConformance, match="did not end in time and was stopped"):
        observer.judge("create")


def test_a_command_that_cannot_be_started_is_a_finding(api, watch, tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    observer = watch(api(), f"--edfi-act=create={broken}")
    observer.starts_with(Driver(observer.run.observing.commands, nobody))
    with pytest.raises(NonConformance, match="the product's own step failed") as raised:
        observer.judge("create")
    assert "could not be started" in str(raised.value)


# -- descriptors of a state ---------------------------------------------------------------------

STORED = "uri://state.example/CTEProgramServiceDescriptor#07"
TABLE = "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology"


def in_state_code(link: Link, values: dict) -> None:
    changed(set_to("cteProgramServices.cteProgramServiceDescriptor", STORED))(link, values)


def test_a_mapping_file_is_a_csv(api, watch, connect, tmp_path) -> None:
    file = tmp_path / "crosswalk.csv"
    other = "uri://state.example/GradeLevelDescriptor#9,uri://ed-fi.org/GradeLevelDescriptor#Ninth grade"
    file.write_bytes(f"\ufeffstored,table\r\n{STORED},{TABLE}\r\n\r\n{other}\r\n".encode())
    sandbox = api()
    link = connect(sandbox)
    product = Product("state", create=in_state_code)
    watch(sandbox, f"--edfi-descriptor-file={file}").starts_with(product, link).judge("create")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: expected the heading stored,table"),
        (f"{STORED},{TABLE}\n", "line 1: expected the heading stored,table"),
        ("stored,table\nA,B\n", "line 2: 'A' is not a descriptor value"),
        (f"stored,table\n{STORED}\n", "line 2: expected 2 cells, found 1"),
        (f"stored,table\n{STORED},{TABLE}\n{STORED},{HEALTH}\n", "line 3: .*counts as .* already"),
        ('stored,table\n"a\n', "cannot be read"),
    ],
)
def test_a_damaged_mapping_file_is_said(text, says, tmp_path, api) -> None:
    file = tmp_path / "crosswalk.csv"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        Observer(api(), (f"--edfi-descriptor-file={file}",))


def test_a_mapping_applies_to_drive_mode_too(new_sandbox, kit) -> None:
    """A host that keeps its state's value where the table's was sent."""

    def translates(request, proceed):
        response = proceed(request)
        if request.method == "GET" and "CTEProgramAssociations" in request.path:
            text = response.get_data(as_text=True)
            response.set_data(text.replace(TABLE, STORED))
        return response

    sandbox = new_sandbox(translates)
    kit.scenarios(sandbox, "-k", "create").assert_outcomes(failed=1, deselected=1)
    mapped = f"--edfi-descriptor={STORED}={TABLE}"
    kit.scenarios(sandbox, "-k", "create", mapped).assert_outcomes(passed=1, deselected=1)


def test_a_value_that_the_api_lacks_is_noted(api, watch) -> None:
    observer = watch(api(), "--edfi-set=technicalSkillsAssessmentDescriptor=No such value")
    observer.starts_with(PERSON).see("create")
    assert any("#No such value" in note for note in observer.run.notes)


# -- split runs ---------------------------------------------------------------------------------


def split(watch, sandbox, file, link, product, **between):
    """Both phases, each in a run of its own."""
    state = f"--edfi-state={file}"
    first = watch(sandbox, "--edfi-phase=create", state)
    first.starts_with(product, link).judge("create")
    second = watch(sandbox, "--edfi-phase=update", state)
    return second.starts_with(product, link).judge("update")


@pytest.mark.parametrize("update", [put, post])
def test_split_runs_pass(update, api, watch, connect, tmp_path) -> None:
    sandbox = api()
    product = Product("right", update=update)
    split(watch, sandbox, tmp_path / "state.json", connect(sandbox), product)


@pytest.mark.parametrize(
    ("update", "says"),
    [
        (nothing, ["nothing changed"]),
        (
            changed(without("cteProgramServices.cipCode"), put),
            ["update lost a value", 'expected  "11.0103"'],
        ),
        (
            changed(set_to("privateCTEProgram", True), put),
            ["changed more than it should", "expected  false", "received  true"],
        ),
        (
            changed(set_to("cteProgramServices.cteProgramServiceDescriptor", HEALTH), put),
            ["the element was replaced"],
        ),
        (changed(set_to("beginDate", "2026-09-01")), ["second record of the student"]),
    ],
)
def test_split_runs_catch_the_same(update, says, api, watch, connect, tmp_path) -> None:
    sandbox = api()
    with pytest.raises(NonConformance) as raised:
        split(watch, sandbox, tmp_path / "s.json", connect(sandbox), Product("x", update=update))
    for words in says:
        assert words in str(raised.value)


def test_split_runs_in_pytest(api, observing, connect, pytester) -> None:
    sandbox = api()
    link = connect(sandbox)
    player = Player(RIGHT[0], link, observing.clock)
    for phase in ("create", "update"):
        arguments = (f"--edfi-phase={phase}", "--edfi-state=state.json")
        result = observing.scenarios(sandbox, *arguments, plugins=(player,))
        result.assert_outcomes(passed=1, deselected=1)


def test_the_state_file_may_be_committed(api, watch, connect, tmp_path) -> None:
    sandbox = api()
    link = connect(sandbox)
    file = tmp_path / "state.json"
    options = ("--edfi-phase=create", f"--edfi-state={file}", "--edfi-set=studentUniqueId=604822")
    observer = watch(sandbox, *options).starts_with(Product("right"), link)
    observer.judge("create")
    text = file.read_text()
    content = json.loads(text)
    assert not list(observer.run.contract.state_validator().iter_errors(content))
    for private in ("604822", "11.0103", OBSERVER.secret, sandbox.client_secret, "Ola"):
        assert private not in text
    (kept,) = content["records"].values()
    assert kept["seen"] == "2026-11-24T08:00:00Z"
    assert kept["etag"]
    first = kept["properties"]
    assert first["privateCTEProgram"].startswith("fingerprint:")
    assert first["cteProgramServices"][0]["cteProgramServiceDescriptor"] == TABLE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json"]


def damaged(**changes):
    def change(content):
        content.update(changes)

    return change


def of_record(**changes):
    def change(content):
        for record in content["records"].values():
            record.update(changes)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (damaged(api="https://other.example"), "another API .*other.example"),
        (damaged(schoolYear=2026), r"another school year \(2026; this run has 2027\)"),
        (of_record(table="another"), "another certification table"),
        (of_record(edition="old"), "another edition of the table"),
        (damaged(version=1), "has version 1, this pytest-edfi-cte reads 2"),
        (damaged(format="x"), "is no state file of pytest-edfi-cte"),
        (damaged(salt="zz"), r"is damaged \(\$.salt: pattern\)"),
        (damaged(more=1), "is damaged"),
    ],
)
@pytest.mark.parametrize("phase", ["create", "update"])
def test_a_state_file_of_something_else_is_refused(
    phase, change, says, api, watch, connect, tmp_path
) -> None:
    sandbox = api()
    file = tmp_path / "state.json"
    first = watch(sandbox, "--edfi-phase=create", f"--edfi-state={file}")
    first.starts_with(Product("right"), connect(sandbox)).judge("create")
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match=says) as raised:
        watch(sandbox, f"--edfi-phase={phase}", f"--edfi-state={file}")
    assert "run --edfi-phase=create again" in str(raised.value)


def test_a_state_file_of_another_record_blames_nobody(api, watch, connect, tmp_path) -> None:
    sandbox = api()
    link, state = connect(sandbox), f"--edfi-state={tmp_path / 'state.json'}"
    first = watch(sandbox, "--edfi-phase=create", state, "--edfi-set=studentUniqueId=604822")
    first.starts_with(Product("right"), link).judge("create")
    second = watch(sandbox, "--edfi-phase=update", state).starts_with(Product("right"), link)
    with pytest.raises(
        NotTestable, match=r"another studentReference.studentUniqueId.\n.*same --edfi-set"
    ):
        second.judge("update")


def test_a_host_without_ids_is_not_testable_in_update(api, watch, connect) -> None:
    def no_ids(request, proceed):
        response = proceed(request)
        if request.method == "GET" and "limit=25" in request.query_string.decode():
            found = response.get_json()
            for record in found:
                del record["id"]
            response.set_data(json.dumps(found))
        return response

    sandbox = api(no_ids)
    observer = watch(sandbox).starts_with(PERSON)
    post(connect(sandbox), values(observer))
    observer.judge("create")
    with pytest.raises(NotTestable, match="no id in its records"):
        observer.judge("update")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": 1}', "\xff"])
def test_a_state_file_that_is_none_is_refused(text, api, tmp_path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="cannot be read|is no state file"):
        Observer(api(), ("--edfi-phase=update", f"--edfi-state={file}"))
    assert file.read_bytes() == text.encode("latin-1")
