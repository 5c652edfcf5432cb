"""What a test collects about its scenario while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pytest_edfi_cte.errors import NonConformance

if TYPE_CHECKING:
    from pytest_edfi_cte.client.discovery import Api
    from pytest_edfi_cte.client.exchange import Exchange, Recorder
    from pytest_edfi_cte.compare import SameDescriptor
    from pytest_edfi_cte.contract import Contract
    from pytest_edfi_cte.judge import Finding
    from pytest_edfi_cte.requirements import Requirement
    from pytest_edfi_cte.run import Run
    from pytest_edfi_cte.scenarios import Scenario
    from pytest_edfi_cte.verdicts import Verdict

#: The evidence of the test that is running, for the assertions that users call by themselves.
current: ContextVar[Evidence | None] = ContextVar("edfi_evidence", default=None)


class Evidence:
    """Findings and exchanges of one test; all findings are reported together."""

    def __init__(self, run: Run, recorder: Recorder | None = None) -> None:
        """``recorder``: of the session that is used, by default the run's own."""
        self._run = run
        self._recorder = recorder or run.recorder
        self._mark = len(self._recorder)
        self.scenario: Scenario | None = None
        self.requirement: Requirement | None = None
        self.title = ""
        #: How a failure calls what was judged where it is no scenario of a table.
        self.named = ""
        #: Where pytest's outcome does not say it: a warning or information, and its text.
        self.verdict: Verdict | None = None
        self.message = ""
        self.findings: list[Finding] = []
        #: What was seen of the product, in observe mode: (line, end of its output).
        self.steps: list[tuple[str, str]] = []

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings, good or bad. A place that is already known to be wrong is not repeated."""
        for finding in findings:
            known = any(
                not f.ok and f.where == finding.where and not finding.ok for f in self.findings
            )
            if not known:
                self.findings.append(finding)

    @property
    def exchanges(self) -> list[Exchange]:
        """What was sent and received since the test began."""
        return self._recorder.since(self._mark)

    @property
    def api(self) -> Api | None:
        """The API, None where the run has not connected."""
        return self._run.connected

    @property
    def contract(self) -> Contract:
        """What the run judges by."""
        return self._run.contract

    @property
    def accepts(self) -> SameDescriptor:
        """Equality of descriptors that also holds for a state's mapped ones."""
        return self._run.mapping.accepts()

    def clean(self, text: str) -> str:
        """A text without the run's secrets."""
        return self._run.redactor.clean(text)

    @property
    def asked(self) -> str:
        """The requirement behind the test in one line, "" where there is none."""
        requirement = self.requirement
        return f"{requirement.label}: {requirement.text}" if requirement else ""

    def conclude(self) -> None:
        """Return where all is well; raise :class:`NonConformance` with every wrong finding.

        Of a requirement that is no must, a breach is kept as warning or information and the test
        goes on; ``--edfi-strict`` raises for a recommendation too.
        """
        from pytest_edfi_cte.verdicts import Verdict, conclude, unmet  # noqa: PLC0415 - idle cost

        if self.requirement is None:
            conclude(self.scenario, self.findings, self.exchanges, what=self.named)
            return
        wrong = [finding for finding in self.findings if not finding.ok]
        if not wrong:
            return
        text, level = unmet(self.requirement, wrong), self.requirement.level
        if level == "must" or (level == "should" and self._run.settings.strict):
            raise NonConformance(text)
        self.verdict = Verdict.WARNING if level == "should" else Verdict.INFORMATION
        self.message = text
