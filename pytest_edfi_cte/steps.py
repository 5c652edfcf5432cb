"""What a scenario does in drive mode, step by step: arrange, act, read back, judge."""

from __future__ import annotations

from collections.abc import Callable

from pytest_edfi_cte.answers import (
    BY_KEY,
    BY_READ,
    BY_UPDATE,
    CREATED,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    REDIRECT,
    location_finding,
    status_finding,
)
from pytest_edfi_cte.drive import AssociationSlot
from pytest_edfi_cte.errors import NotTestable, RequestFailed
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.judge import Finding, Kind
from pytest_edfi_cte.prerequisites import Prerequisites, slot_name
from pytest_edfi_cte.records import Record
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario, Table

BY_DELETE = "by the Ed-Fi API guidelines for a delete"


def prepare(run: Run, prerequisites: Prerequisites, table: Table) -> None:
    """Make sure that what a table needs exists; :class:`NotTestable` where it does not."""
    prerequisites.descriptors(table.descriptors, table.written_at)
    for name, need in table.needs.items():
        said = name.replace("_", " ")
        if need.preloaded:
            prerequisites.preloaded(said, need.resource, need.record)
        elif not need.after:
            key = prerequisites.records.key_of(need.resource, need.record)
            query = {part: key[part] for part in need.found_by}
            with run.alone_with(slot_name(need.resource, query)):
                prerequisites.reuse_or_create(said, need.resource, need.record, query)


def create(slot: AssociationSlot, scenario: Scenario, evidence: Evidence) -> Record | None:
    """POST the table's column: 201, and the record reads back complete, under its natural key.

    The record, None where none was made.
    """
    posted, findings = slot.create(scenario)
    evidence.add(findings)
    if posted is None or not posted.record.created:
        return None
    slot.followers.make()
    read = slot.read(posted.record)
    evidence.add(read.findings)
    if read.body is not None:
        evidence.add(slot.judge_stored(scenario, read.body))
    evidence.add(slot.count(posted.record, read.body))
    return posted.record


def update(slot: AssociationSlot, scenario: Scenario, evidence: Evidence, record: Record) -> None:
    """PUT the table's column: 204, what it changes is changed and nothing else.

    Where the table changes the natural key and the API's model does not allow that, the record is
    deleted and made anew.
    """
    if slot.table.moves and not slot.schema.get("x-edfi-keyChanges"):
        _replace(slot, scenario, evidence, record)
        return
    before = slot.before_update(scenario, record)
    answer = slot.update(scenario, record, before.etag)
    evidence.add([answer])
    if slot.accepted(answer):
        _judge_update(slot, scenario, evidence, record, before.body)


def upsert(slot: AssociationSlot, scenario: Scenario, evidence: Evidence, record: Record) -> None:
    """POST the table's column under the key that exists: 200, and it is updated in place."""
    before = slot.before_update(scenario, record)
    try:
        posted = slot.records.post(slot.table.resource, scenario.payload, absent=False)
    except RequestFailed as error:
        evidence.add([Finding("answer to the POST", OK, str(error), BY_UPDATE, "status")])
        return
    evidence.add([status_finding("POST", OK, posted.response, BY_UPDATE)])
    if posted.response.status_code < REDIRECT:
        collection = slot.records.session.resource_url(slot.table.resource)
        evidence.add([location_finding(posted, collection, slot.records.session.api.origins)])
        _judge_update(slot, scenario, evidence, record, before.body)


def delete(slot: AssociationSlot, scenario: Scenario, evidence: Evidence, record: Record) -> None:
    """DELETE the record: 204, and it is found neither by its id nor by its key."""
    slot.before_update(scenario, record)
    slot.followers.leave()
    if _delete(slot, evidence, record):
        absent(slot, scenario, evidence, record)


def absent(slot: AssociationSlot, scenario: Scenario, evidence: Evidence, record: Record) -> None:
    """The record, once deleted, is found neither by its id nor by its natural key."""
    slot.followers.leave()
    if scenario.step == "absent" and slot.records.delete(record.url or ""):
        raise NotTestable("the record could not be deleted; a scenario with step delete shows more")
    try:
        response = slot.records.session.get(record.url or "")
    except RequestFailed as error:
        evidence.add([Finding("answer to the GET", NOT_FOUND, str(error), BY_READ, "status")])
        return
    evidence.add([status_finding("GET", NOT_FOUND, response, BY_READ)])
    evidence.add(_gone(slot))


def _gone(slot: AssociationSlot) -> list[Finding]:
    found = slot.records.look_up(slot.table.resource, slot.key)
    if not found.known:
        return []
    kind: Kind = "extra" if found.matches else "ok"
    where = "records found by the natural key after the delete"
    return [Finding(where, 0, len(found.matches), BY_KEY, kind)]


def _delete(slot: AssociationSlot, evidence: Evidence, record: Record) -> bool:
    """Whether the API took the DELETE."""
    try:
        response = slot.records.session.delete(record.url or "")
    except RequestFailed as error:
        failed = Finding("answer to the DELETE", NO_CONTENT, str(error), BY_DELETE, "status")
        evidence.add([failed])
        return False
    evidence.add([status_finding("DELETE", NO_CONTENT, response, BY_DELETE)])
    return response.status_code < REDIRECT


def _replace(slot: AssociationSlot, scenario: Scenario, evidence: Evidence, record: Record) -> None:
    """The record under its new key, made after the one under the old key is deleted."""
    slot.before_update(slot.table.scenario("create"), record)
    slot.followers.leave()
    if not _delete(slot, evidence, record):
        return
    evidence.add(_gone(slot))
    posted, findings = slot.create(scenario)
    evidence.add(findings)
    if posted is None or posted.response.status_code != CREATED:
        return
    slot.followers.make()
    read = slot.read(posted.record)
    evidence.add(read.findings)
    if read.body is not None:
        evidence.add(slot.judge_stored(scenario, read.body))
    evidence.add(slot.count(posted.record, read.body, key=slot.keys[-1]))


def _judge_update(
    slot: AssociationSlot, scenario: Scenario, evidence: Evidence, record: Record, before: object
) -> None:
    after = slot.read(record)
    evidence.add(after.findings)
    if isinstance(before, dict) and after.body is not None:
        evidence.add(slot.judge_update(scenario, before, after.body))
    evidence.add(slot.count(record, after.body, updated=True, key=slot.keys[-1]))


#: Step -> what it does with a record that is there.
WITH_RECORD: dict[str, Callable[[AssociationSlot, Scenario, Evidence, Record], None]] = {
    "update": update,
    "upsert": upsert,
    "delete": delete,
    "absent": absent,
}


def carry_out(slot: AssociationSlot, scenario: Scenario, evidence: Evidence) -> None:
    """The scenario in a slot of its own; raises what the slot raises."""
    if scenario.step == "create":
        create(slot, scenario, evidence)
        return
    record = slot.arrange(slot.table.scenario("create"))
    WITH_RECORD[scenario.step](slot, scenario, evidence, record)
