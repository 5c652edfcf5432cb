"""Change queries: change versions, deletions and key changes."""

import pytest
import requests

from pytest_edfi_cte.sandbox import Client, Sandbox
from pytest_edfi_cte.sandbox.changes import Query, Range, select
from pytest_edfi_cte.sandbox.store import Condition
from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, refused, student, uri
from tests.sandbox.test_concurrency import plans

NEIGHBOUR = Client("neighbour", "secret", (255950,))
READER = Client("reader", "secret", (255901,), "read-only")
ASSESSOR = Client("assessor", "secret", (255901,), "Assessment Vendor")


def newest(api):
    base = requests.get(api.sandbox.url).json()["urls"]["changeQueries"]
    answer = api("GET", f"{base}availableChangeVersions")
    assert answer.status_code == 200
    document = answer.json()
    assert document["oldestChangeVersion"] == 0
    assert set(document) == {"oldestChangeVersion", "newestChangeVersion"}
    return document["newestChangeVersion"]


def removed(api, address):
    assert api.delete(address).status_code == 204
    return newest(api)


def keys(answer):
    assert answer.status_code == 200, answer.text
    return [entry["keyValues"] for entry in answer.json()]


def test_every_write_gives_a_greater_version(api):
    seen = [newest(api)]
    address = api.made("students", student())
    seen.append(newest(api))
    api.made(ENROLLMENTS, enrollment())
    assert api.put(address, student(middleName="Mary")).status_code == 204
    seen.append(newest(api))
    assert api.put(address, student(middleName="Mary")).status_code == 204
    assert newest(api) == seen[-1]  # nothing changed
    api.made(ENROLLMENTS, enrollment(school=255901044))
    seen.append(newest(api))
    assert seen == sorted(set(seen))


def test_clear_forgets_changes_and_gives_no_version_twice(associated):
    associated.put(associated.enrollment, enrollment() | {"entryDate": "2024-09-01"})
    version = removed(associated, associated.association)
    associated.sandbox.clear()
    associated.login()
    assert newest(associated) == version
    assert associated.get(f"{CTE}/deletes").json() == []
    assert associated.get(f"{ENROLLMENTS}/keyChanges").json() == []
    associated.made("students", student())
    assert newest(associated) > version


def test_a_file_keeps_versions_and_changes(tmp_path, connect):
    file = tmp_path / "sandbox.db"
    with Sandbox(db=file) as box:
        api = connect(box)
        api.made("students", student())
        address = api.made(ENROLLMENTS, enrollment())
        version = removed(api, address)
        told = api.get(f"{ENROLLMENTS}/deletes").json()
        assert told[0]["changeVersion"] == version
    with Sandbox(db=file) as box:
        api = connect(box)
        assert newest(api) == version
        assert api.get(f"{ENROLLMENTS}/deletes").json() == told
        api.made(ENROLLMENTS, enrollment(entryTypeDescriptor=None))
        assert newest(api) > version
        assert api.get(f"{ENROLLMENTS}/deletes").json() == []


def test_only_what_was_written_in_the_range_is_found(enrolled):
    first = newest(enrolled)
    enrolled.made("students", student("2"))
    enrolled.made(ENROLLMENTS, enrollment("2"))
    second = newest(enrolled)

    def found(**window):
        answer = enrolled.get("students", totalCount="true", **window)
        ids = [row["studentUniqueId"] for row in answer.json()]
        assert answer.headers["Total-Count"] == str(len(ids))
        return ids

    assert found(minChangeVersion=0) == ["222222", "2"]
    assert found(minChangeVersion=first) == ["2"]
    assert found(maxChangeVersion=first) == ["222222"]
    assert found(minChangeVersion=first + 1, maxChangeVersion=first + 1) == ["2"]  # inclusive
    assert found(MINCHANGEVERSION=second) == []
    assert found(minChangeVersion=first, studentUniqueId="222222") == []
    assert found(minChangeVersion="") == ["222222", "2"]  # as if it were not there


def test_an_update_moves_a_record_into_the_range(enrolled):
    before = newest(enrolled)
    (row,) = enrolled.get("students").json()
    assert enrolled.get("students", minChangeVersion=before + 1).json() == []
    assert enrolled.put(f"students/{row['id']}", student(middleName="M")).status_code == 204
    assert len(enrolled.get("students", minChangeVersion=before + 1).json()) == 1


@pytest.mark.parametrize("path", ["students", "students/deletes", "students/keyChanges"])
@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9223372036854775808", "0x1"])
@pytest.mark.parametrize("name", ["minChangeVersion", "maxChangeVersion"])
def test_a_malformed_version_is_refused(api, path, name, value):
    document = refused(
        api.get(path, **{name: value}), 400, "bad-request:parameter-validation-failed"
    )
    assert document["errors"] == [f"{name} must be a whole number from 0."]


def test_a_range_that_ends_before_it_begins_is_refused(api):
    answer = api.get("students", minChangeVersion=2, maxChangeVersion=1)
    document = refused(answer, 400, "bad-request:parameter-validation-failed")
    assert document["errors"] == ["minChangeVersion must not be greater than maxChangeVersion."]
    assert api.get("students", minChangeVersion=2, maxChangeVersion=2).status_code == 200


def test_a_deletion_is_told_with_its_key(associated):
    record = associated.association.rpartition("/")[2]
    version = removed(associated, associated.association)
    assert associated.get(f"{CTE}/deletes").json() == [
        {
            "id": record,
            "changeVersion": version,
            "keyValues": {
                "beginDate": "2024-08-23",
                "educationOrganizationId": 255901,
                "programEducationOrganizationId": 255901,
                "programName": "Career and Technical Education",
                "programTypeDescriptor": uri(
                    "ProgramTypeDescriptor", "Career and Technical Education"
                ),
                "studentUniqueId": "222222",
            },
        }
    ]
    assert associated.get("students/deletes").json() == []


def test_a_descriptor_is_told_by_namespace_and_code(api):
    body = {
        "namespace": "uri://ed-fi.org/SexDescriptor",
        "codeValue": "New",
        "shortDescription": "New",
    }
    removed(api, api.made("sexDescriptors", body))
    del body["shortDescription"]
    assert keys(api.get("sexDescriptors/deletes")) == [body]
    assert api.get("sexDescriptors/keyChanges").json() == []


def test_what_exists_again_is_no_deletion(associated):
    removed(associated, associated.association)
    associated.association = associated.made(CTE, association())
    assert associated.get(f"{CTE}/deletes", totalCount="true").headers["Total-Count"] == "0"
    assert associated.get(f"{CTE}/deletes").json() == []
    removed(associated, associated.association)
    both = associated.get(f"{CTE}/deletes").json()
    assert len({entry["id"] for entry in both}) == 2


def test_deletions_are_paged_counted_and_in_the_order_of_their_versions(enrolled):
    addresses = [
        enrolled.made(CTE, association(beginDate=f"2024-08-{day}")) for day in (25, 24, 23)
    ]
    before = newest(enrolled)
    for address in addresses:
        removed(enrolled, address)

    def dates(**window):
        return [k["beginDate"] for k in keys(enrolled.get(f"{CTE}/deletes", **window))]

    assert dates() == ["2024-08-25", "2024-08-24", "2024-08-23"]
    assert dates(limit=1, offset=1) == ["2024-08-24"]
    assert dates(minChangeVersion=before + 2) == ["2024-08-24", "2024-08-23"]
    assert dates(maxChangeVersion=before + 2) == ["2024-08-25", "2024-08-24"]
    answer = enrolled.get(f"{CTE}/DELETES/", limit=0, totalCount="TRUE")
    assert (answer.json(), answer.headers["Total-Count"]) == ([], "3")
    assert "Total-Count" not in enrolled.get(f"{CTE}/deletes").headers
    assert "Next-Page-Token" not in enrolled.get(f"{CTE}/deletes", limit=1).headers
    refused(
        enrolled.get(f"{CTE}/deletes", limit=501), 400, "bad-request:parameter-validation-failed"
    )


def test_key_changes_of_one_record_become_one(enrolled):
    before = newest(enrolled)
    record = enrolled.enrollment.rpartition("/")[2]
    for day in (1, 2):
        body = enrollment() | {"entryDate": f"2024-09-0{day}"}
        assert enrolled.put(enrolled.enrollment, body).status_code == 204
    (entry,) = enrolled.get(f"{ENROLLMENTS}/keyChanges", totalCount="true").json()
    key = {"schoolId": 255901001, "studentUniqueId": "222222"}
    assert entry["id"] == record
    assert entry["oldKeyValues"] == {"entryDate": "2024-08-31", **key}
    assert entry["newKeyValues"] == {"entryDate": "2024-09-02", **key}
    assert before < entry["changeVersion"] <= newest(enrolled)
    # A range that holds the second change alone begins at the key in between.
    later = {"minChangeVersion": entry["changeVersion"]}
    (entry,) = enrolled.get(f"{ENROLLMENTS}/keyChanges", **later).json()
    assert entry["oldKeyValues"]["entryDate"] == "2024-09-01"
    assert enrolled.get(f"{ENROLLMENTS}/deletes").json() == []


def test_an_update_that_keeps_the_key_is_no_key_change(enrolled):
    body = enrollment() | {"entryDate": "2024-08-31", "primarySchool": True}
    assert enrolled.put(enrolled.enrollment, body).status_code == 204
    assert enrolled.get(f"{ENROLLMENTS}/keyChanges").json() == []


def test_a_refused_delete_or_key_change_is_not_told(associated):
    assert (
        associated.delete("students/" + associated.get("students").json()[0]["id"]).status_code
        == 409
    )
    refused(
        associated.put(associated.association, association(beginDate="2024-01-01")),
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
    )
    for name in ("students", CTE):
        assert associated.get(f"{name}/deletes").json() == []
        assert associated.get(f"{name}/keyChanges").json() == []


def test_other_keys_see_no_changes_of_ours(new_box, connect):
    box = new_box(clients=[NEIGHBOUR, READER])
    api = connect(box)
    api.made("students", student())
    address = api.made(ENROLLMENTS, enrollment())
    assert api.put(address, enrollment() | {"entryDate": "2024-09-01"}).status_code == 204
    removed(api, api.made(CTE, association()))
    removed(api, address)
    removed(api, "students/" + api.sandbox.records("students")[0]["id"])
    for kind, name in (("deletes", CTE), ("deletes", ENROLLMENTS), ("deletes", "students")):
        mine = connect(box, READER).get(f"{name}/{kind}", totalCount="true")
        assert (len(mine.json()), mine.headers["Total-Count"]) == (1, "1"), name
        theirs = connect(box, NEIGHBOUR).get(f"{name}/{kind}", totalCount="true")
        assert (theirs.json(), theirs.headers["Total-Count"]) == ([], "0"), name
    assert len(connect(box, READER).get(f"{ENROLLMENTS}/keyChanges").json()) == 1
    assert connect(box, NEIGHBOUR).get(f"{ENROLLMENTS}/keyChanges").json() == []


def test_a_claim_set_without_the_resource_has_no_changes_of_it(new_box, connect):
    api = connect(new_box(clients=[ASSESSOR]), ASSESSOR)
    for kind in ("deletes", "keyChanges"):
        denied = "security:authorization:access-denied:resource"
        refused(api.get(f"{CTE}/{kind}"), 403, denied)
        assert api.get(f"students/{kind}").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        "/data/v3/ed-fi/students/deletes",
        "/data/v3/ed-fi/students/keyChanges",
        "/changeQueries/v1/availableChangeVersions",
    ],
)
def test_changes_can_only_be_read(api, method, path):
    answer = api(method, api.sandbox.url + path, json={})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "path",
    [
        "/data/v3/ed-fi/students/deletes",
        "/data/v3/ed-fi/students/keyChanges",
        "/changeQueries/v1/availableChangeVersions",
    ],
)
def test_changes_need_a_token_and_have_no_snapshot(api, path):
    assert requests.get(api.sandbox.url + path).status_code == 401
    refused(api("GET", api.sandbox.url + path, headers={"Use-Snapshot": "true"}), 404, "not-found")


def test_there_are_no_changes_of_what_does_not_exist(api):
    refused(api.get("nothings/deletes"), 404, "not-found")
    refused(api("GET", f"{api.sandbox.url}/changeQueries/v1/other"), 404, "not-found")


def test_a_range_is_looked_up_and_not_searched_for(box):
    """However many records there are: what has not changed is not read."""
    store = box._engine.store
    bounds = [Condition(f"{end}ChangeVersion", 1, key=False) for end in ("min", "max")]
    plan = plans(box, lambda: store.select("students", bounds))
    assert "SEARCH r USING INDEX record_version (resource=? AND version>? AND version<?)" in plan
    query = Query("students", key_changes=False, versions=Range(1, 2), claims=(255901,))
    plan = plans(box, lambda: store.ask(lambda db: select(db, query, 25, 0)))
    assert "SEARCH r USING INDEX change_order (resource=? AND version>? AND version<?)" in plan
