"""What observe mode says while it waits: fits the terminal, moves there, and is a line in a log."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.notations import duration
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.terminal import Voice, instructions
from pytest_edfi_cte.waiting import Clock, Wait, in_words
from tests.observing import FakeClock

TABLE = load(shipped(), Settings(overrides={"studentUniqueId": "604822"}), "5.0")
URL = "https://host.example/v7.3/api"


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("step", ["create", "update"])
def test_the_instructions_fit_and_hold_every_value(step, width) -> None:
    lines = instructions(TABLE.scenario(step), URL, width)
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert URL in text
    assert "604822" in text
    if step == "create":
        for words in (
            "beginDate 2026-08-23",
            "programTypeDescriptor Career and Technical Education (uri://ed-fi.org)",
            "privateCTEProgram false",
            "primaryIndicator true",
            "cipCode 11.0103",
        ):
            assert words in text
    else:
        assert 'change primaryIndicator of "Information Technology" from true to false' in text
        assert "Leave everything else as it is" in text


def test_a_wide_terminal_keeps_a_value_beside_its_name() -> None:
    lines = instructions(TABLE.scenario("create"), URL, 100)
    assert (
        "      cteProgramServiceDescriptor        Information Technology  (uri://ed-fi.org)"
        in lines
    )


class Reporter:
    """As much of pytest's terminal reporter as is spoken through."""

    def __init__(self, isatty: bool) -> None:
        self.isatty = isatty
        self.lines: list[str] = []
        self.aloud = True

    def ensure_newline(self) -> None:
        pass

    def write_line(self, line: str) -> None:
        assert self.aloud
        self.lines.append(line)

    def rewrite(self, line: str, erase: bool = False) -> None:
        assert self.aloud
        self.lines.append(f"\r{line}")


class Plugins:
    """The two plugins, and whether output is captured at the moment."""

    def __init__(self, reporter, *, captures: bool = True) -> None:
        self.reporter = reporter
        self.captures = captures
        self.pluginmanager = self
        if reporter is not None:
            reporter.aloud = not captures

    def getplugin(self, name):
        return {
            "terminalreporter": self.reporter,
            "capturemanager": self if self.captures else None,
        }[name]

    @contextmanager
    def global_and_fixture_disabled(self):
        if self.reporter is not None:
            self.reporter.aloud = True
        yield
        if self.reporter is not None:
            self.reporter.aloud = False


def voice(reporter, clock=None, **options) -> Voice:
    clean = lambda text: text.replace("secret", "[redacted]")  # noqa: E731 - short
    return Voice(Plugins(reporter, **options), clock or FakeClock(), URL, clean)


def test_in_a_terminal_the_countdown_moves(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    reporter = Reporter(isatty=True)
    speaker = voice(reporter)
    speaker.waiting(1, "not there yet", 892.4)
    speaker.waiting(1, "x" * 100, 3661)
    assert reporter.lines == ["\r  14:52 left: not there yet", f"\r  1:01:01 left: {'x' * 42}…"]
    assert len(reporter.lines[1]) - 1 < 60
    speaker.say(["done, secret"])
    assert reporter.lines[2:] == ["\r", "\r", "done, [redacted]"]


def test_in_a_log_there_is_a_line_every_30_seconds() -> None:
    clock, reporter = FakeClock(), Reporter(isatty=False)
    speaker = voice(reporter, clock)
    wait = Wait(clock, 95)
    while wait.left:
        wait.pause(lambda left: speaker.waiting(2, "not changed yet", left), 1000)
    assert reporter.lines == [
        f"edfi: scenario 2: {left} left: not changed yet" for left in ("1 min 5 s", "35 s", "5 s")
    ]


@pytest.mark.parametrize("captures", [True, False])
def test_it_speaks_with_and_without_capturing(captures) -> None:
    reporter = Reporter(isatty=False)
    voice(reporter, captures=captures).announce(TABLE.scenario("update"))
    assert any("Scenario 2" in line for line in reporter.lines)


def test_without_a_reporter_it_is_silent() -> None:
    speaker = voice(None)
    speaker.say(["x"])
    speaker.announce(TABLE.scenario("create"))
    speaker.waiting(1, "x", 3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3790, "1 h 3 min"),
    ],
)
def test_durations_in_words(seconds, words) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("1h", 3600), ("1.5m", 90)],
)
def test_durations_as_written(text, seconds) -> None:
    assert duration(text) == seconds


@given(st.from_regex(r"[0-9a-z. -]{0,8}", fullmatch=True) | st.text(max_size=8))
def test_any_other_text_is_a_mistake(text) -> None:
    if re.fullmatch(r"\d{1,6}(\.\d{1,3})?\s*[smh]?", text):
        assert duration(text) >= 0
    else:
        with pytest.raises(ValueError, match="is not a duration; write 90, 90s, 15m or 1h"):
            duration(text)


def test_the_real_clock_goes_on() -> None:
    clock = Clock()
    before = clock.now()
    clock.sleep(0)
    assert clock.now() >= before
    assert clock.utc().endswith("Z")
