"""Defects of identity: ids, natural keys, and one record being one record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.places import drop, put
from pytest_edfi_cte.sandbox.defects.tools import (
    CREATED,
    NO_CONTENT,
    OK,
    Defect,
    Json,
    Wire,
    after,
    empty,
    handled,
    payload,
    problem,
    queries,
    shown,
    with_body,
)

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "identity"


def _second_record() -> Callable[[Wire], Response]:
    """Posting a key again makes a second record: it is read, listed and deleted as one."""
    twins: dict[str, str] = {}  # id of the second record -> id of the one it was made from

    def handle(wire: Wire) -> Response:
        if wire.item in twins:
            return _of_twin(wire, twins)
        response = wire.go()
        if wire.method == "POST" and response.status_code == OK:
            place, _, real = response.headers["Location"].rpartition("/")
            twin = uuid.uuid4().hex
            twins[twin] = real
            response.status_code = CREATED
            response.headers["Location"] = f"{place}/{twin}"
        elif wire.method == "GET" and not wire.is_item and response.status_code == OK:
            found = response.get_json()
            more = [
                {**record, "id": twin}
                for twin, real in twins.items()
                for record in found
                if record["id"] == real
            ]
            with_body(response, [*found, *more])
        return response

    return handle


def _of_twin(wire: Wire, twins: dict[str, str]) -> Response:
    if wire.method == "DELETE":
        del twins[wire.item]
        return empty(NO_CONTENT)
    body = wire.body
    if isinstance(body, dict) and body.get("id") == wire.item:
        body["id"] = twins[wire.item]
    path = f"{wire.base}{wire.collection}/{twins[wire.item]}"
    response = wire.go(path=path, body=body)
    if wire.method == "GET" and response.status_code == OK:
        with_body(response, {**response.get_json(), "id": wire.item})
    return response


def _new_id(wire: Wire, response: Response) -> None:
    path = urlsplit(response.headers["Location"]).path
    wire.go(method="DELETE", path=path)
    response.headers["Location"] = wire.go().headers["Location"]


def _created_again(_wire: Wire, response: Response) -> None:
    response.status_code = CREATED


def _kept(answer: Callable[[Response], Response]) -> Make:
    """Posting a key again leaves the record as it was, whatever is answered."""

    def start() -> Callable[[Wire], Response]:
        first: dict[str, Json] = {}

        def handle(wire: Wire) -> Response:
            response = wire.go()
            path = urlsplit(response.headers.get("Location", "")).path
            if wire.method == "POST" and response.status_code == CREATED:
                first[path] = payload(wire.read(path) or {})
            elif wire.method == "POST" and response.status_code == OK and path in first:
                wire.go(body=first[path])
                return answer(response)
            return response

        return handle

    return handled(start)


def _refused_again(_response: Response) -> Response:
    return problem(409, "The record exists already.", "data-conflict:non-unique-identity")


def _defects() -> list[tuple[str, str, Make]]:
    return [
        ("id-absent", "A record has no id when it is read.", shown(drop("id"))),
        (
            "id-of-another",
            "A record shows another id than its address.",
            shown(put("id", "f" * 32)),
        ),
        (
            "key-finds-nothing",
            "A stored record is not found by its natural key.",
            queries(lambda _found: []),
        ),
        (
            "key-finds-two",
            "A stored record is there twice under its natural key.",
            queries(lambda found: found * 2),
        ),
        (
            "upsert-makes-second-record",
            "Posting a natural key again makes a second record.",
            handled(_second_record),
        ),
        (
            "upsert-refused",
            "Posting a natural key again is refused with 409.",
            _kept(_refused_again),
        ),
        (
            "upsert-answers-201",
            "Posting a natural key again is answered as a create, with 201.",
            after("POST", _created_again, OK),
        ),
        (
            "upsert-gives-new-id",
            "Posting a natural key again gives the record a new id.",
            after("POST", _new_id, OK),
        ),
        (
            "upsert-not-stored",
            "Posting a natural key again is answered with 200, and the record stays as it was.",
            _kept(lambda response: response),
        ),
    ]


DEFECTS = tuple(Defect(name, GROUP, summary, make) for name, summary, make in _defects())
