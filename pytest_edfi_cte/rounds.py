"""One fictional student after the other, through the scenarios of a run.

A student's records are made, judged and deleted before the next one's: what is in the API at one
time, and in memory, does not grow with the number of students.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from pytest_edfi_cte.client.session import EdFiSession
from pytest_edfi_cte.cohort import Cohort, for_student, own_needs
from pytest_edfi_cte.drive import AssociationSlot
from pytest_edfi_cte.errors import NOT_ASKED, NonConformance, NotTestable
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.journal import Journal
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.records import Record, Records
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario, Table
from pytest_edfi_cte.steps import WITH_RECORD, create, prepare
from pytest_edfi_cte.verdicts import show

#: Records that could not be deleted: with so many no further student is made.
MOST_LEFT = 30
#: Different remarks about students; each may be said of thousands.
MOST_NOTES = 20


@dataclass(frozen=True)
class Judged:
    """What a scenario showed for one student. ``error``: why it did not pass, None where it did."""

    number: int
    scenario: Scenario
    evidence: Evidence
    error: Exception | None
    seconds: float
    student_id: str

    @property
    def said(self) -> str:
        """Why it did not pass, in one line that is the same for every student; "" where it did."""
        if self.error is None:
            return ""
        wrong = next((finding for finding in self.evidence.findings if not finding.ok), None)
        if wrong and isinstance(self.error, NonConformance):
            text = (
                f"{wrong.where}: expected {show(wrong.expected)}, received {show(wrong.received)}"
            )
        else:
            kind = "not testable: " if isinstance(self.error, NOT_ASKED) else ""
            text = f"{kind}{self.error}".partition("\n")[0]
        return text.replace(self.student_id, "(a student)")


class Rounds:
    """Takes students through scenarios, over one session."""

    def __init__(
        self, run: Run, shared: Prerequisites, scenarios: Sequence[Scenario], cohort: Cohort
    ) -> None:
        """``shared``: where what all students need is looked up, or made once."""
        self._run = run
        self._shared = shared
        self._scenarios = scenarios
        self._cohort = cohort
        self._session: EdFiSession = shared.records.session
        self._open = ExitStack()
        self._journal = Journal.start(run.journal.path.parent, invented=True)
        self._open.enter_context(self._journal.owned())
        records = Records(self._session, run.contract, self._journal, self._note)
        self._own = Prerequisites(records, run.seen)
        self._own.spellings = shared.spellings
        people = self._session.recorder.redactor.people
        if people:
            people.fictional = cohort.prefix
        self._student_id = ""
        self._ready = False
        self._missing: NotTestable | None = None
        self._notes: set[str] = set()

    def judge(self, number: int) -> Iterator[Judged]:
        """Each scenario for the student of a number, in the run's order."""
        self._student_id = self._cohort.student_id(number)
        scenarios = [for_student(scenario, self._student_id) for scenario in self._scenarios]
        missing: Exception | None = None
        evidence = Evidence(self._run, self._session.recorder)  # the first has what came before
        with self._records_of_a_student():
            try:
                self._get_ready()
                self._enroll(scenarios)
            except Exception as why:  # noqa: BLE001 - told with every scenario of the student
                missing = why
            with _Lane(self._run, self._own) as lane:
                for scenario in scenarios:
                    evidence.scenario = scenario
                    began = time.perf_counter()
                    error = missing or _caught(lane.carry_out, scenario, evidence)
                    taken = time.perf_counter() - began
                    yield Judged(number, scenario, evidence, error, taken, self._student_id)
                    evidence = Evidence(self._run, self._session.recorder)

    def close(self) -> None:
        """Delete what a student left, and forget the journal where nothing is left."""
        self._clean_up()
        if not self._journal.pending():
            self._journal.remove()
        self._open.close()

    @contextmanager
    def _records_of_a_student(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._clean_up()
            # Whoever wanted the exchanges has them; a run of many students must not keep them.
            self._session.recorder.forget()

    def _clean_up(self) -> None:
        if not self._run.settings.keep_data:
            self._own.records.confirm(self._journal)
            self._own.records.clean_up(self._journal)
        if self._run.settings.keep_data or not self._journal.pending():
            self._journal.clear()

    def _get_ready(self) -> None:
        """What all students need, looked up or made with the first of them."""
        if self._missing:
            raise self._missing
        if not self._ready:
            try:
                for scenario in self._scenarios:
                    own = own_needs(scenario.table)
                    needs = {n: need for n, need in scenario.table.needs.items() if n not in own}
                    prepare(self._run, self._shared, replace(scenario.table, needs=needs))
            except NotTestable as error:
                self._missing = error
                raise
            self._ready = True

    def _enroll(self, scenarios: Sequence[Scenario]) -> None:
        """Make the student and whatever the tables ask of it, under keys that nobody has."""
        left = len(self._journal.pending())
        if left >= MOST_LEFT:
            raise NotTestable(
                f"{left} records of students before this one could not be deleted, so no more are "
                "made.\n  They are listed at the end of the run, with the API's answer."
            )
        made: list[tuple[str, object]] = []
        for table in (scenario.table for scenario in scenarios):
            for name, need in own_needs(table).items():
                key = self._own.records.key_of(need.resource, need.record)
                if (need.resource, key) in made:
                    continue
                absent = bool(made)
                if not made:
                    found = self._own.records.look_up(need.resource, key)
                    absent = found.known
                    if found.matches:
                        raise NotTestable(
                            f"the API already has a {need.resource} record of student "
                            f"{self._student_id}, perhaps of a run with this seed and "
                            "--edfi-keep-data. It was left alone.\n  Choose another --edfi-seed."
                        )
                said = name.replace("_", " ")
                self._own.create(said, need.resource, need.record, absent=absent)
                made.append((need.resource, key))

    def _note(self, text: str) -> None:
        """A remark, in words that are the same for every student; not more than can be read."""
        self._notes.add(text.replace(self._student_id, "(a student of --edfi-repeat)"))
        if len(self._notes) <= MOST_NOTES:
            for note in self._notes:
                self._run.note(note)
        else:
            self._run.note("Further remarks about the students of --edfi-repeat are left out.")


class _Lane:
    """The slot of one student's record; a scenario may go on where the one before it ended."""

    def __init__(self, run: Run, prerequisites: Prerequisites) -> None:
        self._run = run
        self._prerequisites = prerequisites
        self._held = ExitStack()
        self._record: Record | None = None
        self._table: Table | None = None

    def __enter__(self) -> _Lane:
        return self

    def __exit__(self, *raised: object) -> None:
        self._held.close()

    def carry_out(self, scenario: Scenario, evidence: Evidence) -> None:
        """The scenario; raises what it found.

        A record that was just created, and is as it should be, is the one that an update needs:
        making it again would show nothing new.
        """
        record = self._record if self._goes_on(scenario.table) else None
        self._record = None
        if record is None:
            self._held.close()
            slot = AssociationSlot(self._run, self._prerequisites, scenario.table)
            self._held.enter_context(slot.fresh())
        else:
            slot = AssociationSlot(self._run, self._prerequisites, scenario.table)
        if scenario.step == "create":
            made = create(slot, scenario, evidence)
            evidence.conclude()
            self._record, self._table = made if made and made.url else None, scenario.table
            return
        record = record or slot.arrange(scenario.table.scenario("create"))
        WITH_RECORD[scenario.step](slot, scenario, evidence, record)
        evidence.conclude()

    def _goes_on(self, table: Table) -> bool:
        first = self._table
        return (
            first is not None
            and self._record is not None
            and first.resource == table.resource
            and first.payload("create") == table.payload("create")
        )


def _caught(
    act: Callable[[Scenario, Evidence], None], scenario: Scenario, evidence: Evidence
) -> Exception | None:
    try:
        act(scenario, evidence)
    except Exception as error:  # noqa: BLE001 - one student's trouble does not stop the others
        return error
    return None
