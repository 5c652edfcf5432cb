"""What an answer says beside the record: status, address, id, and whether it is JSON at all."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from pytest_edfi_cte.client.discovery import origin
from pytest_edfi_cte.client.problems import describe
from pytest_edfi_cte.compare import ABSENT, equal_ids
from pytest_edfi_cte.judge import Finding, Kind
from pytest_edfi_cte.records import Posted

Json = dict[str, Any]
OK, CREATED, NO_CONTENT = 200, 201, 204
REDIRECT, FIRST_ERROR, UNAUTHORIZED, FORBIDDEN, TOO_MANY = 300, 400, 401, 403, 429
SHOWN = 200  # characters of an answer that is no record
BY_CREATE = "by the Ed-Fi API guidelines for a create"
BY_UPDATE = "by the Ed-Fi API guidelines for an update"
BY_READ = "by the Ed-Fi API guidelines for a read"
BY_KEY = "by the Ed-Fi API guidelines for natural keys"


def location_finding(
    posted: Posted, collection: str, origins: Collection[tuple[str, str, int]]
) -> Finding:
    """The Location of a create must lead to a record of the collection, on the API's own host."""
    where = "Location header of the answer to the POST"
    if not posted.location:
        return Finding(where, "the new record's address", ABSENT, BY_CREATE, "location")
    url = urljoin(posted.response.url, posted.location)
    folder, _, record_id = urlsplit(url).path.rstrip("/").rpartition("/")
    inside = folder.lower() == urlsplit(collection).path.lower() and record_id
    if origin(url) not in origins or not inside:
        expected = f"an address below {collection}/"
        return Finding(where, expected, posted.location, BY_CREATE, "location")
    return Finding(where, posted.location, posted.location, BY_CREATE)


def status_finding(method: str, expected: int, response: requests.Response, rule: str) -> Finding:
    """The status of an answer; a refusal with the API's words, a redirect with its target."""
    where = f"status of the {method}"
    if response.status_code == expected:
        return Finding(where, expected, expected, rule)
    received: Any = response.status_code
    if REDIRECT <= received < FIRST_ERROR:
        place = response.headers.get("Location", "nowhere")
        received = f"{received}: redirected to {place}; is a gateway or a log-in page in between?"
    elif received >= FIRST_ERROR:
        received = f"{received}: {describe(response)}"
    return Finding(where, expected, received, rule, "status")


def id_finding(expected: str | None, received: Any) -> Finding:
    """The id in the record against the one in its address."""
    kind: Kind = "ok" if equal_ids(received, expected) else "id"
    return Finding("id", expected, received, BY_READ, kind)


def json_object(response: requests.Response) -> tuple[Json | None, str]:
    """The JSON object of an answer, or what is wrong with it."""
    try:
        body = strict_json(response.content)
    except ValueError as error:
        return None, f"not JSON ({error})"
    return (body, "") if isinstance(body, dict) else (None, "JSON, but not one object")


def strict_json(content: bytes) -> Any:
    """The JSON value of a body; ValueError for what is none by RFC 8259, or says a name twice."""
    return json.loads(
        content.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_unique
    )


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    """An object whose names are unique: of two values nobody can say which one is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the property {twice!r} stands twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
