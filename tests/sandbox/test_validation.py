"""The quick yes of fastjsonschema and the thorough answer of jsonschema must be one answer."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_edfi_cte.sandbox.model import model_of
from pytest_edfi_cte.sandbox.shapes import infer
from pytest_edfi_cte.sandbox.validation import Validator
from tests.sandbox.support import association, uri

EDGES = {
    "string": [
        *["", " ", "a" * 30, "a" * 61, "😀" * 60, "uri://x#y", "xuri://"],
        *[
            "2024-02-29",
            "2023-02-29",
            "20240229",
            "2024-02-29T00:00:00Z",
            "2024-02-29\n",
            "٢٠٢٤-02-29",
        ],
    ],
    "integer": [
        *[0, -1, 1, 255901],
        *(sign * 2**bits + more for bits in (31, 63) for sign in (1, -1) for more in (-1, 0, 1)),
    ],
    "number": [0, 0.5, -1.5, 1e300, 2**70, 1.0],
    "boolean": [True, False],
}
ANYTHING = [None, True, 0, 1, 1.0, 1.5, "", "true", [], {}, [1], {"a": 1}]


def values(schema):
    """Mostly of the schema's type, at its limits; now and then anything."""
    kind = schema["type"]
    if kind == "object":
        parts = {name: values(part) for name, part in schema["properties"].items()}
        required = {n: parts.pop(n) for n in schema.get("required", ()) if n in parts}
        # Mostly complete, or hardly any body would be valid.
        fitting = st.fixed_dictionaries(required, optional=parts)
        fitting |= st.fixed_dictionaries({}, optional={**parts, **required, "unknown": st.none()})
    elif kind == "array":
        fitting = st.lists(values(schema["items"]), max_size=2)
    else:
        limit = schema.get("maxLength")
        edges = EDGES[kind] + ([limit * "a", (limit + 1) * "a"] if limit else [])
        fitting = st.sampled_from(edges)
    return st.one_of(fitting, fitting, fitting, st.sampled_from(ANYTHING))


def thorough(validator, body):
    return not list(validator._thorough.iter_errors(body))


COLLECTIONS = ["students", "studentCTEProgramAssociations", "graduationPlans", "sexDescriptors"]


@pytest.mark.parametrize("collection", COLLECTIONS)
@given(data=st.data())
def test_both_judges_agree(collection, data):
    validator = model_of("5.0").find(collection).validator
    body = data.draw(values(validator.schema).filter(lambda value: isinstance(value, dict)))

    assert validator._fits(body) == thorough(validator, body)


@pytest.mark.parametrize("standard", ["4.0", "5.0"])
def test_every_single_value_is_judged_alike(standard):
    """Each property of each resource, with every edge in turn, in an otherwise empty body."""
    seen = set()
    for resource in model_of(standard).resources:
        for part in leaves(resource.validator.schema):
            kind = tuple(sorted((k, str(v)) for k, v in part.items()))
            if kind in seen:
                continue
            seen.add(kind)
            validator = Validator({"type": "object", "properties": {"value": part}})
            limit = part.get("maxLength", 1)
            for value in itertools.chain(
                *EDGES.values(), ANYTHING, (limit * "a", (limit + 1) * "a")
            ):
                body = {"value": infer(part["type"], value)}  # as a draft has it
                assert validator._fits(body) == thorough(validator, body), (part, value)
    assert len(seen) > 10


def leaves(schema):
    if schema["type"] == "object":
        for part in schema["properties"].values():
            yield from leaves(part)
    elif schema["type"] == "array":
        yield from leaves(schema["items"])
    else:
        yield schema


NAMES = st.text(max_size=8) | st.sampled_from(
    [
        '"',
        "'",
        "\\",
        '\\"',
        '"]+__import__("os")#',
        "{0}",
        "{",
        "}",
        "%s",
        "\n",
        "a\r\nb",
        "x-y",
        "x_y",
    ]
)


@given(NAMES, NAMES, st.sampled_from(["", "a", "ab", 1, None]))
@example('"]; raise SystemExit #', '\\"]; raise SystemExit #', "ab")
def test_names_of_a_schema_are_only_ever_names(one, other, value):
    """fastjsonschema writes code: nothing that a state's extension calls itself gets into it."""
    schema = {
        "type": "object",
        "required": [one],
        "properties": {
            one: {"type": "string", "maxLength": 1},
            other: {"type": "object", "properties": {one: {"type": "integer"}}, "required": [one]},
        },
    }
    validator = Validator(schema)
    for body in ({one: value}, {other: {one: 1}}, {one: "a", other: {one: 1}}, {}):
        assert validator._fits(body) == thorough(validator, body)


def test_a_valid_body_never_reaches_the_thorough_judge(monkeypatch):
    validator = model_of("5.0").find("studentCTEProgramAssociations").validator
    monkeypatch.setattr(validator, "_thorough", None)

    assert list(validator.errors(association())) == []


def test_all_errors_come_from_the_thorough_judge():
    validator = model_of("5.0").find("studentCTEProgramAssociations").validator
    body = association(beginDate="2024-02-30", privateCTEProgram=1)
    del body["programReference"]

    found = sorted((error.json_path, error.validator) for error in validator.errors(body))

    assert found == [("$", "required"), ("$.beginDate", "format"), ("$.privateCTEProgram", "type")]


@pytest.mark.parametrize(
    ("part", "fits"),
    [
        ({"type": "integer", "format": "int32"}, [2**31 - 1, -(2**31)]),
        ({"type": "integer", "format": "int32", "minimum": 0}, [0, 2**31 - 1]),
        ({"type": "integer", "format": "int64", "maximum": 5}, [5, -(2**63)]),
        ({"type": "string", "format": "unheard-of"}, ["anything", uri("X", "y")]),
    ],
)
def test_formats(part, fits):
    validator = Validator({"type": "object", "properties": {"value": part}})

    for value in fits:
        assert list(validator.errors({"value": value})) == []
        assert validator._fits({"value": value})
