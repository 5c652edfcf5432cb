"""Observe mode in tests: a product that plays, a clock that takes no time, a key that only reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_edfi_cte import fixtures
from pytest_edfi_cte.errors import NonConformance
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.observe import Observation
from pytest_edfi_cte.options import Option
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.sandbox import Client, Sandbox
from pytest_edfi_cte.settings import resolve
from pytest_edfi_cte.waiting import Clock
from tests.broken_products import Link, Product, prepare

OBSERVER = Client("observer", "observers-secret", (255901,), "read-only")


class FakeClock(Clock):
    """Time passes only in sleeps; what is due then happens."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps: list[float] = []
        self.due: list[tuple[float, Callable[[], object]]] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds
        for entry in [entry for entry in self.due if entry[0] <= self.time]:
            self.due.remove(entry)
            entry[1]()

    def utc(self) -> str:
        return "2026-11-24T08:00:00Z"

    def after(self, seconds: float, happens: Callable[[], object]) -> None:
        self.due.append((self.time + seconds, happens))


class Stage:
    """One API for all tests of a module: emptied between them, bent where one asks for it."""

    def __init__(self) -> None:
        self.time = time.time()
        self.middleware: tuple[Any, ...] = ()
        self.sandbox = Sandbox(
            middleware=[self._between], clients=[OBSERVER], clock=lambda: self.time
        )
        prepare(self.sandbox)

    def _between(self, request: Any, proceed: Any) -> Any:
        for middleware in self.middleware:
            return middleware(request, proceed)
        return proceed(request)

    def set_up(self, *middleware: Any) -> Sandbox:
        """An API with no association in it; tokens of earlier tests have expired (15 at most)."""
        self.time += 3600
        self.middleware = middleware
        return self.sandbox

    def clean(self) -> None:
        """Delete what the test's products left."""
        self.time += 3600
        self.middleware = ()
        found = self.sandbox.records("studentCTEProgramAssociations")
        if found:
            with link_to(self.sandbox) as link:
                for record in found:
                    link.delete(record["id"])


@contextmanager
def link_to(sandbox: Sandbox) -> Iterator[Link]:
    """A product's connection with the key that may write."""
    link = Link(sandbox.url, sandbox.client_id, sandbox.client_secret)
    try:
        yield link
    finally:
        link.close()


def written_by_us(sandbox: Sandbox) -> list[str]:
    """Methods of what the observer sent and should not have sent."""
    ours = [r for r in sandbox.requests if r.client_id == OBSERVER.id]
    return [r.method for r in ours if r.method != "GET" and r.path != "/oauth/token"]


class Silent:
    """Keeps what would be said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def announce(self, scenario: Any) -> None:
        self.said.append(f"announced {scenario.step}")

    def say(self, lines: list[str]) -> None:
        self.said += lines

    def waiting(self, number: int, news: str, left: float) -> None:
        self.said.append(f"{left:g}: {news}")


class Given:
    """Options as a command line would give them."""

    folder = ini_folder = Path()

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def option(self, option: Option) -> Any:
        return self._given.get(option.flag)

    def flag(self, option: Option) -> str:
        return option.flag

    def ini(self, _option: Option) -> None:
        return None


class Observer:
    """A run in observe mode without pytest around it: real HTTP, a clock of ours."""

    def __init__(self, sandbox: Sandbox, options: tuple[str, ...] = ()) -> None:
        given: dict[str, Any] = {
            "--edfi-url": sandbox.url,
            "--edfi-client-id": OBSERVER.id,
            "--edfi-mode": "observe",
            "--edfi-school-year": "2027",
            "--edfi-retries": "0",
        }
        for option in options:
            flag, _, value = option.partition("=")
            several = flag in ("--edfi-set", "--edfi-descriptor", "--edfi-act")
            given[flag] = [*given.get(flag, []), value] if several else value
        environment = {"EDFI_CLIENT_SECRET": OBSERVER.secret}
        self.run = Run(resolve(Given(given), environment=environment))
        self.clock = self.run.clock = FakeClock()
        self.voice = Silent()
        self.product: Any = None

    def starts_with(self, product: Any, link: Link | None = None) -> Observer:
        """A new product before its first scenario; nothing was seen of it."""
        self.run.observing.seen.clear()
        self.voice.said.clear()
        self.product = product
        if isinstance(product, Product):
            assert link is not None
            self.product = played(product, link, self.clock)
        return self

    def observation(self) -> Observation:
        prerequisites = Prerequisites(self.run.records)
        return Observation(self.run, prerequisites, self.run.table, self.product, self.voice)

    def judge(self, step: str) -> Evidence:
        """Raises what the scenario's test would fail with."""
        evidence = Evidence(self.run)
        scenario = evidence.scenario = self.run.table.scenario(step)
        evidence.add(getattr(self.observation(), step)(scenario, evidence))
        evidence.conclude()
        return evidence

    def see(self, step: str) -> None:
        """Judge a scenario whose verdict does not matter here."""
        with suppress(NonConformance):
            self.judge(step)

    def close(self) -> None:
        self.run.close()


def played(product: Product, link: Link, clock: FakeClock) -> Callable[[Any, str, Any], object]:
    """The product as something that can be called."""

    def act(_scenario: Any, step: str, values: dict[str, Any]) -> object:
        def play() -> None:
            getattr(product, step)(link, values)

        if product.delay:
            clock.after(product.delay, play)
        else:
            play()
        return True

    return act


class WithClock:
    """A pytest plugin that gives the run a clock of ours."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        run = config.stash.get(fixtures.RUN, None)
        if run is not None:
            run.clock = self.clock


class Player:
    """A pytest plugin that is the product: acts where the kit asks for it."""

    def __init__(self, product: Product, link: Link, clock: FakeClock) -> None:
        self.act = played(product, link, clock)

    @pytest.hookimpl
    def pytest_edfi_act(self, scenario: Any, step: str, values: dict[str, Any]) -> object:
        return self.act(scenario, step, values)


class Observing:
    """Runs pytest in observe mode in this process, with the read-only key."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.clock = FakeClock()
        monkeypatch.setenv("EDFI_CLIENT_SECRET", OBSERVER.secret)

    def arguments(self, sandbox: Sandbox, *arguments: str) -> list[str]:
        off = [word for name in ("randomly", "cov", "xdist") for word in ("-p", f"no:{name}")]
        if any(argument.startswith("-n") for argument in arguments):
            off = off[:-2]
        mode = ["--edfi-mode=observe", "--edfi-school-year=2027", "--edfi-retries=0"]
        who = [f"--edfi-url={sandbox.url}", f"--edfi-client-id={OBSERVER.id}"]
        return [*off, *mode, *who, *arguments]

    def scenarios(self, sandbox: Sandbox, *arguments: str, plugins: tuple[Any, ...] = ()) -> Any:
        return self.run(sandbox, "--pyargs", "pytest_edfi_cte", *arguments, plugins=plugins)

    def run(self, sandbox: Sandbox, *arguments: str, plugins: tuple[Any, ...] = ()) -> Any:
        return self.pytester.runpytest_inprocess(
            *self.arguments(sandbox, *arguments), plugins=[WithClock(self.clock), *plugins]
        )
