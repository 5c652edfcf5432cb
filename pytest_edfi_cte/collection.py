"""How the shipped suite gets into a run: once, whatever else is collected."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_edfi_cte.fixtures import SETTINGS

SUITE = Path(__file__).parent / "suite"
PACKAGE = "pytest_edfi_cte"
CONTRACT_PACK = "test_edfi_contract.py"


class SuiteModule(pytest.Module):
    """A module of the shipped suite; its names follow our rule, not the user's ini."""

    def funcnamefilter(self, name: str) -> bool:
        """Test functions start with ``test_`` here, whatever ``python_functions`` says."""
        return name.startswith("test_")

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The tests of the run's mode; a module of the other mode is empty."""
        observed = self.path.stem.endswith("_observed")
        return super().collect() if observed == self.config.stash[SETTINGS].observing else []


def make_module(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """The module collector for a file of our suite, None for every other file."""
    if module_path.parent != SUITE:
        return None
    module: pytest.Module = SuiteModule.from_parent(parent, path=module_path)
    return module


def is_foreign_name(path: Path, config: pytest.Config) -> bool:
    """True for a suite file that the user's ``python_files`` would leave out."""
    ours = path.parent == SUITE and path.name.startswith("test_")
    return ours and not any(path.match(pattern) for pattern in config.getini("python_files"))


def in_order(items: list[pytest.Item], phase: str | None) -> list[pytest.Item]:
    """The suite's scenarios in the certification's order: a product cannot be updated first.

    ``phase``: the one step to keep. Sorts ``items`` in place, and returns what was taken out.
    """
    ours = [item for item in items if isinstance(item.parent, SuiteModule)]
    places = [number for number, item in enumerate(items) if isinstance(item.parent, SuiteModule)]
    for place, item in zip(places, sorted(ours, key=_number), strict=True):
        items[place] = item
    out = [item for item in ours if phase and not item.name.endswith(f"-{phase}]")]
    items[:] = [item for item in items if item not in out]
    return out


def _number(item: pytest.Item) -> str:
    marker = item.get_closest_marker("edfi_scenario")
    return str(marker.args[0]) if marker else ""


def is_contract_pack(path: Path) -> bool:
    """True for the module of the contract pack, which only ``--edfi-contract`` adds."""
    return path.name == CONTRACT_PACK and path.parent == SUITE


def add_suite(config: pytest.Config) -> None:
    """Add the suite to what pytest collects.

    Not where it is named already (``--pyargs pytest_edfi_cte``), and not where single tests are
    named (``tests/test_a.py::test_b``): who runs one test does not want two more.
    """
    names = [argument.partition("::")[0] for argument in config.args]
    if all("::" in argument for argument in config.args) or any(map(_is_ours, names)):
        return
    config.args.append(str(SUITE.parent))


def _is_ours(name: str) -> bool:
    if name.split(".", maxsplit=1)[0] == PACKAGE:
        return True
    path = Path(name).absolute()
    return path == SUITE.parent or SUITE.parent in path.parents
