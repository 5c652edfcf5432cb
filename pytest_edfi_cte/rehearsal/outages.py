"""Certification step 7: how the product behaves while the API is in trouble, and afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.rehearsal.deliveries import missing, wrong_values
from pytest_edfi_cte.rehearsal.outcome import Observed, Outcome, lines, named, numbered, seconds
from pytest_edfi_cte.rehearsal.played import Played, Rehearsed
from pytest_edfi_cte.rehearsal.script import ASSOCIATIONS, COLLECTIONS, ENROLLMENTS, STUDENTS
from pytest_edfi_cte.rehearsal.traffic import Sent, Series, series

#: Resource -> the resources that must be accepted before it, of the same student.
PARENTS = {ENROLLMENTS: (STUDENTS,), ASSOCIATIONS: (STUDENTS, ENROLLMENTS)}


def backoff(rehearsed: Rehearsed) -> Outcome:
    """Of each record that failed often enough, the pauses between the tries grow."""
    limits = rehearsed.limits
    failing = _failing(rehearsed)
    long = [one for one in failing if len(one.tries) >= limits.tries]
    if not long:
        most = max(len(one.tries) for one in failing)
        raise NotTestable(
            f"no record was tried {limits.tries} times while it failed (at most {most}), so it "
            "cannot be seen whether the pauses grow"
        )
    wrong = [one for one in long if not _grows(one, limits.growth, limits.shortest_pause)]
    findings = [
        Observed(
            f"{_name(one)}, pauses between its tries",
            f"growing: one at least {limits.growth:g} times an earlier one, and "
            f"{seconds(limits.shortest_pause)} long",
            ", ".join(seconds(pause) for pause in one.pauses),
            lines(one.tries),
        )
        for one in wrong[:1]
    ]
    if len(wrong) > 1:
        findings.append(Observed("records like that", "none", f"{len(wrong)} of {len(long)}"))
    shown = ", ".join(seconds(pause) for pause in long[0].pauses)
    return Outcome(tuple(findings), f"pauses such as {shown}")


def _grows(one: Series, growth: float, shortest: float) -> bool:
    # Not each longer than the one before it: a second round starts over, a Retry-After comes in
    # between, and jitter is good practice.
    later = zip(one.pauses[1:], accumulate(one.pauses, min), strict=False)
    return any(pause >= max(growth * earlier, shortest) for pause, earlier in later)


def hammering(rehearsed: Rehearsed) -> Outcome:
    """No failing record is tried more often than so many times per second."""
    limit = rehearsed.limits.rate
    tried = [one for one in _failing(rehearsed) if len(one.pauses) > 1]
    if not tried:
        raise NotTestable("no record was tried again twice while it failed, so no rate is seen")
    fastest = max(tried, key=lambda one: one.rate)
    findings = []
    if fastest.rate > limit:
        findings.append(
            Observed(
                f"{_name(fastest)}, tries per second",
                f"at most {limit:g}",
                _rate(fastest),
                lines(fastest.tries),
            )
        )
    return Outcome(tuple(findings), f"the fastest: {_rate(fastest)} tries per second")


def _rate(one: Series) -> str:
    return f"{one.rate:.1f}" if one.rate < 1000 else "over 1000"  # noqa: PLR2004 - no pause at all


def retry_after(rehearsed: Rehearsed) -> Outcome:
    """After an answer with Retry-After the record is not tried before that time."""
    asked, early = rehearsed.retry_after, rehearsed.limits.early
    step = rehearsed.played["errors"]
    hits = [hit for hit in step.hits if hit.trouble.retry_after]
    found: list[tuple[Sent, float | None]] = []
    for hit in hits:
        for one in filter(hit.struck, step.sent):
            again = _next_try(one, step.sent)
            found.append((one, again.request.time - one.request.time if again else None))
    if not found:
        raise NotTestable("no request met an answer with Retry-After")
    # What was not tried again in this step waited long enough.
    waited = [(one, pause) for one, pause in found if pause is not None]
    findings = [
        Observed(
            "pause after the answer with Retry-After",
            f"at least {seconds(asked)}",
            seconds(pause),
            lines([one, *filter(None, [_next_try(one, step.sent)])]),
        )
        for one, pause in waited
        if pause < asked * (1 - early)
    ]
    told = seconds(waited[0][1]) if waited else "until the next run"
    return Outcome(tuple(findings), f"waited {told}, asked for {seconds(asked)}")


def _next_try(one: Sent, sent: Iterable[Sent]) -> Sent | None:
    later = (o for o in sent if o.number > one.number and o.writes)
    return next((o for o in later if (o.collection, o.key) == (one.collection, one.key)), None)


def children(rehearsed: Rehearsed) -> Outcome:
    """No record is sent between a failed try of its parent and the parent's acceptance."""
    step = rehearsed.played["errors"]
    failed = [o for o in step.writes if o.failed and o.collection in (STUDENTS, ENROLLMENTS)]
    if not failed:
        raise NotTestable("no student or enrollment met a trouble, so no child had to wait")
    wrong = premature(step, after_a_failure=True)
    findings = [
        Observed(
            f"{child.collection} of student {child.student}",
            f"not sent before its parent ({parent.collection}) was accepted",
            f"sent after {parent.line}",
            lines([parent, child]),
        )
        for child, parent in wrong[:1]
    ]
    if len(wrong) > 1:
        findings.append(Observed("children like that", "none", str(len(wrong))))
    parents = {one.student for one in failed}
    return Outcome(tuple(findings), f"{numbered(len(parents), 'parent')} failed")


def premature(step: Played, *, after_a_failure: bool) -> list[tuple[Sent, Sent]]:
    """Records that were sent although a parent was not accepted, each with what shows it.

    ``after_a_failure``: the parent had been tried in vain before (shown by its last try); else:
    it had not been tried at all (shown by the child itself).
    """
    there = {
        (name, _student_of(record)) for name in COLLECTIONS for record in step.before.get(name, ())
    }
    tried: dict[tuple[str, str | None], Sent] = {}
    wrong = []
    for one in step.writes:
        for parent in PARENTS.get(one.collection, ()):
            place = (parent, one.student)
            if place in there or one.student is None:
                continue
            last = tried.get(place)
            if (last is not None) is after_a_failure:
                wrong.append((one, last or one))
                break
        place = (one.collection, one.student)
        tried[place] = one
        if one.accepted:
            there.add((one.collection, str(one.student)))
    return wrong


def redelivered(rehearsed: Rehearsed) -> Outcome:
    """Every record that a trouble struck is there in the end."""
    step = rehearsed.played["errors"]
    struck = [o for o in step.writes if o.failed and o.key is not None]
    if not struck:
        raise NotTestable("no record of the product met a trouble")
    there = rehearsed.by_key(_end(rehearsed).after)
    lost: dict[tuple[str, str | None], list[Sent]] = {}
    for one in struck:
        if one.key and (one.collection, one.key) not in there:
            lost.setdefault((one.collection, one.student), []).append(one)
    names = [f"{name} of student {student}" for name, student in lost]
    findings = []
    if lost:
        received = f"{len(lost)} never arrived: {named(names)}"
        evidence = lines(one for tries in lost.values() for one in tries)
        findings.append(Observed("records that failed", "all delivered later", received, evidence))
    records = {(one.collection, one.key) for one in struck}
    return Outcome(tuple(findings), numbered(len(records), "record"))


def complete(rehearsed: Rehearsed) -> Outcome:
    """In the end every record of the step is there and right."""
    end = _end(rehearsed)
    if not any(step.writes for step in rehearsed.steps("errors", "recover")):
        raise rehearsed.played["errors"].nothing()
    findings = [*missing(rehearsed, end), *wrong_values(rehearsed, end)]
    return Outcome(tuple(findings), numbered(len(end.given[STUDENTS]), "student"))


# -- small things -----------------------------------------------------------------------------


def _failing(rehearsed: Rehearsed) -> list[Series]:
    step = rehearsed.played["errors"]
    found = series(step.sent)
    if not found:
        if not step.writes:
            raise step.nothing()
        raise NotTestable("no record of the product met a trouble")
    return found


def _end(rehearsed: Rehearsed) -> Played:
    """The last step that was played of the two that are about the records of ``errors``."""
    return rehearsed.steps("errors", "recover")[-1]


def unmet(step: Played) -> list[str]:
    """A note about the troubles that no request met, if there are any."""
    names = [hit.trouble.id for hit in step.hits if not any(map(hit.struck, step.sent))]
    told = ", ".join(names)
    return [f"Step {step.step.id}: no request met these troubles: {told}."] if names else []


def _name(one: Series) -> str:
    first = one.tries[0]
    return f"{first.collection} of student {first.student}"


def _student_of(record: dict[str, object]) -> str:
    reference = record.get("studentReference", record)
    return str(reference["studentUniqueId"]) if isinstance(reference, dict) else ""
