"""One answer of the API as the checks see it: never raises, whatever came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from pytest_edfi_cte.answers import strict_json
from pytest_edfi_cte.client.exchange import Exchange
from pytest_edfi_cte.client.problems import describe, problem_type
from pytest_edfi_cte.compare import ABSENT
from pytest_edfi_cte.records import Record

FIRST_ERROR = 400
OK, CREATED, NO_CONTENT, MULTIPLE, NOT_MODIFIED = 200, 201, 204, 300, 304
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, NOT_ALLOWED = 400, 401, 403, 404, 405
CONFLICT, STALE, MEDIA_TYPE, TOO_MANY, NOT_IMPLEMENTED = 409, 412, 415, 429, 501


@dataclass(frozen=True)
class Answer:
    """``response`` is None where none came: then ``failure`` says why.

    ``record``: what a POST made, where it made something.
    """

    exchange: Exchange
    response: requests.Response | None = None
    failure: str = ""
    record: Record | None = None
    location: str | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status, None without an answer."""
        return self.response.status_code if self.response is not None else None

    @property
    def accepted(self) -> bool:
        """True for 2xx."""
        return self.status is not None and OK <= self.status < MULTIPLE

    @property
    def told(self) -> Any:
        """The status for a message; a refusal with the API's own words, or why nothing came."""
        if self.response is None:
            return f"no answer: {self.failure}"
        if self.response.status_code >= FIRST_ERROR:
            return f"{self.status}: {describe(self.response)}"
        return self.status

    @property
    def text(self) -> str:
        """The body as text, "" without one."""
        return self.response.text if self.response is not None else ""

    @cached_property
    def json(self) -> Any:
        """The body as JSON, None where it is none (or is null)."""
        if self.response is None or not self.response.content:
            return None
        try:
            return strict_json(self.response.content)
        except ValueError:
            return None

    @property
    def etag(self) -> str | None:
        """The ETag header."""
        return self.header("ETag")

    @property
    def problem(self) -> bool:
        """True where the body is problem details: JSON with a ``type``."""
        return self.response is not None and bool(problem_type(self.response))

    @property
    def lacks_the_right(self) -> bool:
        """True where a write got a 403 because of the key's claims or ed-orgs.

        Problem details say so by their type; older hosts only in words.
        """
        if self.response is None or self.status != FORBIDDEN or self.exchange.method == "GET":
            return False
        kind = problem_type(self.response)
        return ":authorization:" in kind if kind else "authoriz" in self.response.text.lower()

    @property
    def rows(self) -> list[Any] | None:
        """The records of a collection, None where the body is no array."""
        return self.json if isinstance(self.json, list) else None

    def header(self, name: str) -> str | None:
        """A header of the answer, None without it."""
        return self.response.headers.get(name) if self.response is not None else None

    def at(self, name: str) -> Any:
        """A property of the body, ABSENT without it."""
        return self.json.get(name, ABSENT) if isinstance(self.json, dict) else ABSENT
