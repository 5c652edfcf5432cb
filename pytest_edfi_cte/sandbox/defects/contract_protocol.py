"""Defects that a contract check finds: access, methods, content types, errors, discovery."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.tools import (
    BAD_REQUEST,
    CREATED,
    NO_CONTENT,
    NOT_ALLOWED,
    OK,
    UNAUTHORIZED,
    Defect,
    Json,
    Wire,
    empty,
    handled,
    handling,
    with_body,
)
from pytest_edfi_cte.sandbox.discovery import METADATA, TOKEN
from pytest_edfi_cte.sandbox.wire import json_response

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "contract"


def _unlocked(*methods: str, anonymous: bool) -> Make:
    """A request without a valid token is answered with the rights of the last valid one."""

    def start() -> Callable[[Wire], Response]:
        valid: list[str] = []

        def handle(wire: Wire) -> Response:
            given = wire.request.headers.get("Authorization")
            response = wire.go()
            if given and response.status_code < BAD_REQUEST:
                valid[:] = [given]
            due = wire.method in methods and (given is None) == anonymous
            if due and response.status_code == UNAUTHORIZED and valid:
                return wire.go(headers={"Authorization": valid[0]})
            return response

        return handle

    return handled(start)


def _token_for(refusal: int) -> Make:
    """Once a token was given, requests that should get this refusal get it too."""

    def start() -> Callable[[Wire], Response]:
        given: list[Json] = []

        def handle(wire: Wire) -> Response:
            response = wire.go()
            if wire.request.path.lower() == TOKEN and wire.method == "POST":
                if response.status_code == OK:
                    given[:] = [response.get_json()]
                elif response.status_code == refusal and given:
                    return json_response(given[0])
            return response

        return handle

    return handled(start, all_paths=True)


def _method_taken(method: str, code: int, *, item: bool) -> Make:
    def handle(wire: Wire) -> Response:
        response = wire.go()
        due = wire.method == method and wire.is_item == item
        return empty(code) if due and response.status_code == NOT_ALLOWED else response

    return handling(handle)


def _document(alter: Callable[[Json], None]) -> Make:
    """The discovery document is another."""

    def handle(wire: Wire) -> Response:
        response = wire.go()
        if wire.request.path == "/" and response.status_code == OK:
            document = response.get_json()
            alter(document)
            with_body(response, document)
        return response

    return handling(handle, all_paths=True)


def _relative_urls(document: Json) -> None:
    for name, url in document["urls"].items():
        document["urls"][name] = "/" + url.split("/", 3)[3]


def _definition(document: Any, wanted: str) -> Json | None:
    """The properties of a resource in an OpenAPI document of either version."""
    schemas = document.get("definitions") or document.get("components", {}).get("schemas", {})
    for name, schema in schemas.items():
        if name.lower() == f"edfi_{wanted}" and "properties" in schema:
            properties: Json = schema["properties"]
            return properties
    return None


def _openapi(alter: Callable[[Json], None]) -> Make:
    """The CTE association in the OpenAPI documents is another."""

    def handle(wire: Wire) -> Response:
        response = wire.go()
        path = wire.request.path.lower()
        if path.startswith(METADATA) and "/resources/" in path and response.status_code == OK:
            document = response.get_json()
            properties = _definition(document, "studentcteprogramassociation")
            if properties:
                alter(properties)
                with_body(response, document)
        return response

    return handling(handle, all_paths=True)


def _flag_is_text(properties: Json) -> None:
    for schema in properties.values():
        if schema.get("type") == "boolean":
            schema["type"] = "string"
            return


def _defects() -> list[tuple[str, str, Make]]:
    verbs = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}
    return [
        *(
            (
                f"anonymous-{verb}-allowed",
                f"Anybody may {verb} records without a token.",
                _unlocked(method, anonymous=True),
            )
            for method, verb in verbs.items()
        ),
        (
            "any-token-accepted",
            "Every token is accepted, also one that was never given.",
            _unlocked(*verbs, anonymous=False),
        ),
        ("wrong-secret-accepted", "A wrong secret gets a token.", _token_for(UNAUTHORIZED)),
        (
            "any-grant-accepted",
            "A wrong or missing grant type gets a token.",
            _token_for(BAD_REQUEST),
        ),
        (
            "patch-accepted",
            "A PATCH is answered with 204.",
            _method_taken("PATCH", NO_CONTENT, item=True),
        ),
        (
            "put-without-id-accepted",
            "A PUT to the collection is answered with 204.",
            _method_taken("PUT", NO_CONTENT, item=False),
        ),
        (
            "delete-without-id-accepted",
            "A DELETE of the collection is answered with 204.",
            _method_taken("DELETE", NO_CONTENT, item=False),
        ),
        (
            "post-to-record-accepted",
            "A POST to a record's address is answered with 201.",
            _method_taken("POST", CREATED, item=True),
        ),
        (
            "discovery-without-oauth-url",
            "The discovery document does not say where tokens are.",
            _document(lambda d: d["urls"].pop("oauth")),
        ),
        (
            "discovery-without-data-url",
            "The discovery document does not say where the data is.",
            _document(lambda d: d["urls"].pop("dataManagementApi")),
        ),
        (
            "discovery-without-dependencies-url",
            "The discovery document does not say in which order to load.",
            _document(lambda d: d["urls"].pop("dependencies")),
        ),
        (
            "discovery-urls-relative",
            "The addresses in the discovery document are relative.",
            _document(_relative_urls),
        ),
        (
            "openapi-lacks-property",
            "The OpenAPI document lacks a property of the CTE association.",
            _openapi(lambda p: p.pop("nonTraditionalGenderStatus", None)),
        ),
        (
            "openapi-has-another-type",
            "The OpenAPI document gives a flag of the CTE association as text.",
            _openapi(_flag_is_text),
        ),
    ]


def _should() -> list[tuple[str, str, Make]]:
    return [
        (
            "discovery-without-data-models",
            "The discovery document does not name the data models.",
            _document(lambda d: d.pop("dataModels")),
        ),
    ]


DEFECTS = (
    *(Defect(name, GROUP, summary, make) for name, summary, make in _defects()),
    *(Defect(name, GROUP, summary, make, "should") for name, summary, make in _should()),
)
