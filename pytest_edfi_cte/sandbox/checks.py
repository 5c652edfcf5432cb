"""Is a body acceptable? Everything that can be said without other records, as texts by JSON path.

Texts are the sandbox's own; the paths follow the ODS/API (``$.cteProgramServices[0].cipCode``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.model import at, key_of
from pytest_edfi_cte.sandbox.shapes import Object

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from pytest_edfi_cte.sandbox.model import Resource
    from pytest_edfi_cte.sandbox.shapes import CollectionUse, Draft, Json

Errors = dict[str, list[str]]

_ARTICLES = {"object": "an object", "array": "an array", "integer": "a whole number"}
_FORMAT_TEXTS = {
    "date": "must be a calendar date written YYYY-MM-DD, without a time.",
    "int32": "must fit into 32 bits.",
    "int64": "must fit into 64 bits.",
}


def schema_errors(resource: Resource, draft: Draft) -> Errors:
    """Every way in which the body breaks the resource's schema."""
    found: Errors = {}
    for error in resource.validator.errors(draft.body):
        if error.validator == "required":
            for name in error.validator_value:
                if name not in error.instance:
                    found[f"{_path(error)}.{name}"] = [f"{name} is required."]
        else:
            found.setdefault(_path(error), []).append(_text(error))
    return found


def unification_errors(resource: Resource, draft: Draft) -> Errors:
    """Parts of keys that say one fact in two references, and say it differently."""
    found: Errors = {}
    for paths in resource.unified:
        values = [(path, at(draft.body, path)) for path in paths]
        present = [(".".join(path), value) for path, value in values if value is not None]
        for path, value in present[1:]:
            first, wanted = present[0]
            if str(value).casefold() != str(wanted).casefold():
                found[f"$.{path}"] = [f"must have the same value as {first}: {wanted}."]
    return found


def duplicate_errors(draft: Draft) -> Errors:
    """Items that occur twice in a collection: the second and later of each."""
    found: Errors = {}
    for collection in draft.collections:
        seen: dict[str, int] = {}
        for index, key in enumerate(_item_keys(collection)):
            if key is None:
                continue
            first = seen.setdefault(key, index)
            if first != index:
                found[f"{collection.path}[{index}]"] = [
                    f"has the same identifying values as item {first} of the collection."
                ]
    return found


def _item_keys(collection: CollectionUse) -> list[str | None]:
    shape = collection.items
    paths: list[tuple[str, ...]] = [(name,) for name in shape.identity]
    for name, nested in shape.properties.items():
        # A required reference identifies the item together with the item's own key parts.
        if isinstance(nested, Object) and nested.reference and name in shape.required:
            paths += [(name, inner) for inner in nested.identity]
    return [_item_key(item, paths) for item in collection.values] if paths else []


def _item_key(item: Any, paths: list[tuple[str, ...]]) -> str | None:
    values: Json = {}
    for path in paths:
        value = at(item, path)
        if value is None:
            return None  # incomplete: already reported as missing
        values[".".join(path)] = value
    return key_of(values)


def _path(error: ValidationError) -> str:
    """As the ODS/API writes it; jsonschema's own puts names like ``_ext`` into brackets."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return "$" + "".join(steps)


def _text(error: ValidationError) -> str:
    limit = error.validator_value
    if error.validator == "type":
        return f"must be {_ARTICLES.get(str(limit), f'a {limit}')}."
    if error.validator == "format":
        return _FORMAT_TEXTS[str(limit)]
    if error.validator in {"maxLength", "minLength"}:
        most = "at most" if error.validator == "maxLength" else "at least"
        unit = "character" if limit == 1 else "characters"
        return f"must be {most} {limit} {unit} long, not {len(str(error.instance))}."
    if error.validator == "pattern":
        return f"must match the pattern {limit}"
    if error.validator == "minimum":
        return f"must be at least {limit}."
    return error.message
