"""APIs that are wrong in one way each, and what the kit must say about them.

A fault is a middleware around the sandbox. ``FAULTS`` are wrong, ``VARIANTS`` are legal and must
pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import altered

Proceed = Callable[[Request], Response]
Middleware = Callable[[Request, Proceed], Response]
Change = Callable[[dict[str, Any]], Any]
CTE = "/studentcteprogramassociations"
IT = "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology"
HEALTH = "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"


@dataclass(frozen=True)
class Fault:
    """``make`` gives a fresh middleware; every text in ``says`` must stand in the failure."""

    name: str
    make: Callable[[], Middleware]
    says: tuple[str, ...]


@dataclass
class Wire:
    """One request on its way through a middleware."""

    request: Request
    proceed: Proceed
    is_cte: bool = field(init=False)
    is_item: bool = field(init=False)

    def __post_init__(self) -> None:
        _, found, rest = self.request.path.lower().partition(CTE)
        self.is_cte = bool(found)
        self.is_item = self.is_cte and bool(rest.strip("/"))

    @property
    def method(self) -> str:
        return self.request.method


def with_json(request: Request, body: Any) -> Request:
    return altered(request, body=body)


def with_body(response: Response, body: Any) -> Response:
    """The response with another JSON body; a bytes body is put in as it is."""
    response.set_data(body if isinstance(body, bytes) else json.dumps(body))
    return response


def shown(change: Change, *, after_put: bool = False) -> Callable[[], Middleware]:
    """GET by id shows the record changed; ``after_put`` only once it was updated."""

    def make() -> Middleware:
        updated: set[str] = set()

        def middleware(request: Request, proceed: Proceed) -> Response:
            wire = Wire(request, proceed)
            response = proceed(request)
            if wire.is_item and wire.method == "PUT":
                updated.add(request.path)
            due = not after_put or request.path in updated
            if wire.is_item and wire.method == "GET" and response.status_code == 200 and due:
                body = response.get_json()
                result = change(body)
                return with_body(response, body if result is None else result)
            return response

        return middleware

    return make


def stored(change: Change, *methods: str) -> Callable[[], Middleware]:
    """POST or PUT stores something else than was sent."""

    def make() -> Middleware:
        def middleware(request: Request, proceed: Proceed) -> Response:
            if Wire(request, proceed).is_cte and request.method in methods:
                body = request.get_json()
                change(body)
                return proceed(with_json(request, body))
            return proceed(request)

        return middleware

    return make


def answered(
    method: str, alter: Callable[[Request, Proceed], Response], *, item: bool | None = None
) -> Callable[[], Middleware]:
    """One method on the association is answered by ``alter``; ``item`` limits it to ids or not."""

    def make() -> Middleware:
        def middleware(request: Request, proceed: Proceed) -> Response:
            wire = Wire(request, proceed)
            if wire.is_cte and wire.method == method and item in (None, wire.is_item):
                return alter(request, proceed)
            return proceed(request)

        return middleware

    return make


def status(method: str, code: int) -> Callable[[], Middleware]:
    def alter(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        response.status_code = code
        return response

    return answered(method, alter)


def problem(code: int, detail: str = "It went wrong here.", kind: str = "system") -> Response:
    body = {"type": f"urn:ed-fi:api:{kind}", "title": "No", "status": code, "detail": detail}
    return Response(json.dumps(body), code, content_type="application/problem+json")


def refused(method: str, code: int, *, item: bool | None = None) -> Callable[[], Middleware]:
    return answered(method, lambda _request, _proceed: problem(code), item=item)


def put(name: str, value: Any) -> Change:
    def change(record: dict[str, Any]) -> None:
        record[name] = value

    return change


def drop(name: str) -> Change:
    def change(record: dict[str, Any]) -> None:
        record.pop(name, None)

    return change


def inside(name: str, change: Change) -> Change:
    """Change one reference, or every element of a collection."""

    def deeper(record: dict[str, Any]) -> None:
        parts = record[name] if isinstance(record[name], list) else [record[name]]
        for part in parts:
            change(part)

    return deeper


def service(change: Change) -> Change:
    return inside("cteProgramServices", change)


def more_services(*services: dict[str, Any]) -> Change:
    def change(record: dict[str, Any]) -> None:
        record["cteProgramServices"] = [*record["cteProgramServices"], *services]

    return change


def twice(record: dict[str, Any]) -> None:
    record["cteProgramServices"] = record["cteProgramServices"] * 2


def location(value: str | None) -> Callable[[], Middleware]:
    def alter(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        response.headers.pop("Location", None)
        if value:
            response.headers["Location"] = value
        return response

    return answered("POST", alter)


def nothing_stored(request: Request, proceed: Proceed) -> Response:
    place = request.base_url.rstrip("/") + "/" + "0" * 32
    return Response(b"", 201, headers={"Location": place})


def ignored(_request: Request, _proceed: Proceed) -> Response:
    return Response(b"", 204)


def another_students_record(request: Request, proceed: Proceed) -> Response:
    """The create is stored, but its Location leads to a record that was there before."""
    listed = altered(request, method="GET")
    others = [
        r
        for r in proceed(listed).get_json()
        if r["studentReference"]["studentUniqueId"] == "604822"
    ]
    response = proceed(request)
    response.headers["Location"] = f"{request.base_url.rstrip('/')}/{others[0]['id']}"
    return response


def log_in_first(_request: Request, _proceed: Proceed) -> Response:
    return Response("", 302, headers={"Location": "/log-in"})


def doubled_property(request: Request, proceed: Proceed) -> Response:
    response = proceed(request)
    if response.status_code == 200:
        text = response.get_data(as_text=True)
        response.set_data(
            text.replace('"primaryIndicator"', '"primaryIndicator":"yes","primaryIndicator"')
        )
    return response


def utf_16(request: Request, proceed: Proceed) -> Response:
    response = proceed(request)
    if response.status_code == 200:
        response.set_data(response.get_data(as_text=True).encode("utf-16"))
    return response


def listed_differently(found: list[Any]) -> list[Any]:
    for record in found:
        if record["studentReference"]["studentUniqueId"] == "222222":
            record["nonTraditionalGenderStatus"] = "true"
    return found


def new_id(request: Request, proceed: Proceed) -> Response:
    """PUT deletes the record and creates another."""
    body = request.get_json()
    body.pop("id", None)
    collection = request.path.rpartition("/")[0]
    proceed(altered(request, method="DELETE"))
    proceed(altered(request, method="POST", path=collection, body=body))
    return Response(b"", 204)


def queries(answer: Callable[[list[Any]], Any]) -> Callable[[], Middleware]:
    """Collection queries for the association are answered wrongly, once there is something."""

    def alter(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        found = response.get_json()
        return with_body(response, answer(found)) if found else response

    return answered("GET", alter, item=False)


def raw_body(body: bytes, content_type: str = "application/json") -> Callable[[], Middleware]:
    def alter(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        if response.status_code == 200:
            response.content_type = content_type
            response.set_data(body)
        return response

    return answered("GET", alter, item=True)


def nan(request: Request, proceed: Proceed) -> Response:
    response = proceed(request)
    if response.status_code != 200:
        return response
    body = response.get_json()
    body["cteProgramServices"][0]["cipCode"] = float("nan")
    return with_body(response, body)


def gone_after_put() -> Middleware:
    updated: set[str] = set()

    def middleware(request: Request, proceed: Proceed) -> Response:
        if Wire(request, proceed).is_item and request.method == "GET" and request.path in updated:
            return problem(404, "There is no such record.", "not-found")
        if Wire(request, proceed).is_item and request.method == "PUT":
            updated.add(request.path)
        return proceed(request)

    return middleware


def refuse_if_match(request: Request, proceed: Proceed) -> Response:
    if request.headers.get("If-Match"):
        return problem(412, "The record was changed by another.", "optimistic-lock-failed")
    return proceed(request)


def array_of_one(record: dict[str, Any]) -> Any:
    return [record]


def another_id(record: dict[str, Any]) -> None:
    record["id"] = "f" * 32


def other_namespace(record: dict[str, Any]) -> None:
    name = "technicalSkillsAssessmentDescriptor"
    record[name] = record[name].replace("uri://ed-fi.org", "uri://state.example")


def lower_case(record: dict[str, Any]) -> None:
    name = "technicalSkillsAssessmentDescriptor"
    head, _, code = record[name].partition("#")
    record[name] = f"{head}#{code.lower()}"


def old_list() -> Middleware:
    """After an update the collection still shows the record as it was created."""
    kept: list[Any] = []

    def middleware(request: Request, proceed: Proceed) -> Response:
        wire = Wire(request, proceed)
        if wire.is_item and wire.method == "PUT":
            kept.append(proceed(altered(request, method="GET")).get_json())
        response = proceed(request)
        if wire.is_cte and not wire.is_item and wire.method == "GET" and kept:
            return with_body(response, kept[:1])
        return response

    return middleware


INDICATOR = "cteProgramServices[Information Technology].primaryIndicator"
CIP = "cteProgramServices[Information Technology].cipCode"
SKILLS = "technicalSkillsAssessmentDescriptor"


def _create() -> Iterator[Fault]:
    def fault(name: str, make: Callable[[], Middleware], *says: str) -> Fault:
        return Fault(name, make, says)

    yield fault(
        "200-for-201", status("POST", 200), "status of the POST", "expected  201", "received  200"
    )
    yield fault("204-for-201", status("POST", 204), "status of the POST", "received  204")
    yield fault("post-500", refused("POST", 500), "status of the POST", "500: It went wrong here.")
    yield fault("post-400", refused("POST", 400), "status of the POST", "400: It went wrong here.")
    yield fault(
        "no-location", location(None), "does not say where the new record is", "received  nothing"
    )
    yield fault(
        "location-of-another-host",
        location("http://localhost:9/data/v3/ed-fi/studentCTEProgramAssociations/1"),
        "Location header",
        "http://localhost:9/",
    )
    yield fault(
        "location-of-no-record",
        location("/data/v3/ed-fi/studentCTEProgramAssociations/" + "0" * 32),
        "status of the GET",
        "404",
    )
    yield fault(
        "nothing-stored",
        answered("POST", nothing_stored),
        "records found by the natural key",
        "expected  1",
        "received  0",
    )
    yield fault(
        "1-for-true",
        shown(service(put("primaryIndicator", 1))),
        "another JSON type",
        INDICATOR,
        "expected  true  (boolean",
        "received  1  (number)",
    )
    yield fault(
        "text-for-true",
        shown(service(put("primaryIndicator", "true"))),
        INDICATOR,
        'received  "true"  (string)',
    )
    yield fault(
        "indicator-null",
        shown(service(put("primaryIndicator", None))),
        INDICATOR,
        "received  null  (null)",
        "reads back as null",
    )
    yield fault(
        "indicator-absent",
        shown(service(drop("primaryIndicator"))),
        INDICATOR,
        "the property is absent",
    )
    yield fault(
        "indicator-false",
        stored(service(put("primaryIndicator", False)), "POST"),
        INDICATOR,
        "received  false  (boolean)",
    )
    yield fault(
        "gender-status-false",
        stored(put("nonTraditionalGenderStatus", False), "POST"),
        "nonTraditionalGenderStatus",
        "expected  true",
    )
    yield fault(
        "0-for-false",
        shown(put("privateCTEProgram", 0)),
        "privateCTEProgram",
        "expected  false  (boolean",
        "received  0  (number)",
    )
    yield fault(
        "false-lost",
        stored(drop("privateCTEProgram"), "POST"),
        "privateCTEProgram",
        "the property is absent",
    )
    yield fault(
        "datetime-for-date",
        shown(put("beginDate", "2026-08-23T00:00:00Z")),
        "beginDate",
        "2026-08-23T00:00:00Z",
    )
    yield fault(
        "date-off-by-one",
        shown(put("beginDate", "2026-08-22")),
        "beginDate",
        'received  "2026-08-22"',
    )
    yield fault(
        "text-for-integer",
        shown(inside("educationOrganizationReference", put("educationOrganizationId", "255901"))),
        "educationOrganizationReference.educationOrganizationId",
        'received  "255901"  (string)',
    )
    yield fault(
        "integer-for-text",
        shown(inside("studentReference", put("studentUniqueId", 222222))),
        "studentReference.studentUniqueId",
        'expected  "222222"  (string',
        "received  222222  (number)",
    )
    yield fault(
        "number-for-cip-code",
        shown(service(put("cipCode", 11.0103))),
        CIP,
        "received  11.0103  (number)",
    )
    yield fault(
        "cip-code-cut", stored(service(put("cipCode", "11.01")), "POST"), CIP, 'received  "11.01"'
    )
    yield fault("code-value-alone", shown(put(SKILLS, "Passed")), SKILLS, 'received  "Passed"')
    yield fault(
        "other-namespace",
        shown(other_namespace),
        "another namespace",
        SKILLS,
        "uri://state.example",
    )
    yield fault("other-case", shown(lower_case), "another spelling", SKILLS, "#passed")
    yield fault(
        "services-empty",
        stored(put("cteProgramServices", []), "POST"),
        INDICATOR,
        "the property is absent",
    )
    yield fault(
        "services-null",
        shown(put("cteProgramServices", None)),
        "cteProgramServices\n",
        "received  null",
    )
    yield fault(
        "services-absent",
        shown(drop("cteProgramServices")),
        "cteProgramServices\n",
        "the property is absent",
    )
    yield fault(
        "services-an-object",
        shown(lambda r: put("cteProgramServices", r["cteProgramServices"][0])(r)),
        "cteProgramServices\n",
        "(object)",
    )
    yield fault(
        "service-duplicated",
        shown(twice),
        "cteProgramServices[Information Technology]",
        "stored more than once",
        "expected  once",
    )
    yield fault(
        "service-extra",
        stored(more_services({"cteProgramServiceDescriptor": HEALTH}), "POST"),
        "cteProgramServices[Health Science]",
        "an element that was not sent",
        "expected  not there",
    )
    yield fault(
        "service-of-another-kind",
        stored(service(put("cteProgramServiceDescriptor", HEALTH)), "POST"),
        "cteProgramServices[Health Science]",
        INDICATOR,
    )
    yield fault(
        "program-reference-lost",
        shown(drop("programReference")),
        "programReference\n",
        "programReference.programName",
    )
    yield fault(
        "program-name-wrong",
        shown(inside("programReference", put("programName", "CTE"))),
        "programReference.programName",
        'received  "CTE"',
    )
    yield fault(
        "id-absent", shown(drop("id")), "another id than its address", "the property is absent"
    )
    yield fault("id-of-another", shown(another_id), "another id than its address", "ffffffff")
    yield fault("array-for-object", shown(array_of_one), "not a JSON record", "body of the GET")
    yield fault(
        "html-for-json",
        raw_body(b"<html>Log in</html>", "text/html"),
        "not a JSON record",
        "<html>Log in</html>",
    )
    yield fault("json-cut", raw_body(b'{"id": "1", "begin'), "not a JSON record", "begin")
    yield fault("nan", answered("GET", nan, item=True), "not a JSON record", "NaN")
    yield fault(
        "not-found-by-key",
        queries(lambda _found: []),
        "not found by its natural key",
        "received  0",
    )
    yield fault(
        "found-twice",
        queries(lambda found: found * 2),
        "more than once under one natural key",
        "received  2",
    )
    yield fault(
        "listed-differently",
        queries(listed_differently),
        "the record found by its natural key differs from the one read by its id",
        "nonTraditionalGenderStatus (found by key)",
        'received  "true"',
    )
    yield fault(
        "get-500", refused("GET", 500, item=True), "status of the GET", "500: It went wrong here."
    )
    yield fault(
        "get-404", refused("GET", 404, item=True), "status of the GET", "404: It went wrong here."
    )
    yield fault(
        "modified-date-no-date",
        shown(put("_lastModifiedDate", "yesterday")),
        "_lastModifiedDate",
        "a date and time (RFC 3339)",
        "the API model, Data Standard 5.0",
    )
    yield fault(
        "optional-of-the-wrong-type",
        shown(put("servedOutsideOfRegularSession", "no")),
        "servedOutsideOfRegularSession",
        "expected  boolean or null",
    )


def _update() -> Iterator[Fault]:
    def fault(name: str, make: Callable[[], Middleware], *says: str) -> Fault:
        return Fault(f"update-{name}", make, says)

    def after(change: Change) -> Callable[[], Middleware]:
        return shown(change, after_put=True)

    yield fault(
        "answers-200", status("PUT", 200), "status of the PUT", "expected  204", "received  200"
    )
    yield fault(
        "listed-as-before",
        old_list,
        "the record found by its natural key differs from the one read by its id",
        f"{INDICATOR} (found by key)",
        "received  true",
    )
    yield fault("answers-500", refused("PUT", 500), "status of the PUT", "500: It went wrong here.")
    yield fault("answers-405", refused("PUT", 405), "status of the PUT", "405: It went wrong here.")
    yield fault(
        "refuses-its-own-etag",
        answered("PUT", refuse_if_match),
        "412: The record was changed by another.",
    )
    yield fault(
        "not-stored",
        answered("PUT", ignored),
        "the update was accepted but not stored",
        INDICATOR,
        "expected  false  (boolean, REQUIRED by the certification table)",
        "received  true  (boolean)",
        "→ 204",
    )
    yield fault(
        "null-for-false",
        after(service(put("primaryIndicator", None))),
        INDICATOR,
        "received  null  (null)",
    )
    yield fault(
        "absent-for-false",
        stored(service(drop("primaryIndicator")), "PUT"),
        INDICATOR,
        "the property is absent",
    )
    yield fault(
        "0-for-false",
        after(service(put("primaryIndicator", 0))),
        INDICATOR,
        "received  0  (number)",
    )
    yield fault(
        "text-for-false",
        after(service(put("primaryIndicator", "false"))),
        INDICATOR,
        'received  "false"  (string)',
    )
    yield fault(
        "loses-cip-code", stored(service(drop("cipCode")), "PUT"), CIP, "the property is absent"
    )
    yield fault(
        "changes-sibling",
        stored(put("privateCTEProgram", True), "PUT"),
        "privateCTEProgram",
        "received  true",
    )
    yield fault("loses-descriptor", stored(drop(SKILLS), "PUT"), SKILLS, "the property is absent")
    yield fault(
        "adds-end-date",
        after(put("endDate", "2027-05-23")),
        "endDate",
        "the update added a value that nobody sent",
        '"2027-05-23"',
    )
    yield fault(
        "adds-server-flag",
        after(put("servedOutsideOfRegularSession", False)),
        "servedOutsideOfRegularSession",
        "unchanged by the update",
    )
    yield fault(
        "adds-old-service",
        after(more_services({"cteProgramServiceDescriptor": IT, "primaryIndicator": True})),
        "stored more than once",
    )
    yield fault(
        "of-the-wrong-service",
        stored(service(put("cteProgramServiceDescriptor", HEALTH)), "PUT"),
        "cteProgramServices[Health Science]",
        INDICATOR,
    )
    yield fault(
        "adds-service",
        after(more_services({"cteProgramServiceDescriptor": HEALTH, "primaryIndicator": False})),
        "cteProgramServices[Health Science]",
    )
    yield fault(
        "services-lost",
        stored(drop("cteProgramServices"), "PUT"),
        "cteProgramServices\n",
        "the property is absent",
    )
    yield fault(
        "new-id",
        answered("PUT", new_id),
        "deleted and created anew, not updated in place",
        "Keep the record and its id",
    )
    yield fault("gone-afterwards", lambda: gone_after_put(), "status of the GET", "404")
    yield fault(
        "listed-as-before",
        lambda: old_list(),
        "differs from the one read by its id",
        "primaryIndicator (found by key)",
    )
    yield fault(
        "found-twice-afterwards",
        queries(lambda found: found * 2),
        "more than once under one natural key",
    )


CREATE_FAULTS = tuple(_create())
UPDATE_FAULTS = tuple(_update())


# -- legal variants -------------------------------------------------------------------------------


def everywhere(alter: Callable[[Request, Response], Response]) -> Callable[[], Middleware]:
    def make() -> Middleware:
        return lambda request, proceed: alter(request, proceed(request))

    return make


def each_record(change: Change) -> Callable[[], Middleware]:
    """Every record in every data answer is changed in a legal way."""

    def alter(request: Request, response: Response) -> Response:
        body = None
        if "/ed-fi/" in request.path and response.status_code == 200:
            with suppress(ValueError):
                body = json.loads(response.get_data())
        if body is None:
            return response
        for record in body if isinstance(body, list) else [body]:
            change(record)
        return with_body(response, body)

    return everywhere(alter)


def without_headers(*names: str) -> Callable[[], Middleware]:
    def alter(_request: Request, response: Response) -> Response:
        for name in names:
            response.headers.pop(name, None)
        return response

    return everywhere(alter)


def relative_location(_request: Request, response: Response) -> Response:
    place = response.headers.get("Location")
    if place:
        response.headers["Location"] = "/" + place.split("/", 3)[3]
    response.autocorrect_location_header = False
    return response


def with_charset(_request: Request, response: Response) -> Response:
    if response.content_type and "json" in response.content_type:
        response.content_type = "application/json; charset=utf-8"
    return response


def reverse_order(record: dict[str, Any]) -> None:
    items = list(record.items())[::-1]
    record.clear()
    record.update(items)


def no_server_properties(record: dict[str, Any]) -> None:
    record.pop("_etag", None)
    record.pop("_lastModifiedDate", None)


def with_extension(record: dict[str, Any]) -> None:
    record["_ext"] = {"tx": {"campusOfRecord": 7}}


def with_nulls(record: dict[str, Any]) -> None:
    if "cteProgramServices" in record:
        for name in ("endDate", "reasonExitedDescriptor", "programParticipationStatuses"):
            record.setdefault(name, None)
        for each in record["cteProgramServices"]:
            each.setdefault("serviceBeginDate", None)


def dashed(value: str) -> str:
    plain = value.replace("-", "")
    parts = (plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:])
    return "-".join(parts)


def dashed_ids(request: Request, proceed: Proceed) -> Response:
    """A host whose ids are dashed UUIDs everywhere."""
    head, slash, last = request.path.rpartition("/")
    if slash and len(last) == 36:
        plain = last.replace("-", "")
        body = request.get_json(silent=True)
        if isinstance(body, dict) and "id" in body:
            body["id"] = str(body["id"]).replace("-", "")
        request = altered(request, path=f"{head}/{plain}", body=body)
    response = proceed(request)
    if response.headers.get("Location"):
        base, _, last = response.headers["Location"].rpartition("/")
        response.headers["Location"] = f"{base}/{dashed(last)}"
    with suppress(ValueError):
        body = json.loads(response.get_data())
        for record in body if isinstance(body, list) else [body]:
            if isinstance(record, dict) and isinstance(record.get("id"), str):
                record["id"] = dashed(record["id"])
        with_body(response, body)
    return response


def no_queries(code: int) -> Callable[[], Middleware]:
    """A host that refuses query parameters."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        if request.method == "GET" and "/ed-fi/" in request.path and request.query_string:
            return problem(code, "Querying is not supported.", "bad-request")
        return proceed(request)

    return lambda: middleware


def no_descriptor_collections(request: Request, proceed: Proceed) -> Response:
    if request.path.lower().endswith("descriptors"):
        return problem(404, "No such collection.", "not-found")
    return proceed(request)


def api_spelling(request: Request, proceed: Proceed) -> Response:
    """A host whose own descriptor is spelled in lower case, in its list and in its records."""
    response = proceed(request)
    text = response.get_data(as_text=True)
    text = text.replace("Descriptor#Passed", "Descriptor#passed")
    text = text.replace('"codeValue": "Passed"', '"codeValue": "passed"')
    text = text.replace('"codeValue":"Passed"', '"codeValue":"passed"')
    response.set_data(text)
    return response


def epoch_expiry(request: Request, response: Response) -> Response:
    with suppress(ValueError):
        body = json.loads(response.get_data())
        if isinstance(body, dict) and "expires_in" in body:
            body["expires_in"] = 4_000_000_000
            with_body(response, body)
    return response


def weak_etags(request: Request, proceed: Proceed) -> Response:
    """A compressing gateway in front: tags are weak, and a weak If-Match never matches."""
    if request.headers.get("If-Match", "").startswith("W/"):
        return problem(412, "A weak tag.", "optimistic-lock-failed")
    response = proceed(request)
    if response.headers.get("ETag"):
        response.headers["ETag"] = 'W/"' + response.headers["ETag"].strip('"') + '"'
    return response


def id_demanded(request: Request, proceed: Proceed) -> Response:
    if request.method == "PUT" and "id" not in (request.get_json(silent=True) or {}):
        return problem(400, "id is missing.", "bad-request")
    return proceed(request)


def ignores_queries(request: Request, proceed: Proceed) -> Response:
    """A host that answers every query for associations with its first page."""
    if Wire(request, proceed).is_cte and request.method == "GET" and request.query_string:
        return proceed(Request({**request.environ, "QUERY_STRING": ""}))
    return proceed(request)


VARIANTS: dict[str, Callable[[], Middleware]] = {
    "as-it-is": everywhere(lambda _request, response: response),
    "relative-location": everywhere(relative_location),
    "charset-in-content-type": everywhere(with_charset),
    "no-etags": without_headers("ETag"),
    "no-server-properties": each_record(no_server_properties),
    "other-property-order": each_record(reverse_order),
    "extensions": each_record(with_extension),
    "nulls-for-absent": each_record(with_nulls),
    "dashed-ids": lambda: dashed_ids,
    "queries-refused-400": no_queries(400),
    "queries-refused-403": no_queries(403),
    "queries-refused-405": no_queries(405),
    "queries-ignored": lambda: ignores_queries,
    "descriptors-elsewhere": lambda: no_descriptor_collections,
    "descriptor-case-of-the-api": lambda: api_spelling,
    "epoch-expiry": everywhere(epoch_expiry),
    "weak-etags": lambda: weak_etags,
    "id-demanded-in-put": lambda: id_demanded,
}
