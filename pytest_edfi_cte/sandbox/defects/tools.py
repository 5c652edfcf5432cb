"""What defects are made of: a request on its way, and makers of middleware around it.

A defect asks the API as the client did and then answers wrongly, wherever that is possible: so it
alters nothing where its occasion never came, and :mod:`.watch` can tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, Protocol

from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox.problems import MEDIA_TYPE
from pytest_edfi_cte.sandbox.wire import altered

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]
Proceed = Callable[[Request], Response]
Middleware = Callable[[Request, Proceed], Response]
#: Changes a record in place; a value that it returns takes the record's place.
Change = Callable[[Json], Any]
#: Collections that a defect attacks unless told otherwise: CTE's and the other student programs'.
TARGET = "student*programassociations"
OK, CREATED, NO_CONTENT, NOT_MODIFIED = 200, 201, 204, 304
BAD_REQUEST, UNAUTHORIZED, NOT_FOUND, NOT_ALLOWED = 400, 401, 404, 405
CONFLICT, STALE, UNSUPPORTED, SERVER_ERROR = 409, 412, 415, 500
#: What the API puts into a record beside what was sent.
SERVERS_OWN = ("id", "_etag", "_lastModifiedDate")
NOBODY = "0" * 32  # an id that no record has


class Make(Protocol):
    """Gives a fresh middleware; ``target`` is a glob on the collection's name in lower case."""

    def __call__(self, target: str = TARGET) -> Middleware:
        """A middleware with a memory of its own."""


@dataclass(frozen=True)
class Defect:
    """One way in which an Ed-Fi API is wrong (or, among the variants, differs and is right).

    ``summary`` says in one sentence what the API does. ``level`` is that of the requirement that
    it breaks: ``"must"`` or ``"should"``; a variant breaks none (``""``) or one that the
    certification scenarios do without.
    """

    name: str
    group: str
    summary: str
    make: Make
    level: Literal["", "must", "should"] = "must"


@dataclass(frozen=True)
class Wire:
    """One request on its way. ``collection`` is in lower case; ``item`` is ``""`` without an id."""

    request: Request
    proceed: Proceed
    collection: str
    item: str
    is_target: bool

    @classmethod
    def of(cls, request: Request, proceed: Proceed, target: str = TARGET) -> Wire:
        """Look at a request; it is the target's where the glob fits its collection."""
        _, _, rest = request.path.partition("/ed-fi/")
        collection, _, item = rest.strip("/").partition("/")
        fits = bool(collection) and fnmatchcase(collection.lower(), target.lower())
        return cls(request, proceed, collection.lower(), item, fits)

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method

    @property
    def is_item(self) -> bool:
        """True for a record's own address."""
        return bool(self.item)

    @property
    def base(self) -> str:
        """The path of the resources, with slash: ``/data/v3/ed-fi/``."""
        head, middle, _ = self.request.path.partition("/ed-fi/")
        return head + middle

    @property
    def body(self) -> Any:
        """The JSON that was sent, None where it is none."""
        return self.request.get_json(force=True, silent=True)

    def go(self, **changes: Any) -> Response:
        """The API's answer to the request, or to a copy with :func:`varied`'s changes."""
        return self.proceed(varied(self.request, **changes) if changes else self.request)

    def read(self, path: str | None = None, query: str = "") -> Any:
        """The JSON that a GET gives, by default of the request's own path; None where none."""
        without = ("If-Match", "If-None-Match")
        answer = self.go(method="GET", path=path, query=query, without=without)
        return answer.get_json(silent=True) if answer.status_code == OK else None


def varied(
    request: Request,
    *,
    query: str | None = None,
    without: tuple[str, ...] = (),
    **changes: Any,
) -> Request:
    """:func:`altered` with another query string and ``without`` some headers."""
    environ = dict(altered(request, **changes).environ)
    if query is not None:
        environ["QUERY_STRING"] = query
    for name in without:
        environ.pop(f"HTTP_{name.upper().replace('-', '_')}", None)
    return Request(environ)


def with_body(response: Response, body: Any) -> Response:
    """The response with another JSON body; a bytes body is put in as it is."""
    response.set_data(body if isinstance(body, bytes) else json.dumps(body))
    return response


def problem(
    code: int,
    detail: str = "It went wrong here.",
    kind: str = "system",
    **more: Any,
) -> Response:
    """A refusal with problem details."""
    body = {"type": f"urn:ed-fi:api:{kind}", "title": "No", "status": code, "detail": detail}
    return Response(json.dumps({**body, **more}), code, content_type=MEDIA_TYPE)


def empty(code: int, **headers: str) -> Response:
    """An answer without a body, and so without a type of it."""
    response = Response(b"", code, headers=headers)
    response.headers.pop("Content-Type", None)
    return response


def payload(record: Mapping[str, Any]) -> Json:
    """A stored record as a client would send it: without what the API put in."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(inner) for name, inner in value.items() if name != "link"}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return {name: bare(value) for name, value in record.items() if name not in SERVERS_OWN}


# -- makers of middleware -------------------------------------------------------------------------


def handled(start: Callable[[], Callable[[Wire], Response]], *, all_paths: bool = False) -> Make:
    """``start()`` gives a handler with a fresh memory; it gets the target's requests, or all."""

    def make(target: str = TARGET) -> Middleware:
        handle = start()

        def middleware(request: Request, proceed: Proceed) -> Response:
            wire = Wire.of(request, proceed, target)
            return handle(wire) if wire.is_target or all_paths else proceed(request)

        return middleware

    return make


def handling(handle: Callable[[Wire], Response], *, all_paths: bool = False) -> Make:
    """A handler without memory."""
    return handled(lambda: handle, all_paths=all_paths)


def everywhere(alter: Callable[[Request, Response], Response]) -> Make:
    """Every answer of the API is altered."""
    return handling(lambda wire: alter(wire.request, wire.go()), all_paths=True)


def answered(
    method: str, alter: Callable[[Request, Proceed], Response], *, item: bool | None = None
) -> Make:
    """One method on the target is answered by ``alter``; ``item`` limits it to ids or not."""

    def handle(wire: Wire) -> Response:
        if wire.method == method and item in (None, wire.is_item):
            return alter(wire.request, wire.proceed)
        return wire.go()

    return handling(handle)


def after(method: str, alter: Callable[[Wire, Response], Response | None], *statuses: int) -> Make:
    """The answer to one method is altered where it has one of the statuses (default: 2xx).

    ``alter`` gives another response, or None when it changed the one it got.
    """

    def handle(wire: Wire) -> Response:
        response = wire.go()
        due = response.status_code in statuses if statuses else response.status_code // 100 == 2  # noqa: PLR2004 - 2xx
        if wire.method != method or not due:
            return response
        return alter(wire, response) or response

    return handling(handle)


def status(method: str, code: int) -> Make:
    """A success is answered with another status."""

    def alter(_wire: Wire, response: Response) -> None:
        response.status_code = code

    return after(method, alter)


def refused(method: str, code: int, *, item: bool | None = None) -> Make:
    """One method is refused, whatever was sent."""
    return answered(method, lambda _request, _proceed: problem(code), item=item)


def ignored(_request: Request, _proceed: Proceed) -> Response:
    """204, and nothing is done."""
    return empty(NO_CONTENT)


def shown(change: Change, *, after_put: bool = False) -> Make:
    """GET by id shows the record changed; ``after_put`` only once it was updated."""

    def start() -> Callable[[Wire], Response]:
        updated: set[str] = set()

        def handle(wire: Wire) -> Response:
            response = wire.go()
            path = wire.request.path
            if wire.is_item and wire.method == "PUT" and response.status_code == NO_CONTENT:
                updated.add(path)
            due = wire.is_item and (not after_put or path in updated)
            if due and wire.method == "GET" and response.status_code == OK:
                body = response.get_json()
                result = change(body)
                return with_body(response, body if result is None else result)
            return response

        return handle

    return handled(start)


def stored(change: Change, *methods: str) -> Make:
    """POST or PUT stores something else than was sent."""

    def handle(wire: Wire) -> Response:
        body = wire.body
        if wire.method in methods and isinstance(body, dict):
            change(body)
            return wire.go(body=body)
        return wire.go()

    return handling(handle)


def queries(answer: Callable[[list[Any]], Any]) -> Make:
    """Queries of the collection are answered wrongly, once there is something."""

    def alter(wire: Wire, response: Response) -> Response | None:
        found = None if wire.is_item else response.get_json(silent=True)
        return with_body(response, answer(found)) if found else None

    return after("GET", alter, OK)
