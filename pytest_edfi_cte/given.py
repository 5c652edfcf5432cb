"""What a person gave, to pytest or to an ``edfi-cte`` command: options, perhaps an ini file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_edfi_cte.options import Option

if TYPE_CHECKING:
    import argparse

    import pytest


class Given(Protocol):
    """What a person gave: options, perhaps an ini file, and what paths are relative to."""

    @property
    def folder(self) -> Path:
        """Where the command was started; paths in options are relative to it."""

    @property
    def ini_folder(self) -> Path:
        """Where the ini file is; paths in it are relative to it."""

    def option(self, option: Option) -> Any:
        """The option's value as given, None without."""

    def flag(self, option: Option) -> str:
        """How the option is written there."""

    def ini(self, option: Option) -> Any:
        """The ini key's value, None without."""


class GivenToPytest:
    """A pytest run's options and ini file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.folder = Path(config.invocation_params.dir)

    @property
    def ini_folder(self) -> Path:
        """The folder of pytest's ini file."""
        inipath = self._config.inipath
        return inipath.parent if inipath else self._config.rootpath

    def option(self, option: Option) -> Any:
        """The value of ``--edfi-…``."""
        return self._config.getoption(option.flag)

    def flag(self, option: Option) -> str:
        """``--edfi-…``."""
        return option.flag

    def ini(self, option: Option) -> Any:
        """The value of ``edfi_…``."""
        return self._config.getini(option.ini)


class GivenToCommand:
    """The arguments of an ``edfi-cte`` command; see :func:`flags.add_arguments`. No ini file."""

    def __init__(self, arguments: argparse.Namespace, folder: Path | None = None) -> None:
        self._arguments = arguments
        self.folder = self.ini_folder = folder or Path.cwd()

    def option(self, option: Option) -> Any:
        """The value of the short or the long option."""
        return getattr(self._arguments, option.ini, None)

    def flag(self, option: Option) -> str:
        """The short one: ``--url``."""
        return option.short_flag

    def ini(self, option: Option) -> Any:  # noqa: ARG002 - a command has none
        """Ini keys are pytest's alone."""
        return None
