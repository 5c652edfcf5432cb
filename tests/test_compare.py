from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.compare import (
    ABSENT,
    at,
    identity_of,
    is_descriptor,
    json_type,
    same_json,
    short,
)
from pytest_edfi_cte.contract import shipped

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_value_equals_its_own_copy(value: object) -> None:
    assert same_json(value, json.loads(json.dumps(value)))


@given(JSON, JSON)
def test_comparison_is_symmetric_and_respects_types(one: object, other: object) -> None:
    assert same_json(one, other) == same_json(other, one)
    if json_type(one) != json_type(other):
        assert not same_json(one, other)
    if same_json(one, other):
        assert one == other


@given(st.integers(), st.booleans())
def test_a_boolean_never_equals_a_number(number: int, boolean: bool) -> None:
    assert not same_json(number, boolean)
    assert not same_json({"a": [number]}, {"a": [boolean]})


@given(JSON)
def test_absent_and_null_are_not_values(value: object) -> None:
    assert not same_json(ABSENT, value)
    if value is not None:
        assert not same_json(None, value)


def test_numbers_are_one_json_type() -> None:
    assert same_json(1, 1.0)
    assert not same_json(1, 1.5)
    assert not same_json(1, "1")


def test_objects_and_arrays() -> None:
    assert same_json({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not same_json({"a": 1}, {"a": 1, "b": None})
    assert not same_json([1, 2], [2, 1])
    assert not same_json([1], [1, 1])


def test_descriptors_are_equal_only_where_the_api_says_so() -> None:
    one, other = "uri://ed-fi.org/XDescriptor#Passed", "uri://ed-fi.org/XDescriptor#passed"
    assert not same_json(one, other)
    assert not same_json(one, other, lambda *_: False)
    assert same_json({"x": [one]}, {"x": [other]}, lambda *_: True)
    assert not same_json("Passed", "passed", lambda *_: True)


def test_json_type_names() -> None:
    values = [ABSENT, None, True, 1, 1.5, "", [], {}]
    names = ["absent", "null", "boolean", "number", "number", "string", "array", "object"]
    assert [json_type(value) for value in values] == names
    assert repr(ABSENT) == "absent"


def test_ways_around_a_record() -> None:
    record = {"a": {"b": None}}
    assert at(record, "a.b") is None
    assert at(record, "a.c") is ABSENT
    assert at(record, "a.b.c") is ABSENT
    assert short("uri://ed-fi.org/X#Some value") == "Some value"
    assert short("plain") == "plain"
    assert short(ABSENT) == "absent"
    assert is_descriptor("uri://a/B#c")
    assert not is_descriptor("uri://a/B#c", "c")


def test_identity_comes_from_the_schema() -> None:
    schema = shipped().schema("5.0", "studentCTEProgramAssociation")
    assert identity_of(schema, "cteProgramServices") == ["cteProgramServiceDescriptor"]
    assert identity_of(schema, "programReference") == [
        "educationOrganizationId",
        "programName",
        "programTypeDescriptor",
    ]
    assert identity_of(schema, "nothingOfTheKind") == []
    school = shipped().schema("5.0", "school")
    assert identity_of(school, "localEducationAgencyReference") == ["localEducationAgencyId"]
