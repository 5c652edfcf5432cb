"""Probes of the data a run needs: what is loaded before, and what it will have to create.

They ask what the run's prerequisites ask, through the same code and with the same words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pytest_edfi_cte.doctor.model import Line, Who, ok, problem, unknown, warning
from pytest_edfi_cte.doctor.patient import Patient
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.prerequisites import MissingDescriptors, slot_name, way_out
from pytest_edfi_cte.records import LookUp, Record

UNAUTHORIZED, TOO_MANY = 401, 429


def education_organization(patient: Patient) -> Line:
    """The table's ed-org, pre-loaded."""
    body = patient.run.table.prerequisites["education_organization"]
    found = preloaded(patient, "ed-org", "localEducationAgencies", body)
    if isinstance(found, Line):
        return found
    patient.ed_org = found
    name = found.get("nameOfInstitution")
    return ok(f"{body['localEducationAgencyId']}" + (f" ({name})" if name else ""))


def program(patient: Patient) -> Line:
    """The table's program, pre-loaded."""
    body = patient.run.table.prerequisites["program"]
    found = preloaded(patient, "program", "programs", body)
    if isinstance(found, Line):
        return found
    owner = body["educationOrganizationReference"]["educationOrganizationId"]
    return ok(f"{body['programName']!r} of ed-org {owner}")


def preloaded(patient: Patient, name: str, resource: str, body: Mapping[str, Any]) -> Record | Line:
    """A record that the certification expects to be there, or what is known instead."""
    try:
        record = patient.prerequisites.preloaded(name, resource, body)
    except NotTestable as error:
        headline, _, how = str(error).partition("\n")
        return problem(
            headline,
            f"The certification expects the {name} to be there; no scenario can run without it. An "
            "API also hides what belongs to ed-orgs that the key does not cover.",
            Who.DATA,
            " ".join(how.split()).removeprefix(
                "The certification expects it to be loaded before. "
            ),
        )
    return record if record.url is not None or record.body != body else _refused(patient)


def descriptors(patient: Patient) -> Line:
    """Every descriptor value of the table."""
    return values_of(patient, patient.run.table.descriptors, "the table")


def values_of(patient: Patient, used: Mapping[str, str], whose: str) -> Line:
    """Some descriptor values; ``used``: URI -> what it is for."""
    mark = len(patient.refusals)
    missing = _missing_values(patient, used)
    if missing is not None:
        return missing
    if len(patient.refusals) > mark:
        return _refused(patient)
    return ok(f"all {len(used)} values of {whose}")


def _missing_values(patient: Patient, used: Mapping[str, str]) -> Line | None:
    """The problem with values that the API does not have; ``used``: URI -> what it is for."""
    try:
        patient.prerequisites.descriptors(used)
    except MissingDescriptors as error:
        means = "The API refuses records with descriptor values that it does not have."
        own = patient.run.settings.namespace
        others = {value.namespace for value in error.values}
        if len(error.values) == len(used) and len(others) == 1 and None not in others:
            (other,) = others
            return problem(
                f"the API has the table's descriptor values in the namespace {other}, not in {own}",
                means,
                Who.YOU,
                f"Name that one: try --edfi-namespace {other}",
            )
        listed = "; ".join(f"{value}{value.hint}" for value in error.values)
        found = f"descriptor values are missing in the API: {listed}"
        return problem(found, means, Who.DATA, error.advice)
    return None


def school(patient: Patient) -> Line:
    """The school of the enrollment."""
    body = patient.run.table.prerequisites["enrollment"]
    number = body["schoolReference"]["schoolId"]
    found = patient.records.look_up("schools", {"schoolId": number})
    if found.matches:
        name = found.matches[0].get("nameOfInstitution")
        return ok(f"{number}" + (f" ({name})" if name else ""))
    if not found.known:
        return _refused(patient)
    return problem(
        f"the school is missing: the API has no schools record with schoolId={number}",
        "The student's enrollment refers to it.",
        Who.DATA,
        "Load the Ed-Fi sample data (Grand Bend), or name a school that exists with --edfi-set "
        "enrollment.schoolReference.schoolId=….",
    )


def student(patient: Patient) -> Line:
    """The table's student: reused, or created by the run."""
    number = patient.run.table.prerequisites["student"]["studentUniqueId"]
    return _own(patient, "student", "students", {"studentUniqueId": number}, str(number))


def enrollment(patient: Patient) -> Line:
    """The student's enrollment in the table's school: reused, or created by the run."""
    body = patient.run.table.prerequisites["enrollment"]
    student_id = body["studentReference"]["studentUniqueId"]
    number = body["schoolReference"]["schoolId"]
    query = {"studentUniqueId": student_id, "schoolId": number}
    shown = f"of student {student_id} in school {number}"
    return _own(patient, "enrollment", "studentSchoolAssociations", query, shown)


def _own(patient: Patient, name: str, resource: str, query: Mapping[str, Any], shown: str) -> Line:
    """A record that the run reuses or creates, and then takes away again."""
    allowed = patient.allowed(resource)
    may_create = allowed is None or "Create" in allowed
    if not patient.thorough and may_create:
        return unknown("looked up by the run itself")
    found = patient.records.look_up(resource, query)
    if found.matches:
        return ok(f"{shown} is there; it will be left as it is")
    if not may_create:
        return problem(
            f"the {name} ({shown}) is not visible to this key, and the key's {patient.claim_set} "
            f"does not allow Create of {resource}",
            f"The run needs the {name}, and can neither find nor create it.",
            Who.APPLICATION,
            f"Give the key a claim set with Create, Read and Delete on {resource}, or name a "
            "student who is enrolled with --edfi-set studentUniqueId=….",
        )
    return _to_create(patient, name, resource, shown) if found.known else _refused(patient)


def _to_create(patient: Patient, name: str, resource: str, shown: str) -> Line:
    body = patient.run.table.prerequisites[name]
    values = {v: f"the {name}'s {n}" for n, v in body.items() if str(v).startswith("uri://")}
    missing = _missing_values(patient, values)
    if missing is not None:
        return missing
    allowed = patient.allowed(resource)
    if allowed is not None and "Delete" not in allowed:
        return warning(
            f"{shown} will be created, and cannot be deleted again",
            f"The key's {patient.claim_set} does not allow Delete of {resource}.",
            Who.APPLICATION,
            f"Add Delete on {resource} to the claim set, or delete the record by hand.",
        )
    return ok(f"{shown} will be created, and deleted at the end")


def association(patient: Patient) -> Line:
    """The table's natural key must be free: what is not ours is not touched.

    Another run on this machine may hold it for a moment: it is waited for, as by a scenario.
    """
    table = patient.run.table
    key = table.key_of(table.payload("create"))
    with patient.run.alone_with(slot_name(table.resource, key)):
        found: LookUp = patient.records.look_up(table.resource, key)
    if found.matches:
        return problem(
            f"the API already has a {table.resource} record that this run did not create, under "
            f"the table's natural key (id {found.matches[0].get('id')})",
            "It is left alone, and the scenarios cannot run.",
            Who.YOU,
            way_out(patient.records, table.resource, found.matches[0]),
        )
    return ok("nothing is in the way") if found.known else _refused(patient)


def openapi(patient: Patient) -> Line:
    """The API's own description; no run needs it."""
    api = patient.api
    url = api.document["urls"].get("openApiMetadata") if api else None
    if not isinstance(url, str):
        return unknown("discovery names none (urls.openApiMetadata)", "No run needs it.")
    response = patient.run.anonymous_session().get(url)
    try:
        names = [entry["name"] for entry in json.loads(response.content)]
    except (ValueError, TypeError, KeyError):
        return unknown(f"{url} answered {response.status_code}, no list", "No run needs it.")
    return ok(", ".join(map(str, names)))


def _refused(patient: Patient) -> Line:
    """A look-up that the API would not answer: sometimes telling, else left to the run itself."""
    last = patient.run.recorder.last
    why = patient.refusals[-1] if patient.refusals else last.line
    if not patient.thorough:  # the run goes on, as it would without us
        return unknown(why)
    causes: dict[int | None, Callable[[], Line]] = {
        UNAUTHORIZED: lambda: problem(
            f"the API does not accept the token that it gave ({why})",
            "Data and tokens do not belong together: another instance, or servers that do not "
            "share their tokens.",
            Who.HOST,
            "Check that discovery's addresses (urls) belong to one instance.",
        ),
        TOO_MANY: lambda: problem(
            f"the API limits the rate of requests ({why})",
            "A run sends about thirty requests, one after the other.",
            Who.HOST,
            "Wait as long as the API asks, then try again; or have the limit raised for this key.",
        ),
        None: lambda: problem(
            why,
            "The API stopped answering.",
            Who.HOST,
            "Look at the API's log and at the network between; then try again.",
        ),
    }
    if last.status in causes:
        return causes[last.status]()
    return unknown(
        why, "A run goes on without this look-up; whether the record is there, its writes show."
    )
