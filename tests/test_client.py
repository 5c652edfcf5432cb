"""The client over real HTTP: discovery, token, retries, evidence."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest
import trustme
from werkzeug.wrappers import Response

from pytest_edfi_cte.client.discovery import api_from, discover, origin
from pytest_edfi_cte.client.exchange import BODY_LIMIT, Exchange, Recorder, without_userinfo
from pytest_edfi_cte.client.problems import describe, problem_type
from pytest_edfi_cte.client.session import Anonymous, EdFiSession, HttpSession, Transport
from pytest_edfi_cte.client.tokens import Token, TokenSource
from pytest_edfi_cte.client.transport import describe_failure
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.errors import ConfigurationError, RequestFailed
from pytest_edfi_cte.secret import MASK, Redactor, Secret
from tests.servers import raw_server, serving

JSON = "application/json"


def as_json(body, status=200, **headers) -> Response:
    return Response(json.dumps(body), status, headers=headers, content_type=JSON)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Redactor())


@pytest.fixture
def http(recorder):
    with HttpSession(Transport(retries=3, backoff=0), recorder) as session:
        yield session


def document(base: str, **changes) -> dict:
    return {
        "version": "7.3",
        "dataModels": [{"name": "Ed-Fi", "version": "5.2.0"}],
        "urls": {"oauth": f"{base}/oauth/token", "dataManagementApi": f"{base}/data/v3/"},
        **changes,
    }


class Host:
    """An API whose answers a test scripts: path -> list of responses, the last one repeats."""

    def __init__(self) -> None:
        self.answers: dict[str, list] = {}
        self.seen: list = []
        self.base = ""

    def __call__(self, request):
        request.get_data()
        self.seen.append(request)
        queue = self.answers.get(request.path, [as_json({"detail": "unknown"}, 404)])
        return queue.pop(0) if len(queue) > 1 else queue[0]


@pytest.fixture
def host():
    host = Host()
    with serving(host) as base:
        host.base = base
        host.answers["/"] = [as_json(document(base))]
        host.answers["/oauth/token"] = [
            as_json({"access_token": "tok-1-secret", "expires_in": 1800, "token_type": "bearer"})
        ]
        yield host


@pytest.fixture
def connect(host, http, recorder):
    sessions = []

    def make(**options) -> EdFiSession:
        api = discover(http, host.base, shipped())
        tokens = TokenSource(
            http, api.oauth_url, "key", Secret("s3cr3t-value"), shipped(), **options
        )
        session = EdFiSession(api, http.transport, recorder, tokens)
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.close()


# -- discovery ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "standard"), [("5.2.0", "5.0"), ("5.0", "5.0"), ("4.0.0-a", "4.0"), ("6.1", "5.0")]
)
def test_data_standard_is_the_nearest_not_later(named, standard) -> None:
    models = [{"name": "TPDM", "version": "1.1"}, {"name": "ed-fi", "version": named}]
    api = api_from(document("https://host", dataModels=models), "https://host", shipped())
    assert (api.standard, api.data_standard) == (standard, named)
    assert bool(api.notes) == (named == "6.1")


def test_data_standard_that_is_not_named_is_noted() -> None:
    api = api_from(document("https://host", dataModels=None), "https://host", shipped())
    assert (api.standard, api.data_standard) == ("5.0", "not stated")
    assert "names no Ed-Fi data model" in api.notes[0]


def test_data_standard_3_is_refused() -> None:
    models = [{"name": "Ed-Fi", "version": "3.3"}]
    with pytest.raises(
        ConfigurationError, match=r"uses Data Standard 3\.3; this kit judges 4\.0 and later"
    ):
        api_from(document("https://host", dataModels=models), "https://host", shipped())


def test_nothing_is_assumed_about_the_addresses() -> None:
    urls = {
        "oauth": "https://login.host/connect",
        "dataManagementApi": "https://data.host/t1/2027/dms",
    }
    api = api_from(document("", urls=urls), "https://host/t1/2027/", shipped())
    assert api.data_url == "https://data.host/t1/2027/dms/"
    assert api.oauth_url == "https://login.host/connect"
    assert api.base_url == "https://host/t1/2027"
    assert ("https", "data.host", 443) in api.origins
    assert ("https", "login.host", 443) not in api.origins


@pytest.mark.parametrize("name", ["oauth", "dataManagementApi"])
def test_secret_is_not_sent_unencrypted_where_the_base_is_https(name) -> None:
    urls = {**document("https://host")["urls"], name: "http://host/x"}
    with pytest.raises(ConfigurationError, match="would travel unencrypted, so nothing was sent"):
        api_from(document("", urls=urls), "https://host", shipped())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"urls": {}},
        {"urls": {"oauth": "x"}},
        [],
        "text",
        {"urls": {"oauth": 1, "dataManagementApi": "x"}},
    ],
)
def test_json_that_is_no_discovery_document_is_refused(body) -> None:
    with pytest.raises(
        ConfigurationError, match="is not an Ed-Fi API: its JSON is no discovery document"
    ):
        api_from(body, "https://host", shipped())


def test_html_is_refused(host, http) -> None:
    host.answers["/"] = [Response("<html>Welcome</html>", content_type="text/html")]
    with pytest.raises(ConfigurationError, match="it answered with text/html"):
        discover(http, host.base, shipped())


def test_a_data_address_is_recognised(host, http) -> None:
    with pytest.raises(
        ConfigurationError, match="answered 404.*--edfi-url=http://localhost:[0-9]+$"
    ):
        discover(http, host.base + "/data/v3", shipped())


@pytest.mark.parametrize(("given", "served"), [("/api", "/api/"), ("/api/", "/api")])
def test_trailing_slash_of_the_base_does_not_matter(given, served, host, http) -> None:
    host.answers = {served: [as_json(document(host.base))]}
    assert discover(http, host.base + given, shipped()).version == "7.3"


def test_unreachable_host(http) -> None:
    with pytest.raises(
        ConfigurationError, match="cannot reach the Ed-Fi API at .*Connection refused"
    ):
        discover(http, "http://127.0.0.1:9", shipped())


# -- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    host = Host()
    with serving(host, certificate=pem) as base:
        host.base, host.bundle = base, str(bundle)
        host.answers["/"] = [as_json(document(base))]
        yield host


def test_self_signed_certificate_is_refused_once_with_the_option_to_use(
    secure, http, recorder
) -> None:
    with pytest.raises(
        ConfigurationError, match="certificate is not trusted here.*--edfi-ca-bundle FILE"
    ):
        discover(http, secure.base, shipped())
    assert len(recorder) == 1


def test_a_port_without_tls_is_recognised(host, http) -> None:
    with pytest.raises(
        ConfigurationError, match="does not speak TLS; is the address http://"
    ) as caught:
        discover(http, host.base.replace("http:", "https:"), shipped())
    assert "--edfi-insecure" not in str(caught.value)


def test_ca_bundle_is_used_even_beside_requests_ca_bundle(secure, recorder, monkeypatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trustme.__file__)
    with HttpSession(Transport(ca_bundle=secure.bundle), recorder) as session:
        assert discover(session, secure.base, shipped()).version == "7.3"


def test_requests_ca_bundle_works(secure, http, monkeypatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.bundle)
    assert discover(http, secure.base, shipped()).version == "7.3"


def test_insecure_connects_without_warning(secure, recorder) -> None:
    with HttpSession(Transport(insecure=True), recorder) as session:
        assert discover(session, secure.base, shipped()).version == "7.3"


# -- token ----------------------------------------------------------------------------------------


def test_one_token_serves_all_requests(host, connect) -> None:
    session = connect()
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    for _ in range(3):
        assert session.get("/ed-fi/students").json() == []
    paths = [request.path for request in host.seen]
    assert paths.count("/oauth/token") == 1
    assert host.seen[-1].headers["Authorization"] == "Bearer tok-1-secret"
    token_request = next(r for r in host.seen if r.path == "/oauth/token")
    assert token_request.authorization.username == "key"
    assert token_request.form["grant_type"] == "client_credentials"


def test_a_401_renews_the_token_once(host, connect) -> None:
    second = as_json({"access_token": "tok-2-secret", "expires_in": 1800, "token_type": "bearer"})
    host.answers["/oauth/token"].append(second)
    host.answers["/data/v3/ed-fi/students"] = [as_json({}, 401), as_json([])]
    session = connect()
    assert session.get("/ed-fi/students").status_code == 200
    assert host.seen[-1].headers["Authorization"] == "Bearer tok-2-secret"
    host.answers["/data/v3/ed-fi/students"] = [as_json({}, 401)]
    before = len(host.seen)
    assert session.get("/ed-fi/students").status_code == 401
    assert len(host.seen) == before + 3


@pytest.mark.parametrize("expires_in", [1800, "1800", 1_000_001_800])
def test_token_is_renewed_before_it_expires(expires_in, host, connect) -> None:
    now = [1_000_000_000.0]
    host.answers["/oauth/token"] = [as_json({"access_token": "tok", "expires_in": expires_in})]
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    session = connect(clock=lambda: now[0])

    def fetched() -> int:
        session.get("/ed-fi/students")
        return sum(request.path == "/oauth/token" for request in host.seen)

    assert fetched() == 1
    now[0] += 1700
    assert fetched() == 1
    now[0] += 50
    assert fetched() == 2


def test_token_without_expiry_is_kept(host, connect) -> None:
    host.answers["/oauth/token"] = [as_json({"access_token": "tok"})]
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    session = connect(clock=lambda: 9e9)
    session.get("/ed-fi/students")
    session.get("/ed-fi/students")
    assert sum(request.path == "/oauth/token" for request in host.seen) == 1


def test_a_token_handed_over_is_used(host, connect) -> None:
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    connect(token=Token(Secret("tok-of-controller"), None)).get("/ed-fi/students")
    assert host.seen[-1].headers["Authorization"] == "Bearer tok-of-controller"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            as_json({"error": "invalid_client"}, 401),
            r"refused the client 'key', sent by HTTP Basic \(401: invalid_client\).*EDFI_CLIENT_SECRET",
        ),
        (as_json({"error": "unsupported_grant_type"}, 400), "unsupported_grant_type"),
        (as_json({"detail": "Too many tokens."}, 418), r"gave no token \(418: Too many tokens\.\)"),
        (Response("<html>", content_type="text/html"), "answered 200 without a usable token"),
        (as_json({"token": "x"}), "without a usable token"),
        (as_json({"access_token": "x", "token_type": "mac"}), r"\$\.token_type"),
    ],
)
def test_no_usable_token(answer, says, host, connect) -> None:
    host.answers["/oauth/token"] = [answer]
    with pytest.raises(ConfigurationError, match=says):
        connect().get("/ed-fi/students")


def test_unreachable_token_host(host, http) -> None:
    source = TokenSource(http, "http://127.0.0.1:9/token", "key", Secret("s3cr3t-value"), shipped())
    with pytest.raises(
        ConfigurationError,
        match=r"no token: POST http://127.0.0.1:9/token: .*refused.*\(urls\.oauth\)",
    ):
        source()


def test_token_goes_to_the_api_alone(host, connect) -> None:
    other = Host()
    other.answers["/elsewhere"] = [as_json([])]
    session = connect()
    with serving(other) as base:
        session.get(base + "/elsewhere")
    assert "Authorization" not in other.seen[0].headers


def test_own_credentials_replace_the_token(host, connect) -> None:
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    session = connect()
    session.get("/ed-fi/students", auth=Anonymous())
    assert "Authorization" not in host.seen[-1].headers
    assert not any(request.path == "/oauth/token" for request in host.seen)


def test_netrc_does_not_replace_the_token(host, connect, tmp_path, monkeypatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login other password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    connect().get("/ed-fi/students")
    assert host.seen[-1].headers["Authorization"] == "Bearer tok-1-secret"


def test_a_redirected_write_is_not_turned_into_a_read(host, connect) -> None:
    moved = Response(status=302, headers={"Location": "/data/v3/ed-fi/students"})
    host.answers["/data/v3/ed-fi/programs"] = [moved]
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    session = connect()
    assert session.post("/ed-fi/programs", json={}).status_code == 302
    assert session.get("/ed-fi/programs").status_code == 200


# -- retries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_passing_failures_are_retried_and_recorded(status, method, host, http, recorder) -> None:
    host.answers["/x"] = [as_json({"detail": "busy"}, status), as_json({}, 200)]
    assert http.request(method, host.base + "/x", json={"a": 1}).status_code == 200
    first, second = recorder.since(0)
    assert (first.status, first.attempt, second.status, second.attempt) == (status, 1, 200, 2)
    assert "busy" in first.response_body
    assert first.request_body == second.request_body == '{"a": 1}'
    assert second.line.endswith("→ 200 (attempt 2)")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_other_failures_are_not_retried(status, host, http, recorder) -> None:
    host.answers["/x"] = [as_json({}, status)]
    assert http.get(host.base + "/x").status_code == status
    assert len(recorder) == 1


def test_retries_end(host, http, recorder) -> None:
    host.answers["/x"] = [as_json({"detail": "busy"}, 503)]
    response = http.get(host.base + "/x")
    assert response.status_code == 503
    assert response.json() == {"detail": "busy"}
    assert [e.attempt for e in recorder.since(0)] == [1, 2, 3, 4]


@pytest.mark.parametrize("form", ["0", formatdate(0, usegmt=True)])
def test_retry_after_in_both_forms(form, host, http, recorder) -> None:
    host.answers["/x"] = [as_json({}, 503, **{"Retry-After": form}), as_json({})]
    assert http.get(host.base + "/x").status_code == 200
    assert len(recorder) == 2


def test_retry_after_is_waited_for(host, recorder, monkeypatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    host.answers["/x"] = [as_json({}, 429, **{"Retry-After": "7"}), as_json({})]
    with HttpSession(Transport(), recorder) as session:
        session.get(host.base + "/x")
    assert waited == [7]


def test_backoff_grows_with_jitter(host, recorder, monkeypatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    host.answers["/x"] = [as_json({}, 503)]
    with HttpSession(Transport(retries=4), recorder) as session:
        session.get(host.base + "/x")
    growing = [pause for pause in waited if pause]
    assert len(growing) == 3
    for pause, least in zip(growing, (1, 2, 4), strict=True):
        assert least <= pause <= least + 0.25
    assert any(pause != round(pause) for pause in growing)


def test_an_over_long_retry_after_is_not_waited_for(host, http, recorder) -> None:
    host.answers["/x"] = [as_json({"detail": "tomorrow"}, 503, **{"Retry-After": "86400"})]
    assert http.get(host.base + "/x").status_code == 503
    assert len(recorder) == 1


def test_dropped_connection_is_retried_and_recorded(http, recorder) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with raw_server(b"", answer) as (base, received):
        assert http.post(base, json={}).status_code == 200
    assert len(received) == 2
    first, second = recorder.since(0)
    assert first.status is None
    assert "RemoteDisconnected" in first.error
    assert second.attempt == 2


def test_no_answer_at_all_is_a_request_failed(recorder) -> None:
    with HttpSession(Transport(retries=0), recorder) as session, raw_server(b"") as (base, _):
        with pytest.raises(
            RequestFailed, match="GET http://127.0.0.1:.*RemoteDisconnected"
        ) as caught:
            session.get(base)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert recorder.last.status is None


def test_truncated_body_is_a_request_failed(recorder) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{}"
    with HttpSession(Transport(retries=0), recorder) as session, raw_server(answer) as (base, _):
        with pytest.raises(RequestFailed, match="IncompleteRead"):
            session.get(base)
    assert "IncompleteRead" in recorder.last.error


def test_time_limit(recorder) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with HttpSession(Transport(retries=0, timeout=0.05), recorder) as session:
            with pytest.raises(RequestFailed, match="[Tt]imeout"):
                session.get(url)


def test_ctrl_c_shows_no_frames_of_requests(host, http, monkeypatch) -> None:
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        http.get(host.base)
    assert caught.value.__context__ is None
    assert not {"send", "urlopen"} & {entry.name for entry in caught.traceback}


def test_one_connection_for_one_run(host, connect) -> None:
    host.answers["/data/v3/ed-fi/students"] = [as_json([])]
    session = connect()
    for _ in range(3):
        session.get("/ed-fi/students")
    ports = {r.environ["REMOTE_PORT"] for r in host.seen if "/ed-fi/" in r.path}
    assert len(ports) == 1


# -- evidence -------------------------------------------------------------------------------------


def test_exchanges_hold_no_secret(host, connect, recorder) -> None:
    host.answers["/data/v3/ed-fi/students"] = [
        as_json(
            {"echo": "Bearer tok-1-secret", "secret": "s3cr3t-value"}, 200, **{"Set-Cookie": "a=b"}
        )
    ]
    connect().get("/ed-fi/students", params={"q": "s3cr3t-value"}, headers={"X-Api-Key": "abc"})
    everything = repr(recorder.since(0))
    for secret in ("tok-1-secret", "s3cr3t-value", "a=b", "a2V5OnMzY3IzdC12YWx1ZQ"):
        assert secret not in everything
    assert recorder.last.request_headers["Authorization"] == MASK
    assert recorder.last.request_headers["X-Api-Key"] == MASK
    assert recorder.last.response_headers["Set-Cookie"] == MASK


def test_long_bodies_are_cut_with_a_note(recorder) -> None:
    recorder.add(Exchange("GET", "http://u:p@host/x", 200, response_body="x" * (BODY_LIMIT + 1)))
    assert recorder.last.response_body.endswith("… cut at 64 KiB; 65,537 characters in all")
    assert recorder.last.url == "http://host/x"
    assert without_userinfo("http://host/x") == "http://host/x"


def test_a_streamed_request_body_is_not_used_up(host, http, recorder) -> None:
    host.answers["/x"] = [as_json({})]
    http.post(host.base + "/x", data=iter([b"abc"]))
    assert recorder.last.request_body is None
    http.post(host.base + "/x", data=b"\xff\xfe")
    assert recorder.last.request_body == "��"


def test_origin() -> None:
    assert origin("https://HOST/x") == origin("https://host:443/y") == ("https", "host", 443)
    assert origin("http://host") != origin("https://host")


# -- the API's own words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "No.", "title": "Bad", "type": "urn:ed-fi:api:x"}, "No."),
        ({"title": "Bad"}, "Bad"),
        ({"message": "Old style"}, "Old style"),
        ({"error": ["a", {"message": "b"}]}, "a b"),
        ({"detail": "D.", "errors": ["e1", "e2"]}, "D. e1 e2"),
        ({"detail": "D.", "validationErrors": {"$.a": ["x", "y"]}}, "D. $.a: x y"),
        ({"odd": 1}, '{"odd": 1}'),
        ("just text", "just text"),
        ([], "no explanation in the answer"),
    ],
)
def test_error_bodies_of_all_ages(body, words, host, http) -> None:
    host.answers["/x"] = [as_json(body, 400)]
    assert describe(http.get(host.base + "/x")) == words


def test_error_bodies_that_are_no_json(host, http) -> None:
    host.answers["/a"] = [Response("<html>…", 500)]
    host.answers["/b"] = [Response("plain\n  text", 500)]
    host.answers["/c"] = [Response("x" * 2000, 500)]
    host.answers["/d"] = [Response("", 500)]
    texts = [describe(http.get(f"{host.base}/{name}")) for name in "abcd"]
    assert texts == ["an HTML page", "plain text", "x" * 600 + "…", "no explanation in the answer"]
    assert problem_type(http.get(f"{host.base}/a")) == ""


def test_problem_type(host, http) -> None:
    host.answers["/x"] = [
        as_json({"type": "urn:ed-fi:api:system"}, 500),
        as_json({"type": 5}, 500),
        as_json([], 500),
    ]
    assert [problem_type(http.get(host.base + "/x")) for _ in range(3)] == [
        "urn:ed-fi:api:system",
        "",
        "",
    ]


def test_cause_of_a_failure_in_one_line() -> None:
    assert describe_failure(None) == "unknown error"
    assert (
        describe_failure(OSError(111, "Connection refused"))
        == "ConnectionRefusedError: Connection refused"
    )
    chained = ValueError("outer")
    chained.__cause__ = KeyError("inner")
    assert describe_failure(chained) == "KeyError: 'inner'"
