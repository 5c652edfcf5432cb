"""Certification steps 8 and 9: descriptors, tokens, order, identity, economy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.rehearsal.outages import premature
from pytest_edfi_cte.rehearsal.outcome import Observed, Outcome, lines, named, numbered
from pytest_edfi_cte.rehearsal.played import Played, Rehearsed
from pytest_edfi_cte.rehearsal.script import ENROLLMENTS, STUDENTS
from pytest_edfi_cte.rehearsal.traffic import DATA, DISCOVERY, TOKEN, UNAUTHORIZED, Sent

CREATED = 201


def descriptors(rehearsed: Rehearsed) -> Outcome:
    """Each descriptor set whose values were sent was read, at the latest before they were last."""
    sent = _all(rehearsed)
    writes = [one for one in sent if one.writes]
    used: dict[str, Sent] = {}
    last: dict[str, int] = {}
    for one in writes:
        for uri in _descriptors(one.body):
            name = uri.partition("#")[0].rpartition("/")[2]
            used.setdefault(name, one)
            last[name] = one.number
    if not used:
        raise NotTestable("the product sent no descriptor value")
    reads: dict[str, int] = {}
    for one in sent:
        if one.kind == DATA and one.request.method == "GET" and one.accepted and not one.record_id:
            reads.setdefault(one.collection.lower(), one.number)
    missing = [name for name in used if reads.get(f"{name.lower()}s", last[name]) >= last[name]]
    findings = []
    if missing:
        received = f"{len(missing)} not: {named(sorted(missing))}"
        first = lines([used[missing[0]]])
        findings.append(
            Observed("descriptor sets in use", f"all {len(used)} read", received, first)
        )
    return Outcome(tuple(findings), numbered(len(used), "set"))


def _descriptors(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _descriptors(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _descriptors(inner)
    elif isinstance(value, str) and value.startswith("uri://") and "Descriptor#" in value:
        yield value


def token_reuse(rehearsed: Rehearsed) -> Outcome:
    """One token request in a step, and one more for each answer 401."""
    findings, most = [], 0
    for step in _played(rehearsed):
        asked = [one for one in step.sent if one.kind == TOKEN]
        refused = [o for o in step.sent if o.kind == DATA and o.status == UNAUTHORIZED]
        allowed = 1 + len(refused)
        most = max(most, len(asked))
        if len(asked) > allowed:
            data = sum(one.kind == DATA for one in step.sent)
            received = f"{len(asked)} for {data} data requests"
            expected = f"at most {allowed}"
            where = f"token requests in step {step.step.id}"
            findings.append(Observed(where, expected, received, lines(asked)))
    if not most:
        raise NotTestable("the product asked for no token")
    return Outcome(tuple(findings), f"at most {most} in a step")


def token_renewal(rehearsed: Rehearsed) -> Outcome:
    """After the token has expired a new one is asked for, and used."""
    step = rehearsed.played["batch"]
    expired = [
        one for one in step.sent if one.status == UNAUTHORIZED and one.request.fault is not None
    ]
    if not expired:
        raise NotTestable("step batch: the product sent too few records to meet the expired token")
    first = expired[0]
    later = [one for one in step.sent if one.number > first.number]
    asked = next((one for one in later if one.kind == TOKEN and one.accepted), None)
    went_on = asked and any(
        one.accepted and one.number > asked.number for one in later if one.writes
    )
    if went_on:
        return Outcome(note="after one 401" if len(expired) == 1 else "")
    refused = [one for one in later if one.status == UNAUTHORIZED]
    done = "a new token, but no record was accepted with it" if asked else "no token request"
    received = f"{done}; {len(refused)} more requests answered 401"
    expected = "a new token, and the records sent with it"
    where = "after the token had expired"
    return Outcome((Observed(where, expected, received, lines([first, *later])),))


def order(rehearsed: Rehearsed) -> Outcome:
    """A student comes before the enrollment, and both before the association."""
    steps = _played(rehearsed)
    sent = [one for step in steps for one in step.writes]
    if not any(one.collection != STUDENTS for one in sent):
        raise NotTestable("the product sent no enrollment and no association")
    findings = []
    for step in steps:
        wrong = premature(step, after_a_failure=False)
        if wrong:
            child = wrong[0][0]
            parent = "student" if child.collection == ENROLLMENTS else "student and enrollment"
            tries = [
                o for o in step.writes if (o.collection, o.key) == (child.collection, child.key)
            ]
            findings.append(
                Observed(
                    f"{child.collection} of student {child.student}, step {step.step.id}",
                    f"sent after the {parent}",
                    f"sent before ({len(wrong)} times in this step)",
                    lines(tries),
                )
            )
    return Outcome(tuple(findings), numbered(len(sent), "record"))


def no_id(rehearsed: Rehearsed) -> Outcome:
    """A POST has no ``id`` in its body."""
    posts = [one for one in _all(rehearsed) if one.writes and one.request.method == "POST"]
    if not posts:
        raise NotTestable("the product sent no POST of a record")
    wrong = [one for one in posts if isinstance(one.body, dict) and "id" in one.body]
    return _none(wrong, "POST bodies with an id", numbered(len(posts), "POST"))


def no_recreation(rehearsed: Rehearsed) -> Outcome:
    """No record was deleted and then created again."""
    steps = _played(rehearsed)
    if not any(step.writes for step in steps):
        raise NotTestable("the product sent no record")
    wrong: list[Sent] = []
    for step in steps:
        deleted: list[Sent] = []
        for one in step.sent:
            if one.kind == DATA and one.request.method == "DELETE" and one.accepted:
                deleted.append(one)
            elif one.writes and one.status == CREATED:
                gone = next((d for d in deleted if _same_record(d, one)), None)
                wrong += [gone, one] if gone else []
    return _none(wrong, "records deleted and created anew", "")


def _same_record(deleted: Sent, created: Sent) -> bool:
    """An id that nobody knows the record of may have been this one's."""
    same = deleted.collection == created.collection
    return same and deleted.key in (None, created.key)


def discovery(rehearsed: Rehearsed) -> Outcome:
    """The base URL was read before anything was sent."""
    sent = _all(rehearsed)
    first = next((one for one in sent if one.kind == DATA), None)
    if first is None:
        raise NotTestable("the product sent nothing to the API's resources")
    read = next((one for one in sent if one.kind == DISCOVERY and one.accepted), None)
    if read and read.number < first.number:
        return Outcome()
    received = f"read only afterwards ({read.line})" if read else "never"
    where = "GET of the base URL"
    return Outcome((Observed(where, "before the first request for data", received, (first.line,)),))


def lookups(rehearsed: Rehearsed) -> Outcome:
    """In the batch records are sent, not read."""
    step, limits = rehearsed.played["batch"], rehearsed.limits
    if not step.accepted:
        raise step.nothing()
    reads = [one for one in step.sent if one.reads_record]
    allowed = max(limits.lookups_free, limits.lookups * len(step.accepted))
    findings = []
    if len(reads) > allowed:
        received = f"{len(reads)} for {len(step.accepted)} records sent"
        findings.append(
            Observed("reads of records", f"at most {allowed:g}", received, lines(reads))
        )
    return Outcome(tuple(findings), f"{len(reads)} reads for {len(step.accepted)} records")


def keep_alive(rehearsed: Rehearsed) -> Outcome:
    """In the batch many requests share a connection."""
    step, limits = rehearsed.played["batch"], rehearsed.limits
    if not step.sent:
        raise step.nothing()
    connections = len({one.request.connection for one in step.sent})
    allowed = max(limits.connections_free, limits.connections * len(step.sent))
    note = f"{connections} for {len(step.sent)} requests"
    if len(step.sent) <= limits.connections_free:
        raise NotTestable(f"step batch: {note}, too few to tell")
    findings = []
    if connections > allowed:
        findings.append(Observed("connections", f"at most {allowed:g}", note))
    return Outcome(tuple(findings), note)


# -- small things -----------------------------------------------------------------------------


def _played(rehearsed: Rehearsed) -> list[Played]:
    return rehearsed.steps("create", "update", "batch", "errors", "recover")


def _all(rehearsed: Rehearsed) -> list[Sent]:
    return [one for step in _played(rehearsed) for one in step.sent]


def _none(wrong: Iterable[Sent], what: str, note: str) -> Outcome:
    found = list(wrong)
    if not found:
        return Outcome(note=note)
    return Outcome((Observed(what, "none", str(len(found)), lines(found)),))
