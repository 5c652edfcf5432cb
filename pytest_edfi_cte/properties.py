"""The properties of a resource's schema by dotted path: which there are, and of which type.

A path goes through references, objects and collections alike: ``cteProgramServices.cipCode``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
#: What the API keeps beside the data; no scenario sends it.
KEPT = frozenset({"id", "link", "_etag", "_lastModifiedDate"})


def resolved(schema: Json, fact: Mapping[str, Any]) -> Json:
    """The schema behind ``$ref`` and "this or null"; marks of the property itself are kept."""
    for choice in fact.get("anyOf", [fact]):
        if "$ref" in choice:
            target = schema["$defs"][choice["$ref"].rpartition("/")[2]]
            return {**target, **{n: v for n, v in fact.items() if n.startswith("x-")}}
    return dict(fact)


def inner(schema: Json, fact: Mapping[str, Any]) -> dict[str, Json]:
    """The properties below one: of the object, or of a collection's elements."""
    here = resolved(schema, fact)
    if "items" in here:
        here = resolved(schema, here["items"])
    found = here.get("properties", {})
    return {name: resolved(schema, value) for name, value in found.items() if name not in KEPT}


def at_path(schema: Json, path: str) -> Json | None:
    """The property at a dotted path, None where the schema has none."""
    here: Json = schema
    for part in path.split("."):
        below = inner(schema, here)
        if part not in below:
            return None
        here = below[part]
    return here


def kind_of(fact: Mapping[str, Any]) -> str:
    """The type in a table's words: date, descriptor, reference, array, integer and so on."""
    kinds = fact.get("type", "object")
    kind = next((k for k in [kinds] if isinstance(k, str)), None) or next(
        k for k in kinds if k != "null"
    )
    if "x-edfi-descriptor" in fact:
        return "descriptor"
    if "x-edfi-reference" in fact:
        return "reference"
    if fact.get("format") == "date":
        return "date"
    return str(kind)


def paths(schema: Json, fact: Mapping[str, Any] | None = None, under: str = "") -> Iterator[str]:
    """Every path, what holds others before what it holds."""
    for name, below in inner(schema, schema if fact is None else fact).items():
        path = f"{under}.{name}".lstrip(".")
        yield path
        yield from paths(schema, below, path)


def required(schema: Json, fact: Mapping[str, Any] | None = None, under: str = "") -> Iterator[str]:
    """The paths of values that a record must have: required ones that hold no others."""
    here = resolved(schema, schema if fact is None else fact)
    below = inner(schema, here)
    for name in here.get("required", ()):
        if name not in below:
            continue
        path = f"{under}.{name}".lstrip(".")
        if kind_of(below[name]) in ("reference", "object"):
            yield from required(schema, below[name], path)
        elif kind_of(below[name]) != "array":
            yield path
