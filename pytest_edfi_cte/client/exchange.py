"""One request and its answer as evidence, with every secret already gone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pytest_edfi_cte.errors import EdFiError
from pytest_edfi_cte.secret import MASK, Redactor
from pytest_edfi_cte.user_hooks import NO_HOOKS, UserHooks

#: Headers whose value is never kept, whatever it is.
HIDDEN_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
BODY_LIMIT = 64 * 1024
_CUT = "\n… cut at 64 KiB"
#: A token is masked in the very answer that brings it, before anyone could know its value.
_CREDENTIAL = re.compile(
    r"""("(?:access_token|refresh_token|id_token|client_secret)"\s*:\s*")(?:[^"\\]|\\.)*"""
    r"|((?:^|&)(?:client_secret|token)=)[^&]*"
)


@dataclass(frozen=True)
class Exchange:
    """One attempt of one request. Bodies are text, cut at 64 KiB with a note.

    ``status`` is None where no answer came; then ``error`` says why. ``duration`` is in seconds.
    ``at`` is when it was sent, in seconds since 1970.
    ``attempt`` counts from 1; a value above 1 is a retry of the exchange before it.
    """

    method: str
    url: str
    status: int | None
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: str | None = None
    response_body: str | None = None
    duration: float = 0.0
    attempt: int = 1
    error: str | None = None
    at: float = 0.0

    @property
    def is_cut(self) -> bool:
        """True where the answer was longer than what is kept of it."""
        return (self.response_body or "")[BODY_LIMIT:].startswith(_CUT)

    @property
    def line(self) -> str:
        """The exchange in one line: ``PUT https://… → 204``."""
        again = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return f"{self.method} {self.url} → {self.status or self.error}{again}"


class Recorder:
    """Keeps the exchanges of a run, redacted as they come in."""

    def __init__(self, redactor: Redactor, hooks: UserHooks = NO_HOOKS) -> None:
        self.redactor = redactor
        self.hooks = hooks
        #: Headers whose value is hidden, in lower case.
        self.hidden = set(HIDDEN_HEADERS)
        self._exchanges: list[Exchange] = []
        #: How many there were before the oldest that is kept.
        self._forgotten = 0
        self._failure: EdFiError | None = None

    def __len__(self) -> int:
        return self._forgotten + len(self._exchanges)

    def since(self, mark: int) -> list[Exchange]:
        """The exchanges recorded after ``len(recorder)`` was ``mark``, as far as they are kept."""
        return self._exchanges[max(0, mark - self._forgotten) :]

    def forget(self) -> None:
        """Let go of all exchanges but the last; they still count."""
        self._forgotten += max(0, len(self._exchanges) - 1)
        del self._exchanges[:-1]

    @property
    def last(self) -> Exchange:
        """The newest exchange; IndexError when there is none."""
        return self._exchanges[-1]

    def learn(self, content: Any) -> None:
        """Personal data in JSON is masked from now on, where that is asked for."""
        if self.redactor.people:
            self.redactor.people.learn(content)

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange; nothing secret in it is kept."""
        if self.redactor.people:  # learned first: this very exchange is masked by it
            self.redactor.people.learn_text(exchange.request_body)
            self.redactor.people.learn_text(exchange.response_body)
        self._exchanges.append(self._cleaned(exchange))
        if self.hooks.after_response:
            try:
                self.hooks.after_response(exchange=self.last)
            except EdFiError as error:  # the answer is there: who sent must get it
                self._failure = self._failure or error

    def _cleaned(self, exchange: Exchange) -> Exchange:
        parts = object.__new__(Exchange)  # a tenth of what dataclasses.replace takes
        parts.__dict__.update(
            exchange.__dict__,
            url=without_userinfo(exchange.url),
            request_headers=self._shown(exchange.request_headers),
            response_headers=self._shown(exchange.response_headers),
        )
        if not self._has_secrets(parts):
            return parts
        clean = self.redactor.clean
        return replace(
            parts,
            url=clean(parts.url),
            request_headers=self.headers(exchange.request_headers),
            response_headers=self.headers(exchange.response_headers),
            request_body=self.body(exchange.request_body),
            response_body=self.body(exchange.response_body),
            error=clean(exchange.error) if exchange.error else None,
        )

    def _has_secrets(self, exchange: Exchange) -> bool:
        """Whether something may have to be masked or cut: one look at all of it together."""
        bodies = [body for body in (exchange.request_body, exchange.response_body) if body]
        if any(len(body) > BODY_LIMIT or _CREDENTIAL.search(body) for body in bodies):
            return True
        texts = [exchange.url, exchange.error or "", *bodies]
        texts += map(str, exchange.request_headers.values())
        texts += map(str, exchange.response_headers.values())
        whole = "\n".join(texts)
        return self.redactor.clean(whole) != whole

    def _shown(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with the value of those hidden that never show one."""
        hidden = self.hidden
        return {
            name: MASK if name.lower() in hidden else str(value) for name, value in headers.items()
        }

    def raise_failure(self) -> None:
        """Raise what a hook raised when it saw an answer, once; the first of several."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers as they may be shown."""
        return {
            name: MASK if name.lower() in self.hidden else self.redactor.clean(str(value))
            for name, value in headers.items()
        }

    def body(self, text: str | None) -> str | None:
        """A body as it may be shown, at most 64 KiB of it."""
        if text is None:
            return None
        # Redacted before it is cut: half a secret at the edge would not be recognised.
        text = _CREDENTIAL.sub(lambda found: (found[1] or found[2]) + MASK, text)
        text = self.redactor.clean(text)
        if len(text) > BODY_LIMIT:
            text = f"{text[:BODY_LIMIT]}{_CUT}; {len(text):,} characters in all"
        return text


def without_userinfo(url: str) -> str:
    """``url`` without ``user:password@``."""
    if "@" not in url:
        return url
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
