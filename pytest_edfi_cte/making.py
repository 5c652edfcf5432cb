"""Values that a table does not write out: invented by Faker, or made up from a schema."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.properties import at_path, kind_of, required
from pytest_edfi_cte.settings import Settings

if TYPE_CHECKING:
    from faker import Faker

Json = dict[str, Any]


class Maker:
    """Makes values; the same seed, table and path give the same value."""

    def __init__(self, contract: Contract, settings: Settings, place: str) -> None:
        self._contract = contract
        self._settings = settings
        self._place = place

    def made(self, path: str, how: Mapping[str, Any]) -> Any:
        """The value of ``{school_year: N}`` or ``{faker: provider}``.

        Raises :class:`ConfigurationError` where Faker has no such provider.
        """
        if "school_year" in how:
            return self._settings.school_year + how["school_year"]
        fake, name = self._fake(path), how["faker"]
        known = {
            method
            for provider in fake.get_providers()
            for method in dir(provider)
            if not method.startswith("_") and callable(getattr(provider, method))
        }
        if name not in known:
            raise ConfigurationError(
                f"{self._place}: {path}: Faker has no provider {name!r}{nearest(name, known)}"
            )
        return getattr(fake, name)()

    def missing(
        self,
        name: str,
        schema: Json,
        given: Mapping[str, Any],
        others: Mapping[str, tuple[str, Json]],
    ) -> Json:
        """Path -> value for what a prerequisite must have and its file does not say.

        A reference takes the key of an earlier prerequisite of its kind: name -> (collection,
        record). Raises :class:`ConfigurationError` where there is none.
        """
        found: Json = {}
        for path in required(schema):
            if path in given:
                continue
            parent = path.rpartition(".")[0]
            reference = (at_path(schema, parent) or {}).get("x-edfi-reference") if parent else None
            if reference:
                found[path] = self._referred(name, path, reference, others)
            else:
                found[path] = self._invented(name, path, at_path(schema, path) or {})
        return found

    def _referred(
        self, name: str, path: str, reference: str, others: Mapping[str, tuple[str, Json]]
    ) -> Any:
        leaf = path.rpartition(".")[2]
        for collection, record in others.values():
            if collection.startswith(reference[:-1]) and leaf in record:
                return record[leaf]
        raise ConfigurationError(
            f"{self._place}: prerequisite {name}: {path} is required; write its value, or an "
            f"earlier prerequisite of resource {reference}"
        )

    def _invented(self, name: str, path: str, fact: Json) -> Any:
        fake, kind = self._fake(f"{name}.{path}"), kind_of(fact)
        if kind == "descriptor":
            uri = f"uri://ed-fi.org/{fact['x-edfi-descriptor']}"
            first = next(iter(self._contract.grand_bend("descriptors").get(uri, ())), None)
            if first is None:
                raise ConfigurationError(
                    f"{self._place}: prerequisite {name}: {path} is required; write a code value"
                )
            return f"{self._settings.namespace}/{fact['x-edfi-descriptor']}#{first}"
        if kind == "date":
            return f"{self._settings.school_year - 1}-08-23"
        if kind in ("integer", "number"):
            return fake.random_int(900_000_000, 999_999_999)
        if kind == "boolean":
            return False
        return f"{fake.last_name()} {fake.random_int(100, 999)}"[: fact.get("maxLength", 60)]

    def _fake(self, path: str) -> Faker:
        from faker import Faker  # noqa: PLC0415 - half a second that only its users pay

        fake: Faker = Faker("en_US", use_weighting=False)
        digest = hashlib.sha256(f"{self._settings.seed}/{self._place}/{path}".encode()).digest()
        fake.seed_instance(int.from_bytes(digest[:8], "big"))
        return fake
