"""Looking at what a product sent, through an API, with reads alone.

First the student's records are queried; once the product's one is known it is read at its own
address, with ``If-None-Match`` where there are ETags, which costs the API next to nothing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests

from pytest_edfi_cte.answers import json_object
from pytest_edfi_cte.client.problems import describe
from pytest_edfi_cte.compare import is_descriptor
from pytest_edfi_cte.descriptors import DescriptorMap
from pytest_edfi_cte.errors import NotTestable, RequestFailed
from pytest_edfi_cte.observed import ProductJudge
from pytest_edfi_cte.prerequisites import refusal
from pytest_edfi_cte.records import STUDENT, Records
from pytest_edfi_cte.scenarios import STEPS as STATES

Json = dict[str, Any]
OK, NOT_MODIFIED, BAD_REQUEST, NOT_FOUND, TOO_MANY, SERVER_ERROR = 200, 304, 400, 404, 429, 500
#: Records of one student in one answer; that many, and there may be more.
PAGE = 25
BEYOND = f"the record may be beyond the first {PAGE} that the API shows"


@dataclass(frozen=True)
class Look:
    """The student's records as one look showed them.

    ``full``: all were asked for, not the known one alone. ``problem``: why nothing was seen this
    time, though the next time it may be.
    """

    records: tuple[Json, ...] = ()
    full: bool = True
    problem: str | None = None

    def differs_from(self, other: Look) -> bool:
        """True where something came, went or changed; JSON types are part of a value."""
        return _text(self.records) != _text(other.records)


class Watch:
    """Looks again and again at the records that may be the product's."""

    def __init__(self, records: Records, judge: ProductJudge, mapping: DescriptorMap) -> None:
        self._records = records
        self._session = records.session
        self._judge = judge
        self._resource = judge.table.resource
        table = judge.table
        states = STATES if table.moves else STATES[:1]
        #: The natural key that the table's record has, and the one that an update gives it.
        self._own = [table.key_of(table.payload(state)) for state in states]
        self._student = self._own[0].get(STUDENT)
        self._mapping = mapping
        self._seen: tuple[Json, ...] = ()
        self._followed: str | None = None
        #: The ETag of the record that is followed, None where there is none.
        self.etag: str | None = None

    def look(self, *, full: bool = False) -> Look:
        """Look once. ``full``: at all of the student's records; else at the known one, if any.

        Raises :class:`NotTestable` where the API refuses to be read.
        """
        try:
            if not full and self._followed is not None:
                again = self._item(self._followed)
                if again is not None:
                    return again
            return self._all()
        except RequestFailed as error:
            return Look(problem=str(error))

    def read(self, record_id: str) -> Json | None:
        """The record with an id, whoever's it is; None where it cannot be read."""
        try:
            response = self._session.get(self._session.resource_url(self._resource, record_id))
        except RequestFailed:
            return None
        return json_object(response)[0] if response.status_code == OK else None

    # -- the record at its own address ------------------------------------------------------

    def _item(self, record_id: str) -> Look | None:
        """The known record read again; None where it is gone, so that all must be looked at."""
        url = self._session.resource_url(self._resource, record_id)
        headers = {"If-None-Match": self.etag} if self.etag else {}
        response = self._session.get(url, headers=headers)
        if response.status_code == NOT_MODIFIED:
            return Look(self._seen, full=False)
        if response.status_code == NOT_FOUND:
            self._followed = self.etag = None
            return None
        problem = self._problem(response)
        if problem:
            return Look(problem=problem)
        body, flaw = json_object(response)
        if body is None:
            return Look(problem=f"GET {url} → {flaw}")
        self.etag = response.headers.get("ETag")
        self._seen = tuple(body if r.get("id") == record_id else r for r in self._seen)
        return Look(self._seen, full=False)

    # -- all of the student's records -------------------------------------------------------

    def _all(self) -> Look:
        if self._student is None:
            return self._by_key()
        found = self._query({STUDENT: self._student})
        if isinstance(found, str):
            return Look(problem=found)
        own = [r for r in found if self._of(r) == str(self._student)]
        if not self._mine(own) and (len(found) >= PAGE or len(own) < len(found)):
            # A host that does not heed the query, or a full page: ask for the one record.
            unknown = ""
            for key in self._keys():
                answer = self._records.look_up(self._resource, key)
                own += [match for match in answer.matches if match not in own]
                unknown = unknown or answer.why
            if unknown and len(found) >= PAGE and not self._mine(own):
                return Look(problem=f"{BEYOND}, and a look-up by natural key fails: {unknown}")
        self._seen = tuple(own)
        self._follow()
        return Look(self._seen)

    def _by_key(self) -> Look:
        """The records under the natural key, of a resource that is about no student."""
        own: list[Json] = []
        for key in self._keys():
            found = self._query(key)
            if isinstance(found, str):
                return Look(problem=found)
            own += [record for record in found if record not in own]
            if len(found) >= PAGE and not self._mine(found):
                return Look(problem=f"{BEYOND}, for the query by natural key finds others")
        self._seen = tuple(self._mine(own))
        self._follow()
        return Look(self._seen)

    def _mine(self, records: Iterable[Json]) -> list[Json]:
        """The records under one of the table's natural keys."""
        known = list(records)
        found = [self._judge.under_key(known, state) for state in STATES[: len(self._own)]]
        return [record for each in found for record in each]

    def _follow(self) -> None:
        mine = self._mine(self._seen)
        record_id = mine[0].get("id") if mine else None
        followed = record_id if isinstance(record_id, str) else None
        if followed != self._followed:
            self._followed, self.etag = followed, None

    def _query(self, query: Json) -> list[Json] | str:
        """The records that a query finds, or why they cannot be seen this time."""
        url = self._session.resource_url(self._resource)
        response = self._session.get(url, params={**query, "limit": PAGE})
        if response.status_code in (BAD_REQUEST, NOT_FOUND):  # perhaps it was the limit
            response = self._session.get(url, params=query)
        problem = self._problem(response)
        if problem:
            return problem
        try:
            found = json.loads(response.content)
        except ValueError:
            found = None
        if not isinstance(found, list):
            return f"GET {response.url} → the answer is not a JSON array"
        return [record for record in found if isinstance(record, dict)]

    def _keys(self) -> list[Json]:
        """The natural keys, with every stored descriptor value that counts as the table's."""
        found = []
        for own in self._own:
            names, values = zip(*own.items(), strict=True)
            choices = [self._mapping.stored_as(v) if is_descriptor(v) else [v] for v in values]
            every = itertools.product(*choices)
            found += [dict(zip(names, chosen, strict=True)) for chosen in every]
        return found

    def _of(self, record: Json) -> str:
        return str(self._records.key_of(self._resource, record)[STUDENT])

    @staticmethod
    def _problem(response: requests.Response) -> str | None:
        status = response.status_code
        if status == OK:
            return None
        if status == TOO_MANY or status >= SERVER_ERROR:
            return f"GET {response.url} → {status}: {describe(response)}"
        raise NotTestable(refusal("the product's records cannot be read", response))


def _text(records: tuple[Json, ...]) -> str:
    return json.dumps(sorted(json.dumps(record, sort_keys=True) for record in records))
