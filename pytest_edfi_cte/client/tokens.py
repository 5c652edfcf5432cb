"""OAuth 2 client credentials: one token, reused until it expires or is refused."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from requests.auth import HTTPBasicAuth

from pytest_edfi_cte.client.problems import describe
from pytest_edfi_cte.client.session import HttpSession
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.errors import NoToken, RequestFailed
from pytest_edfi_cte.secret import Secret

OK = 200
REFUSED = (400, 401, 403)
#: Renewed this many seconds before its end, so that no request meets a token dying on the way.
MARGIN = 60.0
#: An `expires_in` above this (seconds; 30 years) is a point in time, as one host sends it.
EPOCH_FROM = 1_000_000_000


@dataclass(frozen=True)
class Token:
    """A bearer token; ``expires`` is an epoch second, None where the host does not say."""

    value: Secret
    expires: float | None
    lifetime: float = 0.0

    def plain(self) -> dict[str, Any]:
        """For another process of the run. Holds the token in the open: never print it."""
        return {
            "value": self.value.reveal(),
            "expires": self.expires,
            "lifetime": self.lifetime,
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Token:
        """What :meth:`plain` gave; the open text is taken out of it."""
        return cls(Secret(plain.pop("value")), plain["expires"], plain["lifetime"])

    @property
    def mark(self) -> str:
        """What tells one token from another, and is no secret."""
        return hashlib.sha256(self.value.reveal().encode()).hexdigest()

    def fresh(self, now: float) -> bool:
        """True while the token can be used at epoch second ``now``."""
        return self.expires is None or now < self.expires - min(MARGIN, self.lifetime / 10)


class TokenSource:
    """Gives the run's token and renews it; raises :class:`NoToken` when refused."""

    def __init__(
        self,
        http: HttpSession,
        url: str,
        client_id: str,
        client_secret: Secret,
        contract: Contract,
        *,
        token: Token | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._url = url
        self.client_id = client_id
        self._secret = client_secret
        self._contract = contract
        self._clock = clock
        self._token = token
        #: Gives a token that others use too, by the mark of one that is spent; None where nobody
        #: answers, and then this source gets one by itself.
        self.elsewhere: Callable[[str], Token | None] | None = None
        self._one_at_a_time = threading.Lock()
        # As it will be when it is sent: a read-only run lets this one request pass.
        http.token_url = requests.Request("POST", url).prepare().url
        http.recorder.redactor.add(client_secret, client_id=client_id)
        if token:
            http.recorder.redactor.add(token.value)

    def __call__(self, refused: Secret | None = None) -> Secret:
        """The token to use; ``refused`` is one that the API just answered 401 to."""
        return self.current(refused).value

    def current(self, refused: Secret | None = None) -> Token:
        """As calling it, with the time the token ends."""
        known = self._token
        if known is None or known.value is refused or not known.fresh(self._clock()):
            known = self.instead_of(known.mark if known else "")
        return known

    def instead_of(self, mark: str) -> Token:
        """A token that is not the one of that mark, got once however many ask at once."""
        with self._one_at_a_time:
            known = self._token
            if known is None or known.mark == mark or not known.fresh(self._clock()):
                known = self._shared(mark) or self._fetch()
                self._token = known
            return known

    def _shared(self, mark: str) -> Token | None:
        token = self.elsewhere(mark) if self.elsewhere else None
        if token:
            self._http.recorder.redactor.add(token.value)
        return token

    @property
    def basic(self) -> HTTPBasicAuth:
        """The key and secret for one request; not to be kept, it holds the secret in the open."""
        return HTTPBasicAuth(self.client_id.encode(), self._secret.reveal().encode())

    def _fetch(self) -> Token:
        before = self._clock()
        try:
            response = self._http.post(
                self._url,
                data={"grant_type": "client_credentials"},
                auth=self.basic,
                allow_redirects=False,
            )
        except RequestFailed as error:
            raise NoToken(
                f"no token: {error}. This address is what the API's discovery document names "
                "(urls.oauth); if it is not the public one, the host must publish that."
            ) from None
        if response.status_code != OK:
            raise NoToken(self._refusal(response.status_code, describe(response)))
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        flaw = next(self._contract.validator("protocol", "token").iter_errors(answer), None)
        if flaw is not None:
            place, rule = flaw.json_path, flaw.validator
            raise NoToken(
                f"{self._url} answered 200 without a usable token ({place}: {rule}); "
                "expected JSON with access_token, token_type bearer and expires_in"
            )
        value = Secret(answer["access_token"])
        self._http.recorder.redactor.add(value)
        return _token(value, answer.get("expires_in"), before)

    def _refusal(self, status: int, detail: str) -> str:
        if status in REFUSED:
            return (
                f"{self._url} refused the client {self.client_id!r}, sent by HTTP Basic "
                f"({status}: {detail}). Check the "
                "client id (--edfi-client-id) and the secret in EDFI_CLIENT_SECRET: both must "
                "belong to this API."
            )
        return f"{self._url} gave no token ({status}: {detail})"


def _token(value: Secret, expires_in: Any, now: float) -> Token:
    if isinstance(expires_in, str):  # some hosts quote the number
        expires_in = float(expires_in)
    if expires_in is None:
        return Token(value, None)
    if expires_in > EPOCH_FROM:
        return Token(value, float(expires_in), max(0.0, expires_in - now))
    return Token(value, now + expires_in, float(expires_in))
