import re

import pytest
import requests

from pytest_edfi_cte.contract import shipped
from tests.sandbox.support import refused


@pytest.mark.parametrize("ending", ["", "/"])
def test_discovery_is_anonymous_with_and_without_slash(box, ending):
    answer = requests.get(box.url + ending)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert not list(shipped().validator("protocol", "discovery").iter_errors(document))
    assert document["version"] == "7.3"
    assert document["suite"] == "3"
    assert document["urls"] == {
        "dependencies": f"{box.url}/metadata/data/v3/dependencies",
        "openApiMetadata": f"{box.url}/metadata",
        "oauth": f"{box.url}/oauth/token",
        "dataManagementApi": f"{box.url}/data/v3/",
        "changeQueries": f"{box.url}/changeQueries/v1/",
    }


def test_addresses_follow_the_host_header(box):
    document = requests.get(box.url, headers={"Host": "edfi.example:8080"}).json()

    assert document["urls"]["oauth"] == "http://edfi.example:8080/oauth/token"


@pytest.mark.parametrize(("standard", "release"), [("4.0", "4.0.0"), ("5.0", "5.2.0")])
def test_the_data_model_is_named(new_box, standard, release):
    (model,) = requests.get(new_box(data_standard=standard).url).json()["dataModels"]

    assert (model["name"], model["version"]) == ("Ed-Fi", release)
    assert release in model["informationalVersion"]


def test_dependencies_order_what_is_referred_to_first(box):
    rows = requests.get(f"{box.url}/metadata/data/v3/dependencies").json()

    order = {row["resource"]: row["order"] for row in rows if "Create" in row["operations"]}
    chain = ["schools", "students", "studentSchoolAssociations"]
    assert order["/ed-fi/gradeLevelDescriptors"] == 1
    assert order["/ed-fi/gradeLevelDescriptors"] < order["/ed-fi/schools"]
    assert order["/ed-fi/localEducationAgencies"] < order["/ed-fi/schools"]
    assert order["/ed-fi/schools"] < order["/ed-fi/programs"]
    assert max(order[f"/ed-fi/{n}"] for n in chain[:2]) < order[f"/ed-fi/{chain[2]}"]
    assert [row["order"] for row in rows] == sorted(row["order"] for row in rows)
    (created, updated) = (row for row in rows if row["resource"] == "/ed-fi/students")
    assert (created["operations"], updated["operations"]) == (["Create"], ["Update"])
    assert all(
        row["operations"] == ["Create", "Update"]
        for row in rows
        if "students" not in row["resource"]
    )


def test_dependencies_put_the_enrollment_before_everything_else_about_a_student(box):
    rows = requests.get(f"{box.url}/metadata/data/v3/dependencies").json()
    enrolled = next(r["order"] for r in rows if r["resource"].endswith("SchoolAssociations"))
    after = {r["resource"] for r in rows if r["order"] > enrolled}
    about = {r["resource"] for r in rows if r["resource"].startswith("/ed-fi/student")}
    descriptors = {name for name in about if name.endswith("Descriptors")}
    assert after == about - descriptors - {"/ed-fi/studentSchoolAssociations"}
    # The student's creation comes before, its update after.
    orders = [r["order"] for r in rows if r["resource"] == "/ed-fi/students"]
    assert orders[0] < enrolled < orders[1]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/oauth", "/data", "/metadata/data/v3/other/swagger.json"]
)
def test_an_unknown_address_is_not_found(box, path):
    refused(requests.get(box.url + path), 404, "not-found")


@pytest.mark.parametrize("path", ["/", "/metadata", "/metadata/data/v3/dependencies"])
def test_open_documents_can_only_be_read(box, path):
    answer = requests.post(box.url + path, json={})

    refused(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET"


def test_a_correlation_id_is_given_once(box):
    ids = {requests.get(f"{box.url}/nowhere").json()["correlationId"] for _ in range(3)}

    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in ids)


def test_problems_follow_the_contract(box):
    document = requests.get(f"{box.url}/data/v3/ed-fi/students").json()

    assert not list(shipped().validator("protocol", "problem-details").iter_errors(document))
