"""One turn of the product: it is told what to do, does it, and what comes of it is awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from pytest_edfi_cte.compare import ABSENT
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.judgements import Judgement
from pytest_edfi_cte.product import Act, Driver, Product, let_act
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario
from pytest_edfi_cte.verdicts import show
from pytest_edfi_cte.waiting import Wait, in_words
from pytest_edfi_cte.watch import Look

Json = dict[str, Any]
FOREVER = float("inf")
RIGHT = "There and right"
#: Step -> what is said where it is right, of a record that is to be gone.
ENDS = {"delete": "Gone", "absent": "Gone"}
NOBODY_WAITS = (
    "  Judging what is there now (to wait until the product has sent it: --edfi-wait=15m)."
)


class Speaker(Protocol):
    """Who tells the person what to do and how long is left."""

    def announce(self, scenario: Scenario) -> None:
        """Say what the product must now do."""

    def say(self, lines: list[str]) -> None:
        """Lines that stay."""

    def waiting(self, number: int, news: str, left: float) -> None:
        """``left``: seconds; ``news``: what the last look has shown."""


class Turn:
    """Lets a product act and waits. ``look(full=…)`` shows the records as they are now."""

    def __init__(
        self, run: Run, product: Product, voice: Speaker, look: Callable[..., Look]
    ) -> None:
        self.run = run
        self._product = product
        self._voice = voice
        self._look = look

    def let_act(self, scenario: Scenario, evidence: Evidence) -> Act | None:
        """Say what is to be done, and let the product do it; None where a person does."""
        driver = self._product if isinstance(self._product, Driver) else None
        running = driver.command(scenario.step) if driver else None
        waits = self.run.settings.wait > 0
        if waits or running is not None or driver is None:
            self._voice.announce(scenario)
        else:  # whoever reads "create it now" would be judged before it could be done
            self._voice.say(["", f"Scenario {scenario.number}: {scenario.title}"])
        if running is not None:
            self._voice.say([f"  Running: {running.name}"])
        with self._told_if_interrupted(scenario):
            act = let_act(self._product, scenario, scenario.payload)
        if act is not None:
            evidence.steps.append((act.line, act.output))
            self._voice.say([f"  {act.line}"])
        elif not waits:
            self._voice.say([NOBODY_WAITS])
        return act

    @contextmanager
    def _told_if_interrupted(self, scenario: Scenario) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            self._voice.say([f"  Interrupted: nothing is judged for scenario {scenario.number}."])
            raise

    def wait(
        self,
        scenario: Scenario,
        evidence: Evidence,
        begin: Look,
        act: Act | None,
        judged: Callable[[tuple[Json, ...]], Judgement],
        *,
        changed: bool,
        stays: bool = False,
    ) -> tuple[Look, Judgement]:
        """Look until right, settled wrong, or time is up. ``changed``: ``begin`` counts as new.

        ``stays``: what is right must stay so, for as long as what is wrong may, before it counts.
        """
        clock, settle = self.run.clock, self.run.settings.settle
        # A product that says it failed will not send anything any more.
        seconds = self.run.settings.wait if act is None or act.problem == "ok" else 0.0
        wait, began = Wait(clock, seconds), clock.now()
        if seconds:
            self._voice.say([f"  Waiting for it, up to {in_words(seconds)} (Ctrl-C ends the run)."])
        last, since = begin, began if changed else None
        look = begin if act is None else self._look(full=True)
        looks = 1
        while True:
            at_most = FOREVER
            news = look.problem or ""
            if not look.problem:
                if look.differs_from(last):
                    last, since = look, clock.now()
                    wait.hurry()
                judgement = judged(look.records)
                if not judgement.open and since is not None:
                    at_most = settle - (clock.now() - since)
                settled = at_most <= 0
                at_once = judgement.right and not (stays and wait.left)
                if look.full and (at_once or settled):
                    wrong = f"Wrong, and unchanged for {in_words(settle)}"
                    end = ENDS.get(scenario.step, RIGHT) if judgement.right else wrong
                    break
                news = _news(judgement)
            if not wait.left and look.full:
                readable(look)
                end = "Time is up" if seconds else "Judged as it is"
                break
            decided = not look.problem and ((judgement.right and not stays) or at_most <= 0)
            if not decided and wait.left:
                with self._told_if_interrupted(scenario):
                    wait.pause(partial(self._voice.waiting, scenario.number, news), at_most)
            # What is decided is decided on a look at all of it, not at the one record's address.
            look = self._look(full=decided or not wait.left)
            looks += 1
        text = f"{end} after {in_words(clock.now() - began)} ({looks} look{'s' * (looks > 1)})."
        evidence.steps.append((text, ""))
        self._voice.say([f"  {text}"])
        return look, judgement


def readable(look: Look) -> Look:
    """The look; :class:`NotTestable` where it showed nothing."""
    if look.problem:
        raise NotTestable(f"the product's records cannot be read: {look.problem}")
    return look


def _news(judgement: Judgement) -> str:
    """What the last look has shown, in few words: it must fit a line of a terminal."""
    wrong = next((finding for finding in judgement.findings if not finding.ok), None)
    if wrong is None:
        return "there and right"
    if wrong.kind in ("not-sent", "not-moved"):
        return "not there yet"
    if wrong.kind == "not-deleted":
        return "still there"
    name = wrong.where.partition(" (of ")[0].rpartition(".")[2]
    received = "nothing" if wrong.received is ABSENT else show(wrong.received)
    expected = "nothing" if wrong.expected is ABSENT else show(wrong.expected)
    text = f"{name} is {received}, expected {expected}"
    if wrong.kind == "not-updated":
        return f"not changed yet: {text}"
    return f"under another key: {text}" if judgement.open else f"there, but {text}"
