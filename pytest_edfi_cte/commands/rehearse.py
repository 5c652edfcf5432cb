"""Let your product talk to a sandbox, and judge how it behaved: steps 5 to 9 of the certification.

A sandbox is started. You or a command make your product act, step by step. The sandbox fails where
the certification asks for failures, and what it recorded is judged. Exit code 0: every must is met;
1: not; 2: interrupted; 4: a mistake in the set-up.

  edfi-cte rehearse --act ./examples/vendor_suite/sync.sh
  edfi-cte rehearse --env-file product.env

The command is run as `CMD STEP` for each step, without a shell. It finds EDFI_URL, EDFI_CLIENT_ID,
EDFI_CLIENT_SECRET, EDFI_STEP, EDFI_SCHOOL_YEAR, EDFI_STUDENTS_CSV and EDFI_STUDENTS_JSON in its
environment, and the same with the wanted records as JSON on stdin.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pytest_edfi_cte.cli import ExitCode
from pytest_edfi_cte.commands.credentials import env_file
from pytest_edfi_cte.commands.meanwhile import moving
from pytest_edfi_cte.commands.person import (
    Ended,
    Screen,
    Skipped,
    check_somebody_is_there,
    to_do,
    wait_until_sent,
    wrapped,
)
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.notations import assignment, descriptor_pair, duration, school_year
from pytest_edfi_cte.product import ACT_TIMEOUT, Act, Command, command
from pytest_edfi_cte.rehearsal.judging import Result
from pytest_edfi_cte.rehearsal.props import ERRORS, RETRY_AFTER, STUDENTS
from pytest_edfi_cte.rehearsal.script import NEEDS, Step, shipped_script
from pytest_edfi_cte.rehearsal.stage import Rehearsal
from pytest_edfi_cte.rehearsal.words import as_json, page, passed
from pytest_edfi_cte.reporting.pack import check_folder, write
from pytest_edfi_cte.reporting.rehearsed import rehearsed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``edfi-cte rehearse``."""
    names = ", ".join(step.id for step in shipped_script().steps)
    add = parser.add_argument_group("who acts").add_argument
    add(
        "--act",
        metavar="CMD",
        help="a command that makes your product act; without it you are told what to do",
    )
    add(
        "--act-timeout",
        type=_parsed(duration),
        default=ACT_TIMEOUT,
        metavar="TIME",
        help="how long the command may run for a step (default: 10m)",
    )
    add(
        "--wait",
        type=_parsed(duration),
        default=0.0,
        metavar="TIME",
        help="how long the product may go on sending after the command has ended, e.g. 2m "
        "(default: %(default)g)",
    )
    add(
        "--env-file",
        metavar="FILE",
        help="write the address and credentials to this file for your product, for your eyes only "
        "(mode 0600), removed at the end",
    )
    add = parser.add_argument_group("what is played").add_argument
    add("--steps", metavar="STEP,STEP", help=f"only these of {names}")
    add(
        "--students",
        type=int,
        default=STUDENTS,
        metavar="N",
        help=f"students of the step batch (default: %(default)s; errors has {ERRORS})",
    )
    add("--data-standard", choices=("4.0", "5.0"), default="5.0", help="default: %(default)s")
    add(
        "--school-year",
        type=_parsed(school_year),
        metavar="2027",
        help="the current school year, by the year it ends in (default: from today's date)",
    )
    add("--seed", type=int, metavar="N", help="seed of the students (default: random, shown)")
    add(
        "--retry-after",
        type=float,
        default=RETRY_AFTER,
        metavar="SECONDS",
        help="what the API asks for in its one Retry-After (default: %(default)g)",
    )
    add(
        "--set",
        action="append",
        default=[],
        type=_parsed(assignment),
        metavar="NAME=VALUE",
        help="replace a value of the certification table; repeatable",
    )
    add(
        "--descriptor",
        action="append",
        default=[],
        type=_parsed(descriptor_pair),
        metavar="STORED=TABLE",
        help="a state's own descriptor value that counts as one of the table's; repeatable",
    )
    add("--descriptor-file", metavar="FILE", help="CSV file with pairs as in --descriptor")
    add = parser.add_argument_group("what comes out").add_argument
    add("--json", metavar="FILE", help="write the result as JSON")
    add("--report", type=Path, metavar="DIR", help="write the evidence pack into this folder")
    add("--strict", action="store_true", help="a warning is a failure, too")


def _parsed(parse: Any) -> Any:
    """A parser of ours as argparse wants it: its ValueError becomes a readable message."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def run(arguments: argparse.Namespace) -> int:
    """Rehearse; 0 or 1, and 2 where it was ended early.

    Raises :class:`ConfigurationError` for a mistake in the set-up.
    """
    product = _command(arguments)
    if product is None:
        check_somebody_is_there(secrets_are_shown=not arguments.env_file)
    seed = arguments.seed
    if seed is None:
        seed = random.SystemRandom().randrange(10**9)
    target = Path(arguments.json) if arguments.json else None
    if target is not None and not target.parent.is_dir():
        raise ConfigurationError(f"--json {target}: there is no folder {target.parent}")
    if arguments.report:
        check_folder(arguments.report, "--report")
    started = time.time()
    rehearsal = Rehearsal(
        students=arguments.students,
        steps=[word.strip() for word in arguments.steps.split(",")] if arguments.steps else (),
        data_standard=arguments.data_standard,
        school_year=arguments.school_year,
        seed=seed,
        overrides=dict(arguments.set),
        descriptors=dict(arguments.descriptor),
        descriptor_file=arguments.descriptor_file,
        retry_after=arguments.retry_after,
        wait=arguments.wait,
    )
    rehearsal.prefix = "--"
    with ExitStack() as stack:
        stack.enter_context(_ended_by_sigterm())
        stack.enter_context(rehearsal)
        if arguments.env_file:
            variables = {
                "EDFI_URL": rehearsal.url,
                "EDFI_CLIENT_ID": rehearsal.sandbox.client_id,
                "EDFI_CLIENT_SECRET": rehearsal.sandbox.client_secret,
            }
            stack.enter_context(env_file(Path(arguments.env_file), variables))
        say = Screen()
        say.lines(_head(rehearsal, arguments, seed, say.width))
        ended = _play_all(rehearsal, product, say)
        results = rehearsal.results
        _tell(rehearsal, arguments, results, started, say, ended)
    if ended:
        file = arguments.env_file
        gone = f"; {file} removed" if file and not Path(file).exists() else ""
        sys.stderr.write(f"edfi-cte rehearse: {ended}{gone}\n")
        return ExitCode.INTERRUPTED
    return ExitCode.OK if passed(results, strict=arguments.strict) else ExitCode.FINDINGS


def _tell(
    rehearsal: Rehearsal,
    arguments: argparse.Namespace,
    results: list[Result],
    started: float,
    say: Screen,
    ended: str,
) -> None:
    """The result on the screen and in the files. ``ended``: where it was ended early."""
    told = (results, rehearsal.script, rehearsal.played, rehearsal.notes)
    say.lines([page(*told, say.width, strict=arguments.strict, ended=ended)])
    if arguments.json:
        seed = rehearsal.settings.seed
        facts = {**_facts(rehearsal), "seed": seed, "product": arguments.act}
        whole = as_json(*told, facts, ended=ended)
        text = rehearsal.redactor.clean(json.dumps(whole, indent=2, ensure_ascii=False))
        try:
            Path(arguments.json).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"--json {arguments.json}: {error.strerror}") from None
    if arguments.report:
        pack = rehearsed(rehearsal, started, interrupted=bool(ended))
        try:
            say.lines([f"report: {write(pack, arguments.report)}"])
        except OSError as error:
            raise ConfigurationError(f"--report {arguments.report}: {error.strerror}") from None


def _play_all(rehearsal: Rehearsal, product: Command | None, say: Screen) -> str:
    """Play the steps; where that was ended early, in which: ``interrupted in part 2 (update)``."""
    for number, step in enumerate(rehearsal.steps, 1):
        say.text(
            f"Part {number} of {len(rehearsal.steps)}, {step.id}: {step.title} "
            f"(certification step {step.certification})"
        )
        need = NEEDS.get(step.id)
        if need and need not in rehearsal.played:
            say.lines([f"  Skipped: it needs {need}.", ""])
            continue
        try:
            _play(rehearsal, step, product, say)
        except Skipped:
            say.lines(["  Skipped: nothing is judged by it.", ""])
        except Ended:
            return f"ended in part {number} ({step.id})"
        except KeyboardInterrupt:
            return f"interrupted in part {number} ({step.id})"
    return ""


def _command(arguments: argparse.Namespace) -> Command | None:
    if arguments.act is None:
        return None
    try:
        return command(arguments.act, arguments.act_timeout)
    except ConfigurationError as error:
        raise ConfigurationError(f"--act: {error}") from None


def _play(rehearsal: Rehearsal, step: Step, product: Command | None, say: Screen) -> None:
    if product is None:
        first = len(rehearsal.sandbox.received())
        with rehearsal.playing(step.id) as (task, _):
            say.lines(to_do(rehearsal, task, say.width))
            wait_until_sent(rehearsal, first)
    else:
        say.text(f"Running: {product.name} {step.id}", "  ")
        if step.id == "errors":
            say.text(
                "This may take a while: the API fails on purpose, and a good product waits.", "  "
            )
        with moving(rehearsal, step.id, say.width):
            rehearsal.act(step.id, product)
    played = rehearsal.played[step.id]
    done: Act | None = played.act
    what = f"{done.line}. " if done else ""
    if done and step.id == "errors" and done.problem == "act-failed":
        what = f"{done.line} ({done.outcome} is allowed here). "
    count = len(played.sent)
    say.text(f"{what}The API received {count} request{'' if count == 1 else 's'}.", "  ")
    say.lines([""])


def _head(rehearsal: Rehearsal, arguments: argparse.Namespace, seed: int, width: int) -> list[str]:
    facts = _facts(rehearsal)
    lines = [
        *wrapped(rehearsal.script.title, width, ""),
        "",
        f"  base URL       {rehearsal.url}",
    ]
    if arguments.env_file:
        lines += [f"  credentials    in {arguments.env_file}, until the end"]
    elif arguments.act is None:
        lines += [
            f"  client id      {rehearsal.sandbox.client_id}",
            f"  client secret  {rehearsal.sandbox.client_secret}",
        ]
    year = f"{facts['school_year']} ({facts['school_year'] - 1}-{facts['school_year']})"
    return [
        *lines,
        f"  data standard  {facts['data_standard']}",
        f"  school year    {year}",
        f"  seed           {seed}",
        "",
    ]


def _facts(rehearsal: Rehearsal) -> dict[str, Any]:
    return {
        "data_standard": rehearsal.data_standard,
        "school_year": rehearsal.settings.school_year,
        "students": rehearsal.students,
    }


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the rehearsal as Ctrl-C does: the sandbox and the files are cleaned up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
