"""Real clients as products of a rehearsal: what the how-to says of each is measured here."""

import re
import time

from pytest_edfi_cte.rehearsal.stage import Rehearsal
from pytest_edfi_cte.verdicts import Verdict
from tests.clients.products import edfi_api_client, lightbeam
from tests.pages import PAGES
from tests.wire_products import Clock

HOW_TO = PAGES["docs/how-to/rehearse-my-product.md"]


def measured(product, clock) -> list[str]:
    """The checks that are not met; everything else must have passed."""
    with Rehearsal(students=6, school_year=2027, seed=1, clock=clock) as rehearsal:
        results = rehearsal.run(product).results
    assert {r.verdict for r in results} <= {Verdict.PASSED, Verdict.FAILED}
    return [r.check.id for r in results if r.verdict is Verdict.FAILED]


def told(name: str) -> list[str]:
    """The checks that the how-to's table names for a client, in any order."""
    (row,) = re.findall(rf"^\| `{name}`.*$", HOW_TO, re.MULTILINE)
    return re.findall(r"`([a-z]+\.[a-z-]+)`", row)


def test_edfi_api_client() -> None:
    clock = Clock()
    failed = measured(edfi_api_client(clock.sleep), clock)
    assert failed == [
        "update.only-changed",
        "batch.present",
        "errors.children",
        "descriptors.downloaded",
        "practice.token-renewal",
    ]
    assert sorted(failed) == sorted(told("edfi_api_client"))


def test_lightbeam(tmp_path) -> None:
    failed = measured(lightbeam(tmp_path), time.time)
    assert failed == [
        "errors.retry-after",
        "errors.children",
        "practice.token-reuse",
        "practice.keep-alive",
    ]
    assert sorted(failed) == sorted(told("lightbeam"))
