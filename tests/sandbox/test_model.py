import pytest

from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.sandbox import model as subject
from pytest_edfi_cte.sandbox.dependencies import loading_order
from pytest_edfi_cte.sandbox.model import collection_of, model_of, title_of


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_schema_and_every_descriptor_is_a_resource(standard):
    model = model_of(standard)

    for collection in shipped().resource_schemas(standard):
        assert model.find(collection.upper()).collection == collection
    assert model.find("sourceSystemDescriptors").is_descriptor
    assert model.find("nothing") is None


def test_another_data_standard_is_an_error():
    with pytest.raises(ValueError, match=r"no data standard '3\.3': choose one of 4\.0, 5\.0"):
        model_of("3.3")


@pytest.mark.parametrize(
    ("descriptor", "collection"),
    [
        ("CTEProgramServiceDescriptor", "cteProgramServiceDescriptors"),
        ("GradeLevelDescriptor", "gradeLevelDescriptors"),
        ("TitleIPartASchoolDesignationDescriptor", "titleIPartASchoolDesignationDescriptors"),
        ("lowerDescriptor", "lowerDescriptors"),
    ],
)
def test_names_of_descriptor_collections(descriptor, collection):
    assert collection_of(descriptor) == collection


def test_titles():
    assert title_of("studentCTEProgramAssociation") == "StudentCTEProgramAssociation"


def test_concrete_and_abstract_ed_orgs():
    model = model_of("5.0")

    assert model.is_a("school", "educationOrganization")
    assert not model.is_a("student", "educationOrganization")
    assert not model.is_a("nothing", "educationOrganization")
    identities = model.named("schools").identities({"schoolId": 7})
    assert identities == [("school", "[7]"), ("educationOrganization", "[7]")]


def test_resources_that_refer_to_each_other_still_have_an_order():
    def schema(name, other):
        return {
            "$id": f"x/{name}.json",
            "x-edfi-resource": f"{name}s",
            "x-edfi-naturalKey": {"key": "key"},
            "type": "object",
            "properties": {
                "key": {"type": "string", "x-edfi-identity": True},
                "r": {
                    "type": "object",
                    "properties": {"key": {"type": "string", "x-edfi-identity": True}},
                    "x-edfi-reference": other,
                },
            },
        }

    resources = [subject._resource(schema("a", "b")), subject._resource(schema("b", "a"))]
    order = loading_order(subject.Model(resources))

    assert sorted(order.values()) == [1, 2]


@pytest.mark.parametrize(
    ("path", "text"),
    [("name.more", "name.more leads nowhere"), ("inner", "inner is no single value")],
)
def test_a_natural_key_that_leads_nowhere_is_told(path, text):
    schema = {
        "$id": "x/thing.json",
        "x-edfi-resource": "things",
        "x-edfi-naturalKey": {"part": path},
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "inner": {"type": "object", "properties": {}},
        },
    }
    with pytest.raises(TypeError, match=f"natural key part part: {text}"):
        subject._resource(schema)
