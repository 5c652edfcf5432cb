"""A state's own resources: OpenAPI documents that add to the data standard or replace parts of it.

Whatever a document can post is served: a path that the data standard has is replaced, another one
is added under its own namespace (``/tx/studentFoos``). What is not in the documents stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.openapi_document import read
from pytest_edfi_cte.openapi_import import ED_FI, Importer
from pytest_edfi_cte.sandbox.model import Model, assembled, model_of, title_of
from pytest_edfi_cte.sandbox.shapes import Collection, Object, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from pytest_edfi_cte.openapi_document import Document
    from pytest_edfi_cte.sandbox.shapes import Shape

_DESCRIPTORS = "Descriptors"


def extended(standard: str, files: Sequence[str | PathLike[str]]) -> Model:
    """The model of a data standard with the resources of these documents; of two, the later counts.

    Raises :class:`~pytest_edfi_cte.openapi_document.OpenApiError` for a document that cannot be
    used, and ValueError for an unknown data standard.
    """
    base = model_of(standard)
    if not files:
        return base
    documents = [read(Path(file)) for file in files]
    descriptors = _Descriptors(base, documents)
    schemas = {(ED_FI, name): s for name, s in shipped().unchecked_schemas(standard).items()}
    for document in documents:
        importer = Importer(document, descriptors, standard, extensions=True)
        for namespace, collection in document.resources():
            if not collection.endswith(_DESCRIPTORS):
                schema = importer.schema(namespace, collection)
                schemas[namespace, collection] = {**schema, "x-edfi-extension": True}
    model = assembled(standard, schemas.values(), descriptors.entities)
    for document in documents:
        for namespace, _ in document.resources():
            if namespace != ED_FI:
                model.extensions[namespace] = document.version
    return model


class _Descriptors:
    """Which descriptor a property takes its values from.

    Documents do not say it. It is the descriptor of the property's name, of the component's
    namespace if it has one; else what the same property has in the data standard; else, since
    roles are put before names (``priorCampusTypeDescriptor``), the longest name of a descriptor
    that the documents list. What is left is a descriptor of its own, in the component's namespace.
    """

    def __init__(self, base: Model, documents: list[Document]) -> None:
        known = [r.entity for r in base.resources if r.is_descriptor]
        self._listed = [
            _entity(document.body(f"/{namespace}/{collection}"))
            for document in documents
            for namespace, collection in document.resources()
            if collection.endswith(_DESCRIPTORS)
        ]
        self._known = {entity.casefold(): entity for entity in [*self._listed, *known]}
        self._roles = {
            name: descriptor
            for resource in base.resources
            for name, descriptor in _roles(resource.shape)
        }

    @property
    def entities(self) -> list[str]:
        """Every descriptor of the data standard and of the documents' lists."""
        return list(self._known.values())

    def __call__(self, name: str, component: str) -> str:
        """The descriptor of a property of a component."""
        prefix = _entity(component).rpartition("_")[0]
        title = title_of(name)
        own = f"{prefix}_{title}" if prefix else title
        for candidate in (own, title):
            if candidate.casefold() in self._known:
                return self._known[candidate.casefold()]
        if name in self._roles:
            return self._roles[name]
        ends = [e for e in self._listed if title.endswith(title_of(e))]
        return max(ends, key=lambda e: len(title_of(e)), default=own)


def _entity(component: str) -> str:
    """``edFi_sexDescriptor``, ``tx_fooDescriptor`` -> ``SexDescriptor``, ``tx_FooDescriptor``."""
    prefix, separator, _ = component.removeprefix("edFi_").rpartition("_")
    return f"{prefix}{separator}{title_of(component)}"


def _roles(shape: Shape) -> Iterator[tuple[str, str]]:
    """Every property of a shape that holds a descriptor, at any depth, and which."""
    if isinstance(shape, Collection):
        yield from _roles(shape.items)
    elif isinstance(shape, Object):
        for name, part in shape.properties.items():
            if isinstance(part, Scalar) and part.descriptor:
                yield name, part.descriptor
            else:
                yield from _roles(part)
