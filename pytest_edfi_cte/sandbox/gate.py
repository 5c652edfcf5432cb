"""What every request passes on its way to the API: admin path, log, faults, middleware."""

from __future__ import annotations

import itertools
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from pytest_edfi_cte.sandbox.app import system_error
from pytest_edfi_cte.sandbox.discovery import TOKEN
from pytest_edfi_cte.sandbox.faults import TRACE, Faults, around
from pytest_edfi_cte.sandbox.log import ReceivedRequest, RequestLog, seen
from pytest_edfi_cte.sandbox.trouble import ConnectionDropped
from pytest_edfi_cte.sandbox.wire import credentials, mounted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.wrappers import Response

    from pytest_edfi_cte.sandbox.auth import Tokens
    from pytest_edfi_cte.sandbox.trouble import Middleware, Proceed

#: Below this path, outside the API, the sandbox is controlled.
ADMIN = "/sandbox-admin"


class Gate:
    """The WSGI application: faults outermost, then middleware, first one outermost, then the API.

    ``admin`` answers below :data:`ADMIN`; neither logged nor troubled. ``clock``: seconds since
    1970. ``base``: where the API is, ``""`` or ``/tenant/2027``.
    """

    def __init__(
        self,
        answer: Proceed,
        tokens: Tokens,
        middleware: Sequence[Middleware],
        clock: Callable[[], float],
        base: str,
    ) -> None:
        self.log = RequestLog()
        self.faults = Faults(tokens.revoke)
        self.admin: WSGIApplication | None = None
        self._tokens = tokens
        self._clock = clock
        self._base = base
        self._numbers = itertools.count()
        for wrapper in reversed(middleware):
            answer = around(wrapper, answer)
        self._handle = answer

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        path = environ.get("PATH_INFO", "")
        if self.admin and (path == ADMIN or path.startswith(f"{ADMIN}/")):
            return self.admin(environ, start)
        request = Request(mounted(environ, self._base))
        number, arrived, begin = next(self._numbers), self._clock(), time.perf_counter()
        client_id: str | None = None
        response: Response | None = None
        try:
            request.get_data()  # kept by the request: middleware may read it and proceed twice
            client_id = self._sender(request)
            response = self.faults.around(self._handle, client_id)(request)
        except ConnectionDropped:
            raise
        except Exception:  # noqa: BLE001 - a server answers 500 whatever happens inside it
            response = system_error(request)
        finally:
            traces = request.environ.get(TRACE)
            self.log.add(
                ReceivedRequest(
                    number=number,
                    **seen(request, self._tokens.secrets),
                    status=response.status_code if response else 0,
                    client_id=client_id,
                    time=arrived,
                    duration=time.perf_counter() - begin,
                    location=response.headers.get("Location") if response else None,
                    fault="; ".join(traces) if traces else None,
                )
            )
        return response(environ, start)

    def _sender(self, request: Request) -> str | None:
        owner = self._tokens.owner(request.headers.get("Authorization"))
        if owner is None and request.path.lower().rstrip("/") == TOKEN:
            with suppress(HTTPException):  # what cannot be read names nobody
                owner = self._tokens.known(*credentials(request))
        return owner.id if owner else None

    def forget(self) -> None:
        """Empty the log and switch every fault off."""
        self.log.clear()
        self.faults.clear()
