"""Troubles on purpose: chosen requests are answered wrongly, late, half or not at all."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import problems
from pytest_edfi_cte.sandbox.discovery import DATA
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.wire import json_response, problem_response

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

Proceed = Callable[[Request], Response]
#: Wraps every request: ``middleware(request, proceed) -> response``. ``proceed`` may be called
#: any number of times, with the request or with an altered copy of it.
Middleware = Callable[[Request, Proceed], Response]

BEFORE, AFTER = "before", "after"

#: In a request's WSGI environment: what faults did to it.
TRACE = "pytest_edfi_cte.faults"


class ConnectionDropped(ConnectionResetError):
    """Leaves the application where the connection is to be closed without (more of) an answer."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "dropped by an injected fault")


@dataclass(frozen=True)
class Trouble:
    """Which requests, and what happens to them. Everything given happens, in this order.

    Which: ``method`` (GET, POST…), ``path`` (a glob in any case, on the path without query:
    ``/ed-fi/students*`` below the data address, or ``/oauth/token``), ``client`` (a client id),
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

    def fits(self, request: Request, client: str | None) -> bool:
        """Whether it is about this request of this client."""
        path = request.path.lower()
        return (
            self.method in (None, request.method)
            and self.client in (None, client)
            and (self.containing is None or self.containing in request.get_data(as_text=True))
            and (
                self.path is None
                or any(
                    fnmatchcase(place, self.path.lower())
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
            response.headers["Retry-After"] = f"{self.retry_after:g}"
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


class Fault:
    """A trouble that is switched on; :meth:`remove` or the end of a ``with`` switches it off.

    ``id`` is unique in its sandbox.
    """

    def __init__(self, number: int, trouble: Trouble, remove: Callable[[int], None]) -> None:
        self.id = number
        self.trouble = trouble
        # Made once: a defect may remember what it has seen.
        self.defect = _defect(trouble.defect) if trouble.defect else None
        self._remove = remove
        self._lock = threading.Lock()
        self._met = 0

    def __repr__(self) -> str:
        return f"<Fault {self.id}: {self.trouble}, {self.hits} hits>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def hits(self) -> int:
        """How many requests it has troubled."""
        met = max(0, self._met - self.trouble.after)
        return met if self.trouble.times is None else min(met, self.trouble.times)

    def remove(self) -> None:
        """Switch it off; harmless when it is off already."""
        self._remove(self.id)

    def strikes(self) -> bool:
        """Count one more fitting request; whether this one is troubled."""
        with self._lock:
            before = self.hits
            self._met += 1
            return self.hits > before


class Faults:
    """The faults of one sandbox; the first one made is outermost.

    ``expire`` makes the token of an ``Authorization`` header invalid.
    """

    def __init__(self, expire: Callable[[str | None], None]) -> None:
        self._expire = expire
        self._numbers = itertools.count(1)
        self._active: dict[int, Fault] = {}
        self._lock = threading.Lock()
        self._hurry = threading.Event()

    def add(self, trouble: Trouble) -> Fault:
        """Switch a trouble on."""
        with self._lock:
            fault = Fault(next(self._numbers), trouble, self._drop)
            self._active = {**self._active, fault.id: fault}
        return fault

    def _drop(self, number: int) -> None:
        with self._lock:
            self._active = {n: fault for n, fault in self._active.items() if n != number}

    @property
    def active(self) -> dict[int, Fault]:
        """What is switched on, by id, in the order of making."""
        return self._active

    def clear(self) -> None:
        """Switch everything off."""
        with self._lock:
            self._active = {}

    @contextmanager
    def in_a_hurry(self) -> Iterator[None]:
        """Nothing is delayed meanwhile: a server that stops waits for nobody."""
        self._hurry.set()
        try:
            yield
        finally:
            self._hurry.clear()

    def around(self, proceed: Proceed, client: str | None) -> Proceed:
        """``proceed`` with every active fault around it. ``client`` owns the request's token."""
        for fault in reversed(self._active.values()):
            proceed = self._around(fault, proceed, client)
        return proceed

    def _around(self, fault: Fault, proceed: Proceed, client: str | None) -> Proceed:
        def troubled(request: Request) -> Response:
            if not fault.trouble.fits(request, client) or not fault.strikes():
                return proceed(request)
            request.environ.setdefault(TRACE, []).append(str(fault.trouble))
            if fault.trouble.expire:
                self._expire(request.headers.get("Authorization"))
            inner = proceed if fault.defect is None else around(fault.defect, proceed)
            return fault.trouble.apply(request, inner, self._hurry.wait)

        return troubled


def around(middleware: Middleware, proceed: Proceed) -> Proceed:
    """``proceed`` with a middleware around it."""
    return lambda request: middleware(request, proceed)


def _defect(name: str) -> Middleware:
    from pytest_edfi_cte.sandbox.defects import DEFECTS  # noqa: PLC0415 - many modules, rarely used

    if name not in DEFECTS:
        near = get_close_matches(name, DEFECTS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no defect has the name {name!r}{hint} (edfi-cte mutate --list)")
    return DEFECTS[name].make()


def _truncated(response: Response, length: int) -> Response:
    raw = response.get_data()

    def partly() -> Iterator[bytes]:
        yield raw[:length]
        raise ConnectionDropped

    # Announced in full and sent in part: the client can tell.
    cut = Response(partly(), response.status_code, response.headers)
    cut.headers["Content-Length"] = str(max(len(raw), length + 1))
    return cut
