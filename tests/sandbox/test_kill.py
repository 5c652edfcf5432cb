"""A sandbox that is killed while it is written to: what was answered is there, nothing half-done.

``EDFI_CTE_KILL_ROUNDS=20 pytest --no-cov -n0 tests/sandbox/test_kill.py`` does it twenty times,
each time at another moment.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading

import pytest
import requests

from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.problems import Problem
from tests.sandbox.commands import Command
from tests.sandbox.support import CTE, DATA, ENROLLMENTS, association, enrollment, student, unlinked

ROUNDS = int(os.environ.get("EDFI_CTE_KILL_ROUNDS", "1"))
KEY = "killer:a secret nobody else has:Ed-Fi Sandbox:255901"
WRITERS = 4


class Writer(threading.Thread):
    """Creates, changes and deletes records of its own until nobody answers any more.

    ``answered``: address -> the body that an answer promised, None for a record that is gone.
    ``open``: (address, what it would be) of the request without an answer.
    """

    def __init__(self, url, number, counted):
        super().__init__()
        self.url, self.number, self.counted = url, number, counted
        self.answered = {}
        self.open = None
        self.wrong = []

    def run(self):
        with session(self.url) as api:
            try:
                for index in range(1_000_000):
                    self.write(api, f"{self.number}-{index}")
            except requests.RequestException:
                pass  # the kill

    def write(self, api, name):
        who = self.send(api, "POST", "students", student(name))
        where = self.send(api, "POST", ENROLLMENTS, enrollment(name))
        self.send(api, "POST", CTE, association(name))
        self.send(api, "PUT", who, student(name, middleName="Changed"))
        self.send(api, "POST", "students", student(name, middleName="Again"))
        self.send(api, "POST", "students", student(f"{name}-gone"))
        gone = next(reversed(self.answered))
        self.send(api, "DELETE", gone, None)
        self.send(api, "PUT", where, enrollment(name, primarySchool=True))

    def send(self, api, method, place, body):
        """One write; the address of its record. Statuses that no write should have are kept."""
        url = place if place.startswith("http") else f"{self.url}{DATA}/{place}"
        self.open = (url, body)
        answer = api.request(method, url, json=body)
        self.open = None
        if answer.status_code not in (200, 201, 204):
            self.wrong.append((method, url, answer.status_code, answer.text))
        address = answer.headers.get("Location", url)
        self.answered[address] = body
        self.counted.release()
        return address


def session(url):
    api = requests.Session()
    api.trust_env = False
    name, secret = KEY.split(":")[:2]
    token = api.post(
        f"{url}/oauth/token", data={"grant_type": "client_credentials"}, auth=(name, secret)
    ).json()["access_token"]
    api.headers["Authorization"] = f"Bearer {token}"
    return api


def lost(box, writers):
    """What is not as the answers said that the writers got, as texts."""
    there = {
        record["id"]: unlinked(record)
        for collection in ("students", ENROLLMENTS, CTE)
        for record in box.records(collection)
    }
    found, promised = [], set()
    for writer in writers:
        # What was not answered may have happened or not, as a whole.
        place, sent = writer.open or ("", None)
        for address, body in writer.answered.items():
            identity = address.rpartition("/")[2]
            promised.add(identity)
            may_be = [body, sent] if address == place or sent_again(body, sent) else [body]
            if there.get(identity) not in may_be:
                found.append(f"{address}: {there.get(identity)} instead of {may_be}")
    new = [record for identity, record in there.items() if identity not in promised]
    sent = [writer.open[1] for writer in writers if writer.open]
    return found + [f"nobody wrote {record}" for record in new if record not in sent]


def sent_again(body, sent):
    """Whether both are the same record: a POST without an answer may be an update."""
    return bool(body and sent) and "firstName" in body and key(body) == key(sent)


def key(body):
    return body.get("studentUniqueId")


def audit(box):
    """Records whose keys, parts, references or ties are not those of their bodies, as texts."""
    engine, store = box._engine, box._engine.store
    wrong = [str(row) for row in store._rows("PRAGMA foreign_key_check", ())]
    wrong += [row[0] for row in store._rows("PRAGMA integrity_check", ()) if row[0] != "ok"]
    numbers = set()
    for resource in engine.model.resources:
        for record in store.select(resource.collection):
            numbers.add(record.seq)
            body = engine.bodies.read(resource, json.loads(record.body))
            try:
                engine.bodies.settle(body)
                identities = resource.identities(body.draft.body)
                meant, links = engine.bodies.resolve(resource, body, identities)
            except Problem as problem:
                wrong.append(f"{record.resource} {record.id}: {problem}")
                continue

            def rows(query, seq=record.seq):
                return sorted(store._rows(f"{query} WHERE seq = ?", (seq,)))

            same = [
                (meant.body, record.body),
                ((meant.student, meant.edorg), (record.student, record.edorg)),
                (sorted(links.identities), rows("SELECT entity, key FROM identity")),
                (sorted(links.fields), rows("SELECT name, value FROM field")),
                (sorted((t,) for t in links.references), rows("SELECT target FROM reference")),
                (sorted(links.parents), rows("SELECT parent, child FROM hierarchy")),
            ]
            wrong += [f"{record.resource} {record.id}: {a} {b}" for a, b in same if a != b]
    (count,) = store._rows("SELECT count(*) FROM record", ())[0]
    return wrong + ([f"{count} records, {len(numbers)} in collections"] * (count != len(numbers)))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_sandbox_keeps_what_it_answered(tmp_path, number):
    file = tmp_path / "sandbox.db"
    first = Command("--db", file, EDFI_SANDBOX_CLIENTS=KEY)
    counted = threading.Semaphore(0)
    writers = [Writer(first.url, n, counted) for n in range(WRITERS)]
    try:
        for writer in writers:
            writer.start()
        # Some hundred answers, then at whatever the sandbox is doing.
        for _ in range(random.randrange(60, 600)):
            assert counted.acquire(timeout=60)
    finally:
        code, errors = first.end(signal.SIGKILL)
    for writer in writers:
        writer.join()
    assert (code, errors) == (-signal.SIGKILL, "")
    assert [writer.wrong for writer in writers] == [[]] * WRITERS

    with Sandbox(db=file) as box:
        assert lost(box, writers) == []
        assert audit(box) == []
        for writer in writers:  # the first check does see a write that is not there
            address = next(a for a, body in writer.answered.items() if body)
            writer.answered[address] = student("somebody else")
        assert len(lost(box, writers)) == WRITERS
        students = len(box.records("students"))

    second = Command("--db", file, EDFI_SANDBOX_CLIENTS=KEY)
    try:
        with session(second.url) as api:
            assert api.post(f"{second.url}{DATA}/students", json=student("0-0")).status_code == 200
    finally:
        assert second.end() == (0, "")
    with Sandbox(db=file) as box:
        assert len(box.records("students")) == students > WRITERS


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM field WHERE value = 's'",
        "DELETE FROM identity WHERE key LIKE '%\"s\"%'",
        "DELETE FROM reference",
        "UPDATE record SET student = NULL WHERE student = 's'",
    ],
)
def test_the_audit_finds_half_a_write(harm):
    box = Sandbox(seed="minimal")
    box.load("students", [student("s", middleName=None)])
    box.load(ENROLLMENTS, [enrollment("s")])
    assert audit(box) == []
    box._engine.store._db.execute("PRAGMA foreign_keys = OFF")
    box._engine.store._db.execute(harm)
    assert audit(box)
