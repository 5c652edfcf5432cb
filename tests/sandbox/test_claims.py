"""What a key may do: claim sets, other districts, namespaces, token_info, number of tokens."""

import pytest
import requests

from pytest_edfi_cte.sandbox import Client
from pytest_edfi_cte.sandbox.auth import LIFETIME, MAX_TOKENS
from tests.sandbox.support import (
    CTE,
    ENROLLMENTS,
    association,
    enrollment,
    refused,
    student,
    unlinked,
    uri,
)

VENDOR = Client("vendor", "s1", (255901,), "SIS Vendor")
READER = Client("reader", "s2", (255901,), "read-only")
FAR = Client("far", "s3", (255902,), "SIS Vendor", ("uri://far",))
TESTER = Client("tester", "s4", (255901,), "Assessment Vendor", ("uri://tests",))
FORBIDDEN = "security:authorization:"
RESOURCE = "security:authorization:access-denied:resource"
ACTION = "security:authorization:access-denied:action"
NAMESPACE = "security:authorization:namespace:access-denied:namespace-mismatch"


@pytest.fixture(scope="module")
def _shared():
    from pytest_edfi_cte.sandbox import Sandbox

    with Sandbox(clients=[VENDOR, READER, FAR, TESTER]) as box:
        yield box


@pytest.fixture
def box(_shared):
    _shared.clear()
    (district,) = map(unlinked, _shared.records("localEducationAgencies"))
    _shared.load("localEducationAgencies", [{**district, "localEducationAgencyId": 255902}])
    return _shared


def descriptor(namespace, value="Night"):
    return {"namespace": namespace, "codeValue": value, "shortDescription": value}


def program(ed_org):
    return {
        "educationOrganizationReference": {"educationOrganizationId": ed_org},
        "programName": "Robotics",
        "programTypeDescriptor": uri("ProgramTypeDescriptor", "Other"),
    }


def test_an_unknown_claim_set_is_an_error():
    with pytest.raises(ValueError, match="no claim set 'SIS': choose one of Ed-Fi Sandbox, SIS V"):
        Client("a", "b", (), "SIS")


def test_a_vendor_writes_students_and_only_reads_ed_orgs_and_descriptors(box, connect):
    api = connect(box, VENDOR)
    api.made("students", student())
    api.made(ENROLLMENTS, enrollment())
    place = api.made(CTE, association())
    assert api.delete(place).status_code == 204
    (school, *_) = api.get("schools").json()
    for answer in (
        api.post("schools", school),
        api.put(f"schools/{school['id']}", school),
        api.delete(f"schools/{school['id']}"),
        api.post("entryTypeDescriptors", descriptor("uri://ed-fi.org/EntryTypeDescriptor")),
    ):
        detail = refused(answer, 403, ACTION)["detail"]
        assert "'SIS Vendor' of this key does not allow the action" in detail


def test_a_reader_reads(box, connect):
    api = connect(box, READER)
    assert len(api.get("schools").json()) == 3
    assert api.get(f"schools/{box.records('schools')[0]['id']}").status_code == 200
    detail = refused(api.post("students", student()), 403, ACTION)["detail"]
    assert detail.endswith("does not allow the action 'Create' on students, only Read.")


def test_the_default_key_may_do_everything(box, connect):
    api = connect(box)
    school = {**unlinked(box.records("schools")[0]), "schoolId": 7}
    assert api.delete(api.made("schools", school)).status_code == 204


def test_a_resource_that_the_claim_set_does_not_have(box, connect):
    api = connect(box, TESTER)
    assert api.get("students").json() == []
    for answer in (api.get(CTE), api.post(CTE, {}), api.get(f"{CTE}/1")):
        detail = refused(answer, 403, RESOURCE)["detail"]
        assert "'Assessment Vendor' of this key has nothing to do with studentCTE" in detail


def test_a_key_of_another_district_sees_nothing(box, connect):
    ours, far = connect(box, VENDOR), connect(box, FAR)
    ours.made("students", student())
    ours.made(ENROLLMENTS, enrollment())
    ours.made(CTE, association())
    ours.made("programs", program(255901))
    for collection in ("students", ENROLLMENTS, CTE, "programs"):
        assert ours.get(collection).json() != []
        answer = far.get(collection, totalCount="true")
        assert (answer.json(), answer.headers["Total-Count"]) == ([], "0")
        record = box.records(collection)[0]
        for method in ("GET", "PUT", "DELETE"):
            answer = far(method, f"{collection}/{record['id']}", json=unlinked(record))
            refused(answer, 403, FORBIDDEN)


def test_what_belongs_to_an_ed_org_is_written_by_keys_that_cover_it(box, connect):
    ours, far = connect(box, VENDOR), connect(box, FAR)
    far.made("programs", program(255902))
    document = refused(ours.post("programs", program(255902)), 403, FORBIDDEN)
    assert document["detail"].endswith("do not cover the ed-org of the item.")
    ours.made("students", student())
    ours.made(ENROLLMENTS, enrollment())
    other = association(educationOrganizationReference={"educationOrganizationId": 255902})
    refused(ours.post(CTE, other), 403, FORBIDDEN)
    at_school = association(educationOrganizationReference={"educationOrganizationId": 255901001})
    ours.made(CTE, at_school)


def test_namespaces(box, connect):
    api = connect(box, TESTER)
    place = api.made("entryTypeDescriptors", descriptor("uri://tests/EntryTypeDescriptor"))
    changed = {**descriptor("uri://tests/EntryTypeDescriptor"), "description": "late"}
    assert api.put(place, changed).status_code == 204
    assert api.delete(place).status_code == 204
    theirs = box.records("entryTypeDescriptors")[0]
    for answer in (
        api.post("entryTypeDescriptors", descriptor("uri://ed-fi.org/EntryTypeDescriptor")),
        api.put(f"entryTypeDescriptors/{theirs['id']}", unlinked(theirs)),
        api.delete(f"entryTypeDescriptors/{theirs['id']}"),
    ):
        detail = refused(answer, 403, NAMESPACE)["detail"]
        assert "'uri://ed-fi.org/EntryTypeDescriptor' does not begin with" in detail
        assert "uri://tests" in detail
    assert api.get(f"entryTypeDescriptors/{theirs['id']}").status_code == 200


def info(api, **more):
    return api("POST", f"{api.sandbox.url}/oauth/token_info", **more)


def token_of(api):
    return api.session.headers["Authorization"].partition(" ")[2]


@pytest.mark.parametrize("form", ["data", "json"])
def test_token_info(box, connect, form):
    api = connect(box, VENDOR)
    answer = info(api, **{form: {"token": token_of(api)}})
    assert answer.status_code == 200
    found = answer.json()
    resources = {entry["resource"]: entry["operations"] for entry in found.pop("resources")}
    assert resources["/ed-fi/students"] == ["Create", "Read", "Update", "Delete"]
    assert resources["/ed-fi/schools"] == resources["/ed-fi/sexDescriptors"] == ["Read"]
    assert found == {
        "active": True,
        "client_id": "vendor",
        "namespace_prefixes": ["uri://ed-fi.org"],
        "education_organizations": [
            {
                "education_organization_id": 255901,
                "name_of_institution": "Grand Bend ISD",
                "type": "edfi.LocalEducationAgency",
                "local_education_agency_id": 255901,
            }
        ],
        "assigned_profiles": [],
        "claim_set": {"name": "SIS Vendor"},
    }


def test_token_info_lists_only_what_the_claim_set_has(box, connect):
    api = connect(box, TESTER)
    found = info(api, json={"token": token_of(api)}).json()
    assert f"/ed-fi/{CTE}" not in {entry["resource"] for entry in found["resources"]}


def test_token_info_of_a_school_and_of_an_ed_org_that_is_not_there(new_box, connect):
    client = Client("school", "x", (255901044, 4711))
    box = new_box(clients=[client])
    api = connect(box, client)
    (found,) = info(api, json={"token": token_of(api)}).json()["education_organizations"]
    assert found["type"] == "edfi.School"
    assert found["local_education_agency_id"] == 255901


def test_token_info_of_no_or_another_token(box, connect):
    api, other = connect(box, VENDOR), connect(box, READER)
    for more in (
        {},
        {"data": {"token": ""}},
        {"json": {"token": 7}},
        {"json": ["token"]},
        {"json": {"token": "unknown"}},
        {"json": {"token": token_of(other)}},
    ):
        detail = refused(info(api, **more), 400, "bad-request")["detail"]
        assert detail == "The body must have a valid token of the same key as 'token'."
    api.session.headers["Authorization"] = "Bearer wrong"
    refused(info(api, data={"token": token_of(other)}), 401, "security:authentication")
    assert requests.get(f"{box.url}/oauth/token_info").status_code == 405


def test_fifteen_tokens_and_no_more(new_box, clock):
    box = new_box(clients=[VENDOR], clock=clock)

    def ask(auth):
        form = {"grant_type": "client_credentials"}
        return requests.post(f"{box.url}/oauth/token", data=form, auth=auth)

    for _ in range(MAX_TOKENS):
        assert ask(("vendor", "s1")).status_code == 200
    document = refused(ask(("vendor", "s1")), 429, "security:authentication:too-many-tokens")
    assert document["detail"].startswith("The key has 15 tokens")
    assert ask((box.client_id, box.client_secret)).status_code == 200
    clock.now += LIFETIME
    assert ask(("vendor", "s1")).status_code == 200
