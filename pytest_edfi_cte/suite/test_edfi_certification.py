"""The scenarios of the run in drive mode: the API is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte import steps
from pytest_edfi_cte.collection import parametrize

if TYPE_CHECKING:
    import pytest

    from pytest_edfi_cte.drive import AssociationSlot
    from pytest_edfi_cte.evidence import Evidence
    from pytest_edfi_cte.records import Record
    from pytest_edfi_cte.scenarios import Scenario


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its scenarios."""
    parametrize(metafunc)


def test_create(
    edfi_scenario: Scenario, edfi_cte_slot: AssociationSlot, edfi_evidence: Evidence
) -> None:
    """POST the CTE table's column: 201, and the record reads back complete, under its key."""
    steps.create(edfi_cte_slot, edfi_scenario, edfi_evidence)
    edfi_evidence.conclude()


def test_update(
    edfi_scenario: Scenario,
    edfi_cte_association: Record,
    edfi_cte_slot: AssociationSlot,
    edfi_evidence: Evidence,
) -> None:
    """PUT the CTE table's column: 204, the primary indicator is false and nothing else changed."""
    steps.update(edfi_cte_slot, edfi_scenario, edfi_evidence, edfi_cte_association)
    edfi_evidence.conclude()


def test_scenario(
    edfi_scenario: Scenario, edfi_slot: AssociationSlot, edfi_evidence: Evidence
) -> None:
    """Any other table's scenario: the record as its column says, and nothing else changed."""
    steps.carry_out(edfi_slot, edfi_scenario, edfi_evidence)
    edfi_evidence.conclude()
