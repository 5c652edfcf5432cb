"""How the shipped suite gets into a run: once, whatever else is collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte.fixtures import SETTINGS
from pytest_edfi_cte.user_hooks import Call

if TYPE_CHECKING:
    from pytest_edfi_cte.catalogue import Entry

ENTRIES = pytest.StashKey["list[Entry]"]()

SUITE = Path(__file__).parent / "suite"
PACKAGE = "pytest_edfi_cte"
CONTRACT_PACK = "test_edfi_contract.py"
#: The modules with the scenarios, by mode: one run has one of them.
ONCE, REPEATED, OBSERVED = (
    f"test_edfi_{mode}.py" for mode in ("certification", "repeated", "observed")
)


class SuiteModule(pytest.Module):
    """A module of the shipped suite; its names follow our rule, not the user's ini."""

    def funcnamefilter(self, name: str) -> bool:
        """Ours start with ``test_``, whatever ``python_functions`` says; none without scenarios."""
        of_all = self.path.name in (CONTRACT_PACK, REPEATED)
        return name.startswith("test_") and (of_all or bool(entries_of(self.config, name)))

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The tests of the run's mode; a module of another mode is empty."""
        settings = self.config.stash[SETTINGS]
        wanted = (CONTRACT_PACK, REPEATED if settings.repeat else ONCE)
        return (
            super().collect()
            if self.path.name in ((OBSERVED,) if settings.observing else wanted)
            else []
        )


class SuiteFolder(pytest.Package):
    """Our package, of which the suite alone holds tests: pytest would ask about every file."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The suite's folder."""
        folder = self.ihook.pytest_collect_directory(path=SUITE, parent=self)
        return [] if folder is None else [folder]


def make_folder(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The collector for our package's folder, None for every other folder."""
    if path != SUITE.parent:
        return None
    folder: pytest.Collector = SuiteFolder.from_parent(parent, path=path)
    return folder


def entries(config: pytest.Config) -> list[Entry]:
    """The scenarios of the run, with what hooks add; raises :class:`ConfigurationError`."""
    from pytest_edfi_cte.catalogue import choose  # noqa: PLC0415 - idle cost
    from pytest_edfi_cte.state_contract import contract_of  # noqa: PLC0415 - idle cost

    if ENTRIES not in config.stash:
        folder = Path(config.invocation_params.dir)
        hook = _Hooks(config)
        settings = config.stash[SETTINGS]
        contract = contract_of(settings.openapi)
        config.stash[ENTRIES] = choose(contract, settings, folder, hook)
    return config.stash[ENTRIES]


class _Hooks:
    """pytest's hooks about scenarios, with their configuration."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_edfi_scenarios(self) -> Any:
        """What implementations add."""
        call = Call(self._config.hook.pytest_edfi_scenarios)
        found: list[Any] = []
        for answer in call(config=self._config):
            one = isinstance(answer, (str, Path, Mapping)) or not isinstance(answer, Iterable)
            found += [answer] if one else answer
        for each in found:
            if not isinstance(each, (str, Path, Mapping)):
                raise call.wrong(f"gave {each!r}; a path or a table, or several, are expected")
        return found

    def pytest_edfi_modify_scenarios(self, scenarios: list[Entry]) -> None:
        """Let implementations change the list."""
        call = Call(self._config.hook.pytest_edfi_modify_scenarios)
        known = list(scenarios)
        call(config=self._config, scenarios=scenarios)
        for each in scenarios:
            if not any(each is one for one in known):
                raise call.wrong(f"put {each!r} among the scenarios; it may take out and reorder")


def entries_of(config: pytest.Config, function: str) -> list[Entry]:
    """The scenarios of one of the suite's tests.

    ``test_create`` and ``test_update`` are about the default table, through the public fixtures
    ``edfi_cte_…``; ``test_scenario`` is about every other one.
    """
    step = function.removeprefix("test_")
    return [
        entry
        for entry in entries(config)
        if (entry.shipped and entry.step == step) or (not entry.shipped and step == "scenario")
    ]


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test of the suite its scenarios, each under its readable id and marker.

    The suite's modules ask for it: a hook of the plugin would be asked for every test of others.
    """
    if "edfi_scenario" in metafunc.fixturenames:
        parameters = [
            pytest.param(e.id, id=e.id, marks=pytest.mark.edfi_scenario(e.id))
            for e in entries_of(metafunc.config, metafunc.function.__name__)
        ]
        metafunc.parametrize("edfi_scenario", parameters, indirect=True)
    if "edfi_students" in metafunc.fixturenames:
        metafunc.parametrize("edfi_students", list(_batches(metafunc.config)), indirect=True)


def _batches(config: pytest.Config) -> Iterable[Any]:
    """Groups of fictional students, each a test: thousands of tests would be slower than they."""
    from pytest_edfi_cte.cohort import Cohort  # noqa: PLC0415 - idle cost

    settings = config.stash[SETTINGS]
    cohort = Cohort(settings.seed, *(settings.repeat or (1, 0)))
    for batch in cohort.batches() if entries(config) else ():
        first, last = batch[0], batch[-1]
        name = f"students-{first}-{last}" if first != last else f"student-{first}"
        yield pytest.param(batch, id=name, marks=pytest.mark.edfi_students(first, last))


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
    """The suite's scenarios table by table, by their numbers: what changes comes after its create.

    ``phase``: keep the creates ("create") or what follows them ("update"). Sorts ``items`` in
    place, and returns what was taken out.
    """
    ours = [item for item in items if isinstance(item.parent, SuiteModule)]
    places = [number for number, item in enumerate(items) if isinstance(item.parent, SuiteModule)]
    for place, item in zip(places, sorted(ours, key=_place), strict=True):
        items[place] = item
    creates = phase == "create"
    out = [item for item in ours if phase and item.name.endswith("-create]") != creates]
    items[:] = [item for item in items if item not in out]
    return out


def _place(item: pytest.Item) -> tuple[str, int]:
    """Table and number of a scenario, which are the beginning of its id."""
    marker = item.get_closest_marker("edfi_scenario")
    table, number, _ = str(marker.args[0]).rsplit("-", 2) if marker else ("", "0", "")
    return table, int(number)


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
