"""Tokens, and what is refused without a good one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from requests.auth import AuthBase, HTTPBasicAuth

from pytest_edfi_cte.contract_checks.answers import (
    BAD_REQUEST,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    OK,
    TOO_MANY,
    UNAUTHORIZED,
    Answer,
)
from pytest_edfi_cte.contract_checks.bench import NOBODY, Bench, RawAuthorization
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.records import Record
from pytest_edfi_cte.secret import Secret

#: `expires_in` above this (seconds; 30 years) is a point in time and no lifetime.
EPOCH_FROM = 1_000_000_000
#: Headers that carry no token that any API could have issued; the first has none at all.
MALFORMED = {
    "a blank token": "Bearer ",
    "another scheme": "Basic bm90OmEtdG9rZW4=",
    "a token without scheme": "0123456789abcdef0123456789abcdef",
    "a token that is no text of a token": "Bearer \"{};'--",
}
GRANT = {"grant_type": "client_credentials"}


def _own_token(bench: Bench) -> Answer:
    """A token of our own, asked for once: hosts limit how many a key may have."""

    def ask() -> Answer:
        answer = bench.send(
            "POST",
            bench.api.oauth_url,
            data=GRANT,
            auth=bench.run.tokens.basic,
            allow_redirects=False,
        )
        if answer.status == TOO_MANY:
            raise NotTestable(
                f"the API gives this key no more tokens now: {answer.told}.\n"
                "  Run again when earlier ones have expired."
            )
        token = answer.at("access_token")
        if isinstance(token, str):
            bench.run.redactor.add(Secret(token))
        return answer

    return bench.once("token", ask)


@check
def token_is_given(bench: Bench) -> Iterator[Finding]:
    """The client-credentials grant gives a bearer token."""
    answer = _own_token(bench)
    yield status(answer, OK, where="token request with key and secret")
    token, kind = answer.at("access_token"), answer.at("token_type")
    good = isinstance(token, str) and bool(token)
    yield finding_of(good, "access_token", "a text", "a text" if good else "none", answer)
    yield finding_of(str(kind).lower() == "bearer", "token_type", "bearer", str(kind), answer)


@check
def token_lifetime_is_told(bench: Bench) -> Iterator[Finding]:
    """The token's lifetime is told in seconds."""
    answer = _own_token(bench)
    told = answer.at("expires_in")
    good = isinstance(told, int | float) and not isinstance(told, bool) and 0 < told < EPOCH_FROM
    expected = "a number of seconds from now"
    yield finding_of(good, "expires_in", expected, told if good else str(told), answer)


@check
def token_needs_the_secret(bench: Bench) -> Iterator[Finding]:
    """A wrong secret and an unknown key get no token."""
    wrong = secrets.token_hex(16)
    for where, key in (
        ("a wrong secret", bench.run.tokens.client_id.encode()),
        ("an unknown key", f"nobody-{wrong}".encode()),
    ):
        auth = HTTPBasicAuth(key, wrong)
        answer = bench.send("POST", bench.api.oauth_url, data=GRANT, auth=auth)
        yield from _no_token(answer, where, UNAUTHORIZED, BAD_REQUEST)


@check
def token_needs_a_known_grant(bench: Bench) -> Iterator[Finding]:
    """Another grant, or none, gets no token."""
    for where, form in (
        ("grant_type password", {"grant_type": "password"}),
        ("no grant_type", {"scope": ""}),
    ):
        answer = bench.send("POST", bench.api.oauth_url, data=form, auth=bench.run.tokens.basic)
        yield from _no_token(answer, where, BAD_REQUEST, UNAUTHORIZED)


def _no_token(answer: Answer, where: str, *allowed: int) -> Iterator[Finding]:
    yield status(answer, *allowed, where=f"token request with {where}")
    given = isinstance(answer.at("access_token"), str)
    if given:
        expected = "no access_token"
        yield finding_of(False, f"answer to {where}", expected, "an access_token", answer)


@check
def token_info_tells_the_token(bench: Bench) -> Iterator[Finding]:
    """Where the API has token_info, it tells whose the token is and refuses strangers."""
    given = _own_token(bench).at("access_token")
    token = given if isinstance(given, str) else bench.run.token.value.reveal()
    url = f"{bench.api.base_url}/oauth/token_info"
    answer = bench.send("POST", url, data={"token": token}, auth=bench.token(token))
    if answer.status in (NOT_FOUND, NOT_ALLOWED, NOT_IMPLEMENTED):
        raise DoesNotApply(f"the API has no token_info: {answer.exchange.line}")
    yield status(answer, OK, where="token_info of the own token")
    active = answer.at("active")
    yield finding_of(active is True, "active", "true, a boolean", str(active), answer)
    key = bench.run.tokens.client_id
    told = answer.at("client_id")
    yield finding_of(told == key, "client_id", "the key of the token", str(told), answer)
    unknown = bench.token(secrets.token_hex(16))
    stranger = bench.send("POST", url, data={"token": token}, auth=unknown)
    where = "token_info with an unknown bearer token"
    yield status(stranger, UNAUTHORIZED, BAD_REQUEST, where=where)


# -- what is refused without a good token ----------------------------------------------------------


def _every_verb(bench: Bench, record: Record, auth: AuthBase) -> dict[str, Answer]:
    """One request per verb and address, all of which a good token could make."""
    url = record.url or ""
    body = bench.body()
    changed = {"id": record.id, **record.body, "privateCTEProgram": None}
    return {
        "GET of a collection": bench.get(bench.resource, params={"limit": 1}, auth=auth),
        "GET of a record": bench.get(url, auth=auth),
        "POST": bench.post(body, auth=auth),
        "PUT": bench.send("PUT", url, json=changed, auth=auth),
        "DELETE": bench.send("DELETE", url, auth=auth),
    }


def _anonymous(bench: Bench) -> tuple[dict[str, Answer], Finding]:
    return bench.once("anonymous", lambda: _attempts(bench, NOBODY))


def _attempts(bench: Bench, auth: AuthBase) -> tuple[dict[str, Answer], Finding]:
    """What every verb is answered, and whether the record is untouched after all of them."""
    record = bench.association()
    before = bench.read(record)
    answers = _every_verb(bench, record, auth)
    after = bench.get(record.url or "")
    lost = bench.difference(before, after.json)
    where = "the record after all of these requests"
    return answers, finding_of(not lost, where, "unchanged", lost, after)


@check
def anonymous_is_refused(bench: Bench) -> Iterator[Finding]:
    """Without a token nothing is shown, made, changed or deleted."""
    answers, untouched = _anonymous(bench)
    for verb, answer in answers.items():
        yield status(answer, UNAUTHORIZED, BAD_REQUEST, where=f"{verb} without a token")
        yield _nothing_shown(bench, answer, f"answer to the {verb} without a token")
    yield untouched


@check
def anonymous_gets_401(bench: Bench) -> Iterator[Finding]:
    """A missing token is answered with 401, so that a client knows what to do."""
    answers, _ = _anonymous(bench)
    for verb, answer in answers.items():
        if answer.status in (BAD_REQUEST, UNAUTHORIZED):  # anything else is the other check's
            yield status(answer, UNAUTHORIZED, where=f"{verb} without a token")


@check
def malformed_token_is_refused(bench: Bench) -> Iterator[Finding]:
    """What is no bearer token is refused."""
    for what, header in MALFORMED.items():
        answer = bench.get(bench.common.url or "", auth=RawAuthorization(header))
        allowed = (UNAUTHORIZED, BAD_REQUEST)
        yield status(answer, *allowed, where=f"GET with {what}")
        yield _nothing_shown(bench, answer, f"answer to the GET with {what}")


@check
def foreign_token_is_refused(bench: Bench) -> Iterator[Finding]:
    """A well-formed token that the API did not issue is refused with 401, whatever the verb."""
    auth = bench.token(secrets.token_hex(16))
    answers, untouched = _attempts(bench, auth)
    for verb, answer in answers.items():
        yield status(answer, UNAUTHORIZED, where=f"{verb} with an unknown token")
        yield _nothing_shown(bench, answer, f"answer to the {verb} with an unknown token")
    yield untouched


def _nothing_shown(bench: Bench, answer: Answer, where: str) -> Finding:
    shown: Any = answer.rows or answer.at(next(iter(bench.schema["required"])))
    given = isinstance(shown, list | str | dict)
    return finding_of(not given, where, "no record", "a record" if given else "none", answer)
