"""The HTTP side: addresses, methods, headers and statuses. The rules are the engine's."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from werkzeug.exceptions import HTTPException
from werkzeug.http import quote_etag
from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import (
    claimsets,
    dependencies,
    discovery,
    openapi,
    problems,
    reads,
    tokeninfo,
)
from pytest_edfi_cte.sandbox.auth import LIFETIME, OAuthError
from pytest_edfi_cte.sandbox.engine import document, etag, id_of
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.routes import RULES
from pytest_edfi_cte.sandbox.wire import (
    fields,
    invalid_parameters,
    json_body,
    json_response,
    page,
    page_token,
    parameters,
    problem_response,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from pytest_edfi_cte.sandbox.auth import Client, Tokens
    from pytest_edfi_cte.sandbox.engine import Engine
    from pytest_edfi_cte.sandbox.model import Resource
    from pytest_edfi_cte.sandbox.store import Stored

Proceed = Callable[[Request], Response]
#: Wraps every request: ``middleware(request, proceed) -> response``. ``proceed`` may be called
#: any number of times, with the request or with an altered copy of it.
Middleware = Callable[[Request, Proceed], Response]

_log = logging.getLogger("pytest_edfi_cte.sandbox")


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as the sandbox received it, without anything secret.

    ``path`` has the query string, but not that of a token request. ``status`` is what was
    answered. ``client_id`` is the owner of the token it carried, None without a valid one.
    """

    method: str
    path: str
    status: int
    client_id: str | None


class App:
    """The WSGI application: middleware outermost first, then the API."""

    def __init__(
        self, engine: Engine, tokens: Tokens, version: str, middleware: Sequence[Middleware]
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._version = version
        self._handle: Proceed = self._answer
        for wrapper in reversed(middleware):
            self._handle = _wrap(wrapper, self._handle)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._received: list[tuple[int, ReceivedRequest]] = []

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        request = Request(environ)
        number = next(self._numbers)
        owner = self._tokens.owner(request.headers.get("Authorization"))
        try:
            request.get_data()  # kept by the request: middleware may read it and proceed twice
            response = self._handle(request)
        except Exception:  # noqa: BLE001 - a server answers 500 whatever happens inside it
            response = _system_error(request)
        query = request.query_string.decode("latin-1")
        secretive = request.path.lower().startswith(discovery.TOKEN)
        path = f"{request.path}?{query}" if query and not secretive else request.path
        received = ReceivedRequest(
            request.method, path, response.status_code, owner.id if owner else None
        )
        with self._lock:
            self._received.append((number, received))
        return response(environ, start)

    @property
    def received(self) -> list[ReceivedRequest]:
        """Every answered request, in the order of arrival."""
        with self._lock:
            return [request for _, request in sorted(self._received, key=lambda pair: pair[0])]

    def forget(self) -> None:
        """Empty the list of received requests."""
        with self._lock:
            self._received.clear()

    def _answer(self, request: Request) -> Response:
        try:
            return self._route(request)
        except Problem as problem:
            return problem_response(problem)
        except OAuthError as error:
            challenge = {"WWW-Authenticate": "Basic"} if error.status == 401 else {}  # noqa: PLR2004 - a status says itself
            return json_response({"error": error.code}, error.status, challenge)
        except HTTPException as error:
            kind = problems.Kind(error.code or 400, "bad-request", error.name)
            return problem_response(Problem(kind, error.description or error.name))
        except Exception:  # noqa: BLE001 - a server answers 500 whatever happens inside it
            return _system_error(request)

    def _route(self, request: Request) -> Response:
        path = request.path.lower()
        client = None
        if path.startswith((f"{discovery.DATA}/", f"{discovery.CHANGES.lower()}/")):
            client = self._tokens.require(request.headers.get("Authorization"))
        try:
            endpoint, names = RULES.bind("").match(path)
        except HTTPException:
            raise Problem(problems.NOT_FOUND, "There is nothing at this address.") from None
        if client is None:
            return self._open(request, endpoint, names)
        if request.headers.get("Use-Snapshot", "").strip().lower() == "true":
            _refuse_snapshot(request)
        if endpoint == "versions":
            _allow(request, "GET")
            return reads.available(self._engine)
        resource = self._engine.model.addressed(f"/{names['namespace']}/{names['collection']}")
        if resource is None:
            raise Problem(problems.NOT_FOUND, "There is no resource of this name.")
        if endpoint == "item":
            return self._item(request, resource, names["item"], client)
        if endpoint == "collection":
            return self._collection(request, resource, client)
        _allow(request, "GET")
        claimsets.require(client.claim_set, resource, request.method)
        wanted = page(parameters(request))
        moved = endpoint == "keychanges"
        return reads.changes(self._engine, resource, client, wanted, key_changes=moved)

    def _open(self, request: Request, endpoint: str, names: Mapping[str, Any]) -> Response:
        """What needs no token."""
        if endpoint == "token":
            _allow(request, "POST")
            return self._token(request)
        if endpoint == "token_info":
            _allow(request, "POST")
            return self._token_info(request)
        _allow(request, "GET")
        if endpoint == "dependencies":
            return json_response(dependencies.document(self._engine.model))
        base = request.host_url.rstrip("/")
        if endpoint == "metadata":
            return json_response(openapi.metadata(base))
        if endpoint == "openapi":
            model, part, version = self._engine.model, names["part"], names["version"]
            return json_response(openapi.document(model, part, base, version=version))
        return json_response(discovery.document(base, self._version))

    def _token_info(self, request: Request) -> Response:
        client = self._tokens.require(request.headers.get("Authorization"))
        if self._tokens.of((fields(request) or {}).get("token")) != client:
            raise Problem(
                problems.BAD_REQUEST, "The body must have a valid token of the same key as 'token'."
            )
        return json_response(tokeninfo.document(self._engine, client))

    def _token(self, request: Request) -> Response:
        given = fields(request)
        if given is None:
            raise OAuthError(400, "invalid_request")
        client_id, secret = given.get("client_id"), given.get("client_secret")
        basic = request.authorization
        if basic is not None and basic.type == "basic":
            client_id, secret = basic.username, basic.password
        token = self._tokens.issue(given.get("grant_type"), client_id, secret)
        answer = {"access_token": token, "expires_in": LIFETIME, "token_type": "bearer"}
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def _collection(self, request: Request, resource: Resource, client: Client) -> Response:
        _allow(request, "GET", "POST")
        claimsets.require(client.claim_set, resource, request.method)
        if request.method == "GET":
            return self._query(request, resource, client)
        written = self._engine.create(resource, json_body(request), client.rights)
        record = written.record
        base = f"{request.host_url.rstrip('/')}{discovery.DATA}"
        response = _tagged(Response(status=201 if written.created else 200), record)
        response.headers["Location"] = f"{base}{resource.path}/{record.id}"
        return response

    def _query(self, request: Request, resource: Resource, client: Client) -> Response:
        asked = parameters(request)
        wanted = page(asked)
        conditions = reads.conditions(self._engine, resource, asked, wanted.versions)
        records = self._engine.query(resource, conditions, client.rights, **wanted.window)
        text = f"[{','.join(document(record) for record in records)}]"
        response = Response(text, content_type="application/json")
        if records and len(records) == wanted.limit and not wanted.offset:
            response.headers["Next-Page-Token"] = page_token(records[-1].seq)
        if wanted.total:
            total = self._engine.store.count(resource.name, conditions, claims=client.claims)
            response.headers["Total-Count"] = str(total)
        return response

    def _item(self, request: Request, resource: Resource, text: str, client: Client) -> Response:
        _allow(request, "GET", "PUT", "DELETE")
        claimsets.require(client.claim_set, resource, request.method)
        item = id_of(text)
        if item is None:
            if request.method == "GET":
                raise Problem(problems.NOT_FOUND, f"There is no {resource.title} with this id.")
            raise invalid_parameters(["The id in the address is not an id."])
        engine, rights = self._engine, client.rights
        if request.method == "GET":
            record = engine.get(resource, item, rights)
            if request.if_none_match.contains_weak(etag(record)):
                return _tagged(Response(status=304), record)
            return _tagged(Response(document(record), content_type="application/json"), record)

        def fresh(record: Stored) -> bool:
            return not request.if_match or request.if_match.contains(etag(record))

        if request.method == "DELETE":
            engine.delete(resource, item, rights, fresh)
            return _empty(Response(status=204))
        body = json_body(request)
        return _tagged(Response(status=204), engine.replace(resource, item, body, rights, fresh))


def _wrap(middleware: Middleware, proceed: Proceed) -> Proceed:
    return lambda request: middleware(request, proceed)


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise Problem(
            problems.METHOD_NOT_ALLOWED,
            f"{request.method} is not possible here, only {' and '.join(methods)}.",
            headers={"Allow": ", ".join(methods)},
        )


def _refuse_snapshot(request: Request) -> NoReturn:
    if request.method == "GET":
        raise Problem(problems.NOT_FOUND, "This API has no snapshot to read from.")
    raise Problem(problems.METHOD_NOT_ALLOWED, "A snapshot can only be read.")


def _tagged(response: Response, record: Stored) -> Response:
    response.headers["ETag"] = quote_etag(etag(record))
    return response if response.response else _empty(response)


def _empty(response: Response) -> Response:
    """Without a body there is no type of it either."""
    response.headers.pop("Content-Type", None)
    return response


def _system_error(request: Request) -> Response:
    # The method and path are enough to find it; the traceback is for the log, never for a client.
    _log.exception("%s %s failed inside the sandbox", request.method, request.path)
    return problem_response(
        Problem(problems.SYSTEM, "Something failed inside the sandbox; its log has the details.")
    )
