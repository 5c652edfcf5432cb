"""The scenarios of a run for programs other than pytest, such as a load generator.

One :class:`Load` in a process has the settings (from the environment, as ``EDFI_…``), the API, the
token and the journal; each of its users is a :class:`~pytest_edfi_cte.rounds.Rounds` with a
session, and so a connection, of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pytest_edfi_cte import cohort
from pytest_edfi_cte.client.exchange import Exchange, Recorder
from pytest_edfi_cte.client.session import EdFiSession
from pytest_edfi_cte.cohort import Cohort
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.given import GivenToCommand
from pytest_edfi_cte.notations import MOST_STUDENTS
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.records import Records
from pytest_edfi_cte.rounds import Rounds
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario
from pytest_edfi_cte.settings import Settings, resolve


class Telling(Recorder):
    """A recorder that tells each exchange, as it is kept: without secrets."""

    def __init__(self, run: Run, tell: Callable[[Exchange], None]) -> None:
        super().__init__(run.redactor)
        self._tell = tell

    def add(self, exchange: Exchange) -> None:
        """Keep the exchange and tell it."""
        super().add(exchange)
        self._tell(self.last)


class Load:
    """The API and the scenarios, connected once in a process.

    ``folder`` keeps the journal of what was made, so that the next process deletes what a killed
    one left. Raises :class:`ConfigurationError`.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        if settings.url is None:
            raise ConfigurationError("no address: set EDFI_URL, EDFI_CLIENT_ID, EDFI_CLIENT_SECRET")
        if settings.observing:
            raise ConfigurationError("EDFI_MODE=observe: nothing is repeated where others send")
        self.settings = settings
        self._run = Run(settings)
        folder.mkdir(parents=True, exist_ok=True)
        self._run.open_journal(folder)
        self.api = self._run.api
        self.scenarios: list[Scenario] = [self._run.scenario(n) for n in self._run.chosen.entries]
        cohort.check(self.scenarios)
        self._run.clean_up_after_killed_runs()

    @property
    def students(self) -> tuple[int, int]:
        """The first and the last student of ``EDFI_REPEAT``, all there can be without it."""
        return self.settings.repeat or (1, MOST_STUDENTS)

    def rounds(self, seed: int, tell: Callable[[Exchange], None]) -> Rounds:
        """A user: takes students of a seed through the scenarios, and tells each exchange."""
        run = self._run
        session = EdFiSession(run.api, run.session.transport, Telling(run, tell), run.tokens)
        records = Records(session, run.contract, run.journal, run.note)
        shared = Prerequisites(records, run.seen)
        return Rounds(run, shared, self.scenarios, Cohort(seed, *self.students))

    def close(self) -> list[str]:
        """Delete what is left, disconnect; what could not be deleted."""
        self._run.clean_up()
        self._run.close()
        return self._run.left_behind


def from_environment() -> Settings:
    """The settings that ``EDFI_…`` give, as for pytest; raises :class:`ConfigurationError`."""
    return resolve(GivenToCommand(argparse.Namespace()))
