"""A cohort: fictional students for whom the scenarios of a run are repeated.

Each has a number of its own in the API, made from the seed, and no other property: everything else
is as the table says. The same seed gives the same students, so that one of them can be run alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.records import STUDENT
from pytest_edfi_cte.scenarios import Need, Row, Scenario, Table, get

#: Tests of a cohort: more would make pytest itself the greater part of the work.
MOST_TESTS = 500
#: Students of one test: fewer tests would leave workers idle, and a crash would lose more.
MOST_OF_A_TEST = 50


@dataclass(frozen=True)
class Cohort:
    """Students ``first`` to ``last`` of a seed."""

    seed: int
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    def student_id(self, number: int) -> str:
        """The number in the API: 18 digits, a 9, nine of the seed, eight of the student.

        A range that no real numbers are in (Ed-Fi allows 32 characters), below 2 to the power of
        63 for hosts that keep digits as a number.
        """
        return f"{self.prefix}{number:08}"

    @property
    def prefix(self) -> str:
        """What the numbers of all students of the seed begin with."""
        digest = hashlib.sha256(f"cohort of seed {self.seed}".encode()).digest()
        return f"9{int.from_bytes(digest[:8], 'big') % 10**9:09}"

    def batches(self) -> Iterator[range]:
        """The students in groups of equal size, each for one test."""
        size = min(MOST_OF_A_TEST, -(-len(self) // MOST_TESTS))
        for first in range(self.first, self.last + 1, size):
            yield range(first, min(first + size, self.last + 1))


def check(scenarios: Iterable[Scenario]) -> None:
    """Raise :class:`ConfigurationError` for a scenario that cannot be had for another student."""
    for scenario in scenarios:
        table = scenario.table
        own = _own_id(table)
        why = ""
        if own is None:
            why = f"the natural key of its {table.resource} record has no {STUDENT}"
        elif any(values and values != {own} for values in map(_ids_of, table.rows)):
            why = "it is about several students"
        elif any(need.preloaded and _mentions(need.record, own) for need in table.needs.values()):
            why = "its student is pre-loaded, and is never made"
        if why:
            raise ConfigurationError(
                f"--edfi-repeat: {scenario.id} cannot be run for other students: {why}. Choose "
                "other scenarios with --edfi-select"
            )


def for_student(scenario: Scenario, student_id: str) -> Scenario:
    """The scenario about another student; everything else is as it was."""
    table = scenario.table
    own = _own_id(table)
    rows = tuple(
        replace(row, values=dict.fromkeys(row.values, student_id)) if row.name == STUDENT else row
        for row in table.rows
    )
    needs = {
        name: replace(need, record=_replaced(need.record, own, student_id))
        for name, need in table.needs.items()
    }
    sent, added = (
        {state: _replaced(record, own, student_id) for state, record in records.items()}
        for records in (table.sent, table.added)
    )
    other = replace(table, rows=rows, needs=needs, sent=sent, added=added)
    return replace(scenario, table=other)


def own_needs(table: Table) -> dict[str, Need]:
    """The prerequisites that are the student's own, in their order: the student, its enrollment."""
    own = _own_id(table)
    return {name: need for name, need in table.needs.items() if _mentions(need.record, own)}


def _own_id(table: Table) -> Any:
    """The student that a table is about, None where it is about none."""
    path = next((p for p in table.natural_key.values() if p.rpartition(".")[2] == STUDENT), None)
    return get(table.payload("create"), path) if path else None


def _ids_of(row: Row) -> set[Any]:
    return set(row.values.values()) if row.name == STUDENT else set()


def _mentions(record: Any, student_id: Any) -> bool:
    if isinstance(record, Mapping):
        return any(
            (name == STUDENT and value == student_id) or _mentions(value, student_id)
            for name, value in record.items()
        )
    return isinstance(record, list) and any(_mentions(each, student_id) for each in record)


def _replaced(record: Any, old: Any, new: str) -> Any:
    """The record with the student's number replaced where it is called so."""
    if isinstance(record, Mapping):
        return {
            name: new if name == STUDENT and value == old else _replaced(value, old, new)
            for name, value in record.items()
        }
    return [_replaced(each, old, new) for each in record] if isinstance(record, list) else record
