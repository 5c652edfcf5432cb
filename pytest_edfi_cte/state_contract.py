"""The contract with a state's extension: what its OpenAPI documents add or replace.

Tables may then be about the state's own resources, and ``_ext`` is judged by the state's schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pytest_edfi_cte.contract import STANDARDS, Contract, shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.extension import Descriptors, own_namespaces, schemas_of
from pytest_edfi_cte.openapi_document import OpenApiError, read


class StateContract(Contract):
    """The shipped contract with the resources of these documents; of two, the later counts.

    Raises :class:`OpenApiError` for a document that cannot be used.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__()
        documents = [read(file) for file in files]
        self.namespaces = own_namespaces(documents)
        #: path of a schema's file, as it would be in the contract -> its text
        self._own: dict[str, str] = {}
        #: (data standard, collection) -> name of that file
        self._added: dict[tuple[str, str], str] = {}
        uris = super().grand_bend("descriptors")
        role = shipped().descriptor_names
        descriptors = Descriptors(
            [uri.rpartition("/")[2] for uri in uris], lambda name: _found(role, name), documents
        )

        def descriptor_of(name: str, component: str) -> str:
            return descriptors(name, component).rpartition("_")[2]  # as it stands in a value

        for standard in STANDARDS:
            known = super()._documents(standard)
            for namespace, collection, schema in schemas_of(documents, descriptor_of, standard):
                if namespace in self.namespaces.values() and collection in known:
                    raise OpenApiError(
                        ", ".join(map(str, files)),
                        f"paths /{namespace}/{collection}",
                        "the data standard has a collection of this name, too; tables could not "
                        "tell the two apart",
                    )
                file = known.get(collection) or schema["$id"].rpartition("/")[2][: -len(".json")]
                self._added[standard, collection] = file
                self._own[f"schemas/{standard}/{file}.json"] = json.dumps(schema)

    def _documents(self, standard: str) -> dict[str, str]:
        own = {name: file for (of, name), file in self._added.items() if of == standard}
        return {**super()._documents(standard), **own}

    def _is_as_shipped(self, path: str) -> bool:
        return path not in self._own and super()._is_as_shipped(path)

    def _text(self, path: str) -> str:
        return self._own[path] if path in self._own else super()._text(path)


def contract_of(files: Sequence[str]) -> Contract:
    """The contract for the files of ``--edfi-openapi``; the shipped one without any.

    Raises :class:`ConfigurationError`.
    """
    return _contract(tuple(Path(file).expanduser().absolute() for file in files))


@lru_cache(maxsize=4)  # a run asks for it more than once
def _contract(files: tuple[Path, ...]) -> Contract:
    if not files:
        return shipped()
    try:
        return StateContract(files)
    except OpenApiError as error:
        raise ConfigurationError(f"--edfi-openapi: {error}") from None


def _found(names: Mapping[str, str], name: str) -> str | None:
    try:
        return names[name]
    except KeyError:
        return None
