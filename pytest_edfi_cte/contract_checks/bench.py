"""Where the checks work: requests that cannot fail unseen, and records that are ours alone.

Everything is about fictional students that the bench makes itself, so whatever the API holds about
them is of our making: at the end it is asked for, and deleted, whether its POST was meant to
succeed or not. ``--edfi-keep-data`` does not keep it: it is debris of tests and no one's record.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from requests.auth import AuthBase

from pytest_edfi_cte.client.session import Anonymous, Bearer
from pytest_edfi_cte.compare import ABSENT, nothing
from pytest_edfi_cte.contract_checks.answers import Answer
from pytest_edfi_cte.contract_checks.cleanup import ENROLLMENTS, STUDENT_ID, STUDENTS, clear
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.errors import ConfigurationError, NotTestable, RequestFailed
from pytest_edfi_cte.factories import TRIES
from pytest_edfi_cte.prerequisites import refusal
from pytest_edfi_cte.records import Record
from pytest_edfi_cte.scenarios import put
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.verdicts import show

if TYPE_CHECKING:
    import requests

    from pytest_edfi_cte.factories import Recipes
    from pytest_edfi_cte.prerequisites import Prerequisites
    from pytest_edfi_cte.run import Run

Json = dict[str, Any]
T = TypeVar("T")
NOBODY = Anonymous()
TOLD_ONCE = "The cause and what to do are told with the first check that met it:"


class RawAuthorization(AuthBase):
    """Sends an ``Authorization`` header just as it is."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        request.headers["Authorization"] = self._header
        return request


class Bench:
    """The API, a student of our own, and associations of theirs.

    Reads may share :attr:`common`; a check that writes makes its own with :meth:`association`.
    """

    def __init__(self, run: Run, prerequisites: Prerequisites, recipes: Recipes) -> None:
        self.run = run
        self.records = prerequisites.records
        self.session = self.records.session
        self.api = self.session.api
        self.table = run.table
        self.resource = self.table.resource
        self.recipes = recipes
        self.schema = self.records.schemas[self.resource]
        self.collection = self.session.resource_url(self.resource)
        self.students: list[Json] = []
        #: Addresses of what a POST here made, and of what a DELETE here was accepted for.
        self.made: set[str] = set()
        self.removed: set[str] = set()
        self._days = itertools.count(1)
        self._kept: dict[str, Any] = {}
        #: Cause of what is not testable -> the first test that met it.
        self._told: dict[str, str] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` gave the first time; a missing prerequisite stays missing."""
        if name not in self._kept:
            try:
                self._kept[name] = make()
            except NotTestable as error:
                self._kept[name] = error
        found = self._kept[name]
        if isinstance(found, NotTestable):
            raise NotTestable(str(found))
        return found  # type: ignore[no-any-return]  # the same name always makes the same type

    def missing(self, cause: str) -> NotTestable:
        """The error for a missing prerequisite: in full once, then one line and where to look."""
        first = self._told.setdefault(cause, self.run.current_test)
        if first == self.run.current_test:
            return NotTestable(cause)
        headline = cause.partition("\n")[0]
        return NotTestable(f"{headline}\n  {TOLD_ONCE} {first.rpartition('::')[2]}.")

    # -- requests ---------------------------------------------------------------------------------

    def send(self, method: str, place: str, **request: Any) -> Answer:
        """One request to a collection or an absolute URL; never raises for what the API does."""
        url = place if "://" in place else self.session.resource_url(place)
        recorder = self.session.recorder
        try:
            response = self.session.request(method, url, **request)
        except RequestFailed as error:
            return Answer(recorder.last, failure=str(error))
        return Answer(recorder.last, response)

    def get(self, place: str, **request: Any) -> Answer:
        """A GET; see :meth:`send`."""
        return self.send("GET", place, **request)

    def query(self, student: Json | None = None, /, **parameters: Any) -> Answer:
        """The associations of a student of ours, so that nobody else's are asked for."""
        student = student or self.student
        asked = {"studentUniqueId": student["studentUniqueId"], **parameters}
        return self.get(self.resource, params=asked)

    def post(
        self, body: Json, *, resource: str | None = None, new: bool = True, **wire: Any
    ) -> Answer:
        """A POST that is journalled before, whether it is meant to succeed or not.

        ``new``: nothing is under the key, so any success made a record. ``wire``: see
        :meth:`Records.post`.
        """
        recorder, resource = self.session.recorder, resource or self.resource
        mark, url = len(recorder), self.session.resource_url(resource)
        failure, posted = "", None
        try:
            posted = self.records.post(resource, body, absent=new, **wire)
        except RequestFailed as error:  # what it may have made is found by the clean-up
            failure = str(error)
        sent = [e for e in recorder.since(mark) if e.method == "POST" and e.url == url]
        exchange = sent[-1] if sent else recorder.last
        if posted is None:
            return Answer(exchange, failure=failure)
        if posted.record.created and posted.record.url:
            self.made.add(posted.record.url)
        return Answer(exchange, posted.response, "", posted.record, posted.location)

    def put(self, record: Record, body: Json, **request: Any) -> Answer:
        """A PUT with the record's id in the body, as some hosts demand."""
        return self.send("PUT", record.url or "", json={"id": record.id, **body}, **request)

    def remove(self, record: Record) -> Answer:
        """A DELETE of a record of ours; whether it is gone is looked up in the clean-up."""
        answer = self.send("DELETE", record.url or "")
        if answer.accepted:
            self.removed.add(record.url or "")
        return answer

    @staticmethod
    def token(value: str) -> AuthBase:
        """Credentials with another token than the run's."""
        return Bearer(Secret(value))

    # -- records ----------------------------------------------------------------------------------

    @property
    def student(self) -> Json:
        """The student that everything is about, enrolled; made once."""
        return self.once("student", self.new_student)

    @property
    def common(self) -> Record:
        """An association that no check changes."""
        return self.once("common", self.association)

    @property
    def gone(self) -> Record:
        """An association that was there and is deleted: its id is well-formed and unknown."""
        return self.once("gone", self._gone)

    def new_student(self) -> Json:
        """Another fictional student, enrolled in the table's school."""
        body = self._free_student()
        self.students.append(body)
        self._arrange(body, STUDENTS, "the fictional student")
        enrollment = self.recipes.enrollment(self.run.fiction.next())
        put(enrollment, STUDENT_ID, body["studentUniqueId"], frozenset())
        self._arrange(enrollment, ENROLLMENTS, "the fictional student's enrollment")
        return body

    def address_of(self, student: Json) -> str:
        """Where a student of ours is."""
        found = self.records.known(STUDENTS, student)
        if found is None or found.url is None:
            raise NotTestable("the address of the student that was created is not known.")
        return found.url

    def body(self, student: Json | None = None, /, **changes: Any) -> Json:
        """The table's association for a student of ours, under a key that was not used before.

        ``changes``: property -> value; ABSENT leaves it out.
        """
        student = student or self.student
        record = self.table.payload("create")
        first = date.fromisoformat(record["beginDate"])
        record["beginDate"] = (first + timedelta(days=next(self._days))).isoformat()
        put(record, STUDENT_ID, student["studentUniqueId"], frozenset())
        for name, value in changes.items():
            if value is ABSENT:
                record.pop(name, None)
            else:
                record[name] = value
        return record

    def association(self, student: Json | None = None, /, **changes: Any) -> Record:
        """A new association; :class:`NotTestable` where the API does not make one."""
        body = self.body(student, **changes)
        return self._arrange(body, self.resource, "the association to work on")

    def read(self, record: Record) -> Json:
        """A record as it reads; :class:`NotTestable` where it does not."""
        answer = self.get(record.url or "")
        if not isinstance(answer.json, dict) or not answer.accepted:
            raise NotTestable(
                f"a record that was just created does not read: {answer.exchange.line}. "
                "The check create-reads-back shows more."
            )
        return answer.json

    def under(self, record: Record) -> tuple[Answer, list[Json]]:
        """What a query shows under the record's own day, which no other of ours has."""
        found = self.query(beginDate=record["beginDate"])
        rows = [row for row in found.rows or () if isinstance(row, dict)]
        return found, [row for row in rows if row.get("beginDate") == record["beginDate"]]

    def known_as(self, entry: Json, record: Record) -> None:
        """Note that a record of ours has another key now, so that it is still deleted."""
        self.records.adopt(self.resource, entry, record.id or "")

    def _arrange(self, body: Json, resource: str, name: str) -> Record:
        answer = self.post(body, resource=resource)
        what = f"{name} could not be created"
        if answer.response is None:
            raise NotTestable(f"{what}: {answer.failure}")
        if not answer.accepted or answer.record is None:
            raise NotTestable(refusal(what, answer.response))
        if answer.record.url is None:
            raise NotTestable(
                f"{name} was created, but the answer has no usable Location and the record is not "
                f"found by its natural key: {answer.exchange.line}. The check create-location "
                "shows more."
            )
        return answer.record

    def _free_student(self) -> Json:
        for _ in range(TRIES):
            body = self.recipes.student(self.run.fiction.next())
            key = self.records.key_of(STUDENTS, body)
            if not self.records.look_up(STUDENTS, key).matches:
                return body
        raise NotTestable(
            f"no free id for a fictional student in {TRIES} tries; choose another --edfi-seed."
        )

    def _gone(self) -> Record:
        record = self.association()
        answer = self.remove(record)
        if not answer.accepted:
            raise NotTestable(
                f"a record of our own cannot be deleted: {answer.exchange.line}. "
                "The check delete-removes shows more."
            )
        return record

    # -- comparing --------------------------------------------------------------------------------

    def difference(self, before: Json, after: Any, *, sent: bool = False) -> str:
        """The first difference of two reads, "" where there is none.

        ``sent``: ``before`` was sent and not read, so the API may add to it. The spelling of
        descriptors is not this pack's business: the certification scenarios judge it.
        """
        if not isinstance(after, dict):
            return f"no record but {show(after)}"

        def same(one: str, other: str) -> bool:
            return one.casefold() == other.casefold()

        for found in judge_unchanged(before, after, "", self.schema, same):
            if nothing(found.expected) and nothing(found.received):
                continue
            # A property may be the API's own; a whole element of a collection may not.
            if not (sent and found.kind == "appeared" and not found.where.endswith("]")):
                return f"{found.where}: {show(found.expected)} became {show(found.received)}"
        return ""

    def same_record(self, before: Json, after: Any) -> bool:
        """Whether two reads show the same record."""
        return not self.difference(before, after)

    # -- clean-up ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Delete everything about our students; what resists stays in the run's journal."""
        try:
            problem = clear(self)
        except ConfigurationError as error:  # e.g. the token is refused now
            problem = str(error)
        if problem and self.run.settings.keep_data:
            # Otherwise the run tries again at its end, and says what is left.
            self.run.note(f"Left behind by the contract pack: {problem}")
        self.students.clear()
