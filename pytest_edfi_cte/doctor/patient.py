"""What the probes look at: one connection, and what the API says of the key, each asked once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pytest_edfi_cte.client.discovery import Api
from pytest_edfi_cte.client.exchange import Exchange
from pytest_edfi_cte.client.tokeninfo import TokenInfo, ask
from pytest_edfi_cte.errors import (
    ConfigurationError,
    InsecureAddress,
    NotAnApi,
    NoToken,
    RequestFailed,
    Unreachable,
    UnsupportedStandard,
)
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.records import Records
from pytest_edfi_cte.run import Run

#: What can stop a connection, each with a probe that explains it.
EXPLAINED = (Unreachable, NotAnApi, InsecureAddress, UnsupportedStandard, NoToken)


class Patient:
    """One run's connection as it was made, or as it failed.

    ``thorough``: may send what a run would not send anyway. ``clock``: seconds since 1970. Raises
    :class:`ConfigurationError` for what is no matter of the API, e.g. a missing extra.
    """

    def __init__(
        self, run: Run, *, thorough: bool = True, clock: Callable[[], float] = time.time
    ) -> None:
        self.run = run
        self.thorough = thorough
        self.clock = clock
        self.error: ConfigurationError | None = None
        #: what the API would not let us look up, newest last
        self.refusals: list[str] = []
        #: the table's ed-org as the API has it, empty until it is found
        self.ed_org: Mapping[str, Any] = {}
        try:
            run.session  # noqa: B018 - the first access connects
        except EXPLAINED as error:
            self.error = error
        self.connecting: list[Exchange] = run.recorder.since(0)
        self.skew = _skew(self.connecting, clock())

    @property
    def url(self) -> str:
        """The base URL as given, or the embedded sandbox's."""
        if self.run.settings.embedded and self.connecting:
            parts = urlsplit(self.connecting[0].url)
            return f"{parts.scheme}://{parts.netloc}"
        return self.run.settings.url or ""

    @property
    def api(self) -> Api | None:
        """The API as discovery describes it, None where there is no usable discovery."""
        return self.run.discovered

    @property
    def last(self) -> Exchange:
        """The newest exchange of connecting."""
        return self.connecting[-1]

    @cached_property
    def info(self) -> TokenInfo | str:
        """What the API says of the token, or why that cannot be known."""
        try:
            return ask(self.run.session, self.run.token.value)
        except RequestFailed as error:
            return str(error)

    def allowed(self, collection: str) -> frozenset[str] | None:
        """What the key's claim set allows on a collection; None where the API does not say."""
        operations = self.info.operations if isinstance(self.info, TokenInfo) else None
        return None if operations is None else operations.get(collection.lower(), frozenset())

    @property
    def claim_set(self) -> str:
        """The claim set in words, for messages."""
        name = self.info.claim_set if isinstance(self.info, TokenInfo) else ""
        return f"claim set {name!r}" if name else "claim set"

    @cached_property
    def records(self) -> Records:
        """Look-ups over the run's session; what the API would not say goes to :attr:`refusals`."""
        run = self.run
        return Records(run.session, run.contract, run.journal, self.refusals.append)

    @cached_property
    def prerequisites(self) -> Prerequisites:
        """The run's own look-ups: what they find here is not asked again."""
        return Prerequisites(self.records, self.run.seen)

    def newest(self) -> str:
        """The newest exchange in one line, ``""`` without any."""
        return self.run.recorder.last.line if len(self.run.recorder) else ""


def _skew(exchanges: list[Exchange], now: float) -> float | None:
    """Seconds by which this machine's clock is ahead of the API's; None without a Date."""
    for exchange in reversed(exchanges):
        headers = {name.lower(): value for name, value in exchange.response_headers.items()}
        if "date" not in headers or "age" in headers:  # an old copy out of a cache
            continue
        try:
            return now - parsedate_to_datetime(headers["date"]).timestamp()
        except ValueError:
            continue
    return None
