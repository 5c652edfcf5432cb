"""``edfi_api_client`` 0.4 against the sandbox over HTTP, as its users call it."""

import pytest
from edfi_api_client import EdFiClient
from requests import HTTPError

from pytest_edfi_cte.sandbox import Sandbox
from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, student


@pytest.fixture(scope="module")
def box():
    with Sandbox() as box:
        yield box


@pytest.fixture
def client(box):
    box.clear()
    client = EdFiClient(box.url, client_key=box.client_id, client_secret=box.client_secret)
    yield client
    if client.session.session is not None:
        client.session.session.close()  # the client never closes it: a ResourceWarning


def url(client, name):
    return client.resource(name).url


def test_info(client):
    assert client.get_ods_version() == "7.3"
    assert client.get_data_model_version() == "5.2.0"
    assert client.get_info()["suite"] == "3"


def test_swagger(client):
    resources = client.get_swagger("resources")
    assert ("ed-fi", CTE) in resources.endpoints
    assert "studentUniqueId" in resources.reference_skeys["studentReference"]
    assert ("ed-fi", "sexDescriptors") in client.get_swagger("descriptors").endpoints
    assert client.resource("students").description == "Items of the kind Student."


def test_token_info(client):
    client.session.connect()
    found = client.get_token_info()
    assert found["claim_set"] == {"name": "Ed-Fi Sandbox"}
    assert found["education_organizations"][0]["education_organization_id"] == 255901


def test_rows_of_all_pages_and_their_number(client, box):
    box.load("students", [student(f"s{n}") for n in range(60)])
    box.load(ENROLLMENTS, [enrollment(f"s{n}") for n in range(60)])
    students = client.resource("students")
    expected = [f"s{n}" for n in range(60)]
    assert [row["studentUniqueId"] for row in students.get_rows(page_size=10)] == expected
    by_offset = [row for page in students.get_pages(page_size=7) for row in page]
    assert [row["studentUniqueId"] for row in by_offset] == expected
    assert students.get_total_count() == 60
    assert students.get(limit=3)[2]["studentUniqueId"] == "s2"
    assert client.resource("students", params={"studentUniqueId": "s4"}).get_total_count() == 1


def test_rows_of_a_descriptor(client, box):
    rows = list(client.descriptor("countryDescriptors").get_rows(page_size=50))
    assert len(rows) == len(box.records("countryDescriptors")) == 249


def test_post_put_and_delete(client):
    session = client.session
    assert session.post_response(url(client, "students"), student()).status_code == 201
    assert session.post_response(url(client, ENROLLMENTS), enrollment()).status_code == 201
    answer = session.post_response(url(client, CTE), association())
    assert answer.status_code == 201
    (row,) = client.resource(CTE).get()
    assert client.resource(CTE).get_by_id(row["id"]) == row
    changed = association(endDate="2025-05-23") | {"id": row["id"]}
    assert session.put_response(url(client, CTE), row["id"], changed).status_code == 204
    assert client.resource(CTE).get()[0]["endDate"] == "2025-05-23"
    assert session.delete_response(url(client, CTE), row["id"]).status_code == 204
    assert client.resource(CTE).get() == []


def test_a_refusal_reaches_the_client(client):
    with pytest.raises(HTTPError, match="CONFLICT") as error:
        client.session.post_response(url(client, CTE), association("nobody"))
    assert error.value.response.json()["type"].endswith("unresolved-reference")


def test_changes_since_a_version(client, box):
    box.load("students", [student(f"s{n}") for n in range(12)])
    box.load(ENROLLMENTS, [enrollment(f"s{n}") for n in range(12)])
    newest = client.get_newest_change_version()
    window = {"minChangeVersion": newest - 4, "maxChangeVersion": newest}
    changed = client.resource(ENROLLMENTS, params=window)
    assert changed.get_total_count() == 5
    assert len(list(changed.get_rows(page_size=2))) == 5
    stepped = changed.get_rows(page_size=2, step_change_version=True, change_version_step_size=2)
    ids = [row["studentReference"]["studentUniqueId"] for row in stepped]
    assert sorted(ids) == sorted(f"s{n}" for n in range(7, 12))


def test_deletes_and_key_changes(client, box):
    box.load("students", [student("1"), student("2")])
    box.load(ENROLLMENTS, [enrollment("1"), enrollment("2")])
    enrollments = client.resource(ENROLLMENTS)
    assert enrollments.has_deletes
    first, second = enrollments.get()
    body = enrollment("1") | {"entryDate": "2024-09-01"}
    url_of = url(client, ENROLLMENTS)
    assert client.session.put_response(url_of, first["id"], body).status_code == 204
    assert client.session.delete_response(url_of, second["id"]).status_code == 204
    (gone,) = client.resource(ENROLLMENTS, get_deletes=True).get_rows(page_size=10)
    assert (gone["id"], gone["keyValues"]["studentUniqueId"]) == (second["id"], "2")
    changes = client.resource(ENROLLMENTS, get_key_changes=True)
    (moved,) = changes.get_rows(page_size=10)
    assert moved["newKeyValues"] == moved["oldKeyValues"] | {"entryDate": "2024-09-01"}
    assert changes.get_total_count() == 1
