"""An OpenAPI document of an Ed-Fi host, Swagger 2.0 or OpenAPI 3, in one form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

_BASE = "urn:openapi"


class OpenApiError(ValueError):
    """A document that cannot be used; the text names the file, the place in it and the reason."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(f"{file}, at {place}: {problem}")


class Document:
    """One Swagger 2.0 or OpenAPI 3 document; the differences of the two end here.

    ``file``: what errors call it. Raises :class:`OpenApiError` for something else.
    """

    def __init__(self, content: Any, file: str) -> None:
        self.file = file
        if not isinstance(content, dict) or not {"swagger", "openapi"} & content.keys():
            raise self.error("#", "neither a Swagger 2.0 nor an OpenAPI 3 document")
        self.prefix = "#/definitions/" if "swagger" in content else "#/components/schemas/"
        self._content = content
        info = content.get("info")
        #: What the document says about itself; "" where it does not.
        self.version = str(info.get("version") or "") if isinstance(info, dict) else ""
        self.paths = self.object(content.get("paths") or {}, "paths")
        for path, item in self.paths.items():
            self.object(item, f"paths {path}")
        from referencing import Registry, Resource  # noqa: PLC0415 - few runs read a document

        registry: Registry[Any] = Registry()
        registry = registry.with_resource(_BASE, Resource.opaque(content))
        self._resolver = registry.resolver(base_uri=_BASE)

    def error(self, place: str, problem: str) -> OpenApiError:
        """The error for something that is wrong at a place of this document."""
        return OpenApiError(self.file, place, problem)

    def object(self, value: Any, place: str) -> Json:
        """The value if it is an object with names; an error otherwise."""
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise self.error(place, "not an object")
        return value

    def resources(self) -> list[tuple[str, str]]:
        """(namespace, collection) of everything that can be posted, in the document's order."""
        found = []
        for path, item in self.paths.items():
            parts = path.strip("/").split("/")
            if len(parts) == 2 and "post" in item:  # noqa: PLR2004 - /namespace/collection
                found.append((parts[0], parts[1]))
        return found

    def operation(self, path: str, method: str) -> Json:
        """One method of one path; an error where the document lacks it."""
        if method not in self.paths.get(path, {}):
            raise self.error(f"paths {path}", f"no {method.upper()} is described")
        return self.object(self.paths[path][method], f"paths {path} {method}")

    def body(self, path: str) -> str:
        """The name of the component that a POST takes."""
        operation = self.operation(path, "post")
        place = f"paths {path} post"
        if "requestBody" in operation:
            holder: Any = self.follow(operation["requestBody"], place)
            for name in ("content", "application/json"):
                holder = self.object(holder.get(name, {}), place)
        else:
            parameters = self.parameters(path, "post")
            holder = next((p for p in parameters if p.get("in") == "body"), {})
        reference = reference_of(holder.get("schema"))
        if reference is None:
            raise self.error(place, "the JSON body is no reference to a component")
        return self.component(reference, place)

    def parameters(self, path: str, method: str) -> list[Json]:
        """The parameters of an operation, those of its path included."""
        place = f"paths {path} {method} parameters"
        found = []
        for holder in (self.paths.get(path, {}), self.operation(path, method)):
            given = holder.get("parameters", [])
            if not isinstance(given, list):
                raise self.error(place, "not a list")
            found += [self.follow(entry, place) for entry in given]
        # Documents in the field hold entries without a name, too: nobody can send those.
        return [parameter for parameter in found if isinstance(parameter.get("name"), str)]

    def component(self, reference: str, place: str) -> str:
        """The name of the component that a ``$ref`` leads to; an error if there is none."""
        self.follow({"$ref": reference}, place)
        return reference.rsplit("/", 1)[1]

    def schema(self, component: str) -> Json:
        """A component, which must be an object."""
        found = self.follow({"$ref": self.prefix + component}, self.prefix + component)
        place = self.prefix + component
        if not isinstance(found.get("properties"), dict):
            raise self.error(place, "not an object with properties")
        for name, value in self.object(found["properties"], place).items():
            self.object(value, f"{place}/properties/{name}")
        required = found.get("required", [])
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise self.error(place, "required is no list of names")
        return found

    def follow(self, node: Any, place: str) -> Json:
        """What a node is, behind its ``$ref`` if it is one."""
        if "$ref" not in self.object(node, place):
            return self.object(node, place)
        from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above

        try:
            found = self._resolver.lookup(str(node["$ref"])).contents
        except (
            Unresolvable,
            TypeError,
            ValueError,
        ):  # the last two on the way through a list or null
            raise self.error(place, f"$ref {node['$ref']} leads nowhere") from None
        if not isinstance(found, dict):
            raise self.error(place, f"$ref {node['$ref']} leads to no object")
        return found


def read(file: Path) -> Document:
    """A document from a JSON or YAML file; :class:`OpenApiError` for one that is neither."""
    import yaml  # noqa: PLC0415 - only where a document is read

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OpenApiError(str(file), "#", f"cannot be read: {error}") from None
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}"
        raise OpenApiError(str(file), place, f"not JSON: {error.msg}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "#"
        problem = getattr(error, "problem", None) or str(error)
        raise OpenApiError(str(file), place, f"not YAML: {problem}") from None
    return Document(content, str(file))


def reference_of(node: Any) -> str | None:
    """The ``$ref`` of a node, also of one that OpenAPI 3 wraps to say more about it."""
    if not isinstance(node, dict):
        return None
    if "$ref" in node:
        return str(node["$ref"])
    for key in ("allOf", "oneOf", "anyOf"):
        options = node.get(key)
        options = [o for o in options if o != {"type": "null"}] if isinstance(options, list) else []
        if len(options) == 1:
            return reference_of(options[0])
    return None
