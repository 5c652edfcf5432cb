"""Every check of the contract pack passes on the sandbox, bites, and blames no legal variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
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
from pytest_edfi_cte.sandbox.defects import VARIANTS
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.verdicts import unmet
from tests.conftest import state, with_other_student
from tests.contract_faults import FAULTS, LEGAL, altered, documented, is_cte

REQUIREMENTS = by_check(shipped())
VENDOR = Client("vendor", "vendor-secret", (255901,), "SIS Vendor")
#: Hosts that cannot be queried break a must: the pack says so, the scenarios do without.
LEFT_OUT = {
    "as-it-is",
    "queries-refused-400",
    "queries-refused-403",
    "queries-refused-405",
    "queries-ignored",
}
#: Hosts that differ legally in several ways at once: a run of the pack for each way takes too long.
HOSTS = (
    (
        "relative-location",
        "no-links",
        "charset-in-content-type",
        "no-server-properties",
        "extensions",
    ),
    ("other-property-order", "no-etags", "nulls-for-absent", "no-token-info", "old-error-bodies"),
    (
        "dashed-ids",
        "data-address-elsewhere",
        "json-errors",
        "missing-token-400",
        "unknown-property-400",
    ),
    ("other-ids", "unresolved-reference-400", "no-openapi", "epoch-expiry"),
    ("weak-etags", "id-demanded-in-put", "strict-types", "student-unknown-403", "methods-404"),
    ("descriptors-elsewhere", "descriptor-case-of-the-api", "empty-error-bodies"),
    ("nulls", "extra-properties", "students-not-deletable", "queried-descriptor-unknown-400"),
)


def together(names: Sequence[str]) -> Callable[..., Any]:
    """One middleware out of several variants, the first outermost."""
    handle = right
    for name in reversed(names):
        handle = around((LEGAL.get(name) or VARIANTS[name].make)(), handle)
    return handle


def around(outer: Callable[..., Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    return lambda request, proceed: outer(request, lambda asked: inner(asked, proceed))


class Host:
    """One sandbox for the module, whose middleware each test sets anew."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.middleware: Callable[..., Any] | None = None

    def __call__(self, request: Any, proceed: Any) -> Any:
        return self.middleware(request, proceed) if self.middleware else proceed(request)

    @cached_property
    def run(self) -> Run:
        """A run that has connected to the host when it was right."""
        return self.new_run()

    def new_run(self, **settings: Any) -> Run:
        key = {"client_id": VENDOR.id, "client_secret": Secret(VENDOR.secret)}
        return Run(Settings(url=self.sandbox.url, retries=0, seed=7, **key, **settings))

    @contextmanager
    def bench(self, middleware: Callable[..., Any], run: Run | None = None) -> Iterator[Bench]:
        """A bench on the host with a vendor's key; what it leaves behind fails the test."""
        with_other_student(self.sandbox)
        before = state(self.sandbox)
        run = run or self.run
        self.middleware = middleware

        def uri(name: str, code: str) -> str:
            return f"uri://ed-fi.org/{run.contract.descriptor_names[name]}#{code}"

        try:
            bench = Bench(run, Prerequisites(run.records), Recipes(run.table, uri))
            yield bench
            bench.close()
            self.middleware = None  # the run's own clean-up, as at the end of a session
            assert run.records.clean_up(run.journal) == []
            assert state(self.sandbox) == before, "the pack left something behind"
        finally:
            self.middleware = None
            self.sandbox.clear()


def right(request: Any, proceed: Any) -> Any:
    """The middleware of an API with no fault."""
    return proceed(request)


def started(**options: Any) -> Iterator[Host]:
    hosts: list[Host] = []
    with Sandbox(
        middleware=[lambda request, proceed: hosts[0](request, proceed)],
        clients=[VENDOR],
        **options,
    ) as sandbox:
        hosts.append(Host(sandbox))
        assert hosts[0].run.session
        yield hosts[0]
        hosts[0].run.close()


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
    with request.getfixturevalue(fixture).bench(right) as bench:
        found = pack(bench)
    assert found == {"must": [], "should": [], "could": [], "elsewhere": []}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_bites(name, host) -> None:
    make, texts = FAULTS[name]
    with host.bench(make()) as bench:
        outcome = carry_out(CHECKS[name], bench)
        text = unmet(REQUIREMENTS[name], outcome.wrong)
    assert outcome.wrong, "the fault was not found"
    for words in (REQUIREMENTS[name].id, REQUIREMENTS[name].next, "expected", *texts):
        assert words in text, f"not said: {words}\n{text}"


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_can_run_alone(name, host) -> None:
    with host.bench(right) as bench:
        outcome = carry_out(CHECKS[name], bench)
    assert outcome.findings
    assert not outcome.wrong


@pytest.mark.parametrize("names", HOSTS, ids=" ".join)
def test_a_legal_variant_is_not_failed(names, host) -> None:
    run = host.new_run()
    try:
        with host.bench(together(names), run) as bench:  # it connects to the variant, too
            found = pack(bench)
    finally:
        run.close()
    assert found["must"] == []


def test_every_legal_variant_is_tried() -> None:
    tried = [name for names in HOSTS for name in names]
    assert sorted(tried) == sorted({*LEGAL, *VARIANTS} - LEFT_OUT)
    assert len(tried) >= 15


def test_every_check_has_its_fault() -> None:
    assert set(FAULTS) == set(CHECKS)
    assert len(CHECKS) >= 45


@pytest.mark.parametrize("name", ["anonymous-is-refused", "foreign-token-is-refused"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_refusal_that_did_it_all_the_same_is_found(name, method, host) -> None:
    """The host says 401, and changes or deletes the record."""
    good: list[str] = []

    def liar(request: Any, proceed: Any) -> Any:
        answer = proceed(request)
        given = request.headers.get("Authorization", "")
        if answer.status_code < 400 and given.startswith("Bearer "):
            good[:] = [given]
        if is_cte(request, method) and answer.status_code == 401 and good:
            proceed(altered(request, headers={"Authorization": good[0]}))
        return answer

    with host.bench(liar) as bench:
        outcome = carry_out(CHECKS[name], bench)
    assert [f.where for f in outcome.wrong] == ["the record after all of these requests"]
    assert outcome.wrong[0].expected == "unchanged"


@pytest.mark.parametrize(
    "odd", [None, [], "text", {"content": []}, {"content": {"a": None}}, {"$ref": "#/paths/0/x"}]
)
def test_an_odd_document_is_a_finding_and_no_bug_of_ours(odd, host) -> None:
    def spoilt(document: Any) -> None:
        for path, operations in document["paths"].items():
            if path.endswith("/programs"):
                operations["post"] = {"requestBody": odd, "parameters": odd}

    with host.bench(documented(spoilt)()) as bench:
        outcome = carry_out(CHECKS["openapi-misses-nothing"], bench)
    assert [f.where for f in outcome.wrong] == ["missing: programs"]


def test_a_document_without_the_schema_is_no_pass(host) -> None:
    def bare(document: Any) -> None:
        for path, operations in document["paths"].items():
            if path.endswith("/studentCTEProgramAssociations"):
                operations["post"]["parameters"] = []

    with host.bench(documented(bare)()) as bench:
        certified = carry_out(CHECKS["openapi-has-the-certified-properties"], bench)
        key = carry_out(CHECKS["openapi-marks-the-key"], bench)
    assert [f.where for f in certified.wrong] == ["schema of studentCTEProgramAssociations"]
    assert key.elsewhere == "the API answered nothing that this check could look at"
