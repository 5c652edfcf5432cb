"""The admin path, and the client for it."""

import json
from pathlib import Path

import pytest
import requests

from pytest_edfi_cte.sandbox import Client, log
from pytest_edfi_cte.sandbox.remote import RemoteSandbox
from tests.sandbox.support import CTE, Api, association, student


@pytest.fixture
def remote(box):
    controlled = RemoteSandbox(box.admin_url, box.admin_token)
    yield controlled
    controlled.close()


def test_it_is_the_same_sandbox(box, remote):
    assert repr(remote) == f"<RemoteSandbox {box.url}>"
    remote.load("students", iter([student()]))
    assert remote.records("students") == box.records("students") != []
    api = Api(remote)
    assert api.get("schools").status_code == 200
    assert remote.requests == box.requests
    assert [r.path for r in remote.received(box.requests[1].number)] == ["/data/v3/ed-fi/schools"]
    remote.clear()
    assert box.records("students") == remote.requests == []
    api.close()


def test_faults(box, remote, connect):
    api = connect(box)
    with remote.fault(method="GET", path="/ed-fi/schools", status=500) as fault:
        assert api.get("schools").status_code == 500
        assert fault.hits == 1
    assert api.get("schools").status_code == 200
    with pytest.raises(LookupError, match="switched off"):
        _ = fault.hits
    remote.fault(status=500)
    remote.ask("DELETE", "/faults")
    assert box.faults == []


def test_collections_of_other_namespaces(new_box):
    box = new_box(openapi=[Path(__file__).parent / "documents" / "tx-openapi3.yaml"])
    remote = RemoteSandbox(box.admin_url, box.admin_token)
    value = {"namespace": "uri://tx.example/x", "codeValue": "a", "shortDescription": "a"}
    remote.load("tx/endorsementTypeDescriptors", [value])
    (record,) = remote.records("TX/endorsementTypeDescriptors")
    assert record["codeValue"] == "a"
    with pytest.raises(ValueError, match=r"no resource 'tx/uni\?corns'"):
        remote.records("tx/uni?corns")
    remote.close()


def test_a_defect_from_another_process(box, remote, associated):
    changed = association(endDate="2025-06-01")
    with remote.fault(method="PUT", defect="update-not-stored") as fault:
        assert associated.put(associated.association, changed).status_code == 204
        assert fault.hits == 1
        assert "endDate" not in box.records(CTE)[0]
    assert associated.put(associated.association, changed).status_code == 204
    assert box.records(CTE)[0]["endDate"] == "2025-06-01"


def test_json_too_deep_to_read(remote):
    for path in ("/faults", "/records/students"):
        answer = requests.post(
            remote.admin_url + path,
            data="[" * 200_000,
            headers={"Authorization": f"Bearer {remote.admin_token}"},
        )
        assert (answer.status_code, answer.json()) == (400, {"error": "The body is not JSON."})


def test_what_is_wrong_is_said(remote):
    with pytest.raises(ValueError, match="no resource 'unicorns'"):
        remote.records("unicorns")
    with pytest.raises(ValueError, match="is required"):
        remote.load("students", [{}])
    with pytest.raises(ValueError, match="must do something"):
        remote.fault(method="GET")
    with pytest.raises(ValueError, match="unicorn"):
        remote.fault(unicorn=1)
    with pytest.raises(ValueError, match="status '503' is not a whole number"):
        remote.fault(status="503")
    for path, text in (("/records/students", "an array"), ("/faults", "an object")):
        with pytest.raises(ValueError, match=text):
            remote.ask("POST", path, "text")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic eDp5", "Bearer", "Bearer é"])
def test_only_with_the_token(box, header):
    headers = {"Authorization": header.encode()} if header else {}
    for method, path in (("GET", "/"), ("POST", "/clear"), ("GET", "/nothing")):
        answer = requests.request(method, box.admin_url + path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "admin token" in answer.json()["error"]
        assert box.client_secret not in answer.text


def test_a_token_for_the_api_is_none_for_the_admin_path(box, api):
    assert api("GET", box.admin_url).status_code == 401


def test_what_is_not_there(box):
    headers = {"Authorization": f"Bearer {box.admin_token}"}
    assert requests.get(f"{box.admin_url}/nothing", headers=headers).status_code == 404
    assert requests.put(f"{box.admin_url}/clear", headers=headers).status_code == 405
    answer = requests.post(f"{box.admin_url}/faults", data="{", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "The body is not JSON.")


def test_admin_requests_are_neither_listed_nor_troubled(box, remote):
    remote.fault(path="*", status=500)
    assert remote.requests == []
    remote.clear()
    assert requests.get(f"{box.url}/sandbox-administration").status_code == 404
    assert [r.path for r in box.requests] == ["/sandbox-administration"]


def test_secrets_are_not_in_what_is_listed(box, api, remote):
    api.get("schools", nameOfInstitution=box.client_secret)
    api.post("students", student(middleName=box.client_secret), headers={"X-A": box.client_secret})
    shown = str(box.requests) + str(remote.ask("GET", "/requests"))

    assert box.client_secret not in shown
    assert api.session.headers["Authorization"].split()[1] not in shown
    last = box.requests[-1]
    assert last.headers["authorization"] == last.headers["x-a"] == "***"
    assert '"middleName": "***"' in last.body


def test_secrets_are_masked_however_they_are_written(new_box, connect):
    secret = '"q" \\ /+&?=#'
    box = new_box(client_secret=secret, clients=[Client("other", "é", (255901,))])
    api = connect(box)
    api.get("schools", nameOfInstitution=secret)
    api.post("students", student(middleName=secret))
    requests.post(box.url, data={"client_secret": secret})
    requests.post(box.url, data=json.dumps({"x": "é"}))

    *_, get, post, form, raw = box.requests
    assert get.path == "/data/v3/ed-fi/schools?nameOfInstitution=***"
    assert '"middleName": "***"' in post.body
    assert form.body == "client_secret=***"
    assert raw.body == '{"x": "***"}'


def test_what_is_listed_of_a_request(box, api, clock):
    made = api.made("students", student())
    api.get("schools")
    token, post, get = box.requests

    assert [r.number for r in box.requests] == [token.number, token.number + 1, token.number + 2]
    assert token.body is None
    assert post.location == made
    assert '"studentUniqueId": "222222"' in post.body
    assert post.headers["content-type"] == "application/json"
    assert get.body is get.location is None
    assert token.connection == post.connection == get.connection
    assert post.time == clock.now
    assert 0 < post.duration < 60


def test_of_very_many_requests_the_latest_are_kept(new_box, monkeypatch):
    monkeypatch.setattr(log, "KEPT", 3)
    box = new_box(year=2027)
    for number in range(5):
        requests.get(f"{box.url}/{number}")
    assert [r.path for r in box.requests] == ["/2", "/3", "/4"]
    assert RemoteSandbox(box.admin_url, box.admin_token).url == box.url
