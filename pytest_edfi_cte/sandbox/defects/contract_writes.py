"""Defects that a contract check finds: what may be written, and what a write does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.tools import (
    BAD_REQUEST,
    CONFLICT,
    CREATED,
    NO_CONTENT,
    NOT_FOUND,
    NOT_MODIFIED,
    OK,
    SERVERS_OWN,
    STALE,
    Defect,
    Json,
    Wire,
    after,
    empty,
    handled,
    handling,
    payload,
    problem,
    with_body,
)
from pytest_edfi_cte.sandbox.wire import json_response

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make, Middleware

GROUP = "contract"


def _without_id(wire: Wire) -> Response:
    """An id in a POST does not matter, nor does a wrong one in a PUT."""
    response = wire.go()
    body = wire.body
    if response.status_code == BAD_REQUEST and isinstance(body, dict) and "id" in body:
        del body["id"]
        again = wire.go(body=body)
        return again if again.status_code < BAD_REQUEST else response
    return response


def _id_ignored(method: str) -> Make:
    def handle(wire: Wire) -> Response:
        return _without_id(wire) if wire.method == method else wire.go()

    return handling(handle)


def _put_creates(wire: Wire, _response: Response) -> Response:
    body = payload(wire.body or {})
    answer = wire.go(method="POST", path=wire.base + wire.collection, body=body)
    return answer if answer.status_code == CREATED else empty(NO_CONTENT)


def _merged(wire: Wire) -> Response:
    """What a PUT leaves out stays."""
    body = wire.body
    if wire.method != "PUT" or not wire.is_item or not isinstance(body, dict):
        return wire.go()
    return wire.go(body={**payload(wire.read() or {}), **body})


def _once() -> Callable[[Wire], Response]:
    """The same PUT again is refused."""
    last: dict[str, bytes] = {}

    def handle(wire: Wire) -> Response:
        path, sent = wire.request.path, wire.request.get_data()
        if wire.method == "PUT" and last.get(path) == sent:
            return problem(CONFLICT, "Nothing has changed.", "data-conflict")
        response = wire.go()
        if wire.method == "PUT" and response.status_code == NO_CONTENT:
            last[path] = sent
        return response

    return handle


def _unlocked(wire: Wire) -> Response:
    response = wire.go()
    if response.status_code == STALE:
        return wire.go(without=("If-Match",))
    return response


def _always_sent(wire: Wire) -> Response:
    response = wire.go()
    if response.status_code == NOT_MODIFIED:
        return wire.go(without=("If-None-Match",))
    return response


def _same_tag(wire: Wire) -> Response:
    """A record keeps its ETag whatever is written."""
    tag = '"1"'
    known = [n for n in ("If-Match", "If-None-Match") if wire.request.headers.get(n) == tag]
    response = wire.go(without=tuple(known)) if known else wire.go()
    if response.headers.get("ETag"):
        response.headers["ETag"] = tag
        body = response.get_json(silent=True)
        if isinstance(body, dict) and "_etag" in body:
            with_body(response, {**body, "_etag": tag.strip('"')})
        if "If-None-Match" in known and response.status_code == OK:
            return empty(NOT_MODIFIED, ETag=tag)
    return response


def _kept_unknown() -> Callable[[Wire], Response]:
    """Properties that the API does not know are stored and shown."""
    extra: dict[str, Json] = {}

    def handle(wire: Wire) -> Response:
        response = wire.go()
        sent = wire.body if wire.method in ("POST", "PUT") else None
        if isinstance(sent, dict) and response.status_code in (OK, CREATED, NO_CONTENT):
            place = response.headers.get("Location", wire.request.path)
            item = place.rstrip("/").rpartition("/")[2]
            known = wire.read(f"{wire.base}{wire.collection}/{item}") or {}
            # An optional property sent as null or [] is left out as well: that is no unknown one.
            names = [n for n, v in sent.items() if n not in known and v not in (None, [])]
            extra[item] = {n: sent[n] for n in names if n not in SERVERS_OWN}
        elif wire.method == "GET" and response.status_code == OK and extra.get(wire.item):
            with_body(response, {**response.get_json(), **extra[wire.item]})
        return response

    return handle


def _nulls_refused(wire: Wire) -> Response:
    body = wire.body
    if wire.method == "POST" and isinstance(body, dict) and None in body.values():
        return problem(BAD_REQUEST, "null is not possible.", "bad-request")
    return wire.go()


def _not_deleted(wire: Wire) -> Response:
    """DELETE is answered, and the record stays."""
    if wire.method != "DELETE" or not wire.is_item:
        return wire.go()
    known = wire.go(method="GET", without=("If-Match", "If-None-Match"))
    return empty(NO_CONTENT) if known.status_code == OK else wire.go()


def _answers(code: int) -> Callable[[Wire, Response], Response | None]:
    """Another status, with an empty body."""
    return lambda _wire, _response: empty(code)


def _some_record(wire: Wire, _response: Response) -> Response | None:
    return json_response({"id": wire.item}) if wire.is_item else None


def _anywhere(make: Make) -> Make:
    """The defect is every collection's, whatever the target: prerequisites have it too."""

    def of_all(target: str = "*") -> Middleware:  # noqa: ARG001 - the signature of every make
        return make("*")

    return of_all


def _defects() -> list[tuple[str, str, Make]]:
    return [
        ("id-in-post-accepted", "An id in the body of a POST is taken.", _id_ignored("POST")),
        (
            "id-mismatch-accepted",
            "A PUT with the id of another record is taken.",
            _id_ignored("PUT"),
        ),
        (
            "put-creates",
            "A PUT to an unknown id makes a record.",
            after("PUT", _put_creates, NOT_FOUND),
        ),
        (
            "put-unknown-id-answers-204",
            "A PUT to an unknown id is answered with 204.",
            after("PUT", _answers(NO_CONTENT), NOT_FOUND),
        ),
        (
            "get-unknown-id-answers-200",
            "Reading an unknown id gives an empty record.",
            after("GET", _some_record, NOT_FOUND),
        ),
        ("put-merges", "What an update leaves out stays in the record.", handling(_merged)),
        ("put-not-idempotent", "The same update again is refused.", handled(_once)),
        ("stale-etag-accepted", "An update with an old ETag is taken.", handling(_unlocked)),
        ("etag-never-changes", "A record keeps its ETag when it is updated.", handling(_same_tag)),
        (
            "null-collection-refused",
            "A record with null for an optional collection is refused.",
            handling(_nulls_refused),
        ),
        (
            "delete-answers-200",
            "Deleting a record is answered with 200.",
            after("DELETE", _answers(OK)),
        ),
        (
            "delete-not-done",
            "Deleting a record is answered with 204, and the record stays.",
            handling(_not_deleted),
        ),
        (
            "delete-again-answers-204",
            "Deleting a record that is gone is answered with 204.",
            after("DELETE", _answers(NO_CONTENT), NOT_FOUND),
        ),
        (
            "delete-of-referenced-answers-204",
            "Deleting a record that others refer to is answered with 204.",
            _anywhere(after("DELETE", _answers(NO_CONTENT), CONFLICT)),
        ),
    ]


def _should() -> list[tuple[str, str, Make]]:
    return [
        (
            "unknown-property-stored",
            "A property that the API does not know is stored.",
            handled(_kept_unknown),
        ),
        (
            "if-none-match-ignored",
            "A record is sent again although the client has it.",
            handling(_always_sent),
        ),
    ]


DEFECTS = (
    *(Defect(name, GROUP, summary, make) for name, summary, make in _defects()),
    *(Defect(name, GROUP, summary, make, "should") for name, summary, make in _should()),
)
