"""Time as observe mode uses it: a clock that tests replace, polite polling, durations in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone

#: Seconds between two looks: from the first, doubling, to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
#: Seconds between two moves of the countdown.
TICK = 1.0
MINUTE, HOUR = 60, 3600


class Clock:
    """The time of a run; tests put another in its place."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def utc(self) -> str:
        """The time of day, UTC, RFC 3339."""
        return datetime.now(tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Wait:
    """One wait of at most ``seconds``: pauses that grow, until something new is seen."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._deadline = clock.now() + seconds
        self._pause = FIRST_PAUSE

    @property
    def left(self) -> float:
        """Seconds that are left, 0 when the wait is over."""
        return max(0.0, self._deadline - self._clock.now())

    def hurry(self) -> None:
        """Look again soon: something has just changed."""
        self._pause = FIRST_PAUSE

    def pause(self, tick: Callable[[float], None], at_most: float) -> None:
        """Pause before the next look; ``tick`` is told the seconds left, about once a second."""
        end = self._clock.now() + min(self._pause, self.left, at_most)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        while (rest := end - self._clock.now()) > 0:
            tick(self.left)
            self._clock.sleep(min(TICK, rest))


def in_words(seconds: float) -> str:
    """``45 s``, ``2 min 5 s`` or ``1 h 3 min``."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min" + (f" {whole % MINUTE} s" if whole % MINUTE else "")
    return f"{whole // HOUR} h" + (
        f" {whole % HOUR // MINUTE} min" if whole % HOUR // MINUTE else ""
    )
