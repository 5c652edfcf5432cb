"""The rehearsal as data: steps, troubles, checks and limits, read from ``rehearsal.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pytest_edfi_cte.contract import Contract, shipped
from pytest_edfi_cte.errors import ConfigurationError

STUDENTS = "students"
ENROLLMENTS = "studentSchoolAssociations"
ASSOCIATIONS = "studentCTEProgramAssociations"
#: What a product sends, in the order in which the records need each other.
COLLECTIONS = (STUDENTS, ENROLLMENTS, ASSOCIATIONS)

#: A step that is played needs this one before it.
NEEDS = {"update": "create", "recover": "errors"}


@dataclass(frozen=True)
class Limits:
    """What counts as what; the words are in ``rehearsal.yaml``. Times are seconds."""

    growth: float
    shortest_pause: float
    rate: float
    tries: int
    early: float
    lookups: float
    lookups_free: int
    connections: float
    connections_free: int


@dataclass(frozen=True)
class Step:
    """Something the product is asked to do. ``records``: whose (table, batch or errors)."""

    id: str
    certification: int
    records: str
    title: str
    instructions: str


@dataclass(frozen=True)
class Trouble:
    """What the API does wrong during the step ``errors``, to how many tries of a record."""

    id: str
    resource: str
    times: int
    status: int | None = None
    drop: str | None = None
    retry_after: bool = False
    everybody: bool = False


@dataclass(frozen=True)
class Check:
    """Something that the recorded traffic must or should show. ``step``: of the certification."""

    id: str
    step: int
    level: str
    judges: tuple[str, ...]
    title: str
    fails: str
    next: str


@dataclass(frozen=True)
class Script:
    """The whole file. ``not_covered``: (certification step, what no traffic can tell)."""

    title: str
    limits: Limits
    steps: tuple[Step, ...]
    troubles: tuple[Trouble, ...]
    checks: tuple[Check, ...]
    not_covered: tuple[tuple[int, str], ...]

    def step(self, name: str) -> Step:
        """A step by its id; KeyError for another word."""
        return {step.id: step for step in self.steps}[name]

    def check(self, name: str) -> Check:
        """A check by its id; KeyError for another word."""
        return {check.id: check for check in self.checks}[name]

    def chosen(self, names: Iterable[str]) -> tuple[Step, ...]:
        """The named steps, in the order in which they are played; all where none is named.

        Raises :class:`ConfigurationError` for an unknown one and for one that needs another.
        """
        wanted = list(names)
        known = [step.id for step in self.steps]
        for name in wanted:
            if name not in known:
                raise ConfigurationError(f"no step {name!r}; the steps are {', '.join(known)}")
            need = NEEDS.get(name)
            if need and need not in wanted:
                raise ConfigurationError(f"the step {name} needs {need}: play {need},{name}")
        return tuple(step for step in self.steps if not wanted or step.id in wanted)


@cache
def shipped_script() -> Script:
    """The script that ships with the package; read once per process."""
    return read_script(shipped())


def read_script(contract: Contract) -> Script:
    """The script of a contract. Raises :class:`ContractError` for a broken file."""
    raw: dict[str, Any] = contract.rehearsal()
    return Script(
        title=raw["title"],
        limits=Limits(**raw["limits"]),
        steps=tuple(Step(**step) for step in raw["steps"]),
        troubles=tuple(Trouble(**trouble) for trouble in raw["troubles"]),
        checks=tuple(Check(**{**c, "judges": tuple(c["judges"])}) for c in raw["checks"]),
        not_covered=tuple((entry["step"], entry["what"]) for entry in raw["not_covered"]),
    )
