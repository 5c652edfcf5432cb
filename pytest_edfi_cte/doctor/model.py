"""A diagnosis: one line per probe, in the order in which one thing needs another.

The first line that is a problem is the root cause. What needs it is not looked at: nothing is sent
for it, and its line says because of what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, TypeVar

from pytest_edfi_cte.errors import ConfigurationError, RequestFailed

Patient = TypeVar("Patient")


class Status(str, Enum):
    """What a line says. Only a problem keeps a run from succeeding."""

    OK = "ok"
    #: Not as it should be, but a run can succeed.
    WARNING = "warning"
    PROBLEM = "problem"
    #: Not told by the API, or not looked at because of a problem above.
    UNKNOWN = "unknown"


class Who(str, Enum):
    """Who can fix it."""

    APPLICATION = "application"
    HOST = "host"
    DATA = "data"
    YOU = "you"

    @property
    def meaning(self) -> str:
        """Who that is."""
        return _PEOPLE[self.value]


_PEOPLE = {
    "application": "who gives out the key and its claim set",
    "host": "who operates the API",
    "data": "who loads data into the API",
    "you": "your own set-up",
}


@dataclass(frozen=True)
class Line:
    """One line of the page: what was found, what it means, who can fix it and how.

    ``evidence`` is the exchange that shows it. ``because`` is the probe whose problem kept this one
    from being looked at. ``probe`` and ``title`` are set by :func:`examine`.
    """

    status: Status
    found: str
    means: str = ""
    who: Who | None = None
    how: str = ""
    evidence: str = ""
    because: str = ""
    probe: str = ""
    title: str = ""

    @property
    def advice(self) -> str:
        """``data (who loads data into the API): Load …``; empty where there is nothing to do."""
        return f"{self.who.value} ({self.who.meaning}): {self.how}" if self.who else ""


def ok(found: str) -> Line:
    """All is well."""
    return Line(Status.OK, found)


def unknown(found: str, means: str = "") -> Line:
    """The API would not say."""
    return Line(Status.UNKNOWN, found, means)


def warning(found: str, means: str, who: Who, how: str) -> Line:
    """Not as it should be, but no obstacle."""
    return Line(Status.WARNING, found, means, who, how)


def problem(found: str, means: str, who: Who, how: str) -> Line:
    """A run cannot succeed."""
    return Line(Status.PROBLEM, found, means, who, how)


@dataclass(frozen=True)
class Probe(Generic[Patient]):
    """One thing to look at.

    ``needs``: probes that must not have found a problem. ``blocks``: fixtures that cannot give what
    they promise where this one is a problem.
    """

    id: str
    title: str
    needs: tuple[str, ...]
    check: Callable[[Patient], Line]
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Every line, in order; ``good``: what may be said where none is a problem."""

    lines: tuple[Line, ...]
    good: str = "A run can succeed: nothing stands in its way."

    @property
    def problems(self) -> list[Line]:
        """What keeps a run from succeeding, root cause first."""
        return [line for line in self.lines if line.status is Status.PROBLEM]

    @property
    def first(self) -> Line | None:
        """The root cause; None where nothing stands in the way."""
        return next(iter(self.problems), None)

    @property
    def can_succeed(self) -> bool:
        """True where nothing that could be looked at stands in the way of a run."""
        return self.first is None


def examine(
    probes: Sequence[Probe[Patient]], patient: Patient, evidence: Callable[[], str]
) -> Diagnosis:
    """Go through the probes. ``evidence`` gives the newest exchange in one line.

    A probe that meets no answer at all, or whose token is refused on the way, is a problem: the
    run would meet it as well.
    """
    lines: dict[str, Line] = {}
    for probe in probes:
        causes = [lines[need] for need in probe.needs if need in lines]
        because = next(
            (
                line.because or line.probe
                for line in causes
                if line.because or line.status is Status.PROBLEM
            ),
            "",
        )
        if because:
            line = Line(Status.UNKNOWN, "not looked at", because=because)
        else:
            try:
                line = probe.check(patient)
            except (RequestFailed, ConfigurationError) as error:
                line = problem(
                    str(error),
                    "The API stopped answering while it was looked at.",
                    Who.HOST,
                    "Look at the API's log and at the network between; then try again.",
                )
            if line.status is Status.PROBLEM and not line.evidence:
                line = replace(line, evidence=evidence())
        lines[probe.id] = replace(line, probe=probe.id, title=probe.title)
    return Diagnosis(tuple(lines.values()))
