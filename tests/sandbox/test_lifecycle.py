import ast
import dataclasses
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from cheroot.wsgi import Server as CherootServer

import pytest_edfi_cte.sandbox as package
from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.server import _Connection
from tests.sandbox.support import CTE, ENROLLMENTS, Api, association, enrollment, student, unlinked

ROOT = Path(package.__file__).parent


def port_of(url):
    return int(url.rpartition(":")[2])


def test_start_and_stop():
    box = Sandbox()
    with pytest.raises(RuntimeError, match="not started"):
        _ = box.url
    box.start()
    url = box.url
    assert url.startswith("http://127.0.0.1:")
    assert not url.endswith("/")
    assert repr(box) == f"<Sandbox {url}>"
    with pytest.raises(RuntimeError, match="started already"):
        box.start()
    box.stop()
    box.stop()
    assert repr(box) == "<Sandbox stopped>"
    with pytest.raises(requests.ConnectionError):
        requests.get(url)


def test_the_port_is_free_after_a_stop_with_open_connections():
    with requests.Session() as session:
        with Sandbox() as box:
            session.get(box.url)  # keep-alive: the connection stays open
            port = port_of(box.url)
            begin = time.perf_counter()
        took = time.perf_counter() - begin
        with socket.socket() as caller:
            assert caller.connect_ex(("127.0.0.1", port)) != 0
    assert took < 2  # about 0.05 s; the bound only says that nothing waits for the client


def test_both_sides_of_a_connection_are_closed(monkeypatch):
    kept, begin = [], _Connection.__init__

    def remember(self, *arguments, **options):
        begin(self, *arguments, **options)
        kept.append(self)

    monkeypatch.setattr(_Connection, "__init__", remember)
    with requests.Session() as session, Sandbox() as box:
        session.get(box.url)

    assert [(one.rfile.closed, one.wfile.closed) for one in kept[:1]] == [(True, True)]


def test_records_survive_a_restart():
    box = Sandbox()
    box.load("students", [student()])
    for _ in range(2):
        with box:
            assert requests.get(box.url).status_code == 200
    assert len(box.records("students")) == 1


def test_only_loopback_listens(box):
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        address = "127.0.0.2"  # loopback too, but not the one that is bound
    with socket.socket() as caller:
        caller.settimeout(1)
        assert caller.connect_ex((address, port_of(box.url))) != 0


def test_connections_are_kept(box):
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(box.url).headers.get("Connection", "").lower() != "close"
        (pool,) = session.adapters["http://"].poolmanager.pools._container.values()
        assert (pool.num_connections, pool.num_requests) == (1, 3)


def test_credentials_are_made_or_given():
    one, two = Sandbox(), Sandbox()
    assert one.client_secret != two.client_secret
    assert one.client_id != two.client_id
    given = Sandbox(client_id="key", client_secret="hush")
    assert (given.client_id, given.client_secret) == ("key", "hush")
    assert "hush" not in repr(given)


def test_an_unknown_data_standard():
    with pytest.raises(ValueError, match="no data standard"):
        Sandbox(data_standard="6.0")


@pytest.mark.parametrize("standard", STANDARDS)
def test_grand_bend_is_there(standard):
    box = Sandbox(data_standard=standard, links=False)

    for name in ("localEducationAgencies", "schools", "programs"):
        assert [unlinked(r) for r in box.records(name)] == shipped().grand_bend(name)
    descriptors = shipped().grand_bend("descriptors")
    for uri, values in descriptors.items():
        name = uri.rpartition("/")[2]
        collection = next(r.collection for r in box._engine.model.resources if r.entity == name)
        assert [record["codeValue"] for record in box.records(collection)] == values


def test_a_standard_without_school_years_has_none():
    with pytest.raises(ValueError, match="no resource 'schoolYearTypes'"):
        Sandbox(data_standard="4.0").records("schoolYearTypes")
    assert Sandbox().records("schoolYearTypes")


def test_the_older_standard_has_properties_of_its_own(new_box, connect):
    api = connect(new_box(data_standard="4.0"))
    api.made("students", student())
    api.made(ENROLLMENTS, enrollment())
    kept = {"servedOutsideOfRegularSession": True}
    old = {"participationStatus": {"participationStatusDescriptor": "uri://x#y"}}
    record = api.get(api.made(CTE, association(**kept, ctePrograms=None))).json()

    assert record["servedOutsideOfRegularSession"] is True
    answer = api.post(CTE, association(**old))
    assert (
        "$.participationStatus.participationStatusDescriptor" in answer.json()["validationErrors"]
    )


def test_records_are_as_get_returns_them(associated):
    assert associated.sandbox.records(CTE) == associated.get(CTE).json()
    assert associated.sandbox.records(CTE.upper()) == associated.sandbox.records(CTE)


def test_load_needs_no_right_but_follows_the_rules(box):
    box.load("students", [student("a"), student("b", birthDate="2001-01-01", unicorn=1)])
    assert [r["studentUniqueId"] for r in box.records("students")] == ["a", "b"]
    box.load("students", iter([student("a", middleName="M")]))
    assert len(box.records("students")) == 2

    with pytest.raises(ValueError, match=r"students: .*\$\.firstName.*is required"):
        box.load("students", [student("c"), {"studentUniqueId": "d"}])
    assert len(box.records("students")) == 3  # what came before stays
    with pytest.raises(ValueError, match=r"does not exist: Student"):
        box.load(ENROLLMENTS, [enrollment("nobody")])
    with pytest.raises(ValueError, match="no resource 'unicorns'"):
        box.load("unicorns", [])


def test_clear(associated):
    box = associated.sandbox
    schools = box.records("schools")
    associated.delete(associated.association)
    box.clear()

    assert box.records("students") == box.records(CTE) == []
    assert box.records("schools") == schools
    assert box.requests == []
    assert associated.get("schools").status_code == 401


def test_clear_brings_back_what_was_deleted(api):
    first = api.get("sexDescriptors").json()[0]
    api.delete(f"sexDescriptors/{first['id']}")
    value = f"{first['namespace']}#{first['codeValue']}"
    assert api.post("students", student(birthSexDescriptor=value)).status_code == 400
    api.sandbox.clear()
    api.login()

    assert api.post("students", student(birthSexDescriptor=value)).status_code == 201


def test_received_requests(box, api):
    api.get("schools", limit=1)
    requests.get(f"{box.url}/data/v3/ed-fi/schools")
    requests.post(f"{box.url}/oauth/token?client_secret=hush", data={"client_secret": "hush"})
    requests.post(f"{box.url}/other/OAuth/Token", data={"client_secret": "hush"})
    one, two, three, four, five = box.requests

    assert (one.method, one.path, one.status) == ("POST", "/oauth/token", 200)
    assert one.client_id == box.client_id
    assert (two.method, two.path) == ("GET", "/data/v3/ed-fi/schools?limit=1")
    assert (two.status, two.client_id) == (200, box.client_id)
    assert (three.status, three.client_id) == (401, None)
    assert (four.path, four.status, four.client_id) == ("/oauth/token", 400, None)
    assert (five.path, five.status, five.body) == ("/other/OAuth/Token", 404, None)
    assert "hush" not in str(box.requests)
    assert box.client_secret not in str(box.requests)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.status = 500


def test_received_requests_are_in_the_order_of_arrival(new_box, connect):
    """The slow first request is answered last and still listed first."""
    arrived, go = threading.Event(), threading.Event()

    def middleware(request, proceed):
        if "slow" in request.path:
            arrived.set()
            go.wait(10)
        return proceed(request)

    box = new_box(middleware=[middleware])
    slow = threading.Thread(target=requests.get, args=[f"{box.url}/slow"])
    slow.start()
    assert arrived.wait(10)
    requests.get(f"{box.url}/quick")
    go.set()
    slow.join()

    assert [request.path for request in box.requests] == ["/slow", "/quick"]


def test_a_sandbox_that_is_not_stopped_lets_the_process_end():
    script = "from pytest_edfi_cte.sandbox import Sandbox; Sandbox().start()"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_server_that_cannot_listen_says_so(monkeypatch):
    def prepare(self):
        raise OSError("no port left")

    monkeypatch.setattr(CherootServer, "prepare", prepare)
    box = Sandbox()
    with pytest.raises(OSError, match="no port left"):
        box.start()
    assert repr(box) == "<Sandbox stopped>"


def test_what_no_valid_body_needs_is_not_waited_for():
    """jsonschema is a quarter of the time until a sandbox is ready; it words what is wrong."""
    script = (
        "import sys\n"
        "from pytest_edfi_cte.sandbox import Sandbox\n"
        "box = Sandbox()\n"
        "assert 'jsonschema' not in sys.modules\n"
        "try:\n    box.load('students', [{}])\n"
        "except ValueError as error: assert 'firstName is required' in str(error), error\n"
        "assert 'jsonschema' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("missing", ["werkzeug", "cheroot", "fastjsonschema"])
def test_without_its_extra_the_import_is_an_import_error(missing):
    script = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "try:\n    import pytest_edfi_cte.sandbox\n"
        f"except ImportError as error: assert '{missing}' in str(error), error\n"
        "else: raise SystemExit('imported')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def modules():
    return sorted(ROOT.rglob("*.py"))


def place_of(path):
    """The module, or the package below the sandbox's that it belongs to."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_of_the_package_only_the_common_ground_is_imported(path):
    ours = [name for name in imports_of(path) if name.startswith("pytest_edfi_cte")]

    allowed = ("contract.", "openapi_document.", "openapi_import.", "extension.", "sandbox")
    allowed = tuple(f"pytest_edfi_cte.{name}" for name in allowed)
    assert [name for name in ours if not name.startswith(allowed)] == []


def test_imports_run_one_way():
    order = [
        "problems",
        "shapes",
        "validation",
        "model",
        "extensions",
        "checks",
        "visibility",
        "changes",
        "database",
        "queries",
        "store",
        "access",
        "dependencies",
        "bodies",
        "engine",
        "seed",
        "claimsets",
        "auth",
        "address",
        "tokeninfo",
        "discovery",
        "routes",
        "wire",
        "defects",
        "reads",
        "openapi",
        "log",
        "trouble",
        "faults",
        "app",
        "gate",
        "admin",
        "remote",
        "server",
        "__init__",
    ]
    assert sorted(order) == sorted({place_of(path) for path in modules()})
    prefix = "pytest_edfi_cte.sandbox."
    for path in modules():
        used = {
            n.removeprefix(prefix).split(".")[0] for n in imports_of(path) if n.startswith(prefix)
        }
        place = place_of(path)
        assert used <= {*order[: order.index(place)], *([place] if place == "defects" else [])}, (
            path
        )


def test_modules_are_small():
    assert [p.stem for p in modules() if len(p.read_text().splitlines()) > 300] == []


def test_the_helper_of_these_tests_fails_without_a_token(box):
    box.client_secret, kept = "wrong", box.client_secret
    try:
        with pytest.raises(AssertionError):
            Api(box)
    finally:
        box.client_secret = kept
