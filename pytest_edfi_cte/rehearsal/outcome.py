"""What a check says: findings with the requests that show them, or why nothing can be said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte.compare import ABSENT
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.rehearsal.played import Rehearsed
from pytest_edfi_cte.rehearsal.traffic import Sent
from pytest_edfi_cte.verdicts import MEANINGS, expected_text, received_text

#: So many requests are shown with a finding; the last one too, where there are more.
SHOWN = 6
#: So many single things are named in one finding.
NAMED = 3


@dataclass(frozen=True)
class Observed:
    """Something that is wrong: where, expected, received as texts, and the requests as lines.

    ``meaning`` and ``next`` say it more precisely than the check's own words do.
    """

    where: str
    expected: str
    received: str
    evidence: tuple[str, ...] = ()
    meaning: str = ""
    next: str = ""


@dataclass(frozen=True)
class Outcome:
    """No finding: it is as it should be. ``note``: what was seen, in a few words."""

    findings: tuple[Observed, ...] = ()
    note: str = ""


class DoesNotApply(Exception):
    """The check has no place in this rehearsal; the text says why."""


#: A check's function. Raises DoesNotApply where it has no place here, and
#: NotTestable where there is nothing to judge.
Judging = Callable[[Rehearsed], Outcome]


def lines(sent: Iterable[Sent]) -> tuple[str, ...]:
    """Requests as evidence: the first few, and the last."""
    told = [one.line for one in sent]
    if len(told) <= SHOWN:
        return tuple(told)
    hidden = len(told) - SHOWN
    return (*told[: SHOWN - 1], f"… {hidden} more …", told[-1])


def of_finding(finding: Finding, evidence: Iterable[Sent]) -> Observed:
    """A judge's finding about a record, with the requests that brought it there."""
    meaning, what_next = MEANINGS[finding.kind]
    return Observed(
        finding.where,
        expected_text(finding),
        received_text(finding),
        lines(evidence),
        meaning,
        what_next,
    )


def named(things: Sequence[Any]) -> str:
    """``a, b, c and 4 more``."""
    shown = ", ".join(str(thing) for thing in things[:NAMED])
    rest = len(things) - NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def numbered(count: int, what: str) -> str:
    """``1 record``, ``2 records``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def text(value: Any) -> str:
    """A received value in a finding of our own."""
    return "nothing" if value is ABSENT else str(value)


def seconds(value: float) -> str:
    """``0.2 s``; ``3.0 s``."""
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
