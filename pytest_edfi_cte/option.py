"""One setting, and what it is called in each place that can give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """One setting: ``name`` gives ``--edfi-name``, ``EDFI_NAME`` and the ini key ``edfi_name``."""

    name: str
    help: str
    parse: Callable[[str], Any]
    default: Any = None
    metavar: str | None = None
    kind: str = "value"  # or "flag", "list", "path"
    #: Refused on a command line in drive mode, where it would say nothing.
    observe_only: bool = False

    @property
    def flag(self) -> str:
        """The command-line option."""
        return "--edfi-" + self.name.replace("_", "-")

    @property
    def short_flag(self) -> str:
        """The option of an ``edfi-cte`` command."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"EDFI_{self.name.upper()}"

    @property
    def ini(self) -> str:
        """The key in the pytest configuration."""
        return f"edfi_{self.name}"
