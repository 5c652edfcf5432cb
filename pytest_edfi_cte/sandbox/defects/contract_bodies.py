"""Defects that a contract check finds: bodies that must be refused are taken."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.tools import (
    BAD_REQUEST,
    CREATED,
    NO_CONTENT,
    UNSUPPORTED,
    Defect,
    Json,
    Wire,
    empty,
    handled,
)
from pytest_edfi_cte.sandbox.wire import json_response

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "contract"


def _phantom(phantoms: dict[str, Json], wire: Wire) -> Response | None:
    """The answer for a record that only the defect knows, None where it is none of those."""
    if wire.item not in phantoms:
        return None
    if wire.method == "DELETE":
        del phantoms[wire.item]
        return empty(NO_CONTENT)
    if wire.method == "PUT":
        phantoms[wire.item] = wire.body
        return empty(NO_CONTENT)
    return json_response({**phantoms[wire.item], "id": wire.item})


def _taken(refusal: Callable[[Wire, Response], bool]) -> Make:
    """What the API refuses for this reason is taken: as a new record, or as an update."""

    def start() -> Callable[[Wire], Response]:
        phantoms: dict[str, Json] = {}

        def handle(wire: Wire) -> Response:
            known = _phantom(phantoms, wire)
            if known is not None:
                return known
            response = wire.go()
            if wire.method not in ("POST", "PUT") or not refusal(wire, response):
                return response
            if wire.method == "PUT":
                return empty(NO_CONTENT)
            item = uuid.uuid4().hex
            phantoms[item] = wire.body if isinstance(wire.body, dict) else {}
            place = f"{wire.request.base_url.rstrip('/')}/{item}"
            return empty(CREATED, Location=place)

        return handle

    return handled(start)


def _says(pattern: str, code: int = BAD_REQUEST) -> Callable[[Wire, Response], bool]:
    """True where every problem that the refusal names fits the pattern."""

    def fits(_wire: Wire, response: Response) -> bool:
        body = response.get_json(force=True, silent=True)
        if response.status_code != code or not isinstance(body, dict):
            return False
        named = [text for texts in (body.get("validationErrors") or {}).values() for text in texts]
        named += body.get("errors") or []
        return bool(named) and all(re.search(pattern, text) for text in named)

    return fits


def _empty(wire: Wire, response: Response) -> bool:
    return response.status_code == BAD_REQUEST and not wire.request.get_data().strip()


def _of_another_type(_wire: Wire, response: Response) -> bool:
    return response.status_code == UNSUPPORTED


def _of_type(kind: str) -> Callable[[Wire, Response], bool]:
    def fits(_wire: Wire, response: Response) -> bool:
        return response.status_code >= BAD_REQUEST and f'{kind}"' in response.get_data(as_text=True)

    return fits


def _defects() -> list[tuple[str, str, Make]]:
    return [
        (
            "required-not-enforced",
            "A record without a required property is taken.",
            _taken(_says(r"is required\.$")),
        ),
        (
            "type-not-enforced",
            "A value of a wrong JSON type is taken.",
            _taken(_says(r"^must be an? (boolean|object|array|string|number|whole)")),
        ),
        (
            "length-not-enforced",
            "A text that is too long is taken.",
            _taken(_says("characters? long")),
        ),
        (
            "datetime-accepted-for-date",
            "A date with a time, or no date at all, is taken.",
            _taken(_says("^must be a calendar date")),
        ),
        (
            "unknown-descriptor-accepted",
            "A descriptor value that does not exist is taken.",
            _taken(_says("that this API knows")),
        ),
        (
            "reference-not-checked",
            "A reference to a record that does not exist is taken.",
            _taken(_of_type("unresolved-reference")),
        ),
        ("empty-body-accepted", "An empty body is taken.", _taken(_empty)),
        (
            "unreadable-json-accepted",
            "A body that is no JSON is taken.",
            _taken(_says("is not JSON")),
        ),
        (
            "key-change-accepted",
            "A PUT with another natural key is answered with 204.",
            _taken(_of_type("key-change-not-supported")),
        ),
        (
            "content-type-not-checked",
            "A body is taken under a wrong content type.",
            _taken(_of_another_type),
        ),
    ]


def _should() -> list[tuple[str, str, Make]]:
    return [
        (
            "duplicate-elements-accepted",
            "Two elements of a collection with one key are taken.",
            _taken(_says("same identifying values")),
        ),
    ]


DEFECTS = (
    *(Defect(name, GROUP, summary, make) for name, summary, make in _defects()),
    *(Defect(name, GROUP, summary, make, "should") for name, summary, make in _should()),
)
