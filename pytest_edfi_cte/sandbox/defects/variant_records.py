"""APIs whose records look otherwise than the sandbox's, and are right."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_edfi_cte.sandbox.defects.tools import (
    OK,
    Defect,
    Json,
    Wire,
    everywhere,
    handling,
    varied,
    with_body,
)

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from pytest_edfi_cte.sandbox.defects.tools import Change, Make

GROUP = "variant"


def each_record(change: Change) -> Make:
    """Every record in every data answer is changed in a legal way."""

    def alter(request: Request, response: Response) -> Response:
        body = None
        if "/ed-fi/" in request.path and response.status_code == OK:
            with suppress(ValueError):
                body = json.loads(response.get_data())
        if body is None:
            return response
        for record in body if isinstance(body, list) else [body]:
            change(record)
        return with_body(response, body)

    return everywhere(alter)


def _reverse_order(record: Json) -> None:
    items = list(record.items())[::-1]
    record.clear()
    record.update(items)


def _no_server_properties(record: Json) -> None:
    record.pop("_etag", None)
    record.pop("_lastModifiedDate", None)


def _with_extension(record: Json) -> None:
    record["_ext"] = {"tx": {"campusOfRecord": 7}}


def _with_nulls(record: Json) -> None:
    if "programReference" not in record:
        return
    for name in ("endDate", "reasonExitedDescriptor", "programParticipationStatuses"):
        record.setdefault(name, None)
    for name, value in record.items():
        for each in value if isinstance(value, list) else ():
            if name.endswith("Services"):
                each.setdefault("serviceBeginDate", None)


def _without_links(record: Json) -> None:
    for value in list(record.values()):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                part.pop("link", None)
                _without_links(part)


def _dashed(value: str) -> str:
    plain = value.replace("-", "")
    parts = (plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:])
    return "-".join(parts)


def _dashed_ids(wire: Wire) -> Response:
    request = wire.request
    head, slash, last = request.path.rpartition("/")
    if slash and last.count("-") == 4:  # noqa: PLR2004 - the dashes of a UUID
        plain = last.replace("-", "")
        body = wire.body
        if isinstance(body, dict) and isinstance(body.get("id"), str):
            body["id"] = body["id"].replace("-", "")
            request = varied(request, body=body)
        request = varied(request, path=f"{head}/{plain}")
    response = wire.proceed(request)
    if response.headers.get("Location"):
        base, _, last = response.headers["Location"].rpartition("/")
        response.headers["Location"] = f"{base}/{_dashed(last)}"
    with suppress(ValueError):
        found = json.loads(response.get_data())
        for record in found if isinstance(found, list) else [found]:
            if isinstance(record, dict) and isinstance(record.get("id"), str):
                record["id"] = _dashed(record["id"])
        with_body(response, found)
    return response


def _api_spelling(_request: Request, response: Response) -> Response:
    given = response.get_data(as_text=True)
    given = given.replace("Descriptor#Passed", "Descriptor#passed")
    for blank in ("", " "):
        given = given.replace(f'"codeValue":{blank}"Passed"', f'"codeValue":{blank}"passed"')
    response.set_data(given)
    return response


def _defects() -> list[tuple[str, str, Make]]:
    return [
        (
            "no-server-properties",
            "Records have no _etag and no _lastModifiedDate.",
            each_record(_no_server_properties),
        ),
        ("no-links", "References have no links.", each_record(_without_links)),
        (
            "other-property-order",
            "The properties of a record stand in another order.",
            each_record(_reverse_order),
        ),
        ("extensions", "Records have a state's extension.", each_record(_with_extension)),
        (
            "nulls-for-absent",
            "Optional properties that were not sent read back as null.",
            each_record(_with_nulls),
        ),
        ("dashed-ids", "Ids are UUIDs with dashes.", handling(_dashed_ids, all_paths=True)),
        (
            "descriptor-case-of-the-api",
            "A descriptor has the API's own spelling, in its list too.",
            everywhere(_api_spelling),
        ),
    ]


VARIANTS = tuple(Defect(name, GROUP, summary, make, "") for name, summary, make in _defects())
