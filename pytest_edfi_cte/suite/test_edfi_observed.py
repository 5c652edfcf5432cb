"""The certification's scenarios for the CTE association in observe mode: the product is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.suite.test_edfi_certification import scenario

if TYPE_CHECKING:
    from pytest_edfi_cte.evidence import Evidence
    from pytest_edfi_cte.observe import Observation
    from pytest_edfi_cte.scenarios import Scenario


@scenario("create")
def test_create(
    edfi_scenario: Scenario, edfi_observation: Observation, edfi_evidence: Evidence
) -> None:
    """The product creates the record: there once, under its key, every value as in the table."""
    edfi_evidence.add(edfi_observation.create(edfi_scenario, edfi_evidence))
    edfi_evidence.conclude()


@scenario("update")
def test_update(
    edfi_scenario: Scenario, edfi_observation: Observation, edfi_evidence: Evidence
) -> None:
    """The product updates it in place: the primary indicator is false, nothing else changed."""
    edfi_evidence.add(edfi_observation.update(edfi_scenario, edfi_evidence))
    edfi_evidence.conclude()
