"""Does JSON fit a schema? Nearly always, so that a quick yes comes before the reasons.

The quick yes is a function that is made of the schema, once. Whatever it does not say yes to is
judged by jsonschema, which alone says what is wrong and is not even imported before; a schema with
a word that is not known here is left to jsonschema altogether. Tests hold the two together.
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
#: True only for a value that the schema allows.
Fits = Callable[[Any], bool]

_SAID = frozenset({"title", "description", "$schema"})
#: Of the whole alone: below it they would change what a reference means.
_OF_THE_WHOLE = frozenset({"$id", "$defs"})
#: Formats whose sizes jsonschema does not look at.
_SIZES = frozenset({"int32", "int64", "double"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(rf"({_DATE.pattern}T(?!24)[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})(\.[0-9]+)?Z")
#: JSON types by Python's own; 1.0, an integer in JSON, is rare enough to be left to jsonschema.
_TYPES: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


class QuickValidator:
    """Judges JSON by a JSON Schema (2020-12); ``date`` and ``date-time`` are checked."""

    def __init__(self, schema: Json) -> None:
        self.schema = schema

    def iter_errors(self, content: Any) -> Iterator[ValidationError]:
        """Every way in which the content breaks the schema, as jsonschema says it."""
        return iter(()) if self._fits(content) else self.thorough.iter_errors(content)

    @cached_property
    def thorough(self) -> Draft202012Validator:
        """The validator of jsonschema, whose import takes half as long as that of requests."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - idle cost

        checker = Draft202012Validator.FORMAT_CHECKER
        return Draft202012Validator(self.schema, format_checker=checker)

    @cached_property
    def _fits(self) -> Fits:
        try:
            return _Maker(self.schema).whole()
        except (_UnknownWordError, TypeError, LookupError, AttributeError, re.error):
            return lambda _: False  # what cannot be read here may never be asked for


class _UnknownWordError(Exception):
    """A word of a schema that is left to jsonschema."""


class _Maker:
    """Makes functions of the parts of one schema."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema
        self._parts: Mapping[str, Json] = schema.get("$defs", {})
        self._made: dict[str, Fits] = {}

    def whole(self) -> Fits:
        """The function for the schema."""
        return self.made({k: v for k, v in self._schema.items() if k not in _OF_THE_WHOLE})

    def made(self, schema: Any) -> Fits:
        """The function for a part; raises where a word of it is not known."""
        if not isinstance(schema, Mapping):
            raise _UnknownWordError
        words = {word: value for word, value in schema.items() if not _is_note(word, value)}
        checks = [self._check(word, value) for word, value in words.items()]
        if len(checks) == 1:
            return checks[0]
        return lambda value: all([check(value) for check in checks])  # noqa: C419 - a list is quicker

    def _check(self, word: str, given: Any) -> Fits:
        if word == "$ref":
            return self._referred(given)
        if word == "properties":
            return _properties({name: self.made(part) for name, part in given.items()})
        if word == "items":
            return _items(self.made(given))
        if word == "anyOf":
            choices = [self.made(part) for part in given]
            return lambda value: any(fits(value) for fits in choices)
        make = _OF_VALUES.get(word)
        if make is None:
            raise _UnknownWordError
        return make(given)

    def _referred(self, address: str) -> Fits:
        start, _, name = address.rpartition("/")
        if start != "#/$defs" or name not in self._parts or set("~%") & set(name):  # escapes
            raise _UnknownWordError
        if name not in self._made:
            made = self._made

            def later(value: Any) -> bool:  # a part may hold itself
                return made[name](value)

            made[name] = later
            made[name] = self.made(self._parts[name])
        return self._made[name]


def _is_note(word: str, value: Any) -> bool:
    """True for what says something and checks nothing."""
    return word in _SAID or word.startswith("x-") or (word == "format" and value in _SIZES)


def _properties(known: Mapping[str, Fits]) -> Fits:
    get = known.get

    def fits(value: Any) -> bool:
        if isinstance(value, dict):
            for name, inner in value.items():
                check = get(name)
                if check is not None and not check(inner):
                    return False
        return True

    return fits


def _items(check: Fits) -> Fits:
    def fits(value: Any) -> bool:
        return not isinstance(value, list) or all(map(check, value))

    return fits


def _type(given: Any) -> Fits:
    names = [given] if isinstance(given, str) else given
    kinds = {
        kind for name in names for kind in ([int, float] if name == "number" else [_TYPES[name]])
    }
    return lambda value: type(value) in kinds  # bool is an int to isinstance


def _required(names: Any) -> Fits:
    needed = frozenset(names)
    return lambda value: not isinstance(value, dict) or needed <= value.keys()


def _min_length(least: Any) -> Fits:
    return lambda value: not isinstance(value, str) or len(value) >= least


def _max_length(most: Any) -> Fits:
    return lambda value: not isinstance(value, str) or len(value) <= most


def _minimum(least: Any) -> Fits:
    return lambda value: type(value) not in (int, float) or value >= least


def _maximum(most: Any) -> Fits:
    return lambda value: type(value) not in (int, float) or value <= most


def _pattern(given: Any) -> Fits:
    found = re.compile(given).search
    return lambda value: not isinstance(value, str) or found(value) is not None


def _format(name: Any) -> Fits:
    if name not in ("date", "date-time"):
        raise _UnknownWordError
    right = _is_date if name == "date" else _is_instant
    return lambda value: not isinstance(value, str) or right(value)


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


_OF_VALUES: dict[str, Callable[[Any], Fits]] = {
    "type": _type,
    "required": _required,
    "minLength": _min_length,
    "maxLength": _max_length,
    "minimum": _minimum,
    "maximum": _maximum,
    "pattern": _pattern,
    "format": _format,
}
