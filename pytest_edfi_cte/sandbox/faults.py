"""Troubles on purpose: chosen requests are answered wrongly, late, half or not at all."""

from __future__ import annotations

import itertools
import threading
from contextlib import AbstractContextManager, contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.wrappers import Request, Response

    from pytest_edfi_cte.sandbox.trouble import Middleware, Proceed, Trouble

#: In a request's WSGI environment: what faults did to it.
TRACE = "pytest_edfi_cte.faults"


class Fault(AbstractContextManager["Fault"]):
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

    def __exit__(self, *how: object) -> None:
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
        """``proceed`` with every active fault around it. ``client`` sent the request."""
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
