"""The pytest fixtures. Each imports what it needs when it is first used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte.settings import Settings

if TYPE_CHECKING:
    from pytest_edfi_cte.client.session import EdFiSession
    from pytest_edfi_cte.contract_checks.bench import Bench
    from pytest_edfi_cte.contract_checks.model import Check
    from pytest_edfi_cte.drive import AssociationSlot
    from pytest_edfi_cte.evidence import Evidence
    from pytest_edfi_cte.factories import Recipes, RecordFactory
    from pytest_edfi_cte.prerequisites import Prerequisites
    from pytest_edfi_cte.records import Record
    from pytest_edfi_cte.reporting.students import StudentResults
    from pytest_edfi_cte.run import Run
    from pytest_edfi_cte.scenarios import Table

RUN = pytest.StashKey["Run"]()
SETTINGS = pytest.StashKey[Settings]()
STUDENTS: pytest.StashKey[StudentResults] = pytest.StashKey()
EVIDENCE = pytest.StashKey["Evidence"]()

NO_API = (
    "needs an Ed-Fi API: give --edfi-url=URL (or the environment variable EDFI_URL, or ini "
    "edfi_url); --edfi-url=sandbox brings one along"
)


def run_of(request: pytest.FixtureRequest) -> Run:
    """The run; skips the test where there is no API."""
    run = request.config.stash.get(RUN, None)
    if run is None:
        pytest.skip(NO_API)
    return run


@pytest.fixture(scope="session")
def edfi_settings(request: pytest.FixtureRequest) -> Settings:
    """The effective settings of the run (URL, school year, seed, …) with each value's source."""
    run_of(request)
    return request.config.stash[SETTINGS]


@pytest.fixture(scope="session")
def edfi_session(request: pytest.FixtureRequest) -> EdFiSession:
    """A ``requests.Session`` for the Ed-Fi API: authorised, retried, every exchange recorded.

    Paths are relative to the data management API: ``edfi_session.get("/ed-fi/students")``.
    Override it in a root ``conftest.py`` to add headers or certificates for every test.
    """
    return run_of(request).session


@pytest.fixture(scope="session")
def edfi_table(request: pytest.FixtureRequest) -> Table:
    """The certification table, with dates of the school year and ``--edfi-set`` applied."""
    return run_of(request).table


@pytest.fixture(scope="session")
def edfi_prerequisites(request: pytest.FixtureRequest, edfi_session: EdFiSession) -> Prerequisites:
    """Looks up, reuses or creates what a scenario needs, and knows which records are ours."""
    from pytest_edfi_cte.prerequisites import Prerequisites  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.records import Records  # noqa: PLC0415 - idle cost

    run = run_of(request)
    return Prerequisites(Records(edfi_session, run.contract, run.journal, run.note), run.seen)


# -- ready records ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def edfi_education_organization(edfi_prerequisites: Prerequisites, edfi_table: Table) -> Record:
    """The table's ed-org (LEA 255901): pre-loaded, so it is looked up and never made."""
    body = edfi_table.prerequisites["education_organization"]
    return edfi_prerequisites.preloaded("ed-org", "localEducationAgencies", body)


@pytest.fixture(scope="session")
def edfi_program(
    edfi_prerequisites: Prerequisites,
    edfi_table: Table,
    edfi_education_organization: Record,  # noqa: ARG001 - comes first in the certification
) -> Record:
    """The table's CTE program: pre-loaded, so it is looked up and never made."""
    body = edfi_table.prerequisites["program"]
    return edfi_prerequisites.preloaded("program", "programs", body)


@pytest.fixture(scope="session")
def edfi_descriptors(edfi_prerequisites: Prerequisites, edfi_table: Table) -> dict[str, str]:
    """The descriptor values that the table uses, as the API has them: property path -> URI."""
    edfi_prerequisites.descriptors(edfi_table.descriptors)
    return {r.path: r.values["create"] for r in edfi_table.rows if r.type == "descriptor"}


@pytest.fixture(scope="session")
def edfi_student(
    request: pytest.FixtureRequest, edfi_prerequisites: Prerequisites, edfi_table: Table
) -> Record:
    """The table's student 222222: reused untouched where it exists, created where not."""
    from pytest_edfi_cte.prerequisites import slot_name  # noqa: PLC0415 - idle cost

    body = edfi_table.prerequisites["student"]
    key = {"studentUniqueId": body["studentUniqueId"]}
    with run_of(request).alone_with(slot_name("students", key)):
        return edfi_prerequisites.reuse_or_create("student", "students", body)


@pytest.fixture(scope="session")
def edfi_enrollment(
    request: pytest.FixtureRequest,
    edfi_prerequisites: Prerequisites,
    edfi_table: Table,
    edfi_student: Record,
) -> Record:
    """The student's enrollment in the high school 255901001; without one the API answers 403.

    Any enrollment of the student in that school is reused untouched; else one is created.
    """
    from pytest_edfi_cte.prerequisites import slot_name  # noqa: PLC0415 - idle cost

    body = edfi_table.prerequisites["enrollment"]
    query = {
        "studentUniqueId": edfi_student["studentUniqueId"],
        "schoolId": body["schoolReference"]["schoolId"],
    }
    with run_of(request).alone_with(slot_name("studentSchoolAssociations", query)):
        return edfi_prerequisites.reuse_or_create(
            "enrollment", "studentSchoolAssociations", body, query
        )


@pytest.fixture
def edfi_cte_slot(
    request: pytest.FixtureRequest,
    edfi_program: Record,  # noqa: ARG001 - a prerequisite
    edfi_descriptors: dict[str, str],  # noqa: ARG001 - a prerequisite
    edfi_enrollment: Record,  # noqa: ARG001 - a prerequisite
    edfi_prerequisites: Prerequisites,
    edfi_table: Table,
) -> Iterator[AssociationSlot]:
    """The natural key of the table's association, free and ours alone until the test ends.

    All prerequisites exist. A record under this key that we did not create is not touched: the
    test is then not testable.
    """
    from pytest_edfi_cte.drive import AssociationSlot  # noqa: PLC0415 - idle cost

    with AssociationSlot(run_of(request), edfi_prerequisites, edfi_table).held() as slot:
        yield slot


@pytest.fixture
def edfi_cte_association(edfi_cte_slot: AssociationSlot, edfi_table: Table) -> Record:
    """A CTE association of our own with the values of scenario 1; deleted when the test ends."""
    return edfi_cte_slot.arrange(edfi_table.scenario("create"))


# -- factories ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def edfi_recipes(request: pytest.FixtureRequest, edfi_table: Table) -> Recipes:
    """What the ``edfi_new_…`` factories put into a fictional record; override to change it."""
    from pytest_edfi_cte.factories import Recipes  # noqa: PLC0415 - idle cost

    run = run_of(request)

    def uri(name: str, code: str) -> str:
        return f"{run.settings.namespace}/{run.contract.descriptor_names[name]}#{code}"

    return Recipes(edfi_table, uri, run.hooks.payload)


def _factory(
    request: pytest.FixtureRequest, name: str, resource: str, recipe: Any
) -> RecordFactory:
    from pytest_edfi_cte.factories import RecordFactory  # noqa: PLC0415 - idle cost

    prerequisites = request.getfixturevalue("edfi_prerequisites")
    return RecordFactory(name, resource, recipe, run_of(request).fiction, prerequisites)


@pytest.fixture(scope="session")
def edfi_new_education_organization(
    request: pytest.FixtureRequest, edfi_recipes: Recipes
) -> RecordFactory:
    """``edfi_new_education_organization(**overrides)`` creates a fictional LEA."""
    recipe = edfi_recipes.education_organization
    return _factory(request, "ed-org", "localEducationAgencies", recipe)


@pytest.fixture(scope="session")
def edfi_new_program(request: pytest.FixtureRequest, edfi_recipes: Recipes) -> RecordFactory:
    """``edfi_new_program(**overrides)`` creates a fictional program of the table's LEA."""
    return _factory(request, "program", "programs", edfi_recipes.program)


@pytest.fixture(scope="session")
def edfi_new_student(request: pytest.FixtureRequest, edfi_recipes: Recipes) -> RecordFactory:
    """``edfi_new_student(**overrides)`` creates a fictional student; deleted at the end.

    ``edfi_new_student.build(**overrides)`` gives the JSON alone. Values come from ``--edfi-seed``.
    """
    return _factory(request, "student", "students", edfi_recipes.student)


@pytest.fixture(scope="session")
def edfi_new_enrollment(
    request: pytest.FixtureRequest, edfi_recipes: Recipes, edfi_new_student: RecordFactory
) -> RecordFactory:
    """``edfi_new_enrollment(**overrides)`` enrolls a student in the table's high school.

    Without ``studentReference`` a new fictional student is created for it.
    """
    recipe = edfi_recipes.enrollment
    factory = _factory(request, "enrollment", "studentSchoolAssociations", recipe)
    return factory.about(lambda: edfi_new_student()["studentUniqueId"])


@pytest.fixture(scope="session")
def edfi_new_cte_association(
    request: pytest.FixtureRequest, edfi_recipes: Recipes, edfi_new_enrollment: RecordFactory
) -> RecordFactory:
    """``edfi_new_cte_association(**overrides)`` creates a CTE association like scenario 1's.

    Without ``studentReference`` a new fictional student is created and enrolled for it.
    """
    recipe = edfi_recipes.cte_association
    factory = _factory(request, "CTE association", "studentCTEProgramAssociations", recipe)
    return factory.about(lambda: edfi_new_enrollment()["studentReference"]["studentUniqueId"])


# -- judging ------------------------------------------------------------------------------------


@pytest.fixture
def edfi_evidence(request: pytest.FixtureRequest) -> Evidence:
    """Collects a scenario's findings; ``conclude()`` fails with all of them together."""
    run_of(request)
    return request.node.stash[EVIDENCE]  # type: ignore[no-any-return]  # stash is typed by key


# -- the contract pack ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def edfi_contract_bench(
    request: pytest.FixtureRequest, edfi_prerequisites: Prerequisites, edfi_recipes: Recipes
) -> Iterator[Bench]:
    """Where the checks of the contract pack work: students and associations of its own.

    All of them are deleted at the end of the session, also with ``--edfi-keep-data``.
    """
    from pytest_edfi_cte.contract_checks.bench import Bench  # noqa: PLC0415 - idle cost

    bench = Bench(run_of(request), edfi_prerequisites, edfi_recipes)
    yield bench
    bench.close()


@pytest.fixture
def edfi_contract_check(request: pytest.FixtureRequest, edfi_evidence: Evidence) -> Check:
    """The check under test; parametrize it indirectly with a check's id."""
    from pytest_edfi_cte.contract_checks.catalogue import CHECKS  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.requirements import by_check  # noqa: PLC0415 - idle cost

    check = CHECKS[request.param]
    edfi_evidence.title = check.title
    edfi_evidence.requirement = by_check(run_of(request).contract)[check.id]
    return check
