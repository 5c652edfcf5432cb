"""The quick yes: never where jsonschema says no, and the same reasons as jsonschema's otherwise."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_edfi_cte import quick_validator
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.quick_validator import QuickValidator
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load

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
    make = quick_validator._Maker
    monkeypatch.setattr(quick_validator, "_Maker", lambda *a: made.append(1) or make(*a))
    validator = QuickValidator(shipped().schema(standard, name))
    for _ in range(3):
        assert list(validator.iter_errors(right)) == []
    assert made == [1]
    assert "thorough" not in vars(validator), "jsonschema was not asked"


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


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ({"enum": [1]}, True),
        ({"const": 1}, True),
        (
            {"properties": {"a": {"$ref": "#/$defs/b", "minLength": 2}}, "$defs": {"b": {}}},
            {"a": "x"},
        ),
        ({"items": {"format": "ipv4"}}, ["x"]),
        ({"anyOf": [{"not": {}}]}, 1),
        ({"properties": {"a": False}}, {"a": 1}),
        (
            {
                "$ref": "#/$defs/other",
                "$defs": {
                    "other": {
                        "$id": "https://other.invalid/",
                        "$defs": {"part": {"type": "string"}},
                        "items": {"$ref": "#/$defs/part"},
                    },
                    "part": {"type": "integer"},
                },
            },
            [1],
        ),
        (
            {"$ref": "#/$defs/a~1b", "$defs": {"a~1b": {}, "a/b": {"type": "integer"}}},
            "x",
        ),
    ],
)
def test_a_word_that_may_be_read_otherwise_is_left_to_jsonschema(schema, wrong) -> None:
    validator = QuickValidator(schema)
    assert list(validator.iter_errors(wrong))
    assert "thorough" in vars(validator)


@pytest.mark.parametrize("odd", [{"pattern": r"^\p{L}+$"}, {"type": "file"}, {"maxLength": "30"}])
def test_a_word_that_cannot_be_read_spoils_nothing_where_it_is_not_asked_for(odd) -> None:
    validator = QuickValidator({"type": "object", "properties": {"a": odd}})
    assert list(validator.iter_errors({"b": 1})) == []
    assert list(validator.iter_errors([]))


def test_the_24th_hour_is_no_time() -> None:
    """Python reads it from 3.14 on."""
    validator = QuickValidator({"format": "date-time"})
    assert not validator._fits("2026-01-01T24:00:00Z")
    assert validator._fits("2026-01-01T23:00:00Z")


def test_the_model_is_judged_quickly() -> None:
    contract = shipped()
    for standard in ("4.0", "5.0"):
        for collection in contract.resource_schemas(standard):
            name = contract.schema_name(standard, collection)
            schema = contract.schema(standard, name)
            assert quick_validator._Maker(schema).whole(), name


def test_a_part_may_hold_itself() -> None:
    tree = {"type": "object", "properties": {"sub": {"$ref": "#/$defs/tree"}}, "required": ["a"]}
    validator = QuickValidator({"$ref": "#/$defs/tree", "$defs": {"tree": tree}})
    right = {"a": 1, "sub": {"a": 2, "sub": {"a": 3}}}
    assert list(validator.iter_errors(right)) == []
    assert "thorough" not in vars(validator)
    assert told(validator.iter_errors({"a": 1, "sub": {}})) == ["$.sub: 'a' is a required property"]
