"""Many connections, few workers: nobody waits for somebody who has nothing to say."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests

WORKERS = 8
MANY = 3 * WORKERS
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def opened(box):
    """Opens plain connections to the sandbox; closes them all afterwards."""
    place = urlsplit(box.url)
    with contextlib.ExitStack() as stack:

        def opened():
            made = socket.create_connection((place.hostname, place.port), timeout=20)
            return stack.enter_context(made)

        yield opened


def answer(connection):
    """The status of the next answer, whose body is read as well."""
    with connection.makefile("rb") as stream:
        return status(stream)


def status(stream):
    line = stream.readline()
    length = 0
    while header := stream.readline().strip():
        name, _, value = header.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    assert len(stream.read(length)) == length > 0
    return int(line.split()[1])


def test_connections_that_say_nothing_keep_no_worker(opened):
    silent = [opened() for _ in range(MANY)]

    speaker = opened()
    speaker.sendall(GET)
    assert answer(speaker) == 200

    for connection in silent:  # and each may speak later
        connection.sendall(GET)
        assert answer(connection) == 200


def test_kept_connections_take_turns_at_the_workers(opened):
    connections = [opened() for _ in range(MANY)]

    for _ in range(3):
        for connection in connections:
            connection.sendall(GET)
        for connection in connections:
            assert answer(connection) == 200


def test_requests_sent_at_once_on_one_connection_are_all_answered(opened):
    connection = opened()
    connection.sendall(GET + GET.replace(b"GET /", b"GET /nowhere") + GET)

    with connection.makefile("rb") as stream:
        assert [status(stream) for _ in range(3)] == [200, 404, 200]


def test_half_a_request_holds_nobody_up(opened):
    halves = [opened() for _ in range(WORKERS - 1)]
    for connection in halves:
        connection.sendall(GET[:20])

    speaker = opened()
    for _ in range(5):
        speaker.sendall(GET)
        assert answer(speaker) == 200

    for connection in halves:
        connection.sendall(GET[20:])
        assert answer(connection) == 200


def test_a_slow_request_holds_nobody_up(new_box):
    arrived, release = threading.Event(), threading.Event()

    def slow(request, proceed):
        if request.path == "/slow":
            arrived.set()
            assert release.wait(20)
        return proceed(request)

    box = new_box(middleware=[slow])
    statuses = []

    def ask():
        statuses.append(requests.get(f"{box.url}/slow", timeout=20).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert arrived.wait(20)
        for _ in range(5):
            assert requests.get(box.url, timeout=20).status_code == 200
        assert statuses == []
    finally:
        release.set()
        asking.join()
    assert statuses == [404]


def test_a_connection_that_the_client_closes_is_given_up(opened, box):
    for _ in range(MANY):
        connection = opened()
        connection.sendall(GET)
        assert answer(connection) == 200
        connection.close()

    assert requests.get(box.url, timeout=20).status_code == 200
