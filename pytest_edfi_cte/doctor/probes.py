"""The probes as a table: in dependency order, with what they need and what they block."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pytest_edfi_cte.doctor import chosen, connection, data, key
from pytest_edfi_cte.doctor.model import Diagnosis, Probe, examine
from pytest_edfi_cte.doctor.patient import Patient
from pytest_edfi_cte.run import Run

#: Fixtures that write associations, whichever.
_ASSOCIATIONS = ("edfi_cte_slot", "edfi_new_cte_association")
#: Fixtures that need the table's own ed-org. A factory may be given another.
_OF_THE_ED_ORG = ("edfi_program", "edfi_enrollment", "edfi_cte_slot")

PROBES: tuple[Probe[Patient], ...] = (
    Probe("reachable", "reachable", (), connection.reachable),
    Probe("tls", "TLS", ("reachable",), connection.tls),
    Probe("api", "Ed-Fi API", ("tls",), connection.is_api),
    Probe("standard", "data standard", ("api",), connection.standard),
    Probe("clock", "clock", ("api",), connection.clock),
    Probe("token", "token", ("standard", "clock"), key.token),
    Probe("claims", "claims", ("token",), key.claims, _ASSOCIATIONS),
    Probe("namespaces", "namespaces", ("token",), key.namespaces),
    Probe(
        "ed_org",
        "ed-org",
        ("token",),
        data.education_organization,
        ("edfi_education_organization",),
    ),
    Probe("coverage", "ed-orgs of the key", ("ed_org",), key.coverage, _OF_THE_ED_ORG),
    Probe("descriptors", "descriptors", ("token",), data.descriptors, ("edfi_descriptors",)),
    Probe("program", "program", ("coverage", "descriptors"), data.program, ("edfi_program",)),
    Probe("school", "school", ("coverage",), data.school, ("edfi_enrollment",)),
    Probe("student", "student", ("coverage", "descriptors"), data.student, ("edfi_student",)),
    Probe("enrollment", "enrollment", ("student", "school"), data.enrollment, ("edfi_enrollment",)),
    Probe(
        "association",
        "association",
        ("claims", "coverage"),
        data.association,
        ("edfi_cte_slot",),
    ),
    Probe("openapi", "OpenAPI", ("api",), data.openapi),
)
#: Every fixture that a problem can block.
FIXTURES = frozenset(name for probe in PROBES for name in probe.blocks)
#: What a run asks anyway, and two requests more: token_info, the association's key. Clock and token
#: cost nothing.
CHEAP = (
    "clock",
    "token",
    "claims",
    "ed_org",
    "coverage",
    "descriptors",
    "program",
    "student",
    "enrollment",
    "association",
)


#: The same for a run of other tables: the connection, then what those need.
OF_OTHERS: tuple[Probe[Patient], ...] = (
    *(probe for probe in PROBES if probe.check.__module__ == connection.__name__),
    Probe("token", "token", ("standard", "clock"), key.token),
    Probe("tables", "tables", ("token",), chosen.tables),
    Probe("claims", "claims", ("tables",), chosen.claims),
    Probe("namespaces", "namespaces", ("token",), key.namespaces),
    Probe("descriptors", "descriptors", ("tables",), chosen.descriptors),
    Probe("preloaded", "pre-loaded records", ("tables",), chosen.preloaded),
    Probe("openapi", "OpenAPI", ("api",), data.openapi),
)


def diagnose(patient: Patient) -> Diagnosis:
    """Everything that the chosen tables need: the whole page."""
    if chosen.about_others(patient.run):
        found = examine(OF_OTHERS, patient, patient.newest)
        return replace(found, good=chosen.good(patient.run))
    return examine(PROBES, patient, patient.newest)


def preflight(run: Run, fixtures: Collection[str]) -> Diagnosis | None:
    """What can be told cheaply before tests that use ``fixtures``; None where none needs it.

    For a healthy run it sends two requests that the run itself would not send. What keeps a fixture
    from giving what it promises is noted in ``run.blocked``.
    """
    concerned = [probe for probe in PROBES if set(probe.blocks) & set(fixtures)]
    if not concerned:
        return None
    patient = Patient(run, thorough=False)
    wanted = [probe for probe in PROBES if probe.id in _with_needs(concerned)]
    found = examine(wanted, patient, patient.newest)
    blocks = {probe.id: probe.blocks for probe in wanted}
    for line in found.problems:
        for fixture in blocks[line.probe]:
            run.blocked.setdefault(fixture, f"{line.title}: {line.found}")
    return found


def _with_needs(probes: list[Probe[Patient]]) -> set[str]:
    """The cheap ones among the probes and those that they need."""
    needs = {probe.id: probe.needs for probe in PROBES}
    found: set[str] = {"clock"}
    todo = [probe.id for probe in probes]
    while todo:
        name = todo.pop()
        if name in CHEAP and name not in found:
            found.add(name)
            todo += needs[name]
    return found
