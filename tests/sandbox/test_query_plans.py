"""A query by natural key reads what it answers with, however many records there are."""

import pytest

from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.store import Condition
from tests.sandbox.support import ENROLLMENTS, enrollment, student
from tests.sandbox.test_concurrency import plans


@pytest.fixture(scope="module")
def planted():
    return Sandbox()


def full_key(resource):
    return [Condition(name, "x", key=True) for name in resource.natural_key]


@pytest.mark.parametrize("claims", [None, (255901,)], ids=["all", "claimed"])
@pytest.mark.parametrize("descriptors", [False, True], ids=["resources", "descriptors"])
def test_no_natural_key_query_scans_records(planted, descriptors, claims):
    """Neither the whole key nor any single part of it, neither the records nor their count."""
    store = planted._engine.store
    resources = [r for r in planted._engine.model.resources if r.is_descriptor == descriptors]
    assert len(resources) >= 20
    for resource in resources:
        asked = [full_key(resource), *([condition] for condition in full_key(resource))]

        def ask(resource=resource, asked=asked):
            for conditions in asked:
                store.select(resource.collection, conditions, claims=claims, limit=25)
                store.count(resource.collection, conditions, claims=claims)

        lines = plans(planted, ask).splitlines()
        leads = "SEARCH f USING PRIMARY KEY (resource=? AND name=? AND value=?)"
        assert lines.count(leads) == 2 * len(asked), resource.collection
        # What is scanned is the list of claims, what they cover, and a count that has a limit.
        scanned = {line.split()[1].strip("(-1)") for line in lines if line.startswith("SCAN")}
        assert scanned <= {"json_each", "covered", "subquery"}, resource.collection


def test_a_query_outside_the_key_does_scan_its_resource(planted):
    """The check above can fail."""
    condition = Condition("nameOfInstitution", "x", key=False)
    store = planted._engine.store
    plan = plans(planted, lambda: store.select("schools", [condition]))
    assert "SEARCH r USING INDEX record_order (resource=?)" in plan
    with pytest.raises(AssertionError):
        assert "SEARCH f USING PRIMARY KEY" in plan


def steps(box, call):
    """How many instructions SQLite's virtual machine runs, in tens."""
    db, count = box._engine.store._db, 0

    def step():
        nonlocal count
        count += 1

    db.set_progress_handler(step, 10)
    try:
        call()
    finally:
        db.set_progress_handler(None, 0)
    return count


def test_the_steps_of_a_key_query_do_not_grow_with_the_table():
    box = Sandbox()
    store = box._engine.store
    key = {"studentUniqueId": "s7", "schoolId": 255901001, "entryDate": "2024-08-31"}
    conditions = [Condition(name, value, key=True) for name, value in key.items()]

    def by_key():
        assert len(store.select(ENROLLMENTS, conditions, claims=[255901], limit=25)) == 1
        assert store.count("students", [conditions[0]]) == 1

    def whole():
        return store.count(ENROLLMENTS, [Condition("schoolYear", None, key=False)])

    few, many, found = 1200, 4800, {}
    for first, last in ((0, few), (few, many)):
        box.load("students", (student(f"s{n}") for n in range(first, last)))
        box.load(ENROLLMENTS, (enrollment(f"s{n}") for n in range(first, last)))
        found[last] = steps(box, by_key), steps(box, whole)

    # Not equal to the step: a tree of pages may be one higher.
    assert found[many][0] < 1.05 * found[few][0]
    assert found[many][1] > 3 * found[few][1]  # the measure does see a table grow
