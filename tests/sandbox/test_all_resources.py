"""Every resource of the contract can be written, found by each part of its key, and deleted."""

import pytest

from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.sandbox.model import at, collection_of, model_of
from pytest_edfi_cte.sandbox.shapes import Collection, Scalar
from tests.sandbox.support import enrollment, invalid, refused, student, unlinked, uri

CTE_PROGRAM = {
    "educationOrganizationId": 255901,
    "programName": "Career and Technical Education",
    "programTypeDescriptor": uri("ProgramTypeDescriptor", "Career and Technical Education"),
}
# What exists in the seed, or is made by the test, for references to point at.
KNOWN = {
    "educationOrganization": {"educationOrganizationId": 255901},
    "school": {"schoolId": 255901001},
    "program": CTE_PROGRAM,
    "schoolYearType": {"schoolYear": 2024},
    "student": {"studentUniqueId": "1"},
}
VALUES = {"string": "X", "integer": 7, "number": 7, "boolean": True}
DESCRIPTORS = {
    u.rpartition("/")[2]: (u, v[0]) for u, v in shipped().grand_bend("descriptors").items()
}


def value_of(shape, flat):
    if isinstance(shape, Scalar):
        if shape.descriptor:
            return "#".join(DESCRIPTORS[shape.descriptor])
        return "2024-08-23" if flat.get("format") == "date" else VALUES[shape.type]
    if isinstance(shape, Collection):
        return [value_of(shape.items, flat["items"])]
    if shape.reference:
        return dict(KNOWN[shape.reference])
    return {
        name: value_of(shape.properties[name], flat["properties"][name]) for name in shape.required
    }


def least(resource):
    """A body with what is required and nothing else."""
    return value_of(resource.shape, resource.validator.schema)


CASES = [
    (standard, resource.collection)
    for standard in STANDARDS
    for resource in model_of(standard).resources
    if not resource.is_descriptor
]


@pytest.fixture(scope="module")
def apis():
    from pytest_edfi_cte.sandbox import Sandbox
    from tests.sandbox.support import Api

    boxes = {standard: Sandbox(data_standard=standard) for standard in STANDARDS}
    apis = {}
    for standard, box in boxes.items():
        box.start()
        apis[standard] = Api(box)
    yield apis
    for standard, box in boxes.items():
        apis[standard].close()
        box.stop()


def test_all_resources_of_the_standards_are_there():
    counts = {standard: sum(s == standard for s, _ in CASES) for standard in STANDARDS}
    assert counts == {"4.0": 19, "5.0": 20}


@pytest.mark.parametrize(("standard", "collection"), CASES)
def test_write_find_and_delete(apis, standard, collection):
    api = apis[standard]
    api.sandbox.clear()
    api.login()
    resource = model_of(standard).named(collection)
    api.sandbox.load("students", [student("1")])
    api.sandbox.load("studentSchoolAssociations", [enrollment("1")])
    body = least(resource)
    if collection == "students":
        body["studentUniqueId"] = "1"  # the enrolled one: another could not be read back
    if collection == "programs":
        body["programName"] = "Another"
    if collection == "schoolYearTypes":
        body["schoolYear"] = 2001
    if standard == "4.0" and collection in {"calendars", "graduationPlans"}:
        document = refused(api.post(collection, body), 409, "data-conflict:unresolved-reference")
        assert "there is no such SchoolYearType" in document["errors"][0]
        return
    answer = api.post(collection, body)
    assert answer.status_code == (200 if collection == "students" else 201), answer.text
    place = answer.headers["Location"]
    assert unlinked(api("GET", place).json()) == body
    for name, path in resource.natural_key.items():
        found = api.get(collection, **{name.upper(): at(body, path)}).json()
        assert unlinked(body) in [unlinked(record) for record in found], name
        assert api.get(collection, **{name: "1999-01-01" if "Date" in name else 999}).json() == []
    again = api.post(collection, body)
    assert (again.status_code, again.headers["Location"]) == (200, place)
    missing = invalid(api.post(collection, {}))
    assert set(missing) == {f"$.{name}" for name in resource.shape.required}
    if collection != "students":
        assert api("DELETE", place).status_code == 204
        assert api("GET", place).status_code == 404


def test_a_reference_to_what_the_standard_has_no_resource_for(enrolled):
    body = enrollment() | {"entryDate": "2024-09-01"}
    body["schoolYearTypeReference"] = {"schoolYear": 1900}
    document = refused(
        enrolled.post("studentSchoolAssociations", body), 409, "data-conflict:unresolved-reference"
    )
    assert document["errors"] == ["$.schoolYearTypeReference: there is no such SchoolYearType."]
    record = least(model_of("5.0").named("students")) | {
        "studentUniqueId": "9",
        "personReference": {
            "personId": "1",
            "sourceSystemDescriptor": "#".join(DESCRIPTORS["SourceSystemDescriptor"]),
        },
    }
    document = refused(enrolled.post("students", record), 409, "data-conflict:unresolved-reference")
    assert document["errors"] == ["$.personReference: there is no such Person."]


def test_every_descriptor_set_is_loaded(api):
    for name, (namespace, value) in DESCRIPTORS.items():
        found = api.get(collection_of(name), codeValue=value).json()
        assert [(d["namespace"], d["codeValue"]) for d in found] == [(namespace, value)]
