"""Values that work: of the shipped tables where they say one, of Grand Bend, else made up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.properties import kind_of
from pytest_edfi_cte.scenarios import CONTAINERS
from pytest_edfi_cte.table_files import NOT_SENT

Json = dict[str, Any]
#: A new record's key must not be one that is there: no number of Grand Bend begins like these.
KEYS = (990_001, 990_002)
#: Two days that every school year has, for a date that no shipped table knows.
DAYS = ("9/15", "10/15")
_NAMESPACE = "uri://ed-fi.org"
_LEAST_WORDS = 4  # characters from which a text can be cut and still tell two values apart


class Samples:
    """Two different values for any property, as a table writes them."""

    def __init__(self, contract: Contract, resource: str) -> None:
        self._contract = contract
        self._resource = resource
        self._codes: Mapping[str, list[str]] = {
            uri.rpartition("/")[2]: codes
            for uri, codes in contract.grand_bend("descriptors").items()
        }
        #: (path, type) -> what the shipped table of this resource writes there.
        self._own: dict[tuple[str, str], list[Any]] = {}
        #: (last part of a path, type) -> what any shipped table writes.
        self._written: dict[tuple[str, str], list[Any]] = {}
        #: What the shipped table of this resource changes.
        self.changes: list[str] = []
        for name in contract.tables():
            self._learn(contract.table(name).content)

    def pair(self, path: str, fact: Json, *, key: bool) -> list[Any]:
        """Up to two different values; none for a descriptor without known code values.

        ``key``: a part of the record's own natural key, for which no existing record may have it.
        """
        kind, name = kind_of(fact), path.rpartition(".")[2]
        found = list(self._own.get((path, kind), ()))
        if not key or kind in ("date", "descriptor"):
            found += self._written.get((name, kind), ())
        if kind == "descriptor":
            found = self._coded(name, fact["x-edfi-descriptor"], found)
        else:
            found += self._made(name, kind, fact, key=key)
        different: list[Any] = []
        for value in found:
            if value not in different:
                different.append(value)
        return different[:2]

    def _coded(self, name: str, descriptor: str, written: list[Any]) -> list[Any]:
        codes = self._codes.get(descriptor, [])
        found = [*(code for code in written if code in codes), *codes[:2]]
        if self._contract.descriptor_names[name] == descriptor:
            return found
        return [f"{_NAMESPACE}/{descriptor}#{code}" for code in found]

    def _made(self, name: str, kind: str, fact: Json, *, key: bool) -> list[Any]:
        if kind == "boolean":
            return [True, False]
        if kind == "date":
            return list(DAYS)
        if kind in ("integer", "number"):
            if name.casefold().endswith("schoolyear"):
                return [{"school_year": 60 if key else 0}, {"school_year": -1}]
            return list(KEYS) if key else [max(1, int(fact.get("minimum", 1))) + n for n in (0, 1)]
        if key and name.endswith("Id"):
            return [str(number) for number in KEYS]
        return [_text(words(name), n, fact.get("maxLength", 60)) for n in (1, 2)]

    def _learn(self, table: Json) -> None:
        own = table["resource"] == self._resource
        for row in table["rows"]:
            if row["type"] in CONTAINERS:
                continue
            for value in _literals(row):
                name = row["path"].rpartition(".")[2]
                self._written.setdefault((name, row["type"]), []).append(value)
                if own:
                    self._own.setdefault((row["path"], row["type"]), []).append(value)
        if own and not self.changes:
            told = (s.get("changes", ()) for s in table["scenarios"].values())
            self.changes = [path for path in told if isinstance(path, str)]


def _literals(row: Json) -> Iterator[Any]:
    for name, value in row.items():
        if name in ("path", "type", "collection", "required") or value == NOT_SENT:
            continue
        if not isinstance(value, Mapping):
            yield value


def words(name: str) -> str:
    """``nameOfInstitution`` -> ``Name of institution``; ``CTEProgram`` -> ``CTE program``."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    plain = [part if part.isupper() and len(part) > 1 else part.lower() for part in parts]
    text = " ".join(plain)
    return text[:1].upper() + text[1:]


def _text(said: str, number: int, longest: int) -> str:
    if longest < _LEAST_WORDS:
        return str(number)
    return f"{said[: longest - 2].rstrip()} {number}"
