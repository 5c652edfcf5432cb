"""Every fault is caught with its own words, and no legal variant is blamed."""

from __future__ import annotations

import pytest

from tests.broken_apis import CREATE_FAULTS, UPDATE_FAULTS, VARIANTS, Fault
from tests.conftest import state, with_other_student


@pytest.mark.parametrize("fault", CREATE_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_create_is_caught(fault: Fault, new_sandbox, kit) -> None:
    assert_caught(fault, "create", new_sandbox, kit)


@pytest.mark.parametrize("fault", UPDATE_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_update_is_caught(fault: Fault, new_sandbox, kit) -> None:
    assert_caught(fault, "update", new_sandbox, kit)


def assert_caught(fault: Fault, step: str, new_sandbox, kit) -> None:
    sandbox = with_other_student(new_sandbox(fault.make()))
    before = state(sandbox)
    result = kit.scenarios(sandbox, "-k", step)
    result.assert_outcomes(failed=1, deselected=1)
    text = result.stdout.str()
    number = {"create": 1, "update": 2}[step]
    assert f"Scenario {number} (" in text
    for words in fault.says:
        assert words in text, f"not said: {words}"
    assert "harness error" not in text
    assert state(sandbox) == before


@pytest.mark.parametrize("name", VARIANTS)
def test_legal_variant_passes(name: str, new_sandbox, kit) -> None:
    sandbox = with_other_student(new_sandbox(VARIANTS[name]()))
    before = state(sandbox)
    result = kit.scenarios(sandbox)
    result.assert_outcomes(passed=2)
    assert state(sandbox) == before


def test_links_off_passes(new_sandbox, kit) -> None:
    kit.scenarios(new_sandbox(links=False)).assert_outcomes(passed=2)


def test_data_standard_4_passes(new_sandbox, kit) -> None:
    result = kit.scenarios(new_sandbox(data_standard="4.0"))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*Data Standard 4.0.0*"])


def test_the_faults_are_distinct_and_many() -> None:
    names = [fault.name for fault in (*CREATE_FAULTS, *UPDATE_FAULTS)]
    assert len(set(names)) == len(names) >= 60
