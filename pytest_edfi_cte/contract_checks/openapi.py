"""The API's own description against the bundled data standard: what drifted apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte.contract_checks.answers import OK, Answer
from pytest_edfi_cte.contract_checks.bench import NOBODY, Bench, Json
from pytest_edfi_cte.contract_checks.discovery import urls_of
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.contract_checks.shapes import Property, properties
from pytest_edfi_cte.judge import Finding

#: Resources that are compared: the association and what it needs.
OTHERS = ("students", "studentSchoolAssociations", "programs")
VERBS = ("get", "post"), ("get", "put", "delete")
DEEPEST = 6
#: Documents that list the resources are searched in this order.
NAMES = ("resources", "ed-fi", "")


@dataclass(frozen=True)
class Document:
    """An OpenAPI 3 or Swagger 2.0 document, and the answer that brought it."""

    body: Json
    answer: Answer

    def path(self, collection: str) -> tuple[Json, Json] | None:
        """The operations of a collection and of its items."""
        paths = self.body.get("paths")
        found: dict[str, Json] = {}
        for name, operations in (paths if isinstance(paths, dict) else {}).items():
            if isinstance(operations, dict):
                found[str(name).lower()] = operations
        place = f"/ed-fi/{collection}".lower()
        if place not in found:
            return None
        return found[place], found.get(f"{place}/{{id}}", {})

    def schema(self, collection: str) -> Json | None:
        """The schema of what is posted to a collection, None without a usable one."""
        places = self.path(collection)
        post = places[0].get("post") if places else None
        if not isinstance(post, dict):
            return None
        content = self.resolved(post.get("requestBody")).get("content")
        for media in content.values() if isinstance(content, dict) else ():
            return self.resolved(self.resolved(media).get("schema")) or None
        parameters = post.get("parameters")
        for parameter in parameters if isinstance(parameters, list) else ():
            resolved = self.resolved(parameter)
            if resolved.get("in") == "body":
                return self.resolved(resolved.get("schema")) or None
        return None

    def resolved(self, node: Any) -> Json:
        """A node with its ``$ref`` and single ``allOf`` followed."""
        for _ in range(DEEPEST):
            if not isinstance(node, dict):
                return {}
            reference = node.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/"):
                node = self._at(reference)
            elif isinstance(node.get("allOf"), list) and len(node["allOf"]) == 1:
                node = node["allOf"][0]
            else:
                return node
        return {}

    def _at(self, reference: str) -> Any:
        node: Any = self.body
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, dict) else None
        return node

    def property(self, schema: Json, path: tuple[str, ...]) -> Json | None:
        """The schema of a property, through references and the elements of collections."""
        for part in path:
            known = schema.get("properties")
            if not isinstance(known, dict) or part not in known:
                return None
            schema = self.resolved(known[part])
            if part != path[-1] and "items" in schema:
                schema = self.resolved(schema["items"])
        return schema


def _document(bench: Bench) -> Document:
    found = bench.once("openapi", lambda: _fetch(bench))
    if isinstance(found, str):
        raise DoesNotApply(found)
    return found


def _fetch(bench: Bench) -> Document | str:
    """The document with the association in it, or why there is none."""
    place = urls_of(bench).get("openApiMetadata")
    if not isinstance(place, str):
        return "the discovery document names no openApiMetadata"
    listed = bench.get(place, auth=NOBODY)
    if listed.rows is None:
        return f"the API lists no OpenAPI documents: {listed.exchange.line}"
    rows = [row for row in listed.rows if isinstance(row, dict) and row.get("endpointUri")]

    def order(row: Json) -> int:
        name = str(row.get("name", "")).lower()
        return NAMES.index(name) if name in NAMES else len(NAMES)

    for row in sorted(rows, key=order)[:DEEPEST]:
        answer = bench.get(str(row["endpointUri"]), auth=NOBODY)
        if isinstance(answer.json, dict):
            document = Document(answer.json, answer)
            if document.path(bench.resource):
                return document
    return f"no OpenAPI document has {bench.resource}: {listed.exchange.line}"


@check
def openapi_is_listed(bench: Bench) -> Iterator[Finding]:
    """The address that discovery names lists the OpenAPI documents."""
    place = urls_of(bench).get("openApiMetadata")
    if not isinstance(place, str):
        raise DoesNotApply("the discovery document names no openApiMetadata")
    answer = bench.get(place, auth=NOBODY)
    yield status(answer, OK, where="anonymous GET of the metadata")
    good = bool(answer.rows) and all(
        isinstance(row, dict) and {"name", "endpointUri"} <= row.keys() for row in answer.rows or ()
    )
    expected = "an array of objects with name and endpointUri"
    yield finding_of(good, "body", expected, answer.text[:200], answer)


@check
def openapi_has_the_operations(bench: Bench) -> Iterator[Finding]:
    """The OpenAPI document describes every operation of the association."""
    document = _document(bench)
    for operations, verbs in zip(document.path(bench.resource) or ({}, {}), VERBS, strict=True):
        for verb in verbs:
            place = "items" if "put" in verbs else "collection"
            where = f"{verb.upper()} of the {place}"
            good = verb in operations
            yield finding_of(
                good, where, "described", "described" if good else "missing", document.answer
            )


@check
def openapi_has_the_certified_properties(bench: Bench) -> Iterator[Finding]:
    """Every property of the certification table is in the OpenAPI document, with its type."""
    document = _document(bench)
    described = document.schema(bench.resource) is not None
    where = f"schema of {bench.resource}"
    told = "described" if described else "missing"
    yield finding_of(described, where, "described", told, document.answer)
    certified = {row.path for row in bench.table.rows}
    for each, found in _compared(bench, document, bench.resource):
        if each.name in certified:
            told = _type(found) if found is not None else "missing"
            where = f"{bench.resource}.{each.name}"
            yield finding_of(told == each.type, where, each.type, told, document.answer)


@check
def openapi_marks_the_key(bench: Bench) -> Iterator[Finding]:
    """The OpenAPI document marks the parts of the natural key."""
    document = _document(bench)
    for each, found in _compared(bench, document, bench.resource):
        if each.schema.get("x-edfi-identity") and found is not None:
            good = found.get("x-Ed-Fi-isIdentity") is True
            where = f"x-Ed-Fi-isIdentity of {each.name}"
            told = str(found.get("x-Ed-Fi-isIdentity"))
            yield finding_of(good, where, "true", told, document.answer)


@check
def openapi_misses_nothing(bench: Bench) -> Iterator[Finding]:
    """No property of the data standard is missing from the OpenAPI document."""
    document = _document(bench)
    for resource in (bench.resource, *OTHERS):
        if document.schema(resource) is None:
            where = f"missing: {resource}"
            yield finding_of(False, where, "described", "missing", document.answer)
        for each, found in _compared(bench, document, resource):
            told = "missing" if found is None else "described"
            where = f"missing: {resource}.{each.name}"
            yield finding_of(found is not None, where, "described", told, document.answer)


@check
def openapi_changes_nothing(bench: Bench) -> Iterator[Finding]:
    """No property has another type or length than in the data standard."""
    document = _document(bench)
    for resource in (bench.resource, *OTHERS):
        for each, found in _compared(bench, document, resource):
            if found is None:
                continue
            ours = {"type": each.type, **_facts(each.schema)}
            theirs = {"type": _type(found), **_facts(found)}
            same = all(theirs.get(name, wanted) == wanted for name, wanted in ours.items())
            where = f"changed: {resource}.{each.name}"
            yield finding_of(same, where, _told(ours), _told(theirs), document.answer)


@check
def openapi_adds_nothing(bench: Bench) -> Iterator[Finding]:
    """The OpenAPI document has no property that the data standard does not have."""
    document = _document(bench)
    for resource in (bench.resource, *OTHERS):
        theirs = document.schema(resource)
        if theirs is None:
            continue
        known = set(bench.records.schemas[resource]["properties"])
        described = theirs.get("properties")
        for name in sorted(set(described if isinstance(described, dict) else ()) - known):
            if not name.startswith("_"):
                where = f"extra: {resource}.{name}"
                yield finding_of(False, where, "not there", "described", document.answer)
        yield finding_of(True, f"properties of {resource}", "known", "known", document.answer)


def _compared(
    bench: Bench, document: Document, resource: str
) -> Iterator[tuple[Property, Json | None]]:
    """Every property of a resource beside its schema in the document, None where it has none."""
    theirs = document.schema(resource)
    if theirs is None:
        return
    for each in properties(bench.records.schemas[resource]):
        yield each, document.property(theirs, each.path)


def _type(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
    return str(kind or ("object" if "properties" in schema else "nothing"))


def _facts(schema: Json) -> Json:
    return {name: schema[name] for name in ("maxLength",) if name in schema}


def _told(facts: Json) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
