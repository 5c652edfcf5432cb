"""The only reader of ``fixtures/``: tables, schemas and pre-loaded records, checked when read.

Nothing heavy is imported before something is read, so that the plugin costs little when idle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sys
    from collections.abc import Callable, Iterable, Iterator

    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

    from jsonschema import Draft202012Validator

Json = dict[str, Any]

#: Data standards with schemas of their own, oldest first. A later 5.x uses the 5.0 schemas.
STANDARDS = ("4.0", "5.0")
TABLE = "student-cte-program-association"


class ContractError(Exception):
    """A file of the contract is broken; the text names file, line and what is wrong."""

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        place = f"{file}, line {line}" if line else file
        super().__init__(f"contract file {place}: {problem}")


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

    def __init__(self, root: Traversable | None = None) -> None:
        self.root = root if root is not None else resources.files("pytest_edfi_cte_fixtures")
        self._validators: dict[str, Draft202012Validator] = {}
        self._contents: dict[str, Json] = {}

    def schema(self, standard: str, name: str) -> Json:
        """The JSON Schema of a resource in one data standard, e.g. ``("5.0", "student")``."""
        return self._schema_file(f"schemas/{standard}/{name}.json")

    def validator(self, standard: str, name: str) -> Draft202012Validator:
        """A compiled validator of :meth:`schema`; formats ``date`` and ``date-time`` are checked.

        ``standard`` may also be ``protocol`` (discovery, token, problem-details).
        """
        return self._validator(f"schemas/{standard}/{name}.json")

    def state_validator(self) -> Draft202012Validator:
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
        found: Json = self._json(f"schemas/{standard}/{name}.json")
        return found

    def _documents(self, standard: str) -> dict[str, str]:
        """Collection name -> name of its file, which is the singular of it."""
        folder = self.root.joinpath("schemas").joinpath(standard)
        files = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir())
        return {plural(file): file for file in files if file != "descriptor"}

    def table(self, name: str = TABLE) -> Json:
        """A certification table with its scenarios, checked against ``scenario-table.json``."""
        return self._checked(f"scenarios/{name}.yaml", "schemas/scenario-table.json")

    def rehearsal(self) -> Json:
        """Steps, troubles, limits and wire checks of a rehearsal; see ``rehearsal.yaml``."""
        return self._checked("rehearsal.yaml", "schemas/rehearsal.json")

    def _checked(self, path: str, schema: str) -> Json:
        """A YAML file of the contract that fits a schema of the contract; read and checked once.

        Each caller gets a copy of its own.
        """
        if path not in self._contents:
            content, lines = self._yaml(path)
            error = _first(self._validator(schema).iter_errors(content))
            if error is not None:
                where = list(error.absolute_path)
                raise ContractError(path, lines(where), f"{_label(where)}{error.message}")
            self._contents[path] = content
        return deepcopy(self._contents[path])

    def requirements(self) -> list[Json]:
        """What a host must, should and could do, checked against ``requirements.json``."""
        content = self._checked("requirements.yaml", "schemas/requirements.json")
        found: list[Json] = content["requirements"]
        return found

    def explanations(self) -> Json:
        """What a report explains: rulings, steps of the certification."""
        path = "explanations.yaml"
        content, lines = self._yaml(path)
        error = _first(self._validator("schemas/explanations.json").iter_errors(content))
        if error is not None:
            where = list(error.absolute_path)
            raise ContractError(path, lines(where), f"{_label(where)}{error.message}")
        found: Json = content
        return found

    def results_validator(self) -> Draft202012Validator:
        """Checks a result document (``results.json``)."""
        return self._validator("schemas/results.json")

    def waivers_validator(self) -> Draft202012Validator:
        """Checks the entries of a waiver file."""
        return self._validator("schemas/waivers.json")

    def grand_bend(self, name: str) -> Any:
        """Pre-loaded data of the certification: ``schools``, ``programs`` or ``descriptors``."""
        return self._json(f"grand_bend/{name}.json")

    def claim_sets(self) -> Any:
        """Claim set -> collection (or ``descriptors``, or ``*``) -> operations."""
        return self._json("claim_sets.json")

    @cached_property
    def descriptor_names(self) -> dict[str, str]:
        """Property -> descriptor, e.g. ``entryGradeLevelDescriptor`` -> ``GradeLevelDescriptor``.

        Read off the resource schemas of every standard.
        """
        found: dict[str, str] = {}
        for standard in STANDARDS:
            for schema in self.resource_schemas(standard).values():
                _collect_descriptors(schema, found)
        return found

    def _schema_file(self, path: str) -> Json:
        # The validator's check of the schema itself is what makes a broken schema file readable.
        schema = self._validator(path).schema
        if not isinstance(schema, dict):
            raise ContractError(path, 1, "a JSON object is expected")
        return schema

    def _validator(self, path: str) -> Draft202012Validator:
        if path not in self._validators:
            from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415 - idle cost

            schema = self._json(path)
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                line = _line_finder(self._text(path))(list(error.absolute_path))
                raise ContractError(path, line, f"not a JSON Schema: {error.message}") from None
            checker = Draft202012Validator.FORMAT_CHECKER
            self._validators[path] = Draft202012Validator(schema, format_checker=checker)
        return self._validators[path]

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

    def _yaml(self, path: str) -> tuple[Any, Any]:
        import yaml  # noqa: PLC0415 - idle cost

        text = self._text(path)
        try:
            return yaml.safe_load(text), _line_finder(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise ContractError(path, line, f"not YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise ContractError(path, None, f"not YAML: {error}") from None


@cache
def shipped() -> Contract:
    """The contract that ships with the package; read once per process."""
    return Contract()


def plural(entity: str) -> str:
    """``localEducationAgency`` -> ``localEducationAgencies``, as collections are named."""
    return f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"


def _first(errors: Iterable[Any]) -> Any:
    def order(error: Any) -> tuple[list[str], bool]:
        # A misspelt name explains a missing one.
        return [str(p) for p in error.absolute_path], error.validator != "additionalProperties"

    return next(iter(sorted(errors, key=order)), None)


def _label(path: list[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.lstrip('.')}: " if text else ""


def _line_finder(text: str) -> Any:
    """A function from a path in a YAML or JSON text to the line where that value starts."""
    import yaml  # noqa: PLC0415 - idle cost

    def line(path: list[str | int]) -> int:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        for part in path:
            if isinstance(node, yaml.MappingNode):
                node = next((v for k, v in node.value if k.value == str(part)), node)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
        return int(node.start_mark.line) + 1 if node is not None else 1

    return line


def _collect_descriptors(schema: Any, found: dict[str, str]) -> None:
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            if isinstance(value, dict) and "x-edfi-descriptor" in value:
                found[name] = value["x-edfi-descriptor"]
        for value in schema.values():
            _collect_descriptors(value, found)
