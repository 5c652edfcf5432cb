"""For every check of the contract pack an API that is wrong in just that, and what must be said.

A fault is a middleware around the sandbox, made with the tools of its own defects.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import altered
from pytest_edfi_cte.sandbox.defects.create import location
from pytest_edfi_cte.sandbox.defects.places import drop, inside, put
from pytest_edfi_cte.sandbox.defects.tools import (
    Middleware,
    Proceed,
    Wire,
    everywhere,
    problem,
    shown,
    status,
    stored,
    with_body,
)
from pytest_edfi_cte.sandbox.defects.variant_records import each_record
from pytest_edfi_cte.sandbox.defects.variants import without_headers
from tests.broken_apis import CTE

When = Callable[[Request], bool]
Alter = Callable[[Request, Response], Response]


def sent(request: Request) -> Any:
    """The JSON of a request, {} where it has none."""
    found = request.get_json(silent=True) if request.get_data() else None
    return found if isinstance(found, dict) else {}


def sent_anyhow(request: Request) -> Any:
    """As :func:`sent`, whatever the content type says."""
    found = request.get_json(force=True, silent=True)
    return found if isinstance(found, dict) else {}


def service_of(request: Request) -> str:
    services = sent(request).get("cteProgramServices")
    first = services[0] if isinstance(services, list) and services else {}
    return str(first.get("cteProgramServiceDescriptor")) if isinstance(first, dict) else ""


def where(when: When, alter: Alter) -> Callable[[], Middleware]:
    """What comes back for some requests is changed."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        return alter(request, response) if when(request) else response

    return lambda: middleware


def instead(when: When, answer: Callable[[Request, Proceed], Response]) -> Callable[[], Middleware]:
    """Some requests are answered otherwise."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        return answer(request, proceed) if when(request) else proceed(request)

    return lambda: middleware


def says(code: int, **headers: str) -> Callable[[Request, Proceed], Response]:
    return lambda _request, _proceed: Response(b"", code, headers=headers)


def is_cte(request: Request, *methods: str) -> bool:
    return CTE in request.path.lower() and (not methods or request.method in methods)


def is_item(request: Request) -> bool:
    return Wire.of(request, lambda _: Response()).is_item


def accepts(when: When, part: str = CTE) -> Callable[[], Middleware]:
    """A POST that should be refused is answered with 201."""

    def accepted(request: Request) -> bool:
        return part in request.path.lower() and request.method == "POST" and when(request)

    def answer(request: Request, proceed: Proceed) -> Response:
        assert proceed(request).status_code >= 400, "the sandbox itself refuses this"
        place = f"{request.base_url.rstrip('/')}/{'0' * 32}"
        return Response(b"", 201, headers={"Location": place})

    return instead(accepted, answer)


def stored_anyway(change: Callable[[dict[str, Any]], None]) -> Callable[[], Middleware]:
    """A POST is mended by the API and stored, where it should be refused."""

    def answer(request: Request, proceed: Proceed) -> Response:
        body = sent(request)
        change(body)
        return proceed(altered(request, body=body))

    return instead(lambda r: is_cte(r, "POST") and bool(sent(r)), answer)


def json_answer(path: str, change: Callable[[Any], Any]) -> Callable[[], Middleware]:
    """The JSON of an address is changed."""

    def alter(_request: Request, response: Response) -> Response:
        body = json.loads(response.get_data())
        result = change(body)
        return with_body(response, body if result is None else result)

    return where(lambda r: r.path.lower() == path, alter)


def without(parameter: str) -> Callable[[], Middleware]:
    """A query parameter is ignored."""

    def answer(request: Request, proceed: Proceed) -> Response:
        kept = "&".join(
            part
            for part in request.query_string.decode().split("&")
            if part.partition("=")[0] != parameter
        )
        return proceed(Request({**request.environ, "QUERY_STRING": kept}))

    return instead(lambda r: is_cte(r, "GET") and not is_item(r), answer)


def rows(change: Callable[[list[Any]], Any]) -> Callable[[], Middleware]:
    """The result of a query is changed."""

    def alter(_request: Request, response: Response) -> Response:
        return with_body(response, change(json.loads(response.get_data())))

    return where(lambda r: is_cte(r, "GET") and not is_item(r) and bool(r.query_string), alter)


def refusing(text: str, code: int | None = None) -> Callable[[], Middleware]:
    """Every error says something that it should not."""

    def alter(_request: Request, response: Response) -> Response:
        if response.status_code >= 400 and response.is_json:
            body = json.loads(response.get_data())
            body["detail"] = text
            response.status_code = code or response.status_code
            return with_body(response, body)
        return response

    return everywhere(alter)


def merged(request: Request, proceed: Proceed) -> Response:
    """A write adds to what is stored instead of replacing it."""
    item = is_item(request)
    path = request.path
    query = altered(request, method="GET")
    if not item:
        body = sent(request)
        asked = f"studentUniqueId={body['studentReference']['studentUniqueId']}&beginDate={body['beginDate']}"
        query = Request({**query.environ, "QUERY_STRING": asked})
    found = proceed(query).get_json()
    old = (found[0] if found else None) if isinstance(found, list) else found
    if not isinstance(old, dict) or "beginDate" not in old:
        return proceed(request)
    kept = {k: v for k, v in old.items() if not k.startswith("_") and k != "id"}
    return proceed(altered(request, path=path, body={**kept, **sent(request)}))


def second_id(request: Request, proceed: Proceed) -> Response:
    """The second POST under a key makes a record of its own: a new id, the old one gone."""
    response = proceed(request)
    if response.status_code != 200:
        return response
    place = response.headers["Location"]
    proceed(altered(request, method="DELETE", path="/" + place.split("/", 3)[3]))
    return proceed(request)


def creates(request: Request, proceed: Proceed) -> Response:
    """A PUT to an unknown id creates a record."""
    response = proceed(request)
    if response.status_code != 404:
        return response
    body = {k: v for k, v in sent(request).items() if k != "id"}
    proceed(altered(request, method="POST", path=request.path.rpartition("/")[0], body=body))
    return Response(b"", 204)


def other_record(request: Request, proceed: Proceed) -> Response:
    """A PUT believes the id in its body."""
    body = sent(request)
    told = body.get("id")
    address = request.path.rpartition("/")[2]
    if told in (None, address):
        return proceed(request)
    return proceed(altered(request, body={k: v for k, v in body.items() if k != "id"}))


def new_key(request: Request, proceed: Proceed) -> Response:
    """A PUT changes the key: the record is made anew under the same answer."""
    response = proceed(request)
    if response.status_code != 400 or "key-change" not in response.get_data(as_text=True):
        return response
    body = {k: v for k, v in sent(request).items() if k != "id"}
    proceed(altered(request, method="DELETE"))
    proceed(altered(request, method="POST", path=request.path.rpartition("/")[0], body=body))
    return Response(b"", 204)


def patched(request: Request, proceed: Proceed) -> Response:
    old = proceed(altered(request, method="GET")).get_json()
    body = {k: v for k, v in old.items() if not k.startswith("_")}
    return proceed(altered(request, method="PUT", body={**body, **sent(request)}))


def kept(request: Request, proceed: Proceed) -> Response:
    """A DELETE is only said."""
    return Response(b"", 204)


def resurrected() -> Middleware:
    """What is created again has what the deleted record had."""
    old: dict[str, Any] = {}

    def middleware(request: Request, proceed: Proceed) -> Response:
        if is_cte(request, "DELETE"):
            body = proceed(altered(request, method="GET")).get_json()
            old[str(body.get("beginDate"))] = body.get("privateCTEProgram")
        if is_cte(request, "POST") and sent(request).get("beginDate") in old:
            body = sent(request)
            body.setdefault("privateCTEProgram", old[body["beginDate"]])
            request = altered(request, body=body)
        return proceed(request)

    return middleware


def toggling() -> Middleware:
    """Each PUT turns a value around."""
    seen: dict[str, int] = {}

    def middleware(request: Request, proceed: Proceed) -> Response:
        if is_cte(request, "PUT") and sent(request):
            seen[request.path] = seen.get(request.path, 0) + 1
            body = {**sent(request), "servedOutsideOfRegularSession": seen[request.path] > 1}
            request = altered(request, body=body)
        return proceed(request)

    return middleware


def shuffled() -> Middleware:
    """Every other query is in the opposite order."""
    number = [0]

    def middleware(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        if is_cte(request, "GET") and not is_item(request):
            number[0] += 1
            if number[0] % 2:
                return with_body(response, json.loads(response.get_data())[::-1])
        return response

    return middleware


def counting_etags() -> Middleware:
    number = [0]

    def middleware(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        if response.headers.get("ETag"):
            number[0] += 1
            response.headers["ETag"] = f'"{number[0]}"'
        return response

    return middleware


def ignoring(header: str) -> Callable[[], Middleware]:
    """A request header is not read."""

    def answer(request: Request, proceed: Proceed) -> Response:
        blind = altered(request)
        blind.environ.pop(f"HTTP_{header.upper().replace('-', '_')}", None)
        return proceed(blind)

    return instead(lambda r: header in r.headers, answer)


def without_token(request: Request) -> bool:
    return "Authorization" not in request.headers and "/ed-fi/" in request.path


def open_house() -> Middleware:
    """A request without a token is carried out as if it had the last good one."""
    last: list[str] = []

    def middleware(request: Request, proceed: Proceed) -> Response:
        header = request.headers.get("Authorization")
        if header is not None:
            response = proceed(request)
            if response.status_code < 400 and "/ed-fi/" in request.path:
                last[:] = [header]
            return response
        if last and "/ed-fi/" in request.path:
            return proceed(altered(request, headers={"Authorization": last[0]}))
        return proceed(request)

    return middleware


def any_token(when: When) -> Callable[[], Middleware]:
    """A header that holds no good token is taken for the last good one."""

    def make() -> Middleware:
        last: list[str] = []

        def middleware(request: Request, proceed: Proceed) -> Response:
            header = request.headers.get("Authorization", "")
            response = proceed(request)
            if response.status_code == 401 and last and when(request):
                return proceed(altered(request, headers={"Authorization": last[0]}))
            if response.status_code < 400 and header.startswith("Bearer "):
                last[:] = [header]
            return response

        return middleware

    return make


def secretless(request: Request, proceed: Proceed) -> Response:
    response = proceed(request)
    if response.status_code != 401:
        return response
    token = {"access_token": "a" * 32, "token_type": "bearer", "expires_in": 1800}
    return Response(json.dumps(token), 200, content_type="application/json")


def grantless(request: Request, proceed: Proceed) -> Response:
    response = proceed(request)
    if response.status_code != 400:
        return response
    token = {"access_token": "b" * 32, "token_type": "bearer", "expires_in": 1800}
    return Response(json.dumps(token), 200, content_type="application/json")


def echoing(request: Request, proceed: Proceed) -> Response:
    """An error repeats the body that it is about."""
    response = proceed(request)
    if response.status_code == 400 and response.is_json:
        body = response.get_json()
        body["detail"] = f"Cannot store {request.get_data(as_text=True)}"
        return with_body(response, body)
    return response


def echoing_token(request: Request, proceed: Proceed) -> Response:
    response = proceed(request)
    if response.status_code == 401:
        return problem(401, f"No such token: {request.headers.get('Authorization')}")
    return response


def same_names(request: Request, proceed: Proceed) -> Response:
    """Parameters and paths are read with their case."""
    names = {"studentUniqueId", "limit", "beginDate"}
    if request.path.rpartition("/")[2].isupper() or not set(request.args) <= names:
        return problem(404, "There is nothing here.", "not-found")
    return proceed(request)


OPENAPI = "/metadata/data/v3/resources/swagger.json"
OWN = "edFi_studentCTEProgramAssociation"


def documented(change: Callable[[dict[str, Any]], Any]) -> Callable[[], Middleware]:
    return json_answer(OPENAPI, change)


def in_schema(change: Callable[[dict[str, Any]], None]) -> Callable[[], Middleware]:
    return documented(lambda document: change(document["definitions"][OWN]["properties"]))


def spaced(text: str) -> bool:
    return "T" in text and text.endswith("Z")


TOKEN = "/oauth/token"
DISCOVERY = "/"
CREATED = ("received  201",)

#: check -> (middleware, texts that its failure must hold)
FAULTS: dict[str, tuple[Callable[[], Middleware], tuple[str, ...]]] = {
    # -- discovery
    "discovery-is-anonymous": (
        instead(lambda r: r.path == "/" and "Authorization" not in r.headers, says(401)),
        ("status: anonymous GET of the base URL", "expected  200", 'received  "401:'),
    ),
    "discovery-names-addresses": (
        json_answer(DISCOVERY, lambda d: d["urls"].update(dependencies="/metadata/deps")),
        ("urls.dependencies", "an absolute URL", "/metadata/deps"),
    ),
    "discovery-names-metadata": (
        json_answer(DISCOVERY, lambda d: d["urls"].pop("openApiMetadata") and None),
        ("urls.openApiMetadata", "an absolute URL", "received  null"),
    ),
    "discovery-names-versions": (
        json_answer(DISCOVERY, lambda d: d.update(dataModels=[])),
        ("dataModels", "the data model Ed-Fi with its version"),
    ),
    "dependencies-are-listed": (
        json_answer(
            "/metadata/data/v3/dependencies",
            lambda rows: rows[::-1] and [{**row, "order": 1} for row in rows],
        ),
        ("order of students", "a number below 1"),
    ),
    # -- tokens
    "token-is-given": (
        json_answer(TOKEN, lambda d: d.update(token_type="mac")),
        ("token_type", "expected  bearer", '"mac"'),
    ),
    "token-lifetime-is-told": (
        json_answer(TOKEN, lambda d: d.update(expires_in=4_000_000_000)),
        ("expires_in", "a number of seconds from now", "4000000000"),
    ),
    "token-needs-the-secret": (
        instead(lambda r: r.path == TOKEN, secretless),
        ("status: token request with a wrong secret", "received  200", "an access_token"),
    ),
    "token-needs-a-known-grant": (
        instead(lambda r: r.path == TOKEN, grantless),
        ("status: token request with grant_type password", "received  200"),
    ),
    "token-info-tells-the-token": (
        json_answer(
            "/oauth/token_info", lambda d: d.update(active="yes") if "active" in d else None
        ),
        ("active", "true, a boolean", '"yes"'),
    ),
    # -- access
    "anonymous-is-refused": (
        open_house,
        ("status: DELETE without a token", "expected  400 or 401", "received  204", "a record"),
    ),
    "anonymous-gets-401": (
        instead(without_token, lambda _r, _p: problem(400, "Authorization is missing.")),
        ("status: PUT without a token", "expected  401", "400: Authorization is missing."),
    ),
    "malformed-token-is-refused": (
        any_token(lambda r: r.headers.get("Authorization", "").startswith("Basic")),
        ("status: GET with another scheme", "received  200"),
    ),
    "foreign-token-is-refused": (
        any_token(lambda r: r.method == "GET" and r.headers.get("Authorization", "")[7:].isalnum()),
        ("status: GET of a record with an unknown token", "expected  401", "received  200"),
    ),
    # -- addresses
    "unknown-id-reads-404": (
        where(
            lambda r: is_cte(r, "GET") and is_item(r),
            lambda _r, a: Response(b"[]", 200) if a.status_code == 404 else a,
        ),
        ("status: GET of an unknown id", "expected  404", "received  200"),
    ),
    "unknown-id-is-not-updated": (
        instead(lambda r: is_cte(r, "PUT"), creates),
        ("status: PUT to an unknown id", "received  204", "records after the PUT", "received  1"),
    ),
    "unknown-id-is-not-deleted": (
        instead(lambda r: is_cte(r, "DELETE"), lambda r, p: p(r) and Response(b"", 204)),
        ("status: DELETE of an unknown id", "expected  404", "received  204"),
    ),
    "malformed-id-is-refused": (
        instead(lambda r: "no-id-at-all" in r.path, says(500)),
        ("status: GET of what is no id", "400 or 404", "500"),
    ),
    "unknown-resource-is-404": (
        instead(lambda r: "nosuchresources" in r.path.lower(), says(200)),
        ("status: GET of an unknown collection", "received  200"),
    ),
    "key-change-is-refused": (
        instead(lambda r: is_cte(r, "PUT"), new_key),
        ("status: PUT with another beginDate", "400 or 409", "received  204"),
    ),
    "id-mismatch-is-refused": (
        instead(lambda r: is_cte(r, "PUT"), other_record),
        ("status: PUT with the id of another record", "received  204", "privateCTEProgram"),
    ),
    "id-in-post-is-refused": (
        stored_anyway(drop("id")),
        ("status: POST with an id", "expected  400", *CREATED),
    ),
    "put-needs-an-id": (
        instead(
            lambda r: is_cte(r, "PUT") and not is_item(r),
            lambda r, p: p(
                altered(r, method="POST", body={k: v for k, v in sent(r).items() if k != "id"})
            ),
        ),
        ("status: PUT without an id", "404 or 405", "received  200", "privateCTEProgram"),
    ),
    "post-needs-no-id": (
        instead(
            lambda r: is_cte(r, "POST") and is_item(r),
            lambda r, p: p(altered(r, path=r.path.rpartition("/")[0])),
        ),
        ("status: POST to a record", *CREATED),
    ),
    "patch-is-refused": (
        instead(lambda r: r.method == "PATCH", patched),
        (
            "status: PATCH of a record",
            "received  204",
            "the record after the PATCH",
            "privateCTEProgram",
        ),
    ),
    "refused-method-is-405": (
        instead(lambda r: r.method == "PATCH", says(404)),
        ("status: PATCH of a record", "expected  405", "404"),
    ),
    "delete-removes": (
        instead(lambda r: is_cte(r, "DELETE"), kept),
        ("status: GET after the DELETE", "expected  404", "received  200", "records under the key"),
    ),
    "delete-twice-is-404": (
        instead(lambda r: is_cte(r, "DELETE"), lambda r, p: p(r) and Response(b"", 204)),
        ("status: second DELETE of a record", "expected  404", "received  204"),
    ),
    "created-again-is-new": (resurrected, ("privateCTEProgram", "absent or null", "False")),
    "referenced-record-is-kept": (
        where(
            lambda r: "/students/" in r.path and r.method == "DELETE",
            lambda _r, a: Response(b"", 204) if a.status_code == 409 else a,
        ),
        ("status: DELETE of a student who is enrolled", "400 or 409", "received  204"),
    ),
    # -- bodies
    "required-property-is-demanded": (
        accepts(lambda r: "beginDate" not in sent(r)),
        ("status: POST without beginDate", "expected  400", *CREATED),
    ),
    "required-student-property-is-demanded": (
        accepts(lambda r: "lastSurname" not in sent(r), "/students"),
        ("status: POST of a student without lastSurname", *CREATED),
    ),
    "null-is-no-value": (
        accepts(lambda r: sent(r).get("studentReference", 1) is None),
        ("status: POST with studentReference null", *CREATED),
    ),
    "wrong-type-is-refused": (
        accepts(lambda r: sent(r).get("privateCTEProgram") == "perhaps"),
        ("status: POST with privateCTEProgram that is no boolean", *CREATED),
    ),
    "too-long-is-refused": (
        accepts(lambda r: "x" * 121 in r.get_data(as_text=True)),
        ("POST with cteProgramServices.cipCode longer than 120 characters", *CREATED),
    ),
    "too-long-name-is-refused": (
        accepts(lambda r: len(sent(r).get("lastSurname", "")) > 75, "/students"),
        ("status: POST of a student with an over-long lastSurname", *CREATED),
    ),
    "datetime-for-date-is-refused": (
        accepts(lambda r: spaced(str(sent(r).get("beginDate")))),
        ("status: POST with beginDate and a time", *CREATED),
    ),
    "impossible-date-is-refused": (
        accepts(lambda r: sent(r).get("beginDate") == "2027-02-30"),
        ("status: POST with beginDate 2027-02-30", *CREATED),
    ),
    "unknown-descriptor-is-refused": (
        accepts(lambda r: service_of(r).endswith("#No such value")),
        ("#No such value", "400 or 409", *CREATED),
    ),
    "foreign-namespace-is-refused": (
        accepts(lambda r: service_of(r).startswith("uri://nobody.example")),
        ("uri://nobody.example", *CREATED),
    ),
    "encoded-descriptor-is-refused": (
        accepts(lambda r: "%" in service_of(r)),
        ("CTEProgramServiceDescriptor%23Information Technology", *CREATED),
    ),
    "malformed-descriptor-is-refused": (
        accepts(lambda r: service_of(r) == "Information Technology"),
        ("POST with cteProgramServiceDescriptor 'Information Technology'", *CREATED),
    ),
    "descriptor-of-another-kind-is-refused": (
        accepts(lambda r: "ProgramTypeDescriptor" in service_of(r)),
        ("ProgramTypeDescriptor#Career and Technical Education", *CREATED),
    ),
    "double-element-is-refused": (
        accepts(lambda r: len(sent(r).get("cteProgramServices") or ()) == 2),
        ("status: POST with one service twice", *CREATED),
    ),
    "unresolved-reference-is-refused": (
        accepts(
            lambda r: sent(r).get("programReference", {}).get("programName") == "No such program"
        ),
        ("POST with programReference.programName No such program", *CREATED),
    ),
    "malformed-json-is-refused": (
        accepts(lambda r: r.get_data().endswith(b", ")),
        ("status: POST of half an object", *CREATED),
    ),
    "empty-body-is-refused": (
        accepts(lambda r: r.get_data() == b""),
        ("status: POST of nothing", *CREATED),
    ),
    "body-must-be-an-object": (
        accepts(lambda r: r.get_data() == b"[]"),
        ("status: POST of []", *CREATED),
    ),
    "other-content-type-is-refused": (
        instead(
            lambda r: r.mimetype == "application/xml" and bool(sent_anyhow(r)),
            lambda r, p: p(altered(r, body=sent_anyhow(r))),
        ),
        ("status: POST of JSON that is called XML", "400 or 415", *CREATED),
    ),
    "error-names-the-property": (
        instead(
            lambda r: is_cte(r, "POST") and "beginDate" not in sent(r),
            lambda _r, _p: problem(400, "It is wrong."),
        ),
        ("answer to a wrong beginDate", "text with beginDate", "It is wrong."),
    ),
    "all-mistakes-are-named": (
        where(
            lambda r: is_cte(r, "POST") and sent(r).get("endDate") == "some day",
            lambda _r, a: with_body(
                a, {**json.loads(a.get_data()), "validationErrors": {"$.endDate": ["is no date"]}}
            ),
        ),
        ("validationErrors for privateCTEProgram", '"$.enddate"'),
    ),
    # -- errors
    "errors-are-problem-details": (
        where(
            lambda _r: True,
            lambda _r, a: Response(b"No.", a.status_code) if a.status_code >= 400 else a,
        ),
        ("answer to a missing property", "problem details", '"No."'),
    ),
    "problem-details-are-complete": (
        where(
            lambda r: is_cte(r),
            lambda _r, a: (
                with_body(a, {k: v for k, v in json.loads(a.get_data()).items() if k != "title"})
                if a.status_code == 400 and a.is_json
                else a
            ),
        ),
        ("problem details of a wrong type", "type, title, status, detail", "without title"),
    ),
    "problem-details-have-the-status": (
        where(
            lambda r: is_cte(r),
            lambda _r, a: (
                with_body(a, {**json.loads(a.get_data()), "status": 500})
                if a.status_code == 400 and a.is_json
                else a
            ),
        ),
        ("status in the problem details of a wrong type", "400, as in the answer", "received  500"),
    ),
    "problem-types-are-ed-fi": (
        where(
            lambda r: is_cte(r),
            lambda _r, a: (
                with_body(a, {**json.loads(a.get_data()), "type": "about:blank"})
                if a.status_code == 400 and a.is_json
                else a
            ),
        ),
        ("type of the problem of a wrong type", "about:blank"),
    ),
    "errors-are-no-server-errors": (
        where(
            lambda r: is_cte(r, "POST"),
            lambda _r, a: problem(500, "It broke.") if a.status_code == 400 else a,
        ),
        ("status of malformed JSON", "400 to 499", "500: It broke."),
    ),
    "errors-hide-the-inside": (
        refusing("SELECT * FROM edfi.Student WHERE 1=1"),
        ("answer to a wrong type: an SQL statement", "SELECT * FROM"),
    ),
    "errors-hide-people": (
        instead(lambda r: "/students" in r.path.lower(), echoing),
        ("answer to a student whose name is too long", "3 of them"),
    ),
    "errors-hide-the-token": (
        instead(lambda r: is_cte(r), echoing_token),
        ("answer to a wrong token", "without the token", "the token"),
    ),
    # -- ETags
    "etag-follows-the-record": (counting_etags, ("ETag of a second read",)),
    "if-none-match-is-304": (
        ignoring("If-None-Match"),
        ("current ETag in If-None-Match", "expected  304", "received  200"),
    ),
    "if-none-match-of-another-is-200": (
        instead(lambda r: "If-None-Match" in r.headers, says(304)),
        ("another ETag in If-None-Match", "expected  200", "received  304"),
    ),
    "stale-if-match-is-412": (
        ignoring("If-Match"),
        ("status: PUT with a stale If-Match", "expected  412", "received  204", "unchanged"),
    ),
    "current-if-match-is-accepted": (
        instead(lambda r: "If-Match" in r.headers, lambda _r, _p: problem(412, "Stale.")),
        ("status: PUT with the current If-Match", "412: Stale."),
    ),
    "stale-if-match-is-412-in-delete": (
        ignoring("If-Match"),
        ("status: DELETE with a stale If-Match", "expected  412", "received  204"),
    ),
    # -- OpenAPI
    "openapi-is-listed": (
        json_answer("/metadata", lambda rows: [{"name": row["name"]} for row in rows]),
        ("an array of objects with name and endpointUri",),
    ),
    "openapi-has-the-operations": (
        documented(
            lambda d: d["paths"]["/ed-fi/studentCTEProgramAssociations/{id}"].pop("put") and None
        ),
        ("PUT of the items", "missing"),
    ),
    "openapi-has-the-certified-properties": (
        in_schema(lambda p: p.update(privateCTEProgram={"type": "string"})),
        ("studentCTEProgramAssociations.privateCTEProgram", "expected  boolean", '"string"'),
    ),
    "openapi-misses-nothing": (
        in_schema(drop("endDate")),
        ("missing: studentCTEProgramAssociations.endDate",),
    ),
    "openapi-changes-nothing": (
        documented(
            lambda d: d["definitions"]["edFi_student"]["properties"]["firstName"].update(
                maxLength=10
            )
        ),
        ("changed: students.firstName", "maxLength 75", "maxLength 10"),
    ),
    "openapi-adds-nothing": (
        in_schema(put("shoeSize", {"type": "integer"})),
        ("extra: studentCTEProgramAssociations.shoeSize",),
    ),
    "openapi-marks-the-key": (
        in_schema(lambda p: p["beginDate"].pop("x-Ed-Fi-isIdentity") and None),
        ("x-Ed-Fi-isIdentity of beginDate",),
    ),
    # -- queries
    "query-by-student": (
        without("studentUniqueId"),
        ("result: query by studentUniqueId", "3 records, the ones asked for", "5 records"),
    ),
    "query-by-key-part": (
        without("programName"),
        ("result: query by another programName", "no records", "received  3"),
    ),
    "query-by-whole-key": (without("beginDate"), ("query by the key of", "3 records")),
    "query-by-other-property": (without("endDate"), ("result: query by endDate", "3 records")),
    "names-ignore-case": (
        instead(lambda r: is_cte(r, "GET") and not is_item(r), same_names),
        ("path in upper case", "404", "studentuniqueid in lower case"),
    ),
    "query-shows-whole-records": (
        rows(
            lambda found: [{k: v for k, v in r.items() if k != "cteProgramServices"} for r in found]
        ),
        ("record in the query", "cteProgramServices"),
    ),
    "empty-result-is-an-array": (
        where(
            lambda r: is_cte(r, "GET") and not is_item(r),
            lambda _r, a: problem(404, "Nothing found.") if a.get_data() == b"[]" else a,
        ),
        ("status: query that finds nothing", "expected  200", "404: Nothing found."),
    ),
    "limit-limits": (without("limit"), ("records with limit 1", "received  3")),
    "pages-make-the-whole": (
        without("offset"),
        ("two pages", "every record once", "records 1, 2, 1, 2 of the whole query"),
    ),
    "order-is-stable": (shuffled, ("second query", "records 3, 2, 1 of the whole query")),
    "limit-zero-is-empty": (
        without("limit"),
        (
            "body",
            "expected  []",
        ),
    ),
    "bad-paging-is-refused": (
        without("limit"),
        ("status: query with limit=-1", "expected  400", "received  200"),
    ),
    "total-count-is-told": (
        without_headers("Total-Count"),
        ("Total-Count with no limit", "expected  3", '"None"'),
    ),
    "total-count-follows-the-query": (
        where(
            lambda r: is_cte(r, "GET"),
            lambda _r, a: a.headers.__setitem__("Total-Count", "7") or a,
        ),
        ("Total-Count of a query for one record", "expected  1", '"7"'),
    ),
    "total-count-only-where-asked": (
        where(
            lambda r: is_cte(r, "GET"),
            lambda _r, a: a.headers.__setitem__("Total-Count", "3") or a,
        ),
        ("no such header", '"3"'),
    ),
    # -- writes
    "create-answers-201": (
        status("POST", 200),
        ("status: POST under a new natural key", "expected  201", "received  200"),
    ),
    "create-location": (
        location("/data/v3/ed-fi/students/1"),
        ("Location header", "an address below", "/ed-fi/students/1"),
    ),
    "create-location-is-absolute": (
        everywhere(
            lambda _r, a: (
                setattr(a, "autocorrect_location_header", False)
                or (
                    "Location" in a.headers
                    and a.headers.__setitem__(
                        "Location", "/" + a.headers["Location"].split("/", 3)[3]
                    )
                )
                or a
            )
        ),
        ("Location header", "an absolute URL", '"/data/v3/'),
    ),
    "create-reads-back": (
        shown(inside("cteProgramServices", put("primaryIndicator", "true"))),
        ("cteProgramServices[Information Technology].primaryIndicator", 'became \\"true\\"'),
    ),
    "reads-fit-the-data-model": (
        shown(put("_lastModifiedDate", "yesterday")),
        ("_lastModifiedDate", "a date and time (RFC 3339)", '"yesterday"'),
    ),
    "dates-are-dates": (
        shown(put("beginDate", "2026-08-23T00:00:00")),
        ("beginDate", "a date such as", "2026-08-23T00:00:00"),
    ),
    "upsert-answers-200": (
        instead(lambda r: is_cte(r, "POST"), second_id),
        ("status: POST under an existing natural key", "expected  200", *CREATED),
    ),
    "upsert-replaces": (
        instead(lambda r: is_cte(r, "POST"), merged),
        ("technicalSkillsAssessmentDescriptor, which was left out", "absent or null"),
    ),
    "put-answers-204": (
        status("PUT", 200),
        ("status: PUT of a record", "expected  204", "received  200"),
    ),
    "put-replaces": (
        instead(lambda r: is_cte(r, "PUT"), merged),
        ("technicalSkillsAssessmentDescriptor, which was left out", "absent or null"),
    ),
    "put-changes-what-it-says": (
        stored(drop("nonTraditionalGenderStatus"), "PUT"),
        (
            "the record after the PUT",
            "nothing else",
            "nonTraditionalGenderStatus: true became absent",
        ),
    ),
    "put-removes-collections": (
        instead(lambda r: is_cte(r, "PUT"), merged),
        ("cteProgramServices after the PUT", "absent, null or empty"),
    ),
    "put-is-idempotent": (
        toggling,
        ("the record after the second PUT", "servedOutsideOfRegularSession: false became true"),
    ),
    "put-without-id-in-the-body": (
        instead(
            lambda r: is_cte(r, "PUT") and "id" not in sent(r),
            lambda _r, _p: problem(400, "id is missing."),
        ),
        ("status: PUT without id in the body", "400: id is missing."),
    ),
    "null-collection-is-empty": (
        instead(
            lambda r: is_cte(r, "POST") and sent(r).get("cteProgramServices", 1) is None,
            lambda _r, _p: problem(400, "No null."),
        ),
        ("status: POST with cteProgramServices null", "400: No null."),
    ),
    "unknown-property-is-ignored": (
        shown(put("favouriteColour", "blue")),
        ("favouriteColour", "not stored", '"blue"'),
    ),
    "types-are-not-taken-over": (
        shown(put("privateCTEProgram", "true")),
        ("privateCTEProgram", "True, boolean", "'true', string"),
    ),
}


# -- what is legal ----------------------------------------------------------------------------------


def dashless_error(change: Callable[[Response], Response]) -> Callable[[], Middleware]:
    def alter(_request: Request, response: Response) -> Response:
        return change(response) if response.status_code >= 400 else response

    return everywhere(alter)


def plain_json(response: Response) -> Response:
    response.content_type = "application/json"
    return response


def unknown_property_400(request: Request, proceed: Proceed) -> Response:
    if request.method in ("POST", "PUT") and "favouriteColour" in request.get_data(as_text=True):
        return problem(400, "There is no favouriteColour.", "bad-request")
    return proceed(request)


def no_metadata(request: Request, proceed: Proceed) -> Response:
    if request.path.lower() == "/metadata" or request.path.lower().endswith(".json"):
        return problem(404, "There is nothing at this address.", "not-found")
    response = proceed(request)
    if request.path == "/":
        body = json.loads(response.get_data())
        body["urls"].pop("openApiMetadata")
        return with_body(response, body)
    return response


def extra_property(record: dict[str, Any]) -> None:
    record["_ext"] = {"state": {"campus": 7}}
    record["localNote"] = "kept by the host"


def nulls(record: dict[str, Any]) -> None:
    if "programReference" in record and "studentReference" in record:
        for name in (
            "endDate",
            "reasonExitedDescriptor",
            "technicalSkillsAssessmentDescriptor",
            "privateCTEProgram",
            "cteProgramServices",
            "servedOutsideOfRegularSession",
        ):
            record.setdefault(name, None)


def strict_types(request: Request, proceed: Proceed) -> Response:
    """A host that takes no text for a boolean or number."""
    body = sent(request)
    if isinstance(body.get("privateCTEProgram"), str):
        return problem(400, "privateCTEProgram is no boolean.", "bad-request")
    return proceed(request)


def student_unknown_403(request: Request, proceed: Proceed) -> Response:
    """A host that asks first whether the key may write about the student."""
    response = proceed(request)
    text = response.get_data(as_text=True)
    if response.status_code == 409 and "no such Student." in text:
        return problem(403, "Access to the student is denied.", "security:authorization:")
    return response


def named_ids(request: Request, proceed: Proceed) -> Response:
    """A host whose ids are no UUIDs: an `r` stands before the digits."""
    head, slash, last = request.path.rpartition("/")
    is_item = slash and last.startswith("r") and len(last) == 33
    body = sent(request)
    told = body.get("id")
    if isinstance(told, str) and told.startswith("r"):
        body["id"] = told[1:]
    if is_item or told:
        path = f"{head}/{last[1:]}" if is_item else request.path
        request = altered(request, path=path, body=body if told else None)
    response = proceed(request)
    if response.headers.get("Location"):
        base, _, last = response.headers["Location"].rpartition("/")
        response.headers["Location"] = f"{base}/r{last}"
    with suppress(ValueError):
        found = json.loads(response.get_data())
        for record in found if isinstance(found, list) else [found]:
            if isinstance(record, dict) and isinstance(record.get("id"), str):
                record["id"] = f"r{record['id']}"
        with_body(response, found)
    return response


#: What an API may do and the pack must not fail.
LEGAL: dict[str, Callable[[], Middleware]] = {
    "json-errors": dashless_error(plain_json),
    "no-token-info": instead(lambda r: r.path == "/oauth/token_info", says(404)),
    "no-openapi": lambda: no_metadata,
    "extra-properties": each_record(extra_property),
    "nulls": each_record(nulls),
    "unknown-property-400": lambda: unknown_property_400,
    "missing-token-400": instead(without_token, lambda _r, _p: problem(400, "No header.")),
    "strict-types": lambda: strict_types,
    "student-unknown-403": lambda: student_unknown_403,
    "other-ids": lambda: named_ids,
    "students-not-deletable": instead(
        lambda r: "/students/" in r.path and r.method == "DELETE",
        lambda r, p: (
            p(r)
            if p(altered(r, method="GET")).status_code == 403
            else problem(
                403, "This key deletes no students.", "security:authorization:access-denied:action"
            )
        ),
    ),
    "methods-404": where(
        lambda _r: True,
        lambda _r, a: problem(404, "Nothing.", "not-found") if a.status_code == 405 else a,
    ),
    "queried-descriptor-unknown-400": instead(
        lambda r: (
            "(none)" in r.query_string.decode().replace("%28", "(").replace("%29", ")")
            and "Descriptor" in r.query_string.decode()
        ),
        lambda _r, _p: problem(400, "No such descriptor.", "bad-request"),
    ),
}
