"""Bodies that must be refused, one mistake each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from pytest_edfi_cte.compare import ABSENT
from pytest_edfi_cte.contract_checks.answers import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    MEDIA_TYPE,
    Answer,
)
from pytest_edfi_cte.contract_checks.bench import Bench, Json
from pytest_edfi_cte.contract_checks.cleanup import STUDENTS
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.contract_checks.shapes import WRONG, properties, with_value
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.scenarios import get

SERVICES = "cteProgramServices"
SERVICE = "cteProgramServiceDescriptor"
#: A value of a reference may be looked up before it is judged: then it is a conflict.
INVALID, UNRESOLVED = (BAD_REQUEST,), (BAD_REQUEST, CONFLICT)


def _post(bench: Bench, path: tuple[str, ...], value: Any) -> Answer | None:
    """POST the association with one value replaced; None where it has no such place."""
    body = with_value(bench.body(), path, value)
    return None if body is None else bench.post(body)


@check
def required_property_is_demanded(bench: Bench) -> Iterator[Finding]:
    """A body without a required property is refused, whichever it is."""
    for each in properties(bench.schema):
        answer = _post(bench, each.path, ABSENT) if each.required else None
        if answer is not None:
            yield status(answer, *INVALID, where=f"POST without {each.name}")


@check
def required_student_property_is_demanded(bench: Bench) -> Iterator[Finding]:
    """A student without a required property is refused."""
    body = bench.recipes.student(bench.run.fiction.next())
    for each in properties(bench.records.schemas[STUDENTS]):
        wrong = with_value(body, each.path, ABSENT) if each.required else None
        if wrong is not None:
            answer = bench.post(wrong, resource=STUDENTS)
            yield status(answer, *INVALID, where=f"POST of a student without {each.name}")


@check
def null_is_no_value(bench: Bench) -> Iterator[Finding]:
    """A required property that is null is refused like one that is missing."""
    for each in properties(bench.schema):
        if each.required and len(each.path) == 1:
            answer = _post(bench, each.path, None)
            if answer is not None:
                yield status(answer, *INVALID, where=f"POST with {each.name} null")


@check
def wrong_type_is_refused(bench: Bench) -> Iterator[Finding]:
    """A value of another JSON type, that cannot be read as the right one, is refused."""
    for each in properties(bench.schema):
        answer = _post(bench, each.path, WRONG[each.type])
        if answer is not None:
            told = f"POST with {each.name} that is no {each.type}"
            allowed = UNRESOLVED if each.reference else INVALID
            yield status(answer, *allowed, where=told)


@check
def too_long_is_refused(bench: Bench) -> Iterator[Finding]:
    """Text longer than the data model allows is refused, not cut."""
    for each in properties(bench.schema):
        if "maxLength" not in each.schema or "x-edfi-descriptor" in each.schema:
            continue
        answer = _post(bench, each.path, "x" * (each.schema["maxLength"] + 1))
        if answer is not None:
            told = f"POST with {each.name} longer than {each.schema['maxLength']} characters"
            # The program or student is looked up, or the key's right to the student, before that.
            allowed = (*UNRESOLVED, FORBIDDEN) if each.reference else INVALID
            yield status(answer, *allowed, where=told)


@check
def too_long_name_is_refused(bench: Bench) -> Iterator[Finding]:
    """A student's name longer than the data model allows is refused, not cut."""
    schema = bench.records.schemas[STUDENTS]["properties"]["lastSurname"]
    body = bench.recipes.student(bench.run.fiction.next())
    body["lastSurname"] = "x" * (schema["maxLength"] + 1)
    answer = bench.post(body, resource=STUDENTS)
    yield status(answer, *INVALID, where="POST of a student with an over-long lastSurname")


@check
def datetime_for_date_is_refused(bench: Bench) -> Iterator[Finding]:
    """A date with a time is refused where the data model has a date."""
    for each in properties(bench.schema):
        if each.schema.get("format") == "date":
            day = bench.body()["beginDate"]
            answer = _post(bench, each.path, f"{day}T00:00:00Z")
            if answer is not None:
                yield status(answer, *INVALID, where=f"POST with {each.name} and a time")


@check
def impossible_date_is_refused(bench: Bench) -> Iterator[Finding]:
    """A day that no calendar has is refused."""
    for value in ("2027-02-30", "23.08.2026"):
        answer = _post(bench, ("beginDate",), value)
        if answer is not None:
            yield status(answer, *INVALID, where=f"POST with beginDate {value}")


# -- descriptors -----------------------------------------------------------------------------------


def _with_service(bench: Bench, value: str) -> Answer:
    return bench.post(bench.body(**{SERVICES: [{SERVICE: value}]}))


def _descriptor(bench: Bench) -> str:
    """A descriptor URI that the API knows: the table's."""
    uri: str = bench.table.payload("create")[SERVICES][0][SERVICE]
    return uri


@check
def unknown_descriptor_is_refused(bench: Bench) -> Iterator[Finding]:
    """A descriptor value that the API does not have is refused."""
    uri = f"{_descriptor(bench).partition('#')[0]}#No such value"
    yield status(_with_service(bench, uri), *UNRESOLVED, where=f"POST with {SERVICE} {uri}")


@check
def foreign_namespace_is_refused(bench: Bench) -> Iterator[Finding]:
    """A known code value in a namespace that does not have it is refused."""
    name, code = _descriptor(bench).rpartition("/")[2].split("#", 1)
    uri = f"uri://nobody.example/{name}#{code}"
    yield status(_with_service(bench, uri), *UNRESOLVED, where=f"POST with {SERVICE} {uri}")


@check
def encoded_descriptor_is_refused(bench: Bench) -> Iterator[Finding]:
    """A percent-encoded descriptor is not decoded inside a body: it is no known value."""
    head, code = _descriptor(bench).split("#", 1)
    for uri in (f"{head}%23{code}", f"{head}#{code.replace(' ', '%20')}"):
        if "%" in uri:
            where = f"POST with {SERVICE} {uri}"
            yield status(_with_service(bench, uri), *UNRESOLVED, where=where)


@check
def malformed_descriptor_is_refused(bench: Bench) -> Iterator[Finding]:
    """What is no descriptor URI is refused, a code value alone too."""
    head, code = _descriptor(bench).split("#", 1)
    for uri in (code, head, f"#{code}", f"{head}#", ""):
        where = f"POST with {SERVICE} {uri!r}"
        yield status(_with_service(bench, uri), *UNRESOLVED, where=where)


@check
def descriptor_of_another_kind_is_refused(bench: Bench) -> Iterator[Finding]:
    """A known value of another descriptor is refused."""
    uri = get(bench.table.payload("create"), "programReference.programTypeDescriptor")
    yield status(_with_service(bench, uri), *UNRESOLVED, where=f"POST with {SERVICE} {uri}")


@check
def double_element_is_refused(bench: Bench) -> Iterator[Finding]:
    """A collection with two elements of one key is refused."""
    service = {SERVICE: _descriptor(bench)}
    answer = bench.post(bench.body(**{SERVICES: [service, dict(service)]}))
    yield status(answer, *UNRESOLVED, where="POST with one service twice")


# -- references ------------------------------------------------------------------------------------


@check
def unresolved_reference_is_refused(bench: Bench) -> Iterator[Finding]:
    """A reference to something that does not exist is refused."""
    for path, value, allowed in (
        (("programReference", "programName"), "No such program", UNRESOLVED),
        # A host may look first whether the key may write about this student.
        (("studentReference", "studentUniqueId"), uuid4().hex, (*UNRESOLVED, FORBIDDEN)),
    ):
        answer = _post(bench, path, value)
        if answer is not None:
            yield status(answer, *allowed, where=f"POST with {'.'.join(path)} {value}")


# -- what is no body -------------------------------------------------------------------------------


def _raw(bench: Bench, data: bytes, content_type: str = "application/json") -> Answer:
    return bench.post(bench.body(), data=data, headers={"Content-Type": content_type})


@check
def malformed_json_is_refused(bench: Bench) -> Iterator[Finding]:
    """A body that is not JSON is refused."""
    for what, data in (
        ("half an object", b'{"beginDate": "2026-08-23", '),
        ("plain text", b"beginDate=2026-08-23"),
    ):
        yield status(_raw(bench, data), *INVALID, where=f"POST of {what}")


@check
def empty_body_is_refused(bench: Bench) -> Iterator[Finding]:
    """An empty body is refused."""
    yield status(_raw(bench, b""), *INVALID, where="POST of nothing")
    record = bench.association()
    before = bench.read(record)
    headers = {"Content-Type": "application/json"}
    put = bench.send("PUT", record.url or "", data=b"", headers=headers)
    yield status(put, *INVALID, where="PUT of nothing")
    after = bench.get(record.url or "")
    lost = bench.difference(before, after.json)
    yield finding_of(not lost, "the record after the PUT of nothing", "unchanged", lost, after)


@check
def body_must_be_an_object(bench: Bench) -> Iterator[Finding]:
    """JSON that is no object is refused."""
    for data in (b"[]", b'"text"', b"7"):
        yield status(_raw(bench, data), *INVALID, where=f"POST of {data.decode()}")


@check
def other_content_type_is_refused(bench: Bench) -> Iterator[Finding]:
    """A body of another content type than JSON is refused."""
    data = b"<association><beginDate>2026-08-23</beginDate></association>"
    answer = _raw(bench, data, "application/xml")
    yield status(answer, MEDIA_TYPE, BAD_REQUEST, where="POST of XML")
    body = bench.body()
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/xml"}
    answer = bench.post(body, data=data, headers=headers)
    yield status(answer, MEDIA_TYPE, BAD_REQUEST, where="POST of JSON that is called XML")


# -- how it is said --------------------------------------------------------------------------------


def _two_mistakes(bench: Bench) -> tuple[Json, list[str]]:
    body = bench.body()
    body.update(privateCTEProgram="perhaps", endDate="some day")
    return body, ["privateCTEProgram", "endDate"]


@check
def error_names_the_property(bench: Bench) -> Iterator[Finding]:
    """The answer to an invalid body names the property that is wrong."""
    for name, value in (("privateCTEProgram", "perhaps"), ("beginDate", ABSENT)):
        answer = _post(bench, (name,), value)
        if answer is not None:
            named = name.lower() in answer.text.lower()
            where = f"answer to a wrong {name}"
            yield finding_of(named, where, f"text with {name}", answer.text[:200], answer)


@check
def all_mistakes_are_named(bench: Bench) -> Iterator[Finding]:
    """The answer to a body with several mistakes names all of them."""
    body, names = _two_mistakes(bench)
    answer = bench.post(body)
    if not isinstance(answer.at("validationErrors"), dict):
        raise DoesNotApply(f"the API does not list validationErrors: {answer.exchange.line}")
    told = " ".join(map(str, answer.json["validationErrors"])).lower()
    for name in names:
        yield finding_of(name.lower() in told, f"validationErrors for {name}", name, told, answer)
