"""A sandbox in another process, with the same methods as one in this process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from pytest_edfi_cte.sandbox.log import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIMEOUT = 60  # seconds


class RemoteFault(AbstractContextManager["RemoteFault"]):
    """Like :class:`~pytest_edfi_cte.sandbox.faults.Fault`, in another process."""

    def __init__(self, sandbox: RemoteSandbox, number: int) -> None:
        self.id = number
        self._sandbox = sandbox

    def __exit__(self, *how: object) -> None:
        self.remove()

    @property
    def hits(self) -> int:
        """How many requests it has troubled. LookupError when it is switched off."""
        for fault in self._sandbox.ask("GET", "/faults"):
            if fault["id"] == self.id:
                return int(fault["hits"])
        raise LookupError(f"fault {self.id} is switched off: nothing is known of it any more")

    def remove(self) -> None:
        """Switch it off; harmless when it is off already."""
        self._sandbox.ask("DELETE", f"/faults/{self.id}")


class RemoteSandbox:
    """Controls a running sandbox through its admin path.

    ``admin_url``: origin and admin path, as :attr:`Sandbox.admin_url` gives it. ``url``,
    ``client_id`` and ``client_secret`` are asked for once. Methods raise ValueError where the
    sandbox refuses, and requests' own exceptions where it cannot be reached.
    """

    def __init__(self, admin_url: str, admin_token: str) -> None:
        self.admin_url = admin_url.rstrip("/")
        self.admin_token = admin_token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business with a sandbox
        self._session.headers["Authorization"] = f"Bearer {admin_token}"
        about = self.ask("GET", "/")
        self.url: str = about["url"]
        self.client_id: str = about["client_id"]
        self.client_secret: str = about["client_secret"]

    def __repr__(self) -> str:
        return f"<RemoteSandbox {self.url}>"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the admin path; the JSON of the answer, None where there is none."""
        answer = self._session.request(
            method, self.admin_url + path, json=body, timeout=_TIMEOUT, allow_redirects=False
        )
        if not answer.ok:
            raise ValueError(answer.json()["error"])
        return answer.json() if answer.content else None

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request received since the start or the last :meth:`clear`, in order of arrival."""
        return self.received()

    def received(self, first: int = 0) -> list[ReceivedRequest]:
        """The received requests from a number on."""
        return [ReceivedRequest(**entry) for entry in self.ask("GET", f"/requests?first={first}")]

    def records(self, collection: str) -> list[dict[str, Any]]:
        """All records of a collection as GET returns them, whoever may see them."""
        found: list[dict[str, Any]] = self.ask("GET", f"/records/{quote(collection)}")
        return found

    def load(self, collection: str, records: Iterable[dict[str, Any]]) -> None:
        """Put records in without authorization, like a POST of each, in order."""
        self.ask("POST", f"/records/{quote(collection)}", list(records))

    def clear(self) -> None:
        """Back to the state of the start: no other records, tokens, faults, received requests."""
        self.ask("POST", "/clear")

    def fault(self, **trouble: Any) -> RemoteFault:
        """Answer chosen requests wrongly; see :meth:`Sandbox.fault`."""
        return RemoteFault(self, self.ask("POST", "/faults", trouble)["id"])

    def close(self) -> None:
        """Close the connection; the sandbox goes on."""
        self._session.close()
