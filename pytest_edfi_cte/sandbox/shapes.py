"""The shape of a resource's body, read once from its schema, and how values are brought into it.

Type inference (Ed-Fi API Guidelines: a string that spells a value of the property's type is
taken as that value). Exactly these conversions are made, everything else is left as it came and
refused by the schema:

=========  =========================================  =======================================
property   accepted besides its own JSON type         not accepted
=========  =========================================  =======================================
boolean    ``"true"``, ``"false"`` in any case        ``"1"``, ``1``, ``"yes"``, ``" true"``
integer    ``"255901"``, ``"-1"``; ``255901.0``       ``"1.0"``, ``"1e3"``, ``"+1"``, ``true``
number     ``"0.5"``, ``"-1"``, ``"1e3"`` (finite)    ``".5"``, ``"NaN"``, ``true``
string     nothing                                    ``11.0103``, ``true``
=========  =========================================  =======================================
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

#: Set by the server; a client may send them and they are dropped.
SERVER_OWNED = frozenset({"id", "_etag", "_lastModifiedDate"})

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Scalar:
    """A single value. ``type``: string, integer, number or boolean; ``date``: of a string."""

    type: str
    identity: bool = False
    descriptor: str | None = None
    date: bool = False


@dataclass(frozen=True)
class Collection:
    """An array of items of one shape."""

    items: Shape


@dataclass(frozen=True)
class Object:
    """A JSON object. ``reference`` is the singular name of what it refers to, if it does."""

    properties: Mapping[str, Shape]
    required: frozenset[str]
    reference: str | None = None

    @cached_property
    def identity(self) -> list[str]:
        """Names of the scalar properties that identify it, sorted."""
        return sorted(
            name
            for name, shape in self.properties.items()
            if isinstance(shape, Scalar) and shape.identity
        )


Shape = Scalar | Collection | Object


def flatten(node: Any, definitions: Json) -> Any:
    """A schema without ``$ref`` and without null: nulls are dropped before a body is checked.

    What the server owns (``id``, ``link``…) is left out, so that it is unknown in a body.
    """
    if "$ref" in node:
        return flatten(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in node:
        options = [option for option in node["anyOf"] if option != {"type": "null"}]
        return flatten(options[0], definitions)
    flat: Json = {k: v for k, v in node.items() if k != "$defs"}
    if isinstance(flat.get("type"), list):
        flat["type"] = next(kind for kind in flat["type"] if kind != "null")
    if "properties" in flat:
        hidden = {"link"} if "x-edfi-reference" in flat else SERVER_OWNED
        flat["properties"] = {
            name: flatten(value, definitions)
            for name, value in flat["properties"].items()
            if name not in hidden
        }
    if "items" in flat:
        flat["items"] = flatten(flat["items"], definitions)
    return flat


def shape_of(flat: Json) -> Shape:
    """The shape that a flattened schema describes."""
    if flat["type"] == "object":
        return object_of(flat)
    if flat["type"] == "array":
        return Collection(shape_of(flat["items"]))
    return Scalar(
        flat["type"],
        bool(flat.get("x-edfi-identity")),
        flat.get("x-edfi-descriptor"),
        flat.get("format") == "date",
    )


def object_of(flat: Json) -> Object:
    """The shape of an object's flattened schema."""
    properties = {name: shape_of(value) for name, value in flat["properties"].items()}
    return Object(properties, frozenset(flat.get("required", ())), flat.get("x-edfi-reference"))


class DescriptorUse(NamedTuple):
    """A descriptor value in a body: where it stands and what it must be."""

    path: str
    descriptor: str
    holder: Json
    name: str


class ReferenceUse(NamedTuple):
    """A reference in a body."""

    path: str
    shape: Object
    value: Json


class CollectionUse(NamedTuple):
    """A collection of objects in a body."""

    path: str
    items: Object
    values: list[Any]


@dataclass
class Draft:
    """A body after type inference, with everything that must be looked up or compared."""

    body: Json = field(default_factory=dict)
    descriptors: list[DescriptorUse] = field(default_factory=list)
    references: list[ReferenceUse] = field(default_factory=list)
    collections: list[CollectionUse] = field(default_factory=list)


def draft(shape: Object, sent: Json) -> Draft:
    """Bring ``sent`` into ``shape``: known properties only, no nulls, types inferred.

    What cannot be converted stays as it is, for the schema to refuse.
    """
    found = Draft()
    found.body = _object(shape, sent, "$", found)
    return found


def _object(shape: Object, sent: Json, path: str, found: Draft) -> Json:
    clean: Json = {}
    for name, part in shape.properties.items():
        value = sent.get(name)
        if value is None:
            continue
        if isinstance(part, Scalar):
            clean[name] = value = infer(part.type, value)
            if part.descriptor and isinstance(value, str):
                use = DescriptorUse(f"{path}.{name}", part.descriptor, clean, name)
                found.descriptors.append(use)
        else:
            clean[name] = _nested(part, value, f"{path}.{name}", found)
    if shape.reference:
        found.references.append(ReferenceUse(path, shape, clean))
    return clean


def _nested(shape: Shape, value: Any, path: str, found: Draft) -> Any:
    if isinstance(shape, Object) and isinstance(value, dict):
        return _object(shape, value, path, found)
    if isinstance(shape, Collection) and isinstance(value, list):
        items = [
            _nested(shape.items, item, f"{path}[{index}]", found)
            for index, item in enumerate(value)
        ]
        if isinstance(shape.items, Object):
            found.collections.append(CollectionUse(path, shape.items, items))
        return items
    if isinstance(shape, Scalar):
        return infer(shape.type, value)
    return value


def infer(kind: str, value: Any) -> Any:
    """``value`` as JSON type ``kind`` where the module's table allows it, else unchanged."""
    if isinstance(value, float):
        if kind == "integer" and value.is_integer():
            return int(value)
        # 1e400 is read as infinity, which JSON cannot say: left for the schema to refuse as text.
        return value if math.isfinite(value) else str(value)
    return _infer_text(kind, value) if isinstance(value, str) else value


def _infer_text(kind: str, text: str) -> Any:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind == "number" and _NUMBER.fullmatch(text):
        number = float(text)
        whole = number.is_integer() and abs(number) < 2**53
        return int(number) if whole else number if math.isfinite(number) else text
    return text
