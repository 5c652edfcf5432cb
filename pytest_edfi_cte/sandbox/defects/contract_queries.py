"""Defects that a contract check finds: collections, queries, pages and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.tools import (
    BAD_REQUEST,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    Defect,
    Wire,
    empty,
    handled,
    handling,
    problem,
    with_body,
)

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "contract"
_PAGING = ("limit", "offset", "totalcount", "pagetoken", "pagesize")


def _asked(wire: Wire) -> dict[str, str]:
    """The query's parameters by the names that were sent."""
    return dict(wire.request.args.items())


def _is_query(wire: Wire) -> bool:
    return wire.method == "GET" and not wire.is_item


def _found(alter: Callable[[Wire, Response, list[Any]], Response | None]) -> Make:
    """A collection's answer is altered."""

    def handle(wire: Wire) -> Response:
        response = wire.go()
        if not _is_query(wire) or response.status_code != OK:
            return response
        return alter(wire, response, response.get_json()) or response

    return handling(handle)


def _without(*names: str) -> Make:
    """Some query parameters do nothing."""

    def handle(wire: Wire) -> Response:
        asked = _asked(wire)
        kept = {name: value for name, value in asked.items() if name.lower() not in names}
        return wire.go(query=urlencode(kept)) if _is_query(wire) and kept != asked else wire.go()

    return handling(handle)


def _combined_by_or(wire: Wire) -> Response:
    """Of several conditions only the first counts."""
    asked = _asked(wire)
    conditions = [name for name in asked if name.lower() not in _PAGING]
    if not _is_query(wire) or len(conditions) < 2:  # noqa: PLR2004 - several
        return wire.go()
    kept = {name: value for name, value in asked.items() if name not in conditions[1:]}
    return wire.go(query=urlencode(kept))


def _names_with_case(wire: Wire) -> Response:
    """Parameters that are not spelled as in the documentation do nothing."""
    asked = _asked(wire)
    kept = {
        name: value
        for name, value in asked.items()
        if not (name.islower() or name.isupper()) or name in ("limit", "offset")
    }
    return wire.go(query=urlencode(kept)) if _is_query(wire) and kept != asked else wire.go()


def _paths_with_case(wire: Wire) -> Response:
    name = wire.request.path.partition("/ed-fi/")[2].partition("/")[0]
    if name and (name.islower() or name.isupper()) and wire.is_target:
        return problem(NOT_FOUND, "There is no such resource.", "not-found")
    return wire.go()


def _total(change: Callable[[int], int | None]) -> Make:
    """The Total-Count is another, or there is none."""

    def alter(_wire: Wire, response: Response, _found: list[Any]) -> None:
        total = response.headers.get("Total-Count")
        if total is not None:
            response.headers.pop("Total-Count")
            new = change(int(total))
            if new is not None:
                response.headers["Total-Count"] = str(new)

    return _found(alter)


def _overlapping(wire: Wire) -> Response:
    """A page begins with the last record of the page before."""
    asked = _asked(wire)
    offset = asked.get("offset", "")
    if _is_query(wire) and offset.isdecimal() and int(offset) > 0:
        return wire.go(query=urlencode({**asked, "offset": int(offset) - 1}))
    return wire.go()


def _unstable() -> Callable[[Wire], Response]:
    """Every second time a collection is in the other order."""
    times = 0

    def handle(wire: Wire) -> Response:
        nonlocal times
        response = wire.go()
        if not _is_query(wire) or response.status_code != OK:
            return response
        times += 1
        if times % 2:
            return response
        asked = _asked(wire)
        limit, offset = asked.get("limit", "25"), asked.get("offset", "0")
        rest = {n: v for n, v in asked.items() if n not in ("limit", "offset")}
        everything = wire.read(query=urlencode({**rest, "limit": 500}))
        if everything is None or not (limit.isdecimal() and offset.isdecimal()):
            return response
        begin = int(offset)
        return with_body(response, everything[::-1][begin : begin + int(limit)])

    return handle


def _limits_not_checked(wire: Wire) -> Response:
    """A limit or offset that cannot be is answered with the first page."""
    response = wire.go()
    asked = _asked(wire)
    if _is_query(wire) and response.status_code == BAD_REQUEST:
        kept = {n: v for n, v in asked.items() if n.lower() not in ("limit", "offset")}
        return wire.go(query=urlencode(kept)) if kept != asked else response
    return response


def _one_object(_wire: Wire, response: Response, found: list[Any]) -> Response | None:
    return with_body(response, found[0]) if len(found) == 1 else None


def _none(code: int) -> Callable[[Wire, Response, list[Any]], Response | None]:
    def alter(_wire: Wire, _response: Response, found: list[Any]) -> Response | None:
        if found:
            return None
        if code == NOT_FOUND:
            return problem(NOT_FOUND, "Nothing was found.", "not-found")
        return empty(code)

    return alter


def _as_null(_wire: Wire, response: Response, found: list[Any]) -> Response | None:
    return with_body(response, b"null") if not found else None


def _escaped(wire: Wire) -> Response:
    """A percent-encoded # or blank is taken as it stands."""
    raw = wire.request.query_string.decode("latin-1")
    if _is_query(wire) and ("%23" in raw or "%20" in raw or "+" in raw):
        return wire.go(query=raw.replace("%", "%25").replace("+", "%2B"))
    return wire.go()


def _defects() -> list[tuple[str, str, Make]]:
    return [
        (
            "query-ignores-student",
            "A query by the student gives other students' records too.",
            _without("studentuniqueid"),
        ),
        (
            "query-ignores-date",
            "A query by the begin date gives other dates too.",
            _without("begindate"),
        ),
        (
            "query-ignores-program",
            "A query by the program's name gives other programs too.",
            _without("programname"),
        ),
        (
            "query-ignores-ed-org",
            "A query by the ed-org gives other ed-orgs too.",
            _without("educationorganizationid"),
        ),
        (
            "query-takes-first-condition",
            "Of several conditions of a query only the first counts.",
            handling(_combined_by_or),
        ),
        (
            "query-not-decoded",
            "Percent-encoded characters in a query are not decoded.",
            handling(_escaped),
        ),
        ("limit-ignored", "A page has more records than its limit.", _without("limit")),
        ("offset-ignored", "Every page is the first.", _without("offset")),
        (
            "pages-overlap",
            "A page begins with the last record of the page before.",
            handling(_overlapping),
        ),
        ("order-unstable", "A collection has another order every time.", handled(_unstable)),
        ("total-count-wrong", "The total count is one too high.", _total(lambda total: total + 1)),
        (
            "total-count-absent",
            "The total count that was asked for is not given.",
            _total(lambda _total: None),
        ),
        (
            "one-record-is-no-array",
            "A collection of one record is not an array.",
            _found(_one_object),
        ),
        (
            "empty-collection-answers-404",
            "A query that finds nothing is answered with 404.",
            _found(_none(NOT_FOUND)),
        ),
        (
            "empty-collection-answers-204",
            "A query that finds nothing is answered with 204.",
            _found(_none(NO_CONTENT)),
        ),
        ("empty-collection-is-null", "A query that finds nothing gives null.", _found(_as_null)),
    ]


def _should() -> list[tuple[str, str, Make]]:
    return [
        (
            "limits-not-checked",
            "A limit or offset below zero is taken.",
            handling(_limits_not_checked),
        ),
        (
            "parameter-case-matters",
            "A parameter in lower case is ignored.",
            handling(_names_with_case),
        ),
        ("path-case-matters", "A path in lower case is not found.", handling(_paths_with_case)),
    ]


DEFECTS = (
    *(Defect(name, GROUP, summary, make) for name, summary, make in _defects()),
    *(Defect(name, GROUP, summary, make, "should") for name, summary, make in _should()),
)
