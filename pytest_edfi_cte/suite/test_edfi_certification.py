"""The certification's scenarios for the CTE association in drive mode: the API is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.tables import scenario_ids

if TYPE_CHECKING:
    from pytest_edfi_cte.drive import AssociationSlot
    from pytest_edfi_cte.evidence import Evidence
    from pytest_edfi_cte.records import Record
    from pytest_edfi_cte.scenarios import Scenario


def scenario(step: str) -> pytest.MarkDecorator:
    """Parametrize with the table's scenario of a step, under its readable id and marker."""
    name = scenario_ids(shipped())[step]
    parameter = pytest.param(step, id=name, marks=pytest.mark.edfi_scenario(name))
    return pytest.mark.parametrize("edfi_scenario", [parameter], indirect=True)


@scenario("create")
def test_create(
    edfi_scenario: Scenario, edfi_cte_slot: AssociationSlot, edfi_evidence: Evidence
) -> None:
    """POST the table's column: 201, and the record reads back complete, under its natural key."""
    posted, findings = edfi_cte_slot.create(edfi_scenario)
    edfi_evidence.add(findings)
    if posted is not None and posted.record.created:
        read = edfi_cte_slot.read(posted.record)
        edfi_evidence.add(read.findings)
        if read.body is not None:
            edfi_evidence.add(edfi_cte_slot.judge_stored(edfi_scenario, read.body))
        edfi_evidence.add(edfi_cte_slot.count(posted.record, read.body))
    edfi_evidence.conclude()


@scenario("update")
def test_update(
    edfi_scenario: Scenario,
    edfi_cte_association: Record,
    edfi_cte_slot: AssociationSlot,
    edfi_evidence: Evidence,
) -> None:
    """PUT the table's column: 204, the primary indicator is false and nothing else changed."""
    before = edfi_cte_slot.before_update(edfi_scenario, edfi_cte_association)
    answer = edfi_cte_slot.update(edfi_scenario, edfi_cte_association, before.etag)
    edfi_evidence.add([answer])
    if edfi_cte_slot.accepted(answer):
        after = edfi_cte_slot.read(edfi_cte_association)
        edfi_evidence.add(after.findings)
        if before.body is not None and after.body is not None:
            edfi_evidence.add(edfi_cte_slot.judge_update(edfi_scenario, before.body, after.body))
        edfi_evidence.add(edfi_cte_slot.count(edfi_cte_association, after.body, updated=True))
    edfi_evidence.conclude()
