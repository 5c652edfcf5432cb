"""Defects of the transport: answers that are no JSON, log-in pages, tokens that do not work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.places import ELEMENT, ROOT, edit, text
from pytest_edfi_cte.sandbox.defects.tools import (
    OK,
    Defect,
    Wire,
    after,
    handling,
    problem,
    shown,
)
from pytest_edfi_cte.sandbox.discovery import TOKEN
from pytest_edfi_cte.sandbox.wire import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "transport"
_FLAG = re.compile(r'"(\w+)":\s*(?=true|false)')


def reading(alter: Callable[[Wire, Response], Response | None]) -> Make:
    """The answer to reading a record by its id is altered."""

    def of_item(wire: Wire, response: Response) -> Response | None:
        return alter(wire, response) if wire.is_item else None

    return after("GET", of_item, OK)


def raw_body(body: bytes, content_type: str = "application/json") -> Make:
    """Reading a record gives these bytes."""

    def alter(_wire: Wire, response: Response) -> None:
        response.content_type = content_type
        response.set_data(body)

    return reading(alter)


def _cut(_wire: Wire, response: Response) -> None:
    response.set_data(response.get_data()[: len(response.get_data()) // 2])


def _utf_16(_wire: Wire, response: Response) -> None:
    response.set_data(response.get_data(as_text=True).encode("utf-16"))


def _said_twice(_wire: Wire, response: Response) -> None:
    given = response.get_data(as_text=True)
    response.set_data(_FLAG.sub(r'"\1":"yes","\1":', given, count=1))


def _log_in(_wire: Wire, _response: Response) -> Response:
    return Response("", 302, headers={"Location": "/log-in"})


def _token(answer: Callable[[], Response]) -> Make:
    """The right key and secret are answered otherwise than with a token."""

    def handle(wire: Wire) -> Response:
        response = wire.go()
        is_token = wire.request.path.lower() == TOKEN and response.status_code == OK
        return answer() if is_token else response

    return handling(handle, all_paths=True)


def _refuse_token(wire: Wire) -> Response:
    if "/ed-fi/" in wire.request.path and wire.request.headers.get("Authorization"):
        return problem(401, "The token is unknown.", "security:authentication")
    return wire.go()


def _discovery(wire: Wire) -> Response:
    if wire.request.path == "/":
        return Response("<html>Welcome</html>", content_type="text/html")
    return wire.go()


def _defects() -> list[tuple[str, str, Make]]:
    return [
        ("json-cut", "The JSON of a record ends in the middle.", reading(_cut)),
        ("json-in-utf-16", "The JSON of a record is sent in UTF-16.", reading(_utf_16)),
        (
            "json-says-property-twice",
            "A property stands twice in a record, with two values.",
            reading(_said_twice),
        ),
        (
            "json-with-nan",
            "A value reads back as NaN, which is not JSON.",
            shown(edit(text, float("nan"), ELEMENT, ROOT)),
        ),
        (
            "html-for-json",
            "Reading a record gives a log-in page.",
            raw_body(b"<html>Log in</html>", "text/html"),
        ),
        ("redirect-to-log-in", "Reading a record leads to a log-in page.", reading(_log_in)),
        (
            "token-refused",
            "The right key and secret are refused.",
            _token(lambda: json_response({"error": "invalid_client"}, 401)),
        ),
        (
            "token-answer-empty",
            "The token request is answered with 200 and no token.",
            _token(lambda: json_response({})),
        ),
        (
            "token-not-accepted",
            "A token that was just given is refused for data.",
            handling(_refuse_token, all_paths=True),
        ),
        (
            "discovery-is-a-page",
            "The base URL shows a web page in place of the discovery document.",
            handling(_discovery, all_paths=True),
        ),
    ]


DEFECTS = tuple(Defect(name, GROUP, summary, make) for name, summary, make in _defects())
