"""What a product is handed in the steps of a rehearsal: the table's student, and invented ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_edfi_cte.factories import Fiction, Recipes
from pytest_edfi_cte.rehearsal.handout import (
    ASSESSMENTS,
    GRADES,
    PROGRAM_SERVICES,
    Invented,
    rows,
    table_records,
    write_files,
)
from pytest_edfi_cte.rehearsal.task import Records, Task

if TYPE_CHECKING:
    from pytest_edfi_cte.rehearsal.script import Step
    from pytest_edfi_cte.scenarios import Table

#: Students of the step ``errors``: each trouble strikes one, the others are bystanders.
ERRORS = 10
#: Students of the step ``batch``, and seconds that the API asks for, unless others are given.
STUDENTS, RETRY_AFTER = 100, 2.0


class Props:
    """The records of each step; those of one group are invented once.

    ``uri``: (property, code value) -> descriptor URI. ``students``: of the step batch.
    """

    def __init__(
        self, table: Table, uri: Callable[[str, str], str], seed: int, students: int
    ) -> None:
        self._table = table
        self._numbers = {"batch": students, "errors": ERRORS}
        self._invented = Invented(Fiction(seed, lambda: "rehearsal"), Recipes(table, uri), table)
        self._given: dict[str, Records] = {}

    def records(self, step: Step) -> Records:
        """What must be in the API after a step, by collection."""
        if step.records == "table":
            return table_records(self._table, step.id)
        if step.records not in self._given:
            self._given[step.records] = self._invented.records(self._numbers[step.records])
        return self._given[step.records]

    def task(
        self,
        step: Step,
        folder: Path,
        *,
        url: str,
        client_id: str,
        client_secret: str,
        school_year: int,
    ) -> Task:
        """The task of a step; its files are written into the folder."""
        given = self.records(step)
        flat = rows(given)
        files = write_files(folder, step.id, flat)
        return Task(
            step=step.id,
            title=step.title,
            instructions=step.instructions,
            url=url,
            client_id=client_id,
            client_secret=client_secret,
            school_year=school_year,
            records=given,
            rows=flat,
            csv=files.csv,
            json=files.json,
        )


def descriptors_of(table: Table) -> set[str]:
    """Every descriptor value that is handed out."""
    rows_of = [row for row in table.rows if row.type == "descriptor"]
    found = {row.values[step] for row in rows_of for step in row.values}
    codes = {
        "cteProgramServiceDescriptor": PROGRAM_SERVICES,
        "technicalSkillsAssessmentDescriptor": ASSESSMENTS,
    }
    for row in rows_of:
        name = row.values["create"].partition("#")[0]
        found |= {f"{name}#{code}" for code in codes.get(row.name, ())}
    grade = table.prerequisites["enrollment"]["entryGradeLevelDescriptor"].partition("#")[0]
    return found | {f"{grade}#{code}" for code in GRADES}
