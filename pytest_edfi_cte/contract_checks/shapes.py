"""Bodies that are wrong in one way each, made from the resource's own schema."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte.compare import ABSENT

Json = dict[str, Any]
#: JSON type of the schema -> a value that no API can take for one of it.
WRONG: dict[str, Any] = {
    "boolean": "perhaps",
    "integer": "many",
    "number": "much",
    "array": "no array",
    "object": "no object",
    "string": {"no": "text"},
}


@dataclass(frozen=True)
class Property:
    """A property of a resource: ``path`` from the root, through the first element of a collection.

    ``type``: its JSON type, without null. ``reference``: it stands inside a reference.
    """

    path: tuple[str, ...]
    type: str
    required: bool
    schema: Json
    reference: bool

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)


def properties(schema: Json) -> Iterator[Property]:
    """Every property that a client may send, with those of references and collections."""
    yield from _walk(schema, schema, (), reference=False)


def _walk(root: Json, node: Json, path: tuple[str, ...], *, reference: bool) -> Iterator[Property]:
    required = node.get("required", ())
    for name, raw in node.get("properties", {}).items():
        if name in ("id", "link") or name.startswith("_"):
            continue
        schema = _resolved(root, raw)
        kind = schema["type"]
        kind = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
        place = (*path, name)
        yield Property(place, kind, name in required, schema, reference)
        inner = _resolved(root, schema["items"]) if kind == "array" else schema
        inside = reference or "x-edfi-reference" in schema
        yield from _walk(root, inner, place, reference=inside)


def _resolved(root: Json, node: Json) -> Json:
    for choice in node.get("anyOf", [node]):
        if "$ref" in choice:
            found: Json = root["$defs"][choice["$ref"].rpartition("/")[2]]
            return found
    return node


def with_value(body: Json, path: tuple[str, ...], value: Any) -> Json | None:
    """A copy of a body with one value replaced (ABSENT: left out); None where it has no such place.

    Elements of collections are entered by their first.
    """
    changed = deepcopy(body)
    here: Any = changed
    for part in path[:-1]:
        here = here.get(part)
        here = here[0] if isinstance(here, list) and here else here
        if not isinstance(here, dict):
            return None
    if value is ABSENT:
        if path[-1] not in here:
            return None
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return changed
