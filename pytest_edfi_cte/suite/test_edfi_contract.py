"""The contract pack: the API against the Ed-Fi API guidelines, one test per check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.contract_checks.model import carry_out
from pytest_edfi_cte.requirements import by_check

if TYPE_CHECKING:
    from pytest_edfi_cte.contract_checks.bench import Bench
    from pytest_edfi_cte.contract_checks.model import Check
    from pytest_edfi_cte.evidence import Evidence


@pytest.mark.parametrize(
    "edfi_contract_check",
    [
        pytest.param(name, id=name, marks=pytest.mark.edfi_contract(name, requirement.level))
        for name, requirement in by_check(shipped()).items()
    ],
    indirect=True,
)
def test_contract(
    edfi_contract_check: Check, edfi_contract_bench: Bench, edfi_evidence: Evidence
) -> None:
    """Carry the check out; what it finds is judged by the level of its requirement."""
    outcome = carry_out(edfi_contract_check, edfi_contract_bench)
    edfi_evidence.add(outcome.findings)
    edfi_evidence.conclude()
    if outcome.elsewhere:
        edfi_evidence.message = outcome.elsewhere
        pytest.skip(outcome.elsewhere)
