"""Records that the sandbox accepts, and a client that does no more than requests does."""

from __future__ import annotations

import copy

import requests

DATA = "/data/v3/ed-fi"
PREFIX = "urn:ed-fi:api:"
CTE = "studentCTEProgramAssociations"
ENROLLMENTS = "studentSchoolAssociations"

_PROGRAM_TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"


def uri(descriptor, value):
    return f"uri://ed-fi.org/{descriptor}#{value}"


def student(unique_id="222222", **more):
    return {
        "studentUniqueId": unique_id,
        "firstName": "Madison",
        "lastSurname": "Johnson",
        "birthDate": "2001-01-01",
        **more,
    }


def enrollment(unique_id="222222", school=255901001, **more):
    return {
        "studentReference": {"studentUniqueId": unique_id},
        "schoolReference": {"schoolId": school},
        "entryDate": "2024-08-31",
        "entryGradeLevelDescriptor": uri("GradeLevelDescriptor", "Ninth grade"),
        **more,
    }


def service(value="Information Technology", **more):
    return {"cteProgramServiceDescriptor": uri("CTEProgramServiceDescriptor", value), **more}


def association(unique_id="222222", **more):
    return {
        "beginDate": "2024-08-23",
        "educationOrganizationReference": {"educationOrganizationId": 255901},
        "programReference": {
            "educationOrganizationId": 255901,
            "programName": "Career and Technical Education",
            "programTypeDescriptor": _PROGRAM_TYPE,
        },
        "studentReference": {"studentUniqueId": unique_id},
        "cteProgramServices": [service(cipCode="11.0103", primaryIndicator=True)],
        **more,
    }


def without(record, *path):
    """The record without the property at a path of names."""
    changed = copy.deepcopy(record)
    place = changed
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return changed


def unlinked(value):
    """A record without ``link`` objects and without what the server adds at the root."""
    if isinstance(value, dict):
        hidden = {"link", "id", "_etag", "_lastModifiedDate"}
        return {k: unlinked(v) for k, v in value.items() if k not in hidden}
    return [unlinked(v) for v in value] if isinstance(value, list) else value


class Api:
    """A session with a token. Paths are below the data management API."""

    def __init__(self, sandbox, client=None):
        self.sandbox = sandbox
        self.key = (client.id, client.secret) if client else None
        self.session = requests.Session()
        self.session.trust_env = False
        self.login()

    def login(self):
        answer = self.session.post(
            f"{self.sandbox.url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=self.key or (self.sandbox.client_id, self.sandbox.client_secret),
        )
        assert answer.status_code == 200, answer.text
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __call__(self, method, path, **more):
        url = path if path.startswith("http") else f"{self.sandbox.url}{DATA}/{path}"
        return self.session.request(method, url, **more)

    def get(self, path, **params):
        return self("GET", path, params=params)

    def post(self, path, body, **more):
        return self("POST", path, json=body, **more)

    def put(self, path, body, **more):
        return self("PUT", path, json=body, **more)

    def delete(self, path, **more):
        return self("DELETE", path, **more)

    def made(self, path, body):
        """POST a new record; its address."""
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def close(self):
        self.session.close()


def refused(answer, status, kind):
    """Assert a problem details answer of a kind; the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == PREFIX + kind
    assert document["status"] == status
    assert document["title"]
    assert document["correlationId"]
    return document


def invalid(answer):
    """Assert the 400 for a body; JSON path -> texts."""
    document = refused(answer, 400, "bad-request:data-validation-failed")
    return document.get("validationErrors", {})
