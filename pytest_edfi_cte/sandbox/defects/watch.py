"""Did a middleware really alter something? Established by looking, for any middleware.

An answer to a GET is altered where it differs from the API's own answer to the same request. A
write is altered where the API was asked something else than the client asked (another body, other
headers, not at all, or more than once), or where the answer differs.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from pytest_edfi_cte.sandbox.defects.tools import Middleware, Proceed

#: Headers that differ between two equal answers.
_VARYING = {"content-length", "date"}


class Watch:
    """A middleware that calls another one (or none) and counts what that altered."""

    def __init__(self) -> None:
        self.middleware: Middleware | None = None
        self._lock = threading.Lock()
        self._altered = 0

    def __call__(self, request: Request, proceed: Proceed) -> Response:
        """Answer as the watched middleware does."""
        if self.middleware is None:
            return proceed(request)
        asked = _question(request)
        seen: list[tuple[object, object]] = []

        def noted(other: Request) -> Response:
            question = _question(other)  # before the API, which may change the request's body
            response = proceed(other)
            seen.append((question, _answer(response)))
            return response

        response = self.middleware(request, noted)
        given = _answer(response)
        if request.method == "GET":
            own = [answer for question, answer in seen if question == asked]
            same = given == (own[0] if own else _answer(proceed(request)))
        else:
            # Looking something up beside the write alters nothing.
            writes = [pair for pair in seen if _method(pair[0]) != "GET"]
            same = writes == [(asked, given)]
        if not same:
            with self._lock:
                self._altered += 1
        return response

    def take(self) -> int:
        """How many answers were altered since this was asked last."""
        with self._lock:
            count, self._altered = self._altered, 0
        return count


def _question(request: Request) -> tuple[Any, ...]:
    headers = sorted((name.lower(), value) for name, value in request.headers.items())
    kept = tuple(pair for pair in headers if pair[0] not in _VARYING)
    return (request.method, request.path, request.query_string, kept, _body(request.get_data()))


def _method(question: object) -> str:
    return str(question[0]) if isinstance(question, tuple) else ""


def _answer(response: Response) -> tuple[Any, ...]:
    headers = sorted((name.lower(), value) for name, value in response.headers.items())
    kept = tuple(pair for pair in headers if pair[0] not in _VARYING)
    return (response.status_code, kept, _body(response.get_data()))


def _body(raw: bytes) -> object:
    """A body to compare: of JSON the spelling of blanks does not count, all else does."""
    with suppress(ValueError):
        # Pairs keep the order and repeated names; repr tells true from 1.
        return repr(json.loads(raw.decode("utf-8"), object_pairs_hook=tuple))
    return raw
