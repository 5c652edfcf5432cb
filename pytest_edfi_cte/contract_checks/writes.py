"""POST and PUT that succeed: create, upsert, full replacement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from pytest_edfi_cte.client.discovery import origin
from pytest_edfi_cte.compare import ABSENT, at, equal_ids, json_type, nothing
from pytest_edfi_cte.contract_checks.answers import CREATED, NO_CONTENT, OK, Answer
from pytest_edfi_cte.contract_checks.bench import Bench, Json
from pytest_edfi_cte.contract_checks.model import (
    RULE,
    DoesNotApply,
    check,
    finding_of,
    status,
)
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.judge import Finding, judge_schema
from pytest_edfi_cte.records import Record

#: A property of the table that every data standard has as an optional one.
OPTIONAL = "technicalSkillsAssessmentDescriptor"
SERVICES = "cteProgramServices"
DATE_LENGTH = len("2026-08-23")


def _created(bench: Bench) -> tuple[Json, Answer]:
    """A create and what was sent, made once for the checks that only look at the answer."""

    def make() -> tuple[Json, Answer]:
        body = bench.body()
        return body, bench.post(body)

    return bench.once("created", make)


def _stored(bench: Bench, url: str | None) -> Answer:
    if url is None:
        raise NotTestable("the new record has no address; the check create-location shows more.")
    return bench.get(url)


@check
def create_answers_201(bench: Bench) -> Iterator[Finding]:
    """A POST under a new natural key is answered with 201."""
    _, answer = _created(bench)
    yield status(answer, CREATED, where="POST under a new natural key")


@check
def create_location(bench: Bench) -> Iterator[Finding]:
    """The answer to a create leads to the new record by its Location header."""
    body, answer = _created(bench)
    yield status(answer, CREATED, OK, where="POST under a new natural key")
    where = "Location header"
    if not answer.location:
        yield finding_of(False, where, "the new record's address", "nothing", answer)
        return
    url = urljoin(bench.collection, answer.location)
    folder, _, record_id = urlsplit(url).path.rstrip("/").rpartition("/")
    inside = folder.lower() == urlsplit(bench.collection).path.lower() and bool(record_id)
    good = inside and origin(url) in bench.api.origins
    expected = f"an address below {bench.collection}/"
    yield finding_of(good, where, expected, answer.location, answer)
    if good:
        read = bench.get(url)
        yield status(read, OK, where="GET of the Location")
        key = bench.records.key_of(bench.resource, read.json if read.accepted else {})
        same = str(key["beginDate"]) == body["beginDate"]
        expected = "the record that was sent"
        yield finding_of(same, "record at the Location", expected, str(key), read)


@check
def create_location_is_absolute(bench: Bench) -> Iterator[Finding]:
    """The Location header is an absolute URL."""
    _, answer = _created(bench)
    good = bool(answer.location and urlsplit(answer.location).netloc)
    yield finding_of(good, "Location header", "an absolute URL", str(answer.location), answer)


@check
def create_reads_back(bench: Bench) -> Iterator[Finding]:
    """What was created reads back complete, with the JSON types of the data model, and its id."""
    body, answer = _created(bench)
    if not answer.accepted or answer.record is None:
        yield status(answer, CREATED, where="POST under a new natural key")
        return
    read = _stored(bench, answer.record.url)
    yield status(read, OK, where="GET of the new record")
    lost = bench.difference(body, read.json, sent=True)
    yield finding_of(not lost, "the new record", "as it was sent", lost, read)
    shown = read.at("id")
    yield finding_of(equal_ids(shown, answer.record.id), "id", "as in the URL", str(shown), read)


@check
def reads_fit_the_data_model(bench: Bench) -> Iterator[Finding]:
    """A record as read fits the schema of the data standard."""
    read = _stored(bench, bench.common.url)
    yield status(read, OK, where="GET of a record")
    standard = bench.api.standard
    validator = bench.run.contract.validator(standard, bench.table.schema)
    wrong = judge_schema(validator, read.json, RULE) if read.json is not None else []
    for each in wrong:
        expected, received = str(each.expected), each.received
        yield finding_of(False, each.where, expected, received, read)
    yield finding_of(
        read.json is not None,
        "body",
        f"one JSON record of Data Standard {standard}",
        read.text[:200],
        read,
    )


@check
def dates_are_dates(bench: Bench) -> Iterator[Finding]:
    """A date-only property reads back as a date, without a time."""
    read = _stored(bench, bench.common.url)
    shown = read.at("beginDate")
    good = isinstance(shown, str) and len(shown) == DATE_LENGTH
    yield finding_of(good, "beginDate", "a date such as 2026-08-23", str(shown), read)


@check
def upsert_answers_200(bench: Bench) -> Iterator[Finding]:
    """A POST under the natural key of a record updates it: 200, the same id, one record."""
    record = bench.association()
    again = bench.post(record.body, new=False)
    yield status(again, OK, where="POST under an existing natural key")
    if again.location:
        told = urlsplit(again.location).path.rstrip("/").rpartition("/")[2]
        where = "Location of the second POST"
        yield finding_of(equal_ids(told, record.id), where, record.url or "", again.location, again)
    yield from _one_record(bench, record, "the second POST")


def _one_record(bench: Bench, record: Record, where: str) -> Iterator[Finding]:
    """Under the record's key there is this record alone, as far as the host can be asked."""
    found, rows = bench.under(record)
    if found.rows is None:
        return  # the checks of the queries say so
    own = [row.get("id") for row in rows]
    good = len(own) == 1 and equal_ids(own[0], record.id)
    expected = f"one, {record.id}"
    yield finding_of(good, f"records under the key after {where}", expected, str(own), found)


@check
def upsert_replaces(bench: Bench) -> Iterator[Finding]:
    """A POST to an existing record replaces it: new values are stored, what is left out is gone."""
    record = bench.association()
    body = _less(record.body)
    answer = bench.post(body, new=False)
    yield status(answer, OK, where="POST under an existing natural key")
    if answer.accepted:
        yield from _is_replaced(_stored(bench, record.url), bench, body)


@check
def put_answers_204(bench: Bench) -> Iterator[Finding]:
    """A PUT is answered with 204 and no body."""
    record = bench.association()
    answer = bench.put(record, record.body)
    yield status(answer, NO_CONTENT, where="PUT of a record")
    yield finding_of(not answer.text, "body of the answer", "none", answer.text[:200], answer)


@check
def put_replaces(bench: Bench) -> Iterator[Finding]:
    """A PUT replaces the whole record: new values are stored, what is left out is gone."""
    record = bench.association()
    body = _less(record.body)
    answer = bench.put(record, body)
    yield status(answer, NO_CONTENT, OK, where="PUT of a record")
    if answer.accepted:
        yield from _is_replaced(_stored(bench, record.url), bench, body)


def _less(body: Json) -> Json:
    """The record with an optional value left out, one changed, and a service that has less."""
    changed = {k: v for k, v in body.items() if k != OPTIONAL}
    changed["privateCTEProgram"] = not body["privateCTEProgram"]
    service = body[SERVICES][0]
    name = "cteProgramServiceDescriptor"
    changed[SERVICES] = [{name: service[name]}]
    return changed


def _is_replaced(read: Answer, bench: Bench, body: Json) -> Iterator[Finding]:
    yield status(read, OK, where="GET after the write")
    lost = bench.difference(body, read.json, sent=True)
    yield finding_of(not lost, "the record after the write", "as it was sent", lost, read)
    services = read.at(SERVICES)
    service: Any = services[0] if isinstance(services, list) and services else {}
    kept = {OPTIONAL: read.at(OPTIONAL), **{n: at(service, n) for n in ("cipCode",)}}
    for name, shown in kept.items():
        where = f"{name}, which was left out"
        yield finding_of(nothing(shown), where, "absent or null", str(shown), read)


@check
def put_changes_what_it_says(bench: Bench) -> Iterator[Finding]:
    """A PUT that changes one value leaves every other as it was, by id and in the query."""
    record = bench.association()
    before = bench.read(record)
    # The change that the certification makes, too: its collection, with one value changed.
    name = str(bench.table.scenario("update").changes).partition(".")[0]
    changed = {name: bench.table.payload("update")[name]}
    answer = bench.put(record, {**record.body, **changed})
    yield status(answer, NO_CONTENT, OK, where=f"PUT with other {name}")
    if not answer.accepted:
        return
    read = _stored(bench, record.url)
    wanted = {**before, **changed}
    lost = bench.difference(wanted, read.json)
    expected = "changed as asked, and nothing else"
    yield finding_of(not lost, "the record after the PUT", expected, lost, read)
    found, rows = bench.under(record)
    for row in rows:
        lost = bench.difference(wanted, row)
        yield finding_of(not lost, "the record in the query after the PUT", expected, lost, found)
    yield from _one_record(bench, record, "the PUT")


@check
def put_removes_collections(bench: Bench) -> Iterator[Finding]:
    """A PUT without a collection, or with fewer elements, removes what is not there any more."""
    record = bench.association()
    answer = bench.put(record, {k: v for k, v in record.body.items() if k != SERVICES})
    yield status(answer, NO_CONTENT, OK, where="PUT without the services")
    if answer.accepted:
        read = _stored(bench, record.url)
        shown = read.at(SERVICES)
        good = nothing(shown) or shown == []
        expected = "absent, null or empty"
        yield finding_of(good, f"{SERVICES} after the PUT", expected, str(shown), read)


@check
def put_is_idempotent(bench: Bench) -> Iterator[Finding]:
    """The same PUT twice leaves the same record, under the same id and key."""
    record = bench.association()
    body = _less(record.body)
    reads = []
    for number in ("first", "second"):
        answer = bench.put(record, body)
        yield status(answer, NO_CONTENT, OK, where=f"{number} PUT")
        reads.append(_stored(bench, record.url))
    first, second = reads
    lost = bench.difference(first.json or {}, second.json)
    expected = "as after the first"
    yield finding_of(not lost, "the record after the second PUT", expected, lost, second)
    yield from _one_record(bench, record, "two PUTs")


@check
def put_without_id_in_the_body(bench: Bench) -> Iterator[Finding]:
    """A PUT needs no id in its body: the address has it."""
    record = bench.association()
    answer = bench.send("PUT", record.url or "", json=record.body)
    yield status(answer, NO_CONTENT, OK, where="PUT without id in the body")


@check
def null_collection_is_empty(bench: Bench) -> Iterator[Finding]:
    """A collection that is null is taken for an empty one."""
    answer = bench.post(bench.body(**{SERVICES: None}))
    yield status(answer, CREATED, OK, where=f"POST with {SERVICES} null")
    if answer.accepted and answer.record is not None:
        read = _stored(bench, answer.record.url)
        shown = read.at(SERVICES)
        good = nothing(shown) or shown == []
        yield finding_of(good, SERVICES, "absent, null or empty", str(shown), read)


@check
def unknown_property_is_ignored(bench: Bench) -> Iterator[Finding]:
    """A property that the data model does not have is ignored and not stored."""
    name = "favouriteColour"
    answer = bench.post(bench.body(**{name: "blue"}))
    yield status(answer, CREATED, OK, where="POST with an unknown property")
    if answer.accepted and answer.record is not None:
        read = _stored(bench, answer.record.url)
        yield finding_of(nothing(read.at(name)), name, "not stored", str(read.at(name)), read)


@check
def types_are_not_taken_over(bench: Bench) -> Iterator[Finding]:
    """A boolean or number sent as text reads back as a boolean or number, if it is accepted."""
    body = bench.body()
    body["privateCTEProgram"] = "true"
    ed_org = body["educationOrganizationReference"]["educationOrganizationId"]
    body["educationOrganizationReference"] = {"educationOrganizationId": str(ed_org)}
    answer = bench.post(body)
    if not answer.accepted or answer.record is None:
        raise DoesNotApply(f"the API refuses text for booleans and numbers: {answer.exchange.line}")
    read = _stored(bench, answer.record.url)
    number = at(read.json, "educationOrganizationReference.educationOrganizationId")
    for where, expected, shown in (
        ("privateCTEProgram", True, read.at("privateCTEProgram")),
        ("educationOrganizationId", ed_org, number),
    ):
        good = shown == expected and json_type(shown) == json_type(expected)
        told = f"{shown!r}, {json_type(shown)}" if shown is not ABSENT else "absent"
        yield finding_of(good, where, f"{expected!r}, {json_type(expected)}", told, read)
