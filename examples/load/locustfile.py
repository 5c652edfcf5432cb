"""The certification's scenarios as load: fictional students, many at once, every answer judged.

A Locust user takes one student after the other through the scenarios of the kit, with the kit's own
session and judge. Each request is a line of Locust's statistics, each scenario another; what a
scenario finds is a failure of Locust. See README.md beside this file.
"""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from locust import User, constant, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.load import Load, from_environment

#: Students that a process gets at once from whoever hands them out.
BLOCK = 20
#: Findings that are told in full in the log; the statistics count all.
MOST_TOLD = 5
#: Seconds after the last student until the statistics of all workers are in.
SETTLING = 4
#: Seconds that a user who is stopped has for its student, unless --stop-timeout says otherwise.
PATIENCE = 30
JOURNAL = Path(".edfi-load")
log = logging.getLogger("edfi")


class Registrar:
    """In the master, or the only process: hands each student out once."""

    def __init__(self, runner, settings) -> None:
        self.runner = runner
        self.seed = settings.seed
        first, last = settings.repeat or (1, 99_999_999)
        self.next, self.last = first, last
        self.out = 0
        self.ended = False

    def give(self, msg, **_) -> None:
        """A block, or an empty one where all students are out."""
        last = min(self.next + BLOCK - 1, self.last)
        block = {"seed": self.seed, "first": self.next, "last": last}
        self.out += max(0, last - self.next + 1)
        self.next = last + 1
        self.runner.send_message("edfi_block", block, client_id=msg.node_id)

    def took(self, msg, **_) -> None:
        """Students that are judged; after the last one the test is over."""
        self.out -= msg.data
        if self.next > self.last and self.out == 0 and not self.ended:
            self.ended = True
            log.info("every student was judged")
            gevent.spawn_later(SETTLING, self.runner.quit)


class Students:
    """In the process that sends: the students that its users have not had yet."""

    def __init__(self, runner) -> None:
        self.runner = runner
        self.waiting: deque[int] = deque()
        self.seed = 0
        self.ended = False
        self.asked = False
        self.arrived = Event()

    def block(self, msg, **_) -> None:
        """A block from the registrar."""
        self.seed = msg.data["seed"]
        self.waiting.extend(range(msg.data["first"], msg.data["last"] + 1))
        self.ended = not self.waiting
        self.asked = False
        self.arrived.set()

    def take(self) -> int | None:
        """The next student's number; None where there is none left."""
        while not self.waiting and not self.ended:
            self.arrived.clear()
            if not self.asked:
                self.asked = True
                self.runner.send_message("edfi_more")
            self.arrived.wait()
        return self.waiting.popleft() if self.waiting else None


@events.init.add_listener
def begin(environment, runner, **_) -> None:
    """Read the settings, and connect where requests are sent."""
    # Who is stopped may end the present student: one cut off amid a request leaves it unanswered.
    environment.stop_timeout = environment.stop_timeout or PATIENCE
    try:
        settings = from_environment()
        if not isinstance(runner, WorkerRunner):
            registrar = Registrar(runner, settings)
            runner.register_message("edfi_more", registrar.give)
            runner.register_message("edfi_judged", registrar.took)
        if not isinstance(runner, MasterRunner):
            environment.edfi = Load(settings, JOURNAL)
            environment.edfi_students = Students(runner)
            environment.edfi_told = 0
            runner.register_message("edfi_block", environment.edfi_students.block)
    except ConfigurationError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        raise SystemExit(4) from None


@events.quitting.add_listener
def end(environment, **_) -> None:
    """Delete what is left of students whose user was stopped."""
    load = getattr(environment, "edfi", None)
    for problem in load.close() if load else ():
        log.error("left behind: %s", problem)


class Registration(User):
    """Somebody who enters students, one after the other, and looks what became of them."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Everything is made with the first student: only then the seed is known."""
        self.rounds = None

    @task
    def one_student(self) -> None:
        """A student through every scenario; each is judged by the kit."""
        students = self.environment.edfi_students
        number = students.take()
        if number is None:
            raise StopUser
        if self.rounds is None:
            self.rounds = self.environment.edfi.rounds(students.seed, self.tell)
        for judged in self.rounds.judge(number):
            self.report(judged)
        self.environment.runner.send_message("edfi_judged", 1)

    def report(self, judged) -> None:
        """A scenario as a line of the statistics; a finding as a failure."""
        if judged.error and self.environment.edfi_told < MOST_TOLD:
            self.environment.edfi_told += 1
            log.error("student %s: %s", judged.number, judged.error)
        self.environment.events.request.fire(
            request_type="SCENARIO",
            name=judged.scenario.id,
            response_time=judged.seconds * 1000,
            response_length=0,
            exception=AssertionError(judged.said) if judged.error else None,
            context={},
        )

    def tell(self, exchange) -> None:
        """A request as a line of the statistics, by its collection."""
        path = urlsplit(exchange.url).path
        collection = path.partition("/ed-fi/")[2].partition("/")[0] or path
        self.environment.events.request.fire(
            request_type=exchange.method,
            name=collection,
            response_time=exchange.duration * 1000,
            response_length=len(exchange.response_body or ""),
            exception=ConnectionError(exchange.error) if exchange.error else None,
            context={},
        )

    def on_stop(self) -> None:
        """Leave nothing behind."""
        if self.rounds:
            self.rounds.close()
