"""Certification steps 5 and 6: records are there, right, in place, and sent no more than needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pytest_edfi_cte.compare import SameDescriptor
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.judge import Finding, judge_unchanged
from pytest_edfi_cte.observed import Before
from pytest_edfi_cte.rehearsal.outcome import (
    DoesNotApply,
    Observed,
    Outcome,
    lines,
    named,
    numbered,
    of_finding,
)
from pytest_edfi_cte.rehearsal.played import Played, Rehearsed
from pytest_edfi_cte.rehearsal.script import ASSOCIATIONS, COLLECTIONS, STUDENTS
from pytest_edfi_cte.rehearsal.traffic import Key, Sent

Json = dict[str, Any]
HANDED_OUT = "handed out to the product"
#: So many records with wrong values are told in full.
WRONG_SHOWN = 3


def runs(rehearsed: Rehearsed) -> Outcome:
    """Each step's command ended well, and in time; to report failure is right in ``errors``."""
    played = rehearsed.steps("create", "update", "batch", "errors", "recover")
    acts = [(one, one.act) for one in played if one.act is not None]
    if not acts:
        raise DoesNotApply("a person acted: how it went is for the person to say")
    findings = [
        Observed(f"step {one.step.id}: {act.who}", "success", told(act.outcome, act.output))
        for one, act in acts
        if act.problem == "act-timeout" or (act.problem != "ok" and one.step.id != "errors")
    ]
    return Outcome(tuple(findings), numbered(len(acts), "step"))


def told(outcome: str, output: str) -> str:
    """What a product's step did, with the end of its output."""
    return f"{outcome}\n{output}" if output else outcome


# -- step 5 ---------------------------------------------------------------------------------


def created(rehearsed: Rehearsed) -> Outcome:
    """Scenario 1: the association is there, under its key, with every value of the table."""
    step = rehearsed.played["create"]
    if not step.writes:
        raise step.nothing()
    scenario = rehearsed.judge.table.scenario("create")
    records = [dict(record) for record in step.after[ASSOCIATIONS]]
    judgement = rehearsed.judge.created(scenario, records, frozenset())
    return _of(judgement.findings, _about(step, ASSOCIATIONS))


def updated(rehearsed: Rehearsed) -> Outcome:
    """Scenario 2: the same record with the one change, and nothing else changed."""
    step = rehearsed.played["update"]
    records = [dict(record) for record in step.before[ASSOCIATIONS]]
    mine = rehearsed.judge.under_key(records)
    if not mine:
        raise NotTestable("scenario 1 left no association that could be updated")
    scenario = rehearsed.judge.table.scenario("update")
    others = frozenset(r["id"] for r in records if r is not mine[0])
    before = Before(mine[0]["id"], mine[0], others)
    if rehearsed.judge.is_updated(scenario, before):
        raise NotTestable("the association had the value of scenario 2 before the update")
    after = [dict(record) for record in step.after[ASSOCIATIONS]]
    judgement = rehearsed.judge.updated(scenario, before, after)
    touched = [one for one in step.sent if one.collection == ASSOCIATIONS]
    return _of(judgement.findings, touched)


def only_changed(rehearsed: Rehearsed) -> Outcome:
    """In the update step the association alone is written, and once."""
    step = rehearsed.played["update"]
    if not step.accepted:
        raise step.nothing()
    wanted = {rehearsed.key(ASSOCIATIONS, record) for record in step.given[ASSOCIATIONS]}
    own = [o for o in step.accepted if o.collection == ASSOCIATIONS and o.key in wanted]
    others = [one for one in step.accepted if one not in own]
    findings = []
    if others:
        received = ", ".join(f"{n} of {name}" for name, n in _count(others).items())
        findings.append(Observed("records sent", "the changed one alone", received, lines(others)))
    if len(own) > 1:
        findings.append(_repeated("the changed record", own))
    return Outcome(tuple(findings), f"{numbered(len(own), 'record')} sent")


# -- step 6 ---------------------------------------------------------------------------------


def present(rehearsed: Rehearsed) -> Outcome:
    """Every record that was handed out is there."""
    step = rehearsed.played["batch"]
    if not step.accepted:
        raise step.nothing()
    return Outcome(tuple(missing(rehearsed, step)), _given(step))


def missing(rehearsed: Rehearsed, step: Played) -> list[Observed]:
    """One finding for each resource that lacks records."""
    wanted, there = rehearsed.by_key(step.given), rehearsed.by_key(step.after)
    findings = []
    for name in COLLECTIONS:
        lost = [key for resource, key in wanted if resource == name and (name, key) not in there]
        if lost:
            students = [_student(wanted[name, key]) for key in lost]
            total = len(step.given[name])
            about = [one for one in step.writes if one.collection == name and one.key in lost]
            # Nothing was sent for them: perhaps because of what became of their parents.
            about = about or [o for o in step.writes if o.student in students and not o.accepted]
            findings.append(
                Observed(
                    name,
                    f"{total} records",
                    f"{total - len(lost)}: missing for student {named(students)}",
                    lines(about) or ("no request was about them",),
                )
            )
    return findings


def values(rehearsed: Rehearsed) -> Outcome:
    """Every value that was handed out is in the record, with its JSON type."""
    step = rehearsed.played["batch"]
    wanted, there = rehearsed.by_key(step.given), rehearsed.by_key(step.after)
    if not wanted.keys() & there.keys():
        raise NotTestable("step batch: none of its records is there to be looked at")
    return Outcome(tuple(wrong_values(rehearsed, step)), _given(step))


def wrong_values(rehearsed: Rehearsed, step: Played) -> list[Observed]:
    """The first records with other values than the ones handed out; how many there are."""
    wanted, there = rehearsed.by_key(step.given), rehearsed.by_key(step.after)
    wrong: dict[tuple[str, Key], list[Finding]] = {}
    for (name, key), record in wanted.items():
        stored = there.get((name, key))
        if stored is None:
            continue
        found = differences(record, stored, rehearsed.schemas[name], rehearsed.judge.accepts)
        if found:
            wrong[name, key] = found
    findings = []
    for (name, key), found in list(wrong.items())[:WRONG_SHOWN]:
        about = [one for one in step.accepted if (one.collection, one.key) == (name, key)]
        student = _student(wanted[name, key])
        findings += [_value(name, student, finding, about) for finding in found]
    if len(wrong) > WRONG_SHOWN:
        rest = len(wrong) - WRONG_SHOWN
        findings.append(Observed("records with wrong values", "none", f"{rest} more"))
    return findings


def differences(
    given: Json, stored: Json, schema: Json, accepts: SameDescriptor | None
) -> list[Finding]:
    """Where a record is not as it was handed out. What a product adds to it is its own affair."""
    found = judge_unchanged(given, stored, "", schema, accepts)
    return [finding for finding in found if finding.kind != "appeared"]


def _value(name: str, student: str, finding: Finding, about: Iterable[Sent]) -> Observed:
    worded = Finding(
        finding.where, finding.expected, finding.received, HANDED_OUT, finding.kind, ""
    )
    told = of_finding(worded, about)
    where = f"{name} of student {student}: {finding.where}"
    return Observed(where, told.expected, told.received, told.evidence)


def once(rehearsed: Rehearsed) -> Outcome:
    """Nothing came into the API that was not handed out."""
    step = rehearsed.played["batch"]
    if not step.accepted:
        raise step.nothing()
    wanted, before = rehearsed.by_key(step.given), rehearsed.by_key(step.before)
    after = rehearsed.by_key(step.after)
    findings = []
    for name in COLLECTIONS:
        extra = [
            key
            for resource, key in after
            if resource == name and (name, key) not in wanted and (name, key) not in before
        ]
        if extra:
            about = [one for one in step.accepted if one.collection == name and one.key in extra]
            received = f"{len(extra)} more: {named([' / '.join(key) for key in extra])}"
            expected = f"the {len(step.given[name])} that were handed out"
            findings.append(Observed(name, expected, received, lines(about)))
    return Outcome(tuple(findings), _given(step))


def unneeded(rehearsed: Rehearsed) -> Outcome:
    """Each record of the batch was accepted once, and no record from before was sent again."""
    step = rehearsed.played["batch"]
    if not step.accepted:
        raise step.nothing()
    wanted = rehearsed.by_key(step.given)
    times: dict[tuple[str, Key | None], list[Sent]] = {}
    for one in step.accepted:
        times.setdefault((one.collection, one.key), []).append(one)
    old = [o for o in step.accepted if o.key and (o.collection, o.key) in _old(rehearsed, step)]
    old = [one for one in old if (one.collection, one.key) not in wanted]
    findings = []
    again = [sent for sent in times.values() if len(sent) > 1]
    if again:
        findings.append(_repeated(f"{len(again)} records", [o for sent in again for o in sent]))
    if old:
        received = ", ".join(f"{n} of {name}" for name, n in _count(old).items())
        expected = "none that was there before and has not changed"
        findings.append(Observed("records sent", expected, received, lines(old)))
    return Outcome(tuple(findings), f"{numbered(len(step.accepted), 'record')} sent")


def _old(rehearsed: Rehearsed, step: Played) -> set[tuple[str, Key]]:
    return set(rehearsed.by_key(step.before))


# -- small things -----------------------------------------------------------------------------


def _of(findings: Iterable[Finding], evidence: list[Sent]) -> Outcome:
    wrong = [finding for finding in findings if not finding.ok]
    return Outcome(tuple(of_finding(finding, evidence) for finding in wrong))


def _about(step: Played, collection: str) -> list[Sent]:
    about = [one for one in step.sent if one.collection == collection]
    return about or list(step.writes)


def _repeated(what: str, sent: list[Sent]) -> Observed:
    return Observed(f"{what}, times sent", "once", f"{len(sent)} requests accepted", lines(sent))


def _count(sent: Iterable[Sent]) -> Counter[str]:
    return Counter(one.collection for one in sent)


def _given(step: Played) -> str:
    return numbered(len(step.given[STUDENTS]), "student")


def _student(record: Json) -> str:
    reference = record.get("studentReference", record)
    return str(reference["studentUniqueId"])
