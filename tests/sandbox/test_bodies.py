import http.client
import json

import pytest

from tests.sandbox.support import (
    CTE,
    ENROLLMENTS,
    association,
    enrollment,
    invalid,
    refused,
    service,
    student,
    unlinked,
    uri,
    without,
)

PROGRAM_TYPE = "programTypeDescriptor"


def send(api, body, content_type="application/json"):
    return api("POST", "students", data=body, headers={"Content-Type": content_type})


# What is a body at all ----------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body(api, body):
    assert "empty" in refused(send(api, body), 400, "bad-request")["detail"]


def test_a_null_body(api):
    assert "null" in refused(send(api, b"null"), 400, "bad-request")["detail"]


def test_a_body_that_is_not_utf8(api):
    body = json.dumps(student(firstName="José"), ensure_ascii=False)
    detail = refused(send(api, body.encode("latin-1")), 400, "bad-request")["detail"]

    assert "UTF-8" in detail
    assert send(api, body.encode()).status_code == 201
    assert api.sandbox.records("students")[0]["firstName"] == "José"


def test_half_a_character_is_no_text(api):
    body = json.dumps(student(firstName="\ud800"))

    refused(send(api, body), 400, "bad-request")
    assert send(api, json.dumps(student(firstName="\U0001f600"))).status_code == 201


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b'{"a": NaN}', b"[" * 100_000, b'{"a": 1}}', b'{"a": -Infinity}']
)
def test_a_body_that_is_not_json(api, body):
    (text,) = invalid(send(api, body))["$"]

    assert text.startswith("is not JSON")


@pytest.mark.parametrize("body", ["[]", '"x"', "7", "true", "[{}]"])
def test_a_body_that_is_no_object(api, body):
    assert invalid(send(api, body)) == {"$": ["must be an object."]}


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/jsonx"])
def test_other_media_types(api, kind):
    refused(send(api, json.dumps(student()), kind), 415, "unsupported-media-type")
    refused(
        api("PUT", f"students/{'0' * 32}", data="{}", headers={"Content-Type": kind}),
        415,
        "unsupported-media-type",
    )


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]
)
def test_json_media_types(api, kind):
    assert send(api, json.dumps(student()), kind).status_code == 201


def test_a_chunked_body(api):
    text = json.dumps(student()).encode()

    assert send(api, iter([text[:10], text[10:]])).status_code == 201


# All problems in one answer -----------------------------------------------------------------


def test_every_problem_is_in_one_answer(enrolled):
    body = association(
        beginDate="2024-13-01",
        educationOrganizationReference={},
        privateCTEProgram="perhaps",
        technicalSkillsAssessmentDescriptor=uri("TechnicalSkillsAssessmentDescriptor", "Maybe"),
        cteProgramServices=[service(cipCode=11.0103), service("Knitting"), {}, service(), 7],
    )
    body["programReference"] = {"programName": "x" * 61, "educationOrganizationId": 2**63}

    assert invalid(enrolled.post(CTE, body)) == {
        "$.beginDate": ["must be a calendar date written YYYY-MM-DD, without a time."],
        "$.educationOrganizationReference.educationOrganizationId": [
            "educationOrganizationId is required."
        ],
        "$.privateCTEProgram": ["must be a boolean."],
        "$.technicalSkillsAssessmentDescriptor": [
            "is no TechnicalSkillsAssessmentDescriptor that this API knows."
        ],
        "$.programReference.programName": ["must be at most 60 characters long, not 61."],
        "$.programReference.programTypeDescriptor": ["programTypeDescriptor is required."],
        "$.programReference.educationOrganizationId": ["must fit into 64 bits."],
        "$.cteProgramServices[0].cipCode": ["must be a string."],
        "$.cteProgramServices[1].cteProgramServiceDescriptor": [
            "is no CTEProgramServiceDescriptor that this API knows."
        ],
        "$.cteProgramServices[2].cteProgramServiceDescriptor": [
            "cteProgramServiceDescriptor is required."
        ],
        "$.cteProgramServices[3]": ["has the same identifying values as item 0 of the collection."],
        "$.cteProgramServices[4]": ["must be an object."],
    }
    assert enrolled.sandbox.records(CTE) == []


@pytest.mark.parametrize("name", ["studentUniqueId", "firstName", "lastSurname", "birthDate"])
@pytest.mark.parametrize("how", ["left out", "null"])
def test_required_properties(api, name, how):
    body = student(**{name: None}) if how == "null" else without(student(), name)

    assert invalid(api.post("students", body)) == {f"$.{name}": [f"{name} is required."]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"firstName": ""}, "must be at least 1 character long, not 0."),
        ({"firstName": "x" * 76}, "must be at most 75 characters long, not 76."),
        ({"birthCity": "x"}, "must be at least 2 characters long, not 1."),
        ({"firstName": 7}, "must be a string."),
        ({"firstName": ["A"]}, "must be a string."),
        ({"multipleBirthStatus": 1}, "must be a boolean."),
        ({"otherNames": {}}, "must be an array."),
        ({"personReference": "x"}, "must be an object."),
    ],
)
def test_a_value_that_breaks_its_rule(api, change, text):
    (name,) = change

    assert invalid(api.post("students", student(**change))) == {f"$.{name}": [text]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.5, "must be at least 0."),
        ("half", "must be a number."),
        (True, "must be a number."),
    ],
)
def test_numbers(enrolled, value, text):
    answer = enrolled.post(ENROLLMENTS, enrollment(fullTimeEquivalency=value))

    assert invalid(answer) == {"$.fullTimeEquivalency": [text]}


def test_a_number_beyond_all_numbers(api):
    body = json.dumps(enrollment(fullTimeEquivalency=1)).replace(" 1,", " 1e400,")
    body = body.replace('"fullTimeEquivalency": 1}', '"fullTimeEquivalency": 1e400}')
    answer = api("POST", ENROLLMENTS, data=body, headers={"Content-Type": "application/json"})

    assert invalid(answer) == {"$.fullTimeEquivalency": ["must be a number."]}


def test_int32(api):
    year = {"schoolYear": 2**31, "currentSchoolYear": False, "schoolYearDescription": "far"}

    assert invalid(api.post("schoolYearTypes", year)) == {
        "$.schoolYear": ["must fit into 32 bits."]
    }
    assert api.post("schoolYearTypes", {**year, "schoolYear": 2**31 - 1}).status_code == 201


@pytest.mark.parametrize(
    "value",
    [
        "2024-08-23T00:00:00",
        "2024-08-23T00:00:00Z",
        "20240823",
        "2024-W34-5",
        "8/23/2024",
        "2024-02-30",
        "٢٠٢٤-08-23",
        "",
        20240823,
    ],
)
def test_what_is_no_date(api, value):
    assert list(invalid(api.post("students", student(birthDate=value)))) == ["$.birthDate"]


def test_a_leap_day_is_a_date(api):
    assert api.post("students", student(birthDate="2024-02-29")).status_code == 201


# What is taken and what is kept -------------------------------------------------------------


def test_types_are_inferred(enrolled):
    body = association(privateCTEProgram="true")
    body["educationOrganizationReference"]["educationOrganizationId"] = "255901"
    body["cteProgramServices"][0]["primaryIndicator"] = "False"
    record = enrolled.get(enrolled.made(CTE, body)).json()

    assert record["privateCTEProgram"] is True
    assert record["educationOrganizationReference"]["educationOrganizationId"] == 255901
    assert record["cteProgramServices"][0]["primaryIndicator"] is False


def test_numbers_are_inferred(enrolled):
    body = enrollment(fullTimeEquivalency="0.5", schoolYearTypeReference={"schoolYear": "2024"})
    enrolled.put(enrolled.enrollment, body)
    record = enrolled.get(enrolled.enrollment).json()

    assert record["fullTimeEquivalency"] == 0.5
    assert record["schoolYearTypeReference"]["schoolYear"] == 2024


def test_unknown_properties_are_dropped(enrolled):
    body = association(unicorn=True)
    body["studentReference"]["unicorn"] = 1
    body["cteProgramServices"][0]["unicorn"] = {}
    record = enrolled.get(enrolled.made(CTE, body)).json()

    assert "unicorn" not in json.dumps(record)


def test_nulls_are_accepted_and_not_kept(enrolled):
    body = association(cteProgramServices=None, endDate=None, programParticipationStatuses=[])
    record = unlinked(enrolled.get(enrolled.made(CTE, body)).json())

    assert "cteProgramServices" not in record
    assert "endDate" not in record
    assert record["programParticipationStatuses"] == []


def test_a_null_item_is_no_item(enrolled):
    answer = enrolled.post(CTE, association(cteProgramServices=[None]))

    assert invalid(answer) == {"$.cteProgramServices[0]": ["must be an object."]}


@pytest.mark.parametrize(
    ("reference", "missing"),
    [
        ({"calendarCode": "1", "schoolId": 255901001}, ["schoolYear"]),
        ({"schoolYear": 2024}, ["calendarCode", "schoolId"]),
        ({}, ["calendarCode", "schoolId", "schoolYear"]),
    ],
)
def test_an_optional_reference_given_in_part(enrolled, reference, missing):
    answer = enrolled.put(enrolled.enrollment, enrollment(calendarReference=reference))

    assert invalid(answer) == {
        f"$.calendarReference.{name}": [f"{name} is required."] for name in missing
    }


@pytest.mark.parametrize("reference", [None, {"schoolYear": 2025}])
def test_an_optional_reference_left_out_or_whole(enrolled, reference):
    body = enrollment(schoolYearTypeReference=reference)

    assert enrolled.put(enrolled.enrollment, body).status_code == 204


# Descriptors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology",
        "uri://ed-fi.org/cteprogramservicedescriptor#information technology",
        "URI://ED-FI.ORG/CTEPROGRAMSERVICEDESCRIPTOR#INFORMATION TECHNOLOGY",
    ],
)
def test_descriptors_are_kept_in_the_spelling_of_the_api(enrolled, sent):
    body = association(cteProgramServices=[{"cteProgramServiceDescriptor": sent}])
    record = enrolled.get(enrolled.made(CTE, body)).json()

    expected = "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology"
    assert record["cteProgramServices"][0]["cteProgramServiceDescriptor"] == expected


@pytest.mark.parametrize(
    "sent",
    [
        "uri://ed-fi.org/CTEProgramServiceDescriptor%23Information%20Technology",
        "uri://ed-fi.org/CTEProgramServiceDescriptor#Information%20Technology",
        "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade",
        "Information Technology",
        "",
    ],
)
def test_other_descriptors_are_refused(enrolled, sent):
    body = association(cteProgramServices=[{"cteProgramServiceDescriptor": sent}])

    assert invalid(enrolled.post(CTE, body)) == {
        "$.cteProgramServices[0].cteProgramServiceDescriptor": [
            "is no CTEProgramServiceDescriptor that this API knows."
        ]
    }


def test_a_descriptor_that_is_too_long_is_reported_once(enrolled):
    answer = enrolled.post(CTE, association(reasonExitedDescriptor="x" * 307))

    assert invalid(answer) == {
        "$.reasonExitedDescriptor": ["must be at most 306 characters long, not 307."]
    }


def test_an_unknown_descriptor_in_a_reference_is_a_bad_body(enrolled):
    body = association()
    body["programReference"][PROGRAM_TYPE] = uri("ProgramTypeDescriptor", "Knitting")

    assert list(invalid(enrolled.post(CTE, body))) == [f"$.programReference.{PROGRAM_TYPE}"]


# Items of collections -----------------------------------------------------------------------


def test_items_with_different_keys(enrolled):
    services = [service(), service("Finance")]
    record = enrolled.get(enrolled.made(CTE, association(cteProgramServices=services))).json()

    assert record["cteProgramServices"] == services


def test_items_with_one_key_in_two_spellings(enrolled):
    double = service(cipCode="other")
    double["cteProgramServiceDescriptor"] = double["cteProgramServiceDescriptor"].lower()
    services = [service("Finance"), service(), double, service()]

    text = ["has the same identifying values as item 1 of the collection."]
    assert invalid(enrolled.post(CTE, association(cteProgramServices=services))) == {
        "$.cteProgramServices[2]": text,
        "$.cteProgramServices[3]": text,
    }


def test_items_that_a_reference_identifies(enrolled):
    def plan(year):
        return {
            "alternativeGraduationPlanReference": {
                "educationOrganizationId": 255901,
                "graduationPlanTypeDescriptor": "uri://x#y",
                "graduationSchoolYear": year,
            }
        }

    value = {"namespace": "uri://x", "codeValue": "y", "shortDescription": "y"}
    enrolled.made("graduationPlanTypeDescriptors", value)
    same = enrollment(alternativeGraduationPlans=[plan(2025), plan(2025)])
    other = enrollment(alternativeGraduationPlans=[plan(2025), plan(2026)])

    assert list(invalid(enrolled.put(enrolled.enrollment, same))) == [
        "$.alternativeGraduationPlans[1]"
    ]
    refused(  # two different plans: only that neither exists
        enrolled.put(enrolled.enrollment, other), 409, "data-conflict:unresolved-reference"
    )


def test_a_request_that_lies_about_its_length_gets_no_answer_but_harms_nobody(api):
    host, _, port = api.sandbox.url.rpartition("//")[2].partition(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.putrequest("POST", "/oauth/token")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"short")
    connection.close()

    assert api.get("schools").status_code == 200
