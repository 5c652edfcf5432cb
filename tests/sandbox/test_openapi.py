"""The documents in which the API describes itself."""

import jsonschema
import pytest
import requests

from pytest_edfi_cte.contract import STANDARDS
from pytest_edfi_cte.sandbox.model import model_of
from pytest_edfi_cte.sandbox.openapi import document
from tests.sandbox.support import CTE, association

BASE = "http://h:1/base"


def get(box, part, file="swagger.json"):
    answer = requests.get(f"{box.url}/metadata/data/v3/{part}/{file}")
    assert answer.status_code == 200
    return answer.json()


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_document_is_listed_and_answers(box):
    listed = requests.get(f"{box.url}/metadata").json()
    assert [entry["name"] for entry in listed] == [
        "Resources",
        "Descriptors",
        "Resources (OpenAPI 3)",
        "Descriptors (OpenAPI 3)",
    ]
    for entry in listed:
        found = requests.get(entry["endpointUri"]).json()
        kind = "openapi" if "OpenAPI 3" in entry["name"] else "swagger"
        assert found[kind] == {"openapi": "3.0.1", "swagger": "2.0"}[kind]
        assert entry["prefix"] == ""


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("standard", STANDARDS)
def test_documents_have_every_resource_and_lead_nowhere_wrong(standard, version):
    model = model_of(standard)
    names = set()
    for part in ("resources", "descriptors"):
        found = document(model, part, BASE, version=version)
        names |= {path.split("/")[2] for path in found["paths"]}
        for reference in references(found):
            place = found
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        assert {tag["name"] for tag in found["tags"]} == {p.split("/")[2] for p in found["paths"]}
    assert names == {resource.collection for resource in model.resources}


def test_where_it_is_served_and_how_to_get_in():
    model = model_of("5.0")
    old = document(model, "resources", BASE, version=2)
    assert (old["schemes"], old["host"], old["basePath"]) == (["http"], "h:1", "/base/data/v3")
    assert (
        old["securityDefinitions"]["oauth2_client_credentials"]["tokenUrl"] == f"{BASE}/oauth/token"
    )
    new = document(model, "resources", BASE, version=3)
    assert new["servers"] == [{"url": f"{BASE}/data/v3"}]
    scheme = new["components"]["securitySchemes"]["oauth2_client_credentials"]
    assert scheme["flows"]["clientCredentials"]["tokenUrl"] == f"{BASE}/oauth/token"


def test_facts_of_the_model_are_told(box):
    found = get(box, "resources")
    student = found["definitions"]["edFi_student"]
    key = student["properties"]["studentUniqueId"]
    assert key == {"type": "string", "maxLength": 32, "minLength": 1, "x-Ed-Fi-isIdentity": True}
    assert student["properties"]["middleName"]["x-nullable"] is True
    assert "studentUniqueId" in student["required"]
    assert found["paths"]["/ed-fi/studentSchoolAssociations/{id}"]["put"]["x-Ed-Fi-isUpdatable"]
    assert "x-Ed-Fi-isUpdatable" not in found["paths"][f"/ed-fi/{CTE}/{{id}}"]["put"]
    asked = found["paths"][f"/ed-fi/{CTE}"]["get"]["parameters"]
    (begin,) = [p for p in asked if p["name"] == "beginDate"]
    assert (begin["type"], begin["format"]) == ("string", "date")
    new = get(box, "resources", "openapi.json")["components"]["schemas"]["edFi_student"]
    assert new["properties"]["middleName"]["nullable"] is True
    assert "edFi_sexDescriptor" in get(box, "descriptors")["definitions"]


def test_a_stored_record_fits_its_definition_and_another_does_not(associated):
    found = get(associated.sandbox, "resources")
    schema = {"$ref": f"#/definitions/edFi_{CTE[:-1]}", "definitions": found["definitions"]}
    (record,) = associated.get(CTE).json()
    jsonschema.validate(record, schema)
    with pytest.raises(jsonschema.ValidationError, match="'beginDate' is a required property"):
        jsonschema.validate({k: v for k, v in association().items() if k != "beginDate"}, schema)
