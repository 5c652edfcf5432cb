"""Does JSON fit a schema? Nearly always, so that a quick yes comes before the reasons.

The quick yes is code that fastjsonschema makes of the schema, once. Whatever it does not say yes to
is judged by jsonschema, which alone says what is wrong; a schema with a word that the two might
read differently is left to jsonschema altogether.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

Json = dict[str, Any]

#: Words that both read alike. ``enum`` and ``const`` are not among them: there 1 may equal true.
_CHECKED = frozenset(
    {"$ref", "type", "required", "minLength", "maxLength", "minimum", "maximum", "pattern"}
)
_SAID = frozenset({"title", "description", "$schema", "$id"})
#: What jsonschema judges of the formats of the model; the numbers' sizes it does not look at.
_SIZES = frozenset({"int32", "int64", "double"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(rf"({_DATE.pattern}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})(\.[0-9]+)?Z")


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


class QuickValidator:
    """Judges JSON by a JSON Schema (2020-12); ``date`` and ``date-time`` are checked."""

    def __init__(self, schema: Json) -> None:
        self.schema = schema

    def iter_errors(self, content: Any) -> Iterator[ValidationError]:
        """Every way in which the content breaks the schema, as jsonschema says it."""
        return iter(()) if self._fits(content) else self.thorough.iter_errors(content)

    def _fits(self, content: Any) -> bool:
        """True only for content without errors."""
        if self._quick is None:
            return False
        try:
            self._quick(content)
        except ValueError:  # fastjsonschema's own errors are
            return False
        return True

    @cached_property
    def thorough(self) -> Draft202012Validator:
        """The validator of jsonschema, whose import takes half as long as that of requests."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - idle cost

        checker = Draft202012Validator.FORMAT_CHECKER
        return Draft202012Validator(self.schema, format_checker=checker)

    @cached_property
    def _quick(self) -> Callable[[Any], object] | None:
        try:
            plain = _plain(self.schema)
        except _UnknownWordError:
            return None
        import fastjsonschema  # noqa: PLC0415 - idle cost

        formats = {"date": _is_date, "date-time": _is_instant}
        made: Callable[[Any], object] = fastjsonschema.compile(
            plain, formats=formats, use_default=False, detailed_exceptions=False
        )
        return made


class _UnknownWordError(Exception):
    """A word of a schema that is left to jsonschema."""


def _plain(schema: Any) -> Json:
    """The schema with what is checked alone; raises where a word of it is not known here."""
    if not isinstance(schema, Mapping):
        raise _UnknownWordError
    if "$ref" in schema and not all(map(_is_note, schema.keys() - {"$ref"})):
        raise _UnknownWordError  # what stands beside it would not be read
    return {word: _part(word, value) for word, value in schema.items() if not _is_note(word, value)}


def _part(word: str, value: Any) -> Any:
    if word in ("properties", "$defs"):
        return {name: _plain(part) for name, part in value.items()}
    if word == "anyOf":
        return [_plain(part) for part in value]
    if word == "items":
        return _plain(value)
    if word in _CHECKED or (word == "format" and value in ("date", "date-time")):
        return value
    raise _UnknownWordError


def _is_note(word: str, value: Any = None) -> bool:
    """True for what says something and checks nothing."""
    return word in _SAID or word.startswith("x-") or (word == "format" and value in _SIZES)
