"""Scenarios in Python: tests of one's own with the marker ``edfi_scenario(id, requirement=…)``.

They land in the same report as the tables' scenarios, with the same evidence.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_edfi_cte.collection import SuiteModule, entries
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.requirements import Requirement, requirements

if TYPE_CHECKING:
    from pytest_edfi_cte.contract import Contract

MARKER = "edfi_scenario"


@dataclass(frozen=True)
class PythonScenario:
    """What the marker says of a test; ``id`` has the parameters of a parametrized one."""

    id: str
    title: str
    requirement: Requirement | None


SCENARIO = pytest.StashKey[PythonScenario]()


def read_markers(config: pytest.Config, contract: Contract, items: Iterable[pytest.Item]) -> None:
    """Keep what the markers say with their tests.

    Raises :class:`ConfigurationError` for a marker without an id, an unknown requirement, and an id
    that two tests, or a test and a table, have.
    """
    tables = {entry.id: entry.file.file for entry in entries(config)}
    seen: dict[str, str] = {}
    for item in items:
        marker = item.get_closest_marker(MARKER)
        if marker is None or isinstance(item.parent, SuiteModule):
            continue
        place = item.nodeid.partition("[")[0]
        known = {r.id: r for r in requirements(contract)}
        name, asked = _arguments(marker, place, known)
        if name in tables:
            raise ConfigurationError(
                f"{place}: the scenario id {name!r} is taken by {tables[name]}; give the test "
                "another one"
            )
        if seen.setdefault(name, place) != place:
            raise ConfigurationError(
                f"{place}: the scenario id {name!r} is taken by {seen[name]}; give one of the "
                "tests another one"
            )
        parameters = item.nodeid.removeprefix(place)
        title = inspect.getdoc(getattr(item, "obj", None)) or ""
        title = title.partition("\n")[0] or item.name.partition("[")[0]
        item.stash[SCENARIO] = PythonScenario(
            f"{name}{parameters}", f"{title} {parameters}".strip(), known.get(asked)
        )


def _arguments(marker: pytest.Mark, place: str, known: Iterable[str]) -> tuple[str, str]:
    """The id and the requirement's id, "" where none is named."""
    named = dict(marker.kwargs)
    asked = named.pop("requirement", None)
    if len(marker.args) != 1 or not isinstance(marker.args[0], str) or not marker.args[0] or named:
        raise ConfigurationError(
            f"{place}: the marker is written edfi_scenario(id) or edfi_scenario(id, "
            f"requirement=…), with the id as a text; found edfi_scenario{_shown(marker)}"
        )
    if asked is None:
        return marker.args[0], ""
    if asked not in known:
        listed = "docs/reference/requirements.md lists them"
        raise ConfigurationError(
            f"{place}: edfi_scenario({marker.args[0]!r}): there is no requirement {asked!r}"
            f"{nearest(asked, known)}; {listed}"
        )
    return marker.args[0], str(asked)


def _shown(marker: pytest.Mark) -> str:
    words = [*map(repr, marker.args), *(f"{n}={v!r}" for n, v in marker.kwargs.items())]
    return f"({', '.join(words)})"
