"""Does JSON fit one of our schemas? Nearly always, so that a quick yes comes before the reasons.

The quick yes is code that fastjsonschema makes of the schema, once. Whatever it does not say yes to
is judged by jsonschema, which alone says what is wrong and is not even imported before. For the
schemas of the data standards and the protocol alone: they use no word that the older draft of
fastjsonschema would pass over (a test says so), and code is made of nothing that a user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

Json = dict[str, Any]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(rf"({_DATE.pattern}T(?!24)[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})(\.[0-9]+)?Z")


def thorough(schema: Json) -> Draft202012Validator:
    """Jsonschema's validator of a schema (2020-12); ``date`` and ``date-time`` are checked."""
    # Its import takes half as long as that of requests.
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - idle cost

    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


class Validator(Protocol):
    """What judges JSON by a schema."""

    schema: Any

    def iter_errors(self, content: Any, /) -> Iterator[ValidationError]:
        """Every way in which the content breaks the schema."""


class QuickValidator:
    """Says of JSON, as ``json`` reads it, what :func:`thorough` says; sooner where it fits."""

    def __init__(self, schema: Json) -> None:
        self.schema = schema

    def iter_errors(self, content: Any) -> Iterator[ValidationError]:
        """Every way in which the content breaks the schema, as jsonschema says it."""
        return iter(()) if self._fits(content) else self._thorough.iter_errors(content)

    def _fits(self, content: Any) -> bool:
        """True only for content without errors."""
        try:
            self._quick(content)
        except ValueError:  # fastjsonschema's own errors are
            return False
        return True

    @cached_property
    def _thorough(self) -> Draft202012Validator:
        return thorough(self.schema)

    @cached_property
    def _quick(self) -> Callable[[Any], object]:
        import fastjsonschema  # noqa: PLC0415 - idle cost

        # Its $id would be an address to read references from.
        schema = {word: value for word, value in self.schema.items() if word != "$id"}
        made: Callable[[Any], object] = fastjsonschema.compile(
            schema, formats=_FORMATS, use_default=False
        )
        return made


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _is_instant(text: str) -> bool:
    """True for the usual spelling, in UTC; any other is jsonschema's to judge."""
    found = _INSTANT.fullmatch(text)
    try:
        return bool(found and datetime.fromisoformat(found[1]))
    except ValueError:
        return False


#: Of numbers jsonschema looks at no size, and fastjsonschema at no format.
_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_instant,
    **dict.fromkeys(("int32", "int64", "double"), lambda _: True),
}
