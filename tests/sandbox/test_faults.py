"""Troubles on purpose, each seen by a real client."""

import contextlib
import threading
import time

import pytest
import requests

from pytest_edfi_cte.sandbox import Client
from pytest_edfi_cte.sandbox.trouble import Trouble
from tests.sandbox.support import association, service, student, unlinked


def test_a_status_for_so_many_requests(api):
    fault = api.sandbox.fault(
        method="POST", path="/ed-fi/students", status=503, retry_after=2, after=1, times=2
    )
    answers = [api.post("students", student(str(n))) for n in range(4)]

    assert [answer.status_code for answer in answers] == [201, 503, 503, 201]
    assert answers[1].headers["Retry-After"] == "2"
    assert answers[1].json()["type"] == "urn:ed-fi:api:system"
    assert fault.hits == 2
    assert [r["studentUniqueId"] for r in api.sandbox.records("students")] == ["0", "3"]
    assert [r.fault for r in api.sandbox.requests][1:] == [
        None,
        "answered 503",
        "answered 503",
        None,
    ]


@pytest.mark.parametrize(
    ("path", "hit"),
    [
        ("/ed-fi/SCHOOLS", True),
        ("/ed-fi/sch*", True),
        ("/data/v3/ed-fi/schools", True),
        ("*", True),
        ("/ed-fi/schools/", True),
        ("/ed-fi/students", False),
        ("schools", False),
    ],
)
def test_which_path(api, path, hit):
    api.sandbox.fault(path=path, status=500)
    assert (api.get("schools", limit=1).status_code == 500) is hit


def test_which_method_and_client(api):
    api.sandbox.fault(method="DELETE", status=500)
    api.sandbox.fault(client="somebody", status=500)
    assert api.get("schools").status_code == 200
    api.sandbox.fault(client=api.sandbox.client_id, status=418)
    assert api.get("schools").status_code == 418
    assert api.get("schools").json()["type"] == "urn:ed-fi:api:i'm-a-teapot"


def test_a_method_in_any_case(api):
    api.sandbox.fault(method="get", status=500)
    assert api.get("schools").status_code == 500
    assert api.post("students", student()).status_code == 201


def test_a_long_pause_is_told_in_digits(api):
    api.sandbox.fault(status=503, retry_after=1_800_000)
    assert api.get("schools").headers["Retry-After"] == "1800000"


def test_token_requests_of_one_client(new_box):
    box = new_box(clients=[Client("other", "hush", (255901,))])
    fault = box.fault(path="/oauth/token", client="other", status=503)
    grant = {"grant_type": "client_credentials"}

    def ask(**how):
        return requests.post(f"{box.url}/OAuth/token/", **how).status_code

    assert ask(data=grant, auth=("other", "hush")) == 503
    assert ask(json={**grant, "client_id": "other", "client_secret": "hush"}) == 503
    assert ask(data=grant, auth=("other", "wrong")) == 401
    assert ask(data=grant, auth=(box.client_id, box.client_secret)) == 200
    assert ask(files={"grant_type": (None, "x" * 600_000)}) == 413
    assert fault.hits == 2
    assert [r.client_id for r in box.requests] == ["other", "other", None, box.client_id, None]


def test_token_requests_can_be_troubled(api):
    api.sandbox.fault(path="/oauth/token", status=429, body={"error": "slow down"})
    answer = requests.post(f"{api.sandbox.url}/oauth/token")
    assert (answer.status_code, answer.json()) == (429, {"error": "slow down"})


def test_removed_by_with_by_remove_and_by_clear(api):
    with api.sandbox.fault(status=500) as fault:
        assert api.sandbox.faults == [fault]
        assert repr(fault) == f"<Fault {fault.id}: answered 500, 0 hits>"
        assert api.get("schools").status_code == 500
    assert api.get("schools").status_code == 200
    fault.remove()
    api.sandbox.fault(status=500)
    api.sandbox.clear()
    assert api.sandbox.faults == []


def test_the_first_fault_is_outermost(api):
    api.sandbox.fault(headers={"X-First": "yes"})
    inner = api.sandbox.fault(status=500)
    answer = api.get("schools")
    assert (answer.status_code, answer.headers["X-First"]) == (500, "yes")
    assert api.sandbox.requests[-1].fault == "answer altered; answered 500"
    assert inner.hits == 1


def test_an_answer_is_altered_and_the_request_done(api):
    api.sandbox.fault(method="POST", body="<html>", headers={"Content-Type": "text/html"})
    answer = api.post("students", student())
    assert (answer.status_code, answer.text) == (201, "<html>")
    assert answer.headers["Content-Type"] == "text/html"
    assert len(api.sandbox.records("students")) == 1


def test_a_success_can_be_pretended(api):
    api.sandbox.fault(method="POST", status=201)
    answer = api.post("students", student())
    assert (answer.status_code, answer.content) == (201, b"")
    assert api.sandbox.records("students") == []


@pytest.mark.parametrize(("drop", "stored"), [("before", 0), ("after", 1)])
def test_a_dropped_connection(api, drop, stored):
    with api.sandbox.fault(method="POST", drop=drop), pytest.raises(requests.ConnectionError):
        api.post("students", student())

    assert len(api.sandbox.records("students")) == stored
    last = api.sandbox.requests[-1]
    assert (last.method, last.status) == ("POST", 0)
    assert last.fault == f"dropped {drop} it was handled"
    assert api.get("schools").status_code == 200


@pytest.mark.parametrize("length", [0, 10, 100_000])
def test_a_truncated_answer(api, length):
    api.sandbox.fault(path="/ed-fi/schools", truncate=length)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("schools")
    assert api.sandbox.requests[-1].fault == f"cut after {length} bytes"


def test_a_delay(api):
    with api.sandbox.fault(delay=0.05):
        begin = time.perf_counter()
        assert api.get("schools").status_code == 200
    assert time.perf_counter() - begin >= 0.05
    assert api.sandbox.requests[-1].duration >= 0.05
    assert api.sandbox.requests[-1].fault == "0.05 s late"


def test_a_stop_waits_for_no_delayed_answer(new_box, monkeypatch):
    box, arrived = new_box(), threading.Event()
    hurry = box._gate.faults._hurry
    wait = hurry.wait
    monkeypatch.setattr(hurry, "wait", lambda seconds: arrived.set() or wait(seconds))
    box.fault(delay=300)
    waiting = threading.Thread(target=lambda: _try(box.url))
    waiting.start()
    assert arrived.wait(30)
    begin = time.perf_counter()
    box.stop()
    waiting.join(30)
    assert not waiting.is_alive()
    assert time.perf_counter() - begin < 30


def _try(url):
    with contextlib.suppress(requests.RequestException):
        requests.get(url, timeout=60)


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        ({}, "must do something"),
        ({"method": "GET", "times": 3}, "must do something"),
        ({"status": 99}, "not one from 200 to 599"),
        ({"status": 600}, "not one from 200 to 599"),
        ({"drop": "sometimes"}, "neither 'before' nor 'after'"),
        ({"drop": "after", "status": 500}, "has no answer"),
        ({"drop": "before", "truncate": 1}, "has no answer"),
        ({"delay": -1}, "delay -1 is below 0"),
        ({"status": 500, "times": -1}, "times -1 is below 0"),
        ({"status": "503"}, "status '503' is not a whole number"),
        ({"status": 503.5}, "status 503.5 is not a whole number"),
        ({"status": 500, "after": True}, "after True is not a whole number"),
        ({"truncate": 1.5}, "truncate 1.5 is not a whole number"),
        ({"delay": "1"}, "delay '1' is not a number of seconds"),
        ({"delay": float("nan")}, "delay nan is not a number of seconds"),
        ({"delay": 1e30}, "delay 1e.30 is not a number of seconds"),
        ({"retry_after": "soon"}, "retry_after 'soon' is not a number of seconds"),
        ({"status": 500, "path": 5}, "path 5 is not a text"),
        ({"status": 500, "method": 5}, "method 5 is not a text"),
        ({"status": 500, "containing": 5}, "containing 5 is not a text"),
        ({"defect": 5}, "defect 5 is not a text"),
        ({"expire": "yes"}, "expire 'yes' is not true or false"),
        ({"headers": "X"}, "headers 'X' is not an object of headers"),
        ({"headers": {"X": "a\r\nY: b"}}, "header 'X' with .* cannot be sent"),
        ({"headers": {"X": "\u20ac"}}, "header 'X' with .* cannot be sent"),
        ({"headers": {"X Y": "a"}}, "header 'X Y' with 'a' cannot be sent"),
        ({"body": {1, 2}}, "body cannot be sent"),
        ({"body": "\ud800"}, "body cannot be sent"),
    ],
)
def test_troubles_that_make_no_sense(trouble, text):
    with pytest.raises(ValueError, match=text):
        Trouble(**trouble)


def test_an_unknown_word_is_a_type_error(box):
    with pytest.raises(TypeError, match="unicorn"):
        box.fault(unicorn=1)


def test_many_threads_meet_a_fault_exactly_so_often(api):
    fault = api.sandbox.fault(path="/", status=500, times=5)
    statuses = []

    def ask():
        statuses.extend(requests.get(api.sandbox.url).status_code for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 15 + [500] * 5
    assert fault.hits == 5


def test_only_requests_that_contain_a_text(api):
    fault = api.sandbox.fault(path="/ed-fi/students*", containing='"s-2"', status=500)
    assert [api.post("students", student(f"s-{n}")).status_code for n in (1, 2, 3)] == [
        201,
        500,
        201,
    ]
    assert api.get("students").status_code == 200
    assert fault.hits == 1


def test_a_token_that_expires_on_the_way(api):
    with api.sandbox.fault(method="POST", path="/ed-fi/*", after=1, times=1, expire=True):
        assert api.post("students", student("s-1")).status_code == 201
        refused = api.post("students", student("s-2"))
        assert refused.status_code == 401
        assert "expired" in refused.json()["detail"]
    assert api.post("students", student("s-2")).status_code == 401
    assert api.sandbox.requests[-2].fault == "token expired"
    assert [r["studentUniqueId"] for r in api.sandbox.records("students")] == ["s-1"]


def test_a_named_defect_for_a_while(associated):
    body = association(cteProgramServices=[service(primaryIndicator=False)])
    with associated.sandbox.fault(method="PUT", defect="update-not-stored") as fault:
        before = unlinked(associated.get(associated.association).json())
        assert associated.put(associated.association, body).status_code == 204
        assert unlinked(associated.get(associated.association).json()) == before
    assert fault.hits == 1
    assert [r.fault for r in associated.sandbox.requests if r.method == "PUT"] == [
        "update-not-stored"
    ]
    assert associated.put(associated.association, body).status_code == 204
    assert unlinked(associated.get(associated.association).json()) != before


def test_an_unknown_defect(box):
    with pytest.raises(ValueError, match="did you mean 'update-not-stored'"):
        box.fault(defect="update-not-stord")
    with pytest.raises(ValueError, match="no defect has the name 'unicorn' .edfi-cte mutate"):
        box.fault(defect="unicorn")
    assert box.faults == []
