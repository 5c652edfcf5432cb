"""Probes of the key: its token, claim set, ed-orgs and namespaces."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from requests import Response

from pytest_edfi_cte.client.problems import describe
from pytest_edfi_cte.client.tokeninfo import TokenInfo
from pytest_edfi_cte.doctor.model import Line, Who, ok, problem, unknown, warning
from pytest_edfi_cte.doctor.patient import Patient
from pytest_edfi_cte.errors import NoToken
from pytest_edfi_cte.values import SECRET_VARIABLE

MULTIPLE, FORBIDDEN, TOO_MANY, SERVER_ERROR = 300, 403, 429, 500
#: What both scenarios and their clean-up do with the association.
NEEDED = ("Create", "Read", "Update", "Delete")


def token(patient: Patient) -> Line:
    """Whether the API gives a token for the key, and one that lasts."""
    if isinstance(patient.error, NoToken):
        return _no_token(patient)
    given = patient.run.token
    if given.expires is None:
        return ok("given; the API does not say how long it lasts")
    left = given.expires - patient.clock()
    if not given.fresh(patient.clock()):
        return problem(
            f"the token ends {max(0, left):.0f} s after it was given",
            "Every request would ask for a new one, until the API gives none.",
            Who.HOST,
            "State in expires_in how many seconds a token lasts; 1800 is usual.",
        )
    return ok(f"given for {left:.0f} s")


def _no_token(patient: Patient) -> Line:
    last, settings = patient.last, patient.run.settings
    status, body = last.status or 0, (last.response_body or "").lower()
    means, who, how = "The API's answer says why.", Who.HOST, "Look at the API's log."
    if last.error:
        means = "Discovery names this address (urls.oauth), but nothing answers there."
        how = "Publish the token address as clients can reach it."
    elif status == TOO_MANY and re.search(r"too[- ]many[- ]tokens|access tokens", body):
        means = "The key has as many live tokens as the API allows (15 on the ODS/API)."
        who = Who.YOU
        how = (
            "Wait until they end (30 minutes at most), and see which program asks for a token with "
            "every request instead of using one until it ends."
        )
    elif status == TOO_MANY:
        wait = {n.lower(): v for n, v in last.response_headers.items()}.get("retry-after")
        means = "The API limits the rate of requests."
        how = f"Wait {wait} s (Retry-After)." if wait else "Wait, then try again."
    elif MULTIPLE <= status < 400:  # noqa: PLR2004 - redirects
        means = "The token address leads elsewhere; a secret does not follow a redirect."
        how = "Publish in discovery (urls.oauth) the address where it ends."
    elif "unsupported_grant" in body or "invalid_request" in body or status == 415:  # noqa: PLR2004 - a status says itself
        means = (
            "The API does not take the client-credentials grant as a form with HTTP Basic, which "
            "every Ed-Fi API must."
        )
        how = "Allow grant_type=client_credentials for this key."
    elif status in (400, 401):
        means = "The client id is unknown to this API, or the secret is not its own."
        who = Who.YOU
        sources = settings.sources
        how = (
            f"Compare the client id [{sources.get('client_id', 'generated')}] and the secret "
            f"[{sources.get('client_secret', SECRET_VARIABLE)}] with what you were given for this "
            "API; if they are the same, ask for a new secret."
        )
    elif status == FORBIDDEN:
        means, who = "The key is known, but may not be used.", Who.APPLICATION
        how = "Enable the key, and have its owner's address allowed."
    elif status in (404, 405):
        means = "Discovery names a token address (urls.oauth) that does not exist."
        how = "Publish the right one."
    elif status >= SERVER_ERROR:
        means = "The API failed while it gave a token."
        how = "Look at the API's log at this time, first at its connection to the key database."
    return problem(str(patient.error).partition(". ")[0], means, who, how)


def claims(patient: Patient) -> Line:
    """Whether the key may create, read, update and delete the association.

    From ``token_info``; where there is none and more may be sent, by requests that the API must
    refuse for another reason than the claim: an empty POST, and a PUT and a DELETE of an id that
    does not exist. A 403 shows that the claim is missing.
    """
    return claims_of(patient, patient.run.table.resource, "Both scenarios")


def claims_of(patient: Patient, collection: str, who: str) -> Line:
    """:func:`claims` of any collection; ``who`` needs them, in words."""
    info = patient.info
    if isinstance(info, TokenInfo) and not info.active:
        return problem(
            "token_info says that the token is not active",
            "The API does not take the token that it has just given.",
            Who.HOST,
            "Look at where the API keeps its tokens; several servers must share one place.",
        )
    allowed = patient.allowed(collection)
    if allowed is None:
        why = info if isinstance(info, str) else "token_info names no resources"
        return _tried(patient, collection, who) if patient.thorough else unknown(why)
    lacking = [operation for operation in NEEDED if operation not in allowed]
    if lacking:
        return problem(
            f"the key's {patient.claim_set} does not allow {_words(lacking)} of {collection}",
            f"{who} write, read and delete such a record; the API would answer 403.",
            Who.APPLICATION,
            f"Give the key a claim set with {_words(NEEDED)} on {collection}, e.g. 'SIS Vendor'.",
        )
    if isinstance(info, TokenInfo) and info.profiles:
        return warning(
            f"the key is bound to the profile {', '.join(info.profiles)}",
            "A profile can hide properties that the table writes and reads.",
            Who.APPLICATION,
            "Use a key without a profile for the certification.",
        )
    return ok(f"{patient.claim_set} allows {_words(NEEDED)} of {collection}")


def _tried(patient: Patient, collection: str, who: str) -> Line:
    session = patient.run.session
    nobody = session.resource_url(collection, uuid.uuid4().hex)
    requests: dict[str, Callable[[], Response]] = {
        "Create": lambda: session.post(session.resource_url(collection), json={}),
        "Update": lambda: session.put(nobody, json={}),
        "Delete": lambda: session.delete(nobody),
    }
    for operation, send in requests.items():
        response = send()
        if response.status_code == FORBIDDEN:
            return problem(
                f"the API refuses {operation} of {collection} to this key (403: "
                f"{describe(response)})",
                f"{who} write, read and delete such a record.",
                Who.APPLICATION,
                f"Give the key a claim set with {_words(NEEDED)} on {collection}.",
            )
        if response.status_code < MULTIPLE and operation == "Create":
            return _accepted(patient, response, collection)
    return unknown(
        f"no refusal of {collection} (the API has no token_info that names resources)",
        "An empty POST, and a PUT and DELETE of an id that does not exist, met no 403. Whether the "
        "key may do them shows when a run does them.",
    )


def _accepted(patient: Patient, response: Response, collection: str) -> Line:
    """Nothing that a probe made stays."""
    location = response.headers.get("Location")
    left = patient.records.delete(location) if location else "it has no Location"
    return problem(
        f"the API accepts an empty record of {collection} ({response.status_code})"
        + (f"; it could not be deleted again: {left}" if left else "; it was deleted again"),
        "An Ed-Fi API must refuse a record without its natural key.",
        Who.HOST,
        "Validate records against the data standard.",
    )


def coverage(patient: Patient) -> Line:
    """Whether the key's ed-orgs cover the table's."""
    info = patient.info
    if isinstance(info, str):
        return unknown(info)
    if info.ed_orgs is None:
        return unknown("token_info names no ed-orgs")
    wanted = patient.run.table.prerequisites["education_organization"]["localEducationAgencyId"]
    program = patient.run.table.prerequisites["program"]
    owner = program["educationOrganizationReference"]["educationOrganizationId"]
    names = ", ".join(str(i) for i in info.ed_orgs) or "none"
    uncovered = [i for i in dict.fromkeys((wanted, owner)) if i not in info.ed_orgs]
    if not uncovered:
        return ok(f"{names}: the table's {wanted} is among them")
    above = [i for i in _parents(patient.ed_org) if i in info.ed_orgs]
    if above and uncovered == [wanted]:
        return ok(f"{names}: the table's {wanted} is below {above[0]}")
    known = bool(patient.ed_org) and uncovered[0] == wanted
    if not known or any(_may_cover(kind) for kind in info.ed_orgs.values()):
        return unknown(
            f"{names}: whether {uncovered[0]} is below one of them cannot be told",
            "token_info names the ed-orgs of the key, not what is below them.",
        )
    own = next(iter(info.ed_orgs), None)
    how = f"Add ed-org {uncovered[0]} to the key's application."
    if own is not None:
        how = (
            f"{how} Or test with an ed-org of the key: --edfi-set "
            f"educationOrganizationReference.educationOrganizationId={own} --edfi-set "
            f"programReference.educationOrganizationId={own}, and a school of its own."
        )
    return problem(
        f"the key is for ed-org {names}, not for {uncovered[0]}",
        "It may neither see nor write what belongs to another ed-org; the API would answer 403.",
        Who.APPLICATION,
        how,
    )


def _parents(ed_org: Mapping[str, Any]) -> set[int]:
    """The ed-orgs that an ed-org's own record names as being above it."""
    references = [value for value in ed_org.values() if isinstance(value, dict)]
    return {n for reference in references for n in reference.values() if isinstance(n, int)}


def _may_cover(kind: str) -> bool:
    """True for kinds of ed-org that other districts can be below, and for what is not named."""
    return kind.rpartition(".")[2] not in ("LocalEducationAgency", "School")


def namespaces(patient: Patient) -> Line:
    """Whether the key may write descriptors of the table's namespace. A run only reads them."""
    info = patient.info
    if isinstance(info, str):
        return unknown(info)
    wanted = patient.run.settings.namespace
    names = ", ".join(info.namespaces) or "none"
    if wanted.lower().startswith(tuple(n.lower() for n in info.namespaces)):
        return ok(f"{names}: covers {wanted}")
    return warning(
        f"{names}: does not cover {wanted}",
        "A run only reads descriptors, so it can succeed; this key cannot load missing ones.",
        Who.APPLICATION,
        f"To load descriptors with this key, add the namespace {wanted} to it.",
    )


def _words(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
