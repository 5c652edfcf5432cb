"""Recorded requests, understood: what each one was about. No HTTP, no sandbox, no waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.compare import at
from pytest_edfi_cte.rehearsal.script import COLLECTIONS

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.log import ReceivedRequest

Json = dict[str, Any]
#: A record's natural key as texts; JSON types are judged elsewhere.
Key = tuple[str, ...]

TOKEN, DISCOVERY, DATA, OTHER = "token", "discovery", "data", "other"
_TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address, no secret
_MODEL = "/ed-fi/"
_DESCRIPTORS = "descriptors"
UNAUTHORIZED, FORBIDDEN, CONFLICT, TOO_MANY, SERVER_ERROR = 401, 403, 409, 429, 500


class Keys:
    """The natural keys of the resources that a product sends. ``schemas``: by collection."""

    def __init__(self, schemas: Mapping[str, Json]) -> None:
        self._paths = {
            name: tuple(schemas[name]["x-edfi-naturalKey"].values()) for name in COLLECTIONS
        }

    def of(self, collection: str, record: Any) -> Key | None:
        """The key of a record, None where a part is missing or the resource is another one."""
        paths = self._paths.get(collection)
        if paths is None:
            return None
        values = [at(record, path) for path in paths]
        if not all(isinstance(value, str | int | float) for value in values):
            return None
        # As texts in lower case: so the API compares, and what type was sent is judged elsewhere.
        return tuple(str(value).lower() for value in values)


@dataclass(frozen=True)
class Sent:
    """One recorded request, understood.

    ``kind``: token, discovery, data or other. For data: ``collection`` in the model's spelling
    (lower case for what is none of :data:`COLLECTIONS`), ``record_id`` of the path, ``body`` as
    JSON (None where there is none), and ``key`` and ``student`` of the record it is about, where
    they can be told.
    """

    request: ReceivedRequest
    kind: str
    collection: str = ""
    record_id: str | None = None
    body: Any = None
    key: Key | None = None
    student: str | None = None

    @property
    def number(self) -> int:
        """Order of arrival."""
        return self.request.number

    @property
    def status(self) -> int:
        """Of the answer; 0 where the connection was dropped."""
        return self.request.status

    @property
    def accepted(self) -> bool:
        """True where the product was told that it worked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the statuses of success

    @property
    def failed(self) -> bool:
        """True where the API was in trouble, and the same request may work later."""
        return self.status in (0, TOO_MANY) or self.status >= SERVER_ERROR

    @property
    def writes(self) -> bool:
        """True for a POST or PUT of a record."""
        return self.kind == DATA and self.request.method in ("POST", "PUT")

    @property
    def reads_record(self) -> bool:
        """True for a read of records, descriptors left aside."""
        return (
            self.kind == DATA
            and self.request.method == "GET"
            and not self.collection.endswith(_DESCRIPTORS)
        )

    @property
    def line(self) -> str:
        """In one line: ``#12 POST /data/v3/ed-fi/students (604822) → 500``."""
        about = f" ({self.student})" if self.student and "?" not in self.request.path else ""
        answer = self.status or "connection dropped"
        path, mark, _ = self.request.path.partition("?")
        shown = f"{path}{'?…' if mark else ''}"
        return f"#{self.number} {self.request.method} {shown}{about} → {answer}"


class Reader:
    """Understands requests, each once and in the order of their arrival.

    What a request by id was about is told by what was learnt from the ones before it.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        #: Number of the next request that was not read yet.
        self.next = 0
        self._spelling = {name.lower(): name for name in COLLECTIONS}
        #: id -> (key, student), from the Location of an earlier answer
        self._known: dict[str, tuple[Key | None, str | None]] = {}

    def sent(self, request: ReceivedRequest) -> Sent:
        """What a request was about."""
        self.next = request.number + 1
        path = request.path.partition("?")[0].lower()
        if path.rstrip("/").endswith(_TOKEN_PATH):
            return Sent(request, TOKEN)
        if _MODEL not in path:
            return Sent(request, DISCOVERY if path in ("", "/") else OTHER)
        collection, _, record_id = path.partition(_MODEL)[2].strip("/").partition("/")
        collection = self._spelling.get(collection, collection)
        body = _json(request.body)
        key, student = self._keys.of(collection, body), _student(body)
        if record_id and key is None:
            key, student = self._known.get(record_id, (None, student))
        if request.location:
            self._known[request.location.rstrip("/").rpartition("/")[2].lower()] = (key, student)
        return Sent(request, DATA, collection, record_id or None, body, key, student)


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _student(body: Any) -> str | None:
    for path in ("studentReference.studentUniqueId", "studentUniqueId"):
        value = at(body, path)
        if isinstance(value, str | int):
            return str(value)
    return None


@dataclass(frozen=True)
class Series:
    """Tries of one record that all failed, up to the first that did not, if there is one.

    ``pauses``: seconds from the arrival of each failed try to that of the next.
    """

    tries: tuple[Sent, ...]
    pauses: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Tries per second; infinite where there was no pause at all."""
        total = sum(self.pauses)
        return len(self.pauses) / total if total else float("inf")


def series(sent: Sequence[Sent]) -> list[Series]:
    """The failing series of every record, in the order in which they began."""
    by_record: dict[tuple[str, Key], list[Sent]] = {}
    for one in sent:
        if one.writes and one.key is not None:
            by_record.setdefault((one.collection, one.key), []).append(one)
    found = []
    for tries in by_record.values():
        run: list[Sent] = []
        for one in tries:
            if run or one.failed:
                run.append(one)
            if run and not one.failed:
                found.append(_series(run))
                run = []
        if run:
            found.append(_series(run))
    return sorted(found, key=lambda one: one.tries[0].number)


def _series(tries: Sequence[Sent]) -> Series:
    times = [one.request.time for one in tries]
    return Series(
        tuple(tries),
        tuple(later - time for time, later in pairwise(times)),
    )
