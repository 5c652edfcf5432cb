"""The product under test, made to act: by a command or in Python. A person needs no code."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.judge import WORDS, Finding, Kind
from pytest_edfi_cte.scenarios import Scenario

Json = dict[str, Any]
#: What is kept of a product's output: the end of it, in bytes and in lines.
TAIL_BYTES, TAIL_LINES = 4096, 30
FRAMES = 3  # of a traceback
NOTHING = "returned nothing"
ACT_TIMEOUT = 600.0  # seconds


class Product(Protocol):
    """What makes a product act: the fixture ``edfi_product`` gives one."""

    def __call__(self, scenario: Scenario, step: str, values: Json) -> object:
        """Let the product do what the step asks for; an exception means that it failed.

        What it returns is evidence.
        """


@dataclass(frozen=True)
class Act:
    """What the product's own step did. ``seconds``: how long it took; ``output``: its end."""

    who: str
    outcome: str
    seconds: float
    output: str = ""
    problem: Kind = "ok"

    @property
    def line(self) -> str:
        """In one line: ``./sync.sh create: exit code 0 after 1.2 s``."""
        return f"{self.who}: {self.outcome} after {self.seconds:.1f} s"

    def finding(self) -> Finding:
        """The step as a finding: it must succeed, whatever the record then looks like."""
        tail = f"\n{self.output}" if self.output and self.problem != "ok" else ""
        received = f"{self.outcome} after {self.seconds:.1f} s{tail}"
        return Finding(self.who, "success", received, "by the product itself", self.problem, WORDS)


@dataclass(frozen=True)
class Command:
    """A command of ``--edfi-act``: ``words`` as the user wrote them, run in ``folder``.

    ``timeout``: seconds; then it is stopped with everything it started. ``variables``: what it
    finds in its environment whatever the step is.
    """

    words: tuple[str, ...]
    folder: Path
    timeout: float
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.words)

    def __call__(self, scenario: Scenario, step: str, values: Json) -> Act:
        """Run it with the values as JSON on stdin and in the environment."""
        variables = {**environment(scenario, step, values), **self.variables}
        return self.run(variables, json.dumps(values))

    def run(self, variables: Mapping[str, str], given: str) -> Act:
        """Run it with this environment, and with a text on stdin."""
        who = self.name
        began = time.perf_counter()
        # Files and not pipes: a child that stays behind cannot keep us waiting for its end.
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output:
            stdin.write(given.encode())
            stdin.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                    self.words,
                    cwd=self.folder,
                    env=variables,
                    stdin=stdin,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                said = f"could not be started ({error.strerror or error})"
                return Act(who, said, time.perf_counter() - began, problem="act-failed")
            with process:
                problem: Kind = "ok"
                try:
                    process.wait(timeout=self.timeout)
                    outcome = f"exit code {process.returncode}"
                    problem = "act-failed" if process.returncode else "ok"
                except subprocess.TimeoutExpired:
                    _stop(process)
                    outcome, problem = f"stopped: not done within {self.timeout:g} s", "act-timeout"
                except BaseException:  # Ctrl-C goes to us alone: it is in a session of its own
                    _stop(process)
                    raise
            return Act(who, outcome, time.perf_counter() - began, _tail(output), problem)


def environment(scenario: Scenario, step: str, values: Json) -> dict[str, str]:
    """The environment of a command: ours, with the scenario's values; nothing secret is added.

    ``EDFI_SCENARIO``, ``EDFI_STEP``, ``EDFI_VALUES`` (JSON), and each value by itself, e.g.
    ``EDFI_VALUE_STUDENTREFERENCE_STUDENTUNIQUEID``; true, false and numbers as in JSON.
    """
    flat = {
        f"EDFI_VALUE_{row.path.replace('.', '_').upper()}": row.values[scenario.state]
        for row in scenario.table.rows
        if scenario.state in row.values
    }
    return {
        **os.environ,
        "EDFI_SCENARIO": scenario.id,
        "EDFI_STEP": step,
        "EDFI_VALUES": json.dumps(values),
        **{n: v if isinstance(v, str) else json.dumps(v) for n, v in flat.items()},
    }


class Driver:
    """The default product: the step's command, else the hook, else nobody (a person acts)."""

    def __init__(self, commands: Mapping[str, Command], hook: Callable[..., object]) -> None:
        self._commands = commands
        self._hook = hook

    def command(self, step: str) -> Command | None:
        """The command of a step, None where there is none."""
        return self._commands.get(step)

    def __call__(self, scenario: Scenario, step: str, values: Json) -> Act | None:
        """What was done, None where nobody did anything."""
        command = self.command(step)
        if command is not None:
            return command(scenario, step, values)
        act = called("pytest_edfi_act", self._hook, scenario=scenario, step=step, values=values)
        return None if act.outcome == NOTHING else act


def let_act(product: Product, scenario: Scenario, values: Json) -> Act | None:
    """Let the product act; None where it is left to a person."""
    if isinstance(product, Driver):
        return product(scenario, scenario.step, values)
    return called("edfi_product", product, scenario, scenario.step, values)


def called(name: str, product: Callable[..., object], *given: object, **named: object) -> Act:
    """What a product in Python did, with what it returned or raised."""
    began = time.perf_counter()
    try:
        result = product(*given, **named)
    except Exception as error:  # noqa: BLE001 - whatever it raises, the product failed
        lines = traceback.format_exception(error)
        output = "".join([*traceback.format_tb(error.__traceback__)[-FRAMES:], lines[-1]])
        said = f"raised {type(error).__name__}"
        return Act(name, said, time.perf_counter() - began, _last_lines(output), "act-failed")
    said = NOTHING if result is None else "returned"
    output = "" if result is None else _last_lines(str(result))
    return Act(name, said, time.perf_counter() - began, output)


def command(text: str, timeout: float = ACT_TIMEOUT) -> Command:
    """A command as people write it, run in the current folder; no shell reads it.

    Raises :class:`ConfigurationError` for one that cannot be run.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigurationError(f"the command {text}: {str(error).lower()}") from None
    if not words:
        raise ConfigurationError("no command is named")
    if shutil.which(words[0]) is None:
        raise ConfigurationError(f"{words[0]}: there is no such command that can be run")
    return Command(words, Path.cwd(), timeout)


def commands(
    acts: Mapping[str, tuple[str, ...]], folder: Path, timeout: float, url: str
) -> dict[str, Command]:
    """The commands of ``--edfi-act`` by step; ``url``: the API's base URL, which they are told."""
    told = {"EDFI_URL": url}
    return {step: Command(words, folder, timeout, told) for step, words in acts.items()}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and what it started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()  # after Ctrl-C `with process` would not


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - TAIL_BYTES))
    text = output.read().decode("utf-8", errors="replace")
    return _last_lines(text, cut=size > TAIL_BYTES)


def _last_lines(text: str, *, cut: bool = False) -> str:
    """The end of a text; ``cut``: it is the end of a longer one."""
    end = text[-TAIL_BYTES:]
    if cut or len(text) > TAIL_BYTES:
        # Half a word may be half a secret, which nobody could recognise and hide.
        end = re.sub(r"^\S+", "…", end)
    return "\n".join(end.strip().splitlines()[-TAIL_LINES:])
