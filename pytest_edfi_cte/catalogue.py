"""Which scenarios there are, and which of them a run is about.

There are the shipped tables and those that options, hooks and installed packages add. Without a
word from the user a run is about the shipped CTE table alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pytest_edfi_cte.contract import TABLE, Contract, TableFile
from pytest_edfi_cte.contract_text import ContractError, nearest
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.scenarios import Scenario
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.table_files import check_sense, standards_of
from pytest_edfi_cte.tables import names_in, resolve, scenario_ids

GROUP = "pytest_edfi_cte.scenarios"
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Entry:
    """One scenario of one file. ``name`` is its name there; ``shipped``: of the default table."""

    id: str
    name: str
    step: str
    file: TableFile
    shipped: bool = False

    def standards(self, contract: Contract) -> list[str]:
        """The data standards that its table is for, the newest last."""
        return standards_of(contract, self.file.content)

    def scenario(
        self,
        contract: Contract,
        settings: Settings,
        standard: str,
        elsewhere: Iterable[str] = (),
    ) -> Scenario:
        """The scenario resolved; raises :class:`ConfigurationError`.

        ``elsewhere``: names of values that other tables of the run have.
        """
        known = self.standards(contract)
        if standard not in known:
            raise ConfigurationError(
                f"{self.file.file} is for Data Standard {' and '.join(known)}; this API has "
                f"{standard}. Choose other scenarios with --edfi-select"
            )
        table = resolve(contract, settings, standard, self.file, self.name, elsewhere)
        return table.scenario(self.step)


class Catalogue:
    """Scenarios by id. Raises :class:`ConfigurationError` for a broken file and a second id."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._read: dict[Path, list[Entry]] = {}
        self.entries: dict[str, Entry] = {}
        self.default = self._add(contract.table(), shipped=True)

    def add_shipped(self) -> None:
        """Add the other shipped tables: a run that names nothing needs to read one alone."""
        for name in self._contract.tables():
            if name != TABLE:
                self._add(self._contract.table(name))

    def add_path(self, path: Path, source: str) -> list[Entry]:
        """The scenarios of a file, or of every YAML file of a folder."""
        files = [path]
        if path.is_dir():
            files = sorted(f for f in path.iterdir() if f.suffix in SUFFIXES)
            if not files:
                raise ConfigurationError(f"{source}: there is no YAML file in {path}")
        return [entry for file in files for entry in self._add_file(file, source)]

    def add_table(self, table: Mapping[str, Any], source: str) -> list[Entry]:
        """The scenarios of a table that is made in Python."""
        import yaml  # noqa: PLC0415 - idle cost

        try:
            text = yaml.safe_dump(dict(table), sort_keys=False)
        except yaml.YAMLError as error:
            problem = f"a value that YAML does not know: {error.args[-1]!r}"
            raise ConfigurationError(f"{source}: the table has {problem}") from None
        return self._add(self._contract.read_table(source, text))

    def choose(self, patterns: Iterable[str]) -> list[Entry]:
        """The scenarios of some ids or globs, in the order in which they were added."""
        wanted = list(patterns)
        for pattern in wanted:
            if not any(fnmatchcase(known, pattern) for known in self.entries):
                raise ConfigurationError(
                    f"--edfi-select: no scenario is called {pattern!r}"
                    f"{nearest(pattern, self.entries)}. Known are: {', '.join(self.entries)}"
                )
        return [e for e in self.entries.values() if any(fnmatchcase(e.id, p) for p in wanted)]

    def _add_file(self, path: Path, source: str) -> list[Entry]:
        place = path.resolve()
        if place not in self._read:
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{source}: {path} cannot be read: {error}") from None
            self._read[place] = self._add(self._contract.read_table(str(path), text))
        return self._read[place]

    def _add(self, file: TableFile, *, shipped: bool = False) -> list[Entry]:
        same = self._known(file)
        if same:
            return same
        if not shipped:  # the default table is checked by the kit's own tests, not in every run
            check_sense(self._contract, file)
        scenarios = file.content["scenarios"]
        found = []
        for name, scenario_id in scenario_ids(file.content).items():
            known = self.entries.get(scenario_id)
            if known is not None:
                said = f"in {known.file.file} and in {file.file}; give one of the tables another id"
                if self._contract.ships(known.file):
                    said += f", or choose the shipped one with --edfi-select={scenario_id}"
                raise ConfigurationError(f"two scenarios have the id {scenario_id}: {said}")
            entry = Entry(scenario_id, name, scenarios[name]["step"], file, shipped)
            self.entries[scenario_id] = entry
            found.append(entry)
        return found

    def _known(self, file: TableFile) -> list[Entry]:
        """The scenarios of the shipped table that a file is, value for value."""
        return [
            entry
            for entry in self.entries.values()
            if self._contract.ships(entry.file) and entry.file.content == file.content
        ]


def choose(contract: Contract, settings: Settings, folder: Path, hook: Any = None) -> list[Entry]:
    """The scenarios that a run is about; ``hook``: pytest's, with ``config`` bound.

    With ``--edfi-select`` those it names, of everything there is. Else those of
    ``--edfi-scenarios``, or the CTE table without it; and what hooks add. Raises
    :class:`ConfigurationError`.
    """
    try:
        return _choose(contract, settings, folder, hook)
    except ContractError as error:
        raise ConfigurationError(str(error)) from None


def _choose(contract: Contract, settings: Settings, folder: Path, hook: Any) -> list[Entry]:
    catalogue = Catalogue(contract)
    given: list[Entry] = []
    if settings.select or settings.scenarios:
        catalogue.add_shipped()
    for path in settings.scenarios:
        source = settings.sources.get(f"scenarios {path}", "--edfi-scenarios")
        given += catalogue.add_path(folder / Path(path).expanduser(), source)
    hooked = list(_hooked(catalogue, folder, hook)) if hook else []
    if settings.select:
        add_installed(catalogue)
        found = catalogue.choose(settings.select)
    else:
        found = [*(given or catalogue.default), *hooked]
    found = list({entry.id: entry for entry in found}.values())
    if hook:
        hook.pytest_edfi_modify_scenarios(scenarios=found)
    return found


def _hooked(catalogue: Catalogue, folder: Path, hook: Any) -> Iterator[Entry]:
    for each in hook.pytest_edfi_scenarios():
        if isinstance(each, Mapping):
            yield from catalogue.add_table(each, "pytest_edfi_scenarios")
        else:
            yield from catalogue.add_path(folder / each, "pytest_edfi_scenarios")


def add_installed(catalogue: Catalogue) -> None:
    """Add what installed packages offer: an entry point gives a path, or a callable for one."""
    for point in entry_points(group=GROUP):
        offered = point.load()
        offered = offered() if callable(offered) else offered
        for path in [offered] if isinstance(offered, (str, Path)) else offered:
            catalogue.add_path(Path(path), f"{GROUP} {point.name}")


class Chosen:
    """The scenarios that a run is about; every one can be resolved before anything is sent."""

    def __init__(self, contract: Contract, settings: Settings, entries: Iterable[Entry]) -> None:
        self._contract = contract
        self._settings = settings
        self._resolved: dict[tuple[str, str], Scenario] = {}
        self.entries = {entry.id: entry for entry in entries}
        #: Every name that ``--edfi-set`` may use in one of the tables.
        self.names = frozenset(n for e in self.entries.values() for n in names_in(e.file.content))
        newest = [(i, e.standards(contract)[-1]) for i, e in self.entries.items()]
        tables = [self.scenario(name, standard).table for name, standard in newest]
        #: Every descriptor value that the rows send.
        self.descriptors = {uri for table in tables for uri in table.descriptors}

    def scenario(self, scenario_id: str, standard: str) -> Scenario:
        """A scenario for one data standard.

        :class:`ConfigurationError` where it is for another, or a file of the contract is broken.
        """
        place = (scenario_id, standard)
        if place not in self._resolved:
            entry = self.entries[scenario_id]
            try:
                found = entry.scenario(self._contract, self._settings, standard, self.names)
            except ContractError as error:
                raise ConfigurationError(str(error)) from None
            self._resolved[place] = found
        return self._resolved[place]

    @property
    def editions(self) -> dict[str, str]:
        """Id of each table -> its edition."""
        contents = [entry.file.content for entry in self.entries.values()]
        return {content["id"]: content["edition"] for content in contents}

    def said(self, fact: str) -> str:
        """What the tables say of themselves, each once."""
        said = dict.fromkeys(entry.file.content[fact] for entry in self.entries.values())
        return ", ".join(said)
