"""Set-ups in which no run can succeed, each broken in one place, and what the doctor must say.

``make`` gets a :class:`Bench` and gives the command's arguments; servers and sandboxes stop with it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import pytest
import requests
import trustme
from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import Client, Sandbox
from pytest_edfi_cte.sandbox.defects.tools import Middleware, Proceed, problem
from tests.conftest import OTHER_ENROLLMENT, association
from tests.servers import serving


def gateway(inside: str) -> Callable[[Request], Response]:
    """Forwards to ``inside``, and puts its own address into what comes back."""

    def answer(request: Request) -> Response:
        kept = ("Authorization", "Content-Type", "Accept")
        found = requests.request(
            request.method,
            f"{inside}{request.full_path.rstrip('?')}",
            data=request.get_data(),
            headers={name: request.headers[name] for name in kept if name in request.headers},
            timeout=10,
        )
        own = request.host_url.rstrip("/")
        text = found.text.replace(inside, own)
        return Response(text, found.status_code, content_type=found.headers.get("Content-Type"))

    return answer


SECRET = "s3cr3t-of-the-vendor"
#: Keys that the bench's sandbox knows beside its own.
CLIENTS = {
    "assessment": Client("assessor", SECRET, (255901,), "Assessment Vendor"),
    "read-only": Client("reader", SECRET, (255901,), "read-only"),
    "sis": Client("sis", SECRET, (255901,), "SIS Vendor"),
    "two districts": Client("sis-2", SECRET, (255901, 255902), "SIS Vendor"),
    "other district": Client("sis-3", SECRET, (255902,), "SIS Vendor"),
    "nobody": Client("sis-4", SECRET, (), "SIS Vendor"),
    "other namespace": Client("state", SECRET, (255901,), namespaces=("uri://tea.texas.gov",)),
}


class Switch:
    """A middleware that others are put into while the sandbox runs, first one outermost."""

    def __init__(self) -> None:
        self.inside: tuple[Middleware, ...] = ()

    def __call__(self, request: Request, proceed: Proceed) -> Response:
        for middleware in reversed(self.inside):
            proceed = self._around(middleware, proceed)
        return proceed(request)

    @staticmethod
    def _around(middleware: Middleware, proceed: Proceed) -> Proceed:
        return lambda request: middleware(request, proceed)


@dataclass
class Bench:
    """Breaks one sandbox, and makes servers that go away with the test."""

    shared: Sandbox
    switch: Switch
    folder: Path
    patch: pytest.MonkeyPatch
    stack: ExitStack = field(default_factory=ExitStack)

    def key(self, client_id: str, secret: str) -> None:
        self.patch.setenv("EDFI_CLIENT_ID", client_id)
        self.patch.setenv("EDFI_CLIENT_SECRET", secret)

    def sandbox(self, *middleware: Middleware, client: str = "") -> Sandbox:
        """The sandbox as new, with these middleware, and this key in the environment."""
        self.shared.clear()
        self.switch.inside = middleware
        known = CLIENTS.get(client) or Client(
            self.shared.client_id, self.shared.client_secret, (255901,)
        )
        self.key(known.id, known.secret)
        return self.shared

    def broken(self, *middleware: Middleware, client: str = "") -> list[str]:
        return [f"--url={self.sandbox(*middleware, client=client).url}"]

    def site(self, answer: Callable[[Request], Response], certificate: Path | None = None) -> str:
        if "EDFI_CLIENT_ID" not in os.environ:
            self.key("key", "s3cr3t-value-of-nobody")
        return self.stack.enter_context(serving(answer, certificate=certificate))

    def certified(
        self,
        *names: str,
        middleware: tuple[Middleware, ...] = (),
        trusted: bool = True,
        **more: Any,
    ) -> list[str]:
        """The sandbox behind TLS with a certificate for ``names``."""
        authority = trustme.CA()
        pem = self.folder / "server.pem"
        pem.write_bytes(authority.issue_cert(*names, **more).private_key_and_cert_chain_pem.bytes())
        authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        url = self.site(gateway(self.sandbox(*middleware).url), pem)
        return [f"--url={url}", *([f"--ca-bundle={self.folder / 'ca.pem'}"] if trusted else [])]


@dataclass(frozen=True)
class Setup:
    """``probe``, ``who``: the first cause; ``found``, ``how``: texts that it must hold."""

    name: str
    make: Callable[[Bench], list[str]]
    probe: str
    who: str
    found: str
    how: str


def page(body: str, status: int = 200, kind: str = "text/html", **headers: str):
    return lambda _request: Response(body, status, headers=headers, content_type=kind)


def at(path: str, answer: Callable[[Request, Proceed], Response], method: str = "") -> Middleware:
    """One address (a part of the path, in lower case) is answered by ``answer``."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        if path in request.path.lower() and method in ("", request.method):
            return answer(request, proceed)
        return proceed(request)

    return middleware


def answers(status: int, body: Any = None, **headers: str):
    text = json.dumps(body if body is not None else {"error": "no"})
    return lambda *_: Response(text, status, headers=headers, content_type="application/json")


def changed(change: Callable[[dict[str, Any]], None]):
    """The JSON answer, changed."""

    def answer(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        body = json.loads(response.get_data())
        change(body)
        response.set_data(json.dumps(body))
        return response

    return answer


def discovery(change: Callable[[dict[str, Any]], None]) -> Middleware:
    """The discovery document, changed."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        return (changed(change) if request.path == "/" else lambda r, p: p(r))(request, proceed)

    return middleware


def token(answer: Callable[[Request, Proceed], Response]) -> Middleware:
    """The token address alone."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        return (answer if request.path == "/oauth/token" else lambda r, p: p(r))(request, proceed)

    return middleware


no_token_info = at("token_info", answers(404))


def dated(seconds: float) -> Middleware:
    """An API whose clock differs from ours."""

    def middleware(request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        response.headers["Date"] = formatdate(time() + seconds, usegmt=True)
        return response

    return middleware


def black_hole(bench: Bench) -> list[str]:
    bench.key("key", "secret")
    listener = bench.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return [f"--url=http://127.0.0.1:{listener.getsockname()[1]}", "--timeout=0.2"]


def named(bench: Bench, name: str) -> None:
    """``name`` is this machine; every other name but localhost is not known."""
    known = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **more: Any) -> Any:
        if host == name:
            host = "127.0.0.1"
        elif host not in ("localhost", "127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *rest, **more)

    bench.patch.setattr(socket, "getaddrinfo", lookup)


def unknown_host(bench: Bench) -> list[str]:
    bench.key("key", "secret")
    named(bench, "api.example")
    return ["--url=https://apii.example/v7.3/api"]


def dead_proxy(bench: Bench) -> list[str]:
    bench.key("key", "secret")
    bench.patch.setenv("HTTP_PROXY", "http://me:pa55word@127.0.0.1:9")
    return ["--url=http://api.example/v7.3/api"]


def refused(bench: Bench) -> list[str]:
    bench.key("key", "secret")
    return ["--url=http://127.0.0.1:9/api"]


def no_tls(bench: Bench) -> list[str]:
    return [bench.broken()[0].replace("http:", "https:")]


def below(part: str) -> Callable[[Bench], list[str]]:
    return lambda bench: [bench.broken()[0] + part]


def login_page(bench: Bench) -> list[str]:
    def answer(request: Request) -> Response:
        if request.path == "/login":
            return page("<html>Log in</html>")(request)
        return Response(b"", 302, headers={"Location": "/login"})

    return [f"--url={bench.site(answer)}/api"]


def insecure_addresses(bench: Bench) -> list[str]:
    def change(document: dict[str, Any]) -> None:
        document["urls"]["oauth"] = "http://localhost:9/oauth/token"

    return bench.certified("localhost", middleware=(discovery(change),))


def wrong_secret(bench: Bench) -> list[str]:
    sandbox = bench.sandbox()
    bench.key(sandbox.client_id, "s3cr3t-value-of-nobody")
    return [f"--url={sandbox.url}"]


def unknown_client(bench: Bench) -> list[str]:
    return [f"--url={bench.sandbox().url}", "--client-id=nobody"]


def too_many_tokens(bench: Bench) -> list[str]:
    sandbox = bench.sandbox()
    for _ in range(15):
        requests.post(
            f"{sandbox.url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(sandbox.client_id, sandbox.client_secret),
            timeout=5,
        )
    return [f"--url={sandbox.url}"]


def vendor(client: str) -> Callable[[Bench], list[str]]:
    return lambda bench: bench.broken(client=client)


def other_district(bench: Bench) -> list[str]:
    sandbox = bench.sandbox(client="other district")
    agency = sandbox.records("localEducationAgencies")[0]
    kept = {k: v for k, v in agency.items() if not k.startswith(("_", "id")) and "Ref" not in k}
    sandbox.load("localEducationAgencies", [{**kept, "localEducationAgencyId": 255902}])
    return [f"--url={sandbox.url}"]


def taken(bench: Bench) -> list[str]:
    sandbox = bench.sandbox()
    body = {"studentUniqueId": "222222", "firstName": "A", "lastSurname": "B"}
    sandbox.load("students", [{**body, "birthDate": "2009-02-03"}])
    reference = {"studentReference": {"studentUniqueId": "222222"}}
    sandbox.load("studentSchoolAssociations", [{**OTHER_ENROLLMENT, **reference}])
    sandbox.load("studentCTEProgramAssociations", [association("222222")])
    return [f"--url={sandbox.url}"]


def without(collection: str, *operations: str) -> Middleware:
    """token_info without some operations on a collection."""

    def change(body: dict[str, Any]) -> None:
        for entry in body["resources"]:
            if entry["resource"].endswith(f"/{collection}"):
                entry["operations"] = [o for o in entry["operations"] if o not in operations]

    return at("token_info", changed(change))


def elsewhere(*_: Any) -> Response:
    found = {
        "namespace": "uri://tea.texas.gov/TechnicalSkillsAssessmentDescriptor",
        "codeValue": "Passed",
    }
    return answers(200, [found])()


def empty_record(request: Request, proceed: Proceed) -> Response:
    """Any body is taken, as one that is complete."""
    if request.get_json() == {}:
        return Response(b"", 201, headers={"Location": f"{request.base_url}/{'0' * 32}"})
    return proceed(request)


def epoch(body: dict[str, Any]) -> None:
    """A host that says when the token ends, by a clock that is an hour slow."""
    body["expires_in"] = int(time() - 3600 + 1800)


def new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=timezone.utc)


CTE = "studentcteprogramassociations"
SETUPS = (
    Setup(
        "refused-port", refused, "reachable", "host", "refuses connections", "listens on another"
    ),
    Setup("black-hole", black_hole, "reachable", "host", "within 0.2 s", "--edfi-timeout"),
    Setup("unknown-host", unknown_host, "reachable", "you", "apii.example is not known", "spelled"),
    Setup("dead-proxy", dead_proxy, "reachable", "you", "proxy http://127.0.0.1:9", "NO_PROXY"),
    Setup("no-tls", no_tls, "tls", "you", "wrong version number", "http:// instead of https://"),
    Setup(
        "own-ca",
        lambda b: b.certified("localhost", trusted=False),
        "tls",
        "you",
        "local issuer",
        "--edfi-ca-bundle FILE",
    ),
    Setup("wrong-name", lambda b: b.certified("a.example"), "tls", "host", "ismatch", "the name"),
    Setup(
        "expired-certificate",
        lambda b: b.certified("localhost", not_before=new_year(2020), not_after=new_year(2021)),
        "tls",
        "host",
        "has expired",
        "Renew",
    ),
    Setup(
        "future-certificate",
        lambda b: b.certified("localhost", not_before=new_year(2090), not_after=new_year(2091)),
        "tls",
        "you",
        "not yet valid",
        "clock",
    ),
    Setup(
        "web-site",
        lambda b: [f"--url={b.site(page('<html>Welcome</html>'))}"],
        "api",
        "you",
        "answered 200, text/html",
        "base URL",
    ),
    Setup(
        "not-found",
        lambda b: [f"--url={b.site(page('nothing', 404, 'text/plain'))}/api"],
        "api",
        "you",
        "answered 404",
        "base URL",
    ),
    Setup(
        "other-json",
        lambda b: [f"--url={b.site(page('{}', kind='application/json'))}"],
        "api",
        "you",
        "200, application/json",
        "base URL",
    ),
    Setup(
        "gateway-down",
        lambda b: [f"--url={b.site(page('down', 503, **{'Retry-After': '300'}))}"],
        "api",
        "host",
        "answered 503",
        "after 300 s",
    ),
    Setup(
        "api-fails",
        lambda b: [f"--url={b.site(page('oops', 500))}"],
        "api",
        "host",
        "answered 500",
        "log",
    ),
    Setup(
        "discovery-closed",
        lambda b: [f"--url={b.site(page('who are you?', 401))}"],
        "api",
        "host",
        "answered 401",
        "anonymous GET",
    ),
    Setup("data-address", below("/data/v3"), "api", "you", "is the data address", "does answer"),
    Setup("metadata-address", below("/metadata"), "api", "you", "metadata, not", "does answer"),
    Setup("token-address", below("/oauth/token"), "api", "you", "token address", "does answer"),
    Setup("login-page", login_page, "api", "you", "after a redirect to", "base URL"),
    Setup("insecure-token-address", insecure_addresses, "api", "host", "oauth", "Publish https"),
    Setup(
        "data-standard-3",
        lambda b: b.broken(discovery(lambda d: d["dataModels"][0].update(version="3.3.1-b"))),
        "standard",
        "host",
        "Data Standard 3.3.1-b",
        "Data Standard 4 or 5",
    ),
    Setup(
        "clock-and-epoch-expiry",
        lambda b: b.broken(dated(-3600), token(changed(epoch))),
        "clock",
        "you",
        "60 min ahead of",
        "NTP",
    ),
    Setup("wrong-secret", wrong_secret, "token", "you", "401", "environment EDFI_CLIENT_SECRET"),
    Setup("unknown-client", unknown_client, "token", "you", "'nobody'", "option --client-id"),
    Setup(
        "wrong-grant",
        lambda b: b.broken(token(answers(400, {"error": "unsupported_grant_type"}))),
        "token",
        "host",
        "unsupported_grant_type",
        "client_credentials",
    ),
    Setup(
        "disabled-key",
        lambda b: b.broken(token(answers(403))),
        "token",
        "application",
        "403",
        "key",
    ),
    Setup(
        "token-404", lambda b: b.broken(token(answers(404))), "token", "host", "404", "right one"
    ),
    Setup("token-500", lambda b: b.broken(token(answers(500))), "token", "host", "500", "log"),
    Setup(
        "token-redirect",
        lambda b: b.broken(token(answers(301, Location="https://elsewhere.example/token"))),
        "token",
        "host",
        "301",
        "urls.oauth",
    ),
    Setup(
        "token-address-dead",
        lambda b: b.broken(discovery(lambda d: d["urls"].update(oauth="http://127.0.0.1:9/t"))),
        "token",
        "host",
        "127.0.0.1:9/t",
        "as clients can reach it",
    ),
    Setup("too-many-tokens", too_many_tokens, "token", "you", "429", "Wait until they end"),
    Setup(
        "token-rate-limit",
        lambda b: b.broken(token(answers(429, {"error": "slow"}, **{"Retry-After": "900"}))),
        "token",
        "host",
        "429",
        "Wait 900 s",
    ),
    Setup(
        "token-over-at-once",
        lambda b: b.broken(token(changed(lambda t: t.update(expires_in=0)))),
        "token",
        "host",
        "ends 0 s after",
        "expires_in",
    ),
    Setup(
        "claim-set-without-the-resource",
        vendor("assessment"),
        "claims",
        "application",
        "claim set 'Assessment Vendor' does not allow Create, Read, Update and Delete",
        "SIS Vendor",
    ),
    Setup(
        "read-only-key",
        vendor("read-only"),
        "claims",
        "application",
        "does not allow Create, Update and Delete of studentCTEProgramAssociations",
        "claim set with",
    ),
    Setup(
        "no-delete",
        lambda b: b.broken(without("studentCTEProgramAssociations", "Delete")),
        "claims",
        "application",
        "does not allow Delete of",
        "claim set with",
    ),
    Setup(
        "read-only-key-without-token-info",
        lambda b: b.broken(no_token_info, client="read-only"),
        "claims",
        "application",
        "refuses Create of studentCTEProgramAssociations to this key (403: Access denied",
        "claim set with",
    ),
    Setup(
        "token-not-active",
        lambda b: b.broken(at("token_info", changed(lambda t: t.update(active=False)))),
        "claims",
        "host",
        "not active",
        "share one place",
    ),
    Setup(
        "accepts-anything",
        lambda b: b.broken(no_token_info, at(CTE, empty_record, "POST")),
        "claims",
        "host",
        "accepts an empty record of studentCTEProgramAssociations (201); it was deleted again",
        "Validate",
    ),
    Setup(
        "no-ed-org",
        lambda b: b.broken(at("/localeducationagencies", answers(200, []))),
        "ed_org",
        "data",
        "localEducationAgencyId=255901",
        "Load the Ed-Fi sample data",
    ),
    Setup(
        "key-of-another-district",
        other_district,
        "coverage",
        "application",
        "for ed-org 255902, not for 255901",
        "Add ed-org 255901 to the key's application",
    ),
    Setup(
        "key-of-nobody",
        vendor("nobody"),
        "coverage",
        "application",
        "ed-org none",
        "Add ed-org 255901",
    ),
    Setup(
        "no-descriptors",
        lambda b: b.broken(at("/cteprogramservicedescriptors", answers(200, []))),
        "descriptors",
        "data",
        "CTEProgramServiceDescriptor#Information Technology",
        "Load the Ed-Fi descriptors",
    ),
    Setup(
        "descriptors-in-another-namespace",
        lambda b: b.broken(at("/technicalskillsassessmentdescriptors", elsewhere)),
        "descriptors",
        "data",
        "try --edfi-namespace uri://tea.texas.gov",
        "--edfi-set",
    ),
    Setup(
        "wrong-namespace-asked",
        lambda b: [*b.broken(), "--namespace=uri://tea.texas.gov"],
        "descriptors",
        "you",
        "in the namespace uri://ed-fi.org, not in uri://tea.texas.gov",
        "--edfi-namespace uri://ed-fi.org",
    ),
    Setup(
        "no-program",
        lambda b: b.broken(at("/programs", answers(200, []))),
        "program",
        "data",
        "programName='Career and Technical Education'",
        "POST it to",
    ),
    Setup(
        "no-school",
        lambda b: [*b.broken(), "--set=enrollment.schoolReference.schoolId=255901999"],
        "school",
        "data",
        "schoolId=255901999",
        "enrollment.schoolReference.schoolId",
    ),
    Setup(
        "student-neither-seen-nor-made",
        lambda b: b.broken(without("students", "Create")),
        "student",
        "application",
        "222222) is not visible to this key",
        "Create, Read and Delete on students",
    ),
    Setup(
        "enrollment-not-made",
        lambda b: b.broken(without("studentSchoolAssociations", "Create")),
        "enrollment",
        "application",
        "in school 255901001) is not visible",
        "on studentSchoolAssociations",
    ),
    Setup(
        "enrollment-descriptors-missing",
        lambda b: b.broken(at("/residencystatusdescriptors", answers(200, []))),
        "enrollment",
        "data",
        "for the enrollment's residencyStatusDescriptor",
        "Load the Ed-Fi descriptors",
    ),
    Setup("association-of-others", taken, "association", "you", "already has", "another student"),
    Setup(
        "token-of-another-instance",
        lambda b: b.broken(at("/data/v3/", lambda *_: problem(401, "Unknown token."))),
        "ed_org",
        "host",
        "does not accept the token that it gave",
        "one instance",
    ),
    Setup(
        "rate-limit",
        lambda b: b.broken(at("/programs", answers(429, **{"Retry-After": "900"}), "GET")),
        "program",
        "host",
        "limits the rate",
        "Wait as long as the API asks",
    ),
)
