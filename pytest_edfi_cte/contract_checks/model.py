"""What a check is, what it says, and how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract_checks.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    UNAUTHORIZED,
    Answer,
)
from pytest_edfi_cte.errors import ConfigurationError, EdFiError, NotTestable, RequestFailed
from pytest_edfi_cte.prerequisites import refusal
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
            outcome.findings.append(finding)
    except DoesNotApply as error:
        if not outcome.wrong:
            outcome.elsewhere = bench.run.redactor.clean(str(error))
    except RequestFailed as error:
        outcome.findings.append(finding_of(False, "the answer", "an answer", str(error)))
    except (NotTestable, ConfigurationError) as error:  # e.g. the token is refused now
        if not outcome.wrong:
            raise bench.missing(str(error)) from None
    if not outcome.findings and not outcome.elsewhere:
        outcome.elsewhere = "the API answered nothing that this check could look at"
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
    """The status of an answer must be one of ``allowed``.

    A write that should be refused for its content (400), and is for the key's rights (403), says
    nothing about that content: :class:`NotTestable`.
    """
    about_content = BAD_REQUEST in allowed and not {UNAUTHORIZED, FORBIDDEN} & set(allowed)
    if about_content and answer.lacks_the_right:
        # The right comes before the content: how that would be judged cannot be seen.
        assert answer.response is not None  # noqa: S101 - it has a status
        what = f"the key may not do this, so nothing is shown about its content ({where})"
        raise NotTestable(refusal(what, answer.response))
    expected = " or ".join(str(code) for code in sorted(allowed))
    return finding_of(answer.status in allowed, f"status: {where}", expected, answer.told, answer)
