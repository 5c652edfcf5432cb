"""Both scenarios by hand, with pytest, requests and jsonschema: what the kit's start is held to.

As a good engineer would write it for one suite: one session, one token, retries, fixtures that look
up before they write and delete what they made, records compared with their JSON types, the stored
record validated by the API model's schema, with pytest-html for the report. It sends the very same
35 requests as the kit, in the same order: discovery, token, ``token_info``; the look-ups of ed-org,
three descriptors, program and association; student and enrollment looked up and made; for each
scenario the look-up, POST, GET (PUT, GET), look-up; what was made is read, deleted, read once more.

It leaves out what the kit gives beyond that: evidence, redaction, a journal that outlives kill -9,
words for a failure, options. Address and key: EDFI_URL, EDFI_CLIENT_ID and EDFI_CLIENT_SECRET.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from jsonschema import Draft202012Validator
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

SCHEMA = Path(__file__).parents[2] / "fixtures/schemas/5.0/studentCTEProgramAssociation.json"
ED_FI = "uri://ed-fi.org"
ED_ORG, SCHOOL, STUDENT = 255901, 255901001, "222222"
PROGRAM = "Career and Technical Education"
PROGRAM_TYPE = f"{ED_FI}/ProgramTypeDescriptor#{PROGRAM}"
ASSOCIATIONS = "studentCTEProgramAssociations"
KEY = {
    "beginDate": "2026-08-23",
    "educationOrganizationId": ED_ORG,
    "programEducationOrganizationId": ED_ORG,
    "programName": PROGRAM,
    "programTypeDescriptor": PROGRAM_TYPE,
    "studentUniqueId": STUDENT,
}
DESCRIPTORS = {
    "programTypeDescriptors": PROGRAM,
    "technicalSkillsAssessmentDescriptors": "Passed",
    "cteProgramServiceDescriptors": "Information Technology",
}
STUDENT_RECORD = {
    "studentUniqueId": STUDENT,
    "firstName": "Madison",
    "middleName": "Mary",
    "lastSurname": "Johnson",
    "personalTitlePrefix": "Ms.",
    "birthDate": "2001-01-01",
    "birthCity": "Grand Bend",
    "birthCountryDescriptor": f"{ED_FI}/CountryDescriptor#US",
}
ENROLLMENT_RECORD = {
    "studentReference": {"studentUniqueId": STUDENT},
    "schoolReference": {"schoolId": SCHOOL},
    "entryDate": "2026-08-31",
    "entryGradeLevelDescriptor": f"{ED_FI}/GradeLevelDescriptor#Ninth grade",
    "entryTypeDescriptor": f"{ED_FI}/EntryTypeDescriptor#Next year school",
    "enrollmentTypeDescriptor": f"{ED_FI}/EnrollmentTypeDescriptor#Current",
    "primarySchool": True,
    "fullTimeEquivalency": 1,
    "repeatGradeIndicator": False,
    "residencyStatusDescriptor": (
        f"{ED_FI}/ResidencyStatusDescriptor#Resident of admin unit and school area"
    ),
}


def association(*, primary: bool) -> dict:
    return {
        "beginDate": "2026-08-23",
        "educationOrganizationReference": {"educationOrganizationId": ED_ORG},
        "programReference": {
            "programName": PROGRAM,
            "programTypeDescriptor": PROGRAM_TYPE,
            "educationOrganizationId": ED_ORG,
        },
        "studentReference": {"studentUniqueId": STUDENT},
        "nonTraditionalGenderStatus": True,
        "privateCTEProgram": False,
        "technicalSkillsAssessmentDescriptor": (
            f"{ED_FI}/TechnicalSkillsAssessmentDescriptor#Passed"
        ),
        "cteProgramServices": [
            {
                "cteProgramServiceDescriptor": (
                    f"{ED_FI}/CTEProgramServiceDescriptor#Information Technology"
                ),
                "cipCode": "11.0103",
                "primaryIndicator": primary,
            }
        ],
    }


class Api:
    """An authorised session with the look-ups and deletes that both tests need."""

    def __init__(self, base: str, client_id: str, secret: str) -> None:
        self.session = requests.Session()
        retry = Retry(3, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504))
        self.session.mount("http://", HTTPAdapter(max_retries=retry))
        self.session.mount("https://", HTTPAdapter(max_retries=retry))
        urls = self.send("GET", base, 200).json()["urls"]
        self.data = urljoin(urls["dataManagementApi"].rstrip("/") + "/", "ed-fi/")
        grant = {"grant_type": "client_credentials"}
        answer = self.send("POST", urls["oauth"], 200, data=grant, auth=(client_id, secret))
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        token_info = urls["oauth"].replace("/token", "/token_info")
        body = {"token": answer.json()["access_token"]}
        assert self.send("POST", token_info, 200, data=body).json()["active"] is True

    def send(self, method: str, url: str, status: int, **kwargs) -> requests.Response:
        answer = self.session.request(method, url, timeout=30, **kwargs)
        assert answer.status_code == status, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer

    def find(self, resource: str, **key) -> list[dict]:
        return self.send("GET", self.data + resource, 200, params={**key, "limit": 5}).json()

    def create(self, resource: str, record: dict) -> str:
        answer = self.send("POST", self.data + resource, 201, json=record)
        return urljoin(answer.url, answer.headers["Location"])

    def delete(self, url: str) -> None:
        self.send("DELETE", url, 204)
        self.send("GET", url, 404)


@pytest.fixture(scope="session")
def api():
    key = os.environ["EDFI_CLIENT_ID"], os.environ["EDFI_CLIENT_SECRET"]
    api = Api(os.environ["EDFI_URL"], *key)
    yield api
    api.session.close()


@pytest.fixture(scope="session")
def preloaded(api):
    assert len(api.find("localEducationAgencies", localEducationAgencyId=ED_ORG)) == 1
    for collection, code in DESCRIPTORS.items():
        found = api.send("GET", api.data + collection, 200, params={"codeValue": code}).json()
        assert [(d["namespace"].rpartition("/")[0], d["codeValue"]) for d in found] == [
            (ED_FI, code)
        ]
    program = {
        "educationOrganizationId": ED_ORG,
        "programName": PROGRAM,
        "programTypeDescriptor": PROGRAM_TYPE,
    }
    assert len(api.find("programs", **program)) == 1
    assert api.find(ASSOCIATIONS, **KEY) == [], "the association exists already"


@pytest.fixture(scope="session")
def enrolled(api, preloaded):
    made = []
    if not api.find("students", studentUniqueId=STUDENT):
        made.append(api.create("students", STUDENT_RECORD))
    if not api.find("studentSchoolAssociations", studentUniqueId=STUDENT, schoolId=SCHOOL):
        made.append(api.create("studentSchoolAssociations", ENROLLMENT_RECORD))
    yield
    for url in reversed(made):  # still what we made, before anything is deleted
        assert api.send("GET", url, 200).json()["id"] == url.rpartition("/")[2]
    for url in reversed(made):
        api.delete(url)


@pytest.fixture(scope="session")
def validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture
def created(api, enrolled):
    assert api.find(ASSOCIATIONS, **KEY) == []
    url = api.create(ASSOCIATIONS, association(primary=True))
    yield url
    assert api.send("GET", url, 200).json()["id"] == url.rpartition("/")[2]
    api.delete(url)


def differences(expected, stored, path="record"):
    """Where a stored value differs from the one that was sent, JSON types included."""
    if isinstance(expected, dict) and isinstance(stored, dict):
        for name, value in expected.items():
            yield from differences(value, stored.get(name, "absent"), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(stored, list):
        by_key = {e.get("cteProgramServiceDescriptor"): e for e in stored}
        if len(by_key) != len(stored) or len(stored) != len(expected):
            yield f"{path}: {len(expected)} sent, {len(stored)} stored"
        for element in expected:
            key = element["cteProgramServiceDescriptor"]
            yield from differences(element, by_key.get(key, "absent"), f"{path}[{key}]")
    elif type(expected) is not type(stored) or expected != stored:
        yield f"{path}: expected {expected!r}, received {stored!r}"


def changes(before, after, path="record"):
    """Every place where two reads of one record differ, whoever sent it."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            there = before.get(name, "absent"), after.get(name, "absent")
            yield from changes(*there, f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from changes(one, other, f"{path}[]")
    elif type(before) is not type(after) or before != after:
        yield path


def check_stored(api, validator, url, expected):
    answer = api.send("GET", url, 200)
    stored = answer.json()
    assert stored["id"] == url.rpartition("/")[2]
    assert list(differences(expected, stored)) == []
    assert [e.json_path + ": " + e.message for e in validator.iter_errors(stored)] == []
    return stored, answer.headers.get("ETag")


def check_found_by_key(api, stored):
    found = api.find(ASSOCIATIONS, **KEY)
    assert len(found) == 1
    assert list(changes(stored, found[0])) == []


def test_create(api, created, validator):
    stored, _ = check_stored(api, validator, created, association(primary=True))
    check_found_by_key(api, stored)


def test_update(api, created, validator):
    before, etag = check_stored(api, validator, created, association(primary=True))
    body = {"id": before["id"], **association(primary=False)}
    api.send("PUT", created, 204, json=body, headers={"If-Match": etag} if etag else {})
    after, _ = check_stored(api, validator, created, association(primary=False))
    changed = set(changes(before, after)) - {"record._etag", "record._lastModifiedDate"}
    assert changed == {"record.cteProgramServices[].primaryIndicator"}
    check_found_by_key(api, after)
