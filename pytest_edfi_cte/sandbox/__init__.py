"""A stand-in Ed-Fi API over real HTTP, for tests and for trying things out.

Needs the ``sandbox`` extra; importing this without it is an ImportError.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox.address import (
    LOOPBACK,
    base_path,
    is_loopback,
    require_unguessable,
    url,
)
from pytest_edfi_cte.sandbox.admin import Admin
from pytest_edfi_cte.sandbox.app import App
from pytest_edfi_cte.sandbox.auth import Client, Tokens
from pytest_edfi_cte.sandbox.database import About, DatabaseRefused
from pytest_edfi_cte.sandbox.engine import Engine, record_of
from pytest_edfi_cte.sandbox.extensions import extended
from pytest_edfi_cte.sandbox.faults import Fault
from pytest_edfi_cte.sandbox.gate import ADMIN, Gate
from pytest_edfi_cte.sandbox.log import ReceivedRequest
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.seed import GRAND_BEND, plant, school_year
from pytest_edfi_cte.sandbox.server import Server
from pytest_edfi_cte.sandbox.store import Store
from pytest_edfi_cte.sandbox.trouble import Middleware, Proceed, Trouble
from pytest_edfi_cte.sandbox.wire import altered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from types import TracebackType

    from typing_extensions import Self

    from pytest_edfi_cte.sandbox.model import Resource

__all__ = [
    "Client",
    "DatabaseRefused",
    "Fault",
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
    given; the key speaks for every local education agency that is there at the beginning and may
    do everything. ``clients``: more keys. ``links``: references carry ``link`` objects (in a file
    that was used without, once their record is written again).
    ``clock``: seconds since 1970, for token expiry and ``_lastModifiedDate``.

    ``db``: a file to keep the records in, made if it does not exist; one sandbox at a time uses
    it, and finds there what an earlier one was given. ``seed``: what is there first,
    ``"grand-bend"``, ``"minimal"`` or a folder of records (see :func:`seed.plant`); a file keeps
    the seed that it began with. ``tenant`` and ``year``: further segments of the base URL.
    ``host`` and ``port``: where it listens; port 0 is a free one. ``tls``: files of a certificate
    and its key, for HTTPS. ``openapi``: Swagger 2.0 or OpenAPI 3 documents, JSON or YAML, whose
    resources are added or replace those of the data standard.

    Raises ValueError for an option, a document or a seed that cannot be, for a guessable secret on
    an address that others reach, and :class:`DatabaseRefused` for a file that cannot be used.
    """

    def __init__(  # noqa: PLR0913 - every option by its name
        self,
        *,
        data_standard: str = "5.0",
        middleware: Sequence[Middleware] = (),
        client_id: str | None = None,
        client_secret: str | None = None,
        links: bool = True,
        clock: Callable[[], float] = time.time,
        clients: Sequence[Client] = (),
        db: str | Path | None = None,
        seed: str | Path | None = None,
        tenant: str | None = None,
        year: int | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        tls: tuple[str, str] | None = None,
        openapi: Sequence[str | PathLike[str]] = (),
    ) -> None:
        self.client_id = client_id or secrets.token_urlsafe(12)
        self.client_secret = client_secret or secrets.token_urlsafe(24)
        self._base = base_path(tenant, year)
        self._address = (host, port, tls)
        model = extended(data_standard, openapi)
        own = Client(self.client_id, self.client_secret, (), namespaces=("uri://",))
        require_unguessable(host, [own, *clients])
        self._file = Path(db) if db is not None else None
        store = Store(About(data_standard, model.keys), self._file)
        try:
            self._engine = Engine(model, store, links=links, clock=clock)
            plant(self._engine, seed, year or school_year(clock()))
        except BaseException:
            store.close()
            raise
        claims = tuple(store.values("localEducationAgencies", "localEducationAgencyId")) or (
            GRAND_BEND,
        )
        self._tokens = Tokens([replace(own, claims=claims), *clients], clock)
        app = App(self._engine, self._tokens, data_standard, self._base)
        self._gate = Gate(app.answer, self._tokens, middleware, clock, self._base)
        self.admin_token = secrets.token_urlsafe(24)
        self._gate.admin = Admin(self, self.admin_token)
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
        if self._file is not None:
            self.close()

    @property
    def url(self) -> str:
        """The base URL, without trailing slash; it answers discovery. RuntimeError if stopped."""
        if self._server is None:
            raise RuntimeError("the sandbox is not started: it has no address")
        host, _, tls = self._address
        return url(host, self._port, self._base, tls=bool(tls))

    @property
    def only_here(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self._address[0])

    @property
    def seed(self) -> str:
        """What was planted: ``grand-bend``, ``minimal`` or a folder."""
        return self._engine.store.seed

    @property
    def admin_url(self) -> str:
        """Where the sandbox is controlled over HTTP with :attr:`admin_token`; see ``admin.py``."""
        return f"{self.url.removesuffix(self._base)}{ADMIN}"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request received since the start or the last :meth:`clear`, in order of arrival."""
        return self.received()

    def received(self, first: int = 0) -> list[ReceivedRequest]:
        """The received requests from a number on."""
        return self._gate.log.entries(first)

    def start(self) -> None:
        """Listen.

        RuntimeError if it listens already; OSError if the port or the certificate cannot be used.
        """
        if self._server is not None:
            raise RuntimeError("the sandbox is started already")
        server = Server(self._gate, *self._address)
        self._port = server.start()
        self._server = server

    def stop(self) -> None:
        """Free the port; records and received requests stay. Harmless when stopped already."""
        if self._server is not None:
            with self._gate.faults.in_a_hurry():
                self._server.stop()
            self._server = None

    def close(self) -> None:
        """Stop for good and let go of the file. ``with`` does so at its end where there is one."""
        self.stop()
        self._engine.store.close()

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

    def fault(self, **trouble: Any) -> Fault:
        """Answer chosen requests wrongly until the fault is removed, by ``with`` or ``remove()``.

        ``trouble``: the fields of :class:`~pytest_edfi_cte.sandbox.trouble.Trouble`, e.g.
        ``fault(path="/ed-fi/students*", method="POST", status=503, retry_after=2, times=3)``.
        ValueError for values that make no sense.
        """
        return self._gate.faults.add(Trouble(**trouble))

    @property
    def faults(self) -> list[Fault]:
        """The faults that are switched on."""
        return list(self._gate.faults.active.values())

    def clear(self) -> None:
        """Back to the seed alone: no other records, tokens, faults or received requests."""
        self._engine.clear()
        self._tokens.revoke_all()
        self._gate.forget()

    def _resource(self, collection: str) -> Resource:
        resource = self._engine.model.find(collection)
        if resource is None:
            raise ValueError(f"the sandbox has no resource {collection!r}")
        return resource
