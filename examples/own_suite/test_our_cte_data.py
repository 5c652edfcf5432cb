"""Tests of a vendor beside the certification's scenarios: `pytest --edfi-url=sandbox`."""

SERVICE = "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"


def test_a_second_service_is_stored(enrolled_student, edfi_new_cte_association, edfi_session):
    association = edfi_new_cte_association(
        studentReference={"studentUniqueId": enrolled_student},
        cteProgramServices=[{"cteProgramServiceDescriptor": SERVICE, "primaryIndicator": True}],
    )
    stored = edfi_session.get(association.url).json()
    assert [service["cteProgramServiceDescriptor"] for service in stored["cteProgramServices"]] == [
        SERVICE
    ]


def test_a_student_without_enrollment_gets_no_association(
    edfi_new_student, edfi_session, edfi_table
):
    student = edfi_new_student()
    body = edfi_table.payload("create")
    body["studentReference"] = {"studentUniqueId": student["studentUniqueId"]}
    assert edfi_session.post("/ed-fi/studentCTEProgramAssociations", json=body).status_code == 403
