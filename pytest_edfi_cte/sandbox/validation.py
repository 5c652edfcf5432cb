"""Is a body as its schema says? Nearly always, so that a quick yes comes before the reasons.

The quick yes is code that fastjsonschema makes of the schema; whatever it does not say yes to is
judged by jsonschema, whose errors the texts are made of. So a body is refused by one judge only.
"""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import fastjsonschema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jsonschema import Draft202012Validator, FormatChecker

    from pytest_edfi_cte.sandbox.shapes import Json

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: Formats of whole numbers: least and greatest value.
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def is_date(value: object) -> bool:
    """Whether a text is a calendar date written YYYY-MM-DD; what is no text is not judged."""
    if not isinstance(value, str):
        return True
    try:
        # fromisoformat alone would also take 20240823 and 2024-W34-5 from Python 3.11 on.
        return bool(_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def _is_within(least: int, greatest: int) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, int) or least <= value <= greatest


@cache
def _formats() -> FormatChecker:
    from jsonschema import FormatChecker  # noqa: PLC0415 - see _thorough

    checker = FormatChecker(formats=())
    checker.checks("date")(is_date)
    for name, (least, greatest) in _RANGES.items():
        checker.checks(name)(_is_within(least, greatest))
    return checker


class Validator:
    """Judges bodies by a flattened schema; formats ``date``, ``int32`` and ``int64`` are checked.

    ``schema`` is the part of it that bodies are judged by: no titles, identities and the like.
    """

    def __init__(self, flat: Json) -> None:
        self.schema = _checked_part(flat)

    def errors(self, body: Json) -> Iterable[Any]:
        """Every way in which the body breaks the schema, as ``jsonschema.ValidationError``."""
        return () if self._fits(body) else self._thorough.iter_errors(body)

    def _fits(self, body: Json) -> bool:
        """True only for a body without errors."""
        try:
            self._quick(body)
        except ValueError:  # fastjsonschema's own errors are
            return False
        return True

    @cached_property
    def _thorough(self) -> Draft202012Validator:
        # A quarter of the time until a sandbox is ready, if it were imported before a body is bad.
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - see above

        return Draft202012Validator(self.schema, format_checker=_formats())

    @cached_property
    def _quick(self) -> Callable[[Json], object]:
        # Compiling takes milliseconds: on first use, and once for all descriptors.
        return _compiled(json.dumps(_strict(self.schema)))


@cache
def _compiled(schema: str) -> Callable[[Json], object]:
    made: Callable[[Json], object] = fastjsonschema.compile(
        json.loads(schema), formats={"date": is_date}, use_default=False
    )
    return made


def _checked_part(flat: Json) -> Json:
    """The schema without what a validator does not look at: fewer steps for every body."""
    kept: Json = {}
    for key, value in flat.items():
        if key == "properties":
            kept[key] = {name: _checked_part(part) for name, part in value.items()}
        elif key == "items":
            kept[key] = _checked_part(value)
        elif not key.startswith(("$", "x-", "title", "description")):
            kept[key] = value
    return kept


def _strict(schema: Json) -> Json:
    """The same for fastjsonschema, which knows formats of texts only."""
    strict: Json = {key: value for key, value in schema.items() if key != "format"}
    kind = schema.get("format")
    if kind == "date":
        strict["format"] = kind
    elif kind in _RANGES:
        least, greatest = _RANGES[kind]
        strict["minimum"] = max(least, schema.get("minimum", least))
        strict["maximum"] = min(greatest, schema.get("maximum", greatest))
    if "properties" in schema:
        strict["properties"] = {n: _strict(part) for n, part in schema["properties"].items()}
    if "items" in schema:
        strict["items"] = _strict(schema["items"])
    return strict
