"""The sandbox controlled over HTTP, by whoever has its admin token.

Below :data:`~pytest_edfi_cte.sandbox.gate.ADMIN`, JSON in and out, ``Authorization: Bearer`` with
the admin token. Only for tests: nothing of this is Ed-Fi.

=======  =====================  ==============================================================
method   path                   what
=======  =====================  ==============================================================
GET      ``/``                  ``url``, ``client_id``, ``client_secret``
GET      ``/requests?first=N``  received requests, from number N
GET      ``/records/NAME``      all records of a collection
POST     ``/records/NAME``      an array: put these in, without authorization; as in Python,
                                NAME may be ``tx/studentFoos``
POST     ``/clear``             back to the state of the start
GET      ``/faults``            what is switched on, with hits
POST     ``/faults``            an object: switch a fault on; 201 with its ``id``
DELETE   ``/faults/ID``         switch it off; ``/faults`` alone: all of them
=======  =====================  ==============================================================

A mistake is answered 400 (401 without the token, 404, 405) with ``{"error": text}``.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.exceptions import BadRequest, HTTPException, NotFound, Unauthorized
from werkzeug.routing import Map, Rule, Submount
from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox.gate import ADMIN
from pytest_edfi_cte.sandbox.wire import json_response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from pytest_edfi_cte.sandbox.faults import Fault
    from pytest_edfi_cte.sandbox.log import ReceivedRequest

_RULES = Map(
    [
        Submount(
            ADMIN,
            [
                Rule("/", methods=["GET"], endpoint="about"),
                Rule("/requests", methods=["GET"], endpoint="requests"),
                Rule("/records/<path:name>", methods=["GET"], endpoint="records"),
                Rule("/records/<path:name>", methods=["POST"], endpoint="load"),
                Rule("/clear", methods=["POST"], endpoint="clear"),
                Rule("/faults", methods=["GET"], endpoint="faults"),
                Rule("/faults", methods=["POST"], endpoint="fault"),
                Rule("/faults", methods=["DELETE"], endpoint="calm"),
                Rule("/faults/<int:number>", methods=["DELETE"], endpoint="calm"),
            ],
        )
    ],
    strict_slashes=False,
)


class Controlled(Protocol):
    """What is controlled: a :class:`~pytest_edfi_cte.sandbox.Sandbox`."""

    client_id: str
    client_secret: str

    @property
    def url(self) -> str:
        """Base URL."""

    @property
    def faults(self) -> Sequence[Fault]:
        """What is switched on."""

    def received(self, first: int = 0) -> list[ReceivedRequest]:
        """Requests from a number on."""

    def records(self, collection: str) -> list[dict[str, Any]]:
        """Records of a collection."""

    def load(self, collection: str, records: Iterable[dict[str, Any]]) -> None:
        """Put records in."""

    def clear(self) -> None:
        """Back to the start."""

    def fault(self, **trouble: Any) -> Fault:
        """Switch a fault on."""


class Admin:
    """The WSGI application of the admin path. ``token`` is what it asks for."""

    def __init__(self, sandbox: Controlled, token: str) -> None:
        self._sandbox = sandbox
        self._token = token

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        request = Request(environ)
        try:
            self._require_token(request)
            endpoint, names = _RULES.bind_to_environ(environ).match()
            response = getattr(self, f"_{endpoint}")(request, **names)
        except HTTPException as error:
            headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else {}
            response = json_response({"error": error.description}, error.code or 400, headers)
        except (ValueError, TypeError) as error:
            response = json_response({"error": str(error)}, 400)
        return response(environ, start)  # type: ignore[no-any-return]  # from getattr, a Response

    def _require_token(self, request: Request) -> None:
        given = request.authorization
        token = given.token if given and given.type == "bearer" else None
        if not hmac.compare_digest((token or "").encode(), self._token.encode()):
            raise Unauthorized("The admin path needs the admin token of this sandbox.")

    def _about(self, _request: Request) -> Response:
        sandbox = self._sandbox
        about = {"url": sandbox.url, "client_id": sandbox.client_id}
        return _private({**about, "client_secret": sandbox.client_secret})

    def _requests(self, request: Request) -> Response:
        first = request.args.get("first", 0, type=int)
        return _private([asdict(entry) for entry in self._sandbox.received(first)])

    def _records(self, _request: Request, name: str) -> Response:
        try:
            return _private(self._sandbox.records(name))
        except ValueError as error:
            raise NotFound(str(error)) from None

    def _load(self, request: Request, name: str) -> Response:
        records = _json(request)
        if not isinstance(records, list):
            raise BadRequest("The body must be an array of records.")
        self._sandbox.load(name, records)
        return Response(status=204)

    def _clear(self, _request: Request) -> Response:
        self._sandbox.clear()
        return Response(status=204)

    def _faults(self, _request: Request) -> Response:
        return _private([_shown(fault) for fault in self._sandbox.faults])

    def _fault(self, request: Request) -> Response:
        trouble = _json(request)
        if not isinstance(trouble, dict):
            raise BadRequest("The body must be an object that says which fault.")
        return json_response(_shown(self._sandbox.fault(**trouble)), 201)

    def _calm(self, _request: Request, number: int | None = None) -> Response:
        for fault in self._sandbox.faults:
            if number in (None, fault.id):
                fault.remove()
        return Response(status=204)


def _json(request: Request) -> Any:
    try:
        return request.get_json(force=True)
    except (BadRequest, RecursionError):
        raise BadRequest("The body is not JSON.") from None


def _shown(fault: Fault) -> dict[str, Any]:
    return {"id": fault.id, "hits": fault.hits, "does": str(fault.trouble)}


def _private(value: Any) -> Response:
    return json_response(value, headers={"Cache-Control": "no-store"})
