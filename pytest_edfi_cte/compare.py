"""JSON values compared with their types, and paths through a record.

Absent, null and empty are three different things; true is not 1, and 1 is not "1".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

Json = dict[str, Any]
#: Tells whether the API holds two descriptor URIs for the same value.
SameDescriptor = Callable[[str, str], bool]


class Absent(Enum):
    """The one value that says "not there", different from null and from empty."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "absent"

    __str__ = __repr__


ABSENT = Absent.ABSENT


def nothing(value: Any) -> bool:
    """True for what is not there: hosts leave an optional value out or write null, both legal."""
    return value is ABSENT or value is None


def json_type(value: Any) -> str:
    """The JSON name of a value's type; ``absent`` where there is no value."""
    if value is ABSENT:
        return "absent"
    if value is None:
        return "null"
    for kind, name in (
        (bool, "boolean"),
        (int | float, "number"),
        (str, "string"),
        (list, "array"),
    ):
        if isinstance(value, kind):
            return name
    return "object"


def same_json(one: Any, other: Any, same_descriptor: SameDescriptor | None = None) -> bool:
    """Equality of JSON values with their types: ``1`` is not ``true``, ``"1"`` is not ``1``.

    ``1`` and ``1.0`` are one JSON number. Arrays compare in order; the callers match collections
    by key before they come here.
    """
    if json_type(one) != json_type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(
            same_json(one[k], other[k], same_descriptor) for k in one
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(
            same_json(a, b, same_descriptor) for a, b in zip(one, other, strict=True)
        )
    if one == other:
        return True
    return bool(same_descriptor and is_descriptor(one, other) and same_descriptor(one, other))


def equal_ids(one: Any, other: str | None) -> bool:
    """Dashed and undashed spellings of one id are equal."""
    if not isinstance(one, str) or other is None:
        return False
    return one.replace("-", "").lower() == other.replace("-", "").lower()


def at(record: Any, path: str) -> Any:
    """The value at a dotted path, :data:`ABSENT` where there is none."""
    for part in path.split("."):
        if not isinstance(record, Mapping) or part not in record:
            return ABSENT
        record = record[part]
    return record


def identity_of(schema: Json, path: str) -> list[str]:
    """The paths that identify a collection's elements; [] where the schema names none.

    Where no property of the element itself does, its required references do.
    """
    here: Any = schema
    for part in path.split("."):
        here = _resolve(schema, here).get("properties", {}).get(part, {})
        here = here.get("items", here)
    element = _resolve(schema, here)
    properties = element.get("properties", {})
    own = [name for name, fact in properties.items() if fact.get("x-edfi-identity")]
    return own or [
        f"{name}.{part}"
        for name in element.get("required", ())
        for part, fact in _resolve(schema, properties.get(name, {})).get("properties", {}).items()
        if fact.get("x-edfi-identity")
    ]


def asked_by_schema(schema: Json, path: str) -> str:
    """Whether a schema asks for the property at a dotted path: "required", "optional", or "".

    A property counts where its own object is there; "" where the schema does not know it.
    """
    here: Any = schema
    *parents, name = path.split(".")
    for part in parents:
        here = _resolve(schema, here).get("properties", {}).get(part, {})
        here = here.get("items", here)
    last = _resolve(schema, here)
    if name not in last.get("properties", {}):
        return ""
    return "required" if name in last.get("required", ()) else "optional"


def short(value: Any) -> str:
    """A descriptor URI's code value; any other value as text."""
    text = value if isinstance(value, str) else repr(value)
    return text.partition("#")[2] if text.startswith("uri://") and "#" in text else text


def _resolve(schema: Json, part: Any) -> Json:
    for choice in part.get("anyOf", [part]):
        if "$ref" in choice:
            resolved: Json = schema["$defs"][choice["$ref"].rpartition("/")[2]]
            return resolved
    found: Json = part
    return found


def is_descriptor(*values: Any) -> bool:
    """True where every value is a descriptor URI: ``uri://namespace/Name#code value``."""
    return all(isinstance(v, str) and v.startswith("uri://") and "#" in v for v in values)
