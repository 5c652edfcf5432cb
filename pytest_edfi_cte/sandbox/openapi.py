"""The API described by itself: Swagger 2.0 and OpenAPI 3 documents, made from the schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.sandbox.discovery import DATA, TOKEN
from pytest_edfi_cte.sandbox.problems import MEDIA_TYPE
from pytest_edfi_cte.sandbox.wire import DEFAULT_LIMIT, MAX_LIMIT

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.model import Model, Resource
    from pytest_edfi_cte.sandbox.shapes import Json, Scalar

    Answers = dict[str, Json | None]

_JSON, _PROBLEM_JSON = "application/json", MEDIA_TYPE
_SCHEME = "oauth2_client_credentials"
_ID = {"name": "id", "in": "path", "required": True, "description": "The id of the item."}
# What requests may be answered with besides their success, and by which methods.
_WRITES = ("post", "put", "delete")
_REFUSALS = {
    "400": ("The request is not valid.", ("get", *_WRITES)),
    "401": ("The token is missing, unknown or expired.", ("get", *_WRITES)),
    "403": ("The key may not do this.", ("get", *_WRITES)),
    "404": ("There is no such item, or no snapshot.", ("get", "put", "delete")),
    "405": ("A snapshot cannot be written to.", _WRITES),
    "409": ("Another item is missing, in the way or still in use.", _WRITES),
    "412": ("The item was changed since it was read.", ("put", "delete")),
    "415": ("The body is not JSON.", ("post", "put")),
    "500": ("Something failed inside the API.", ("get", *_WRITES)),
}
_VERSION: Json = {"type": "integer", "format": "int64", "minimum": 0}
_COMMON: dict[str, Json] = {
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "limit": {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "totalCount": {"type": "boolean", "default": False},
    "minChangeVersion": _VERSION,
    "maxChangeVersion": _VERSION,
    "pageToken": {"type": "string"},
    "pageSize": {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT},
}
_CHANGE_PAGING = ("offset", "limit", "totalCount", "minChangeVersion", "maxChangeVersion")
_PAGING = tuple(_COMMON)
_KEPT = ("type", "format", "maxLength", "minLength", "minimum", "maximum", "pattern", "required")


def metadata(base: str) -> list[Json]:
    """The list of documents. ``base``: how the client reached us, without trailing slash."""
    return [
        {"name": name, "endpointUri": f"{base}/metadata{DATA}/{part}/{file}", "prefix": ""}
        for file, suffix in (("swagger.json", ""), ("openapi.json", " (OpenAPI 3)"))
        for part, name in (
            ("resources", f"Resources{suffix}"),
            ("descriptors", f"Descriptors{suffix}"),
        )
    ]


def document(model: Model, part: str, base: str, *, version: int) -> Json:
    """All ``resources`` or all ``descriptors`` in OpenAPI 3 or Swagger 2."""
    writer = _OpenApi3() if version == 3 else _Swagger2()  # noqa: PLR2004 - the version itself
    resources = [r for r in model.resources if r.is_descriptor == (part == "descriptors")]
    for resource in resources:
        writer.add(resource)
    title = f"The Ed-Fi {part} of the pytest-edfi-cte sandbox"
    tags = [
        {"name": r.collection, "description": f"Items of the kind {r.title}."} for r in resources
    ]
    common = {
        "info": {"title": title, "version": "3"},
        "tags": tags,
        "security": [{_SCHEME: []}],
        "paths": writer.paths,
    }
    return writer.document(common, base)


class _Swagger2:
    """Swagger 2.0; what OpenAPI 3 says otherwise is overridden there."""

    where = "#/definitions/"
    nullable = "x-nullable"

    def __init__(self) -> None:
        self.paths: Json = {}
        self.definitions: Json = {}

    def document(self, common: Json, base: str) -> Json:
        """The whole, with where it is served and how to get a token."""
        scheme, _, host = base.partition("://")
        security = {"type": "oauth2", "flow": "application", "tokenUrl": base + TOKEN, "scopes": {}}
        return {
            "swagger": "2.0",
            "host": host.partition("/")[0],
            "basePath": "".join(host.partition("/")[1:]) + DATA,
            "schemes": [scheme],
            "consumes": [_JSON],
            "produces": [_JSON, _PROBLEM_JSON],
            "securityDefinitions": {_SCHEME: security},
            **common,
            "definitions": {**self.definitions, "problem": _PROBLEM},
        }

    def add(self, resource: Resource) -> None:
        """Put a resource's paths and definitions in."""
        schema = resource.schema
        name = _component(resource.entity)
        if resource.is_descriptor:
            name = _component(_prefixed(resource, resource.collection.removesuffix("s")))
        self.definitions[name] = self.convert(schema)
        for inner, definition in schema.get("$defs", {}).items():
            self.definitions[_component(inner)] = self.convert(definition)
        reference = {"$ref": self.where + name}
        many = {"type": "array", "items": reference}
        paging, queries = self.paging(*_PAGING), self.queries(resource)
        self.paths[resource.path] = {
            "get": self.operation(resource, "get", {"200": many}, [*paging, *queries]),
            "post": self.operation(resource, "post", {"200": None, "201": None}, body=reference),
        }
        for kind in ("deletes", "keyChanges"):
            found: Answers = {"200": {"type": "array", "items": self.change(resource, kind)}}
            self.paths[f"{resource.path}/{kind}"] = {
                "get": self.operation(resource, kind, found, self.paging(*_CHANGE_PAGING))
            }
        ids = [self.parameter(_ID, {"type": "string"})]
        seen, unless = self.header("If-None-Match"), self.header("If-Match")
        self.paths[f"{resource.path}/{{id}}"] = {
            "get": self.operation(
                resource, "getById", {"200": reference, "304": None}, [*ids, seen]
            ),
            "put": self.operation(resource, "put", {"204": None}, [*ids, unless], body=reference),
            "delete": self.operation(resource, "delete", {"204": None}, [*ids, unless]),
        }

    def convert(self, node: Json) -> Json:
        """One of our schemas as these documents write it."""
        if "$ref" in node:
            return {"$ref": self.where + _component(node["$ref"].rpartition("/")[2])}
        if "anyOf" in node:
            return self.convert(node["anyOf"][0])
        found: Json = {key: node[key] for key in _KEPT if key in node}
        if isinstance(found.get("type"), list):
            found["type"] = found["type"][0]
            found[self.nullable] = True
        if node.get("x-edfi-identity"):
            found["x-Ed-Fi-isIdentity"] = True
        if "items" in node:
            found["items"] = self.convert(node["items"])
        if "properties" in node:
            found["properties"] = {k: self.convert(v) for k, v in node["properties"].items()}
        return found

    def change(self, resource: Resource, kind: str) -> Json:
        """One deletion or key change of a resource, as change queries tell it."""
        part = {field.name: _value(field.scalar) for field in resource.fields.values()}
        values = {
            "type": "object",
            "properties": {name: part[name] for name in resource.natural_key},
        }
        keys = ["keyValues"] if kind == "deletes" else ["oldKeyValues", "newKeyValues"]
        about: Json = {"id": {"type": "string"}, "changeVersion": _VERSION}
        required = [*about, *keys]
        properties = {**about, **dict.fromkeys(keys, values)}
        return {"type": "object", "required": required, "properties": properties}

    def header(self, name: str) -> Json:
        """An optional header that carries an ETag."""
        return self.parameter({"name": name, "in": "header"}, {"type": "string"})

    def paging(self, *names: str) -> list[Json]:
        """Parameters that every collection has."""
        return [self.parameter({"name": n, "in": "query"}, _COMMON[n]) for n in names]

    def queries(self, resource: Resource) -> list[Json]:
        """Every property that a collection can be queried by."""
        found = []
        for field in resource.fields.values():
            about: Json = {"name": field.name, "in": "query"}
            if field.key:
                about["x-Ed-Fi-isIdentity"] = True
            found.append(self.parameter(about, _value(field.scalar)))
        return found

    def operation(
        self,
        resource: Resource,
        verb: str,
        answers: Answers,
        parameters: list[Json] | None = None,
        body: Json | None = None,
    ) -> Json:
        """One method of one path."""
        problem = {"$ref": f"{self.where}problem"}
        name = _prefixed(resource, resource.collection)
        method = verb if verb in _WRITES else "get"
        refusals = {
            status: self.response(text, problem)
            for status, (text, methods) in _REFUSALS.items()
            if method in methods
        }
        found: Json = {
            "tags": [resource.collection],
            "operationId": f"{verb}{name[:1].upper()}{name[1:]}",
            "parameters": list(parameters or []),
            "responses": {
                **{status: self.response("Done.", schema) for status, schema in answers.items()},
                **refusals,
            },
        }
        if verb == "put" and resource.key_changes:
            found["x-Ed-Fi-isUpdatable"] = True
        if body:
            self.put_body(found, body)
        return found

    def parameter(self, about: Json, schema: Json) -> Json:
        """A parameter with the schema of its value."""
        return {**about, **schema}

    def response(self, text: str, schema: Json | None) -> Json:
        """An answer, without schema when it has no body."""
        return {"description": text, **({"schema": schema} if schema else {})}

    def put_body(self, operation: Json, schema: Json) -> None:
        """Say that the operation needs a body."""
        body = {"name": "body", "in": "body", "required": True, "schema": schema}
        operation["parameters"].append(body)


class _OpenApi3(_Swagger2):
    where = "#/components/schemas/"
    nullable = "nullable"

    def document(self, common: Json, base: str) -> Json:
        flow = {"tokenUrl": base + TOKEN, "scopes": {}}
        return {
            "openapi": "3.0.1",
            "servers": [{"url": base + DATA}],
            **common,
            "components": {
                "schemas": {**self.definitions, "problem": _PROBLEM},
                "securitySchemes": {
                    _SCHEME: {"type": "oauth2", "flows": {"clientCredentials": flow}}
                },
            },
        }

    def parameter(self, about: Json, schema: Json) -> Json:
        return {**about, "schema": schema}

    def response(self, text: str, schema: Json | None) -> Json:
        if not schema:
            return {"description": text}
        media = _PROBLEM_JSON if schema == {"$ref": f"{self.where}problem"} else _JSON
        return {"description": text, "content": {media: {"schema": schema}}}

    def put_body(self, operation: Json, schema: Json) -> None:
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}


def _value(scalar: Scalar) -> Json:
    return {"type": scalar.type, **({"format": "date"} if scalar.date else {})}


def _component(name: str) -> str:
    return name if name == "link" or "_" in name else f"edFi_{name}"


def _prefixed(resource: Resource, name: str) -> str:
    """The name with the prefix that the resource's entity has outside of Ed-Fi's own."""
    prefix, separator, _ = resource.entity.rpartition("_")
    return f"{prefix}{separator}{name}"


_TEXTS: Json = {"type": "array", "items": {"type": "string"}}
_PROBLEM: Json = {
    "type": "object",
    "required": ["detail", "type", "title", "status", "correlationId"],
    "properties": {
        "detail": {"type": "string"},
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "correlationId": {"type": "string"},
        "validationErrors": {"type": "object", "additionalProperties": _TEXTS},
        "errors": _TEXTS,
    },
}
