"""What must exist before scenario 1: looked up, reused, created, cleaned up, or said to be missing."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Response

from tests.broken_apis import CTE, IT, answered, problem
from tests.conftest import OTHER_ENROLLMENT, association, state, with_other_student

STUDENT = {
    "studentUniqueId": "222222",
    "firstName": "Somebody",
    "lastSurname": "Else",
    "birthDate": "2009-02-03",
}
ENROLLMENT = {
    **OTHER_ENROLLMENT,
    "studentReference": {"studentUniqueId": "222222"},
    "entryDate": "2026-08-15",
}


def answering(method: str, path: str, make):
    """A middleware that answers one method of one collection with ``make(request, proceed)``."""

    def middleware(request, proceed):
        if request.method == method and f"/ed-fi/{path}".lower() in request.path.lower():
            return make(request, proceed)
        return proceed(request)

    return middleware


def empty(_request, _proceed) -> Response:
    return Response("[]", 200, content_type="application/json")


def not_testable(kit, sandbox, *says: str, errors: int = 2) -> str:
    before = state(sandbox)
    result = kit.scenarios(sandbox)
    outcomes = result.parseoutcomes()
    assert outcomes.get("errors", 0) + outcomes.get("failed", 0) == errors
    assert "passed" not in outcomes
    assert "skipped" not in outcomes
    text = result.stdout.str()
    assert "not testable: " in text
    assert "harness error" not in text
    for words in says:
        assert words in text, f"not said: {words}"
    assert state(sandbox) == before
    return text


def test_everything_is_deleted_again_and_nothing_else(sandbox, kit) -> None:
    before = state(sandbox)
    for _ in range(3):
        kit.scenarios(sandbox).assert_outcomes(passed=2)
        assert state(sandbox) == before


def test_existing_student_and_enrollment_are_reused_untouched(sandbox, kit) -> None:
    sandbox.load("students", [STUDENT])
    sandbox.load("studentSchoolAssociations", [ENROLLMENT])
    before = state(sandbox)
    kit.scenarios(sandbox).assert_outcomes(passed=2)
    assert state(sandbox) == before
    writes = [
        r for r in sandbox.requests if r.method in ("POST", "PUT", "DELETE") and "/ed-fi/" in r.path
    ]
    assert writes
    assert all(CTE in r.path.lower() for r in writes)


def test_keep_data_leaves_the_records(sandbox, kit) -> None:
    result = kit.scenarios(sandbox, "--edfi-keep-data")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["note: 3 records were kept (--edfi-keep-data)."])
    kept = [
        r
        for r in sandbox.records("studentCTEProgramAssociations")
        if r["studentReference"]["studentUniqueId"] == "222222"
    ]
    assert kept[0]["cteProgramServices"][0]["primaryIndicator"] is False


def test_association_of_others_is_not_touched(sandbox, kit) -> None:
    sandbox.load("students", [STUDENT])
    sandbox.load("studentSchoolAssociations", [ENROLLMENT])
    sandbox.load("studentCTEProgramAssociations", [association("222222")])
    not_testable(
        kit,
        sandbox,
        "already has a studentCTEProgramAssociations record that this run did not create",
        "--edfi-set studentUniqueId=",
    )


def test_another_student_can_be_chosen(sandbox, kit) -> None:
    sandbox.load("students", [STUDENT])
    sandbox.load("studentSchoolAssociations", [ENROLLMENT])
    sandbox.load("studentCTEProgramAssociations", [association("222222")])
    kit.scenarios(sandbox, "--edfi-set=studentUniqueId=777").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("collection", "says"),
    [
        (
            "localEducationAgencies",
            ["the ed-org is missing", "localEducationAgencyId=255901", "Grand Bend"],
        ),
        (
            "programs",
            [
                "the program is missing",
                "programName='Career and Technical Education'",
                "/ed-fi/programs",
            ],
        ),
        (
            "cteProgramServiceDescriptors",
            [
                "descriptor values are missing",
                f"{IT} (for cteProgramServices.cteProgramServiceDescriptor)",
            ],
        ),
        ("technicalSkillsAssessmentDescriptors", ["descriptor values are missing", "#Passed"]),
    ],
)
def test_missing_preloaded_record_is_said(collection, says, new_sandbox, kit) -> None:
    not_testable(kit, new_sandbox(answering("GET", collection, empty)), *says)


def test_descriptor_in_another_namespace_is_pointed_at(new_sandbox, kit) -> None:
    def state_namespace(_request, _proceed) -> Response:
        found = [
            {
                "namespace": "uri://tea.texas.gov/TechnicalSkillsAssessmentDescriptor",
                "codeValue": "Passed",
            }
        ]
        return Response(json.dumps(found), 200, content_type="application/json")

    sandbox = new_sandbox(answering("GET", "technicalSkillsAssessmentDescriptors", state_namespace))
    not_testable(kit, sandbox, "try --edfi-namespace uri://tea.texas.gov")


@pytest.mark.parametrize(
    ("collection", "what", "code", "cause"),
    [
        ("students", "student", 403, "claim set and ed-orgs"),
        ("students", "student", 401, "The token is not accepted"),
        ("students", "student", 404, "no such collection"),
        ("students", "student", 500, "The API itself failed"),
        (
            "studentSchoolAssociations",
            "enrollment",
            409,
            "refers to something the API does not have",
        ),
        ("studentSchoolAssociations", "enrollment", 400, "its answer says where"),
        ("studentSchoolAssociations", "enrollment", 405, "perhaps it is read-only"),
    ],
)
def test_refused_prerequisite_is_not_testable(
    collection, what, code, cause, new_sandbox, kit
) -> None:
    refuse = answering("POST", collection, lambda *_: problem(code, "Refused for the test."))
    text = not_testable(
        kit, new_sandbox(refuse), f"the {what} could not be created", "Refused for the test.", cause
    )
    assert f"→ {code}" in text


def test_403_on_the_association_names_the_enrollment(new_sandbox, kit) -> None:
    make = answered("POST", lambda *_: problem(403, "No relationship.", "security:authorization"))
    not_testable(
        kit,
        new_sandbox(make()),
        "the association could not be created",
        "No relationship.",
        "The student has no enrollment",
    )


def test_foreign_descriptor_namespace_is_explained(new_sandbox, kit) -> None:
    kind = "security:authorization:namespace:access-denied:namespace-mismatch"
    make = answered("POST", lambda *_: problem(403, "Namespace.", kind))
    not_testable(kit, new_sandbox(make()), "The descriptor's namespace is not one of this key's.")


def test_unresolved_reference_is_not_testable(new_sandbox, kit) -> None:
    make = answered(
        "POST", lambda *_: problem(409, "No program.", "data-conflict:unresolved-reference")
    )
    not_testable(kit, new_sandbox(make()), "the association could not be created", "No program.")


def test_200_where_nothing_could_be_looked_up_is_not_testable(new_sandbox, kit) -> None:
    def refuse_queries(request, proceed):
        if request.method == "GET" and request.query_string and CTE in request.path.lower():
            return problem(405, "No queries.")
        return proceed(request)

    sandbox = with_other_student(new_sandbox(refuse_queries))
    sandbox.load("students", [STUDENT])
    sandbox.load("studentSchoolAssociations", [ENROLLMENT])
    sandbox.load("studentCTEProgramAssociations", [association("222222")])
    result = kit.scenarios(sandbox, "-k", "create")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["not testable: the POST updated a record that existed already (200)*"]
    )
    assert len(sandbox.records("studentCTEProgramAssociations")) == 2


def test_update_of_a_record_that_was_not_stored_right_is_not_testable(new_sandbox, kit) -> None:
    from tests.broken_apis import put, service, stored

    make = stored(service(put("primaryIndicator", False)), "POST")
    sandbox = new_sandbox(make())
    result = kit.scenarios(sandbox, "-k", "update")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["not testable: the record to update does not read back as it was created*"]
    )


def test_update_whose_record_cannot_be_made_is_not_testable(new_sandbox, kit) -> None:
    make = answered("POST", lambda *_: problem(500, "Out of order."))
    result = kit.scenarios(new_sandbox(make()), "-k", "update")
    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["not testable: the record to update could not be created.", "*Out of order.*"]
    )


def test_update_without_any_address_is_not_testable(new_sandbox, kit) -> None:
    def hidden(request, proceed):
        response = proceed(request)
        if CTE in request.path.lower() and request.method == "POST":
            response.headers.pop("Location")
        if CTE in request.path.lower() and request.method == "GET":
            return problem(405, "No reading.")
        return response

    result = kit.scenarios(new_sandbox(hidden), "-k", "update")
    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "not testable: the record to update was created, but*",
            "*has no address and cannot be deleted*",
        ]
    )


def test_what_cannot_be_deleted_is_said(new_sandbox, kit) -> None:
    refuse = answering("DELETE", "students/", lambda *_: problem(403, "Not yours."))
    sandbox = new_sandbox(refuse)
    result = kit.scenarios(sandbox)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["LEFT BEHIND: DELETE */students/* -> 403: Not yours.".replace("->", "→")]
    )


def test_look_ups_that_were_refused_are_in_the_report(new_sandbox, kit) -> None:
    refuse = answering("GET", "programs", lambda *_: problem(403, "No reading of programs."))
    result = kit.scenarios(new_sandbox(refuse))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["note: Could not look up programs by *403: No reading of programs."]
    )


def test_look_up_that_answers_no_list_is_a_note(new_sandbox, kit) -> None:
    odd = answering(
        "GET", "programs", lambda *_: Response('{"a": 1}', 200, content_type="application/json")
    )
    result = kit.scenarios(new_sandbox(odd))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["note: Could not look up programs by *not a JSON array"])


def test_look_up_that_breaks_is_a_note(new_sandbox, kit) -> None:
    for name in ("programs", "technicalSkillsAssessmentDescriptors"):
        odd = answering("GET", name, lambda *_: Response("<html>", 200, content_type="text/html"))
        result = kit.scenarios(new_sandbox(odd))
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines([f"note: Could not look up {name}*"])


def test_descriptor_collection_that_ignores_the_query_is_a_note(new_sandbox, kit) -> None:
    other = [{"namespace": "uri://ed-fi.org/X", "codeValue": "Something"}]
    odd = answering(
        "GET",
        "technicalSkillsAssessmentDescriptors",
        lambda *_: Response(json.dumps(other), 200, content_type="application/json"),
    )
    result = kit.scenarios(new_sandbox(odd))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["note: Could not look up technicalSkillsAssessmentDescriptors: the API ignores codeValue"]
    )


def test_a_limit_that_is_refused_is_left_out(new_sandbox, kit) -> None:
    def no_limit(request, proceed):
        return (
            problem(400, "No limit here.")
            if b"limit=" in request.query_string
            else proceed(request)
        )

    result = kit.scenarios(new_sandbox(no_limit))
    result.assert_outcomes(passed=2)
    assert "Could not look up" not in result.stdout.str()


def test_an_ed_org_that_is_a_school_is_found(new_sandbox, kit) -> None:
    sandbox = new_sandbox()
    program = {
        "educationOrganizationReference": {"educationOrganizationId": 255901001},
        "programName": "Career and Technical Education",
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
    }
    known = [
        p["educationOrganizationReference"]["educationOrganizationId"]
        for p in sandbox.records("programs")
    ]
    if 255901001 not in known:
        sandbox.load("programs", [program])
    result = kit.scenarios(
        sandbox,
        "--edfi-set=educationOrganizationReference.educationOrganizationId=255901001",
        "--edfi-set=programReference.educationOrganizationId=255901001",
    )
    result.assert_outcomes(passed=2)


def student_of_others(request, proceed) -> Response:
    """POST /students answers with the Location of a student that was there before."""
    response = proceed(request)
    response.headers["Location"] = f"{request.base_url.rstrip('/')}/{OTHERS[0]}"
    return response


OTHERS: list[str] = []


def test_a_lying_location_never_makes_us_delete_anothers_record(new_sandbox, kit) -> None:
    sandbox = with_other_student(new_sandbox(answering("POST", "students", student_of_others)))
    other = next(r for r in sandbox.records("students") if r["studentUniqueId"] == "604822")
    OTHERS[:] = [other["id"]]
    before = state(sandbox)
    kit.scenarios(sandbox).assert_outcomes(passed=2)
    assert state(sandbox) == before
    assert not [
        r for r in sandbox.requests if r.method == "DELETE" and r.path.endswith(other["id"])
    ]


def test_a_lying_location_where_nothing_can_be_looked_up_is_said(new_sandbox, kit) -> None:
    def refuse_queries(request, proceed):
        if request.method == "GET" and request.query_string and "/students" in request.path:
            return problem(405, "No queries.")
        return proceed(request)

    lie = answering("POST", "students", student_of_others)
    sandbox = with_other_student(new_sandbox(refuse_queries, lie))
    other = next(r for r in sandbox.records("students") if r["studentUniqueId"] == "604822")
    OTHERS[:] = [other["id"]]
    result = kit.scenarios(sandbox)
    assert other in sandbox.records("students")
    result.stdout.fnmatch_lines(
        [
            "LEFT BEHIND: students with studentUniqueId=222222: the address that the API gave *left alone*"
        ]
    )


def test_a_delete_that_deletes_nothing_is_said(new_sandbox, kit) -> None:
    def pretend(request, proceed):
        return Response(b"", 204) if request.method == "DELETE" else proceed(request)

    result = kit.scenarios(new_sandbox(pretend))
    text = result.stdout.str()
    assert "→ 204, but the record is still there" in text
    assert "LEFT BEHIND" in text
    assert "a record of this run is in the way and cannot be deleted" in text
    assert "that this run did not create" not in text


def test_a_student_that_exists_without_enrollment_is_enrolled(sandbox, kit) -> None:
    """The API hides it and refuses to create it again; the enrollment makes it usable."""
    sandbox.load("students", [STUDENT])
    before = state(sandbox)
    kit.scenarios(sandbox).assert_outcomes(passed=2)
    assert state(sandbox) == before


def test_a_hidden_student_that_cannot_be_enrolled_is_explained(new_sandbox, kit) -> None:
    refuse = answering(
        "POST", "studentSchoolAssociations", lambda *_: problem(403, "Not your school.")
    )
    sandbox = new_sandbox(refuse)
    sandbox.load("students", [STUDENT])
    not_testable(
        kit,
        sandbox,
        "the enrollment could not be created",
        "Not your school.",
        "the student could not be created",
        "If the student exists: enroll it in a school",
    )


def test_a_key_that_may_not_create_students_is_told_so_at_once(new_sandbox, kit) -> None:
    kind = "security:authorization:access-denied:resource"
    refuse = answering("POST", "students", lambda *_: problem(403, "No students.", kind))
    text = not_testable(
        kit, new_sandbox(refuse), "the student could not be created", "No students."
    )
    assert "enrollment" not in text


def test_a_rate_limit_is_not_testable(new_sandbox, kit) -> None:
    def limited(*_args):
        response = problem(429, "Slow down.", "rate-limit")
        response.headers["Retry-After"] = "3600"
        return response

    sandbox = new_sandbox(answered("POST", limited)())
    not_testable(kit, sandbox, "Slow down.", "limits the rate of requests", "(Retry-After: 3600)")


def test_whose_record_is_under_a_key_that_was_not_seen_free_is_not_guessed(
    new_sandbox, kit
) -> None:
    """The look-up fails, and a 201 leads nowhere: what the key then shows may be the vendor's."""
    begun = []

    def confused(request, proceed):
        if CTE not in request.path.lower():
            return proceed(request)
        if request.method == "POST":
            begun.append(request)
            location = f"{request.base_url}/{'0' * 32}"
            return Response("", 201, headers={"Location": location})
        return proceed(request) if begun else problem(503, "Not now.")

    sandbox = with_other_student(new_sandbox(confused))
    before = state(sandbox)
    result = kit.scenarios(sandbox, "--edfi-set=studentUniqueId=604822", "-k", "create")
    assert begun
    assert result.ret == 1
    assert state(sandbox) == before
