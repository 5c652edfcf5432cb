"""One check's result, made from what a test collected about it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_edfi_cte.compare import asked_by_schema
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.reporting import waivers
from pytest_edfi_cte.reporting.model import (
    CheckKind,
    CheckResult,
    FindingRow,
    Painter,
    is_good,
    requirement_of,
)
from pytest_edfi_cte.scenarios import Scenario
from pytest_edfi_cte.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run
    from pytest_edfi_cte.scenarios import Table

#: What sort of check, and its id.
Kind = tuple[CheckKind, str]
#: Where a test is and how long it took: node id, file, line, seconds.
Place = tuple[str, str, int, float]


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    ``told``: its message where it is not good; ``title``: where no scenario has one; ``student``:
    the fictional student's number, else 0.
    """

    check: Kind
    place: Place
    verdict: Verdict
    told: str
    title: str = ""
    student: int = 0


def result_of(
    run: Run, evidence: Evidence, outcome: Outcome, scenario: Scenario | None
) -> CheckResult:
    """What a run says about one check."""
    check, place, verdict = outcome.check, outcome.place, outcome.verdict
    paint = Painter(run.redactor.clean)
    requirement = evidence.requirement
    findings = paint.findings(evidence.findings, requirement.next if requirement else "")
    if scenario:
        _about_the_table(run, findings, scenario.table)
    message = "" if is_good(verdict.value) else evidence.message or outcome.told
    return {
        "id": paint.text(check[1]),
        "kind": check[0],
        "level": requirement.level if requirement else "",
        "number": scenario.number if scenario else 0,
        "student": outcome.student,
        "title": paint.text(scenario.title if scenario else outcome.title),
        "requirement": evidence.asked or requirement_of(findings),
        "verdict": verdict.value,
        "message": paint.text(message),
        "waiver": "",
        "test": place[0],
        "file": place[1],
        "line": place[2],
        "seconds": place[3],
        "findings": findings,
        "notes": [paint.text(note) for note in run.notes],
        "steps": paint.steps(evidence.steps),
        "exchanges": paint.exchanges(evidence.exchanges),
    }


def remark(run: Run, result: CheckResult) -> tuple[list[str], bool]:
    """Add what the hook says of a check, which has a copy: a verdict is no hook's to change.

    What it says, and whether the hook failed.
    """
    call = run.hooks.report_row
    if call is None:
        return [], False
    paint = Painter(run.redactor.clean)
    said, failed = call.texts(check=deepcopy(result))
    remarks = [paint.text(text) for text in said]
    result["notes"] += [*remarks, *([paint.text(failed)] if failed else [])]
    return remarks, bool(failed)


def _about_the_table(run: Run, findings: Sequence[FindingRow], table: Table) -> None:
    """Say which row of the table a finding belongs to, and who asks for it."""
    schema = run.contract.schema(run.api.standard, table.schema)
    rows = {row.path: row for row in table.rows}
    for finding in findings:
        row = rows.get(waivers.bare(finding["where"]))
        if row:
            finding["property"] = row.path
            finding["certification"] = row.required
            finding["api"] = asked_by_schema(schema, row.path)
