"""A rehearsal: a sandbox that remembers, a product that acts, step by step, and a verdict."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract import Contract, shipped
from pytest_edfi_cte.descriptors import read_map
from pytest_edfi_cte.errors import ConfigurationError, NonConformance
from pytest_edfi_cte.notations import current_school_year
from pytest_edfi_cte.observed import ProductJudge
from pytest_edfi_cte.product import Act, Command, called, command
from pytest_edfi_cte.rehearsal.deliveries import differences
from pytest_edfi_cte.rehearsal.judging import Result, judge
from pytest_edfi_cte.rehearsal.outages import unmet
from pytest_edfi_cte.rehearsal.played import Played, Rehearsed
from pytest_edfi_cte.rehearsal.props import RETRY_AFTER, STUDENTS, Props, descriptors_of
from pytest_edfi_cte.rehearsal.script import (
    ASSOCIATIONS,
    COLLECTIONS,
    NEEDS,
    Script,
    Step,
    shipped_script,
)
from pytest_edfi_cte.rehearsal.task import Records, Task
from pytest_edfi_cte.rehearsal.traffic import Keys, Reader
from pytest_edfi_cte.rehearsal.troubles import add_descriptors, switch_on
from pytest_edfi_cte.rehearsal.words import failure
from pytest_edfi_cte.reporting.model import visible
from pytest_edfi_cte.sandboxes import started
from pytest_edfi_cte.secret import Redactor, Secret
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.waiting import Clock, Wait

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox import Sandbox

#: Acts for the product: a command (as a text, no shell reads it, or a
#: :class:`~pytest_edfi_cte.product.Command`), or a function of the task; an exception means that
#: the product failed.
Player = str | Command | Callable[[Task], object]


class Rehearsal:
    """One rehearsal, from ``with`` to its end. Steps are played in the order of the script.

    ``students``: how many the step batch is about. ``steps``: which are played, all by default.
    ``data_standard``: ``"4.0"`` or ``"5.0"``. ``school_year``: the year it ends in, default
    today's. ``seed``: of the fictional students. ``overrides``, ``descriptors`` and
    ``descriptor_file``: as ``--edfi-set``, ``--edfi-descriptor`` and ``--edfi-descriptor-file``;
    the API then has the state's values, too. ``retry_after``: seconds that the API asks for once.
    ``wait``: seconds that the product may go on after its step has returned. ``clock``: seconds
    since 1970 for what is recorded.

    Raises :class:`ConfigurationError` for values that make no sense.
    """

    def __init__(  # noqa: PLR0913 - every option by its name
        self,
        *,
        students: int = STUDENTS,
        steps: Sequence[str] = (),
        data_standard: str = "5.0",
        school_year: int | None = None,
        seed: int = 0,
        overrides: Mapping[str, str] | None = None,
        descriptors: Mapping[str, str] | None = None,
        descriptor_file: str | None = None,
        retry_after: float = RETRY_AFTER,
        wait: float = 0.0,
        clock: Callable[[], float] = time.time,
        script: Script | None = None,
        contract: Contract | None = None,
    ) -> None:
        if students < 1:
            raise ConfigurationError(f"{students} students: a batch has at least one")
        if retry_after < 0 or wait < 0:
            raise ConfigurationError("retry_after and wait are seconds, not below 0")
        self.script = script or shipped_script()
        self.steps = self.script.chosen(steps)
        self.redactor = Redactor()
        self._contract = contract or shipped()
        self.settings = Settings(
            school_year=current_school_year() if school_year is None else school_year,
            overrides=dict(overrides or {}),
            seed=seed,
        )
        self.data_standard = data_standard
        self.table = load(self._contract, self.settings, data_standard)
        self.students = students
        self._mapping = read_map(
            descriptors or {}, descriptor_file, descriptors_of(self.table), "--descriptor"
        )
        self._retry_after = retry_after
        self._wait = wait
        self._clock = clock
        self._resources = ExitStack()
        self._played: dict[str, Played] = {}
        schemas = self._contract.resource_schemas(data_standard)
        self._schemas = {name: schemas[name] for name in COLLECTIONS}
        self._keys = Keys(self._schemas)
        self._reader = Reader(self._keys)
        names = self._contract.descriptor_names
        self._props = Props(
            self.table,
            lambda name, code: f"{self.settings.namespace}/{names[name]}#{code}",
            seed,
            students,
        )
        #: Who acts where no product is given.
        self.product: Player | None = None
        self.prefix = Rehearsed.prefix
        self._sandbox: Sandbox | None = None
        self._folder = Path()

    def __enter__(self) -> Rehearsal:
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="edfi-rehearsal-")
            self._folder = Path(stack.enter_context(folder))
            sandbox = started(data_standard=self.data_standard, clock=self._clock)
            stack.callback(sandbox.close)
            self.redactor.add(Secret(sandbox.client_secret), client_id=sandbox.client_id)
            add_descriptors(sandbox, self._mapping.stored)
            self._sandbox = sandbox
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    # -- who and where ----------------------------------------------------------------------

    @property
    def sandbox(self) -> Sandbox:
        """The API that the product talks to; RuntimeError outside ``with``."""
        if self._sandbox is None:
            raise RuntimeError("the rehearsal has not begun: use it in a with statement")
        return self._sandbox

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return self.sandbox.url

    # -- playing ----------------------------------------------------------------------------

    def run(self, product: Player | None = None) -> Rehearsal:
        """Play every step with a product, by default :attr:`product`; the rehearsal itself."""
        for step in self.steps:
            self.act(step.id, product)
        return self

    def act(self, step: str, product: Player | None = None) -> Played:
        """Play one step; what was recorded.

        ``product``: a function of the :class:`Task`, or a command, run as ``COMMAND STEP``; by
        default :attr:`product`. Raises :class:`ConfigurationError` for a wrong step, and where
        there is no product.
        """
        product = product or self.product
        if product is None:
            raise ConfigurationError(
                f"nobody acts in the step {step}: give a product, or implement the hook "
                "pytest_edfi_rehearse(task) in a conftest.py"
            )
        if isinstance(product, str):
            product = command(product)
        with self.playing(step) as (task, note):
            if isinstance(product, Command):
                run = replace(product, words=(*product.words, step))
                act = run.run(task.environment, task.stdin)
            else:
                act = called(getattr(product, "__name__", "the product"), product, task)
            note(act)
        return self._played[step]

    @contextmanager
    def playing(self, name: str) -> Iterator[tuple[Task, Callable[[Act], None]]]:
        """A step while somebody else acts: its task, and a function to note what was done."""
        step = self._next(name)
        given = self._props.records(step)
        task = self._props.task(
            step,
            self._folder,
            url=self.url,
            client_id=self.sandbox.client_id,
            client_secret=self.sandbox.client_secret,
            school_year=self.settings.school_year,
        )
        first = self._seen()
        before = self._snapshot()
        acts: list[Act] = []
        with ExitStack() as faults:
            hits = switch_on(
                self.sandbox, faults, step, given, self.script.troubles, self._retry_after
            )
            yield task, acts.append
            self._settle(step, given)
        requests = self.sandbox.received(first)
        self._played[step.id] = Played(
            step,
            given,
            tuple(self._reader.sent(request) for request in requests),
            before,
            self._snapshot(),
            self._clean(acts[-1]) if acts else None,
            hits,
        )

    def _next(self, name: str) -> Step:
        if name not in [step.id for step in self.steps]:
            self.script.chosen([name, *filter(None, [NEEDS.get(name)])])  # is there such a one?
            raise ConfigurationError(f"the step {name} is not one of this rehearsal")
        if name in self._played:
            raise ConfigurationError(f"the step {name} was played already")
        need = NEEDS.get(name)
        if need and need not in self._played:
            raise ConfigurationError(f"the step {name} needs {need} to be played before it")
        return self.script.step(name)

    def _settle(self, step: Step, given: Records) -> None:
        """Wait while the product may still be at work: until all is there, or time is up."""
        wait = Wait(Clock(), self._wait)
        # Of the table's student and enrollment a product may leave out what the check leaves out.
        names = (ASSOCIATIONS,) if step.records == "table" else COLLECTIONS
        while wait.left and not all(self._there(name, given[name]) for name in names):
            wait.pause(lambda _left: None, wait.left)

    def _there(self, name: str, given: Sequence[dict[str, Any]]) -> bool:
        """True where the API has these records with these values."""
        stored = {self._keys.of(name, record): record for record in self.sandbox.records(name)}
        schema, accepts = self._schemas[name], self._mapping.accepts()
        there = [(record, stored.get(self._keys.of(name, record))) for record in given]
        return all(own and not differences(record, own, schema, accepts) for record, own in there)

    def _snapshot(self) -> dict[str, list[dict[str, Any]]]:
        return {name: self.sandbox.records(name) for name in COLLECTIONS}

    def _seen(self) -> int:
        """The number of the next request. What came between two steps is read, and not judged."""
        for request in self.sandbox.received(self._reader.next):
            self._reader.sent(request)
        return self._reader.next

    def _clean(self, act: Act) -> Act:
        def shown(text: str) -> str:
            return visible(self.redactor.clean(text))

        return replace(
            act, who=shown(act.who), outcome=shown(act.outcome), output=shown(act.output)
        )

    # -- judging ----------------------------------------------------------------------------

    @property
    def played(self) -> Mapping[str, Played]:
        """What was played so far, by step."""
        return self._played

    @property
    def results(self) -> list[Result]:
        """A verdict for every check, on what was played so far."""
        judged = ProductJudge(
            self.table,
            self._schemas[ASSOCIATIONS],
            accepts=self._mapping.accepts(),
            validator=self._contract.validator(self.data_standard, self.table.schema),
            label=f"by the API model, Data Standard {self.data_standard}",
        )
        rehearsed = Rehearsed(
            played=self._played,
            limits=self.script.limits,
            keys=self._keys,
            schemas=self._schemas,
            judge=judged,
            retry_after=self._retry_after,
            prefix=self.prefix,
        )
        return judge(rehearsed, self.script)

    @property
    def notes(self) -> list[str]:
        """What a reader of the result should know: troubles that no request met."""
        return [note for step in self._played.values() for note in unmet(step)]

    def require(self, check: str) -> Result:
        """The result of one check; raises :class:`NonConformance` where it is not met."""
        __tracebackhide__ = True
        name = self.script.check(check).id
        result = next(result for result in self.results if result.check.id == name)
        if not result.good:
            raise NonConformance(failure(result))
        return result

    def conclude(self, subtests: Any = None, *, strict: bool = False) -> list[Result]:
        """All results; raises :class:`NonConformance` with every check that is not met.

        A should that is not met fails only where ``strict``. With pytest's fixture ``subtests``
        each check is a subtest of its own.
        """
        __tracebackhide__ = True
        found = self.results
        wrong = [r for r in found if r.fails or (strict and not r.good)]
        if subtests is not None:
            for result in found:
                with subtests.test(msg=result.check.id):
                    if result in wrong:
                        raise NonConformance(failure(result))
            return found
        if wrong:
            raise NonConformance("\n\n".join(failure(result) for result in wrong))
        return found
