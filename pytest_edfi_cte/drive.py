"""Drive mode: we play the client, the API is judged.

Everything happens in a slot: one natural key of the association, held by this run alone.
Arrange, act, read back; on leaving, what was created here is deleted again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import requests

from pytest_edfi_cte.answers import (
    BY_CREATE,
    BY_KEY,
    BY_READ,
    BY_UPDATE,
    CREATED,
    FORBIDDEN,
    NO_CONTENT,
    OK,
    REDIRECT,
    SHOWN,
    TOO_MANY,
    UNAUTHORIZED,
    id_finding,
    json_object,
    location_finding,
    status_finding,
)
from pytest_edfi_cte.client.problems import problem_type
from pytest_edfi_cte.compare import ABSENT, equal_ids, same_json
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.errors import NotTestable, RequestFailed
from pytest_edfi_cte.expectations import judge_sent
from pytest_edfi_cte.following import Followers, delete_ours
from pytest_edfi_cte.judge import Finding, Kind, judge_modified, judge_record, judge_schema
from pytest_edfi_cte.prerequisites import Prerequisites, refusal, slot_name, way_out
from pytest_edfi_cte.records import Posted, Record, Records
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario, Table
from pytest_edfi_cte.verdicts import show

Json = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """A record as read back. ``body`` is None where there was no JSON object."""

    response: requests.Response | None
    body: Json | None
    etag: str | None
    findings: list[Finding]


class AssociationSlot:
    """One natural key of the association, free when the test starts and after it ends."""

    def __init__(self, run: Run, prerequisites: Prerequisites, table: Table) -> None:
        self.run = run
        self.records: Records = prerequisites.records
        self.same = prerequisites.same_descriptor
        #: As the table's reader sees it: mapped values of a state count as the table's.
        self.accepts = run.mapping.accepts(self.same)
        self.table = table
        self.followers = Followers(prerequisites, table)
        standard = self.records.session.api.standard
        self.schema = run.contract.schema(standard, table.schema)
        self.validator = run.contract.validator(standard, table.schema)
        self.keys = [table.key_of(table.payload("create"))]
        if table.moves:
            self.keys.append(table.key_of(table.payload("update")))
        self.key = self.keys[0]
        self._collection = self.records.session.resource_url(table.resource)
        self._absent: list[Json] = []  # keys that a look-up has shown to be free

    @contextmanager
    def held(self) -> Iterator[AssociationSlot]:
        """Hold the key; raises :class:`NotTestable` where a record of others occupies it.

        In a run that only reads it raises :class:`ReadOnlyRun`.
        """
        self.records.session.may_send("POST", self._collection)
        with ExitStack() as held:
            for key in self.keys:
                held.enter_context(self.run.alone_with(slot_name(self.table.resource, key)))
            for key in reversed(self.keys):
                self._free(key)
            try:
                yield self
            finally:
                if not self.run.settings.keep_data:
                    self._leave()

    @contextmanager
    def fresh(self) -> Iterator[AssociationSlot]:
        """Hold the key of a student that this run has just made: nobody else knows it."""
        self._absent = list(self.keys)
        try:
            yield self
        finally:
            if not self.run.settings.keep_data:
                self._leave()

    def _free(self, key: Json) -> None:
        found = self.records.look_up(self.table.resource, key)
        self._absent += [key] if found.known and not found.matches else []
        for body in found.matches:
            if self.records.is_ours(self.table.resource, body.get("id")):
                self.followers.leave()
                url = self.records.session.resource_url(self.table.resource, body["id"])
                problem = self.records.delete(url)
                if problem:
                    raise NotTestable(
                        f"a record of this run is in the way and cannot be deleted.\n  {problem}"
                    )
                self._absent.append(key)
                continue
            shown = ", ".join(f"{name}={value}" for name, value in key.items())
            raise NotTestable(
                f"the API already has a {self.table.resource} record that this run did not create "
                f"({shown}; id {body.get('id')}). It was left alone.\n"
                f"  {way_out(self.records, self.table.resource, body)}"
            )

    def _leave(self) -> None:
        self.followers.leave()
        ours = [(self.table.resource, key) for key in self.keys]
        delete_ours(self.records, ours)

    # -- act --------------------------------------------------------------------------------

    def create(
        self, scenario: Scenario, *, arranging: bool = False
    ) -> tuple[Posted | None, list[Finding]]:
        """POST the scenario's column; the answer judged as a create.

        ``arranging``: the create is not what is tested, so a retry may blur 201 and 200.
        Raises :class:`NotTestable` where a prerequisite stands in the way (401, 403, an unresolved
        reference) or where a retry makes 201 and 200 indistinguishable.
        """
        absent = self.table.key_of(scenario.payload) in self._absent
        try:
            posted = self.records.post(self.table.resource, scenario.payload, absent=absent)
        except RequestFailed as error:
            failed = Finding("answer to the POST", CREATED, str(error), BY_CREATE, "status")
            return None, [failed]
        response = posted.response
        unresolved = "unresolved-reference" in problem_type(response)
        if response.status_code in (UNAUTHORIZED, FORBIDDEN, TOO_MANY) or unresolved:
            raise NotTestable(refusal("the association could not be created", response))
        if posted.ambiguous and not arranging:
            raise NotTestable(
                f"the POST was answered {response.status_code} only after {posted.attempts} "
                "attempts: an earlier one may have created the record before its answer was lost, "
                "so it cannot be told whether the API answers a create with 201.\n"
                "  Run again when the connection or the gateway is stable."
            )
        if response.status_code == OK and not absent:
            raise NotTestable(
                "the POST updated a record that existed already (200): the API did not let us look "
                "it up before, so the create cannot be shown.\n"
                "  Choose another student with --edfi-set studentUniqueId=…"
            )
        findings = [status_finding("POST", CREATED, response, BY_CREATE)]
        if response.status_code < REDIRECT:
            findings.append(
                location_finding(posted, self._collection, self.records.session.api.origins)
            )
        return posted, findings

    def arrange(self, scenario: Scenario) -> Record:
        """A record of ours with the scenario's column; :class:`NotTestable` where it fails."""
        posted, findings = self.create(scenario, arranging=True)
        if posted is None or posted.response.status_code >= REDIRECT:
            what = "the record to update could not be created"
            if posted is None:
                raise NotTestable(f"{what}.\n  {findings[0].received}")
            raise NotTestable(refusal(what, posted.response))
        if posted.record.url is None:
            raise NotTestable(
                "the record to update was created, but the answer has no usable Location and the "
                "record is not found by its natural key; the create scenario shows more."
            )
        self.followers.make()
        return posted.record

    def update(self, scenario: Scenario, record: Record, etag: str | None) -> Finding:
        """PUT the scenario's column with ``id`` in the body; If-Match where there is an ETag."""
        # A weak tag (a gateway that compresses makes them) never matches: RFC 9110, 13.1.1.
        headers = {"If-Match": etag} if etag and not etag.startswith("W/") else {}
        body = {"id": record.id, **scenario.payload}
        try:
            response = self.records.session.put(record.url or "", json=body, headers=headers)
        except RequestFailed as error:
            return Finding("answer to the PUT", NO_CONTENT, str(error), BY_UPDATE, "status")
        return status_finding("PUT", NO_CONTENT, response, BY_UPDATE)

    # -- read back --------------------------------------------------------------------------

    def read(self, record: Record) -> Read:
        """GET the record by its address; what is wrong with the answer itself are findings."""
        if record.url is None:
            return Read(None, None, None, [])
        try:
            response = self.records.session.get(record.url)
        except RequestFailed as error:
            failed = Finding("answer to the GET", OK, str(error), BY_READ, "status")
            return Read(None, None, None, [failed])
        findings = [status_finding("GET", OK, response, BY_READ)]
        if not findings[0].ok:
            return Read(response, None, None, findings)
        body, flaw = json_object(response)
        if body is None:
            received = f"{flaw}: {response.text[:SHOWN]}"
            findings.append(
                Finding("body of the GET", "one JSON object", received, BY_READ, "not-json")
            )
            return Read(response, None, None, findings)
        findings.append(id_finding(record.id, body.get("id", ABSENT)))
        etag = response.headers.get("ETag") or body.get("_etag")
        return Read(response, body, etag if isinstance(etag, str) else None, findings)

    def before_update(self, scenario: Scenario, record: Record) -> Read:
        """The record before the update; :class:`NotTestable` where it is not what was sent.

        Otherwise an API that ignores the update could pass.
        """
        read = self.read(record)
        wrong = [f for f in read.findings if not f.ok]
        if read.body is not None:
            first = self.table.scenario("create")
            rows = judge_record(first, read.body, self.schema, self.accepts)
            wrong += [f for f in rows if not f.ok and f.where in self._changing(first, scenario)]
        if wrong:
            raise NotTestable(
                "the record to update does not read back as it was created, so its update would "
                f"show nothing: {wrong[0].where}: expected {show(wrong[0].expected)}, received "
                f"{show(wrong[0].received)}. The create scenario shows more."
            )
        return read

    @staticmethod
    def accepted(answer: Finding) -> bool:
        """False where the API refused the update, so that reading back would show nothing new."""
        status = str(answer.received)[:3]
        return status.isdigit() and int(status) < REDIRECT

    # -- judge ------------------------------------------------------------------------------

    def judge_stored(self, scenario: Scenario, body: Json) -> list[Finding]:
        """The stored record against the scenario's column and the API's schema."""
        label = f"by the API model, Data Standard {self.records.session.api.standard}"
        return [
            *judge_sent(scenario, body, self.schema, self.accepts),
            *judge_schema(self.validator, body, label),
            *judge_modified(body, self.schema),
        ]

    def judge_update(self, scenario: Scenario, before: Json, after: Json) -> list[Finding]:
        """The record after the update: as the column says, and nothing else changed."""
        first = self.table.scenario("create")
        changing = self._changing(scenario, first)
        was = {f.where: f.received for f in judge_record(first, before, self.schema)}
        stored = [
            replace(f, kind="not-stored")
            if f.kind == "wrong-value"
            and f.where in changing
            and same_json(f.received, was.get(f.where, ABSENT))
            else f
            for f in self.judge_stored(scenario, after)
        ]
        return [*stored, *judge_unchanged(before, after, scenario.changed, self.schema, self.same)]

    def _changing(self, one: Scenario, other: Scenario) -> set[str]:
        """Where the first scenario's record differs from the second's, as findings name it."""
        rows = judge_record(one, other.payload, self.schema)
        return {finding.where for finding in rows if not finding.ok}

    def count(
        self,
        record: Record,
        body: Json | None,
        *,
        updated: bool = False,
        key: Json | None = None,
    ) -> list[Finding]:
        """The record must be found by its natural key exactly once, where the host supports it.

        ``body`` is the record as read by its id: both reads must agree.
        """
        found = self.records.look_up(self.table.resource, key or self.key)
        if not found.known:
            return []
        where = "records found by the natural key"
        number = len(found.matches)
        kind: Kind = "ok" if number == 1 else "not-found" if number == 0 else "duplicated"
        findings = [Finding(where, 1, number, BY_KEY, kind)]
        for match in found.matches:
            other = match.get("id")
            if isinstance(other, str) and not equal_ids(other, record.id):
                if (key or self.key) in self._absent:  # made by our request: ours to delete
                    self.records.adopt(self.table.resource, match, other)
                where = "id of the record under the natural key"
                problem: Kind = "new-id" if updated else "id"
                findings.append(Finding(where, record.id, other, BY_KEY, problem))
            elif body is not None:
                differences = judge_unchanged(body, match, "", self.schema, self.same)
                findings += [
                    replace(
                        f, where=f"{f.where} (found by key)", rule="as read by id", kind="disagrees"
                    )
                    for f in differences
                ]
        return findings
