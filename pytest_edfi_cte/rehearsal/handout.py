"""What is handed to the product: fictional students and what belongs to them, records and files.

The files hold what a school would type: code values, no descriptor URIs. To map them to the API's
descriptors is the product's part (certification step 8).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.compare import at, short
from pytest_edfi_cte.rehearsal.script import ASSOCIATIONS, ENROLLMENTS, STUDENTS
from pytest_edfi_cte.rehearsal.task import Records
from pytest_edfi_cte.scenarios import Table, put

if TYPE_CHECKING:
    from faker import Faker

    from pytest_edfi_cte.factories import Fiction, Recipes

Json = dict[str, Any]
SERVICES = "cteProgramServices"
#: Column of the files -> the resource and the path in its record.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "studentUniqueId": (STUDENTS, "studentUniqueId"),
    "firstName": (STUDENTS, "firstName"),
    "middleName": (STUDENTS, "middleName"),
    "lastSurname": (STUDENTS, "lastSurname"),
    "birthDate": (STUDENTS, "birthDate"),
    "schoolId": (ENROLLMENTS, "schoolReference.schoolId"),
    "entryDate": (ENROLLMENTS, "entryDate"),
    "entryGradeLevel": (ENROLLMENTS, "entryGradeLevelDescriptor"),
    "educationOrganizationId": (
        ASSOCIATIONS,
        "educationOrganizationReference.educationOrganizationId",
    ),
    "programEducationOrganizationId": (ASSOCIATIONS, "programReference.educationOrganizationId"),
    "programName": (ASSOCIATIONS, "programReference.programName"),
    "programType": (ASSOCIATIONS, "programReference.programTypeDescriptor"),
    "beginDate": (ASSOCIATIONS, "beginDate"),
    "nonTraditionalGenderStatus": (ASSOCIATIONS, "nonTraditionalGenderStatus"),
    "privateCTEProgram": (ASSOCIATIONS, "privateCTEProgram"),
    "technicalSkillsAssessment": (ASSOCIATIONS, "technicalSkillsAssessmentDescriptor"),
    "cteProgramService": (ASSOCIATIONS, f"{SERVICES}.cteProgramServiceDescriptor"),
    "cipCode": (ASSOCIATIONS, f"{SERVICES}.cipCode"),
    "primaryIndicator": (ASSOCIATIONS, f"{SERVICES}.primaryIndicator"),
}
#: Values that differ from student to student, so that nothing can be sent by heart: code values of
#: the Ed-Fi descriptors, and the CIP code of each service.
PROGRAM_SERVICES = {
    "Information Technology": "11.0103",
    "Health Science": "51.0000",
    "Finance": "52.0801",
    "Manufacturing": "15.0613",
}
GRADES = ("Ninth grade", "Tenth grade", "Eleventh grade", "Twelfth grade")
ASSESSMENTS = ("Passed", "Not Passed")


def table_records(table: Table, step: str) -> Records:
    """What the certification table wants in the API after a step: its one student's records."""
    return {
        STUDENTS: [dict(table.prerequisites["student"])],
        ENROLLMENTS: [dict(table.prerequisites["enrollment"])],
        ASSOCIATIONS: [table.payload(step)],
    }


class Invented:
    """Fictional students; no two have one id, and none the table's."""

    def __init__(self, fiction: Fiction, recipes: Recipes, table: Table) -> None:
        self._fiction = fiction
        self._recipes = recipes
        self._ids = {str(at(table.payload("create"), "studentReference.studentUniqueId"))}

    def records(self, number: int) -> Records:
        """So many new students, each with an enrollment and an association."""
        found: dict[str, list[Json]] = {STUDENTS: [], ENROLLMENTS: [], ASSOCIATIONS: []}
        for _ in range(number):
            fake = self._fiction.next()
            student = self._recipes.student(fake)
            while student["studentUniqueId"] in self._ids:
                student = self._recipes.student(fake)
            self._ids.add(student["studentUniqueId"])
            found[STUDENTS].append(student)
            found[ENROLLMENTS].append(self._enrollment(fake, student["studentUniqueId"]))
            found[ASSOCIATIONS].append(self._association(fake, student["studentUniqueId"]))
        return found

    def _enrollment(self, fake: Faker, student: str) -> Json:
        record = self._recipes.enrollment(fake)
        wanted = {
            path: at(record, path) for where, path in COLUMNS.values() if where == ENROLLMENTS
        }
        few: Json = {"studentReference": {"studentUniqueId": student}}
        for path, value in wanted.items():
            put(few, path, value, frozenset())
        few["entryGradeLevelDescriptor"] = _other(
            few["entryGradeLevelDescriptor"], fake.random_element(GRADES)
        )
        return few

    def _association(self, fake: Faker, student: str) -> Json:
        record = self._recipes.cte_association(fake)
        put(record, "studentReference.studentUniqueId", student, frozenset())
        name, cip = fake.random_element(sorted(PROGRAM_SERVICES.items()))
        service = record[SERVICES][0]
        service["cteProgramServiceDescriptor"] = _other(
            service["cteProgramServiceDescriptor"], name
        )
        service["cipCode"] = cip
        service["primaryIndicator"] = fake.boolean()
        record["nonTraditionalGenderStatus"] = fake.boolean()
        record["technicalSkillsAssessmentDescriptor"] = _other(
            record["technicalSkillsAssessmentDescriptor"], fake.random_element(ASSESSMENTS)
        )
        return record


def _other(uri: str, code: str) -> str:
    return f"{uri.partition('#')[0]}#{code}"


def rows(records: Records) -> list[Json]:
    """One flat row per student: :data:`COLUMNS` with code values in the place of descriptors."""
    together = zip(records[STUDENTS], records[ENROLLMENTS], records[ASSOCIATIONS], strict=True)
    found = []
    for student, enrollment, association in together:
        of = {STUDENTS: student, ENROLLMENTS: enrollment, ASSOCIATIONS: association}
        row = {name: _at(of[resource], path) for name, (resource, path) in COLUMNS.items()}
        found.append({name: value for name, value in row.items() if value is not None})
    return found


def _at(record: Json, path: str) -> Any:
    here: Any = record
    for part in path.split("."):
        here = here[0] if isinstance(here, list) else here
        here = here.get(part) if isinstance(here, Mapping) else None
    return short(here) if isinstance(here, str) else here


@dataclass(frozen=True)
class Files:
    """Where the rows of a step are: ``csv`` with a heading, ``json`` an array of objects."""

    csv: Path
    json: Path


def write_files(folder: Path, step: str, found: Sequence[Json]) -> Files:
    """The rows as CSV and JSON, UTF-8, named by the step. In CSV true and false are words."""
    files = Files(folder / f"{step}.csv", folder / f"{step}.json")
    with files.csv.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(COLUMNS), restval="")
        writer.writeheader()
        for row in found:
            words = {n: json.dumps(v) if isinstance(v, bool) else v for n, v in row.items()}
            writer.writerow(words)
    files.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return files
