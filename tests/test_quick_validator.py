"""The quick yes: never where jsonschema says no, and the same reasons as jsonschema's otherwise."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_edfi_cte.contract import Contract, shipped
from pytest_edfi_cte.quick_validator import QuickValidator
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.state_contract import contract_of
from pytest_edfi_cte.tables import load

ROOT = Path(__file__).parents[1]
ASSOCIATION = {
    "id": "0123",
    **load(shipped(), Settings(), "5.0").payload("create"),
    "endDate": None,
    "_etag": "1",
    "_lastModifiedDate": "2026-08-23T10:11:12.123Z",
}
RIGHT = [
    ("5.0", "studentCTEProgramAssociation", ASSOCIATION),
    (
        "5.0",
        "student",
        {"studentUniqueId": "1", "firstName": "A", "lastSurname": "B", "birthDate": "2010-01-01"},
    ),
    ("protocol", "token", {"access_token": "x", "token_type": "Bearer", "expires_in": 1800}),
    ("protocol", "discovery", {"urls": {"oauth": "https://a", "dataManagementApi": "https://b"}}),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
TELLING = st.sampled_from(
    [
        "",
        "2026-08-23",
        "20260823",
        "2026-02-30",
        "2026-08-23T10:11:12Z",
        "2026-08-23 10:11:12Z",
        "2026-08-23T10:11:12+02:00",
        "2026-08-23T25:11:12Z",
        "1\n",
        "bearer\n",
        "12",
        1.0,
        2**70,
        [],
    ]
)


def places(content, path=()):
    """Every place in JSON, as (container, key) pairs reached from the top."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def told(errors):
    return sorted(f"{error.json_path}: {error.message}" for error in errors)


@pytest.mark.parametrize(("standard", "name", "right"), RIGHT, ids=[name for _, name, _ in RIGHT])
def test_right_content_needs_no_jsonschema_and_one_compilation(
    standard, name, right, monkeypatch
) -> None:
    made = []
    make = fastjsonschema.compile
    monkeypatch.setattr(
        fastjsonschema, "compile", lambda *a, **more: made.append(1) or make(*a, **more)
    )
    validator = QuickValidator(shipped().schema(standard, name))
    for _ in range(3):
        assert list(validator.iter_errors(right)) == []
    assert made == [1]
    assert "_thorough" not in vars(validator), "jsonschema was not asked"


@pytest.mark.parametrize(("standard", "name", "right"), RIGHT, ids=[name for _, name, _ in RIGHT])
@given(data=st.data())
def test_it_says_what_jsonschema_says(standard, name, right, data) -> None:
    content = copy.deepcopy(right)
    *path, last = data.draw(st.sampled_from(list(places(content))))
    here = content
    for part in path:
        here = here[part]
    if data.draw(st.booleans()):
        here[last] = data.draw(TELLING | JSON)
    else:
        del here[last]
    validator = shipped().validator(standard, name)
    alone = Draft202012Validator(
        validator.schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    assert told(validator.iter_errors(content)) == told(alone.iter_errors(content))


#: Words that fastjsonschema, of an older draft, reads as jsonschema does, or that check nothing.
SHARED = {
    "type",
    "required",
    "properties",
    "items",
    "anyOf",
    "additionalProperties",
    "propertyNames",
}
SHARED |= {"minLength", "maxLength", "minimum", "maximum", "pattern", "title", "description"}
FORMATS = {"date", "date-time", "int32", "int64", "double"}
OF_THE_WHOLE = {"$id", "$schema", "$defs"}
QUICK = [
    (standard, path.name.removesuffix(".json"))
    for standard in ("4.0", "5.0", "protocol")
    for path in shipped().root.joinpath("schemas", standard).iterdir()
]


def parts(schema):
    """A schema and all that are in it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [*schema.get("anyOf", ()), schema.get("items"), schema.get("propertyNames")]
    inner += [schema.get("additionalProperties")]
    for part in inner:
        if isinstance(part, dict):
            yield from parts(part)


def read_otherwise(schema, whole):
    """Words of a schema that the two may read otherwise."""
    words = {word for word in schema if not word.startswith("x-")}
    if "$ref" in words:  # the older draft passes over what stands beside it
        alone = words <= {"$ref", "title", "description"}
        return [] if alone and re.fullmatch(r"#/\$defs/\w+", schema["$ref"]) else ["$ref"]
    known = SHARED | OF_THE_WHOLE if whole else SHARED
    known |= {"format"} if schema.get("format") in FORMATS else set()
    return sorted(words - known)


@pytest.mark.parametrize(("standard", "name"), QUICK, ids="-".join)
def test_no_shipped_schema_has_a_word_that_may_be_read_otherwise(standard, name) -> None:
    schema = shipped().schema(standard, name)
    assert [odd for part in parts(schema) for odd in read_otherwise(part, part is schema)] == []
    assert isinstance(shipped().validator(standard, name), QuickValidator)


def test_of_a_changed_contract_and_a_states_schema_no_code_is_made(tmp_path) -> None:
    assert not isinstance(Contract(shipped().root).validator("5.0", "student"), QuickValidator)
    document = ROOT / "examples/state_extension/openapi.yaml"
    state = contract_of([str(document)])
    (own,) = [s for s in state.resource_schemas("5.0").values() if s.get("x-edfi-namespace")][:1]
    assert not isinstance(
        state.validator("5.0", own["$id"].rpartition("/")[2][:-5]), QuickValidator
    )
    assert isinstance(state.validator("5.0", "student"), QuickValidator)


def test_the_24th_hour_is_no_time() -> None:
    """Python reads it from 3.14 on."""
    validator = QuickValidator({"type": "string", "format": "date-time"})
    assert not validator._fits("2026-01-01T24:00:00Z")
    assert validator._fits("2026-01-01T23:00:00Z")
