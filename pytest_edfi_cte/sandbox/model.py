"""What the API serves: resources, natural keys, references and descriptors, all from schemas.

There is no code per resource. A resource is a schema file of the contract; a descriptor resource
exists for every descriptor that a schema or the pre-loaded data names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.extension import title_of
from pytest_edfi_cte.openapi_import import ED_FI
from pytest_edfi_cte.sandbox.shapes import Collection, Object, Scalar, flatten, object_of
from pytest_edfi_cte.sandbox.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_edfi_cte.sandbox.shapes import Json, Shape

# json.dumps makes an encoder each time.
_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Field:
    """A property that a collection can be queried by. ``key``: it is part of the natural key.

    ``paths``: where its value stands, in one place or in another.
    """

    name: str
    paths: tuple[tuple[str, ...], ...]
    scalar: Scalar
    key: bool


@dataclass(frozen=True, eq=False)
class Resource:
    """One collection of the API.

    ``collection``: its name in paths, e.g. ``students``; ``namespace``: what stands before it
    there. ``entity``: what references call it, e.g. ``student``, ``tx_studentFoo``.
    ``is_a``: abstract entity -> {its key part: path in the record}.
    ``fields``: lower-case query parameter -> :class:`Field`. ``unified``: paths whose values must
    agree. ``key_changes``: a PUT may change the natural key. ``extension``: it is not the
    contract's, a state's document describes it.
    """

    collection: str
    entity: str
    natural_key: Mapping[str, tuple[str, ...]]
    is_a: Mapping[str, Mapping[str, tuple[str, ...]]]
    shape: Object
    validator: Validator
    fields: Mapping[str, Field]
    unified: tuple[tuple[tuple[str, ...], ...], ...] = ()
    key_changes: bool = False
    is_descriptor: bool = False
    namespace: str = ED_FI
    extension: bool = False
    schema: Json = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What it is called where its namespace is not said: ``students``, ``tx/studentFoos``."""
        return self.collection if self.namespace == ED_FI else f"{self.namespace}/{self.collection}"

    @property
    def path(self) -> str:
        """Its address below the data: ``/ed-fi/students``."""
        return f"/{self.namespace}/{self.collection}"

    @property
    def title(self) -> str:
        """The name in texts and links, e.g. ``StudentCTEProgramAssociation``."""
        return title_of(self.entity)

    def identities(self, body: Json) -> list[tuple[str, str]]:
        """Every (entity, key) that a record answers to: its own, then each abstract one."""
        if self.is_descriptor:
            return [(self.entity, descriptor_key(f"{body['namespace']}#{body['codeValue']}"))]
        keys = {self.entity: self.natural_key, **self.is_a}
        return [
            (entity, key_of({n: at(body, p) for n, p in key.items()}))
            for entity, key in keys.items()
        ]

    def key_values(self, body: Json) -> Json:
        """The natural key as change queries tell it: query parameter -> value."""
        return {name: at(body, path) for name, path in self.natural_key.items()}

    def references(self) -> Iterator[tuple[str, Object]]:
        """References of the record itself, not of its collections: (property, shape)."""
        for name, shape in self.shape.properties.items():
            if isinstance(shape, Object) and shape.reference:
                yield name, shape


class Model:
    """All resources of one data standard. Build with :func:`model_of`."""

    def __init__(self, resources: list[Resource]) -> None:
        self.resources = resources
        #: Namespace of a state's extension -> the version that its document has.
        self.extensions: dict[str, str] = {}
        self._by_name = {r.name.lower(): r for r in resources}
        self._by_path = {r.path.lower(): r for r in resources}
        self._by_entity: dict[str, list[Resource]] = {}
        for resource in resources:
            for entity in (resource.entity, *resource.is_a):
                self._by_entity.setdefault(entity, []).append(resource)

    def find(self, name: str) -> Resource | None:
        """The resource of this name, in any case; ``tx/studentFoos`` outside of Ed-Fi's own."""
        return self._by_name.get(name.lower())

    def addressed(self, path: str) -> Resource | None:
        """The resource at an address like ``/ed-fi/students``, in any case."""
        return self._by_path.get(path.lower())

    def named(self, name: str) -> Resource:
        """Like :meth:`find`, for a name that is known to exist."""
        return self._by_name[name.lower()]

    @property
    def keys(self) -> dict[str, str]:
        """Name of a resource -> how its keys are made, as text: what stored records depend on."""
        return {
            r.name: json.dumps([r.entity, r.natural_key, r.is_a], sort_keys=True)
            for r in self.resources
        }

    def is_a(self, entity: str, abstract: str) -> bool:
        """Whether the entity is a concrete kind of the abstract one."""
        return any(abstract in resource.is_a for resource in self._by_entity.get(entity, ()))

    def kinds(self, entity: str) -> list[Resource]:
        """The resources that an entity is, several for an abstract one."""
        return self._by_entity.get(entity, [])


@cache
def model_of(standard: str) -> Model:
    """The model of a data standard, ``"4.0"`` or ``"5.0"``; compiled once per process.

    Raises ValueError for another data standard.
    """
    if standard not in STANDARDS:
        raise ValueError(f"no data standard {standard!r}: choose one of {', '.join(STANDARDS)}")
    descriptors = {uri.rpartition("/")[2] for uri in shipped().grand_bend("descriptors")}
    return assembled(standard, shipped().unchecked_schemas(standard).values(), descriptors)


def assembled(standard: str, schemas: Iterable[Json], descriptors: Iterable[str]) -> Model:
    """The model of these resources, of these descriptors and of all that the resources name."""
    resources = [_resource(schema) for schema in schemas]
    names = set(descriptors)
    for resource in resources:
        names.update(e for e in entities_of(resource.shape) if e.endswith("Descriptor"))
    schema = shipped().unchecked_schema(standard, "descriptor")
    return Model([*resources, *(_resource(schema, name) for name in sorted(names))])


def collection_of(descriptor: str) -> str:
    """``CTEProgramServiceDescriptor`` -> ``cteProgramServiceDescriptors``."""
    name = title_of(descriptor)
    lead = re.match(r"[A-Z]+(?![a-z])|[A-Z]", name)
    end = lead.end() if lead else 0
    return f"{name[:end].lower()}{name[end:]}s"


def namespace_of(entity: str) -> str:
    """``tx_CampusTypeDescriptor`` -> ``tx``; Ed-Fi's own have no prefix."""
    prefix, found, _ = entity.partition("_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", prefix).lower() if found else ED_FI


def at(body: Json, path: tuple[str, ...]) -> Any:
    """The value at a path of property names, None where something on the way is missing."""
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def key_of(parts: Mapping[str, Any]) -> str:
    """A natural key as text: its values in the order of their names, with their JSON types."""
    return _encode([parts[name] for name in sorted(parts)])


def descriptor_key(value: str) -> str:
    """The key of a descriptor value ``namespace#codeValue``: its case does not matter."""
    return value.casefold()


def _resource(schema: Json, descriptor: str | None = None) -> Resource:
    flat = flatten(schema, schema.get("$defs", {}))
    shape = object_of(flat)
    natural_key = {name: tuple(p.split(".")) for name, p in schema["x-edfi-naturalKey"].items()}
    parts = {
        name: tuple(tuple(path.split(".")) for path in paths)
        for name, paths in schema.get("x-edfi-parts", {}).items()
    }
    abstract = schema.get("x-edfi-isA", {})
    return Resource(
        collection=collection_of(descriptor) if descriptor else schema["x-edfi-resource"],
        entity=descriptor or schema["$id"].rpartition("/")[2].removesuffix(".json"),
        natural_key=natural_key,
        is_a={
            entity: {part: tuple(path.split(".")) for part, path in parts.items()}
            for entity, parts in abstract.items()
        },
        shape=shape,
        validator=Validator(flat),
        fields=_fields(shape, natural_key, parts),
        unified=tuple(paths for paths in parts.values() if len(paths) > 1),
        key_changes=schema.get("x-edfi-keyChanges", False),
        is_descriptor=descriptor is not None,
        namespace=namespace_of(descriptor) if descriptor else schema.get("x-edfi-namespace", ED_FI),
        extension=schema.get("x-edfi-extension", False),
        schema=schema,
    )


def _fields(
    shape: Object,
    natural_key: Mapping[str, tuple[str, ...]],
    parts: Mapping[str, tuple[tuple[str, ...], ...]],
) -> dict[str, Field]:
    found = {
        name.lower(): Field(name, ((name,),), part, key=False)
        for name, part in shape.properties.items()
        if isinstance(part, Scalar)
    }
    for name, paths in parts.items():
        found[name.lower()] = Field(name, paths, _scalar(shape, name, paths[0]), key=False)
    for name, path in natural_key.items():
        found[name.lower()] = Field(name, (path,), _scalar(shape, name, path), key=True)
    return found


def _scalar(shape: Object, name: str, path: tuple[str, ...]) -> Scalar:
    part: Shape = shape
    for step in path:
        if not isinstance(part, Object):
            raise TypeError(f"natural key part {name}: {'.'.join(path)} leads nowhere")
        part = part.properties[step]
    if not isinstance(part, Scalar):
        raise TypeError(f"natural key part {name}: {'.'.join(path)} is no single value")
    return part


def entities_of(shape: Shape) -> Iterator[str]:
    """Everything a shape refers to, at any depth: entities and descriptors."""
    if isinstance(shape, Scalar):
        if shape.descriptor:
            yield shape.descriptor
    elif isinstance(shape, Collection):
        yield from entities_of(shape.items)
    else:
        if shape.reference:
            yield shape.reference
        for part in shape.properties.values():
            yield from entities_of(part)
