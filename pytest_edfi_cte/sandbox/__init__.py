"""A stand-in Ed-Fi API over real HTTP, for tests and for trying things out.

Needs the ``sandbox`` extra (Werkzeug and cheroot); importing this without it is an ImportError.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox.app import App, Middleware, Proceed, ReceivedRequest
from pytest_edfi_cte.sandbox.auth import Client, Tokens
from pytest_edfi_cte.sandbox.engine import Engine, record_of
from pytest_edfi_cte.sandbox.extensions import extended
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.seed import GRAND_BEND, plant
from pytest_edfi_cte.sandbox.server import HOST, Server
from pytest_edfi_cte.sandbox.wire import altered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from types import TracebackType

    from typing_extensions import Self

    from pytest_edfi_cte.sandbox.model import Resource

__all__ = [
    "Client",
    "Middleware",
    "Proceed",
    "ReceivedRequest",
    "Request",
    "Response",
    "Sandbox",
    "altered",
]


class Sandbox:
    """An Ed-Fi API with Grand Bend in it, listening on a free loopback port while started.

    ``data_standard``: ``"4.0"`` or ``"5.0"``. ``middleware``: called around every request, first
    one outermost; see :data:`Middleware`. ``client_id`` and ``client_secret`` are generated unless
    given; the key speaks for ed-org 255901 and may do everything there. ``clients``:
    more keys. ``links``: references carry ``link`` objects. ``clock``: seconds since 1970, for
    token expiry and ``_lastModifiedDate``. ``openapi``: Swagger 2.0 or OpenAPI 3 documents, JSON
    or YAML, whose resources are added or replace those of the data standard.

    Raises ValueError for an unknown data standard, for a document that cannot be used and for
    one that the pre-loaded data does not fit.
    """

    def __init__(  # noqa: PLR0913 - all by name, all optional: the options of one object
        self,
        *,
        data_standard: str = "5.0",
        middleware: Sequence[Middleware] = (),
        client_id: str | None = None,
        client_secret: str | None = None,
        links: bool = True,
        clock: Callable[[], float] = time.time,
        clients: Sequence[Client] = (),
        openapi: Sequence[str | PathLike[str]] = (),
    ) -> None:
        self.client_id = client_id or secrets.token_urlsafe(12)
        self.client_secret = client_secret or secrets.token_urlsafe(24)
        client = Client(self.client_id, self.client_secret, (GRAND_BEND,), namespaces=("uri://",))
        self._tokens = Tokens([client, *clients], clock)
        self._engine = Engine(extended(data_standard, openapi), links=links, clock=clock)
        plant(self._engine)
        self._app = App(self._engine, self._tokens, data_standard, middleware)
        self._server: Server | None = None
        self._port = 0

    def __repr__(self) -> str:
        return f"<Sandbox {self.url if self._server else 'stopped'}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, without trailing slash; it answers discovery. RuntimeError if stopped."""
        if self._server is None:
            raise RuntimeError("the sandbox is not started: it has no address")
        return f"http://{HOST}:{self._port}"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request received since the start or the last :meth:`clear`, in order of arrival."""
        return self._app.received

    def start(self) -> None:
        """Listen on a free port. RuntimeError if it listens already."""
        if self._server is not None:
            raise RuntimeError("the sandbox is started already")
        server = Server(self._app)
        self._port = server.start()
        self._server = server

    def stop(self) -> None:
        """Free the port; records and received requests stay. Harmless when stopped already."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def records(self, collection: str) -> list[dict[str, Any]]:
        """All records of a collection as GET returns them, whoever may see them.

        ValueError for an unknown collection.
        """
        return [record_of(r) for r in self._engine.query(self._resource(collection), (), None)]

    def load(self, collection: str, records: Iterable[dict[str, Any]]) -> None:
        """Put records in without HTTP and without authorization, like a POST of each, in order.

        ValueError for an unknown collection or a record that a POST would refuse; records before
        that one stay.
        """
        resource = self._resource(collection)
        try:
            for record in records:
                self._engine.create(resource, record, None)
        except Problem as problem:
            raise ValueError(f"{collection}: {problem}") from None

    def clear(self) -> None:
        """Back to Grand Bend alone: no other records, no valid tokens, no received requests."""
        self._engine.clear()
        self._tokens.revoke_all()
        self._app.forget()

    def _resource(self, collection: str) -> Resource:
        resource = self._engine.model.find(collection)
        if resource is None:
            raise ValueError(f"the sandbox has no resource {collection!r}")
        return resource
