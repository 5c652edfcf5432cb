"""What an API host must, should and could do, and which checks show it.

The words are data (``fixtures/requirements.yaml``); the checks are in ``contract_checks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pytest_edfi_cte.contract import Contract

Level = Literal["must", "should", "could"]


@dataclass(frozen=True)
class Requirement:
    """One requirement. ``checks`` name what covers it; else ``excluded`` says why nothing does.

    ``level``: must (a breach is a failure), should (a warning), could (information). ``source``:
    document and section. ``next``: what a host does about a breach.
    """

    id: str
    level: Level
    text: str
    source: str
    next: str = ""
    checks: tuple[str, ...] = ()
    excluded: str = ""

    @property
    def label(self) -> str:
        """``upsert (must; Ed-Fi API guidelines 4.0, POST Requests)``."""
        return f"{self.id} ({self.level}; {self.source})"


@lru_cache(maxsize=2)  # asked for by every test of the pack; a run has one contract
def requirements(contract: Contract) -> tuple[Requirement, ...]:
    """Every requirement, in the order of the file; ``ContractError`` for a broken file."""
    return tuple(
        Requirement(**{**raw, "checks": tuple(raw.get("checks", ()))})
        for raw in contract.requirements()
    )


@lru_cache(maxsize=2)
def by_check(contract: Contract) -> dict[str, Requirement]:
    """Check -> the requirement that it covers, in the order of the file."""
    return {name: r for r in requirements(contract) for name in r.checks}


def coverage(contract: Contract) -> str:
    """One line: how many requirements there are, and how many are covered and excluded."""
    known = requirements(contract)
    checks = sum(len(r.checks) for r in known)
    excluded = [r for r in known if r.excluded]
    return (
        f"{len(known)} requirements: {len(known) - len(excluded)} covered by {checks} checks, "
        f"{len(excluded)} excluded in writing"
    )
