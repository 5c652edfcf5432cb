import pytest
import requests

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.sandbox.auth import LIFETIME, Client, OAuthError, Tokens
from tests.sandbox.support import DATA, refused

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def ask(box):
    def post(**more):
        return requests.post(f"{box.url}/oauth/token", **more)

    return post


def in_body(box, **more):
    return {**GRANT, "client_id": box.client_id, "client_secret": box.client_secret, **more}


@pytest.fixture(params=["basic", "form", "json"])
def right(request, box):
    """The three ways to send right credentials."""
    return {
        "basic": {"data": GRANT, "auth": (box.client_id, box.client_secret)},
        "form": {"data": in_body(box)},
        "json": {"json": in_body(box)},
    }[request.param]


def test_right_credentials_get_a_token_that_works(box, ask, right):
    answer = ask(**right)

    assert answer.status_code == 200
    token = answer.json()
    assert not list(shipped().validator("protocol", "token").iter_errors(token))
    assert (token["expires_in"], token["token_type"]) == (1800, "bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    header = {"Authorization": f"Bearer {token['access_token']}"}
    assert requests.get(f"{box.url}{DATA}/schools", headers=header).status_code == 200


def test_basic_with_a_json_body(box, ask):
    answer = ask(json=GRANT, auth=(box.client_id, box.client_secret))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        {"client_secret": "wrong"},
        {"client_id": "wrong"},
        {"client_secret": None},
        {"client_id": None},
        {"client_id": ["a"]},
        {"client_secret": "\ud800"},
        {"client_secret": 7},
    ],
)
def test_wrong_credentials_are_refused(box, ask, credentials):
    answer = ask(json=in_body(box, **credentials))

    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client"}
    assert answer.headers["WWW-Authenticate"] == "Basic"


@pytest.mark.parametrize("header", ["Basic %%%", "Bearer abc", "Basic"])
def test_a_header_that_is_no_basic_is_no_credential(ask, header):
    assert ask(data=GRANT, headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"data": {"grant_type": "password"}}, "unsupported_grant_type"),
        ({"json": {"grant_type": 1}}, "unsupported_grant_type"),
        ({"data": {}}, "invalid_request"),
        ({"json": {}}, "invalid_request"),
        ({"json": ["client_credentials"]}, "invalid_request"),
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, "invalid_request"),
    ],
)
def test_a_request_without_the_grant_is_refused(box, ask, body, error):
    answer = ask(auth=(box.client_id, box.client_secret), **body)

    assert answer.status_code == 400
    assert answer.json() == {"error": error}


def test_a_token_can_only_be_posted_for(box):
    refused(requests.get(f"{box.url}/oauth/token"), 405, "method-not-allowed")


def test_json_too_deep_to_read_is_refused(box):
    deep = {"data": "[" * 200_000, "headers": {"Content-Type": "application/json"}}
    answer = requests.post(f"{box.url}/oauth/token", **deep)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_an_oversized_form_is_refused(ask):
    answer = ask(files={"grant_type": (None, "x" * 600_000)})

    refused(answer, 413, "bad-request")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, "missing"),
        ("", "missing"),
        ("Basic abc", "Bearer scheme"),
        ("abc", "Bearer scheme"),
        ("Bearer", "carries no token"),
        ("Bearer  ", "carries no token"),
        ("Bearer unknown", "unknown or has expired"),
    ],
)
@pytest.mark.parametrize("path", ["students", "students/0", "nothing", "a/b/c"])
def test_data_needs_a_token(box, header, text, path):
    headers = {} if header is None else {"Authorization": header}
    answer = requests.get(f"{box.url}{DATA}/{path}", headers=headers)

    assert text in refused(answer, 401, "security:authentication")["detail"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_may_be_written_in_any_case(api):
    header = api.session.headers["Authorization"].replace("Bearer", "bearer")

    assert api("GET", "schools", headers={"Authorization": header}).status_code == 200


def test_a_token_ends_after_its_lifetime(api, clock):
    clock.now += LIFETIME - 1
    assert api.get("schools").status_code == 200
    clock.now += 1
    refused(api.get("schools"), 401, "security:authentication")
    api.login()
    assert api.get("schools").status_code == 200


def test_clear_revokes_tokens(api):
    api.sandbox.clear()

    refused(api.get("schools"), 401, "security:authentication")


def test_expired_tokens_are_forgotten():
    now = [0.0]
    tokens = Tokens([Client("id", "secret", ())], lambda: now[0])
    old = tokens.issue("client_credentials", "id", "secret")
    now[0] += LIFETIME
    tokens.issue("client_credentials", "id", "secret")

    assert old not in tokens._tokens
    assert len(tokens._tokens) == 1


def test_a_client_does_not_show_its_secret():
    assert "hush" not in repr(Client("id", "hush", ()))


def test_an_oauth_error_is_its_code():
    assert str(OAuthError(401, "invalid_client")) == "invalid_client"
