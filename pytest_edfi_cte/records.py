"""Records in the API: found, created, deleted, and known as ours or not.

What we did not create is neither overwritten nor deleted. A look-up that a host refuses is a
note, not an obstacle: the POST then decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from pytest_edfi_cte.client.discovery import origin
from pytest_edfi_cte.client.problems import describe
from pytest_edfi_cte.client.session import EdFiSession
from pytest_edfi_cte.compare import same_json
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.errors import RequestFailed
from pytest_edfi_cte.journal import Entry, Journal

Json = dict[str, Any]
OK, CREATED, NO_CONTENT, MULTIPLE, BAD_REQUEST, NOT_FOUND = 200, 201, 204, 300, 400, 404
GONE = (NO_CONTENT, OK, NOT_FOUND)
#: What a student's number is called, wherever a record has it.
STUDENT = "studentUniqueId"
#: A natural key names one record; more would only bring others' data into our evidence where a
#: host ignores the query.
PAGE = 5


class Record(Mapping[str, Any]):
    """A record in the API: reads like its JSON, knows its place.

    ``url`` and ``id`` are None where the host gave no usable address. ``created`` is True where
    this run made the record, and will delete it.
    """

    def __init__(
        self, resource: str, body: Mapping[str, Any], url: str | None, *, created: bool
    ) -> None:
        self.resource = resource
        self.body = dict(body)
        self.url = url
        self.created = created

    @property
    def id(self) -> str | None:
        """The last part of the record's address."""
        return urlsplit(self.url).path.rstrip("/").rpartition("/")[2] if self.url else None

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.body)

    def __len__(self) -> int:
        return len(self.body)

    def __repr__(self) -> str:
        return f"<{self.resource} {self.url or 'without address'}>"


@dataclass(frozen=True)
class LookUp:
    """Answer of a look-up by natural key. ``known`` is False where the host would not say."""

    matches: tuple[Json, ...] = ()
    others: tuple[Json, ...] = ()
    known: bool = True
    why: str = ""

    @property
    def may_be_there(self) -> bool:
        """False where the host says that there is none."""
        return bool(self.matches) or not self.known


@dataclass(frozen=True)
class Posted:
    """A POST as it went: the answer, the record it made, and how many attempts it took."""

    response: requests.Response
    record: Record
    location: str | None
    attempts: int

    @property
    def ambiguous(self) -> bool:
        """True where an earlier attempt may have created what the last one found."""
        return self.attempts > 1 and self.response.status_code == OK


class Records:
    """Creates, finds and deletes records, and remembers which are ours."""

    def __init__(
        self,
        session: EdFiSession,
        contract: Contract,
        journal: Journal,
        note: Callable[[str], None],
    ) -> None:
        self.session = session
        self.journal = journal
        self.note = note
        self.schemas = contract.resource_schemas(session.api.standard)

    def key_of(self, resource: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The natural key of a record as query parameters."""
        paths: dict[str, str] = self.schemas[resource]["x-edfi-naturalKey"]
        key = {}
        for query, path in paths.items():
            value: Any = body
            for part in path.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            key[query] = value
        return key

    def look_up(self, resource: str, query: Mapping[str, Any]) -> LookUp:
        """Records whose ``query`` parts (of the natural key) are equal; never raises."""
        url = self.session.resource_url(resource)
        try:
            response = self.session.get(url, params={**query, "limit": PAGE})
            if response.status_code in (BAD_REQUEST, NOT_FOUND):  # perhaps it was the limit
                again = self.session.get(url, params=dict(query))
                response = again if again.status_code == OK else response
            found = json.loads(response.content) if response.status_code == OK else None
        except (RequestFailed, ValueError) as error:
            return self._unknown(resource, query, str(error))
        if response.status_code != OK:
            detail = f"{response.status_code}: {describe(response)}"
            return self._unknown(resource, query, detail)
        if not isinstance(found, list):
            return self._unknown(resource, query, "the answer is not a JSON array")
        matches: list[Json] = []
        others: list[Json] = []
        for body in found:
            is_match = isinstance(body, dict) and self._has(resource, body, query)
            (matches if is_match else others).append(body)
        if others and not matches:
            return self._unknown(
                resource, query, "the API answered with records that have another key"
            )
        return LookUp(tuple(matches), tuple(others))

    def _has(self, resource: str, body: Json, query: Mapping[str, Any]) -> bool:
        key = self.key_of(resource, body)
        # Compared as text: a host that sends 222222 for "222222" is found here and judged later.
        return all(
            same_json(key.get(n), v) or str(key.get(n)).lower() == str(v).lower()
            for n, v in query.items()
        )

    def _unknown(self, resource: str, query: Mapping[str, Any], why: str) -> LookUp:
        shown = ", ".join(f"{name}={value}" for name, value in query.items())
        self.note(f"Could not look up {resource} by {shown}: {why}")
        return LookUp(known=False, why=why)

    def post(self, resource: str, body: Mapping[str, Any], *, absent: bool, **wire: Any) -> Posted:
        """POST a record. ``absent``: a look-up has just shown that there is none under its key.

        ``wire``: what ``requests`` sends instead of the record, where it should be something else
        (``data``, ``headers``, ``auth``); the record is then what an API could make of it.

        A record that a 201 made is ours; so is any that is there now and was not before (a host
        may answer a create with the wrong status, a retry may find what the first try made).
        Raises :class:`RequestFailed` where no answer comes, :class:`ReadOnlyRun` in a run that
        only reads.
        """
        self.session.may_send("POST", self.session.resource_url(resource))  # not to the journal
        key = self.key_of(resource, body)
        base = self.session.api.base_url
        self.journal.creating(base, resource, key, body)
        mark = len(self.session.recorder)
        url = self.session.resource_url(resource)
        sent = wire if "data" in wire else {"json": body, **wire}
        response = self.session.post(url, **sent)
        attempts = max(e.attempt for e in self.session.recorder.since(mark))
        status = response.status_code
        created = status == CREATED or (absent and OK <= status < MULTIPLE)
        location = response.headers.get("Location")
        place = self._address(location, response.url, resource)
        if created and absent and place is None:  # find it, so that it can be cleaned up
            found = self.look_up(resource, key).matches
            if found and isinstance(found[0].get("id"), str):
                place = self.session.resource_url(resource, found[0]["id"])
        if created:
            self.journal.created(Entry(base, resource, key, place, absent=absent))
            if place is None:
                self.note(f"A new {resource} record has no address and cannot be deleted: {key}")
        else:
            self.journal.settled(Entry(base, resource, key, None))
        return Posted(response, Record(resource, body, place, created=created), location, attempts)

    def _address(self, location: str | None, request_url: str, resource: str) -> str | None:
        """The record's own address from a Location that may be relative or name another host."""
        if not location:
            return None
        url = urljoin(request_url, location)
        folder, _, record_id = urlsplit(url).path.rstrip("/").rpartition("/")
        if origin(url) not in self.session.api.origins:
            return self.session.resource_url(resource, record_id) if record_id else None
        collection = urlsplit(self.session.resource_url(resource)).path
        return url if folder.lower() == collection.lower() else None

    def adopt(self, resource: str, body: Mapping[str, Any], record_id: str) -> Record:
        """Take over a record that appeared under a key of ours, e.g. with a new id."""
        url = self.session.resource_url(resource, record_id)
        key = self.key_of(resource, body)
        self.journal.created(Entry(self.session.api.base_url, resource, key, url, absent=True))
        return Record(resource, body, url, created=True)

    def known(self, resource: str, body: Mapping[str, Any]) -> Record | None:
        """A record that a worker of this run made under the same key.

        The API may hide it from us: a student is visible only once it is enrolled.
        """
        key = self.key_of(resource, body)
        for entry in self.journal.pending():
            if entry.resource == resource and entry.key == key:
                return Record(resource, body, entry.url, created=True)
        return None

    def confirm(self, journal: Journal) -> None:
        """Find what was made under invented keys, though the answer was lost or never read.

        It is sent again: what is under such a key is ours. A refusal leaves it unsure.
        """
        base = self.session.api.base_url
        for entry in (e for e in journal.unconfirmed() if e.body and e.base_url == base):
            url = self.session.resource_url(entry.resource)
            with suppress(RequestFailed):
                response = self.session.post(url, json=entry.body)
                place = self._address(response.headers.get("Location"), url, entry.resource)
                if OK <= response.status_code < MULTIPLE and place:
                    journal.created(Entry(base, entry.resource, entry.key, place, absent=True))

    def is_ours(self, resource: str, record_id: Any) -> bool:
        """True where this run created the record."""
        ids = (e.url.rpartition("/")[2] for e in self.journal.pending() if e.url)
        return isinstance(record_id, str) and record_id in ids and resource in self.schemas

    def delete(self, url: str) -> str | None:
        """Delete a record of ours; None when it is gone, else what stands in the way."""
        try:
            response = self.session.delete(url)
            if response.status_code in GONE:
                still = self.session.get(url)
                if still.status_code == OK:
                    return f"DELETE {url} → {response.status_code}, but the record is still there"
        except RequestFailed as error:
            return str(error)
        if response.status_code not in GONE:
            return f"DELETE {url} → {response.status_code}: {describe(response)}"
        self.journal.deleted(url)
        return None

    def clean_up(self, journal: Journal) -> list[str]:
        """Delete what a journal lists, newest first; returns what could not be deleted.

        Where each record is, is found out before anything is deleted: a student is hidden once its
        enrollment is gone, and a Location may have led to somebody else's record. While a record
        of a student is there and cannot be deleted, what came before it stays: without its
        enrollment the API would hide the record for good.
        """
        base = self.session.api.base_url
        entries = [entry for entry in journal.pending() if entry.base_url == base]
        left, kept = [], set[Any]()
        for entry, url in [(entry, self.address_of(entry)) for entry in entries]:
            student = entry.key.get(STUDENT)
            if student in kept:
                left.append(f"{entry.named}: kept, for the record above needs it to be deleted")
                continue
            problem = self.delete(url) if url else _stranger(entry)
            if problem is None or url is None:
                journal.deleted(entry.url or "")
            elif student is not None and self.look_up(entry.resource, entry.key).may_be_there:
                kept.add(student)
            if problem:
                left.append(problem)
        return left

    def address_of(self, entry: Entry) -> str | None:
        """Where the record that we created is; None where the noted address is another's.

        A record at the noted address that has our key, or that cannot be read, is taken for ours.
        Where there is none, or one with another key, the query by natural key decides, but only if
        nothing was under the key before: else what it finds may be somebody else's.
        """
        try:
            response = self.session.get(entry.url or "")
            body = json.loads(response.content) if response.status_code == OK else None
        except (RequestFailed, ValueError):
            return entry.url  # cannot be told: the API will answer the delete
        missing = response.status_code == NOT_FOUND
        if isinstance(body, dict):
            if self._has(entry.resource, body, entry.key):
                return entry.url
        elif not missing:
            return entry.url
        matches = self.look_up(entry.resource, entry.key).matches if entry.absent else ()
        found = [body.get("id") for body in matches]
        noted = (entry.url or "").rpartition("/")[2]
        if noted in found or (missing and not found):
            return entry.url
        only = found[0] if len(found) == 1 else None
        return self.session.resource_url(entry.resource, only) if isinstance(only, str) else None


def _stranger(entry: Entry) -> str:
    return (
        f"{entry.named}: the address that the API gave ({entry.url}) is another "
        "record's, which was left alone; where the record of this run is cannot be told"
    )
