"""What a check is, what it says, and how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.compare import ABSENT
from pytest_edfi_cte.contract_checks.answers import Answer
from pytest_edfi_cte.errors import EdFiError, NotTestable, RequestFailed
from pytest_edfi_cte.verdicts import RequirementFinding

if TYPE_CHECKING:
    from pytest_edfi_cte.contract_checks.bench import Bench
    from pytest_edfi_cte.judge import Finding

RULE = "by the requirement"
#: name -> check; filled by :func:`check`
CHECKS: dict[str, Check] = {}

Run = Callable[["Bench"], Iterable["Finding"]]


class DoesNotApply(EdFiError):
    """The API does not have what a check is about; the text is the evidence for it."""


@dataclass(frozen=True)
class Check:
    """One check: ``run`` gives findings, good or bad; ``title`` says what it looks at."""

    id: str
    title: str
    run: Run


@dataclass
class Outcome:
    """What a check said. ``elsewhere``: why it does not apply to this API, else empty."""

    findings: list[Finding] = field(default_factory=list)
    elsewhere: str = ""

    @property
    def wrong(self) -> list[Finding]:
        """The findings against the API."""
        return [finding for finding in self.findings if not finding.ok]


def check(run: Run) -> Run:
    """Make a function a check; its name with dashes is the check's id, its docstring the title."""
    name = getattr(run, "__name__", "").replace("_", "-")
    title = (run.__doc__ or "").strip().partition("\n")[0]
    CHECKS[name] = Check(name, title, run)
    return run


def carry_out(chosen: Check, bench: Bench) -> Outcome:
    """Run one check; :class:`NotTestable` where a prerequisite is missing and nothing was found.

    What was found before a prerequisite failed is a verdict already, and is kept.
    """
    outcome = Outcome()
    try:
        for finding in chosen.run(bench):
            outcome.findings.append(finding)  # noqa: PERF402 - kept when the next one raises
    except DoesNotApply as error:
        if not outcome.wrong:
            outcome.elsewhere = str(error)
    except RequestFailed as error:
        outcome.findings.append(finding_of(False, "the answer", "an answer", str(error)))
    except NotTestable:
        if not outcome.wrong:
            raise
    return outcome


# -- what checks say ------------------------------------------------------------------------------


def finding_of(
    ok: bool, where: str, expected: Any, received: Any, answer: Answer | None = None
) -> Finding:
    """A finding; ``expected`` as text describes, ``answer`` is the evidence."""
    described = isinstance(expected, str)
    return RequirementFinding(
        where,
        expected,
        received,
        RULE,
        "ok" if ok else "requirement",
        "schema" if described else "",
        exchange=answer.exchange if answer else None,
    )


def status(answer: Answer, *allowed: int, where: str) -> Finding:
    """The status of an answer must be one of ``allowed``."""
    expected = " or ".join(str(code) for code in sorted(allowed))
    return finding_of(answer.status in allowed, f"status: {where}", expected, answer.told, answer)


def refused(answer: Answer, *allowed: int, where: str) -> Finding:
    """As :func:`status`, for a request that must not succeed."""
    return status(answer, *allowed, where=where)


def unchanged(bench: Bench, url: str, before: Any, where: str) -> Iterator[Finding]:
    """A record must read as it did before a refused request."""
    after = bench.get(url)
    yield finding_of(
        after.json is not None and bench.same_record(before, after.json),
        f"record after {where}",
        "unchanged",
        bench.difference(before, after.json) if after.json is not None else after.told,
        after,
    )


def value(
    where: str, expected: Any, received: Any, answer: Answer, *, ok: bool | None = None
) -> Finding:
    """A value that must be equal, JSON type included; ``ok`` decides where equality does not."""
    from pytest_edfi_cte.compare import same_json  # noqa: PLC0415 - the name is short here

    good = same_json(expected, received) if ok is None else ok
    return finding_of(good, where, expected, received, answer)


def absent(received: Any) -> bool:
    """True for a property that is left out or null: hosts differ, both are legal."""
    return received is ABSENT or received is None
