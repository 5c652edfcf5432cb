"""Probes of what other tables than the CTE table need, where a run is about others."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_edfi_cte.doctor import data, key
from pytest_edfi_cte.doctor.model import Line, Status, Who, ok, problem
from pytest_edfi_cte.doctor.patient import Patient
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Table


def about_others(run: Run) -> bool:
    """True where a scenario of another table than the shipped CTE table was chosen."""
    return not all(entry.shipped for entry in run.chosen.entries.values())


def good(run: Run) -> str:
    """What may be said where no probe found a problem; it names what was not looked at."""
    contents = [entry.file.content for entry in run.chosen.entries.values()]
    titles = ", ".join(dict.fromkeys(content["title"] for content in contents))
    return (
        f"Nothing that was looked at stands in the way of a run of {titles}. Not looked at: "
        "whether the key's ed-orgs cover the records, and what the run creates itself."
    )


def tables(patient: Patient) -> Line:
    """Which tables the run is about, and whether they are for this API's data standard."""
    try:
        found = list(_tables(patient))
    except ConfigurationError as error:
        text = str(error).partition(". Choose")[0]
        means = "These scenarios say nothing of this API."
        return problem(text, means, Who.YOU, "Choose other scenarios with --edfi-select.")
    return ok(", ".join(dict.fromkeys(f"{table.title} ({table.resource})" for table in found)))


def claims(patient: Patient) -> Line:
    """Whether the key may do with each table's resource what scenarios do with it."""
    resources = dict.fromkeys(table.resource for table in _tables(patient))
    return _worst([key.claims_of(patient, name, "The scenarios") for name in resources])


def descriptors(patient: Patient) -> Line:
    """Every descriptor value of the tables."""
    used = {uri: path for table in _tables(patient) for uri, path in table.descriptors.items()}
    return data.values_of(patient, used, "the tables")


def preloaded(patient: Patient) -> Line:
    """Every record that the tables expect to be loaded before."""
    needs = {
        (need.resource, str(need.record)): (name.replace("_", " "), need)
        for table in _tables(patient)
        for name, need in table.needs.items()
        if need.preloaded
    }
    if not needs:
        return ok("the tables expect none")
    lines = []
    for name, need in needs.values():
        found = data.preloaded(patient, name, need.resource, need.record)
        lines.append(found if isinstance(found, Line) else ok(f"{name} ({need.resource})"))
    return _worst(lines)


def _tables(patient: Patient) -> Iterator[Table]:
    """The table of each chosen scenario, with its own rows."""
    for scenario_id in patient.run.chosen.entries:
        yield patient.run.scenario(scenario_id).table


def _worst(lines: list[Line]) -> Line:
    """The first problem, else what is not known or odd, else all of them in one line."""
    for status in (Status.PROBLEM, Status.UNKNOWN, Status.WARNING):
        for line in lines:
            if line.status is status:
                return line
    return ok("; ".join(line.found for line in lines))
