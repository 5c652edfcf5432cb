import pytest

from tests.sandbox.support import (
    CTE,
    ENROLLMENTS,
    association,
    enrollment,
    refused,
    student,
    unlinked,
)

FORBIDDEN = "security:authorization:"


def hinted(answer):
    detail = refused(answer, 403, FORBIDDEN)["detail"]
    assert "'StudentSchoolAssociation'" in detail


@pytest.fixture
def elsewhere(api):
    """A client of a sandbox with district 9, its school 9001 and the enrolled student ``far``."""
    box = api.sandbox
    (district,) = map(unlinked, box.records("localEducationAgencies"))
    box.load("localEducationAgencies", [{**district, "localEducationAgencyId": 9}])
    school = unlinked(box.records("schools")[0])
    parent = {"localEducationAgencyId": 9}
    box.load("schools", [{**school, "schoolId": 9001, "localEducationAgencyReference": parent}])
    box.load("students", [student("far")])
    box.load(ENROLLMENTS, [enrollment("far", 9001)])
    box.load(CTE, [association("far")])
    return api


def address(api, collection, number=-1):
    return f"{collection}/{api.sandbox.records(collection)[number]['id']}"


def test_a_student_without_enrollment_can_only_be_made_and_deleted(api):
    location = api.made("students", student())

    hinted(api.get(location))
    hinted(api.put(location, student()))
    hinted(api.post("students", student()))  # an update: it exists already
    hinted(api.post(CTE, association()))
    assert api.get("students", totalCount="true").headers["Total-Count"] == "0"
    assert api.get("students", studentUniqueId="222222").json() == []
    assert api.delete(location).status_code == 204


def test_an_enrollment_opens_everything(api):
    location = api.made("students", student())
    placed = api.made(ENROLLMENTS, enrollment())

    assert api.get(location).status_code == 200
    assert api.put(location, student(middleName="M")).status_code == 204
    assert api.post("students", student()).status_code == 200
    assert len(api.get("students", studentUniqueId="222222").json()) == 1
    assert api.get(placed).status_code == 200
    assert api.post(CTE, association()).status_code == 201


def test_the_end_of_the_enrollment_closes_it_again(associated):
    (person,) = associated.get("students").json()
    assert associated.delete(associated.enrollment).status_code == 204

    hinted(associated.get(associated.association))
    hinted(associated.put(associated.association, association()))
    hinted(associated.delete(associated.association))
    hinted(associated.get(f"students/{person['id']}"))
    assert associated.get(CTE).json() == associated.get("students").json() == []


def test_the_creator_can_clean_up(associated):
    (person,) = associated.get("students").json()
    for location in (associated.association, associated.enrollment, f"students/{person['id']}"):
        assert associated.delete(location).status_code == 204

    assert associated.sandbox.records("students") == []


@pytest.mark.parametrize("collection", ["students", CTE])
def test_a_student_of_another_district_stays_closed(elsewhere, collection):
    path = address(elsewhere, collection)
    body = student("far") if collection == "students" else association("far")

    hinted(elsewhere.get(path))
    hinted(elsewhere.put(path, body))
    hinted(elsewhere.post(collection, body))
    hinted(elsewhere.delete(path))
    assert elsewhere.get(collection).json() == []
    assert len(elsewhere.sandbox.records(collection)) == 1


def test_an_enrollment_at_a_school_of_another_district_is_closed(elsewhere):
    path = address(elsewhere, ENROLLMENTS)
    elsewhere.made("students", student())
    for answer in (
        elsewhere.get(path),
        elsewhere.put(path, enrollment("far", 9001)),
        elsewhere.delete(path),
        elsewhere.post(ENROLLMENTS, enrollment("222222", 9001)),
    ):
        assert "do not cover the school" in refused(answer, 403, FORBIDDEN)["detail"]
    assert elsewhere.get(ENROLLMENTS).json() == []


def test_a_student_of_two_districts_is_open_but_the_other_enrollment_is_not(elsewhere):
    elsewhere.made(ENROLLMENTS, enrollment("far"))

    assert len(elsewhere.get("students").json()) == 1
    assert len(elsewhere.get(CTE).json()) == 1
    (visible,) = elsewhere.get(ENROLLMENTS, studentUniqueId="far").json()
    assert visible["schoolReference"]["schoolId"] == 255901001


def test_a_school_that_joins_a_claimed_district_brings_its_students(elsewhere):
    path = address(elsewhere, "schools")
    school = unlinked(elsewhere.get(path).json())
    ours = {**school, "localEducationAgencyReference": {"localEducationAgencyId": 255901}}
    assert elsewhere.put(path, ours).status_code == 204

    assert len(elsewhere.get("students").json()) == 1
    assert len(elsewhere.get(ENROLLMENTS).json()) == 1


def test_claims_reach_through_every_level(elsewhere):
    path = address(elsewhere, "localEducationAgencies")
    district = unlinked(elsewhere.get(path).json())
    parent = {"parentLocalEducationAgencyReference": {"localEducationAgencyId": 255901}}
    assert elsewhere.put(path, {**district, **parent}).status_code == 204

    assert len(elsewhere.get("students").json()) == 1


def test_what_is_about_no_student_is_open(elsewhere):
    assert len(elsewhere.get("localEducationAgencies").json()) == 2
    assert elsewhere.get(address(elsewhere, "schools")).status_code == 200


def test_a_reference_to_nobody_is_told_before_the_right_is_asked(api):
    refused(api.post(CTE, association("nobody")), 409, "data-conflict:unresolved-reference")
    refused(api.post(ENROLLMENTS, enrollment(school=1)), 409, "data-conflict:unresolved-reference")
