"""Sending with retries, where every attempt becomes an Exchange.

The waiting is urllib3's: exponential back-off with jitter, ``Retry-After`` in both forms.
Every verb may be retried: an Ed-Fi POST upserts, PUT and DELETE are idempotent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from pytest_edfi_cte.client.exchange import Exchange, Recorder

#: Answers that a gateway or a rate limit gives and that a later try may change.
RETRIED_STATUSES = frozenset({429, 502, 503, 504})
#: A host that asks for a longer pause than this (seconds) is reported, not waited for.
LONGEST_PAUSE = 120.0
BACKOFF_FACTOR = 0.5  # seconds, doubling
BACKOFF_JITTER = 0.25  # seconds


@dataclass
class _Attempt:
    """What one failed attempt left behind, until the request is recorded."""

    duration: float
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    error: str | None = None
    ended: float = field(default_factory=time.time)


@dataclass
class _Log:
    """The attempts of the request under way, and when the present one began."""

    attempts: list[_Attempt]
    began: float

    def lap(self) -> float:
        now = time.perf_counter()
        lap, self.began = now - self.began, now
        return lap


_log: ContextVar[_Log | None] = ContextVar("edfi_attempts", default=None)


class RecordingRetry(Retry):
    """urllib3's Retry that notes each attempt it decides to repeat."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> RecordingRetry:
        """Note the attempt, then decide as urllib3 does; give up on an over-long Retry-After."""
        pause = self.get_retry_after(response) if response is not None else None
        if pause is not None and pause > LONGEST_PAUSE:
            raise MaxRetryError(_pool, url or "", error)
        again = super().increment(method, url, response, error, _pool, _stacktrace)
        log = _log.get()
        if log is not None:
            attempt = _Attempt(duration=log.lap())
            if response is not None:
                attempt.status, attempt.headers = response.status, dict(response.headers)
                attempt.body = _read_quietly(response)
            else:
                attempt.error = describe_failure(error)
            log.attempts.append(attempt)
        return again

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as urllib3 does; the pause does not count into the next attempt's duration."""
        super().sleep(response)
        log = _log.get()
        if log is not None:
            log.lap()


class RecordingAdapter(HTTPAdapter):
    """requests' transport that records every attempt of every hop."""

    def __init__(self, recorder: Recorder, *, retries: int, backoff: float) -> None:
        self.recorder = recorder
        #: Scheme and host, verify, cert -> its connections; requests looks them up anew each time.
        self._pools: dict[tuple[object, ...], Any] = {}
        super().__init__(
            max_retries=RecordingRetry(
                total=retries,
                other=0,  # a certificate that fails once fails again
                redirect=0,
                status_forcelist=RETRIED_STATUSES,
                allowed_methods=None,
                backoff_factor=backoff,
                backoff_jitter=min(BACKOFF_JITTER, backoff),
                raise_on_status=False,
                raise_on_redirect=False,
            )
        )

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """As requests', which finds out the host's connections for every request."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        place = (*(request.url or "").split("/", 3)[:3], verify, cert)
        pool = self._pools.get(place)
        if pool is None or pool.pool is None:  # closed, e.g. for another host's
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pools[place] = pool
        return pool

    def close(self) -> None:
        """As requests'."""
        self._pools.clear()
        super().close()

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """As requests', which looks for a proxy in any case."""
        if proxies or request.path_url.startswith("//"):
            return str(super().request_url(request, proxies))
        return request.path_url

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send and record; the body is read here so that a broken one is evidence too."""
        log = _Log([], time.perf_counter())
        token = _log.set(log)
        try:
            response = super().send(request, *args, **kwargs)
            body = response.content
        except (requests.RequestException, HTTPError) as error:
            self._record(request, log, error=describe_failure(error))
            raise
        finally:
            _log.reset(token)
        self._record(request, log, response=response, body=body)
        return response

    def _record(
        self,
        request: requests.PreparedRequest,
        log: _Log,
        *,
        response: requests.Response | None = None,
        body: bytes | None = None,
        error: str | None = None,
    ) -> None:
        last = _Attempt(duration=log.lap(), error=error, body=body)
        if response is not None:
            last.status, last.headers = response.status_code, dict(response.headers)
        for number, attempt in enumerate([*log.attempts, last], start=1):
            exchange = Exchange(
                method=request.method or "",
                url=request.url or "",
                status=attempt.status,
                request_headers=dict(request.headers),
                response_headers=attempt.headers or {},
                request_body=text_of(request.body),
                response_body=text_of(attempt.body),
                duration=attempt.duration,
                attempt=number,
                error=attempt.error,
                at=attempt.ended - attempt.duration,
            )
            self.recorder.add(exchange)


def describe_failure(error: BaseException | None) -> str:
    """The innermost cause of a failed request in one line, e.g. ``Connection refused``."""
    seen: BaseException | None = error
    while seen is not None:
        reason = getattr(seen, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        if inner is None:
            nested = [arg for arg in getattr(seen, "args", ()) if isinstance(arg, BaseException)]
            inner = nested[0] if nested else seen.__cause__
        if inner is None:
            break
        seen = inner
    if isinstance(seen, OSError) and seen.strerror:
        return f"{type(seen).__name__}: {seen.strerror}"
    return f"{type(seen).__name__}: {seen}" if seen is not None else "unknown error"


def _read_quietly(response: BaseHTTPResponse) -> bytes | None:
    try:
        return response.read(decode_content=True)
    except (HTTPError, OSError):
        return None  # the attempt is repeated anyway; its status is what matters


def text_of(body: Any) -> str | None:
    """A body as text; a stream cannot be shown without being used up."""
    if isinstance(body, bytes):
        return body.decode("utf-8", errors="replace")
    return body if isinstance(body, str) else None
