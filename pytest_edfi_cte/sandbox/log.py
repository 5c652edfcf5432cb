"""What the sandbox received: every request in order of arrival, without anything secret.

Kept in a temporary database that SQLite moves to disk when it grows, so that a long run does not
fill the memory; the latest million of them.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.discovery import OAUTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from werkzeug.wrappers import Request

MASK = "***"

_HIDDEN = frozenset({"authorization", "cookie", "proxy-authorization"})
#: So many are kept, the latest: a sandbox that runs for weeks must not fill the disk.
KEPT = 1_000_000
#: So many entries wait in memory before they are written together.
_BATCH = 256


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as the sandbox received it, without anything secret.

    ``number``: order of arrival; never given twice. ``path`` has the query string, but not that of
    an OAuth request, whose ``body`` is None too. ``status`` is what was answered, 0 where the
    connection was dropped. ``client_id`` is the owner of the token it carried, or of the right
    credentials in a token request; None without. ``time``: arrival, seconds since 1970;
    ``duration``: seconds until the answer was ready. ``headers``: by lower-case name. ``body``:
    text as it came. ``connection``: ``host:port`` of the other side; equal for requests on one
    kept connection. ``location``: of the answer. ``fault``: what an injected fault did to it.
    """

    number: int
    method: str
    path: str
    status: int
    client_id: str | None
    time: float
    duration: float
    headers: Mapping[str, str]
    body: str | None
    connection: str
    location: str | None
    fault: str | None


_COLUMNS = [field.name for field in fields(ReceivedRequest)]


def seen(request: Request, secrets: Iterable[str]) -> dict[str, Any]:
    """The part of an entry that can be told from the request alone, ``secrets`` masked."""
    query = request.query_string.decode("latin-1")
    # Also at another base URL than ours: what is sent there may be the secret of another API.
    secretive = OAUTH in request.path.lower()
    path = f"{request.path}?{query}" if query and not secretive else request.path
    raw = request.get_data()
    body = raw.decode("utf-8", errors="replace") if raw and not secretive else None
    headers = {
        name.lower(): MASK if name.lower() in _HIDDEN else value for name, value in request.headers
    }
    for secret in secrets:
        path = path.replace(secret, MASK)
        if body:
            body = body.replace(secret, MASK)
        for name, value in headers.items():
            if secret in value:
                headers[name] = value.replace(secret, MASK)
    environ = request.environ
    return {
        "method": request.method,
        "path": path,
        "headers": headers,
        "body": body,
        "connection": f"{environ.get('REMOTE_ADDR')}:{environ.get('REMOTE_PORT')}",
    }


class RequestLog:
    """Entries in the order of their numbers. Safe for use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[ReceivedRequest] = []
        # An empty name is SQLite's temporary database: in memory while small, then on disk.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute(
            f"CREATE TABLE entry({_COLUMNS[0]} INTEGER PRIMARY KEY, {', '.join(_COLUMNS[1:])})"
        )
        weakref.finalize(self, self._db.close)

    def add(self, entry: ReceivedRequest) -> None:
        """Keep one entry."""
        with self._lock:
            self._waiting.append(entry)
            if len(self._waiting) >= _BATCH:
                self._write()

    def entries(self, first: int = 0) -> list[ReceivedRequest]:
        """All entries whose number is at least ``first``."""
        with self._lock:
            self._write()
            rows = self._db.execute("SELECT * FROM entry WHERE number >= ?", (first,)).fetchall()
        named = (dict(zip(_COLUMNS, row, strict=True)) for row in rows)
        return [ReceivedRequest(**{**row, "headers": json.loads(row["headers"])}) for row in named]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._waiting.clear()
            self._db.execute("DELETE FROM entry")

    def _write(self) -> None:
        places = ", ".join("?" * len(_COLUMNS))
        self._db.execute("BEGIN")
        rows = [_row(entry) for entry in self._waiting]
        self._db.executemany(f"INSERT INTO entry VALUES ({places})", rows)  # noqa: S608 - question marks
        if self._waiting:
            newest = max(entry.number for entry in self._waiting)
            self._db.execute("DELETE FROM entry WHERE number <= ?", (newest - KEPT,))
        self._db.execute("COMMIT")
        self._waiting.clear()


def _row(entry: ReceivedRequest) -> list[Any]:
    values = vars(entry)
    return [json.dumps(values[n]) if n == "headers" else values[n] for n in _COLUMNS]
