"""What can go wrong on purpose: which requests, and what happens to them."""

from __future__ import annotations

import errno
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import problems
from pytest_edfi_cte.sandbox.discovery import DATA
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.wire import json_response, problem_response

Proceed = Callable[[Request], Response]
#: Wraps every request: ``middleware(request, proceed) -> response``. ``proceed`` may be called
#: any number of times, with the request or with an altered copy of it.
Middleware = Callable[[Request, Proceed], Response]

BEFORE, AFTER = "before", "after"

# Of a trouble: what must be what. Checked, since they also come as JSON from another process.
_FIELDS = {
    "a text": ("method", "path", "client", "containing", "drop", "defect"),
    "a whole number": ("after", "times", "status", "truncate"),
    "a number of seconds": ("retry_after", "delay"),
    "true or false": ("expire",),
    "an object of headers": ("headers",),
}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class ConnectionDropped(ConnectionResetError):
    """Leaves the application where the connection is to be closed without (more of) an answer."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "dropped by an injected fault")


@dataclass(frozen=True)
class Trouble:
    """Which requests, and what happens to them. Everything given happens, in this order.

    Which: ``method`` (GET, POST… in any case), ``path`` (a glob in any case, on the path without
    query: ``/ed-fi/students*`` below the data address, or ``/oauth/token``), ``client`` (the
    id of the key that sent it),
    ``containing`` (a text in the body as sent, such as a student's id);
    None is every one. The first ``after`` such requests pass, then ``times`` are troubled (None:
    all). ``delay``: seconds to wait first. ``expire``: the token that the request carries is not
    valid any more, now and later. ``drop="before"``: the connection closes and the API
    never saw the request. ``status``, with ``headers`` and ``body`` (JSON, or text as it is): that
    is answered, the API never saw the request. Without ``status``, ``headers`` are added to the
    API's answer and ``body`` replaces its body. ``retry_after``: seconds, becomes a
    ``Retry-After`` header. ``drop="after"``: the API did what it was asked to, and
    the connection closes without an answer. ``truncate``: only so many bytes of the answer's body
    are sent, then the connection closes. ``defect``: the name of one of the
    :data:`~pytest_edfi_cte.sandbox.defects.DEFECTS`, e.g. ``update-not-stored``; the API then does
    what its summary says.

    Raises ValueError for values that make no sense.
    """

    method: str | None = None
    path: str | None = None
    client: str | None = None
    containing: str | None = None
    after: int = 0
    times: int | None = None
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: Any = None
    retry_after: float | None = None
    delay: float | None = None
    drop: str | None = None
    truncate: int | None = None
    expire: bool = False
    defect: str | None = None

    def __post_init__(self) -> None:
        self._require_kinds()
        self._require_sendable()
        if self.status is not None and not 200 <= self.status <= 599:  # noqa: PLR2004 - final HTTP statuses
            raise ValueError(f"status {self.status!r} is not one from 200 to 599")
        if self.drop not in (None, BEFORE, AFTER):
            raise ValueError(f"drop {self.drop!r} is neither {BEFORE!r} nor {AFTER!r}")
        if self.drop and (self.status is not None or self.truncate is not None):
            raise ValueError("a dropped connection has no answer: leave out status and truncate")
        for name in ("after", "times", "retry_after", "delay", "truncate"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} {value!r} is below 0")
        answered = (self.status, self.headers, self.body, self.retry_after)
        actions = (*answered, self.delay, self.drop, self.truncate, self.defect)
        if all(action is None for action in actions) and not self.expire:
            raise ValueError(
                "a fault must do something: give status, headers, body, retry_after, delay, drop,"
                " truncate, expire or defect"
            )

    def _require_kinds(self) -> None:
        for kind, names in _FIELDS.items():
            for name in names:
                value = getattr(self, name)
                if value is not None and not _is(kind, value):
                    raise ValueError(f"{name} {value!r} is not {kind}")

    def _require_sendable(self) -> None:
        for name, value in (self.headers or {}).items():
            if not (_HEADER_NAME.fullmatch(str(name)) and _HEADER_VALUE.fullmatch(str(value))):
                raise ValueError(f"header {name!r} with {value!r} cannot be sent")
        try:
            json.dumps(self.body, ensure_ascii=False).encode()
        except (TypeError, ValueError) as error:
            raise ValueError(f"body cannot be sent: {error}") from None

    def fits(self, request: Request, client: str | None) -> bool:
        """Whether it is about this request of this client."""
        path = _unslashed(request.path)
        return (
            (self.method is None or self.method.upper() == request.method)
            and self.client in (None, client)
            and (self.containing is None or self.containing in request.get_data(as_text=True))
            and (
                self.path is None
                or any(
                    fnmatchcase(place, _unslashed(self.path))
                    for place in (path, path.removeprefix(DATA))
                )
            )
        )

    def __str__(self) -> str:
        """What it does, in a few words."""
        words = [f"{self.delay:g} s late"] if self.delay else []
        words += ["token expired"] if self.expire else []
        words += [f"dropped {self.drop} it was handled"] if self.drop else []
        words += [f"answered {self.status}"] if self.status else []
        words += [f"cut after {self.truncate} bytes"] if self.truncate is not None else []
        words += [self.defect] if self.defect else []
        return ", ".join(words) or "answer altered"

    def apply(
        self, request: Request, proceed: Proceed, wait: Callable[[float], object]
    ) -> Response:
        """Answer a request in the troubled way."""
        if self.delay:
            wait(self.delay)
        if self.drop == BEFORE:
            raise ConnectionDropped
        response = proceed(request) if self.status is None else self._instead()
        if self.drop == AFTER:
            raise ConnectionDropped
        if self.status is None and self.body is not None:
            response.set_data(self._own_body().get_data())
        response.headers.update(self.headers or {})
        if self.retry_after is not None:
            response.headers["Retry-After"] = f"{self.retry_after:.15g}"
        return response if self.truncate is None else _truncated(response, self.truncate)

    def _instead(self) -> Response:
        status = self.status or 0
        if self.body is not None:
            response = self._own_body()
            response.status_code = status
            return response
        if status < 400:  # noqa: PLR2004 - the first error status
            return Response(status=status)
        name = HTTP_STATUS_CODES.get(status, "Error")
        kind = problems.SYSTEM.type if status >= 500 else name.lower().replace(" ", "-")  # noqa: PLR2004 - the first server error
        return problem_response(
            Problem(problems.Kind(status, kind, name), "An injected fault of the sandbox.")
        )

    def _own_body(self) -> Response:
        return Response(self.body) if isinstance(self.body, str) else json_response(self.body)


def _unslashed(path: str) -> str:
    """In lower case and without a slash at the end: neither makes it another address."""
    return path.lower().rstrip("/") or "/"


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool):  # a number to Python
        return kind == "true or false"
    if kind == "a text":
        return isinstance(value, str)
    if kind == "a whole number":
        return isinstance(value, int)
    if kind == "a number of seconds":
        # More than this is no time that a thread can wait for.
        return isinstance(value, (int, float)) and value <= threading.TIMEOUT_MAX
    return kind == "an object of headers" and isinstance(value, Mapping)


def _truncated(response: Response, length: int) -> Response:
    raw = response.get_data()

    def partly() -> Iterator[bytes]:
        yield raw[:length]
        raise ConnectionDropped

    # Announced in full and sent in part: the client can tell.
    cut = Response(partly(), response.status_code, response.headers)
    cut.headers["Content-Length"] = str(max(len(raw), length + 1))
    return cut
