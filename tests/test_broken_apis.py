"""Every defect that the scenarios can meet is caught with its own words; no variant is blamed."""

from __future__ import annotations

import pytest

from pytest_edfi_cte.sandbox.defects import DEFECTS, VARIANTS
from tests.broken_apis import CREATE, SET_UP, UPDATE
from tests.conftest import state, with_other_student


@pytest.mark.parametrize("name", CREATE)
def test_fault_in_create_is_caught(name: str, new_sandbox, kit) -> None:
    assert_caught(name, CREATE[name], "create", new_sandbox, kit)


@pytest.mark.parametrize("name", UPDATE)
def test_fault_in_update_is_caught(name: str, new_sandbox, kit) -> None:
    assert_caught(name, UPDATE[name], "update", new_sandbox, kit)


def assert_caught(name: str, says: tuple[str, ...], step: str, new_sandbox, kit) -> None:
    sandbox = with_other_student(new_sandbox(DEFECTS[name].make()))
    before = state(sandbox)
    result = kit.scenarios(sandbox, "-k", step)
    result.assert_outcomes(failed=1, deselected=1)
    text = result.stdout.str()
    number = {"create": 1, "update": 2}[step]
    assert f"Scenario {number} (" in text
    for words in says:
        assert words in text, f"not said: {words}"
    assert "harness error" not in text
    assert state(sandbox) == before


@pytest.mark.parametrize("name", SET_UP)
def test_fault_before_the_first_test_ends_the_run(name: str, new_sandbox, kit) -> None:
    result = kit.scenarios(new_sandbox(DEFECTS[name].make()))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert SET_UP[name] in result.stderr.str()


def test_a_token_that_is_not_accepted_is_not_testable(new_sandbox, kit) -> None:
    result = kit.scenarios(new_sandbox(DEFECTS["token-not-accepted"].make()))
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["not testable: *"])


@pytest.mark.parametrize("name", VARIANTS)
def test_legal_variant_passes(name: str, new_sandbox, kit) -> None:
    sandbox = with_other_student(new_sandbox(VARIANTS[name].make()))
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
    names = {*CREATE, *UPDATE, *SET_UP, "token-not-accepted"}
    assert len(names) >= 79
    scenarios = {"create", "read", "update", "types", "transport"}
    assert names >= {d.name for d in DEFECTS.values() if d.group in scenarios}
