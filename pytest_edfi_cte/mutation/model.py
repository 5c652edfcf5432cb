"""The matrix: what each scenario said about each defect, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

CONTRACT = "contract"  # the column of the contract pack, and the group that only it can find


class State(str, Enum):
    """What one scenario (or one file of tests) said about one defect."""

    #: A test failed with a finding.
    CAUGHT = "caught"
    #: Red without a finding: a prerequisite or the connection broke first, and the run said so.
    STOPPED = "stopped"
    #: Our own bug: says nothing about the API, so it is never a catch.
    ERROR = "harness error"
    #: Answers were altered and nothing failed. Another scenario may still catch the defect.
    UNNOTICED = "not noticed"
    #: No answer that these tests judge was altered.
    NOT_APPLICABLE = "-"


class Outcome(str, Enum):
    """What all scenarios together said: of a defect the first three, of a variant the rest."""

    CAUGHT = "caught"
    MISSED = "MISSED"
    NOT_APPLICABLE = "does not apply"
    PASSED = "passed"
    BLAMED = "BLAMED"


RED = (State.CAUGHT, State.STOPPED, State.ERROR)


@dataclass(frozen=True)
class Cell:
    """``line``: the finding; ``test``: who found it; ``altered``: how many answers were."""

    state: State
    line: str = ""
    test: str = ""
    altered: int = 0


@dataclass(frozen=True)
class Subject:
    """A defect or a variant, as the sandbox names it."""

    name: str
    group: str
    summary: str
    level: str
    is_variant: bool


@dataclass(frozen=True)
class Row:
    """One defect or variant against every column."""

    subject: Subject
    cells: dict[str, Cell]

    @property
    def outcome(self) -> Outcome:
        """The verdict on the tests. A harness error alone is a miss."""
        states = {cell.state for cell in self.cells.values()}
        if self.subject.is_variant:
            # The contract pack may say so where a variant breaks what only it asks for.
            told = CONTRACT if self.subject.level else None
            states = {cell.state for column, cell in self.cells.items() if column != told}
            if states & set(RED):
                return Outcome.BLAMED
            return Outcome.PASSED if State.UNNOTICED in states else Outcome.NOT_APPLICABLE
        if states & {State.CAUGHT, State.STOPPED}:
            return Outcome.CAUGHT
        return Outcome.MISSED if states - {State.NOT_APPLICABLE} else Outcome.NOT_APPLICABLE

    @property
    def telling(self) -> Cell:
        """The cell that says most: a finding before a stop, a stop before silence."""
        order = list(State)
        return min(self.cells.values(), key=lambda cell: order.index(cell.state))


@dataclass(frozen=True)
class Matrix:
    """All rows; ``columns`` are scenario ids, ``contract``, or files of tests."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    seconds: float = 0.0

    def count(self, outcome: Outcome) -> int:
        """How many rows have this outcome."""
        return sum(row.outcome is outcome for row in self.rows)

    def of(self, *outcomes: Outcome) -> list[Row]:
        """The rows with one of these outcomes."""
        return [row for row in self.rows if row.outcome in outcomes]

    @property
    def share(self) -> float:
        """Caught defects among those that apply; 1.0 where none applies."""
        caught, missed = self.count(Outcome.CAUGHT), self.count(Outcome.MISSED)
        return caught / (caught + missed) if caught + missed else 1.0

    @property
    def good(self) -> bool:
        """True where every defect that applies is caught and no variant is blamed."""
        return not self.of(Outcome.MISSED, Outcome.BLAMED)

    @property
    def groups(self) -> list[str]:
        """The groups in the order of the rows."""
        return list(dict.fromkeys(row.subject.group for row in self.rows))


def short_names(columns: Sequence[str]) -> dict[str, str]:
    """Column -> what is left without the beginning that all scenarios share."""
    ids = [column for column in columns if column != CONTRACT and "/" not in column]
    words = [name.split("-") for name in ids]
    shared = 0
    while len(ids) > 1 and len({tuple(w[: shared + 1]) for w in words}) == 1:
        shared += 1
    return {c: "-".join(c.split("-")[shared:]) if c in ids else c for c in columns}


def worst(cells: Iterable[Cell]) -> Cell:
    """One cell for the tests of one column: the reddest of them, with all alterations."""
    found = list(cells)
    order = list(State)
    first = min(found, key=lambda cell: order.index(cell.state))
    return Cell(first.state, first.line, first.test, sum(cell.altered for cell in found))
