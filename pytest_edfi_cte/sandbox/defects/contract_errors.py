"""Defects that a contract check finds: how a refusal is worded, and what it gives away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from pytest_edfi_cte.sandbox.defects.tools import (
    BAD_REQUEST,
    SERVER_ERROR,
    Defect,
    Json,
    Wire,
    handling,
    problem,
    with_body,
)

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "contract"
_TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/srv/api/records.py", line 214, in store\n'
    "sqlite3.IntegrityError: FOREIGN KEY constraint failed"
)


def _refusals(alter: Callable[[Wire, Response, Json], Response | None]) -> Make:
    """Refusals of the target with problem details are altered."""

    def handle(wire: Wire) -> Response:
        response = wire.go()
        body = response.get_json(force=True, silent=True)
        if response.status_code < BAD_REQUEST or not isinstance(body, dict):
            return response
        return alter(wire, response, body) or response

    return handling(handle)


def _server_error(_wire: Wire, response: Response, _body: Json) -> Response | None:
    invalid = response.status_code == BAD_REQUEST
    return problem(SERVER_ERROR, "Something failed.") if invalid else None


def _unreadable_500(wire: Wire, response: Response, _body: Json) -> Response | None:
    unreadable = wire.method in ("POST", "PUT") and not isinstance(wire.body, dict)
    due = unreadable and response.status_code == BAD_REQUEST
    return problem(SERVER_ERROR, "Something failed.") if due else None


def _without_type(_wire: Wire, response: Response, body: Json) -> None:
    body.pop("type", None)
    with_body(response, body)


def _other_status(_wire: Wire, response: Response, body: Json) -> None:
    with_body(response, {**body, "status": SERVER_ERROR})


def _without_paths(_wire: Wire, response: Response, body: Json) -> None:
    body.pop("validationErrors", None)
    with_body(response, body)


def _one_problem(_wire: Wire, response: Response, body: Json) -> None:
    found = body.get("validationErrors") or {}
    if len(found) > 1:
        path = next(iter(found))
        with_body(response, {**body, "validationErrors": {path: found[path]}})


def _html(_wire: Wire, response: Response, body: Json) -> Response:
    page = f"<html><h1>{response.status_code}</h1>{body.get('title', '')}</html>"
    return Response(page, response.status_code, content_type="text/html")


def _with_trace(_wire: Wire, response: Response, body: Json) -> None:
    with_body(response, {**body, "detail": f"{body.get('detail', '')} {_TRACE}"})


def _with_person(wire: Wire, response: Response, body: Json) -> None:
    """The refusal names the student that the refused body is about."""
    sent = wire.body
    reference = sent.get("studentReference") if isinstance(sent, dict) else None
    student = reference.get("studentUniqueId") if isinstance(reference, dict) else None
    found: Any = None
    if isinstance(student, str):
        found = wire.read(f"{wire.base}students", f"studentUniqueId={student}")
    for person in found or ():
        named = f"{person['firstName']} {person['lastSurname']}, born {person['birthDate']}"
        with_body(response, {**body, "detail": f"{body.get('detail', '')} ({named})"})


def _defects() -> list[tuple[str, str, Make]]:
    return [
        (
            "invalid-data-answers-500",
            "Data that is not valid is answered with 500.",
            _refusals(_server_error),
        ),
        (
            "unreadable-body-answers-500",
            "A body that is no JSON is answered with 500.",
            _refusals(_unreadable_500),
        ),
        (
            "error-with-stack-trace",
            "A refusal shows the program's stack trace.",
            _refusals(_with_trace),
        ),
        (
            "error-with-personal-data",
            "A refusal shows the student's name and birth date.",
            _refusals(_with_person),
        ),
    ]


def _should() -> list[tuple[str, str, Make]]:
    return [
        ("problem-without-type", "Problem details have no type.", _refusals(_without_type)),
        (
            "problem-with-another-status",
            "Problem details name another status than the answer has.",
            _refusals(_other_status),
        ),
        (
            "problem-without-paths",
            "A refusal does not say which property is wrong.",
            _refusals(_without_paths),
        ),
        (
            "problem-names-one-error",
            "A refusal names only the first of several errors.",
            _refusals(_one_problem),
        ),
        ("errors-as-pages", "Refusals are web pages.", _refusals(_html)),
    ]


DEFECTS = (
    *(Defect(name, GROUP, summary, make) for name, summary, make in _defects()),
    *(Defect(name, GROUP, summary, make, "should") for name, summary, make in _should()),
)
