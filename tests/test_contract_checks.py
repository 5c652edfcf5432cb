"""Every check of the contract pack passes on the sandbox, bites, and blames no legal variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.contract_checks.bench import Bench
from pytest_edfi_cte.contract_checks.catalogue import CHECKS
from pytest_edfi_cte.contract_checks.model import carry_out
from pytest_edfi_cte.factories import Recipes
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.requirements import by_check
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.sandbox import Client, Sandbox
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.verdicts import unmet
from tests.broken_apis import VARIANTS
from tests.conftest import state, with_other_student
from tests.contract_faults import FAULTS, LEGAL

REQUIREMENTS = by_check(shipped())
VENDOR = Client("vendor", "vendor-secret", (255901,), "SIS Vendor")
#: Hosts that cannot be queried break a must: the pack says so, the scenarios do without.
NO_QUERIES = {"queries-refused-400", "queries-refused-403", "queries-refused-405", "queries-ignored"}


class Host:
    """One sandbox for the module, whose middleware each test sets anew."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.middleware: Callable[..., Any] | None = None

    def __call__(self, request: Any, proceed: Any) -> Any:
        return self.middleware(request, proceed) if self.middleware else proceed(request)

    @contextmanager
    def bench(
        self,
        middleware: Callable[..., Any] | None = None,
        *,
        late: bool = False,
        **settings: Any,
    ) -> Iterator[Bench]:
        """A bench on the host with a vendor's key; what it leaves behind fails the test.

        ``late``: the middleware comes when the run has connected already.
        """
        self.middleware = None
        with_other_student(self.sandbox)
        before = state(self.sandbox)
        self.middleware = None if late else middleware
        run = Run(
            Settings(
                url=self.sandbox.url,
                client_id=VENDOR.id,
                client_secret=Secret(VENDOR.secret),
                retries=0,
                seed=7,
                **settings,
            )
        )

        def uri(name: str, code: str) -> str:
            return f"uri://ed-fi.org/{run.contract.descriptor_names[name]}#{code}"

        try:
            bench = Bench(run, Prerequisites(run.records), Recipes(run.table, uri))
            self.middleware = middleware
            yield bench
            bench.close()
            self.middleware = None  # the run's own clean-up, as at the end of a session
            run.clean_up()
            assert state(self.sandbox) == before, "the pack left something behind"
            assert run.left_behind == []
        finally:
            self.middleware = None
            run.close()
            self.sandbox.clear()


def started(**options: Any) -> Iterator[Host]:
    hosts: list[Host] = []
    with Sandbox(
        middleware=[lambda request, proceed: hosts[0](request, proceed)], clients=[VENDOR], **options
    ) as sandbox:
        hosts.append(Host(sandbox))
        yield hosts[0]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    yield from started()


@pytest.fixture(scope="module")
def old_host() -> Iterator[Host]:
    """Data Standard 4.0, without links."""
    yield from started(data_standard="4.0", links=False)


def pack(bench: Bench) -> dict[str, list[str]]:
    """level -> texts of the breaches, over all checks."""
    found: dict[str, list[str]] = {"must": [], "should": [], "could": [], "elsewhere": []}
    for name, check in CHECKS.items():
        outcome = carry_out(check, bench)
        assert outcome.findings or outcome.elsewhere, name
        if outcome.elsewhere:
            found["elsewhere"].append(f"{name}: {outcome.elsewhere}")
        if outcome.wrong:
            text = unmet(REQUIREMENTS[name], outcome.wrong)
            found[REQUIREMENTS[name].level].append(f"{name}: {text}")
    return found


@pytest.mark.parametrize("fixture", ["host", "old_host"])
def test_every_check_passes_on_the_sandbox(fixture, request) -> None:
    with request.getfixturevalue(fixture).bench() as bench:
        found = pack(bench)
    assert found == {"must": [], "should": [], "could": [], "elsewhere": []}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_bites(name, host) -> None:
    make, texts = FAULTS[name]
    with host.bench(make(), late=True) as bench:
        outcome = carry_out(CHECKS[name], bench)
        text = unmet(REQUIREMENTS[name], outcome.wrong)
    assert outcome.wrong, "the fault was not found"
    for words in (REQUIREMENTS[name].id, REQUIREMENTS[name].next, "expected", *texts):
        assert words in text, f"not said: {words}\n{text}"


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_can_run_alone(name, host) -> None:
    with host.bench() as bench:
        outcome = carry_out(CHECKS[name], bench)
    assert outcome.findings
    assert not outcome.wrong


@pytest.mark.parametrize("name", [*LEGAL, *(v for v in VARIANTS if v not in NO_QUERIES)])
def test_a_legal_variant_is_not_failed(name, host) -> None:
    make = LEGAL.get(name) or VARIANTS[name]
    with host.bench(make()) as bench:
        found = pack(bench)
    assert found["must"] == []


def test_every_check_has_its_fault() -> None:
    assert set(FAULTS) == set(CHECKS)
    assert len(CHECKS) >= 45
