"""The scenarios of the run in observe mode: the product is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.collection import parametrize

if TYPE_CHECKING:
    import pytest

    from pytest_edfi_cte.evidence import Evidence
    from pytest_edfi_cte.observe import Observation
    from pytest_edfi_cte.scenarios import Scenario


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its scenarios."""
    parametrize(metafunc)


def test_create(
    edfi_scenario: Scenario, edfi_observation: Observation, edfi_evidence: Evidence
) -> None:
    """The product creates the record: there once, under its key, every value as in the table."""
    edfi_evidence.add(edfi_observation.create(edfi_scenario, edfi_evidence))
    edfi_evidence.conclude()


def test_update(
    edfi_scenario: Scenario, edfi_observation: Observation, edfi_evidence: Evidence
) -> None:
    """The product updates it in place: the primary indicator is false, nothing else changed."""
    edfi_evidence.add(edfi_observation.update(edfi_scenario, edfi_evidence))
    edfi_evidence.conclude()


def test_scenario(
    edfi_scenario: Scenario, edfi_watch: Observation, edfi_evidence: Evidence
) -> None:
    """Any other table's scenario: the product does what its step says, and nothing else."""
    edfi_evidence.add(edfi_watch.carry_out(edfi_scenario, edfi_evidence))
    edfi_evidence.conclude()
