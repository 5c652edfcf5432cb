"""The HTTP side: addresses, methods, headers and statuses. The rules are the engine's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

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
from pytest_edfi_cte.sandbox.routes import ROUTES
from pytest_edfi_cte.sandbox.wire import (
    allow,
    base_url,
    credentials,
    fields,
    invalid_parameters,
    json_body,
    json_response,
    page,
    page_token,
    parameters,
    problem_response,
    refuse_snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_edfi_cte.sandbox.auth import Client, Tokens
    from pytest_edfi_cte.sandbox.engine import Engine
    from pytest_edfi_cte.sandbox.model import Resource
    from pytest_edfi_cte.sandbox.store import Stored

_log = logging.getLogger("pytest_edfi_cte.sandbox")


class App:
    """The API: discovery, tokens, metadata and data.

    ``base``: where it is, ``""`` or ``/tenant/2027``; paths of requests are those below it.
    """

    def __init__(self, engine: Engine, tokens: Tokens, version: str, base: str) -> None:
        self._engine = engine
        self._tokens = tokens
        self._version = version
        self._base = base

    def answer(self, request: Request) -> Response:
        """Answer one request, whatever it is."""
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
            return system_error(request)

    def _route(self, request: Request) -> Response:
        if self._base and not request.script_root:
            raise Problem(problems.NOT_FOUND, f"This API is at {self._base} and below.")
        path = request.path.lower()
        client = None
        if path.startswith((f"{discovery.DATA}/", f"{discovery.CHANGES.lower()}/")):
            client = self._tokens.require(request.headers.get("Authorization"))
        try:
            endpoint, names = ROUTES.match(path)
        except HTTPException:
            raise Problem(problems.NOT_FOUND, "There is nothing at this address.") from None
        if client is None:
            return self._open(request, endpoint, names)
        if request.headers.get("Use-Snapshot", "").strip().lower() == "true":
            refuse_snapshot(request)
        if endpoint == "versions":
            allow(request, "GET")
            return reads.available(self._engine)
        resource = self._engine.model.addressed(f"/{names['namespace']}/{names['collection']}")
        if resource is None:
            raise Problem(problems.NOT_FOUND, "There is no resource of this name.")
        if endpoint == "item":
            return self._item(request, resource, names["item"], client)
        if endpoint == "collection":
            return self._collection(request, resource, client)
        allow(request, "GET")
        claimsets.require(client.claim_set, resource, request.method)
        wanted = page(parameters(request))
        moved = endpoint == "keychanges"
        return reads.changes(self._engine, resource, client, wanted, key_changes=moved)

    def _open(self, request: Request, endpoint: str, names: Mapping[str, Any]) -> Response:
        """What needs no token."""
        if endpoint == "token":
            allow(request, "POST")
            return self._token(request)
        if endpoint == "token_info":
            allow(request, "POST")
            return self._token_info(request)
        allow(request, "GET")
        if endpoint == "dependencies":
            return json_response(dependencies.document(self._engine.model))
        base = base_url(request)
        if endpoint == "metadata":
            return json_response(openapi.metadata(base))
        if endpoint == "openapi":
            model, part, version = self._engine.model, names["part"], names["version"]
            return json_response(openapi.document(model, part, base, version=version))
        extensions = self._engine.model.extensions
        return json_response(discovery.document(base, self._version, extensions))

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
        token = self._tokens.issue(given.get("grant_type"), *credentials(request))
        answer = {"access_token": token, "expires_in": LIFETIME, "token_type": "bearer"}
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def _collection(self, request: Request, resource: Resource, client: Client) -> Response:
        allow(request, "GET", "POST")
        claimsets.require(client.claim_set, resource, request.method)
        if request.method == "GET":
            return self._query(request, resource, client)
        written = self._engine.create(resource, json_body(request), client.rights)
        record = written.record
        base = f"{base_url(request)}{discovery.DATA}"
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
        allow(request, "GET", "PUT", "DELETE")
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


def _tagged(response: Response, record: Stored) -> Response:
    response.headers["ETag"] = quote_etag(etag(record))
    return response if response.response else _empty(response)


def _empty(response: Response) -> Response:
    """Without a body there is no type of it either."""
    response.headers.pop("Content-Type", None)
    return response


def system_error(request: Request) -> Response:
    """The 500 for a failure inside the sandbox; what it was goes to the log."""
    # The method and path are enough to find it; the traceback is for the log, never for a client.
    # As Python writes them: a path with a line end makes no line of its own.
    _log.exception("%r %r failed inside the sandbox", request.method, request.path)
    return problem_response(
        Problem(problems.SYSTEM, "Something failed inside the sandbox; its log has the details.")
    )
