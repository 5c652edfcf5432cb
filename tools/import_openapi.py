r"""Write JSON Schemas (2020-12) for Ed-Fi resources from a host's OpenAPI document.

This is how ``fixtures/schemas/<data standard>/`` is made, and how a new data standard is added:

    python tools/import_openapi.py openapi.json --descriptors descriptors.json \
        --out fixtures/schemas/5.0 students schools studentCTEProgramAssociations

``openapi.json`` is an OpenAPI 3 document; ``descriptors.json`` maps each ``…Descriptor`` property
to the descriptor it takes its values from (``{"descriptorOfProperty": {property: uri}}``).
Only facts are taken over: names, types, lengths, required, identity and nullability.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

# Concrete ed-orgs stand in for the abstract one that references point at.
ABSTRACT_KEYS = {
    "educationServiceCenter": "educationServiceCenterId",
    "localEducationAgency": "localEducationAgencyId",
    "school": "schoolId",
    "stateEducationAgency": "stateEducationAgencyId",
}
# What every answer may carry beside its data; never required, never part of a request.
SERVER_PROPERTIES = ("id", "_etag", "_lastModifiedDate")
KEY = "x-edfi-naturalKey"
COPIED = ("type", "format", "maxLength", "minLength", "minimum", "maximum", "pattern")


class Importer:
    """Turns one OpenAPI document into self-contained schemas."""

    def __init__(self, document: Json, descriptor_of: dict[str, str], standard: str) -> None:
        self.document = document
        self.components: Json = document["components"]["schemas"]
        self.descriptor_of = descriptor_of
        self.standard = standard

    def schema(self, collection: str) -> Json:
        """The schema of one resource, e.g. ``students``; KeyError when the document lacks it."""
        operation = self.document["paths"][f"/ed-fi/{collection}"]
        content = operation["post"]["requestBody"]["content"]["application/json"]
        component = content["schema"]["$ref"].rsplit("/", 1)[1]
        singular = component.removeprefix("edFi_")
        self.definitions: Json = {}
        body = self._object(component)
        result: Json = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"https://pytest-edfi-cte.invalid/schemas/{self.standard}/{singular}.json",
            "title": f"{singular}, Data Standard {self.standard}",
            "x-edfi-resource": collection,
            KEY: self._natural_key(component, operation["get"]["parameters"]),
        }
        parts = self._parts(component, operation["get"]["parameters"])
        more = {q: paths for q, paths in parts.items() if [result[KEY].get(q)] != paths}
        if more:
            result["x-edfi-parts"] = dict(sorted(more.items()))
        if self.document["paths"][f"/ed-fi/{collection}/{{id}}"]["put"].get("x-Ed-Fi-isUpdatable"):
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
        source = self.components[component]
        required = source.get("required", [])
        properties = {
            name: self._property(name, value, optional=name not in required)
            for name, value in source["properties"].items()
            if name != "_ext"
        }
        result: Json = {"type": "object", "required": required, "properties": properties}
        if not required:
            del result["required"]
        return result

    def _property(self, name: str, source: Json, *, optional: bool) -> Json:
        if name in SERVER_PROPERTIES:
            return {key: source[key] for key in COPIED if key in source}
        if "$ref" in source:
            reference = self._define(source["$ref"])
            return {"anyOf": [reference, {"type": "null"}]} if optional else reference
        result = {key: source[key] for key in COPIED if key in source}
        if source["type"] == "array":
            result["items"] = self._define(source["items"]["$ref"])
        # An absent optional may be written as null; hosts differ, and both are legal.
        if optional:
            result["type"] = [source["type"], "null"]
        if source.get("x-Ed-Fi-isIdentity"):
            result["x-edfi-identity"] = True
        if name.endswith("Descriptor"):
            uri = self.descriptor_of.get(name)
            result["x-edfi-descriptor"] = (
                uri.rsplit("/", 1)[1] if uri else name[0].upper() + name[1:]
            )
        return result

    def _define(self, reference: str) -> Json:
        component = reference.rsplit("/", 1)[1]
        name = component.removeprefix("edFi_")
        if name not in self.definitions:
            self.definitions[name] = {}  # placed first: definitions may refer to each other
            definition = self._object(component)
            if name.endswith("Reference"):
                definition["x-edfi-reference"] = name.removesuffix("Reference")
            self.definitions[name] = definition
        return {"$ref": f"#/$defs/{name}"}

    def _natural_key(self, component: str, parameters: list[Json]) -> dict[str, str]:
        """Query parameter -> path in the record, for every part of the natural key."""
        source = self.components[component]
        queries = {p["name"] for p in parameters if p.get("x-Ed-Fi-isIdentity")}
        properties = source["properties"].items()
        paths = {name: name for name, value in properties if value.get("x-Ed-Fi-isIdentity")}
        for query, places in self._parts(component, parameters).items():
            needed = [p for p in places if p.split(".")[0] in source["required"]]
            if query in queries and needed:
                paths.setdefault(query, needed[0])
        missing = queries - set(paths)
        if missing:
            raise ValueError(f"{component}: no property found for key part {sorted(missing)}")
        return {query: paths[query] for query in sorted(paths) if query in queries}

    def _parts(self, component: str, parameters: list[Json]) -> dict[str, list[str]]:
        """Query parameter -> every path of a reference's part that it stands for.

        Several paths behind one parameter are one fact said twice: their values must agree.
        """
        queries = {p["name"] for p in parameters if "name" in p}
        found: dict[str, list[str]] = {}
        for name, value in self.components[component]["properties"].items():
            if "$ref" not in value or not name.endswith("Reference"):
                continue
            role = name.removesuffix("Reference")
            referred = value["$ref"].rsplit("/", 1)[1]
            target = referred.rsplit("_", 1)[-1].removesuffix("Reference")
            # graduationSchoolYearTypeReference: the role of its schoolYear is "graduation".
            own = role.removesuffix(target[0].upper() + target[1:])
            for part, fact in self.components[referred]["properties"].items():
                if fact.get("x-Ed-Fi-isIdentity"):
                    title = part[0].upper() + part[1:]
                    names = (role + title, own + title, part)
                    query = next((n for n in names if n in queries), None)
                    if query:
                        found.setdefault(query, []).append(f"{name}.{part}")
        return found


def main(arguments: list[str] | None = None) -> None:
    """Entry point; ``arguments`` defaults to the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("openapi", type=Path)
    parser.add_argument("--descriptors", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("resources", nargs="+")
    options = parser.parse_args(arguments)
    document = json.loads(options.openapi.read_text(encoding="utf-8"))
    descriptors = json.loads(options.descriptors.read_text(encoding="utf-8"))
    importer = Importer(document, descriptors["descriptorOfProperty"], options.out.name)
    options.out.mkdir(parents=True, exist_ok=True)
    for collection in options.resources:
        schema = importer.schema(collection)
        target = options.out / (schema["title"].split(",")[0] + ".json")
        target.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
