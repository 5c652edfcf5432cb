"""Each contract defect alters the answers it says it alters, and no others.

One client walks through everything that a contract check may ask; what it is answered by the
sandbox as it is, is compared with what it is answered by the defect.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
import requests

from pytest_edfi_cte.mutation.runs import NEIGHBOURS
from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.defects import DEFECTS, VARIANTS, Watch

CTE = "/data/v3/ed-fi/studentCTEProgramAssociations"
STUDENT = "/data/v3/ed-fi/students"
NOBODY = f"{CTE}/{'0' * 32}"
(OTHER,) = NEIGHBOURS["studentCTEProgramAssociations"]
SERVICE = "uri://ed-fi.org/CTEProgramServiceDescriptor#"
BODY = {
    **OTHER,
    "beginDate": "2026-09-01",
    "nonTraditionalGenderStatus": True,
    "cteProgramServices": [
        {"cteProgramServiceDescriptor": SERVICE + "Health Science", "primaryIndicator": True}
    ],
}
LESS = {name: value for name, value in BODY.items() if name != "nonTraditionalGenderStatus"}
KEY = {"studentUniqueId": "604822", "beginDate": "2026-09-01", "limit": "10"}
ID = re.compile(r"[0-9a-f]{32}")
VOLATILE = re.compile(r'"(correlationId|_lastModifiedDate|access_token)": ?"[^"]*"')


class Walk:
    """Step -> what was answered, without what differs from run to run."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.answers: dict[str, str] = {}
        self.http = requests.Session()

    def send(self, step: str, method: str, path: str, **more: Any) -> requests.Response:
        url = path if path.startswith("http") else self.sandbox.url + path
        response = self.http.request(method, url, timeout=10, allow_redirects=False, **more)
        body = response.text
        with suppress(ValueError):
            body = json.dumps(response.json())
        if "/metadata" in path:
            body = str(len(body))
        headers = {
            n: response.headers.get(n, "")
            for n in ("Location", "ETag", "Total-Count", "Content-Type")
        }
        text = json.dumps([response.status_code, headers, body])
        text = VOLATILE.sub("", text.replace('\\"', '"')).replace(self.sandbox.url, "API")
        # ETags count up over all records and runs; only whether they changed matters here.
        text = re.sub(r'"_?etag": ?"+\d+"+', "etag", text, flags=re.IGNORECASE)
        assert step not in self.answers
        self.answers[step] = ID.sub("id", text)
        return response

    def go(self) -> dict[str, str]:
        with self.http:
            self.protocol()
            self.writes()
            self.refusals()
            self.queries()
        return self.answers

    def protocol(self) -> None:
        key = (self.sandbox.client_id, self.sandbox.client_secret)
        grant = {"grant_type": "client_credentials"}
        self.send("discovery", "GET", "/")
        self.send("openapi", "GET", "/metadata/data/v3/resources/swagger.json")
        token = self.send("token", "POST", "/oauth/token", auth=key, data=grant)
        self.send("wrong secret", "POST", "/oauth/token", auth=(key[0], "no"), data=grant)
        self.send("wrong grant", "POST", "/oauth/token", auth=key, data={"grant_type": "password"})
        given = token.json().get("access_token")
        self.http.headers["Authorization"] = f"Bearer {given}"
        self.send("token info", "POST", "/oauth/token_info", data={"token": given})

    def writes(self) -> None:
        place = self.send("create", "POST", CTE, json=BODY).headers["Location"]
        self.send("read", "GET", place)
        again = self.send("again", "POST", CTE, json=LESS)
        self.answers["same place"] = str(again.headers.get("Location") == place)
        place = again.headers.get("Location", place)
        self.send("read after again", "GET", place)
        self.send("put the same", "PUT", place, json=LESS)
        self.send("put it back", "PUT", place, json=BODY)
        self.send("put less", "PUT", place, json=LESS)
        self.send("put less again", "PUT", place, json=LESS)
        read = self.send("read less", "GET", place)
        tag = {"If-None-Match": read.headers.get("ETag", "")}
        self.send("read known", "GET", place, headers=tag)
        changed = self.send(
            "put back", "PUT", place, json=BODY, headers={"If-Match": read.headers.get("ETag", "")}
        )
        self.answers["tag changed"] = str(
            changed.headers.get("ETag") != read.headers.get("ETag", "")
        )
        self.send("put stale", "PUT", place, json=BODY, headers={"If-Match": '"0"'})
        self.send("unknown property", "PUT", place, json={**BODY, "favouriteColour": "blue"})
        self.send("read unknown property", "GET", place)
        nulls = {**BODY, "programParticipationStatuses": None}
        again = self.send("null collection", "POST", CTE, json=nulls)
        place = again.headers.get("Location", place)
        self.send("id in post", "POST", CTE, json={**BODY, "id": "1" * 32})
        self.send("id mismatch", "PUT", place, json={**BODY, "id": "1" * 32})
        self.send("key change", "PUT", place, json={**BODY, "beginDate": "2026-09-02"})
        self.send("patch", "PATCH", place, json={})
        self.send("post to record", "POST", place, json=BODY)
        self.send("put to collection", "PUT", CTE, json=BODY)
        self.send("delete collection", "DELETE", CTE)
        self.send("get nobody", "GET", NOBODY)
        self.send("put nobody", "PUT", NOBODY, json={**BODY, "beginDate": "2026-10-01"})
        for verb in ("GET", "POST", "PUT", "DELETE"):
            path = CTE if verb == "POST" else NOBODY
            body = {"json": BODY} if verb in ("POST", "PUT") else {}
            self.send(f"anonymous {verb}", verb, path, headers={"Authorization": None}, **body)
        self.send("foreign token", "GET", place, headers={"Authorization": "Bearer no"})
        student = self.sandbox.records("students")[0]["id"]
        self.send("delete referenced", "DELETE", f"{STUDENT}/{student}")
        self.send("delete", "DELETE", place)
        self.send("read deleted", "GET", place)
        self.send("delete again", "DELETE", place)
        self.send("create anew", "POST", CTE, json=BODY)

    def refusals(self) -> None:
        missing = {name: value for name, value in BODY.items() if name != "beginDate"}
        nowhere = {"studentReference": {"studentUniqueId": "nobody"}}
        service = {"cteProgramServiceDescriptor": SERVICE + "No Such Thing"}
        twice = BODY["cteProgramServices"] * 2
        for step, change in {
            "type": {"privateCTEProgram": "often"},
            "length": {"cteProgramServices": [{**twice[0], "cipCode": "1" * 121}]},
            "datetime": {"beginDate": "2026-09-01T00:00:00Z"},
            "descriptor": {"cteProgramServices": [service]},
            "reference": nowhere,
            "twice": {"cteProgramServices": twice},
            "two errors": {"privateCTEProgram": "often", "endDate": "never"},
        }.items():
            self.send(f"wrong {step}", "POST", CTE, json={**BODY, **change})
        self.send("wrong required", "POST", CTE, json=missing)
        self.send("no body", "POST", CTE, headers={"Content-Type": "application/json"})
        self.send("no json", "POST", CTE, data="{", headers={"Content-Type": "application/json"})
        self.send(
            "text", "POST", CTE, data=json.dumps(BODY), headers={"Content-Type": "text/plain"}
        )

    def queries(self) -> None:
        for step, query in {
            "all": {},
            "key": KEY,
            "lower case": {"begindate": "2026-09-01"},
            "program": {"programName": "None"},
            "ed-org": {"educationOrganizationId": "1"},
            "date": {"beginDate": "2026-09-01"},
            "nobody": {"studentUniqueId": "nobody"},
            "encoded": {
                "programTypeDescriptor": OTHER["programReference"]["programTypeDescriptor"]
            },
            "first": {"limit": "1"},
            "second": {"limit": "1", "offset": "1"},
            "first again": {"limit": "1"},
            "total": {"totalCount": "true"},
            "limit -1": {"limit": "-1"},
        }.items():
            self.send(f"query {step}", "GET", CTE, params=query)
        self.send("lower path", "GET", CTE.lower())


@pytest.fixture(scope="module")
def bench():
    """A sandbox whose middleware is changed from test to test, and a walk through it as it is."""
    watch = Watch()
    with Sandbox(middleware=[watch]) as sandbox:
        yield watch, sandbox, walk(watch, sandbox, None)


def walk(watch: Watch, sandbox: Sandbox, middleware) -> dict[str, str]:
    sandbox.clear()
    for collection, records in NEIGHBOURS.items():
        sandbox.load(collection, records)
    watch.middleware = middleware
    return Walk(sandbox).go()


REFUSED = {
    "put stale",
    "id in post",
    "id mismatch",
    "key change",
    "patch",
    "post to record",
    "put to collection",
    "delete collection",
    "get nobody",
    "put nobody",
    *(f"anonymous {verb}" for verb in ("GET", "POST", "PUT", "DELETE")),
    "foreign token",
    "read deleted",
    "delete again",
    "no body",
    "no json",
    "text",
    "query limit -1",
    *(f"wrong {what}" for what in ("type", "length", "datetime", "descriptor", "reference")),
    *(f"wrong {what}" for what in ("twice", "two errors", "required")),
}
#: Refusals of a body that the program itself judged, with or without the paths of what is wrong.
NAMED = {step for step in REFUSED if step.startswith("wrong ")} - {"wrong reference"} | {"no json"}
INVALID = NAMED | {"no body", "id in post", "id mismatch", "key change", "query limit -1"}
#: Refusals of a body about the student; the token must be right, or nothing can be looked up.
ABOUT_STUDENT = (
    NAMED - {"no json"}
    | {"put stale", "id in post", "id mismatch", "key change", "post to record"}
    | {"put to collection", "put nobody", "text"}
)
NOTHING = {"query program", "query ed-org", "query nobody"}
FOUND = {f"query {what}" for what in ("all", "key", "lower case", "date", "encoded")} | {
    *("query first", "query second", "query first again", "query total", "lower path")
}
ONE = FOUND - {"query all", "query encoded", "query total", "lower path"}
READ = {"read", "read after again", "read less", "read unknown property"}

#: What a client notices, for every defect that the scenarios have no occasion for.
EXPECTED: dict[str, set[str]] = {
    "upsert-refused": {"again", "same place", "null collection", "read after again"},
    "upsert-answers-201": {"again", "null collection"},
    "upsert-not-stored": {"read after again"},
    "upsert-makes-second-record": {"again", "same place", "null collection"}
    | FOUND - {"query first", "query first again"},
    "upsert-gives-new-id": {"same place"},
    "anonymous-read-allowed": {"anonymous GET"},
    "anonymous-create-allowed": {"anonymous POST"},
    "anonymous-update-allowed": {"anonymous PUT"},
    "anonymous-delete-allowed": {"anonymous DELETE"},
    "any-token-accepted": {"foreign token"},
    "wrong-secret-accepted": {"wrong secret"},
    "any-grant-accepted": {"wrong grant"},
    "patch-accepted": {"patch"},
    "put-without-id-accepted": {"put to collection"},
    "delete-without-id-accepted": {"delete collection"},
    "post-to-record-accepted": {"post to record"},
    "content-type-not-checked": {"text"},
    "discovery-without-oauth-url": {"discovery"},
    "discovery-without-data-url": {"discovery"},
    "discovery-without-dependencies-url": {"discovery"},
    "discovery-without-data-models": {"discovery"},
    "discovery-urls-relative": {"discovery"},
    "openapi-lacks-property": {"openapi"},
    "openapi-has-another-type": {"openapi"},
    "invalid-data-answers-500": INVALID,
    "unreadable-body-answers-500": {"no body", "no json"},
    "error-with-stack-trace": REFUSED,
    "error-with-personal-data": ABOUT_STUDENT,
    "problem-without-type": REFUSED,
    "problem-with-another-status": REFUSED,
    "problem-without-paths": NAMED,
    "problem-names-one-error": {"wrong two errors"},
    "errors-as-pages": REFUSED,
    "required-not-enforced": {"wrong required"},
    "type-not-enforced": {"wrong type"},
    "length-not-enforced": {"wrong length"},
    "datetime-accepted-for-date": {"wrong datetime"},
    "unknown-descriptor-accepted": {"wrong descriptor"},
    "reference-not-checked": {"wrong reference"},
    "empty-body-accepted": {"no body"},
    "unreadable-json-accepted": {"no json"},
    "duplicate-elements-accepted": {"wrong twice"},
    "key-change-accepted": {"key change"},
    "id-in-post-accepted": {"id in post"},
    "id-mismatch-accepted": {"id mismatch"},
    "put-creates": {"put nobody", "query second"} | FOUND - ONE,
    "put-unknown-id-answers-204": {"put nobody"},
    "get-unknown-id-answers-200": {"get nobody", "read deleted"},
    "put-merges": {"read less", "tag changed"},
    "put-not-idempotent": {"put less again", "put stale"},  # the latter has the same body, too
    "stale-etag-accepted": {"put stale"},
    "etag-never-changes": {"tag changed"},
    "null-collection-refused": {"null collection"},
    "delete-answers-200": {"delete"},
    "delete-not-done": {"read deleted", "delete again", "create anew"},
    "delete-again-answers-204": {"delete again"},
    "delete-of-referenced-answers-204": {"delete referenced"},
    "unknown-property-stored": {"read unknown property"},
    "if-none-match-ignored": {"read known"},
    "query-ignores-student": {"query nobody"},
    "query-ignores-date": {"query key", "query lower case", "query date"},
    "query-ignores-program": {"query program"},
    "query-ignores-ed-org": {"query ed-org"},
    "query-takes-first-condition": {"query key"},
    "query-not-decoded": {"query encoded"},
    "limit-ignored": {"query first", "query first again", "query limit -1"},
    "offset-ignored": {"query second"},
    "pages-overlap": {"query second"},
    "order-unstable": {"query encoded", "query second", "query total"},
    "limits-not-checked": {"query limit -1"},
    "total-count-wrong": {"query total"},
    "total-count-absent": {"query total"},
    "one-record-is-no-array": ONE,
    "empty-collection-answers-404": NOTHING,
    "empty-collection-answers-204": NOTHING,
    "empty-collection-is-null": NOTHING,
    "parameter-case-matters": {"query lower case"},
    "path-case-matters": {"lower path"},
    # Variants that the scenarios have no occasion for.
    "old-error-bodies": REFUSED | {"delete referenced"},
    "empty-error-bodies": REFUSED | {"delete referenced"},
    "no-openapi": {"discovery", "openapi"},
    "no-token-info": {"token info"},
    "unresolved-reference-400": {"wrong reference"},
}


def test_nothing_is_altered_without_a_defect(bench) -> None:
    watch, sandbox, usual = bench
    assert walk(watch, sandbox, lambda request, proceed: proceed(request)) == usual
    assert watch.take() == 0


@pytest.mark.parametrize("name", EXPECTED)
def test_a_defect_alters_what_it_says(name: str, bench) -> None:
    watch, sandbox, usual = bench
    watch.take()
    answers = walk(watch, sandbox, {**DEFECTS, **VARIANTS}[name].make())
    noticed = {step for step in usual if answers[step] != usual[step]}
    assert noticed == EXPECTED[name], sorted(noticed ^ EXPECTED[name])
    assert watch.take() > 0
    assert not any("inside the sandbox" in text for text in answers.values())


def test_every_defect_of_the_contract_group_is_walked_through() -> None:
    assert {each.name for each in DEFECTS.values() if each.group == "contract"} <= set(EXPECTED)
