"""The wire witness: every wrong product is caught for its own reason, no right one is blamed."""

from __future__ import annotations

import pytest

from pytest_edfi_cte.errors import NonConformance
from pytest_edfi_cte.rehearsal.judging import CHECKS, Result
from pytest_edfi_cte.rehearsal.script import shipped_script
from pytest_edfi_cte.rehearsal.stage import Rehearsal
from pytest_edfi_cte.rehearsal.words import failure, page, passed
from pytest_edfi_cte.verdicts import Verdict
from tests.wire_products import RIGHT, WRONG, Clock, Product, Silent, Wrong

SMALL = 6


def played(make, **options) -> Rehearsal:
    """A rehearsal that is over: its sandbox has stopped."""
    clock = Clock()
    product = make(clock)
    try:
        with Rehearsal(
            **{"students": SMALL, "school_year": 2027, "seed": 1, "clock": clock, **options}
        ) as rehearsal:
            return rehearsal.run(product)
    finally:
        product.close()


def by_verdict(results: list[Result], *verdicts: Verdict) -> set[str]:
    return {result.check.id for result in results if result.verdict in verdicts}


@pytest.mark.parametrize("make", RIGHT, ids=lambda make: make.__name__)
def test_no_right_product_is_blamed(make) -> None:
    rehearsal = played(make)
    assert [failure(result) for result in rehearsal.results if not result.good] == []
    assert by_verdict(rehearsal.results, Verdict.PASSED) == set(CHECKS)
    assert rehearsal.notes == []
    assert rehearsal.conclude(strict=True) == rehearsal.results


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_every_wrong_product_is_caught(wrong: Wrong) -> None:
    rehearsal = played(wrong.make)
    results = rehearsal.results
    text = "\n".join(failure(result, 1000) for result in results if not result.good)
    assert by_verdict(results, Verdict.FAILED) == wrong.fails, text
    assert by_verdict(results, Verdict.NOT_TESTABLE) == wrong.untestable, text
    for part in wrong.says:
        assert part in text, text
    must = {r.check.id for r in results if not r.good and r.check.level == "must"}
    assert passed(results) is not bool(must)
    with pytest.raises(NonConformance):
        rehearsal.conclude(strict=True)
    if must:
        with pytest.raises(NonConformance):
            rehearsal.conclude()


def test_the_products_are_distinct_and_many() -> None:
    assert len({wrong.name for wrong in WRONG}) == len(WRONG)
    assert len(WRONG) >= 30


def test_every_check_fails_for_some_product() -> None:
    """A check that cannot fail shows nothing."""
    assert {name for wrong in WRONG for name in wrong.fails} == set(CHECKS)


def test_silence_passes_nothing() -> None:
    rehearsal = played(Silent)
    assert by_verdict(rehearsal.results, Verdict.PASSED) == {"runs"}
    assert by_verdict(rehearsal.results, Verdict.NOT_TESTABLE) == set(CHECKS) - {"runs"}
    text = page(rehearsal.results, rehearsal.script, rehearsal.played, rehearsal.notes)
    # One cause, one block.
    assert text.count("Not testable: ") == 1
    assert "  22 checks: create.record, update.in-place" in text
    every = "steps create, update, batch, errors, recover"
    assert f"Not testable: {every}: the product sent nothing at all." in text
    assert "Next: After 429" not in text, "that is not what keeps the check from being made"
    assert "Step errors: no request met these troubles: server-error, unavailable," in text
    assert "NOT PASSED: 22 not testable, 1 passed" in text


def test_data_standard_4() -> None:
    rehearsal = played(Product, data_standard="4.0")
    assert [failure(result) for result in rehearsal.results if not result.good] == []


def test_the_script_and_the_functions_name_the_same_checks() -> None:
    script = shipped_script()
    assert [check.id for check in script.checks] == list(CHECKS)
    steps = {step.id for step in script.steps}
    assert all(set(check.judges) <= steps for check in script.checks)
    assert [check.step for check in script.checks] == sorted(c.step for c in script.checks)
