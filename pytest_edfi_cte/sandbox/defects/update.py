"""Defects of updating: the answer to the PUT, and what the record is afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.defects.create import with_another_descriptor
from pytest_edfi_cte.sandbox.defects.places import (
    ELEMENT,
    GONE,
    ROOT,
    boolean,
    collection,
    descriptor,
    edit,
    false,
    other_code,
    text,
    with_element,
)
from pytest_edfi_cte.sandbox.defects.tools import (
    NO_CONTENT,
    OK,
    Defect,
    Json,
    Wire,
    after,
    answered,
    handled,
    handling,
    payload,
    problem,
    refused,
    shown,
    status,
    stored,
    with_body,
)

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from pytest_edfi_cte.sandbox.defects.tools import Change, Make, Proceed

GROUP = "update"
NUMBERS = {True: 1, False: 0}


def refuse_if_match(request: Request, proceed: Proceed) -> Response:
    """Every If-Match is called stale."""
    if request.headers.get("If-Match"):
        return problem(412, "The record was changed by another.", "optimistic-lock-failed")
    return proceed(request)


def later(change: Change) -> Make:
    """GET shows the record changed once it was updated."""
    return shown(change, after_put=True)


def flag(new: Any) -> Change:
    """The first flag, in a collection where there is one, becomes ``new``."""
    return edit(boolean, new, ELEMENT, ROOT)


def _put_back(wire: Wire) -> Response:
    """The answer to a PUT, after which the record is as it was."""
    if wire.method != "PUT":
        return wire.go()
    old = wire.read()
    response = wire.go()
    if response.status_code == NO_CONTENT and old is not None:
        wire.go(body=payload(old), without=("If-Match",))
    return response


def _new_id(wire: Wire, _response: Response) -> None:
    record = payload(wire.read() or {})
    without = ("If-Match", "If-None-Match")
    wire.go(method="DELETE", without=without)
    wire.go(method="POST", path=wire.base + wire.collection, body=record, without=without)


def _gone() -> Callable[[Wire], Response]:
    """An updated record is not found by its id, but still deleted."""
    updated: set[str] = set()

    def handle(wire: Wire) -> Response:
        path = wire.request.path
        if wire.method == "GET" and path in updated:
            return problem(404, "There is no such record.", "not-found")
        response = wire.go()
        if wire.method == "PUT" and response.status_code == NO_CONTENT:
            updated.add(path)
        return response

    return handle


def _listed(answer: Callable[[list[Json], Json], list[Json]]) -> Make:
    """After an update the collection shows ``answer(found, record before the update)``."""

    def start() -> Callable[[Wire], Response]:
        before: dict[str, Json] = {}

        def handle(wire: Wire) -> Response:
            old = wire.read() if wire.method == "PUT" else None
            response = wire.go()
            if wire.method == "PUT" and response.status_code == NO_CONTENT and old:
                before[old["id"]] = old
            if wire.method == "GET" and not wire.is_item and response.status_code == OK:
                found = response.get_json()
                for record in [r for r in found if r["id"] in before]:
                    found = answer(found, before[record["id"]])
                return with_body(response, found)
            return response

        return handle

    return handled(start)


def _as_before(found: list[Json], old: Json) -> list[Json]:
    return [old if record["id"] == old["id"] else record for record in found]


def _twice(found: list[Json], old: Json) -> list[Json]:
    return [*found, *(record for record in found if record["id"] == old["id"])]


def _without(found: list[Json], old: Json) -> list[Json]:
    return [record for record in found if record["id"] != old["id"]]


def _if_absent(name: str, value: Any) -> Change:
    def change(record: Json) -> None:
        record.setdefault(name, value)

    return change


def _flipped_copy(elements: list[Json]) -> list[Json]:
    def change(element: Json) -> None:
        edit(boolean, lambda value: not value, ROOT)(element)

    return with_element(change)(elements)


def _another_element(elements: list[Json]) -> list[Json]:
    return with_element(edit(descriptor, other_code, ROOT))(elements)


def _defects() -> list[tuple[str, str, Make]]:
    return [
        ("update-answers-200", "An update is answered with 200.", status("PUT", 200)),
        ("update-answers-405", "An update is refused with 405.", refused("PUT", 405)),
        ("update-answers-500", "An update is answered with 500.", refused("PUT", 500)),
        (
            "update-refuses-its-own-etag",
            "An update with the record's present ETag is refused with 412.",
            answered("PUT", refuse_if_match),
        ),
        (
            "update-not-stored",
            "An update is answered with 204, and the record stays as it was.",
            handling(_put_back),
        ),
        (
            "update-flag-null",
            "A flag that an update sent reads back as null.",
            later(flag(None)),
        ),
        (
            "update-loses-false",
            "A flag that an update sent as false is not stored.",
            stored(edit(false, GONE, ELEMENT, ROOT), "PUT"),
        ),
        (
            "update-flag-as-number",
            "A flag that an update sent reads back as 0 or 1.",
            later(flag(NUMBERS.get)),
        ),
        (
            "update-flag-as-text",
            'A flag that an update sent reads back as "false" or "true".',
            later(flag(lambda value: str(value).lower())),
        ),
        (
            "update-loses-text",
            "An update loses a text that it did not change.",
            stored(edit(text, GONE, ELEMENT, ROOT), "PUT"),
        ),
        (
            "update-loses-descriptor",
            "An update loses a descriptor that it did not change.",
            stored(edit(descriptor, GONE, ROOT), "PUT"),
        ),
        (
            "update-loses-collection",
            "An update loses a collection that it sent.",
            stored(collection(lambda _elements: GONE), "PUT"),
        ),
        (
            "update-changes-another-flag",
            "An update changes a flag that it was not about.",
            stored(edit(false, True, ROOT), "PUT"),
        ),
        (
            "update-adds-date",
            "After an update the record has a date that nobody sent.",
            later(_if_absent("endDate", "2027-05-23")),
        ),
        (
            "update-adds-flag",
            "After an update the record has a flag that nobody sent.",
            later(_if_absent("servedOutsideOfRegularSession", False)),
        ),
        (
            "update-keeps-old-element",
            "After an update the old element is there beside the new one.",
            later(collection(_flipped_copy)),
        ),
        (
            "update-adds-element",
            "After an update a collection has an element that nobody sent.",
            later(collection(_another_element)),
        ),
        (
            "update-stores-another-descriptor",
            "An update stores its element under another descriptor value.",
            with_another_descriptor("PUT"),
        ),
        (
            "update-loses-record",
            "An updated record is not found by its id any more.",
            handled(_gone),
        ),
        (
            "update-not-in-collection",
            "After an update the collection still shows the record as it was.",
            _listed(_as_before),
        ),
        (
            "update-not-found-by-key",
            "An updated record is not found by its natural key any more.",
            _listed(_without),
        ),
        (
            "update-found-twice",
            "An updated record is there twice under its natural key.",
            _listed(_twice),
        ),
        (
            "update-gives-new-id",
            "An update deletes the record and creates another one with a new id.",
            after("PUT", _new_id),
        ),
    ]


DEFECTS = tuple(Defect(name, GROUP, summary, make) for name, summary, make in _defects())
