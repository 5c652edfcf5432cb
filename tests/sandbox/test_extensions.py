"""``openapi``: a state's documents add resources and replace those of the data standard."""

import contextlib
import copy
import json
from pathlib import Path

import pytest
import requests
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_edfi_cte.cli import ExitCode, main
from pytest_edfi_cte.openapi_document import Document, OpenApiError
from pytest_edfi_cte.openapi_import import Importer
from pytest_edfi_cte.sandbox import Client
from pytest_edfi_cte.sandbox.extensions import extended
from pytest_edfi_cte.sandbox.model import model_of
from pytest_edfi_cte.sandbox.openapi import document
from tests.sandbox.commands import Command
from tests.sandbox.support import (
    CTE,
    ENROLLMENTS,
    association,
    enrollment,
    invalid,
    refused,
    student,
    unlinked,
    uri,
)

DOCUMENTS = Path(__file__).parent / "documents"
OPENAPI3 = DOCUMENTS / "tx-openapi3.yaml"
SWAGGER2 = DOCUMENTS / "tx-swagger2.json"
TX = "/data/v3/tx"
NAMESPACE = "uri://tx.example/EndorsementTypeDescriptor"
ARTS = f"{NAMESPACE}#Arts"
KEY = Client("state", "secret", (255901,), "SIS Vendor", ("uri://",))
NEIGHBOUR = Client("neighbour", "secret", (255950,))


@pytest.fixture(scope="module", params=[OPENAPI3, SWAGGER2], ids=["openapi3", "swagger2"])
def _box(request):
    from pytest_edfi_cte.sandbox import Sandbox

    with Sandbox(openapi=[request.param], clients=[KEY, NEIGHBOUR]) as box:
        yield box


@pytest.fixture
def tx(_box, connect):
    _box.clear()
    values = [
        {"namespace": NAMESPACE, "codeValue": v, "shortDescription": v} for v in ("Arts", "STEM")
    ]
    _box.load("tx/endorsementTypeDescriptors", values)
    _box.load("students", [student()])
    _box.load(ENROLLMENTS, [enrollment()])
    return connect(_box)


def endorsement(**more):
    return {
        "endorsementTypeDescriptor": ARTS,
        "schoolReference": {"schoolId": 255901001},
        "studentReference": {"studentUniqueId": "222222"},
        **more,
    }


def at(tx, path):
    return f"{tx.sandbox.url}{TX}/{path}"


def test_a_resource_of_an_own_namespace_is_served_as_any_other(tx):
    address = tx.made(at(tx, "studentEndorsements"), endorsement(note="x", unknown=1))
    assert address.startswith(at(tx, "studentEndorsements/"))
    record = tx.get(address).json()
    assert unlinked(record) == endorsement(note="x")
    assert record["studentReference"]["link"]["rel"] == "Student"
    again = tx.post(at(tx, "StudentEndorsements"), endorsement())
    assert (again.status_code, again.headers["Location"]) == (200, address)
    for query in (
        {"studentUniqueId": "222222"},
        {"schoolId": 255901001},
        {"endorsementTypeDescriptor": ARTS},
    ):
        assert len(tx.get(at(tx, "studentEndorsements"), **query).json()) == 1
    assert tx.get(at(tx, "studentEndorsements"), schoolId=255901044).json() == []
    assert tx.put(address, endorsement(endorsementDate="2027-01-02")).status_code == 204
    changed = tx.put(address, endorsement(endorsementTypeDescriptor=f"{NAMESPACE}#STEM"))
    refused(changed, 400, "bad-request:data-validation-failed:key-change-not-supported")
    assert tx.sandbox.records("tx/studentEndorsements")[0]["endorsementDate"] == "2027-01-02"
    assert tx.delete(address).status_code == 204
    (gone,) = tx.get(at(tx, "studentEndorsements/deletes")).json()
    assert gone["keyValues"] == {
        "endorsementTypeDescriptor": ARTS,
        "schoolId": 255901001,
        "studentUniqueId": "222222",
    }


def test_its_rules_come_from_the_document(tx):
    found = invalid(
        tx.post(
            at(tx, "studentEndorsements"),
            {
                "endorsementTypeDescriptor": f"{NAMESPACE}#None",
                "priorEndorsementTypeDescriptor": ARTS,  # a role of the same descriptor
                "note": "x" * 21,
                "endorsementDate": "2027",
                "schoolReference": {},
            },
        )
    )
    assert found == {
        "$.endorsementTypeDescriptor": ["is no EndorsementTypeDescriptor that this API knows."],
        "$.note": ["must be at most 20 characters long, not 21."],
        "$.endorsementDate": ["must be a calendar date written YYYY-MM-DD, without a time."],
        "$.schoolReference.schoolId": ["schoolId is required."],
        "$.studentReference": ["studentReference is required."],
    }
    body = endorsement(studentReference={"studentUniqueId": "nobody"})
    refused(tx.post(at(tx, "studentEndorsements"), body), 409, "data-conflict:unresolved-reference")


def test_a_namespace_is_part_of_the_address(tx):
    for path in ("studentEndorsements", "endorsementTypeDescriptors"):
        assert tx.get(at(tx, path)).status_code == 200
        refused(tx.get(path), 404, "not-found")
    refused(tx.get(at(tx, "students")), 404, "not-found")
    refused(tx.get(f"{tx.sandbox.url}/data/v3/ut/students"), 404, "not-found")


def test_whose_it_is_decides_as_everywhere(tx, connect):
    address = tx.made(at(tx, "studentEndorsements"), endorsement())
    stranger = connect(tx.sandbox, NEIGHBOUR)
    refused(stranger.get(address), 403, "security:authorization:")
    assert stranger.get(at(tx, "studentEndorsements")).json() == []
    vendor = connect(tx.sandbox, KEY)
    assert vendor.get(address).status_code == 200
    value = {"namespace": NAMESPACE, "codeValue": "New", "shortDescription": "New"}
    denied = vendor.post(at(tx, "endorsementTypeDescriptors"), value)
    refused(denied, 403, "security:authorization:access-denied:action")


def test_a_replaced_resource_has_its_extension_and_nothing_else_changed(tx):
    more = {
        "_ext": {
            "tx": {
                "endorsementTypeDescriptor": ARTS,
                "capstoneCompleted": True,
                "mentors": [{"mentorName": "A"}, {"mentorName": "B"}],
            }
        }
    }
    address = tx.made(CTE, association(**more))
    assert unlinked(tx.get(address).json()) == association(**more)
    assert tx.made(ENROLLMENTS, enrollment(school=255901044))
    more["_ext"]["tx"] = {"capstoneCompleted": "maybe", "mentors": [{"mentorName": "A"}] * 2}
    assert invalid(tx.put(address, association(**more))) == {
        "$._ext.tx.capstoneCompleted": ["must be a boolean."],
        "$._ext.tx.endorsementTypeDescriptor": ["endorsementTypeDescriptor is required."],
        "$._ext.tx.mentors[1]": ["has the same identifying values as item 0 of the collection."],
    }
    assert tx.put(address, association()).status_code == 204
    assert "_ext" not in tx.get(address).json()


def test_without_the_document_an_extension_is_an_unknown_property(associated):
    body = association(_ext={"tx": {"capstoneCompleted": True}})
    assert associated.put(associated.association, body).status_code == 204
    assert "_ext" not in associated.get(associated.association).json()


def test_the_sandbox_describes_what_was_added(tx):
    models = requests.get(tx.sandbox.url).json()["dataModels"]
    assert [(m["name"], m["version"]) for m in models] == [("Ed-Fi", "5.2.0"), ("tx", "1.0")]
    base = f"{tx.sandbox.url}/metadata/data/v3"
    found = requests.get(f"{base}/resources/swagger.json").json()
    assert "/tx/studentEndorsements/{id}" in found["paths"]
    assert "endorsementDate" in found["definitions"]["tx_studentEndorsement"]["properties"]
    assert "_ext" in found["definitions"][f"edFi_{CTE[:-1]}"]["properties"]
    operations = [o["operationId"] for p in found["paths"].values() for o in p.values()]
    assert len(operations) == len(set(operations))
    found = requests.get(f"{base}/descriptors/openapi.json").json()
    assert "tx_endorsementTypeDescriptor" in found["components"]["schemas"]
    order = {e["resource"]: e["order"] for e in requests.get(f"{base}/dependencies").json()}
    assert order["/tx/endorsementTypeDescriptors"] < order["/tx/studentEndorsements"]
    assert order[f"/ed-fi/{ENROLLMENTS}"] < order["/tx/studentEndorsements"]
    tx("POST", f"{tx.sandbox.url}/oauth/token_info", json={})
    token = tx.session.headers["Authorization"].split()[1]
    info = tx("POST", f"{tx.sandbox.url}/oauth/token_info", json={"token": token}).json()
    assert "/tx/studentEndorsements" in [entry["resource"] for entry in info["resources"]]


def test_both_documents_say_the_same():
    old, new = (extended("5.0", [file]) for file in (SWAGGER2, OPENAPI3))
    assert [r.schema for r in old.resources] == [r.schema for r in new.resources]
    assert len(new.resources) == len(model_of("5.0").resources) + 2


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("standard", ["4.0", "5.0"])
def test_the_sandboxs_own_documents_read_back_give_the_same_model(tmp_path, standard, version):
    model = model_of(standard)
    files = [tmp_path / f"{part}.json" for part in ("resources", "descriptors")]
    for file in files:
        file.write_text(json.dumps(document(model, file.stem, "http://h", version=version)))
    again = extended(standard, files)

    def told(model):
        return {
            r.path: (r.entity, r.natural_key, r.shape, r.unified, r.is_a) for r in model.resources
        }

    assert told(again) == told(model)


def test_a_later_document_replaces_an_earlier_one(tmp_path):
    changed = yaml.safe_load(OPENAPI3.read_text())
    del changed["components"]["schemas"]["tx_studentEndorsement"]["properties"]["note"]
    later = tmp_path / "later.yml"
    later.write_text(yaml.safe_dump(changed))
    for files, known in ([OPENAPI3, later], False), ([later, OPENAPI3], True):
        resource = extended("5.0", files).find("tx/studentEndorsements")
        assert ("note" in resource.shape.properties) is known


def test_a_descriptor_that_only_a_property_names_gets_a_collection(tmp_path):
    content = yaml.safe_load(OPENAPI3.read_text())
    del content["paths"]["/tx/endorsementTypeDescriptors"]
    properties = content["components"]["schemas"]["tx_studentEndorsement"]["properties"]
    properties["sexDescriptor"] = {"type": "string"}
    properties["entryGradeLevelDescriptor"] = {"type": "string"}
    file = tmp_path / "tx.yaml"
    file.write_text(yaml.safe_dump(content))
    model = extended("5.0", [file])
    assert model.addressed("/tx/endorsementTypeDescriptors").title == "EndorsementTypeDescriptor"
    shape = model.find("tx/studentEndorsements").shape.properties
    assert shape["endorsementTypeDescriptor"].descriptor == "tx_EndorsementTypeDescriptor"
    assert shape["sexDescriptor"].descriptor == "SexDescriptor"
    assert shape["entryGradeLevelDescriptor"].descriptor == "GradeLevelDescriptor"


ENDORSEMENTS = "/tx/studentEndorsements"


def spoil(*path, value=None):
    """Replace what is at a path of the document, or remove it."""

    def change(content):
        for name in path[:-1]:
            content = content[name]
        if value is None:
            del content[path[-1]]
        else:
            content[path[-1]] = value

    return change


def component(name, *path, value=None):
    return spoil("components", "schemas", name, *path, value=value)


def unmarked(content):
    for parameter in content["paths"][ENDORSEMENTS]["get"]["parameters"]:
        parameter.pop("x-Ed-Fi-isIdentity", None)


MISTAKES = {
    "no version": (spoil("openapi"), "#: neither a Swagger 2.0 nor an OpenAPI 3 document"),
    "no key": (
        unmarked,
        f"paths {ENDORSEMENTS} get parameters: no natural key: none is marked x-Ed-Fi-isIdentity",
    ),
    "key part without property": (
        component("tx_studentEndorsement", "properties", "schoolReference", value={"type": "string"}),
        ("#/components/schemas/tx_studentEndorsement: no natural key: no required property for"
        " its part schoolId"),
    ),
    "no component": (
        component("tx_studentCTEProgramAssociationMentor"),
        ("#/components/schemas/tx_studentCTEProgramAssociationExtension/properties/mentors:"
        " $ref #/components/schemas/tx_studentCTEProgramAssociationMentor leads nowhere"),
    ),
    "ref into another file": (
        component("tx_studentEndorsement", "properties", "schoolReference", value={"$ref": "o.yaml#/x"}),
        ("#/components/schemas/tx_studentEndorsement/properties/schoolReference:"
        " $ref o.yaml#/x leads nowhere"),
    ),
    "ref to no object": (
        component("edFi_schoolReference", value=[]),
        ("#/components/schemas/tx_studentEndorsement/properties/schoolReference:"
        " $ref #/components/schemas/edFi_schoolReference leads to no object"),
    ),
    "unmarked reference": (
        component("edFi_schoolReference", "properties", "schoolId", "x-Ed-Fi-isIdentity"),
        "#/components/schemas/edFi_schoolReference: no property is marked x-Ed-Fi-isIdentity",
    ),
    "no type": (
        component("tx_studentEndorsement", "properties", "note", "type"),
        ("#/components/schemas/tx_studentEndorsement/properties/note:"
        " neither a $ref nor a type that a value can have"),
    ),
    "inline items": (
        component(
            "tx_studentCTEProgramAssociationExtension", "properties", "mentors", "items", value={"type": "string"}
        ),
        ("#/components/schemas/tx_studentCTEProgramAssociationExtension/properties/mentors:"
        " the items are no $ref"),
    ),
    "no properties": (
        component("studentCTEProgramAssociationExtensions", "properties"),
        "#/components/schemas/studentCTEProgramAssociationExtensions: not an object with properties",
    ),
    "required without property": (
        component("tx_studentCTEProgramAssociationMentor", "required", value=["name"]),
        "#/components/schemas/tx_studentCTEProgramAssociationMentor: required, but no property: name",
    ),
    "itself": (
        component(
            "tx_studentCTEProgramAssociationMentor", "properties", "mentors",
            value={"type": "array", "items": {"$ref": "#/components/schemas/tx_studentCTEProgramAssociationMentor"}},
        ),
        ("#/components/schemas/tx_studentCTEProgramAssociationMentor/properties/mentors:"
        " tx_studentCTEProgramAssociationMentor contains itself"),
    ),
    "no put": (
        spoil("paths", f"{ENDORSEMENTS}/{{id}}", "put"),
        f"paths {ENDORSEMENTS}/{{id}}: no PUT is described",
    ),
    "inline body": (
        spoil("paths", ENDORSEMENTS, "post", "requestBody", "content", value={}),
        f"paths {ENDORSEMENTS} post: the JSON body is no reference to a component",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_document_that_cannot_be_used_names_file_place_and_what_is_missing(tmp_path, name):
    change, text = MISTAKES[name]
    content = copy.deepcopy(yaml.safe_load(OPENAPI3.read_text()))
    change(content)
    file = tmp_path / "tx.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(OpenApiError) as error:
        extended("5.0", [file])
    assert str(error.value) == f"{file}, at {text}"


def places(node, path=()):
    """Every path into a document."""
    yield path
    if isinstance(node, (dict, list)):
        children = node.items() if isinstance(node, dict) else enumerate(node)
        for name, child in children:
            yield from places(child, (*path, name))


CONTENT = yaml.safe_load(OPENAPI3.read_text())
PLACES = sorted(places(CONTENT), key=str)


@given(st.sampled_from(PLACES), st.sampled_from([None, "x", 1, [], {}, [1], {1: 1}, {"$ref": 1}]))
@settings(max_examples=150, deadline=None)
def test_whatever_is_in_a_document_the_error_is_about_the_document(place, junk):
    content = copy.deepcopy(CONTENT)
    holder = {"document": content}
    *above, last = ("document", *place)
    for name in above:
        holder = holder[name]
    holder[last] = junk
    with contextlib.suppress(OpenApiError):
        document = Document(content if place else junk, "tx.yaml")
        importer = Importer(document, lambda name, _: name, "5.0", extensions=True)
        for namespace, collection in document.resources():
            importer.schema(namespace, collection)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n"a": }', "line 2: not JSON: Expecting value"),
        ("a: [\n", "line 2: not YAML: "),
        ("- 1", "#: neither a Swagger 2.0 nor an OpenAPI 3 document"),
        ("\x00", "#: not YAML: "),
    ],
)
def test_a_file_that_is_no_document_is_named(tmp_path, text, problem):
    file = tmp_path / "tx.yaml"
    file.write_text(text)
    with pytest.raises(OpenApiError) as error:
        extended("5.0", [file])
    assert f"{file}, at {problem}" in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path, new_box):
    with pytest.raises(ValueError, match="none.yaml, at #: cannot be read"):
        new_box(openapi=[tmp_path / "none.yaml"])


def test_a_nullable_reference_may_be_wrapped(tmp_path):
    content = yaml.safe_load(OPENAPI3.read_text())
    properties = content["components"]["schemas"]["tx_studentEndorsement"]["properties"]
    for key in ("allOf", "oneOf"):
        properties["schoolReference"] = {
            key: [{"$ref": "#/components/schemas/edFi_schoolReference"}]
        }
        properties["note"] = {"type": ["string", "null"]}  # OpenAPI 3.1
        file = tmp_path / "tx.yaml"
        file.write_text(yaml.safe_dump(content))
        resource = extended("5.0", [file]).find("tx/studentEndorsements")
        assert resource.shape == extended("5.0", [OPENAPI3]).find("tx/studentEndorsements").shape


def test_values_of_its_descriptors_come_with_a_seed(tmp_path, new_box):
    folder = tmp_path / "tx"
    folder.mkdir()
    value = {"namespace": NAMESPACE, "codeValue": "Arts", "shortDescription": "Arts"}
    (folder / "endorsementTypeDescriptors.jsonl").write_text(json.dumps(value))
    (folder / "studentEndorsements.json").write_text(json.dumps([endorsement()]))
    district = {
        "localEducationAgencyId": 255901,
        "nameOfInstitution": "Grand Bend ISD",
        "categories": [],
        "localEducationAgencyCategoryDescriptor": uri(
            "LocalEducationAgencyCategoryDescriptor", "Independent"
        ),
    }
    category = {
        "educationOrganizationCategoryDescriptor": uri(
            "EducationOrganizationCategoryDescriptor", "School"
        )
    }
    level = {"gradeLevelDescriptor": uri("GradeLevelDescriptor", "Ninth grade")}
    school = {
        "schoolId": 255901001,
        "nameOfInstitution": "High",
        "educationOrganizationCategories": [category],
        "gradeLevels": [level],
        "localEducationAgencyReference": {"localEducationAgencyId": 255901},
    }
    records = {
        "localEducationAgencies": district | {"categories": [category]},
        "schools": school,
        "students": student(),
        ENROLLMENTS: enrollment(),
    }
    for name, record in records.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record))
    box = new_box(openapi=[OPENAPI3], seed=tmp_path)
    assert len(box.records("tx/endorsementTypeDescriptors")) == 1
    (record,) = box.records("tx/studentEndorsements")
    assert record["endorsementTypeDescriptor"] == ARTS
    (folder / "nothings.jsonl").write_text("{}")
    with pytest.raises(ValueError, match="the sandbox has no resource 'tx/nothings'"):
        new_box(openapi=[OPENAPI3], seed=tmp_path)


def test_the_command_serves_a_document():
    running = Command("--openapi", OPENAPI3, "--seed", "minimal")
    try:
        rows = requests.get(f"{running.url}/metadata/data/v3/dependencies").json()
        assert "/tx/studentEndorsements" in {row["resource"] for row in rows}
    finally:
        assert running.end() == (0, "")


def test_the_command_refuses_a_document_that_cannot_be_used(tmp_path, capsys):
    file = tmp_path / "tx.json"
    file.write_text("{}")
    assert main(["sandbox", "--openapi", str(file)]) == ExitCode.CONFIGURATION
    said = capsys.readouterr().err
    assert f"{file}, at #: neither a Swagger 2.0 nor an OpenAPI 3 document" in said


def test_pre_loaded_data_that_a_document_refuses_is_named(tmp_path, new_box):
    base = copy.deepcopy(document(model_of("5.0"), "resources", "http://h", version=3))
    base["components"]["schemas"]["edFi_school"]["required"].append("webSite")
    file = tmp_path / "schools.json"
    file.write_text(json.dumps(base))
    with pytest.raises(ValueError, match=r"the seed grand-bend, schools: .*webSite is required"):
        new_box(openapi=[file])
