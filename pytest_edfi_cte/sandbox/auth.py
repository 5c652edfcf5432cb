"""Keys, secrets and tokens: the OAuth 2 client-credentials grant, as the ODS/API offers it."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

from pytest_edfi_cte.sandbox.access import Rights
from pytest_edfi_cte.sandbox.claimsets import EVERYTHING, check_name
from pytest_edfi_cte.sandbox.problems import TOO_MANY_TOKENS, UNAUTHENTICATED, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a token lives, in seconds: the ODS/API's default.
LIFETIME = 1800
#: How many unexpired tokens one key may have, as on the ODS/API.
MAX_TOKENS = 15

# What a secret needs on an address that others reach: characters, different characters.
_LENGTH, _DIFFERENT = 16, 8


@dataclass(frozen=True)
class Client:
    """A key that may ask for tokens.

    ``claims``: ids of the ed-orgs it speaks for. ``claim_set``: ``Ed-Fi Sandbox``,
    ``SIS Vendor``, ``Assessment Vendor`` or ``read-only``; ValueError for another.
    ``namespaces``: what the namespaces of descriptors that it writes begin with.
    """

    id: str
    secret: str = field(repr=False)
    claims: tuple[int, ...]
    claim_set: str = EVERYTHING
    namespaces: tuple[str, ...] = ("uri://ed-fi.org",)

    def __post_init__(self) -> None:
        check_name(self.claim_set)

    @property
    def rights(self) -> Rights:
        """What decides which records it may touch."""
        return Rights(self.claims, self.namespaces)


def guessable(client: Client) -> bool:
    """Whether the secret is too weak for an address that others reach.

    Shorter than 16 characters, of fewer than 8 different ones, or the key's own id: whatever a
    person types by habit, and every secret that sample installations are known by. Generated ones
    are 32 characters long.
    """
    secret = client.secret
    return len(secret) < _LENGTH or len(set(secret)) < _DIFFERENT or secret == client.id


class OAuthError(Exception):
    """A refused token request: HTTP status and the ``error`` code of RFC 6749, section 5.2."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class _Token(NamedTuple):
    client: Client
    expires: float


class Tokens:
    """Issues tokens and knows whose they are. ``clock``: seconds, never going back."""

    def __init__(self, clients: list[Client], clock: Callable[[], float]) -> None:
        self._clients = {client.id: client for client in clients}
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}
        #: What must never be shown, as it is and as JSON and addresses write it.
        self.secrets = {
            form
            for client in clients
            if client.secret
            for form in (
                client.secret,
                json.dumps(client.secret)[1:-1],
                json.dumps(client.secret, ensure_ascii=False)[1:-1],
                quote(client.secret, safe=""),
                quote_plus(client.secret),
            )
        }

    def issue(self, grant: object, client_id: object, secret: object) -> str:
        """A new token for a right key and secret; :class:`OAuthError` otherwise."""
        if not grant:
            raise OAuthError(400, "invalid_request")
        if grant != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type")
        client = self.known(client_id, secret)
        if client is None:
            raise OAuthError(401, "invalid_client")
        token = secrets.token_hex(16)
        with self._lock:
            now = self._clock()
            self._tokens = {k: t for k, t in self._tokens.items() if t.expires > now}
            if sum(t.client.id == client.id for t in self._tokens.values()) >= MAX_TOKENS:
                raise Problem(
                    TOO_MANY_TOKENS,
                    f"The key has {MAX_TOKENS} tokens that have not expired yet: use one of them.",
                )
            self._tokens[token] = _Token(client, now + LIFETIME)
        return token

    def known(self, client_id: object, secret: object) -> Client | None:
        """Whose key and secret these are, None where they are nobody's."""
        client = self._clients.get(client_id) if isinstance(client_id, str) else None
        return client if client and _same(client.secret, secret) else None

    def revoke_all(self) -> None:
        """No token issued so far is valid any more."""
        with self._lock:
            self._tokens.clear()

    def revoke(self, header: str | None) -> None:
        """The token that an ``Authorization`` header carries is not valid any more."""
        with self._lock:
            self._tokens.pop((header or "").partition(" ")[2].strip(), None)

    def owner(self, header: str | None) -> Client | None:
        """Whose token an ``Authorization`` header carries, None where there is none that counts."""
        scheme, _, token = (header or "").partition(" ")
        known = self._tokens.get(token.strip())
        alive = known is not None and known.expires > self._clock()
        return known.client if known and alive and scheme.lower() == "bearer" else None

    def of(self, token: object) -> Client | None:
        """Whose token this is, None for one that does not exist or has expired."""
        return self.owner(f"Bearer {token}") if isinstance(token, str) else None

    def require(self, header: str | None) -> Client:
        """Like :meth:`owner`; raises the 401 that says what is wrong with the header."""
        client = self.owner(header)
        if client is not None:
            return client
        scheme, _, token = (header or "").strip().partition(" ")
        if not scheme:
            detail = "The Authorization header is missing."
        elif scheme.lower() != "bearer":
            detail = "The Authorization header does not use the Bearer scheme."
        elif not token.strip():
            detail = "The Authorization header carries no token."
        else:
            detail = "The token is unknown or has expired: ask for a new one."
        raise Problem(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": "Bearer"})


def _same(secret: str, given: object) -> bool:
    # Compared in constant time, as a real server does: a stand-in should not teach worse.
    if not isinstance(given, str):
        return False
    return hmac.compare_digest(secret.encode(), given.encode(errors="replace"))
