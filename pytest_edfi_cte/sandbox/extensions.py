"""A state's own resources: OpenAPI documents that add to the data standard or replace parts of it.

Whatever a document can post is served: a path that the data standard has is replaced, another one
is added under its own namespace (``/tx/studentFoos``). What is not in the documents stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.extension import Descriptors, schemas_of
from pytest_edfi_cte.openapi_document import read
from pytest_edfi_cte.openapi_import import ED_FI
from pytest_edfi_cte.sandbox.model import Model, assembled, model_of
from pytest_edfi_cte.sandbox.shapes import Collection, Object, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from pytest_edfi_cte.sandbox.shapes import Shape


def extended(standard: str, files: Sequence[str | PathLike[str]]) -> Model:
    """The model of a data standard with the resources of these documents; of two, the later counts.

    Raises :class:`~pytest_edfi_cte.openapi_document.OpenApiError` for a document that cannot be
    used, and ValueError for an unknown data standard.
    """
    base = model_of(standard)
    if not files:
        return base
    documents = [read(Path(file)) for file in files]
    known = [r.entity for r in base.resources if r.is_descriptor]
    roles = {name: found for r in base.resources for name, found in _roles(r.shape)}
    descriptors = Descriptors(known, roles.get, documents)
    schemas = {(ED_FI, name): s for name, s in shipped().unchecked_schemas(standard).items()}
    for namespace, collection, schema in schemas_of(documents, descriptors, standard):
        schemas[namespace, collection] = schema
    model = assembled(standard, schemas.values(), descriptors.entities)
    for document in documents:
        for namespace, _ in document.resources():
            if namespace != ED_FI:
                model.extensions[namespace] = document.version
    return model


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
