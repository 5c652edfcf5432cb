"""The fixtures of one scenario, whichever table it is of, and of the product that is watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte.fixtures import STUDENTS, run_of
from pytest_edfi_cte.notations import STEPS

if TYPE_CHECKING:
    from pytest_edfi_cte.drive import AssociationSlot
    from pytest_edfi_cte.evidence import Evidence
    from pytest_edfi_cte.observe import Observation
    from pytest_edfi_cte.prerequisites import Prerequisites
    from pytest_edfi_cte.product import Product
    from pytest_edfi_cte.reporting.students import Students
    from pytest_edfi_cte.rounds import Rounds
    from pytest_edfi_cte.scenarios import Scenario, Table


@pytest.fixture
def edfi_scenario(
    request: pytest.FixtureRequest, edfi_table: Table, edfi_evidence: Evidence
) -> Scenario:
    """The scenario under test; parametrize it indirectly with "create", "update" or an id."""
    run = run_of(request)
    scenario = (
        edfi_table.scenario(request.param)
        if request.param in STEPS
        else run.scenario(request.param)
    )
    edfi_evidence.scenario = scenario
    return scenario


@pytest.fixture
def edfi_slot(
    request: pytest.FixtureRequest, edfi_scenario: Scenario, edfi_prerequisites: Prerequisites
) -> Iterator[AssociationSlot]:
    """The natural key of the scenario's record, free and ours alone until the test ends.

    Like ``edfi_cte_slot``, for any table.
    """
    from pytest_edfi_cte.drive import AssociationSlot  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.steps import prepare  # noqa: PLC0415 - idle cost

    run = run_of(request)
    prepare(run, edfi_prerequisites, edfi_scenario.table)
    with AssociationSlot(run, edfi_prerequisites, edfi_scenario.table).held() as slot:
        yield slot


@pytest.fixture(scope="session")
def edfi_rounds(
    request: pytest.FixtureRequest, edfi_prerequisites: Prerequisites
) -> Iterator[Rounds]:
    """Takes the students of ``--edfi-repeat`` through the run's scenarios, in this process."""
    from pytest_edfi_cte.cohort import Cohort  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.rounds import Rounds  # noqa: PLC0415 - idle cost

    run = run_of(request)
    if run.settings.repeat is None:
        pytest.skip("there are no students to repeat: give --edfi-repeat=N")
    scenarios = [run.scenario(name) for name in run.chosen.entries]
    cohort = Cohort(run.settings.seed, *run.settings.repeat)
    with closing(Rounds(run, edfi_prerequisites, scenarios, cohort)) as rounds:
        yield rounds


@pytest.fixture
def edfi_students(request: pytest.FixtureRequest, edfi_rounds: Rounds) -> Students:
    """Some students of ``--edfi-repeat``; parametrize it indirectly with their numbers."""
    from pytest_edfi_cte.reporting.students import Students  # noqa: PLC0415 - idle cost

    results = request.config.stash[STUDENTS]
    return Students(request.node, request.param, edfi_rounds, results)


@pytest.fixture(scope="session")
def edfi_product(request: pytest.FixtureRequest) -> Product:
    """What makes your product act in observe mode: ``edfi_product(scenario, step, values)``.

    By default the command of ``--edfi-act`` for the step, else the hook ``pytest_edfi_act``; where
    there is neither, it does nothing and a person acts. Override it with a callable of your own.
    """
    from pytest_edfi_cte.product import Driver  # noqa: PLC0415 - idle cost

    return Driver(run_of(request).observing.commands, request.config.hook.pytest_edfi_act)


def watched(
    request: pytest.FixtureRequest, prerequisites: Prerequisites, table: Table, product: Product
) -> Observation:
    """An observation that speaks to whoever sits at the terminal."""
    from pytest_edfi_cte.observe import Observation  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.reporting.model import Painter  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.terminal import Voice  # noqa: PLC0415 - idle cost

    run = run_of(request)
    safe = Painter(run.redactor.clean).text
    voice = Voice(request.config, run.clock, run.api.base_url, safe)
    return Observation(run, prerequisites, table, product, voice)


@pytest.fixture
def edfi_observation(
    request: pytest.FixtureRequest,
    edfi_prerequisites: Prerequisites,
    edfi_table: Table,
    edfi_product: Product,
) -> Observation:
    """Watches the product through a scenario of the CTE table in observe mode; reads only."""
    return watched(request, edfi_prerequisites, edfi_table, edfi_product)


@pytest.fixture
def edfi_watch(
    request: pytest.FixtureRequest,
    edfi_scenario: Scenario,
    edfi_prerequisites: Prerequisites,
    edfi_product: Product,
) -> Observation:
    """Watches the product through the scenario in observe mode, whichever table it is of."""
    return watched(request, edfi_prerequisites, edfi_scenario.table, edfi_product)
