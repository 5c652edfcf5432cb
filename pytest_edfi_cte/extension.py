"""A state's own documents: which descriptor a property takes its values from, and their schemas.

Common ground of the sandbox, which serves what is in them, and of the judge, which judges it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.openapi_import import ED_FI, Importer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_edfi_cte.openapi_document import Document

Json = dict[str, Any]
DESCRIPTORS = "Descriptors"


class Descriptors:
    """Which descriptor a property takes its values from.

    Documents do not say it. It is the descriptor of the property's name, of the component's
    namespace if it has one; else what the same property has in the data standard; else, since
    roles are put before names (``priorCampusTypeDescriptor``), the longest name of a descriptor
    that the documents list. What is left is a descriptor of its own, in the component's namespace.

    ``known``: the data standard's descriptors. ``role``: which one a property has there, or None.
    """

    def __init__(
        self,
        known: Iterable[str],
        role: Callable[[str], str | None],
        documents: Sequence[Document],
    ) -> None:
        self._listed = [
            _entity(document.body(f"/{namespace}/{collection}"))
            for document in documents
            for namespace, collection in document.resources()
            if collection.endswith(DESCRIPTORS)
        ]
        self._known = {entity.casefold(): entity for entity in [*self._listed, *known]}
        self._role = role

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
        role = self._role(name)
        if role is not None:
            return role
        ends = [e for e in self._listed if title.endswith(title_of(e))]
        return max(ends, key=lambda e: len(title_of(e)), default=own)


def schemas_of(
    documents: Iterable[Document], descriptor_of: Callable[[str, str], str], standard: str
) -> Iterator[tuple[str, str, Json]]:
    """(namespace, collection, schema) of every resource that is no descriptor.

    Raises :class:`~pytest_edfi_cte.openapi_document.OpenApiError`.
    """
    for document in documents:
        importer = Importer(document, descriptor_of, standard, extensions=True)
        for namespace, collection in document.resources():
            if not collection.endswith(DESCRIPTORS):
                schema = importer.schema(namespace, collection)
                yield namespace, collection, {**schema, "x-edfi-extension": True}


def own_namespaces(documents: Iterable[Document]) -> dict[str, str]:
    """Collection -> namespace, of what is in another one than Ed-Fi's."""
    pairs = (pair for document in documents for pair in document.resources())
    return {collection: namespace for namespace, collection in pairs if namespace != ED_FI}


def title_of(entity: str) -> str:
    """``student``, ``tx_studentFoo`` -> ``Student``, ``StudentFoo``."""
    name = entity.rpartition("_")[2]
    return name[:1].upper() + name[1:]


def _entity(component: str) -> str:
    """``edFi_sexDescriptor``, ``tx_fooDescriptor`` -> ``SexDescriptor``, ``tx_FooDescriptor``."""
    prefix, separator, _ = component.removeprefix("edFi_").rpartition("_")
    return f"{prefix}{separator}{title_of(component)}"
