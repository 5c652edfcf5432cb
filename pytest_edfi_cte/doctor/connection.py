"""Probes from the address to the token, read off how the connection was made or failed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from pytest_edfi_cte.client.discovery import OK, base_above, describes_an_api
from pytest_edfi_cte.client.exchange import without_userinfo
from pytest_edfi_cte.doctor.model import Line, Who, ok, problem, unknown, warning
from pytest_edfi_cte.doctor.patient import Patient
from pytest_edfi_cte.errors import (
    InsecureAddress,
    NotAnApi,
    Unreachable,
    UnsupportedStandard,
)

#: Clocks may differ by this many seconds before anyone notices.
TOLERATED_SKEW = 60.0


#: Part of the failure -> (what was found, what it means, who, how)
_NO_ANSWER = (
    (
        "gaierror",
        "the name {host} is not known here",
        "No address belongs to this name in your network's DNS.",
        Who.YOU,
        "Check how the host is spelled in --edfi-url; for a private network, connect to its VPN.",
    ),
    (
        "refused",
        "{place} refuses connections",
        "The machine is there, but no service listens on this port.",
        Who.HOST,
        "Start the API; if it listens on another port, give that one in --edfi-url.",
    ),
    (
        "timed out",
        "{place} gave no answer within {timeout}",
        "A firewall drops the requests, or the API hangs.",
        Who.HOST,
        "Ask whether the API may be reached from here; for a slow one: --edfi-timeout 120.",
    ),
)


def reachable(patient: Patient) -> Line:
    """Name, network and proxy: whether anything answers at the address."""
    parts = urlsplit(patient.url)
    place = parts.netloc
    error = patient.error
    if not isinstance(error, Unreachable):
        first = next(e for e in patient.connecting if e.status is not None)
        return ok(f"{place} answered in {max(1, round(first.duration * 1000))} ms")
    failure = patient.last.error or ""
    if "TLS: " in str(error):
        return ok(f"{place} accepts connections")
    proxy = _proxy(patient)
    if proxy:
        return problem(
            f"no connection to {place} through the proxy {proxy} ({failure})",
            "The environment sends these requests through a proxy, and that did not work.",
            Who.YOU,
            f"Correct HTTPS_PROXY and HTTP_PROXY, or go past the proxy: NO_PROXY={parts.hostname}",
        )
    for words, found, means, who, how in _NO_ANSWER:
        if words in failure.lower():
            timeout = f"{patient.run.settings.timeout:g} s"
            said = found.format(place=place, host=parts.hostname, timeout=timeout)
            return problem(f"{said} ({failure})", means, who, how)
    return problem(
        f"{place} gave no answer ({failure})",
        "The connection broke before there was an answer.",
        Who.HOST,
        "Look at the API's and the gateway's log at this time.",
    )


def _proxy(patient: Patient) -> str:
    if patient.run.settings.embedded:
        return ""
    proxy = select_proxy(patient.url, get_environ_proxies(patient.url))
    return without_userinfo(proxy) if proxy else ""


#: Part of OpenSSL's words -> (what it means, who, how)
_TLS = (
    (
        r"WRONG_VERSION_NUMBER|RECORD_LAYER|UNEXPECTED_EOF",
        "This port does not speak TLS.",
        Who.YOU,
        "Give http:// instead of https:// in --edfi-url, or the port that serves https.",
    ),
    (
        r"has expired",
        "The API's certificate is no longer valid; every client refuses it.",
        Who.HOST,
        "Renew the certificate.",
    ),
    (
        r"not yet valid",
        "By this machine's clock the API's certificate is not valid yet.",
        Who.YOU,
        "Set this machine's clock; if it is right, the host must serve a valid certificate.",
    ),
    (
        r"[Mm]ismatch|doesn't match",
        "The certificate was issued for another name: this may be another machine.",
        Who.HOST,
        "Give in --edfi-url the name that the certificate has, or have it issued for this one.",
    ),
    (
        r"self[- ]signed|local issuer|unable to verify",
        "Who signed the API's certificate is not trusted here.",
        Who.YOU,
        "Give the PEM file of the certificate or of the CA that signed it: --edfi-ca-bundle FILE.",
    ),
)


def tls(patient: Patient) -> Line:
    """The certificate; plain http is fine on this machine alone."""
    parts = urlsplit(patient.url)
    if parts.scheme == "http":
        if _is_loopback(parts.hostname or ""):
            return ok("plain http, but it does not leave this machine")
        return warning(
            f"{patient.url} is not encrypted",
            "Anyone on the way can read the secret and the students' data.",
            Who.HOST,
            "Serve the API by https, and give that address.",
        )
    if isinstance(patient.error, Unreachable):
        words = patient.last.error or ""
        short = re.sub(r"^\w+: |\[SSL: \w+\] |certificate verify failed: | ?\(_ssl.*\)", "", words)
        for pattern, means, who, how in _TLS:
            if re.search(pattern, words):
                return problem(f"the TLS connection failed: {short}", means, who, how)
        return problem(
            f"the TLS connection failed: {short}",
            "Client and API did not agree on how to encrypt.",
            Who.HOST,
            "Offer TLS 1.2 or 1.3; where a client certificate is demanded, ask for another way in.",
        )
    if patient.run.settings.insecure:
        return warning(
            "the certificate was not checked (--edfi-insecure)",
            "Anyone on the way can read the secret and change the answers.",
            Who.YOU,
            "Trust the API's own certificate instead: --edfi-ca-bundle FILE.",
        )
    return ok(f"the certificate is valid for {parts.hostname}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


#: Parts of addresses that are below a base URL -> what such an address is.
_BELOW = (
    (r"/data(/|$)", "the data address"),
    (r"/metadata(/|$)", "the address of the API's metadata"),
    (r"/oauth(/|$)", "the token address"),
    (r"/(swagger|docs)(/|$)", "the API's documentation"),
)


def is_api(patient: Patient) -> Line:
    """Whether the address answers with a discovery document."""
    error, last = patient.error, patient.last
    if isinstance(error, InsecureAddress):
        return problem(
            str(error).partition(": ")[0],
            "The key and secret would travel unencrypted, so nothing was sent.",
            Who.HOST,
            "Publish https addresses; behind a reverse proxy, forward the original scheme.",
        )
    if isinstance(error, NotAnApi):
        return _no_api(patient)
    hop = next((e for e in patient.connecting if e.status and 300 <= e.status < 400), None)  # noqa: PLR2004 - redirects
    if hop is not None and patient.api is not None and hop.method == "GET":
        where = next(e.url for e in patient.connecting if e.status == OK)
        return warning(
            f"{patient.url} leads on to {where}",
            "It works; every run takes the detour.",
            Who.YOU,
            f"Give the address where it ends: --edfi-url {where}",
        )
    return ok(f"{last.url if patient.api is None else patient.api.base_url} describes an Ed-Fi API")


def _no_api(patient: Patient) -> Line:
    last = patient.last
    headers = {name.lower(): value for name, value in last.response_headers.items()}
    kind = headers.get("content-type", "no content type").split(";")[0]
    what = f"{last.status}, {kind}"
    path = urlsplit(patient.url).path
    for pattern, name in _BELOW:
        found = re.search(pattern, path, re.IGNORECASE)
        if found:
            base = patient.url[: patient.url.rindex(path) + found.start()]
            sure = patient.thorough and describes_an_api(patient.run.anonymous_session(), base)
            line = problem(
                f"{patient.url} is {name}, not the base URL ({what})",
                "The base URL answers with the discovery document, which names all others.",
                Who.YOU,
                f"Give --edfi-url {base}" + (", which does answer with it." if sure else "."),
            )
            return replace(line, evidence=last.line)
    if last.status in (429, 502, 503, 504):
        wait = headers.get("retry-after")
        return problem(
            f"{patient.url} answered {last.status}",
            "The API or the gateway before it is overloaded or down."
            if last.status != 429  # noqa: PLR2004 - a status says itself
            else "The API limits the rate of requests.",
            Who.HOST,
            f"Try again after {wait} s (Retry-After)." if wait else "Try again later.",
        )
    if last.status in (401, 403):
        return problem(
            f"{patient.url} answered {last.status}",
            "An Ed-Fi API shows its discovery document to everyone, without a token.",
            Who.HOST,
            "Open the base URL for anonymous GET, or let this machine through the gateway.",
        )
    if last.status and last.status >= 500:  # noqa: PLR2004 - a status says itself
        return problem(
            f"{patient.url} answered {last.status}",
            "The API itself failed.",
            Who.HOST,
            "Look at the API's log at this time.",
        )
    began = patient.connecting[0]
    onward = f" after a redirect to {last.url}" if began.status in (301, 302, 303, 307, 308) else ""
    means = "A web site answers there, not an API." if "html" in kind else "No Ed-Fi API is there."
    if "json" in kind and last.status == OK:
        means = "It is JSON, but no discovery document: another service, or another part of an API."
    above = ""
    if patient.thorough:
        above = base_above(patient.run.anonymous_session(), patient.url, last.status)
    if above:
        line = problem(
            f"{patient.url} is not an Ed-Fi API: it answered {what}{onward}",
            f"No Ed-Fi API is there; {above} is one.",
            Who.YOU,
            f"Give --edfi-url {above}",
        )
        return replace(line, evidence=last.line)
    return problem(
        f"{patient.url} is not an Ed-Fi API: it answered {what}{onward}",
        means,
        Who.YOU,
        "Give the API's base URL, with tenant and school year where it has them, e.g. "
        "--edfi-url https://host/v7.3/api",
    )


def standard(patient: Patient) -> Line:
    """Version and data standard."""
    if isinstance(patient.error, UnsupportedStandard):
        return problem(
            str(patient.error),
            "The certification's records do not fit that standard.",
            Who.HOST,
            "Give the base URL of an instance with Data Standard 4 or 5, or upgrade this one.",
        )
    api = patient.api
    assert api is not None  # noqa: S101 - every error before this one is a probe's that it needs
    line = ok(f"version {api.version}, Data Standard {api.data_standard}")
    # Its notes say by which standard it is judged, where that is no matter of course.
    by = f". {' '.join(api.notes)}" if api.notes else f", judged by the schemas of {api.standard}"
    return Line(line.status, line.found + by)


def clock(patient: Patient) -> Line:
    """The clock of this machine against the Date header of the API's answers."""
    if patient.skew is None:
        return unknown("the API's answers have no usable Date header")
    size = abs(patient.skew)
    if size <= TOLERATED_SKEW:
        return ok(f"differs from the API's by {size:.0f} s")
    found = f"this clock is {_span(size)} {'ahead of' if patient.skew > 0 else 'behind'} the API's"
    how = "Let both machines take the time from NTP (here: timedatectl status)."
    if patient.error is None and not patient.run.token.fresh(patient.clock()):
        return problem(
            found,
            "The token is over by this clock as soon as it is given: every request would ask for "
            "a new one, until the API gives none.",
            Who.YOU,
            how,
        )
    return warning(
        found,
        "Tokens and certificates can seem over, or not yet valid; times in logs do not match.",
        Who.YOU,
        how,
    )


def _span(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"  # noqa: PLR2004 - two hours
