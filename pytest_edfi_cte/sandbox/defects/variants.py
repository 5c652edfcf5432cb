"""APIs that differ from the sandbox and are right: no check may blame them.

Here the API's manners; how records look is in :mod:`.variant_records`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.defects import variant_records
from pytest_edfi_cte.sandbox.defects.tools import (
    BAD_REQUEST,
    CONFLICT,
    OK,
    Defect,
    Wire,
    everywhere,
    handling,
    problem,
    with_body,
)
from pytest_edfi_cte.sandbox.discovery import DATA, METADATA, TOKEN_INFO

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = variant_records.GROUP


def without_headers(*names: str) -> Make:
    """No answer has these headers."""

    def alter(_request: Request, response: Response) -> Response:
        for name in names:
            response.headers.pop(name, None)
        return response

    return everywhere(alter)


def _relative_location(_request: Request, response: Response) -> Response:
    place = response.headers.get("Location")
    if place:
        response.headers["Location"] = "/" + place.split("/", 3)[3]
    response.autocorrect_location_header = False
    return response


def _with_charset(_request: Request, response: Response) -> Response:
    if response.content_type and "json" in response.content_type:
        response.content_type = f"{response.mimetype}; charset=utf-8"
    return response


def _queries_refused(code: int) -> Make:
    def handle(wire: Wire) -> Response:
        if wire.method == "GET" and wire.collection and wire.request.query_string:
            return problem(code, "Querying is not supported.", "bad-request")
        return wire.go()

    return handling(handle, all_paths=True)


def _queries_ignored(wire: Wire) -> Response:
    if wire.method == "GET" and wire.request.query_string:
        return wire.go(query="")
    return wire.go()


def _no_descriptor_collections(wire: Wire) -> Response:
    if wire.collection.endswith("descriptors"):
        return problem(404, "No such collection.", "not-found")
    return wire.go()


def _epoch_expiry(_request: Request, response: Response) -> Response:
    with suppress(ValueError):
        body = json.loads(response.get_data())
        if isinstance(body, dict) and "expires_in" in body:
            body["expires_in"] = 4_000_000_000
            with_body(response, body)
    return response


def _weak_etags(wire: Wire) -> Response:
    """A compressing gateway in front: tags are weak, and a weak If-Match never matches."""
    if wire.request.headers.get("If-Match", "").startswith("W/"):
        return problem(412, "A weak tag.", "optimistic-lock-failed")
    response = wire.go()
    if response.headers.get("ETag"):
        response.headers["ETag"] = 'W/"' + response.headers["ETag"].strip('"') + '"'
    return response


def _id_demanded(wire: Wire) -> Response:
    body = wire.body
    if wire.method == "PUT" and isinstance(body, dict) and "id" not in body:
        return problem(400, "id is missing.", "bad-request")
    return wire.go()


def _old_error_bodies(_request: Request, response: Response) -> Response:
    if response.mimetype == "application/problem+json":
        message = json.loads(response.get_data()).get("detail")
        response.content_type = "application/json"
        with_body(response, {"message": message})
    return response


def _empty_error_bodies(_request: Request, response: Response) -> Response:
    if response.mimetype == "application/problem+json":
        response.set_data(b"")
        response.headers.pop("Content-Type")
    return response


def _no_openapi(wire: Wire) -> Response:
    path = wire.request.path.lower()
    if path.startswith(METADATA) and not path.endswith("/dependencies"):
        return problem(404, "There is nothing here.", "not-found")
    response = wire.go()
    if path == "/" and response.status_code == OK:
        document = response.get_json()
        document["urls"].pop("openApiMetadata")
        with_body(response, document)
    return response


def _no_token_info(wire: Wire) -> Response:
    if wire.request.path.lower() == TOKEN_INFO:
        return problem(404, "There is nothing here.", "not-found")
    return wire.go()


def _unresolved_400(_request: Request, response: Response) -> Response:
    if response.status_code == CONFLICT and b"unresolved-reference" in response.get_data():
        response.status_code = BAD_REQUEST
        with_body(response, {**json.loads(response.get_data()), "status": BAD_REQUEST})
    return response


def _elsewhere(wire: Wire) -> Response:
    """The data address is ``/api/data``; inside it is still ``/data/v3``."""
    path = wire.request.path
    inner: dict[str, Any] = {}
    if path.startswith("/api/data"):
        inner["path"] = DATA + path.removeprefix("/api/data")
    response = wire.go(**inner)
    place = response.headers.get("Location", "")
    response.headers.pop("Location", None)
    if place:
        response.headers["Location"] = place.replace(f"{DATA}/", "/api/data/")
    if path == "/":
        response.set_data(response.get_data().replace(f'{DATA}/"'.encode(), b'/api/data/"'))
    return response


def _defects() -> list[tuple[str, str, Make]]:
    def all_paths(handle: Any) -> Make:
        return handling(handle, all_paths=True)

    return [
        (
            "relative-location",
            "The Location of a new record is relative.",
            everywhere(_relative_location),
        ),
        (
            "charset-in-content-type",
            "Content types name their character set.",
            everywhere(_with_charset),
        ),
        ("no-etags", "There are no ETag headers.", without_headers("ETag")),
        (
            "descriptors-elsewhere",
            "There are no descriptor collections.",
            all_paths(_no_descriptor_collections),
        ),
        (
            "epoch-expiry",
            "A token's lifetime is given as a point in time.",
            everywhere(_epoch_expiry),
        ),
        ("weak-etags", "ETags are weak, and no weak tag ever matches.", all_paths(_weak_etags)),
        ("id-demanded-in-put", "A PUT must have the id in its body.", handling(_id_demanded)),
        (
            "data-address-elsewhere",
            "The data address does not contain /data/v3.",
            all_paths(_elsewhere),
        ),
        (
            "old-error-bodies",
            'Refusals say {"message": …}, as before problem details.',
            everywhere(_old_error_bodies),
        ),
        ("empty-error-bodies", "Refusals have no body.", everywhere(_empty_error_bodies)),
        ("no-openapi", "There are no OpenAPI documents.", all_paths(_no_openapi)),
        ("no-token-info", "There is no token_info.", all_paths(_no_token_info)),
        (
            "unresolved-reference-400",
            "A reference to nothing is refused with 400, not 409.",
            everywhere(_unresolved_400),
        ),
    ]


def _without_queries() -> list[tuple[str, str, Make]]:
    """The guidelines ask for queries; the certification scenarios can do without."""
    return [
        ("queries-refused-400", "Queries are refused with 400.", _queries_refused(400)),
        ("queries-refused-403", "Queries are refused with 403.", _queries_refused(403)),
        ("queries-refused-405", "Queries are refused with 405.", _queries_refused(405)),
        (
            "queries-ignored",
            "Every query is answered with the first page.",
            handling(_queries_ignored),
        ),
    ]


VARIANTS = (
    *variant_records.VARIANTS,
    *(Defect(name, GROUP, summary, make, "") for name, summary, make in _defects()),
    *(Defect(name, GROUP, summary, make, "must") for name, summary, make in _without_queries()),
)
