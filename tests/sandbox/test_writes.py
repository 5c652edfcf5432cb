import re

import pytest

from tests.sandbox.support import (
    CTE,
    DATA,
    ENROLLMENTS,
    association,
    enrollment,
    invalid,
    refused,
    service,
    student,
    unlinked,
)

UNKNOWN = "0" * 32


# POST ---------------------------------------------------------------------------------------


def test_post_creates(box, enrolled):
    answer = enrolled.post(CTE, association())

    assert answer.status_code == 201
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    location = answer.headers["Location"]
    assert re.fullmatch(re.escape(f"{box.url}{DATA}/{CTE}/") + "[0-9a-f]{32}", location)
    read = enrolled.get(location)
    assert unlinked(read.json()) == association()
    assert read.headers["ETag"] == answer.headers["ETag"]


def test_location_follows_the_host_header_and_the_proper_name(api):
    answer = api.post("STUDENTS", student(), headers={"Host": "edfi.example"})

    assert answer.headers["Location"].startswith(f"http://edfi.example{DATA}/students/")


def test_the_same_natural_key_again_is_an_update(associated):
    changed = association(privateCTEProgram=True)
    answer = associated.post(CTE, changed)

    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["Location"] == associated.association
    assert unlinked(associated.get(associated.association).json()) == changed
    assert len(associated.get(CTE).json()) == 1


def test_another_natural_key_is_another_record(associated):
    location = associated.made(CTE, association(beginDate="2024-08-24"))

    assert location != associated.association
    assert len(associated.get(CTE).json()) == 2


def test_the_key_of_a_descriptor_ignores_case(associated):
    other = association()
    kind = other["programReference"]["programTypeDescriptor"]
    other["programReference"]["programTypeDescriptor"] = kind.upper().replace("URI://", "uri://")

    assert associated.post(CTE, other).headers["Location"] == associated.association


def test_an_id_in_a_post_is_refused_together_with_the_rest(api):
    answer = api.post("students", {"id": UNKNOWN, "firstName": "A"})

    document = refused(answer, 400, "bad-request:data-validation-failed")
    assert document["errors"] == ["The id is given by the server: leave it out of a POST."]
    assert "$.studentUniqueId" in document["validationErrors"]


def test_an_id_alone_is_refused(api):
    document = refused(
        api.post("students", student(id=UNKNOWN)), 400, "bad-request:data-validation-failed"
    )

    assert "validationErrors" not in document
    assert api.sandbox.records("students") == []


def test_links_name_the_concrete_resource(associated):
    record = associated.get(associated.association).json()

    (district,) = associated.sandbox.records("localEducationAgencies")
    assert record["educationOrganizationReference"]["link"] == {
        "rel": "LocalEducationAgency",
        "href": f"/ed-fi/localEducationAgencies/{district['id']}",
    }
    assert record["studentReference"]["link"]["rel"] == "Student"
    assert record["programReference"]["link"]["rel"] == "Program"


def test_links_can_be_left_out(new_box, connect):
    api = connect(new_box(links=False))
    api.made("students", student())
    api.made(ENROLLMENTS, enrollment())
    record = api.get(api.made(CTE, association())).json()

    assert record["studentReference"] == {"studentUniqueId": "222222"}
    assert unlinked(record) == association()


def test_links_and_server_properties_that_are_sent_are_ignored(associated):
    read = associated.get(associated.association).json()
    del read["id"]
    read["studentReference"]["link"] = {"rel": "x", "href": "y"}
    answer = associated.post(CTE, {**read, "_etag": "1", "_lastModifiedDate": "never"})

    assert answer.status_code == 200
    assert associated.get(associated.association).json()["_etag"] == read["_etag"]


# References and uniqueness ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"studentReference": {"studentUniqueId": "nobody"}}, "Student"),
        (
            {"educationOrganizationReference": {"educationOrganizationId": 1}},
            "EducationOrganization",
        ),
        (
            {"programReference": {**association()["programReference"], "programName": "No"}},
            "Program",
        ),
    ],
)
def test_a_reference_to_nothing_is_a_conflict(enrolled, change, title):
    document = refused(
        enrolled.post(CTE, association(**change)), 409, "data-conflict:unresolved-reference"
    )

    assert document["detail"] == f"The body refers to an item that does not exist: {title}."
    (name,) = change
    assert document["errors"] == [f"$.{name}: there is no such {title}."]
    assert enrolled.sandbox.records(CTE) == []


def test_every_unresolved_reference_is_named(api):
    document = refused(
        api.post(CTE, association(educationOrganizationReference={"educationOrganizationId": 1})),
        409,
        "data-conflict:unresolved-reference",
    )

    assert document["detail"].endswith("EducationOrganization, Student.")


@pytest.mark.parametrize("edorg", [255901, 255901001])
def test_an_abstract_reference_is_satisfied_by_every_concrete_kind(enrolled, edorg):
    body = association(educationOrganizationReference={"educationOrganizationId": edorg})

    assert enrolled.post(CTE, body).status_code == 201


def test_a_reference_to_a_resource_that_is_not_served_is_unresolved(api):
    body = student(personReference={"personId": "1", "sourceSystemDescriptor": "uri://x#y"})
    assert "$.personReference.sourceSystemDescriptor" in invalid(api.post("students", body))

    api.made(
        "sourceSystemDescriptors",
        {"namespace": "uri://x", "codeValue": "y", "shortDescription": "y"},
    )
    document = refused(api.post("students", body), 409, "data-conflict:unresolved-reference")
    assert "Person" in document["detail"]


def test_a_school_cannot_have_the_id_of_a_district(api):
    school = unlinked(api.get("schools").json()[0])
    document = refused(
        api.post("schools", {**school, "schoolId": 255901}),
        409,
        "data-conflict:non-unique-identity",
    )

    assert "EducationOrganization" in document["detail"]
    assert api.post("schools", {**school, "schoolId": 255901999}).status_code == 201


def test_a_record_may_refer_to_itself_and_still_be_deleted(api):
    district = unlinked(api.get("localEducationAgencies").json()[0])
    own = {**district, "localEducationAgencyId": 7}
    location = api.made("localEducationAgencies", own)
    own["parentLocalEducationAgencyReference"] = {"localEducationAgencyId": 7}

    assert api.put(location, own).status_code == 204
    assert api.delete(location).status_code == 204


# GET by id ----------------------------------------------------------------------------------


def test_get_by_id(associated):
    answer = associated.get(associated.association)
    record = answer.json()

    assert answer.headers["Content-Type"] == "application/json"
    assert record["id"] == associated.association.rpartition("/")[2]
    assert answer.headers["ETag"] == f'"{record["_etag"]}"'
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["_lastModifiedDate"])


def test_an_id_may_be_written_as_a_uuid(associated):
    base, _, record_id = associated.association.rpartition("/")
    dashed = re.sub("(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", record_id).upper()

    assert associated.get(f"{base}/{dashed}").json()["id"] == record_id


@pytest.mark.parametrize("record_id", [UNKNOWN, "nothing"])
def test_an_unknown_id_is_not_found(api, record_id):
    document = refused(api.get(f"students/{record_id}"), 404, "not-found")

    assert "Student" in document["detail"]


def test_the_id_of_another_resource_is_not_found(associated):
    record_id = associated.association.rpartition("/")[2]

    refused(associated.get(f"students/{record_id}"), 404, "not-found")


def test_an_unknown_collection_is_not_found(api):
    document = refused(api.get("unicorns"), 404, "not-found")

    assert document["detail"] == "There is no resource of this name."


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', '"other", "{}"', "*"])
def test_if_none_match_with_the_current_tag(associated, form):
    tag = associated.get(associated.association).json()["_etag"]
    answer = associated("GET", associated.association, headers={"If-None-Match": form.format(tag)})

    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["ETag"] == f'"{tag}"'


def test_if_none_match_with_an_old_tag(associated):
    tag = associated.get(associated.association).headers["ETag"]
    associated.put(associated.association, association(privateCTEProgram=True))
    answer = associated("GET", associated.association, headers={"If-None-Match": tag})

    assert answer.status_code == 200


# PUT ----------------------------------------------------------------------------------------


def test_put_replaces_everything(associated):
    before = associated.get(associated.association)
    body = association(cteProgramServices=[service(primaryIndicator=False)], endDate="2025-06-01")
    answer = associated.put(associated.association, body)

    assert answer.status_code == 204
    assert answer.content == b""
    after = associated.get(associated.association)
    assert unlinked(after.json()) == body  # cipCode, left out, is gone
    assert after.headers["ETag"] == answer.headers["ETag"] != before.headers["ETag"]
    assert after.json()["id"] == before.json()["id"]


def test_put_of_the_same_changes_nothing(associated):
    before = associated.get(associated.association).json()
    for _ in range(2):
        assert associated.put(associated.association, association()).status_code == 204

    assert associated.get(associated.association).json() == before


def test_put_moves_the_modification_date(associated, clock):
    before = associated.get(associated.association).json()["_lastModifiedDate"]
    clock.now += 60
    associated.put(associated.association, association(privateCTEProgram=True))

    assert associated.get(associated.association).json()["_lastModifiedDate"] > before


def test_put_never_creates(enrolled):
    refused(enrolled.put(f"{CTE}/{UNKNOWN}", association()), 404, "not-found")

    assert enrolled.sandbox.records(CTE) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_is_no_id_at_all_is_refused(api, method):
    refused(
        api(method, "students/nothing", json={}),
        400,
        "bad-request:parameter-validation-failed",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"beginDate": "2024-09-01"},
        {"educationOrganizationReference": {"educationOrganizationId": 255901001}},
        {"studentReference": {"studentUniqueId": "nobody"}},
    ],
)
def test_put_cannot_change_the_key(associated, change):
    document = refused(
        associated.put(associated.association, association(**change)),
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
    )

    assert "StudentCTEProgramAssociation" in document["detail"]
    assert "beginDate" in document["errors"][0]
    assert unlinked(associated.get(associated.association).json()) == association()


def test_put_cannot_take_the_key_of_another_record(associated):
    associated.made(CTE, association(beginDate="2024-09-01"))

    refused(
        associated.put(associated.association, association(beginDate="2024-09-01")),
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
    )


def test_put_checks_references_too(associated):
    document = refused(
        associated.put(
            associated.enrollment,
            enrollment(schoolYearTypeReference={"schoolYear": 1900}),
        ),
        409,
        "data-conflict:unresolved-reference",
    )

    assert "SchoolYearType" in document["detail"]


def test_put_with_the_id_of_the_address(associated):
    record_id = associated.association.rpartition("/")[2]
    dashed = re.sub("(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", record_id)

    for same in (record_id, dashed, None):
        assert associated.put(associated.association, association(id=same)).status_code == 204


@pytest.mark.parametrize("other", [UNKNOWN, "x", 7, [1]])
def test_put_with_another_id(associated, other):
    document = refused(
        associated.put(associated.association, association(id=other)),
        400,
        "bad-request:data-validation-failed",
    )

    assert document["errors"] == ["The id in the body is not the id in the address."]


def test_if_match(associated):
    first = associated.get(associated.association).headers["ETag"]
    body = association(privateCTEProgram=True)
    headers = {"If-Match": first}

    assert associated.put(associated.association, body, headers=headers).status_code == 204
    for answer in (
        associated.put(associated.association, association(), headers=headers),
        associated.delete(associated.association, headers=headers),
    ):
        document = refused(answer, 412, "optimistic-lock-failed")
        assert "changed since it was read" in document["detail"]
    assert unlinked(associated.get(associated.association).json()) == body
    current = associated.get(associated.association).json()["_etag"]  # unquoted, as in the body
    assert associated.delete(associated.association, headers={"If-Match": current}).ok


@pytest.mark.parametrize(
    ("form", "status"), [("{}", 204), ("*", 204), ("W/{}", 412), ('"x", {}', 204)]
)
def test_if_match_wants_the_tag_itself(associated, form, status):
    tag = associated.get(associated.association).headers["ETag"]
    headers = {"If-Match": form.format(tag)}
    answer = associated.put(associated.association, association(), headers=headers)
    assert answer.status_code == status


def test_a_slash_at_the_end_of_an_address_does_not_matter(associated):
    address = f"{associated.association}/"
    assert associated.get(address).json() == associated.get(associated.association).json()
    assert associated.put(address, association(endDate="2025-05-23")).status_code == 204
    again = associated.post(f"{CTE}/", association())
    assert (again.status_code, again.headers["Location"]) == (200, associated.association)
    assert associated.delete(address).status_code == 204
    refused(associated.get(address), 404, "not-found")


@pytest.mark.parametrize("path", ["/data/v3", "/data/v3/ed-fi", "/data/v3//ed-fi/students"])
def test_an_address_without_a_collection_is_not_found(api, path):
    refused(api("GET", api.sandbox.url + path), 404, "not-found")


def test_a_tag_from_before_a_clear_never_fits(api):
    district = api.get("localEducationAgencies").json()[0]
    path = f"localEducationAgencies/{district['id']}"
    api.put(path, {**unlinked(district), "nameOfInstitution": "First"})
    old = api.get(path).headers["ETag"]
    api.sandbox.clear()
    api.login()
    api.put(path, {**unlinked(district), "nameOfInstitution": "Second"})

    refused(api.delete(path, headers={"If-Match": old}), 412, "optimistic-lock-failed")


# DELETE -------------------------------------------------------------------------------------


def test_delete(associated):
    assert associated.delete(associated.association).status_code == 204
    refused(associated.get(associated.association), 404, "not-found")
    refused(associated.delete(associated.association), 404, "not-found")
    assert associated.get(CTE).json() == []
    assert associated.made(CTE, association()) != associated.association


@pytest.mark.parametrize(
    ("collection", "user"),
    [
        ("programs", "StudentCTEProgramAssociation"),
        ("students", "StudentSchoolAssociation"),
        ("cteProgramServiceDescriptors", "StudentCTEProgramAssociation"),
    ],
)
def test_what_is_referred_to_cannot_be_deleted(associated, collection, user):
    wanted = "Information Technology" if collection.startswith("cte") else ""
    query = {"codeValue": wanted} if wanted else {}
    if collection == "programs":
        query = {"programName": "Career and Technical Education"}
    record = associated.get(collection, **query).json()[0]
    document = refused(
        associated.delete(f"{collection}/{record['id']}"),
        409,
        "data-conflict:dependent-item-exists",
    )

    assert user in document["detail"]


def test_what_is_no_longer_referred_to_can_be_deleted(api):
    location = api.made(
        "residencyStatusDescriptors",
        {"namespace": "uri://x", "codeValue": "Here", "shortDescription": "Here"},
    )
    api.made("students", student())
    body = enrollment(residencyStatusDescriptor="uri://x#Here")
    placed = api.made(ENROLLMENTS, body)
    assert api.delete(location).status_code == 409
    assert api.put(placed, enrollment()).status_code == 204

    assert api.delete(location).status_code == 204
    assert "$.residencyStatusDescriptor" in invalid(api.put(placed, body))


# Methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", f"students/{UNKNOWN}", "GET, PUT, DELETE"),
        ("PUT", "students", "GET, POST"),
        ("DELETE", "students", "GET, POST"),
        ("DELETE", "students/", "GET, POST"),
        ("PATCH", "students", "GET, POST"),
        ("PATCH", f"students/{UNKNOWN}", "GET, PUT, DELETE"),
        ("OPTIONS", "students", "GET, POST"),
        ("OPTIONS", f"students/{UNKNOWN}", "GET, PUT, DELETE"),
    ],
)
def test_methods_that_are_not_possible(api, method, path, allowed):
    answer = api(method, path, json={})

    assert method in refused(answer, 405, "method-not-allowed")["detail"]
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["students", f"students/{UNKNOWN}"])
def test_head_is_not_possible_and_has_no_body(api, path):
    answer = api("HEAD", path)

    assert answer.status_code == 405
    assert answer.content == b""
    assert api.get("students").status_code == 200  # the connection is still in step


# Descriptors --------------------------------------------------------------------------------


def test_descriptors_are_records_like_any_other(api):
    value = {"namespace": "uri://state", "codeValue": "Night", "shortDescription": "Night"}
    location = api.made("enrollmentTypeDescriptors", value)
    api.made("students", student())
    placed = api.made(ENROLLMENTS, enrollment(enrollmentTypeDescriptor="URI://STATE#night"))
    assert api.get(placed).json()["enrollmentTypeDescriptor"] == "uri://state#Night"

    changed = {**value, "shortDescription": "At night"}
    assert api.put(location, changed).status_code == 204
    assert unlinked(api.get(location).json()) == changed
    refused(
        api.put(location, {**value, "codeValue": "Day"}),
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
    )
    again = api.post("enrollmentTypeDescriptors", {**value, "codeValue": "NIGHT"})
    assert (again.status_code, again.headers["Location"]) == (200, location)
    assert invalid(api.post("enrollmentTypeDescriptors", {**value, "namespace": "state"})) == {
        "$.namespace": ["must match the pattern ^uri://"]
    }


@pytest.mark.parametrize("name", ["cteProgramServiceDescriptors", "cTEProgramServiceDescriptors"])
def test_descriptors_by_code_value_and_namespace(api, name):
    found = api.get(
        name, codeValue="Finance", namespace="uri://ed-fi.org/CTEProgramServiceDescriptor"
    ).json()

    assert [value["codeValue"] for value in found] == ["Finance"]
    assert api.get(name, codeValue="Finance", namespace="uri://other").json() == []
    assert len(api.get(name, namespace=found[0]["namespace"]).json()) == 17


def test_descriptors_that_were_all_deleted(api):
    for record in api.get("sourceSystemDescriptors").json():
        assert api.delete(f"sourceSystemDescriptors/{record['id']}").status_code == 204
    assert api.get("sourceSystemDescriptors").json() == []
