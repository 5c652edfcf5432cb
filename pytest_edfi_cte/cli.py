"""The ``edfi-cte`` command: a table of subcommands, each a module of :mod:`commands`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from enum import IntEnum
from importlib import import_module
from typing import Any, NoReturn

from pytest_edfi_cte import __version__
from pytest_edfi_cte.errors import ConfigurationError

#: Subcommand -> what it does, in one line; the module of the same name does it.
COMMANDS: dict[str, str] = {
    "doctor": "find what stands between this set-up and a run, and who can fix it",
    "mutate": "would these tests notice an API that is wrong?",
    "sandbox": "run an Ed-Fi API on this machine",
    "scenarios": "tables of scenarios: list, begin, check, print",
    "report": "render, merge or compare results of runs",
    "rehearse": "let your product talk to a sandbox, and judge how it behaved",
}


class ExitCode(IntEnum):
    """What the exit code of a subcommand means; the same numbers as pytest's."""

    OK = 0
    FINDINGS = 1
    INTERRUPTED = 2
    CONFIGURATION = 4


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes end with our exit code for them; its subcommands' are the same."""

    def error(self, message: str) -> NoReturn:
        """Say the usage and what is wrong."""
        self.print_usage(sys.stderr)
        self.exit(ExitCode.CONFIGURATION, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit code.

    ``arguments``: without the program's name, by default the process's own.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A log of Windows or of an old locale may have no "→": no reason to lose a result.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Only the chosen module is imported: `edfi-cte sandbox` is ready before a report is loaded.
    chosen = next((word for word in given if not word.startswith("-")), None)
    parser = Parser(
        prog="edfi-cte",
        description="The conformance kit for Ed-Fi career and technical education data.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    modules: dict[str, Any] = {}
    chosen_parser: argparse.ArgumentParser = parser
    for name, summary in COMMANDS.items():
        if name != chosen:
            subparsers.add_parser(name, help=summary)
            continue
        modules[name] = import_module(f"pytest_edfi_cte.commands.{name}")
        chosen_parser = subparsers.add_parser(
            name,
            help=summary,
            description=modules[name].__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,  # what follows may be another program's option
        )
        modules[name].add_arguments(chosen_parser)
    parsed, rest = parser.parse_known_args(given)
    if rest and not getattr(modules[parsed.command], "PASSES_ON", False):
        chosen_parser.error(f"unrecognized arguments: {' '.join(rest)}")
    parsed.rest = rest
    try:
        return int(modules[parsed.command].run(parsed))
    except ConfigurationError as error:
        sys.stderr.write(f"edfi-cte {parsed.command}: {error}\n")
        return ExitCode.CONFIGURATION
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
