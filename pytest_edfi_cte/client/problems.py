"""An API's error answer in one readable line, whatever shape it has.

Problem details (RFC 9457, ODS 7.2 and later), the older ``message`` and ``error`` bodies, or none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests

LONGEST = 600  # characters of a foreign text in one of our messages


def problem_type(response: requests.Response) -> str:
    """The ``type`` of a problem-details answer, ``""`` where there is none."""
    body = _body(response)
    found = body.get("type") if isinstance(body, dict) else None
    return found if isinstance(found, str) else ""


def describe(response: requests.Response) -> str:
    """What the API says went wrong: its own words, on one line."""
    body = _body(response)
    words = " ".join(_words(body)) if body is not None else response.text
    text = " ".join(words.split())
    if body is None and text.startswith("<"):
        text = "an HTML page"
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return text or "no explanation in the answer"


def _body(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _words(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, list):
        for entry in body:
            yield from _words(entry)
    elif isinstance(body, dict):
        for key in ("detail", "message", "error", "error_description", "title"):
            if body.get(key) and not (key == "title" and body.get("detail")):
                yield from _words(body[key])
        yield from _words(body.get("errors"))
        validation = body.get("validationErrors")
        if isinstance(validation, dict):
            for path, problems in validation.items():
                yield f"{path}: {' '.join(_words(problems))}"
        elif not any(body.get(k) for k in ("detail", "message", "error", "title", "errors")):
            yield json.dumps(body)
