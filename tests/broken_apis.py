"""What the kit must say about each named defect of the sandbox, and tools to break it otherwise.

The defects themselves are the product's: :mod:`pytest_edfi_cte.sandbox.defects`.
"""

from __future__ import annotations

from pytest_edfi_cte.sandbox.defects.places import GONE, drop, put, service
from pytest_edfi_cte.sandbox.defects.tools import answered, ignored, problem, shown, stored

__all__ = [
    "CREATE",
    "CTE",
    "GONE",
    "IT",
    "UPDATE",
    "answered",
    "drop",
    "ignored",
    "problem",
    "put",
    "service",
    "shown",
    "stored",
]

CTE = "/studentcteprogramassociations"
IT = "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology"
OTHER = "cteProgramServices[Law, Public Safety, Corrections and Security]"
INDICATOR = "cteProgramServices[Information Technology].primaryIndicator"
CIP = "cteProgramServices[Information Technology].cipCode"
SKILLS = "technicalSkillsAssessmentDescriptor"

#: defect -> every text must stand in the failure of scenario 1.
CREATE: dict[str, tuple[str, ...]] = {
    "create-answers-200": ("status of the POST", "expected  201", "received  200"),
    "create-answers-204": ("status of the POST", "received  204"),
    "create-answers-500": ("status of the POST", "500: It went wrong here."),
    "create-answers-400": ("status of the POST", "400: It went wrong here."),
    "create-without-location": ("does not say where the new record is", "received  nothing"),
    "create-location-on-another-host": ("Location header", "http://localhost:9/"),
    "create-location-of-nothing": ("status of the GET", "404"),
    "create-location-of-another-record": (
        "studentReference.studentUniqueId",
        'expected  "222222"',
        'received  "604822"',
    ),
    "create-not-stored": ("records found by the natural key", "expected  1", "received  0"),
    "true-as-number": (
        "another JSON type",
        INDICATOR,
        "expected  true  (boolean",
        "received  1  (number)",
    ),
    "true-as-text": (INDICATOR, 'received  "true"  (string)'),
    "read-flag-null": (INDICATOR, "received  null  (null)", "reads back as null"),
    "read-flag-absent": (INDICATOR, "the property is absent"),
    "create-stores-false-in-element": (INDICATOR, "received  false  (boolean)"),
    "create-stores-false-for-true": ("nonTraditionalGenderStatus", "expected  true"),
    "false-as-number": ("privateCTEProgram", "expected  false  (boolean", "received  0  (number)"),
    "create-loses-false": ("privateCTEProgram", "the property is absent"),
    "create-loses-descriptor": (SKILLS, "the property is absent"),
    "date-as-datetime": ("beginDate", "2026-08-23T00:00:00Z"),
    "read-date-off-by-one": ("beginDate", 'received  "2026-08-22"'),
    "integer-as-text": (
        "educationOrganizationReference.educationOrganizationId",
        'received  "255901"  (string)',
    ),
    "text-as-integer": (
        "studentReference.studentUniqueId",
        'expected  "222222"  (string',
        "received  222222  (number)",
    ),
    "code-as-number": (CIP, "received  11.0103  (number)"),
    "create-cuts-text": (CIP, 'received  "11.01"'),
    "descriptor-as-code-value": (SKILLS, 'received  "Passed"'),
    "read-descriptor-in-another-namespace": ("another namespace", SKILLS, "uri://state.example"),
    "read-descriptor-in-another-case": ("another spelling", SKILLS, "#passed"),
    "create-loses-elements": (INDICATOR, "the property is absent"),
    "read-collection-null": ("cteProgramServices\n", "received  null"),
    "read-collection-absent": ("cteProgramServices\n", "the property is absent"),
    "read-collection-as-object": ("cteProgramServices\n", "(object)"),
    "read-element-twice": (
        "cteProgramServices[Information Technology]",
        "stored more than once",
        "expected  once",
    ),
    "create-adds-element": (OTHER, "an element that should not be there", "expected  not there"),
    "create-stores-another-descriptor": (OTHER, INDICATOR),
    "read-reference-absent": ("programReference\n", "programReference.programName"),
    "read-reference-wrong": ("programReference.programName", 'received  "CTE"'),
    "read-differs-in-collection": (
        "differs from the one read by its id",
        "nonTraditionalGenderStatus (found by key)",
        "received  false",
    ),
    "id-absent": ("another id than its address", "the property is absent"),
    "id-of-another": ("another id than its address", "ffffffff"),
    "read-answers-an-array": ("not a JSON record", "body of the GET"),
    "html-for-json": ("not a JSON record", "<html>Log in</html>"),
    "json-cut": ("not a JSON record", "not JSON"),
    "json-with-nan": ("not a JSON record", "NaN"),
    "json-in-utf-16": ("not a JSON record", "not JSON"),
    "json-says-property-twice": ("not a JSON record", "stands twice in one object"),
    "redirect-to-log-in": ("status of the GET", "→ 302", "404: There is nothing at this address."),
    "key-finds-nothing": ("not found by its natural key", "received  0"),
    "key-finds-two": ("more than once under one natural key", "received  2"),
    "read-answers-500": ("status of the GET", "500: It went wrong here."),
    "read-answers-404": ("status of the GET", "404: It went wrong here."),
    "modified-date-no-date": (
        "_lastModifiedDate",
        "a date and time (RFC 3339)",
        "the API model, Data Standard 5.0",
    ),
    "optional-flag-as-text": ("servedOutsideOfRegularSession", "expected  boolean or null"),
}

#: defect -> every text must stand in the failure of scenario 2.
UPDATE: dict[str, tuple[str, ...]] = {
    "update-answers-200": ("status of the PUT", "expected  204", "received  200"),
    "update-answers-500": ("status of the PUT", "500: It went wrong here."),
    "update-answers-405": ("status of the PUT", "405: It went wrong here."),
    "update-refuses-its-own-etag": ("412: The record was changed by another.",),
    "update-not-stored": (
        "the update was accepted but not stored",
        INDICATOR,
        "expected  false  (boolean, REQUIRED by the certification table)",
        "received  true  (boolean)",
        "→ 204",
    ),
    "update-flag-null": (INDICATOR, "received  null  (null)"),
    "update-loses-false": (INDICATOR, "the property is absent"),
    "update-flag-as-number": (INDICATOR, "received  0  (number)"),
    "update-flag-as-text": (INDICATOR, 'received  "false"  (string)'),
    "update-loses-text": (CIP, "the property is absent"),
    "update-changes-another-flag": ("privateCTEProgram", "received  true"),
    "update-loses-descriptor": (SKILLS, "the property is absent"),
    "update-adds-date": (
        "endDate",
        "the update added a value that nobody sent",
        '"2027-05-23"',
    ),
    "update-adds-flag": ("servedOutsideOfRegularSession", "unchanged by the update"),
    "update-keeps-old-element": ("stored more than once",),
    "update-stores-another-descriptor": (OTHER, INDICATOR),
    "update-adds-element": ("cteProgramServices[Not Sent]",),
    "update-loses-collection": ("cteProgramServices\n", "the property is absent"),
    "update-gives-new-id": (
        "deleted and created anew, not updated in place",
        "Keep the record and its id",
    ),
    "update-loses-record": ("status of the GET", "404"),
    "update-found-twice": ("more than once under one natural key",),
    "update-not-found-by-key": ("not found by its natural key", "received  0"),
    "update-not-in-collection": (
        "differs from the one read by its id",
        "primaryIndicator (found by key)",
        "received  true",
    ),
}

#: defect -> what the run says before any test.
SET_UP: dict[str, str] = {
    "token-refused": "invalid_client",
    "token-answer-empty": "access_token",
    "discovery-is-a-page": "is not an Ed-Fi API",
}
