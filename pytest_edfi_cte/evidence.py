"""What a test collects about its scenario while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_edfi_cte.client.exchange import Exchange
    from pytest_edfi_cte.judge import Finding
    from pytest_edfi_cte.run import Run
    from pytest_edfi_cte.scenarios import Scenario


class Evidence:
    """Findings and exchanges of one test; all findings are reported together."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._mark = len(run.recorder)
        self.scenario: Scenario | None = None
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
        return self._run.recorder.since(self._mark)

    def conclude(self) -> None:
        """Return where all is well; raise :class:`NonConformance` with every wrong finding."""
        from pytest_edfi_cte.verdicts import conclude  # noqa: PLC0415 - idle cost

        conclude(self.scenario, self.findings, self.exchanges)
