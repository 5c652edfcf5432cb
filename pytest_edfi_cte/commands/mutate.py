"""Would these tests notice? Run them against an API that is wrong in one named way at a time.

By default the tests are the CTE table's scenarios and the contract pack. Every argument that is not
listed below goes to pytest: `edfi-cte mutate tests/` takes your own tests. They run against the
sandbox, once as it is and then once for each named defect and conforming variant. With --select,
--scenarios, -k or -m the contract pack takes part only if --edfi-contract is given. --by-table
attacks one table after the other (all shipped ones, or those of --select and --scenarios), also
with defects made from its rows.

A defect is caught when a test turns red, and missed when it altered answers and no test did. A
variant is right: a red test blames it wrongly. Exit code 0: all caught, none blamed; 1: not so; 4:
the tests are not green to begin with, or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_edfi_cte import catalogue, sandboxes
from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.mutation import by_table, views
from pytest_edfi_cte.mutation.attack import attack
from pytest_edfi_cte.mutation.model import CONTRACT, Subject
from pytest_edfi_cte.mutation.runs import Order
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.table_files import standards_of

if TYPE_CHECKING:
    from pytest_edfi_cte.catalogue import Entry
    from pytest_edfi_cte.mutation.model import Matrix

#: What the parser does not know goes to pytest.
PASSES_ON = True
VIEWS = {"text": views.as_text, "markdown": views.as_markdown, "json": views.as_json}
MANY_JOBS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments; the rest is pytest's."""
    parser.usage = "edfi-cte mutate [options] [PYTEST-ARGUMENTS]"
    parser.add_argument(
        "--select",
        "--edfi-select",
        action="append",
        default=[],
        metavar="ID-OR-GLOB",
        help="run these scenarios alone, of any table; repeatable",
    )
    parser.add_argument(
        "--scenarios",
        "--edfi-scenarios",
        action="append",
        default=[],
        metavar="PATH",
        help="run the scenarios of a file or folder; repeatable",
    )
    parser.add_argument(
        "--by-table", action="store_true", help="attack each table alone; a line for each"
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
        help="attack with the defects of this group alone; repeatable",
    )
    parser.add_argument(
        "--resource",
        default="",
        metavar="GLOB",
        help="collections to attack (default: the student program associations, or the one that "
        "the chosen tables are about)",
    )
    parser.add_argument(
        "--data-standard",
        choices=STANDARDS,
        help="that of the sandbox (default: the newest that the chosen tables are for)",
    )
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
    if arguments.by_table:
        tables = _by_table(arguments, subjects)
        sys.stdout.write(by_table.VIEWS[arguments.format](tables))
        return 0 if all(table.matrix.good for table in tables) else 1
    entries = _entries(arguments) if arguments.select or arguments.scenarios else []
    matrix = _attacked(arguments, subjects, entries)
    sys.stdout.write(VIEWS[arguments.format](matrix))
    return 0 if matrix.good else 1


def _by_table(
    arguments: argparse.Namespace, subjects: Sequence[Subject]
) -> list[by_table.OfOneTable]:
    """Each table's own matrix, in the order of the tables."""
    if not (arguments.select or arguments.scenarios):
        arguments.select = ["*"]
    tables: dict[str, list[Entry]] = {}
    for entry in _entries(arguments):
        tables.setdefault(entry.file.content["id"], []).append(entry)
    own = {
        name: [each for each in by_table.row_subjects(entries) if _fits(arguments, each)]
        for name, entries in tables.items()
    }
    if not subjects and not any(own.values()):
        raise ConfigurationError(f"--defect: no table has {', '.join(arguments.defect)}")
    found = []
    for name, entries in tables.items():
        matrix = _attacked(arguments, [*subjects, *own[name]], entries)
        content = entries[0].file.content
        found.append(by_table.OfOneTable(name, content["resource"], len(entries), matrix))
    return found


def _attacked(
    arguments: argparse.Namespace, subjects: Sequence[Subject], entries: Sequence[Entry]
) -> Matrix:
    """The matrix for some scenarios; without any for what pytest's arguments say."""
    named = bool(arguments.defect or arguments.group)
    wanted = tuple(entry.id for entry in entries)
    order = Order(
        (*arguments.rest, *_as_options(arguments, wanted)),
        wanted,
        (arguments.resource or _target(entries)).lower(),
        arguments.data_standard or _standard(entries),
    )

    def choose(columns: Sequence[str]) -> list[Subject]:
        # What only the contract pack judges is no reproach to tests that never claimed to.
        judged = named or CONTRACT in columns
        return [each for each in subjects if judged or each.group != CONTRACT]

    return attack(order, choose, arguments.jobs, _progress)


def _entries(arguments: argparse.Namespace) -> list[Entry]:
    """The scenarios of ``--select`` and ``--scenarios``; raises :class:`ConfigurationError`."""
    settings = Settings(select=tuple(arguments.select), scenarios=tuple(arguments.scenarios))
    return catalogue.choose(shipped(), settings, Path.cwd())


def _as_options(arguments: argparse.Namespace, wanted: Sequence[str]) -> list[str]:
    files = [f"--edfi-scenarios={path}" for path in arguments.scenarios]
    return [*files, *(f"--edfi-select={name}" for name in wanted)]


def _target(entries: Sequence[Entry]) -> str:
    """The collection to attack, "" for the student program associations."""
    resources = {entry.file.content["resource"] for entry in entries}
    if all(fnmatchcase(name.lower(), sandboxes.defects_target()) for name in resources):
        return ""
    if len(resources) > 1:
        raise ConfigurationError(
            f"the chosen tables are about {', '.join(sorted(resources))}: say with --resource "
            "which collections to attack (a glob in lower case), or attack each with --by-table"
        )
    return str(resources.pop())


def _standard(entries: Sequence[Entry]) -> str:
    """The newest data standard that every chosen table is for."""
    contents = [entry.file.content for entry in entries]
    for standard in reversed(STANDARDS):
        if all(standard in standards_of(shipped(), content) for content in contents):
            return standard
    raise ConfigurationError(
        "no data standard has all of the chosen tables; attack each with --by-table"
    )


def _chosen(arguments: argparse.Namespace) -> list[Subject]:
    defects, variants = sandboxes.defects()
    known = [
        Subject(each.name, each.group, each.summary, each.level, is_variant)
        for registry, is_variant in ((defects, False), (variants, True))
        for each in registry.values()
    ]
    groups = {each.group for each in known} | ({by_table.ROWS} if arguments.by_table else set())
    for group in arguments.group:
        if group not in groups:
            raise ConfigurationError(
                f"--group: there is no group {group!r}; the groups are {', '.join(sorted(groups))}"
            )
    named = [p for p in arguments.defect if not (arguments.by_table and p.startswith("row-"))]
    for pattern in named:
        if not any(fnmatchcase(each.name, pattern) for each in known):
            close = difflib.get_close_matches(pattern, [each.name for each in known])
            hint = f"; near: {', '.join(close)}" if close else ""
            raise ConfigurationError(
                f"--defect: no defect or variant is called {pattern!r}{hint}. "
                "edfi-cte mutate --list shows all"
            )
    return [each for each in known if _fits(arguments, each)]


def _fits(arguments: argparse.Namespace, subject: Subject) -> bool:
    """True where ``--defect`` and ``--group`` choose it, or nothing is chosen."""
    if not (arguments.defect or arguments.group):
        return True
    named = any(fnmatchcase(subject.name, pattern) for pattern in arguments.defect)
    return named or subject.group in arguments.group


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MANY_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MANY_JOBS}")
    return int(text)


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{of} " + ("\n" if done == of else ""))
        sys.stderr.flush()
