"""What observe mode needs before anything is sent: commands that exist, a state file that fits."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.settings import Settings

if TYPE_CHECKING:
    from pytest_edfi_cte.observed import Before
    from pytest_edfi_cte.product import Command
    from pytest_edfi_cte.state import StateFile


@dataclass
class Preparation:
    """``seen``: records as the scenarios of this run saw them last, by their natural key."""

    commands: dict[str, Command] = field(default_factory=dict)
    state_file: StateFile | None = None
    seen: dict[str, Before] = field(default_factory=dict)


def prepare(settings: Settings, contract: Contract, tables: Mapping[str, str]) -> Preparation:
    """Check and prepare; raises :class:`ConfigurationError`. Empty in drive mode.

    ``tables``: id of each table of the run -> its edition.
    """
    if not settings.observing:
        return Preparation()
    if settings.embedded:
        raise ConfigurationError(
            "--edfi-mode=observe judges what your product sent to an API; the embedded sandbox "
            "starts and ends with this run. Give --edfi-url the address of one that your product "
            "sends to; `edfi-cte sandbox` starts one beside it"
        )
    from pytest_edfi_cte.product import commands  # noqa: PLC0415 - drive mode needs none
    from pytest_edfi_cte.state import StateFile  # noqa: PLC0415 - as above

    here = Path.cwd()
    for step, words in settings.acts.items():
        if shutil.which(words[0]) is None:
            source = settings.sources.get(f"act {step}", "--edfi-act")
            raise ConfigurationError(
                f"{source}: {step}: there is no command {words[0]!r} here ({here}); give a program "
                "on the PATH, or a path to an executable file"
            )
    prepared = Preparation(commands(settings.acts, here, settings.act_timeout, settings.url or ""))
    if settings.state:
        path = here / Path(settings.state).expanduser()
        prepared.state_file = StateFile(
            path, contract, settings.url or "", settings.school_year, tables
        )
        prepared.state_file.check(needed=settings.phase == "update")
    return prepared
