"""What a person at a terminal is told and asked during a rehearsal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.rehearsal.handout import COLUMNS
from pytest_edfi_cte.rehearsal.script import ASSOCIATIONS
from pytest_edfi_cte.rehearsal.words import NARROW, WIDE
from pytest_edfi_cte.reporting.model import visible
from pytest_edfi_cte.terminal import instructions

if TYPE_CHECKING:
    from pytest_edfi_cte.rehearsal.stage import Rehearsal
    from pytest_edfi_cte.rehearsal.task import Task

NOTHING_YET = (
    "Nothing arrived yet. Enter to wait on, s to skip this step, "
    "q to end and judge what was played: "
)


class Skipped(Exception):
    """The person goes on without this step."""


class Ended(Exception):
    """The person ends the rehearsal here."""


class Screen:
    """Writes to the terminal, safely and in its width."""

    def __init__(self) -> None:
        self.width = min(max(shutil.get_terminal_size((WIDE, 24)).columns, NARROW), WIDE)

    def lines(self, lines: list[str]) -> None:
        """Lines as they are."""
        sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))
        sys.stdout.flush()

    def text(self, text: str, indent: str = "") -> None:
        """A text in lines of the terminal's width."""
        self.lines(wrapped(text, self.width, indent))


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """A text in lines; what is long and without spaces stays whole."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def to_do(rehearsal: Rehearsal, task: Task, width: int) -> list[str]:
    """What a person must now do, in the words of the table."""
    lines = wrapped(task.instructions, width)
    if task.step == "create":
        row = task.rows[0]
        lines += ["", "  The student and the enrollment:"]
        lines += [
            f"    {name:<18}{row[name]}"
            for name, (resource, _) in COLUMNS.items()
            if resource != ASSOCIATIONS and name in row
        ]
    if task.step in ("create", "update"):
        lines += instructions(rehearsal.table.scenario(task.step), task.url, width)
    else:
        lines += ["", f"  {len(task.rows)} students:", f"    {task.csv}", f"    {task.json}"]
    return [*lines, ""]


def check_somebody_is_there(*, secrets_are_shown: bool) -> None:
    """Raises :class:`ConfigurationError` where no person is at a terminal, before anything is said.

    ``secrets_are_shown``: then the screen must be one, too, and no log.
    """
    if sys.stdin is None or not sys.stdin.isatty():  # None: it was closed
        raise ConfigurationError(
            "nobody is there to press Enter (no terminal): give a command that makes the product "
            "act, --act CMD"
        )
    if secrets_are_shown and not sys.stdout.isatty():
        raise ConfigurationError(
            "the client secret would be written where no terminal is: let the product read it from "
            "a file, --env-file FILE"
        )


def wait_until_sent(rehearsal: Rehearsal, first: int) -> None:
    """Wait for Enter, and again while nothing has arrived; ``first``: the first request's number.

    Raises :class:`Skipped` and :class:`Ended` where the person wants that.
    """
    _asked("Press Enter when done. ")
    # Enter was pressed too early, or nothing was sent: a step is played once only.
    while not rehearsal.sandbox.received(first):
        word = _asked(NOTHING_YET)
        if word == "s":
            raise Skipped
        if word == "q":
            raise Ended


def _asked(question: str) -> str:
    """What the person types, in lower case."""
    sys.stdout.write(f"  {question}")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:  # Ctrl-D
        raise Ended
    return line.strip().lower()
