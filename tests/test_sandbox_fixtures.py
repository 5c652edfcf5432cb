"""``edfi_sandbox`` and ``edfi_new_sandbox`` in other people's suites."""

from __future__ import annotations

import json
import os
import socket
import struct
from multiprocessing.connection import Client

import pytest
import requests

from pytest_edfi_cte import sharing

STUDENT = {
    "studentUniqueId": "604822",
    "firstName": "Ola",
    "lastSurname": "Example",
    "birthDate": "2010-04-05",
}
PLAIN = ("-p", "no:randomly", "-p", "no:cov", "-p", "no:xdist")
WORKERS = ("-p", "no:randomly", "-p", "no:cov", "-n2")


def test_a_sandbox_without_any_option(pytester) -> None:
    pytester.makepyfile(
        f"""
        import requests

        STUDENT = {STUDENT!r}

        def test_it_is_an_api(edfi_sandbox):
            assert requests.get(edfi_sandbox.url).json()["suite"] == "3"
            edfi_sandbox.load("students", [STUDENT])
            with edfi_sandbox.fault(path="/", status=503, times=1):
                assert requests.get(edfi_sandbox.url).status_code == 503
            assert [r.status for r in edfi_sandbox.requests] == [200, 503]

        def test_it_is_the_same_for_all_tests(edfi_sandbox):
            assert len(edfi_sandbox.records("students")) == 1
            edfi_sandbox.clear()
            assert not edfi_sandbox.records("students")

        def test_one_of_its_own(edfi_sandbox, edfi_new_sandbox):
            one, two = edfi_new_sandbox(), edfi_new_sandbox(data_standard="4.0")
            assert len({{one.url, two.url, edfi_sandbox.url}}) == 3
            models = [requests.get(s.url).json()["dataModels"][0]["version"] for s in (one, two)]
            assert models == ["5.2.0", "4.0.0"]
        """
    )
    pytester.runpytest_inprocess(*PLAIN).assert_outcomes(passed=3)


def test_its_options_are_a_fixture(pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def edfi_sandbox_options():
            return {"data_standard": "4.0"}
        """
    )
    pytester.makepyfile(
        """
        import requests

        def test_standard(edfi_sandbox):
            assert requests.get(edfi_sandbox.url).json()["dataModels"][0]["version"] == "4.0.0"
        """
    )
    pytester.runpytest_inprocess(*PLAIN).assert_outcomes(passed=1)
    pytester.runpytest_inprocess(*WORKERS).assert_outcomes(passed=1)
    # The judged one is of 5.0; who asks for another gets another.
    pytester.runpytest_inprocess(*PLAIN, "--edfi-url=sandbox").assert_outcomes(passed=3)


ADDRESSES = """
    import json, pathlib, pytest

    @pytest.mark.parametrize("n", range(6))
    def test_address(edfi_sandbox, worker_id, n):
        edfi_sandbox.load("students", [{**%r, "studentUniqueId": str(n)}])
        assert str(n) in [r["studentUniqueId"] for r in edfi_sandbox.records("students")]
        known = {"url": edfi_sandbox.url, "worker": worker_id}
        pathlib.Path(f"seen-{n}.json").write_text(json.dumps(known))
"""


@pytest.mark.parametrize("extra", [(), ("--edfi-url=sandbox",)], ids=["own", "judged"])
def test_one_sandbox_serves_all_workers_and_ends_with_them(pytester, extra) -> None:
    pytester.makepyfile(ADDRESSES % STUDENT)
    result = pytester.runpytest_inprocess(*WORKERS, *extra)
    result.assert_outcomes(passed=6 + 2 * bool(extra))

    seen = [json.loads(p.read_text()) for p in pytester.path.glob("seen-*.json")]
    assert len(seen) == 6
    assert {one["worker"] for one in seen} == {"gw0", "gw1"}
    (url,) = {one["url"] for one in seen}
    with pytest.raises(requests.ConnectionError):
        requests.get(url)


def test_the_judged_sandbox_is_the_fixture(pytester) -> None:
    pytester.makepyfile(
        """
        def test_same(edfi_sandbox, edfi_session):
            assert edfi_session.api.base_url == edfi_sandbox.url
        """
    )
    pytester.runpytest_inprocess(*PLAIN, "--edfi-url=sandbox").assert_outcomes(passed=3)


def test_without_its_extra_the_fixture_says_what_to_install(pytester, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pytest_edfi_cte.sandbox", None)
    pytester.makepyfile(
        "def test_a(edfi_sandbox): pass\ndef test_b(edfi_new_sandbox): edfi_new_sandbox()"
    )
    result = pytester.runpytest_inprocess(*PLAIN)
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(["*pip install 'pytest-edfi-cte[[]sandbox[]]'*"])


def test_the_desk_gives_one_sandbox_for_one_set_of_options() -> None:
    sandboxes = sharing.Sandboxes()
    desk = sharing.Desk(sandboxes)
    try:
        one, two = sharing.ask(desk.address, {}), sharing.ask(desk.address, {})
        other = sharing.ask(desk.address, {"data_standard": "4.0"})
        assert one == two != other
        with pytest.raises(sharing.Refused, match="no data standard '9'"):
            sharing.ask(desk.address, {"data_standard": "9"})
    finally:
        desk.close()
        sandboxes.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(one["url"])


def test_the_desk_outlives_a_worker_that_is_killed_while_it_waits() -> None:
    handle = {"url": "http://127.0.0.1:1", "token": "t"}

    def start(options: dict[str, str]) -> dict[str, str]:
        gone.close()
        return handle

    desk = sharing.Desk(start)
    address = desk.address
    try:
        gone = Client((address["host"], address["port"]), authkey=desk._key)
        with socket.socket(fileno=os.dup(gone.fileno())) as raw:
            # Closed without a goodbye, as the operating system does for a killed process.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        gone.send_bytes(b"{}")
        desk._thread.join(0.2)
        assert desk._thread.is_alive()
        assert sharing.ask(address, {}) == handle
    finally:
        if desk._thread.is_alive():
            desk.close()


REOPENED = """
    import pytest

    kept = []

    @pytest.mark.parametrize("n", [0, 1])
    def test_a(edfi_new_sandbox, n):
        kept.append(edfi_new_sandbox(db="records.db"))
        assert len(kept[-1].records("students")) == n
        kept[-1].load("students", [%r])
"""


def test_a_file_is_free_again_after_the_test(pytester) -> None:
    pytester.makepyfile(REOPENED % STUDENT)
    pytester.runpytest_inprocess(*PLAIN).assert_outcomes(passed=2)


def test_the_desk_serves_nobody_without_its_key() -> None:
    desk = sharing.Desk(lambda question: {"asked": question})
    try:
        with pytest.raises(Exception, match="digest"):
            sharing.ask({**desk.address, "key": "00"}, {})
        assert sharing.ask(desk.address, {}) == {"asked": {}}
    finally:
        desk.close()
