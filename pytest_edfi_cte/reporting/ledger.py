"""Results of a cohort's students, on disk: what is in memory does not grow with their number.

One SQLite file for all processes of a run. A student who passed has a short row; what did not pass,
and the first student of all, have their evidence beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_edfi_cte.reporting.document import BAD, RunCheck, StudentsRow
from pytest_edfi_cte.reporting.model import CheckResult
from pytest_edfi_cte.scenarios import Scenario
from pytest_edfi_cte.verdicts import Verdict

#: Checks with evidence that the views for people get, the first by the student's number.
MOST_SHOWN = 250
#: Seconds to wait for another process that is writing.
PATIENCE = 60.0
_TABLE = """
create table if not exists results (
  number integer, id text, student integer, title text, verdict text, seconds real,
  accepted text, evidence text, primary key (number, id, student)
) without rowid
"""
_BAD = f"verdict in ({', '.join(repr(word) for word in BAD)})"


class Ledger:
    """The rows of one run. A student who is judged again replaces what was there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        import sqlite3  # noqa: PLC0415 - --edfi-repeat only

        self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        # Safe against a kill of the process; only the machine's own crash could lose rows.
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = off")
        self._connection.execute(_TABLE)

    def note(self, scenario: Scenario, student: int, seconds: float) -> None:
        """Keep that a student passed a scenario."""
        about = (scenario.number, scenario.id, student, scenario.title)
        self._insert(*about, Verdict.PASSED.value, seconds, None, None)

    def add(self, result: CheckResult) -> None:
        """Keep a result with its evidence."""
        accepted = [row["where"] for row in result["findings"] if row["verdict"] == "waived"]
        self._insert(
            result["number"],
            result["id"],
            result["student"],
            result["title"],
            result["verdict"],
            result["seconds"],
            " ".join(accepted) or result["waiver"] or None,
            json.dumps(result, ensure_ascii=False),
        )

    def _insert(self, *values: object) -> None:
        self._connection.execute(
            "insert or replace into results values (?, ?, ?, ?, ?, ?, ?, ?)", values
        )

    def rows(self) -> list[StudentsRow]:
        """A row for each scenario, without the students themselves: see :meth:`students`."""
        found: dict[str, StudentsRow] = {}
        for number, name, title, verdict, count, seconds in self._ask(
            "select number, id, title, verdict, count(*), sum(seconds) from results "
            "group by number, id, verdict order by number, id, verdict"
        ):
            row = found.setdefault(
                name,
                {
                    "run": 0,
                    "id": name,
                    "number": number,
                    "title": title,
                    "counts": {},
                    "seconds": 0.0,
                    "students": [],
                },
            )
            row["counts"][verdict] = count
            row["seconds"] = round(row["seconds"] + seconds, 3)
        return list(found.values())

    def students(self, name: str) -> Iterator[list[Any]]:
        """``[student, verdict, milliseconds]`` for each student of a scenario."""
        for student, verdict, seconds in self._ask(
            "select student, verdict, seconds from results where id = ? order by student", name
        ):
            yield [student, verdict, round(seconds * 1000)]

    def shown(self) -> list[RunCheck]:
        """What people see: the first that are bad, one for each waiver, and an example."""
        keys = [
            *self._ask(
                f"select id, student from results where {_BAD} order by student limit ?",  # noqa: S608 - our own words
                MOST_SHOWN,
            ),
            *self._ask(
                "select id, min(student) from results where accepted is not null "
                "group by id, accepted limit ?",
                MOST_SHOWN,
            ),
            *self._ask(
                "select id, min(student) from results where evidence is not null group by id"
            ),
        ]
        texts = [
            text
            for key in dict.fromkeys(keys)
            for (text,) in self._ask(
                "select evidence from results where id = ? and student = ?", *key
            )
        ]
        return [_read(text) for text in texts if text]

    def all_evidence(self) -> Iterator[str]:
        """Every result that has evidence, one at a time, as JSON."""
        asked = "select evidence from results where evidence is not null order by number, student"
        for (text,) in self._ask(asked):
            yield f'{text[: text.rindex("}")]}, "run": 0}}'

    def __len__(self) -> int:
        return int(next(self._ask("select count(*) from results"))[0])

    def _ask(self, question: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            yield from cursor.execute(question, values)

    def close(self) -> None:
        """Close the file, and leave it."""
        self._connection.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self.close()
        remove(self._path)


def _read(text: str) -> RunCheck:
    check: RunCheck = {**json.loads(text), "run": 0}  # type: ignore[typeddict-item]  # as add() wrote it
    return check


def remove(path: Path) -> None:
    """Delete a ledger's files, also those of SQLite beside it."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
