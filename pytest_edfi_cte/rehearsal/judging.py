"""From what was played to a verdict per check. Pure: the same records, the same verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.rehearsal import deliveries, outages, practice
from pytest_edfi_cte.rehearsal.outcome import DoesNotApply, Judging, Observed
from pytest_edfi_cte.rehearsal.played import NothingSent, Rehearsed, nothing_sent
from pytest_edfi_cte.rehearsal.script import Check, Script
from pytest_edfi_cte.verdicts import Verdict

#: Check of ``rehearsal.yaml`` -> the function that makes it.
CHECKS: Mapping[str, Judging] = {
    "runs": deliveries.runs,
    "create.record": deliveries.created,
    "update.in-place": deliveries.updated,
    "update.only-changed": deliveries.only_changed,
    "batch.present": deliveries.present,
    "batch.values": deliveries.values,
    "batch.once": deliveries.once,
    "batch.unneeded": deliveries.unneeded,
    "errors.backoff": outages.backoff,
    "errors.hammering": outages.hammering,
    "errors.retry-after": outages.retry_after,
    "errors.children": outages.children,
    "errors.redelivered": outages.redelivered,
    "errors.complete": outages.complete,
    "descriptors.downloaded": practice.descriptors,
    "practice.token-reuse": practice.token_reuse,
    "practice.token-renewal": practice.token_renewal,
    "practice.order": practice.order,
    "practice.no-id": practice.no_id,
    "practice.no-recreation": practice.no_recreation,
    "practice.discovery": practice.discovery,
    "practice.lookups": practice.lookups,
    "practice.keep-alive": practice.keep_alive,
}


@dataclass(frozen=True)
class Result:
    """What is said of one check. ``reason``: why it is not testable or does not apply.

    ``silent``: not testable because the product sent nothing.
    """

    check: Check
    verdict: Verdict
    findings: tuple[Observed, ...] = ()
    note: str = ""
    reason: str = ""
    silent: bool = False

    @property
    def good(self) -> bool:
        """True where nothing has to be done: passed, or not part of this rehearsal."""
        return self.verdict in (Verdict.PASSED, Verdict.NOT_APPLICABLE)

    @property
    def fails(self) -> bool:
        """True where the rehearsal is not passed because of it: a must that is not good."""
        return not self.good and self.check.level == "must"

    @property
    def word(self) -> str:
        """The verdict; a should that is not met is a warning."""
        if self.verdict is Verdict.FAILED and self.check.level == "should":
            return "warning"
        return self.verdict.value


def judge(rehearsed: Rehearsed, script: Script) -> list[Result]:
    """One result for every check of the script, in its order."""
    return [_judge(rehearsed, check) for check in script.checks]


def _judge(rehearsed: Rehearsed, check: Check) -> Result:
    if not any(name in rehearsed.played for name in check.judges):
        steps = " and ".join(check.judges)
        return Result(check, Verdict.NOT_APPLICABLE, reason=f"step {steps} was not played")
    try:
        outcome = CHECKS[check.id](rehearsed)
    except DoesNotApply as error:
        return Result(check, Verdict.NOT_APPLICABLE, reason=str(error))
    except NotTestable as error:
        # Whatever the check had looked for: where nothing came, that is the reason.
        reason = _silence(rehearsed, check) or str(error)
        silent = reason != str(error) or isinstance(error, NothingSent)
        return Result(check, Verdict.NOT_TESTABLE, reason=reason, silent=silent)
    verdict = Verdict.FAILED if outcome.findings else Verdict.PASSED
    # What is said of records is shared with pytest, whose options have longer names.
    named = (replace(f, next=f.next.replace("--edfi-", rehearsed.prefix)) for f in outcome.findings)
    return Result(check, verdict, tuple(named), outcome.note)


def _silence(rehearsed: Rehearsed, check: Check) -> str:
    """That nothing at all was sent in the steps that a check looks at, ``""`` where it was not."""
    looked_at = rehearsed.steps(*check.judges)
    if any(step.sent for step in looked_at):
        return ""
    return str(nothing_sent(*looked_at))
