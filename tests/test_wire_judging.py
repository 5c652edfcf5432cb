"""The judging of recorded traffic: pure, total, and never passed by silence."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.observed import ProductJudge
from pytest_edfi_cte.rehearsal import outages
from pytest_edfi_cte.rehearsal.handout import rows, table_records
from pytest_edfi_cte.rehearsal.judging import judge
from pytest_edfi_cte.rehearsal.outcome import Observed, lines, named, seconds
from pytest_edfi_cte.rehearsal.played import Hit, Played, Rehearsed
from pytest_edfi_cte.rehearsal.script import COLLECTIONS, STUDENTS, shipped_script
from pytest_edfi_cte.rehearsal.traffic import DATA, DISCOVERY, OTHER, TOKEN, Keys, Reader, series
from pytest_edfi_cte.rehearsal.words import as_json, failure, page, passed
from pytest_edfi_cte.sandbox import ReceivedRequest
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.verdicts import Verdict

DATA_PATH = "/data/v3/ed-fi/"


@cache
def table():
    return load(shipped(), Settings(school_year=2027), "5.0")


@cache
def schemas():
    found = shipped().resource_schemas("5.0")
    return {name: found[name] for name in COLLECTIONS}


@cache
def keys() -> Keys:
    return Keys(schemas())


def request(method="POST", path=f"{DATA_PATH}students", status=201, **changes) -> ReceivedRequest:
    values = {
        "number": 0,
        "method": method,
        "path": path,
        "status": status,
        "client_id": "vendor",
        "time": 0.0,
        "duration": 0.0,
        "headers": {},
        "body": None,
        "connection": "127.0.0.1:1",
        "location": None,
        "fault": None,
    }
    return ReceivedRequest(**{**values, **changes})


def student(number: int) -> str:
    return json.dumps({"studentUniqueId": str(number)})


def understood(*requests: ReceivedRequest):
    reader = Reader(keys())
    return tuple(reader.sent(replace(r, number=n)) for n, r in enumerate(requests))


def rehearsed(steps=None) -> Rehearsed:
    """Every step played, with these requests in it; the API stays empty."""
    script = shipped_script()
    played = {}
    for step in script.steps:
        given = table_records(table(), "update" if step.id == "update" else "create")
        empty = {name: [] for name in COLLECTIONS}
        hits = tuple(Hit(trouble, None) for trouble in script.troubles)
        sent = (steps or {}).get(step.id, ())
        played[step.id] = Played(step, given, tuple(sent), empty, empty, None, hits)
    judged = ProductJudge(table(), schemas()["studentCTEProgramAssociations"])
    return Rehearsed(played, script.limits, keys(), schemas(), judged, 2.0)


def test_silence_passes_nothing() -> None:
    results = judge(rehearsed(), shipped_script())
    assert {result.verdict for result in results} == {Verdict.NOT_TESTABLE, Verdict.NOT_APPLICABLE}
    assert [r.check.id for r in results if r.verdict is Verdict.NOT_APPLICABLE] == ["runs"]
    assert not passed(results)


BODIES = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.sampled_from(
        [student(1), student(2), json.dumps(table().payload("create")), "[]", "null", '{"id": 1}']
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["studentReference", "studentUniqueId", "id", "x"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=5,
    ).map(json.dumps),
)
REQUESTS = st.builds(
    request,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    path=st.sampled_from(
        ["/", "/oauth/token", "/metadata", DATA_PATH, "/x/ed-fi/students/1"]
        + [f"{DATA_PATH}{name}" for name in (*COLLECTIONS, "raceDescriptors", "schools?limit=1")]
        + [f"{DATA_PATH}{COLLECTIONS[2]}/a", f"{DATA_PATH}{COLLECTIONS[0]}/b"]
    ),
    status=st.sampled_from([0, 200, 201, 204, 400, 401, 403, 404, 409, 429, 500, 503]),
    time=st.floats(0, 100),
    body=BODIES,
    connection=st.sampled_from(["a", "b", "c", "d", "e", "f"]),
    location=st.sampled_from([None, f"http://h{DATA_PATH}students/b", "/c/A"]),
    fault=st.sampled_from([None, "answered 500"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REQUESTS, max_size=25), st.sampled_from([s.id for s in shipped_script().steps]))
def test_whatever_was_received_is_judged(requests, step) -> None:
    """No traffic makes the judge itself fail, and all of it can be shown."""
    ordered = sorted(requests, key=lambda one: one.time)
    everything = rehearsed({step: understood(*ordered)})
    results = judge(everything, shipped_script())
    assert [result.check for result in results] == list(shipped_script().checks)
    assert all(r.findings for r in results if r.verdict is Verdict.FAILED)
    assert all(r.reason for r in results if r.verdict is Verdict.NOT_TESTABLE)
    # The API is empty: whatever was sent, nothing that must be there is.
    never = {"create.record", "update.in-place", "batch.present", "batch.values", "errors.complete"}
    assert not [r.check.id for r in results if r.check.id in never and r.good]
    assert judge(everything, shipped_script()) == results
    text = page(results, shipped_script(), everything.played)
    assert all(len(line) <= 100 or " " not in line.strip() for line in text.splitlines())
    json.dumps(as_json(results, shipped_script(), everything.played, [], {}))


def tries(*pauses: float):
    """A student that failed, tried again after these pauses; the last one is accepted."""
    times = [0.0]
    for pause in pauses:
        times.append(times[-1] + pause)
    last = len(times) - 1
    return understood(
        *(
            request(status=500 if n < last else 201, fault="x", time=time, body=student(1))
            for n, time in enumerate(times)
        )
    )


@given(st.floats(0.05, 5), st.floats(1.26, 4), st.integers(2, 6))
def test_growing_pauses_are_right(first, factor, number) -> None:
    sent = tries(*(first * factor**n for n in range(number)))
    assert outages.backoff(rehearsed({"errors": sent})).findings == ()


@given(st.floats(0, 5), st.floats(0.1, 1), st.integers(2, 6))
def test_equal_and_shrinking_pauses_are_wrong(first, factor, number) -> None:
    sent = tries(*(first * factor**n for n in range(number)))
    (finding, *_) = outages.backoff(rehearsed({"errors": sent})).findings
    assert finding.where == "students of student 1, pauses between its tries"
    assert "growing: one at least 1.25 times an earlier one" in finding.expected


@pytest.mark.parametrize(
    "pauses", [(0.0, 1.0, 2.0), (2.0, 1.0, 2.0), (0.1, 0.2, 0.4, 0.1, 0.2, 0.4)]
)
def test_a_first_try_at_once_a_retry_after_and_a_second_round_are_right(pauses) -> None:
    assert not outages.backoff(rehearsed({"errors": tries(*pauses)})).findings


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=8))
def test_the_rate_is_tries_per_second(pauses) -> None:
    (one,) = series(tries(*pauses))
    assert len(one.tries) == len(pauses) + 1
    assert one.pauses == pytest.approx(pauses)
    outcome = outages.hammering(rehearsed({"errors": tries(*pauses)}))
    rate = len(pauses) / sum(pauses)
    assert bool(outcome.findings) is (one.rate > 10)
    assert one.rate == pytest.approx(rate)


def test_one_retry_shows_no_growth() -> None:
    with pytest.raises(NotTestable, match=r"tried 3 times while it failed \(at most 2\)"):
        outages.backoff(rehearsed({"errors": tries(1.0)}))


def test_series_of_several_records_do_not_mix() -> None:
    sent = understood(
        request(status=500, body=student(1)),
        request(status=0, time=1, body=student(2)),
        request(status=201, time=2, body=student(1)),
        request(status=201, time=4, body=student(2)),
        request(status=503, time=5, body=student(1)),
    )
    found = [([one.student for one in s.tries], s.pauses) for s in series(sent)]
    assert found == [(["1", "1"], (2.0,)), (["2", "2"], (3.0,)), (["1"], ())]


def test_what_a_request_was_about() -> None:
    place = f"http://host{DATA_PATH}students/AB12"
    sent = understood(
        request("GET", "/", 200),
        request("POST", "/oauth/token", 200),
        request("GET", "/metadata/data/v3/dependencies", 200),
        request("GET", f"{DATA_PATH}GradeLevelDescriptors?limit=5", 200),
        request("POST", f"{DATA_PATH}STUDENTS", body=student(7), location=place),
        request("DELETE", f"{DATA_PATH}students/ab12", 204),
        request("PUT", f"{DATA_PATH}students/zz", 404, body="not json"),
    )
    assert [one.kind for one in sent] == [DISCOVERY, TOKEN, OTHER, DATA, DATA, DATA, DATA]
    created, deleted, unknown = sent[4:]
    assert (created.collection, created.key, created.student) == (STUDENTS, ("7",), "7")
    assert (deleted.key, deleted.student, deleted.record_id) == (("7",), "7", "ab12")
    assert (unknown.body, unknown.key, unknown.writes) == (None, None, True)
    assert not sent[3].reads_record
    assert created.line == f"#4 POST {DATA_PATH}STUDENTS (7) → 201"
    assert sent[3].line.endswith("GradeLevelDescriptors?… → 200")


def test_evidence_is_short() -> None:
    sent = understood(*(request(status=500, body=student(n)) for n in range(20)))
    assert len(lines(sent)) == 7
    assert lines(sent)[-2:] == ("… 14 more …", sent[-1].line)
    assert named([1, 2, 3, 4, 5]) == "1, 2, 3 and 2 more"
    assert (seconds(0.25), seconds(12)) == ("0.25 s", "12.0 s")


@pytest.mark.parametrize("width", [40, 60, 100])
def test_a_page_keeps_to_its_width(width) -> None:
    script = shipped_script()
    long = Observed("students of student 900000001: birthDate", "x " * 60, "y\nz", ("#1 POST",))
    results = judge(rehearsed({"errors": tries(0.1, 0.1, 0.1)}), script)
    results = [replace(r, findings=(*r.findings, long)) if r.findings else r for r in results]
    text = page(results, script, rehearsed().played, ["a note " * 20], width)
    assert [line for line in text.splitlines() if len(line) > width] == []
    silent = "Not testable: steps create, update, batch: the product sent nothing at all."
    assert silent in " ".join(text.split())
    assert "\n  10 checks: create.record," in text
    assert failure(next(r for r in results if r.findings)).startswith("errors.")


def test_rows_are_what_a_school_would_type() -> None:
    (row,) = rows(table_records(table(), "create"))
    assert row["technicalSkillsAssessment"] == "Passed"
    assert row["primaryIndicator"] is True
    assert not [value for value in row.values() if "uri://" in str(value)]
