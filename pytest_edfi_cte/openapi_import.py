"""Ed-Fi resources of an OpenAPI document as the JSON Schemas (2020-12) of ``fixtures/schemas``.

Reads Swagger 2.0 and OpenAPI 3. Only facts are taken over: names, types, lengths, required,
identity and nullability. ``tools/import_openapi.py`` makes the contract's schemas with it, the
sandbox reads a state's extension with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.openapi_document import Json, reference_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_edfi_cte.openapi_document import Document

# Concrete ed-orgs stand in for the abstract one that references point at.
ABSTRACT_KEYS = {
    "educationServiceCenter": "educationServiceCenterId",
    "localEducationAgency": "localEducationAgencyId",
    "school": "schoolId",
    "stateEducationAgency": "stateEducationAgencyId",
}
#: The namespace of the data standard itself; resources of another one say so in their schema.
ED_FI = "ed-fi"
# What every answer may carry beside its data; never required, never part of a request.
SERVER_PROPERTIES = ("id", "_etag", "_lastModifiedDate")
KEY = "x-edfi-naturalKey"
IDENTITY = "x-Ed-Fi-isIdentity"
_TYPES = ("array", "boolean", "integer", "number", "string")
COPIED = ("type", "format", "maxLength", "minLength", "minimum", "maximum", "pattern")


class Importer:
    """Turns resources of one document into self-contained schemas.

    ``descriptor_of(property, component)``: the descriptor that a property takes its values from.
    ``extensions``: keep ``_ext``.
    """

    def __init__(
        self,
        document: Document,
        descriptor_of: Callable[[str, str], str],
        standard: str,
        *,
        extensions: bool = False,
    ) -> None:
        self.document = document
        self.descriptor_of = descriptor_of
        self.standard = standard
        self._hidden = () if extensions else ("_ext",)

    def schema(self, namespace: str, collection: str) -> Json:
        """The schema of one resource; :class:`OpenApiError` where the document lacks something."""
        path = f"/{namespace}/{collection}"
        component = self.document.body(path)
        singular = component.removeprefix("edFi_")
        self.definitions: Json = {}
        self._above: tuple[str, ...] = ()
        body = self._object(component)
        parameters = self.document.parameters(path, "get")
        result: Json = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"https://pytest-edfi-cte.invalid/schemas/{self.standard}/{singular}.json",
            "title": f"{singular}, Data Standard {self.standard}",
            "x-edfi-resource": collection,
        }
        if namespace != ED_FI:
            result["x-edfi-namespace"] = namespace
        result[KEY] = self._natural_key(component, parameters, path)
        parts = self._parts(component, parameters)
        more = {q: paths for q, paths in parts.items() if [result[KEY].get(q)] != paths}
        if more:
            result["x-edfi-parts"] = dict(sorted(more.items()))
        if self.document.operation(f"{path}/{{id}}", "put").get("x-Ed-Fi-isUpdatable"):
            result["x-edfi-keyChanges"] = True
        if singular in ABSTRACT_KEYS:
            result["x-edfi-isA"] = {
                "educationOrganization": {"educationOrganizationId": ABSTRACT_KEYS[singular]}
            }
        result.update(body)
        if self.definitions:
            result["$defs"] = dict(sorted(self.definitions.items()))
        return result

    def _object(self, component: str) -> Json:
        source = self.document.schema(component)
        required = source.get("required", [])
        properties = {
            name: self._property(name, value, component, optional=name not in required)
            for name, value in source["properties"].items()
            if name not in self._hidden
        }
        missing = sorted(set(required) - set(properties))
        if missing:
            place = self.document.prefix + component
            raise self.document.error(place, f"required, but no property: {', '.join(missing)}")
        result: Json = {"type": "object", "required": required, "properties": properties}
        if not required:
            del result["required"]
        return result

    def _property(self, name: str, source: Json, component: str, *, optional: bool) -> Json:
        place = f"{self.document.prefix}{component}/properties/{name}"
        if name in SERVER_PROPERTIES:
            return self._facts(source, place)
        reference = reference_of(source)
        if reference is not None:
            defined = self._define(reference, place)
            return {"anyOf": [defined, {"type": "null"}]} if optional else defined
        result = self._facts(source, place)
        kinds = source.get("type")
        kinds = [k for k in kinds if k != "null"] if isinstance(kinds, list) else [kinds]
        if len(kinds) != 1 or kinds[0] not in _TYPES:
            raise self.document.error(place, "neither a $ref nor a type that a value can have")
        result["type"] = kinds[0]
        if kinds == ["array"]:
            item = reference_of(source.get("items"))
            if item is None:
                raise self.document.error(place, "the items are no $ref")
            result["items"] = self._define(item, place)
        # An absent optional may be written as null; hosts differ, and both are legal.
        if optional:
            result["type"] = [kinds[0], "null"]
        if source.get(IDENTITY):
            result["x-edfi-identity"] = True
        if name.endswith("Descriptor"):
            result["x-edfi-descriptor"] = self.descriptor_of(name, component)
        return result

    def _facts(self, source: Json, place: str) -> Json:
        """What is taken over of a property; an error for what no value can be judged by."""
        facts = {key: source[key] for key in COPIED if key in source}
        for key, value in facts.items():
            if not _can_judge(key, value):
                raise self.document.error(place, f"{key} cannot be used: {value!r}")
        return facts

    def _define(self, reference: str, place: str) -> Json:
        component = self.document.component(reference, place)
        name = component.removeprefix("edFi_")
        if component in self._above:
            raise self.document.error(place, f"{component} contains itself")
        if name not in self.definitions:
            above, self._above = self._above, (*self._above, component)
            definition = self._object(component)
            self._above = above
            if name.endswith("Reference"):
                if not any(p.get("x-edfi-identity") for p in definition["properties"].values()):
                    where = self.document.prefix + component
                    raise self.document.error(where, f"no property is marked {IDENTITY}")
                definition["x-edfi-reference"] = name.removesuffix("Reference")
            self.definitions[name] = definition
        return {"$ref": f"#/$defs/{name}"}

    def _natural_key(self, component: str, parameters: list[Json], path: str) -> dict[str, str]:
        """Query parameter -> path in the record, for every part of the natural key."""
        source = self.document.schema(component)
        queries = {p["name"] for p in parameters if p.get(IDENTITY)}
        if not queries:
            place = f"paths {path} get parameters"
            raise self.document.error(place, f"no natural key: none is marked {IDENTITY}")
        properties = source["properties"].items()
        paths = {name: name for name, value in properties if value.get(IDENTITY)}
        for query, places in self._parts(component, parameters).items():
            needed = [p for p in places if p.split(".")[0] in source.get("required", [])]
            if query in queries and needed:
                paths.setdefault(query, needed[0])
        missing = queries - set(paths)
        if missing:
            raise self.document.error(
                self.document.prefix + component,
                f"no natural key: no required property for its part {', '.join(sorted(missing))}",
            )
        return {query: paths[query] for query in sorted(paths) if query in queries}

    def _parts(self, component: str, parameters: list[Json]) -> dict[str, list[str]]:
        """Query parameter -> every path of a reference's part that it stands for.

        Several paths behind one parameter are one fact said twice: their values must agree.
        """
        queries = {p["name"] for p in parameters}
        found: dict[str, list[str]] = {}
        for name, value in self.document.schema(component)["properties"].items():
            reference = reference_of(value)
            if reference is None or not name.endswith("Reference"):
                continue
            role = name.removesuffix("Reference")
            referred = reference.rsplit("/", 1)[1]
            target = referred.rsplit("_", 1)[-1].removesuffix("Reference")
            # graduationSchoolYearTypeReference: the role of its schoolYear is "graduation".
            own = role.removesuffix(target[0].upper() + target[1:])
            for part, fact in self.document.schema(referred)["properties"].items():
                if fact.get(IDENTITY):
                    title = part[0].upper() + part[1:]
                    names = (role + title, own + title, part)
                    query = next((n for n in names if n in queries), None)
                    if query:
                        found.setdefault(query, []).append(f"{name}.{part}")
        return found


def _can_judge(key: str, value: Any) -> bool:
    """False for a fact that JSON Schema does not know in this form, or Python cannot read."""
    if key == "pattern":
        try:
            re.compile(value)
        except (re.error, TypeError):
            return False
    elif key in ("maxLength", "minLength"):
        return type(value) is int and value >= 0  # a bool is an int to isinstance
    elif key in ("minimum", "maximum"):
        return type(value) in (int, float)
    elif key == "type":
        kinds = value if isinstance(value, list) else [value]
        return all(kind in (*_TYPES, "object", "null") for kind in kinds)
    return isinstance(value, str)
