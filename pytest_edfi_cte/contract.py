"""The only reader of ``fixtures/``: tables, schemas and pre-loaded records, checked when read.

What ships with the package and what every run reads is checked by the kit's own tests instead
(``tests/test_tables.py``): checking it took most of a run's start. Nothing heavy is imported before
something is read, so that the plugin costs little when idle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract_text import ContractError, line_finder, parsed, require_none
from pytest_edfi_cte.quick_validator import QuickValidator, Validator, thorough

if TYPE_CHECKING:
    import sys
    from collections.abc import Iterator

    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

Json = dict[str, Any]

#: Data standards with schemas of their own, oldest first. A later 5.x uses the 5.0 schemas.
STANDARDS = ("4.0", "5.0")
TABLE = "student-cte-program-association"
TABLE_FORMAT = "schemas/scenario-table.json"


@dataclass(frozen=True)
class TableFile:
    """A table of scenarios as read; ``line`` tells where a path of keys and numbers stands."""

    file: str
    content: Json
    line: Callable[[list[str | int]], int]


class _Schemas(Mapping[str, Json]):
    """Schemas by collection name; each one is read when it is first asked for."""

    def __init__(
        self, standard: str, files: dict[str, str], read: Callable[[str, str], Json]
    ) -> None:
        self._standard = standard
        self._files = files
        self._read = read

    def __getitem__(self, collection: str) -> Json:
        return self._read(self._standard, self._files[collection])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, collection: object) -> bool:
        return collection in self._files  # Mapping's own would read the schema


class Contract:
    """The contract data below one folder; by default the one shipped with the package."""

    #: Collection -> its namespace, where that is not ``ed-fi``: in a state's extension only.
    namespaces: Mapping[str, str] = {}

    def __init__(self, root: Traversable | None = None) -> None:
        self.root = root if root is not None else resources.files("pytest_edfi_cte_fixtures")
        #: As shipped: our tests have checked every schema, the default table and what reports say.
        self._known_good = root is None
        self._validators: dict[str, Validator] = {}
        self._tables: dict[str, TableFile] = {}
        self._contents: dict[str, Json] = {}
        self._schemas: dict[str, Json] = {}

    def schema(self, standard: str, name: str) -> Json:
        """The JSON Schema of a resource in one data standard, e.g. ``("5.0", "student")``."""
        return self._schema_file(f"schemas/{standard}/{name}.json")

    def validator(self, standard: str, name: str) -> Validator:
        """A compiled validator of :meth:`schema`; formats ``date`` and ``date-time`` are checked.

        ``standard`` may also be ``protocol`` (discovery, token, problem-details).
        """
        path = f"schemas/{standard}/{name}.json"
        return self._validator(path, QuickValidator if self._is_as_shipped(path) else thorough)

    def state_validator(self) -> Validator:
        """A compiled validator of the file that observe mode keeps between its phases."""
        return self._validator("schemas/observe-state.json")

    def resource_schemas(self, standard: str) -> Mapping[str, Json]:
        """Every resource of a data standard: collection name -> schema.

        A schema is read and checked when it is asked for: most runs need a few of many.
        """
        return _Schemas(standard, self._documents(standard), self.schema)

    def unchecked_schemas(self, standard: str) -> dict[str, Json]:
        """Like :meth:`resource_schemas`, all of them read, none checked to be a JSON Schema."""
        documents = self._documents(standard).items()
        return {name: self.unchecked_schema(standard, file) for name, file in documents}

    def unchecked_schema(self, standard: str, name: str) -> Json:
        """Like :meth:`schema`, not checked to be a JSON Schema."""
        return self._read_schema(f"schemas/{standard}/{name}.json")

    def _documents(self, standard: str) -> dict[str, str]:
        """Collection name -> name of its file, which is the singular of it."""
        folder = self.root.joinpath("schemas").joinpath(standard)
        files = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir())
        return {plural(file): file for file in files if file != "descriptor"}

    def table(self, name: str = TABLE) -> TableFile:
        """A shipped table of scenarios; see :meth:`read_table`."""
        if name not in self._tables:
            file = f"scenarios/{name}.yaml"
            text = self._text(file)
            good = self._known_good and name == TABLE
            self._tables[name] = (
                TableFile(file, *parsed(file, text)) if good else self.read_table(file, text)
            )
        return self._tables[name]

    def tables(self) -> list[str]:
        """The names of the shipped tables."""
        files = self.root.joinpath("scenarios").iterdir()
        return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))

    def ships(self, table: TableFile) -> bool:
        """Whether a table is one of those that ship, as :meth:`table` gives them."""
        return any(table is known for known in self._tables.values())

    def read_table(self, file: str, text: str) -> TableFile:
        """A table of scenarios, checked against ``scenario-table.json``."""
        content, lines = parsed(file, text)
        return TableFile(file, self._fits(file, content, lines, TABLE_FORMAT), lines)

    def schema_name(self, standard: str, collection: str) -> str:
        """The name of a collection's schema file; KeyError where the standard has no such one."""
        return self._documents(standard)[collection]

    def rehearsal(self) -> Json:
        """Steps, troubles, limits and wire checks of a rehearsal; see ``rehearsal.yaml``."""
        return self._checked("rehearsal.yaml", "schemas/rehearsal.json")

    def _checked(self, path: str, schema: str, *, good: bool = False) -> Json:
        """A YAML file of the contract that fits a schema of the contract; read and checked once.

        ``good``: it is known to fit.

        Each caller gets a copy of its own.
        """
        if path not in self._contents:
            content, lines = parsed(path, self._text(path))
            fits = content if good else self._fits(path, content, lines, schema)
            self._contents[path] = fits
        return deepcopy(self._contents[path])

    def _fits(self, file: str, content: Any, lines: Any, schema: str) -> Json:
        if content is None:
            raise ContractError(file, None, "the file is empty")
        require_none(self._validator(schema).iter_errors(content), file, lines)
        checked: Json = content
        return checked

    def requirements(self) -> list[Json]:
        """What a host must, should and could do, checked against ``requirements.json``."""
        content = self._checked("requirements.yaml", "schemas/requirements.json")
        found: list[Json] = content["requirements"]
        return found

    def explanations(self) -> Json:
        """What a report explains: rulings, steps of the certification."""
        good = self._known_good
        return self._checked("explanations.yaml", "schemas/explanations.json", good=good)

    def results_validator(self) -> Validator:
        """Checks a result document (``results.json``)."""
        return self._validator("schemas/results.json")

    def waivers_validator(self) -> Validator:
        """Checks the entries of a waiver file."""
        return self._validator("schemas/waivers.json")

    def grand_bend(self, name: str) -> Any:
        """Pre-loaded data of the certification: ``schools``, ``programs`` or ``descriptors``."""
        return self._json(f"grand_bend/{name}.json")

    def claim_sets(self) -> Any:
        """Claim set -> collection (or ``descriptors``, or ``*``) -> operations."""
        return self._json("claim_sets.json")

    @cached_property
    def descriptor_names(self) -> Mapping[str, str]:
        """Property -> descriptor, e.g. ``entryGradeLevelDescriptor`` -> ``GradeLevelDescriptor``.

        Looked up in the resource schemas of every standard when it is asked for.
        """
        return _DescriptorNames(self)

    def naming(self, name: str) -> Iterator[Json]:
        """The resource schemas, of every standard, in whose text a property's name stands.

        Those that are read already come first: they are the ones that a run is about.
        """
        yield from list(self._schemas.values())
        for standard in STANDARDS:
            for file in self._documents(standard).values():
                path = f"schemas/{standard}/{file}.json"
                if f'"{name}"' in self._text(path):
                    yield self._schema_file(path)

    def _schema_file(self, path: str) -> Json:
        if not self._known_good:
            self._validator(path)  # its check of the schema itself makes a broken file readable
        return self._read_schema(path)

    def _read_schema(self, path: str) -> Json:
        if path not in self._schemas:
            schema = self._json(path)
            if not isinstance(schema, dict):
                raise ContractError(path, 1, "a JSON object is expected")
            self._schemas[path] = schema
        return self._schemas[path]

    def _is_as_shipped(self, path: str) -> bool:  # noqa: ARG002 - a state's contract asks for it
        return self._known_good

    def _validator(self, path: str, make: Callable[[Json], Validator] = thorough) -> Validator:
        if path not in self._validators:
            schema = self._read_schema(path)
            if not self._known_good:
                self._check_schema(path, schema)
            self._validators[path] = make(schema)
        return self._validators[path]

    def _check_schema(self, path: str, schema: Json) -> None:
        from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415 - idle cost

        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            line = line_finder(self._text(path))(list(error.absolute_path))
            raise ContractError(path, line, f"not a JSON Schema: {error.message}") from None

    def _text(self, path: str) -> str:
        try:
            return self._file(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ContractError(path, None, f"cannot be read: {error}") from None

    def _file(self, path: str) -> Traversable:
        place = self.root
        for part in path.split("/"):
            place = place.joinpath(part)
        return place

    def _json(self, path: str) -> Any:
        try:
            return json.loads(self._text(path))
        except json.JSONDecodeError as error:
            raise ContractError(path, error.lineno, f"not JSON: {error.msg}") from None


@cache
def shipped() -> Contract:
    """The contract that ships with the package; read once per process."""
    return Contract()


def plural(entity: str) -> str:
    """``localEducationAgency`` -> ``localEducationAgencies``, as collections are named."""
    return f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"


class _DescriptorNames(dict[str, str]):
    """Descriptor by property; a name's schemas are read when it is first asked for."""

    def __init__(self, contract: Contract) -> None:
        super().__init__()
        self._contract = contract

    def __missing__(self, name: str) -> str:
        for schema in self._contract.naming(name):
            found = _descriptor(schema, name)
            if found:
                self[name] = found
                return found
        raise KeyError(name)


def _descriptor(schema: Any, name: str) -> str | None:
    """The descriptor of a property, wherever it stands in a schema."""
    if not isinstance(schema, dict):
        return None
    fact = schema.get("properties", {}).get(name)
    own = fact.get("x-edfi-descriptor") if isinstance(fact, dict) else None
    return own or next(filter(None, (_descriptor(v, name) for v in schema.values())), None)
