"""The contract pack in the terminal: how a warning is shown, and what the pack covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.reporting.model import CheckResult
from pytest_edfi_cte.requirements import coverage
from pytest_edfi_cte.verdicts import Verdict

#: verdict -> pytest's (category, letter, word with markup), where its outcome is passed.
STATUS: dict[str, tuple[str, str, Any]] = {
    Verdict.WARNING.value: ("passed", "w", ("WARNING", {"yellow": True})),
    Verdict.INFORMATION.value: ("passed", "i", ("INFORMATION", {"cyan": True})),
    Verdict.WAIVED.value: ("waived", "W", ("WAIVED", {"yellow": True})),
}


def requirement_lines(checks: Sequence[CheckResult]) -> Iterator[tuple[str, str]]:
    """(line, colour): each requirement that a scenario in Python is for, with the verdicts."""
    asked = dict.fromkeys(check["requirement"].partition(" ")[0] for check in checks)
    for requirement in asked:
        mine = [c for c in checks if c["requirement"].startswith(f"{requirement} ")]
        told = ", ".join(f"{check['id']} {check['verdict']}" for check in mine)
        yield f"requirement {requirement}: {told}", ""


def contract_lines(contract: Contract, checks: Sequence[CheckResult]) -> Iterator[tuple[str, str]]:
    """(line, colour): coverage, verdicts, then warnings in full and information in short."""
    counts = Counter(result["verdict"] for result in checks)
    told = ", ".join(f"{counts[v.value]} {v.value}" for v in Verdict if counts[v.value])
    yield f"contract: {coverage(contract)}", ""
    yield f"contract: {told}", ""
    for result in checks:
        first, *rest = result["message"].split("\n")
        if result["verdict"] == Verdict.WARNING.value:
            yield f"warning: {result['id']}: {first}", "yellow"
            for line in rest:
                yield f"  {line}", ""
        elif result["verdict"] == Verdict.INFORMATION.value:
            yield f"information: {result['id']}: {first}", "cyan"
