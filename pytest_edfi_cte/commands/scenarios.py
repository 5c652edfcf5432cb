"""Tables of scenarios: list them, begin one, check it, print it as the certification's page does.

  edfi-cte scenarios list
  edfi-cte scenarios new graduationPlans -o graduation-plans.yaml
  edfi-cte scenarios check graduation-plans.yaml
  edfi-cte scenarios table graduation-plans.yaml

Exit code: 0 all is well, 1 check found what the table would not notice, or
more to look at, 4 a file that cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from pytest_edfi_cte.authoring import screens
from pytest_edfi_cte.authoring.coverage import coverage
from pytest_edfi_cte.authoring.draft import draft
from pytest_edfi_cte.authoring.missing import attacked
from pytest_edfi_cte.authoring.page import page_of
from pytest_edfi_cte.authoring.reading import read_all, read_file, refuse_known_ids
from pytest_edfi_cte.authoring.sending import not_loaded, sent
from pytest_edfi_cte.authoring.yaml_file import as_yaml
from pytest_edfi_cte.cli import ExitCode
from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.notations import current_school_year, school_year
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.values import count, namespace, seed

#: The data standard of a first file, where none is named: the newest.
NEWEST = STANDARDS[-1]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A subcommand for each question."""
    kinds = parser.add_subparsers(dest="question", metavar="QUESTION", required=True)

    asked = kinds.add_parser("list", help="the tables with their scenarios, checks and coverage")
    asked.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files or folders (default: all that the kit and installed packages have)",
    )
    asked.add_argument(
        "--missing", action="store_true", help="name the properties that a table does not exercise"
    )
    asked.add_argument("--format", choices=("text", "json"), default="text")

    asked = kinds.add_parser("new", help="a commented, valid file for a resource, from its schema")
    asked.add_argument("resource", metavar="RESOURCE", help="a collection, such as calendars")
    asked.add_argument("--data-standard", choices=STANDARDS, default=NEWEST)
    asked.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it here (default: print it)"
    )
    asked.add_argument("--force", action="store_true", help="replace a file that exists")

    asked = kinds.add_parser(
        "check", help="is a file valid, what would it send, what would it not notice?"
    )
    asked.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="YAML files")
    asked.add_argument(
        "--no-mutate", action="store_true", help="do not ask which defects it would miss"
    )
    asked.add_argument(
        "--defect",
        action="append",
        default=[],
        metavar="NAME-OR-GLOB",
        help="ask only for these defects of the sandbox; repeatable",
    )
    asked.add_argument(
        "--school-year",
        type=_typed(school_year),
        metavar="YYYY",
        help="the school year of its dates, by the year it ends in (default: the current one)",
    )
    asked.add_argument(
        "--seed", type=_typed(seed), default=0, metavar="N", help="seed of invented values"
    )
    asked.add_argument(
        "--namespace",
        type=_typed(namespace),
        default="uri://ed-fi.org",
        metavar="URI",
        help="namespace of descriptors that are given as code values",
    )
    asked.add_argument(
        "--jobs",
        type=_typed(count),
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: one per core)",
    )

    asked = kinds.add_parser("table", help="print a file as the certification's page would")
    asked.add_argument("path", type=Path, metavar="FILE", help="a YAML file")
    asked.add_argument("--format", choices=("text", "markdown"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Answer and print; the exit code. Raises :class:`ConfigurationError`."""
    answers = {"list": _list, "new": _new, "check": _check, "table": _table}
    return answers[arguments.question](arguments)


def _typed(parse: Any) -> Any:
    """A parser of the options' as argparse takes it: with its own words for a mistake."""

    def typed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _list(arguments: argparse.Namespace) -> int:
    contract = shipped()
    found = [coverage(contract, table) for table in read_all(contract, arguments.paths)]
    if arguments.format == "json":
        documents = [each.document() for each in found]
        sys.stdout.write(json.dumps(documents, indent=2, ensure_ascii=False) + "\n")
        return ExitCode.OK
    for line in screens.covered(found, missing=arguments.missing):
        screens.console().print(line)
    return ExitCode.OK


def _new(arguments: argparse.Namespace) -> int:
    found = draft(shipped(), arguments.data_standard, arguments.resource)
    text = as_yaml(found)
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        _write(arguments.output, text, force=arguments.force)
        sys.stdout.write(
            f"{arguments.output}: {len(found.lines)} rows. Now make it say what the certification "
            f"page says, then: edfi-cte scenarios check {arguments.output}\n"
        )
    for note in found.notes:
        sys.stderr.write(f"note: {note}\n")
    return ExitCode.OK


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} exists already and was left alone; name another file, or give --force"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}") from None


def _check(arguments: argparse.Namespace) -> int:
    contract = shipped()
    tables = [read_file(contract, path) for path in arguments.paths]
    refuse_known_ids(contract, tables)
    settings = Settings(
        school_year=arguments.school_year or current_school_year(None),
        seed=arguments.seed,
        namespace=arguments.namespace,
    )
    code = ExitCode.OK
    shown = screens.console()
    for table in tables:
        year = f"{settings.school_year - 1}-{settings.school_year}"
        requests = sent(contract, settings, table)
        shown.print(f"{table.file} is valid. In school year {year} it would send:")
        unknown = not_loaded(contract, table)
        for line in (*screens.would_send(requests), *screens.not_loaded(unknown)):
            shown.print(line)
        good = not unknown and all(each.good for each in requests)
        if not (arguments.no_mutate or unknown):
            found = attacked(contract, table, max(1, arguments.jobs), arguments.defect, _progress)
            for line in screens.would_miss(found):
                shown.print(line)
            good = good and found.good
        code = code if good else ExitCode.FINDINGS
    return code


def _table(arguments: argparse.Namespace) -> int:
    found = page_of(read_file(shipped(), arguments.path))
    if arguments.format == "markdown":
        sys.stdout.write(found.markdown())
        return ExitCode.OK
    shown = screens.console(drawn=True)
    for line in screens.page(found, shown.width):
        shown.print(line)
    for text in found.below:
        shown.print(f"- {text}")
    return ExitCode.OK


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{of} " + ("\n" if done == of else ""))
        sys.stderr.flush()
