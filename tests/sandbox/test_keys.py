"""Parts of keys that must agree, keys that may change, and snapshots."""

import pytest

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

CALENDAR = {
    "calendarCode": "A",
    "schoolReference": {"schoolId": 255901001},
    "schoolYearTypeReference": {"schoolYear": 2025},
    "calendarTypeDescriptor": uri("CalendarTypeDescriptor", "Student Specific"),
}
KEY = {"calendarCode": "A", "schoolId": 255901001, "schoolYear": 2025}


@pytest.fixture
def calendar(api):
    kinds = api.get("calendarTypeDescriptors").json()
    kind = f"{kinds[0]['namespace']}#{kinds[0]['codeValue']}"
    api.made("calendars", {**CALENDAR, "calendarTypeDescriptor": kind})
    api.made("students", student())
    return api


def test_parts_that_agree_are_accepted_and_found(calendar):
    body = enrollment(calendarReference=KEY, schoolYearTypeReference={"schoolYear": 2025})
    calendar.made(ENROLLMENTS, body)
    for query in ({"calendarCode": "A"}, {"schoolYear": 2025}, {"SCHOOLYEAR": "2025"}):
        assert len(calendar.get(ENROLLMENTS, **query).json()) == 1, query
    for query in ({"calendarCode": "B"}, {"schoolYear": 2024}, {"nextYearSchoolId": 1}):
        assert calendar.get(ENROLLMENTS, **query).json() == [], query


def test_a_part_in_one_reference_alone_is_accepted_and_found(calendar):
    calendar.made(ENROLLMENTS, enrollment(calendarReference=KEY))
    assert len(calendar.get(ENROLLMENTS, schoolYear=2025).json()) == 1


def test_parts_that_differ_are_refused_all_together(calendar):
    body = enrollment(
        school=255901044, calendarReference=KEY, schoolYearTypeReference={"schoolYear": 2024}
    )
    assert invalid(calendar.post(ENROLLMENTS, body)) == {
        "$.schoolReference.schoolId": [
            "must have the same value as calendarReference.schoolId: 255901001."
        ],
        "$.schoolYearTypeReference.schoolYear": [
            "must have the same value as calendarReference.schoolYear: 2025."
        ],
    }


def test_ed_orgs_of_an_association_and_of_its_program_may_differ(enrolled):
    other = association()
    other["programReference"]["educationOrganizationId"] = 255901001
    enrolled.made(CTE, other)


def test_schools_by_their_district(api):
    assert len(api.get("schools", localEducationAgencyId=255901).json()) == 3
    assert api.get("schools", localEducationAgencyId=1).json() == []


def test_the_key_of_an_enrollment_may_change(enrolled):
    moved = enrollment(school=255901044)
    answer = enrolled.put(enrolled.enrollment, moved)
    assert answer.status_code == 204
    stored = enrolled("GET", enrolled.enrollment).json()
    assert unlinked(stored) == moved
    assert enrolled.get(ENROLLMENTS, schoolId=255901001).json() == []
    assert len(enrolled.get(ENROLLMENTS, schoolId=255901044).json()) == 1
    enrolled.made(ENROLLMENTS, enrollment())


def test_not_to_a_key_that_another_has(enrolled):
    place = enrolled.made(ENROLLMENTS, enrollment(school=255901044))
    document = refused(enrolled.put(place, enrollment()), 409, "data-conflict:non-unique-identity")
    assert document["detail"].startswith("Another StudentSchoolAssociation has the same")


def test_not_to_an_ed_org_that_the_key_does_not_cover(enrolled):
    box = enrolled.sandbox
    (district,) = map(unlinked, box.records("localEducationAgencies"))
    box.load("localEducationAgencies", [{**district, "localEducationAgencyId": 9}])
    school = unlinked(box.records("schools")[0])
    parent = {"localEducationAgencyId": 9}
    box.load("schools", [{**school, "schoolId": 9001, "localEducationAgencyReference": parent}])
    refused(
        enrolled.put(enrolled.enrollment, enrollment(school=9001)),
        403,
        "security:authorization:",
    )


def test_the_key_of_an_association_may_not(associated):
    changed = association(beginDate="2024-08-24")
    refused(
        associated.put(associated.association, changed),
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
    )


def test_there_is_no_snapshot(associated):
    header = {"Use-Snapshot": "True"}
    for path in ("students", associated.association):
        document = refused(associated("GET", path, headers=header), 404, "not-found")
        assert document["detail"] == "This API has no snapshot to read from."
    for method, path in (
        ("POST", "students"),
        ("PUT", associated.association),
        ("DELETE", associated.association),
    ):
        answer = associated(method, path, headers=header, json={})
        assert (
            refused(answer, 405, "method-not-allowed")["detail"] == "A snapshot can only be read."
        )
    assert associated("GET", "students", headers={"Use-Snapshot": "false"}).status_code == 200
