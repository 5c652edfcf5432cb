"""GETs of collections: what their parameters ask for, and the answers of change queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox import changes as change_table
from pytest_edfi_cte.sandbox.changes import Range
from pytest_edfi_cte.sandbox.engine import id_of
from pytest_edfi_cte.sandbox.shapes import infer
from pytest_edfi_cte.sandbox.store import Condition
from pytest_edfi_cte.sandbox.validation import is_date
from pytest_edfi_cte.sandbox.wire import invalid_parameters, json_response

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from pytest_edfi_cte.sandbox.auth import Client
    from pytest_edfi_cte.sandbox.engine import Engine
    from pytest_edfi_cte.sandbox.model import Field, Resource
    from pytest_edfi_cte.sandbox.wire import Page


def conditions(
    engine: Engine, resource: Resource, asked: dict[str, str], versions: Range
) -> list[Condition]:
    """Query parameters as conditions; names that the resource does not have are ignored."""
    found, wrong = [], []
    if versions != Range():
        found.append(Condition("minChangeVersion", versions.least, key=False))
        found.append(Condition("maxChangeVersion", versions.most, key=False))
    for name, text in asked.items():
        field = resource.fields.get(name)
        if name == "id":
            found.append(Condition("id", id_of(text), key=False))
            if found[-1].value is None:
                wrong.append("id is not an id.")
        elif field is not None:
            value = _value(engine, field, text, wrong)
            places = "|".join(".".join(path) for path in field.paths)
            found.append(Condition(field.name if field.key else places, value, field.key))
    if wrong:
        raise invalid_parameters(wrong)
    return found


def _value(engine: Engine, field: Field, text: str, wrong: list[str]) -> Any:
    """What a property is asked to be; what it can never be is added to ``wrong``."""
    scalar = field.scalar
    value = infer(scalar.type, text)
    if scalar.type != "string" and isinstance(value, str):
        wrong.append(f"{field.name} must be a JSON {scalar.type}.")
    elif scalar.type == "integer" and abs(value) >= 2**63:
        wrong.append(f"{field.name} is out of range.")
    elif scalar.date and not is_date(value):
        wrong.append(f"{field.name} must be a calendar date written YYYY-MM-DD.")
    elif scalar.descriptor:
        known = engine.bodies.descriptor(scalar.descriptor, text)
        value = known[1] if known else text
    return value


def available(engine: Engine) -> Response:
    """The change versions that there are; the oldest is always 0, as on the ODS/API."""
    newest = engine.store.ask(change_table.newest)
    return json_response({"oldestChangeVersion": 0, "newestChangeVersion": newest})


def changes(
    engine: Engine, resource: Resource, client: Client, wanted: Page, *, key_changes: bool
) -> Response:
    """Deletions or key changes of a resource that the key may see."""
    query = change_table.Query(resource.name, key_changes, wanted.versions, client.claims)
    found = engine.store.ask(lambda db: change_table.select(db, query, wanted.limit, wanted.offset))
    response = json_response(found)
    if wanted.total:
        total = engine.store.ask(lambda db: change_table.count(db, query))
        response.headers["Total-Count"] = str(total)
    return response
