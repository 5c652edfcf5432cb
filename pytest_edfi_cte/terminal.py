"""What observe mode says while it waits: to a person in a terminal, line by line in a log.

It speaks past pytest's capturing, which would keep it until the wait is over.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.compare import ABSENT, at, is_descriptor, short
from pytest_edfi_cte.scenarios import CONTAINERS, Row, Scenario
from pytest_edfi_cte.waiting import Clock, in_words

if TYPE_CHECKING:
    import pytest

#: Seconds between two lines where there is no terminal to move a countdown in.
LINE_EVERY = 30.0
NARROW, WIDE = 40, 100
INDENT = "  "


class Voice:
    """Speaks through pytest's terminal reporter.

    ``url``: where the product sends to; ``clean`` makes a text safe to show.
    """

    def __init__(
        self, config: pytest.Config, clock: Clock, url: str, clean: Callable[[str], str]
    ) -> None:
        self._url = url
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        self._clock = clock
        self._clean = clean
        self._moving = False
        self._said_at = clock.now()

    @property
    def _width(self) -> int:
        return min(max(shutil.get_terminal_size().columns, NARROW), WIDE)

    def announce(self, scenario: Scenario) -> None:
        """Say what the product must now do."""
        with self._aloud():  # what is captured has no width
            width = self._width
        self.say(instructions(scenario, self._url, width))

    def say(self, lines: list[str]) -> None:
        """Lines that stay."""
        with self._aloud() as reporter:
            self._end_countdown(reporter)
            reporter.ensure_newline()
            for line in lines:
                reporter.write_line(self._clean(line))
        self._said_at = self._clock.now()

    def waiting(self, number: int, news: str, left: float) -> None:
        """The countdown: moves in a terminal, and is a line now and then elsewhere."""
        if getattr(self._reporter, "isatty", False):
            with self._aloud() as reporter:
                text = self._clean(f"{INDENT}{_clock_face(left)} left: {news}")
                if len(text) >= self._width:
                    text = f"{text[: self._width - 2]}…"
                reporter.rewrite(text, erase=True)
                self._moving = True
        elif self._clock.now() - self._said_at >= LINE_EVERY:
            self.say([f"edfi: scenario {number}: {in_words(left)} left: {news}"])

    @contextmanager
    def _aloud(self) -> Iterator[Any]:
        if self._reporter is None:  # -p no:terminal: there is nobody to speak to
            yield _Nobody()
        elif self._capture is None:
            yield self._reporter
        else:
            with self._capture.global_and_fixture_disabled():
                yield self._reporter

    def _end_countdown(self, reporter: Any) -> None:
        if self._moving:
            reporter.rewrite("", erase=True)
            reporter.rewrite("")
            self._moving = False


class _Nobody:
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_words, **_options: None


def _clock_face(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def instructions(scenario: Scenario, url: str, width: int) -> list[str]:
    """What the product must now do, in the table's words; at most ``width`` columns."""
    title = f"Scenario {scenario.number}: {scenario.title}"
    lines = ["", *textwrap.wrap(title, width, subsequent_indent=INDENT)]
    if scenario.step == "create":
        lines += _wrapped("Create in the product, and let it send:", width)
        lines += _values(scenario, width)
    elif scenario.step in ("update", "upsert"):
        lines += _change(scenario, width)
    else:
        lines += _wrapped(_REMOVE[scenario.step], width)
        lines += _key(scenario, width)
    return [*lines, *_wrapped(f"To: {url}", width)]


_REMOVE = {
    "delete": "Delete in the product, and let it send the DELETE, the record with:",
    "absent": "What is deleted must stay away: let the product synchronise again. The record with:",
}
IN_PLACE = "Leave everything else as it is; the record keeps its id (PUT, or POST of the same key)."
NEW_KEY = (
    "Leave everything else as it is. The natural key changes: PUT where the API lets it, else "
    "DELETE and POST."
)


def _change(scenario: Scenario, width: int) -> list[str]:
    said = " and ".join(_changes(scenario))
    student = scenario.table.key_of(scenario.payload).get("studentUniqueId")
    whose = f" (student {student})" if student is not None else ""
    lines = _wrapped(f"In the product, change {said}{whose}, and let it send the change.", width)
    if student is None:
        lines += _key(scenario, width)
    return lines + _wrapped(NEW_KEY if scenario.table.moves else IN_PLACE, width)


def _changes(scenario: Scenario) -> Iterator[str]:
    """``primaryIndicator of "Information Technology" from true to false``, for each change."""
    rows = scenario.table.rows
    collections = {row.path for row in rows if row.collection}
    for path in scenario.changed:
        inside = [row for row in rows if row.path.rpartition(".")[0] == path]
        row = next((row for row in rows if row.path == path), None)
        if path in collections:
            # Another element in the old one's place: said by what is different in it.
            row = next(r for r in inside if r.values.get("create") != r.values.get("update"))
        if row is None:
            continue
        old, new = (_plain(row.values.get(s, "nothing")) for s in ("create", "update"))
        yield f"{row.name}{_of_element(row, rows, collections)} from {old} to {new}"


def _of_element(row: Row, rows: Sequence[Row], collections: Collection[str]) -> str:
    """Which element a row is of: by the descriptor that names it, else by its collection."""
    collection = row.path.rpartition(".")[0]
    if collection not in collections:
        return ""
    kind = collection.rpartition(".")[2].removesuffix("s")
    name = next((r for r in rows if r.path == f"{collection}.{kind}Descriptor"), None)
    if name is None or name is row:
        return f" in {collection}"
    return f' of "{_plain(name.values["update"])}"'


def _key(scenario: Scenario, width: int) -> list[str]:
    """The natural key of the record, a part in each line."""
    key = scenario.table.key_of(scenario.table.payload("create"))
    return [line for n, v in key.items() for line in _wrapped(f"{INDENT}{n}  {_plain(v)}", width)]


def _values(scenario: Scenario, width: int) -> list[str]:
    """One line per row of the table; a value that does not fit stands below its name."""
    rows = [(f"{INDENT * (1 + row.path.count('.'))}{row.name}", row) for row in scenario.table.rows]
    column = 2 + max(len(INDENT + name) for name, row in rows if row.type not in CONTAINERS)
    lines = []
    for name, row in rows:
        label = f"{INDENT}{name}"
        if row.type in CONTAINERS:
            if at(scenario.payload, row.path) is not ABSENT:
                lines.append(label)
            continue
        if scenario.state not in row.values:
            continue
        value = row.values[scenario.state]
        text = _plain(value)
        if is_descriptor(value):
            text += f"  ({value.partition('#')[0].rpartition('/')[0]})"
        if column + len(text) <= width:
            lines.append(f"{label:<{column}}{text}")
        else:
            inner = " " * (len(label) - len(label.lstrip()) + 4)
            lines += [
                label,
                *textwrap.wrap(text, width, initial_indent=inner, subsequent_indent=inner),
            ]
    return lines


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return short(value) if isinstance(value, str) else str(value)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False
    )
