from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.engine import Engine
from pytest_edfi_cte.sandbox.queries import Condition, narrowest_first
from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, student

THREADS = 8


def at_once(connect, box, work):
    """Run ``work(api, number)`` on several connections at the same time; the results."""
    clients = [connect(box) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, clients, range(THREADS)))


def test_one_key_posted_at_once_is_one_record(enrolled, connect):
    answers = at_once(connect, enrolled.sandbox, lambda api, _: api.post(CTE, association()))

    assert sorted(answer.status_code for answer in answers) == [200] * (THREADS - 1) + [201]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(enrolled.sandbox.records(CTE)) == 1


def test_many_keys_posted_at_once_are_all_kept(box, connect):
    def work(api, number):
        statuses = []
        for index in range(20):
            name = f"{number}-{index}"
            statuses.append(api.post("students", student(name)).status_code)
            statuses.append(api.post(ENROLLMENTS, enrollment(name)).status_code)
            statuses.append(api.get("students", studentUniqueId=name).json()[0]["studentUniqueId"])
        return statuses

    for number, found in enumerate(at_once(connect, box, work)):
        assert found == [x for index in range(20) for x in (201, 201, f"{number}-{index}")]
    assert len(box.records("students")) == THREADS * 20


def test_of_writers_with_one_tag_only_one_wins(associated, connect):
    tag = associated.get(associated.association).headers["ETag"]

    def work(api, number):
        body = association(endDate=f"2025-01-0{number + 1}")
        return api.put(associated.association, body, headers={"If-Match": tag}).status_code

    statuses = at_once(connect, associated.sandbox, work)
    assert sorted(statuses) == [204] + [412] * (THREADS - 1)


def test_a_record_and_its_user_never_part(associated, connect):
    """Deletes of a descriptor race with posts that use it: never a 500, never a lost target."""
    value = {"namespace": "uri://x", "codeValue": "y", "shortDescription": "y"}

    def work(api, number):
        if number % 2:
            body = association(beginDate=f"2020-01-0{number}", reasonExitedDescriptor="uri://x#y")
            return [api.post(CTE, body).status_code for _ in range(10)]
        statuses = []
        for _ in range(10):
            made = api.post("reasonExitedDescriptors", value)
            statuses.append(api.delete(made.headers["Location"]).status_code)
        return statuses

    statuses = {s for found in at_once(connect, associated.sandbox, work) for s in found}
    assert statuses <= {200, 201, 204, 400, 404, 409}
    users = [r for r in associated.sandbox.records(CTE) if "reasonExitedDescriptor" in r]
    assert bool(users) == bool(associated.sandbox.records("reasonExitedDescriptors"))


def test_a_write_that_fails_leaves_nothing(monkeypatch):
    box = Sandbox()
    store = box._engine.store
    monkeypatch.setattr(store, "_add_links", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        box.load("students", [student()])
    monkeypatch.undo()
    assert box.records("students") == []
    box.load("students", [student()])
    assert len(box.records("students")) == 1


# What the store reads -----------------------------------------------------------------------


def plans(box, call):
    """The query plans of every statement that ``call`` runs, as text."""
    db = box._engine.store._db
    statements = []
    db.set_trace_callback(statements.append)
    call()
    db.set_trace_callback(None)
    selects = [s for s in statements if s.lstrip().startswith(("SELECT", "WITH"))]
    assert selects
    return "\n".join(row[3] for s in selects for row in db.execute(f"EXPLAIN QUERY PLAN {s}"))


@pytest.fixture(scope="module")
def filled():
    box = Sandbox()
    box.load("students", [student(f"s{number}") for number in range(50)])
    box.load(ENROLLMENTS, [enrollment(f"s{number}") for number in range(50)])
    return box


def engine_of(box) -> Engine:
    return box._engine


@pytest.mark.parametrize(
    "names", [["studentUniqueId"], ["schoolId", "studentUniqueId"], ["entryDate", "schoolId"]]
)
def test_queries_by_key_parts_use_the_index(filled, names):
    values = {"studentUniqueId": "s7", "schoolId": 255901001, "entryDate": "2024-08-31"}
    conditions = [Condition(name, values[name], key=True) for name in names]
    store = engine_of(filled).store
    plan = plans(filled, lambda: store.select(ENROLLMENTS, conditions, claims=[255901]))

    assert "SEARCH f USING PRIMARY KEY (resource=? AND name=? AND value=?)" in plan
    assert "TEMP B-TREE FOR ORDER" not in plan
    assert not [line for line in plan.splitlines() if "SCAN r" in line or "SCAN f" in line]


OTHER = Condition("primarySchool", True, key=False)


@pytest.mark.parametrize(
    ("widths", "order", "counts"),
    [
        ({"a": 50, "b": 1}, ["b", "a", OTHER.name], 2),
        ({"a": 5000, "b": 50}, ["b", "a", OTHER.name], 4),  # neither is narrow at first sight
        ({"a": 5000, "b": 5000}, ["a", "b", OTHER.name], 4),
        ({}, [OTHER.name], 0),
        ({"a": 0}, ["a", OTHER.name], 1),
    ],
)
def test_the_narrowest_condition_leads(widths, order, counts):
    counted = []

    def width(condition, limit):
        counted.append(condition)
        return min(widths[condition.name], limit)

    conditions = [OTHER, *(Condition(name, 1, key=True) for name in widths)]
    assert [c.name for c in narrowest_first(conditions, width)] == order
    assert len(counted) == counts


def test_a_write_reads_no_table_as_a_whole(filled):
    plan = plans(
        filled, lambda: filled.load(ENROLLMENTS, [enrollment("s7", entryDate="2025-01-01")])
    )

    assert "SCAN" not in plan


def test_the_right_to_a_record_reads_no_table_as_a_whole(filled):
    engine = engine_of(filled)
    record = engine.query(engine.model.named("students"), (), None, limit=1)[0]
    plan = plans(filled, lambda: engine.store.visible(record, [255901]))

    assert "SEARCH record USING COVERING INDEX record_tie (student=? AND edorg>?)" in plan
    assert "SCAN record" not in plan
    assert "SCAN hierarchy" not in plan
    assert "SCAN e" not in plan
