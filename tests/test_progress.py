"""A long run says how far it is: in a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import sys
import threading
from collections import namedtuple
from contextlib import suppress
from io import StringIO
from types import SimpleNamespace

import pytest

from pytest_edfi_cte.commands import meanwhile
from pytest_edfi_cte.progress import Progress, line
from tests.test_repeat import SEED, wrong_for

Request = namedtuple("Request", "method path status")
Stage = namedtuple("Stage", "sandbox students")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0, 1000, 0, 0.0, 80), "0 of 1,000 students"),
        ((250, 1000, 0, 10.0, 80), "250 of 1,000 students, 25 a second, 0:30 left"),
        (
            (5, 10, 1, 10.0, 80),
            "5 of 10 students, 0.5 a second, 0:10 left, 1 checks not as required",
        ),
        ((1000, 1000, 0, 40.0, 80), "1,000 of 1,000 students, 25 a second, in 0:40"),
        ((1, 10_000, 0, 2.0, 80), "1 of 10,000 students, 0.5 a second, 5:33:18 left"),
        ((250, 1000, 0, 10.0, 30), "250 of 1,000 students, 25 a …"),
    ],
)
def test_the_line(given, said) -> None:
    assert line(*given) == said
    assert len(said) < given[-1]


class Terminal(StringIO):
    """Something that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("batch", r"  3 requests, 2 of 4 students, [\d.]+ a second, 0:\d\d left"),
        ("create", r"  3 requests, \d s"),
    ],
)
def test_a_rehearsal_says_what_arrives_meanwhile(step, said, monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(meanwhile, "EVERY", 0.01)
    sent = [Request("POST", "/data/v3/ed-fi/students", status) for status in (201, 201, 400)]
    seen = threading.Event()

    class Sandbox:
        def received(self, first: int = 0) -> list[Request]:
            return sent if first else list(range(7))

    class Out(Terminal):
        def write(self, text: str) -> int:
            if "requests" in text:
                seen.set()
            return super().write(text)

    out = Out()
    with meanwhile.moving(Stage(Sandbox(), 4), step, 80, out):
        assert seen.wait(10)
    assert re.search(said, out.getvalue())
    assert out.getvalue().endswith(meanwhile.ERASE)


def test_a_rehearsal_in_a_log_says_nothing_meanwhile() -> None:
    out = StringIO()
    with meanwhile.moving(Stage(None, 4), "batch", 80, out):
        pass
    assert out.getvalue() == ""


def shown(arguments: list[str]) -> str:
    """What pytest writes to a terminal of 80 columns."""
    process, screen = pty.fork()
    if process == 0:  # the child: its terminal is the pseudo-terminal
        os.environ.update({"COLUMNS": "80", "TERM": "xterm"})
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
    parts = []
    with suppress(OSError):  # the end of a pseudo-terminal, on Linux
        while part := os.read(screen, 4096):
            parts.append(part)
    os.close(screen)
    os.waitpid(process, 0)
    return b"".join(parts).decode()


def test_in_a_terminal_it_moves(kit, new_sandbox, monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    sandbox = new_sandbox(wrong_for(2))
    suite = ("--pyargs", "pytest_edfi_cte", "--edfi-repeat=4", SEED)
    text = shown(kit.arguments(sandbox, *suite))
    assert re.search(
        r"\r4 of 4 students, [\d.]+ a second, in 0:0\d, 1 checks not as required", text
    )
    assert ".F.." not in text
    assert "100%" not in text


@pytest.mark.parametrize(
    ("isatty", "verbose", "pdb", "environment", "wanted"),
    [
        (True, 0, False, {}, True),
        (True, -1, False, {}, True),
        (False, 0, False, {}, False),
        (True, 1, False, {}, False),
        (True, 0, True, {}, False),
        (True, 0, False, {"CI": "true"}, False),
    ],
)
def test_in_logs_in_ci_and_with_v_pytest_speaks(
    isatty, verbose, pdb, environment, wanted, monkeypatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reporter = SimpleNamespace(isatty=isatty)
    config = SimpleNamespace(
        pluginmanager=SimpleNamespace(getplugin=lambda _: reporter),
        option=SimpleNamespace(verbose=verbose, usepdb=pdb),
    )
    assert Progress.wanted(config) is wanted
