"""Tables of scenarios as files: those named, or all that the kit and installed packages have."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_edfi_cte.catalogue import SUFFIXES, Catalogue, add_installed
from pytest_edfi_cte.contract import Contract, TableFile
from pytest_edfi_cte.contract_text import ContractError
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.table_files import problems


def read_file(contract: Contract, path: Path) -> TableFile:
    """One file that makes sense; :class:`ConfigurationError` with everything that does not."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    try:
        table = contract.read_table(str(path), text)
    except ContractError as error:
        raise ConfigurationError(_said([error])) from None
    found = list(problems(contract, table))
    if found:
        raise ConfigurationError(_said(found))
    return table


def refuse_known_ids(contract: Contract, tables: Iterable[TableFile]) -> None:
    """:class:`ConfigurationError` where two tables, or one and the kit's, have the same ids.

    A file that is one of the kit's tables, value for value, is that table.
    """
    catalogue = Catalogue(contract)
    catalogue.add_shipped()
    for table in tables:
        catalogue.add_path(Path(table.file), "scenarios check")


def read_all(contract: Contract, paths: Iterable[Path]) -> list[TableFile]:
    """The tables of files and folders; without any path all that can be chosen."""
    given = list(paths)
    if given:
        return [read_file(contract, file) for path in given for file in _files(path)]
    try:
        catalogue = Catalogue(contract)
        catalogue.add_shipped()
        add_installed(catalogue)
    except ContractError as error:
        raise ConfigurationError(_said([error])) from None
    return list({entry.file.file: entry.file for entry in catalogue.entries.values()}.values())


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
    if not files:
        raise ConfigurationError(f"there is no YAML file in {path}")
    return files


def _said(errors: list[ContractError]) -> str:
    return "\n  ".join(str(error).removeprefix("contract file ") for error in errors)
