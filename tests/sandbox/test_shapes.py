import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.sandbox.checks import schema_errors
from pytest_edfi_cte.sandbox.model import _resource, model_of
from pytest_edfi_cte.sandbox.shapes import draft, flatten, infer, object_of

KINDS = st.sampled_from(["string", "integer", "number", "boolean"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("kind", "sent", "taken"),
    [
        ("boolean", "true", True),
        ("boolean", "FALSE", False),
        ("integer", "255901", 255901),
        ("integer", "-1", -1),
        ("integer", "007", 7),
        ("integer", 255901.0, 255901),
        ("number", "0.5", 0.5),
        ("number", "1e3", 1000),
        ("number", "-1", -1),
        ("number", 1.5, 1.5),
    ],
)
def test_values_that_are_converted(kind, sent, taken):
    value = infer(kind, sent)

    assert value == taken
    assert type(value) is type(taken)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("boolean", "1"),
        ("boolean", 1),
        ("boolean", "yes"),
        ("boolean", " true"),
        ("integer", "1.0"),
        ("integer", "1e3"),
        ("integer", "+1"),
        ("integer", ""),
        ("integer", "٣"),
        ("integer", "1" * 20),
        ("integer", 1.5),
        ("integer", True),
        ("number", ".5"),
        ("number", "NaN"),
        ("number", "1e999"),
        ("number", True),
        ("string", 11.0103),
        ("string", True),
        ("string", "true"),
    ],
)
def test_values_that_are_left_alone(kind, sent):
    assert infer(kind, sent) is sent


def test_infinity_is_no_number():
    assert infer("number", math.inf) == "inf"


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_whole_number_survives_being_text(number):
    assert infer("integer", str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_survives_being_text(number):
    assert infer("number", repr(number)) == number


@given(KINDS, JSON)
def test_inference_never_fails_and_is_done_once(kind, value):
    once = infer(kind, value)

    assert infer(kind, once) == once


@given(st.dictionaries(st.text(max_size=5), JSON))
def test_unknown_properties_never_get_in(body):
    shape = model_of("5.0").named("students").shape

    assert set(draft(shape, body).body) <= set(shape.properties)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "beginDate",
                "studentReference",
                "programReference",
                "cteProgramServices",
                "privateCTEProgram",
                "technicalSkillsAssessmentDescriptor",
            ),
            JSON,
        ),
    )
)
def test_any_json_can_be_drafted_and_checked(body):
    resource = model_of("5.0").named("studentCTEProgramAssociations")
    found = draft(resource.shape, body)

    if not schema_errors(resource, found):
        json.dumps(found.body, allow_nan=False)


def test_collections_of_single_values_and_of_collections():
    shape = object_of(
        {
            "type": "object",
            "properties": {
                "years": {"type": "array", "items": {"type": "integer"}},
                "rows": {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "boolean"}},
                },
            },
        }
    )
    found = draft(shape, {"years": ["1", "x", None], "rows": [["true"], 7]})

    assert found.body == {"years": [1, "x", None], "rows": [[True], 7]}
    assert found.collections == []


def test_a_rule_without_a_text_of_its_own_is_told_in_the_words_of_the_validator():
    schema = {
        "$id": "x/thing.json",
        "x-edfi-resource": "things",
        "x-edfi-naturalKey": {"name": "name"},
        "type": "object",
        "properties": {"name": {"type": "string", "enum": ["a"]}},
    }
    resource = _resource(schema)

    assert schema_errors(resource, draft(resource.shape, {"name": "a"})) == {}
    assert schema_errors(resource, draft(resource.shape, {"name": "b"})) == {
        "$.name": ["'b' is not one of ['a']"]
    }


def test_a_flattened_schema_has_no_references_and_no_nulls():
    for schema in shipped().resource_schemas("5.0").values():
        text = json.dumps(flatten(schema, schema.get("$defs", {})))
        assert "$ref" not in text
        assert '"null"' not in text
        assert "_lastModifiedDate" not in text
        assert '"link"' not in text
