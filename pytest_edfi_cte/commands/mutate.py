"""Would these tests notice? Run them against an API that is wrong in one named way at a time.

The tests are all that are shipped, the scenarios and the contract pack, or your own: every
argument that is not listed below goes to pytest (`edfi-cte mutate tests/`, `edfi-cte mutate
-k create`). They run against the sandbox, once as it is and then once for each of its named defects
and conforming variants. With --scenarios, -k or -m the contract pack takes part where
--edfi-contract is given.

A defect is caught when a test turns red, missed when it altered answers and none did. A variant is
right, so a red test blames it wrongly. Exit code 0: all caught, none blamed; 1: not so; 4: the
tests are not green to begin with, or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_edfi_cte import sandboxes
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.mutation import views
from pytest_edfi_cte.mutation.attack import attack
from pytest_edfi_cte.mutation.model import CONTRACT, Subject
from pytest_edfi_cte.mutation.runs import Order

if TYPE_CHECKING:
    from pytest_edfi_cte.mutation.model import Matrix

#: What the parser does not know goes to pytest.
PASSES_ON = True
VIEWS = {"text": views.as_text, "markdown": views.as_markdown, "json": views.as_json}
MANY_JOBS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments; the rest is pytest's."""
    parser.usage = "edfi-cte mutate [options] [PYTEST-ARGUMENTS]"
    parser.add_argument(
        "--scenarios",
        action="append",
        default=[],
        metavar="ID-OR-GLOB",
        help="run these scenarios alone; repeatable",
    )
    parser.add_argument(
        "--defect",
        action="append",
        default=[],
        metavar="NAME-OR-GLOB",
        help="attack with these defects or variants alone; repeatable",
    )
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="GROUP",
        help="the same by group; repeatable",
    )
    parser.add_argument(
        "--resource",
        default="",
        metavar="GLOB",
        help="collections to attack (default: the student program associations)",
    )
    parser.add_argument("--data-standard", choices=("4.0", "5.0"), default="5.0")
    parser.add_argument(
        "--list", action="store_true", help="show the defects and variants, run none"
    )
    parser.add_argument(
        "--jobs",
        type=_jobs,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: one per core)",
    )
    parser.add_argument("--format", choices=sorted(VIEWS), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Attack and print; the exit code."""
    subjects = _chosen(arguments)
    if arguments.list:
        sys.stdout.write(views.listed(subjects, arguments.format))
        return 0
    named = bool(arguments.defect or arguments.group)
    wanted = tuple(arguments.scenarios)
    order = Order(
        tuple(arguments.rest), wanted, arguments.resource.lower(), arguments.data_standard
    )

    def choose(columns: Sequence[str]) -> list[Subject]:
        # What only the contract pack judges is no reproach to tests that never claimed to.
        judged = named or CONTRACT in columns
        return [each for each in subjects if judged or each.group != CONTRACT]

    matrix: Matrix = attack(order, choose, arguments.jobs, _progress)
    sys.stdout.write(VIEWS[arguments.format](matrix))
    return 0 if matrix.good else 1


def _chosen(arguments: argparse.Namespace) -> list[Subject]:
    defects, variants = sandboxes.defects()
    known = [
        Subject(each.name, each.group, each.summary, each.level, is_variant)
        for registry, is_variant in ((defects, False), (variants, True))
        for each in registry.values()
    ]
    groups = {each.group for each in known}
    for group in arguments.group:
        if group not in groups:
            raise ConfigurationError(
                f"--group: there is no group {group!r}; the groups are {', '.join(sorted(groups))}"
            )
    for pattern in arguments.defect:
        if not any(fnmatchcase(each.name, pattern) for each in known):
            close = difflib.get_close_matches(pattern, [each.name for each in known])
            hint = f"; near: {', '.join(close)}" if close else ""
            raise ConfigurationError(
                f"--defect: no defect or variant is called {pattern!r}{hint}. "
                "edfi-cte mutate --list shows all"
            )
    if not (arguments.defect or arguments.group):
        return known
    return [
        each
        for each in known
        if each.group in arguments.group
        or any(fnmatchcase(each.name, pattern) for pattern in arguments.defect)
    ]


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MANY_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MANY_JOBS}")
    return int(text)


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{of} " + ("\n" if done == of else ""))
        sys.stderr.flush()
