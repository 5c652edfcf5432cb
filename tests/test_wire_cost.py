"""What a request does not pay for again: the environment, a merge of nothing, a file opened anew.

What is sent and kept must be what requests itself would send, and what was kept before.
"""

from __future__ import annotations

import json
import os

import pytest
import requests

from pytest_edfi_cte.client import environment
from pytest_edfi_cte.client.exchange import Exchange, Recorder
from pytest_edfi_cte.client.session import Anonymous, HttpSession, Transport
from pytest_edfi_cte.client.transport import RecordingAdapter
from pytest_edfi_cte.journal import Entry, Journal
from pytest_edfi_cte.people import People
from pytest_edfi_cte.secret import Redactor, Secret

VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY")
VARIABLES += ("NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def session():
    with HttpSession(Transport(), Recorder(Redactor())) as session:
        yield session


def settings(session: requests.Session, url: str, **given: object) -> dict[str, object]:
    asked = {"proxies": {}, "stream": None, "verify": None, "cert": None, **given}
    return dict(session.merge_environment_settings(url, **asked))


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"https_proxy": "http://proxy:3128"},
        {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "a.example,.internal:8080"},
        {"all_proxy": "http://proxy:1", "no_proxy": "*"},
        {"REQUESTS_CA_BUNDLE": "/ca.pem"},
        {"CURL_CA_BUNDLE": "/other.pem", "https_proxy": "http://proxy:3128"},
        {"REQUESTS_CA_BUNDLE": "/ca.pem", "CURL_CA_BUNDLE": "/other.pem"},
    ],
    ids=lambda variables: "+".join(variables) or "none",
)
def test_the_environment_means_what_it_means_to_requests(variables, session, monkeypatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with requests.Session() as plain:
        for url in (
            "https://a.example/x",
            "http://a.example/x?y=https://b",
            "http://x.internal:8080/",
            "http://x.internal/",
            "http://127.0.0.1:80/",
        ):
            for given in (
                {},
                {"verify": False},
                {"verify": True},
                {"verify": "/mine.pem"},
                {"proxies": {"https": "http://mine:1"}},
                {"stream": True, "cert": "/c.pem"},
            ):
                assert settings(session, url, **given) == settings(plain, url, **given)
        session.proxies = plain.proxies = {"http": "http://session:1", "https": "http://s:2"}
        session.verify = plain.verify = "/session.pem"
        assert settings(session, "http://a.example/") == settings(plain, "http://a.example/")
        session.trust_env = plain.trust_env = False
        assert settings(session, "http://a.example/") == settings(plain, "http://a.example/")


def test_the_environment_is_read_once_for_a_host(session, monkeypatch) -> None:
    read = []
    ask = environment.get_environ_proxies
    monkeypatch.setattr(
        environment, "get_environ_proxies", lambda url: read.append(url) or ask(url)
    )
    for path in "abc":
        for host in ("https://a.example", "https://b.example:8443"):
            settings(session, f"{host}/{path}")["proxies"]["http"] = "changed"  # nobody else's
    assert read == ["https://a.example/a", "https://b.example:8443/a"]
    assert settings(session, "https://a.example/d")["proxies"] == {}
    monkeypatch.setenv("https_proxy", "http://late:1")
    assert settings(session, "https://a.example/e")["proxies"] == {}


REQUESTS = [
    {"method": "get", "url": "https://a.example/x", "params": {"a": "1 2", "b": None}},
    {"method": "POST", "url": "https://a.example/x", "json": {"a": [1]}},
    {"method": "POST", "url": "https://a.example/x", "data": {"a": "b"}},
    {"method": "POST", "url": "https://a.example/x", "data": b"raw", "headers": {"X-A": "1"}},
    {"method": "PUT", "url": "https://a.example//x", "headers": {"accept": None, "If-Match": "1"}},
    {"method": "POST", "url": "https://a.example/x", "files": {"f": ("n", b"c")}},
    {"method": "GET", "url": "https://a.example/x", "cookies": {"a": "b"}},
]


@pytest.mark.parametrize("given", REQUESTS)
@pytest.mark.parametrize("change", ["nothing", "params", "cookies", "auth", "hooks"])
def test_a_request_is_prepared_as_requests_does(given, change, session, monkeypatch) -> None:
    import urllib3.filepost

    monkeypatch.setattr(urllib3.filepost, "choose_boundary", lambda: "boundary")
    with requests.Session() as plain:
        plain.headers = requests.structures.CaseInsensitiveDict(session.headers)
        for one in (plain, session):
            if change == "params":
                one.params = {"session": "1"}
            elif change == "cookies":
                one.cookies.set("s", "1")
            elif change == "auth":
                one.auth = ("me", "secret")
            elif change == "hooks":
                one.hooks["response"] = [print]
        for auth in (Anonymous(), None):
            made = [
                one.prepare_request(requests.Request(**given, auth=auth))
                for one in (plain, session)
            ]
            facts = [(p.method, p.url, dict(p.headers), p.body, p.hooks) for p in made]
            assert facts[0] == facts[1]


def test_a_path_is_sent_as_requests_sends_it(session) -> None:
    adapter = session.get_adapter("https://a.example")
    assert isinstance(adapter, RecordingAdapter)
    for path in ("/x", "//b.example/x", "", "/x?y=1"):
        request = requests.Request("GET", f"http://a.example{path}").prepare()
        for proxies in ({}, {"http": "http://proxy:1"}):
            plain = requests.adapters.HTTPAdapter.request_url(adapter, request, proxies)
            assert adapter.request_url(request, proxies) == plain


def exchange(**changes: object) -> Exchange:
    facts = {
        "method": "POST",
        "url": "https://me:word@a.example/x",
        "status": 200,
        "request_headers": {"Authorization": "Bearer t", "X-A": "1"},
        "response_headers": {"Set-Cookie": "a=b", "Content-Type": "application/json"},
        "request_body": '{"a": 1}',
        "response_body": '{"b": 2}',
    }
    return Exchange(**{**facts, **changes})


@pytest.mark.parametrize("learned", [False, True], ids=["no secret known", "a secret known"])
def test_an_exchange_without_secrets_is_kept_without_what_is_always_hidden(learned) -> None:
    recorder = Recorder(Redactor())
    if learned:
        recorder.redactor.add(Secret("hush-hush"))
    recorder.add(exchange())
    kept = recorder.last
    assert kept.url == "https://a.example/x"
    assert kept.request_headers == {"Authorization": "[redacted]", "X-A": "1"}
    assert kept.response_headers["Set-Cookie"] == "[redacted]"
    assert (kept.request_body, kept.response_body) == ('{"a": 1}', '{"b": 2}')


@pytest.mark.parametrize(
    "place",
    [
        {"url": "https://a.example/x?key=hush-hush"},
        {"request_headers": {"X-A": "hush-hush"}},
        {"response_headers": {"X-A": "hush-hush"}},
        {"request_body": "hush-hush"},
        {"response_body": '{"a": "hush-hush"}'},
        {"error": "no route to hush-hush"},
        {"response_body": '{"access_token": "not known yet"}'},
        {"request_body": "grant=x&client_secret=not known yet"},
    ],
    ids=str,
)
def test_a_secret_anywhere_is_masked(place) -> None:
    recorder = Recorder(Redactor())
    recorder.redactor.add(Secret("hush-hush"))
    recorder.add(exchange(**place))
    assert "hush" not in repr(recorder.last)
    assert "not known yet" not in repr(recorder.last)
    [name] = place
    assert "[redacted]" in repr(getattr(recorder.last, name))


def test_people_are_masked_and_long_bodies_cut() -> None:
    recorder = Recorder(Redactor(People()))
    recorder.add(exchange(request_body='{"firstName": "Madison"}', response_body="Hello Madison"))
    assert "Madison" not in repr(recorder.last)
    assert "[person]" in recorder.last.response_body
    plain = Recorder(Redactor())
    plain.add(exchange(response_body="x" * 70_000))
    assert plain.last.response_body.endswith("… cut at 64 KiB; 70,000 characters in all")


def test_a_journal_opens_its_file_once_and_can_begin_anew(tmp_path, monkeypatch) -> None:
    opened = []
    open_file = os.open
    monkeypatch.setattr(os, "open", lambda *a, **k: opened.append(a[0]) or open_file(*a, **k))
    journal = Journal(tmp_path / "run.jsonl")
    for number in range(3):
        journal.created(Entry("https://a", "students", {"id": number}, f"https://a/{number}"))
        lines = journal.path.read_text().splitlines()
        assert json.loads(lines[-1])["url"] == f"https://a/{number}", "there at once"
    assert opened.count(journal.path) == 1
    assert len(journal.pending()) == 3
    journal.clear()
    journal.created(Entry("https://a", "students", {}, "https://a/9"))
    assert [entry.url for entry in journal.pending()] == ["https://a/9"]
    journal.remove()
    assert not journal.path.exists()
    journal.created(Entry("https://a", "students", {}, "https://a/10"))
    assert [entry.url for entry in journal.pending()] == ["https://a/10"]
    assert opened.count(journal.path) == 2
    journal.remove()


def test_a_journal_reads_what_is_new_and_what_others_wrote(tmp_path) -> None:
    mine, theirs = (Journal(tmp_path / "run.jsonl") for _ in range(2))
    assert mine.pending() == []
    mine.created(Entry("https://a", "students", {}, "https://a/1"))
    assert len(theirs.pending()) == len(mine.pending()) == 1
    theirs.created(Entry("https://a", "students", {}, "https://a/2"))
    mine.deleted("https://a/1")
    assert [e.url for e in mine.pending()] == [e.url for e in theirs.pending()] == ["https://a/2"]
    with mine.path.open("a") as stream:  # another process is killed while it writes
        stream.write('{"event": "created", "url": "https://a/3"')
    assert [e.url for e in mine.pending()] == ["https://a/2"]
    with mine.path.open("a") as stream:
        stream.write("\n")
    mine.deleted("https://a/2")
    assert mine.pending() == theirs.pending() == []
    mine.path.write_text("")  # begun anew, by another process
    assert theirs.pending() == []
    mine.created(Entry("https://a", "students", {}, "https://a/4"))
    assert [e.url for e in theirs.pending()] == ["https://a/4"]
    mine.remove()
    assert theirs.pending() == []


def test_connections_are_looked_up_once_and_again_when_they_were_closed(
    session, monkeypatch
) -> None:
    adapter = session.get_adapter("https://a.example")
    asked = []
    ask = requests.adapters.HTTPAdapter.get_connection_with_tls_context
    monkeypatch.setattr(
        requests.adapters.HTTPAdapter,
        "get_connection_with_tls_context",
        lambda *a, **k: asked.append(a[1].url) or ask(*a, **k),
    )

    def pool(url: str, verify: object = True, **more: object):
        request = requests.Request("GET", url).prepare()
        return adapter.get_connection_with_tls_context(request, verify, **more)

    first = pool("https://a.example/1")
    assert pool("https://a.example/2") is first
    assert pool("https://a.example/3", False) is not first
    assert pool("https://b.example/4") is not first
    assert pool("http://a.example/5") is not first
    assert len(asked) == 4
    proxied = pool("https://a.example/6", proxies={"https": "http://proxy:1"})
    assert proxied.proxy.host == "proxy"
    adapter.poolmanager.clear()  # as it does with hosts that were not used for long
    again = pool("https://a.example/7")
    assert again.pool is not None
    adapter.close()
    assert pool("https://a.example/8") is not again
