"""Observe mode: the vendor's product acts, we only read, the product is judged.

Look, let the product act, look again until it is right, can only be wrong, or time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from pytest_edfi_cte.compare import ABSENT, equal_ids
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.judgements import Judgement
from pytest_edfi_cte.observed import Before, ProductJudge
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.product import Act, Driver, Product, let_act
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario, Table
from pytest_edfi_cte.verdicts import show
from pytest_edfi_cte.waiting import Wait, in_words
from pytest_edfi_cte.watch import Look, Watch

Json = dict[str, Any]
FOREVER = float("inf")
RESET = (
    "  Delete it in the product, or let the product use another student: "
    "--edfi-set studentUniqueId=…"
)
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


class Observation:
    """Watches one product through the two scenarios of a run."""

    def __init__(
        self,
        run: Run,
        prerequisites: Prerequisites,
        table: Table,
        product: Product,
        voice: Speaker,
    ) -> None:
        self.run = run
        self.table = table
        self._product = product
        self._voice = voice
        records = prerequisites.records
        standard = records.session.api.standard
        rows = [row for row in table.rows if row.type == "descriptor"]
        used = {row.values[step]: row.path for row in rows for step in row.values}
        unmapped = [uri for uri in used if len(run.mapping.stored_as(uri)) == 1]
        for value in prerequisites.spell(list(used), used):
            if value.uri in unmapped:
                run.note(f"The API does not have {value}, so no product can send it.")
        self.judge = ProductJudge(
            table,
            run.contract.schema(standard, table.schema),
            accepts=run.mapping.accepts(prerequisites.same_descriptor),
            spelled=prerequisites.same_descriptor,
            validator=run.contract.validator(standard, table.schema),
            label=f"by the API model, Data Standard {standard}",
        )
        self._watch = Watch(records, self.judge, run.mapping)

    # -- the scenarios ----------------------------------------------------------------------

    def create(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The product creates the record; what it sent is judged and kept for the update.

        Raises :class:`NotTestable` where the record was there before and stayed as it was, or
        where the API would not be read.
        """
        begin = self._readable(self._watch.look(full=True))
        act = self._let_act(scenario, evidence)
        watched = act is not None or self.run.settings.wait > 0
        known = _ids(begin.records) if watched else None

        def judged(records: tuple[Json, ...]) -> Judgement:
            return self.judge.created(scenario, records, known)

        look, judgement = self._wait(scenario, evidence, begin, act, judged, changed=False)
        self._keep(look)
        old, new = self._own(begin), self._own(look)
        if old and new and equal_ids(old.get("id"), new.get("id")):
            touched = judge_unchanged(old, new, "", self.judge.schema)
            if act is not None and act.problem == "ok" and not touched:
                raise NotTestable(
                    f"the association was there before the product acted (id {old.get('id')}), and "
                    f"is as it was: whether the product creates it cannot be told.\n{RESET}"
                )
            what = "was updated by it" if touched else "did not change"
            evidence.steps.append((f"The record was there when the scenario began and {what}.", ""))
        return _with(act, judgement)

    def update(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The product updates the record: judged against what scenario 1 saw.

        That is what this run saw, else what the state file keeps, else what is there at the start.
        Raises :class:`NotTestable` where there is nothing to update.
        """
        begin = self._readable(self._watch.look(full=True))
        before = self._before(begin)
        if self.judge.is_updated(scenario, before):
            path = scenario.changes or ""
            name = path.rpartition(".")[2]
            rows = self.table.rows
            old = next(show(row.values["create"]) for row in rows if row.path == path)
            raise NotTestable(
                f"the association (id {before.id}) had the value that scenario 2 asks for before "
                f"the product was to update it ({name}), so an update would show nothing.\n"
                f"  Change {name} back to {old} in the product and let it send that, or let it use "
                "another student: --edfi-set studentUniqueId=…"
            )
        act = self._let_act(scenario, evidence)

        def judged(records: tuple[Json, ...]) -> Judgement:
            return self.judge.updated(scenario, before, records)

        _, judgement = self._wait(scenario, evidence, begin, act, judged, changed=True)
        return _with(act, judgement)

    def _before(self, begin: Look) -> Before:
        kept = self.run.observing.before
        if kept is None and self.run.observing.state_file is not None:
            kept = self.run.observing.state_file.before(self.table)
        if kept is not None:
            return self._still(kept, begin)
        own = self._own(begin)
        if own is None:
            key = ", ".join(f"{n}={v}" for n, v in self.table.key_of(self._payload()).items())
            raise NotTestable(
                f"there is no association to update under the natural key ({key}).\n"
                "  Scenario 1 creates it: let the product do that first."
            )
        if not isinstance(own.get("id"), str):
            raise NotTestable(
                "the API shows no id in its records, so whether one is updated in place cannot be "
                "told."
            )
        return _before(own, begin.records)

    def _still(self, kept: Before, begin: Look) -> Before:
        """What was kept, unless it is about another record: then nobody deleted this one."""
        if any(equal_ids(record.get("id"), kept.id) for record in begin.records):
            return kept
        other = self._watch.read(kept.id)
        parts = [path for path, _, _ in self.judge.differing_key(other)] if other else []
        if parts:
            raise NotTestable(
                f"the state file is about an association with another {' and '.join(parts)}.\n"
                "  Give both phases the same --edfi-set, or run --edfi-phase=create again."
            )
        return kept

    def _payload(self) -> Json:
        return self.table.payload("create")

    # -- acting and waiting -----------------------------------------------------------------

    def _let_act(self, scenario: Scenario, evidence: Evidence) -> Act | None:
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

    def _wait(
        self,
        scenario: Scenario,
        evidence: Evidence,
        begin: Look,
        act: Act | None,
        judged: Callable[[tuple[Json, ...]], Judgement],
        *,
        changed: bool,
    ) -> tuple[Look, Judgement]:
        """Look until right, settled wrong, or time is up. ``changed``: ``begin`` counts as new."""
        clock, settle = self.run.clock, self.run.settings.settle
        # A product that says it failed will not send anything any more.
        seconds = self.run.settings.wait if act is None or act.problem == "ok" else 0.0
        wait, began = Wait(clock, seconds), clock.now()
        if seconds:
            self._voice.say([f"  Waiting for it, up to {in_words(seconds)} (Ctrl-C ends the run)."])
        last, since = begin, began if changed else None
        look = begin if act is None else self._watch.look(full=True)
        looks = 1
        while True:
            at_most = FOREVER
            news = look.problem or ""
            if not look.problem:
                if look.differs_from(last):
                    last, since = look, clock.now()
                    wait.hurry()
                judgement = judged(look.records)
                if judgement.right and look.full:
                    end = "There and right"
                    break
                if not judgement.open and since is not None:
                    at_most = settle - (clock.now() - since)
                    if at_most <= 0 and look.full:
                        end = f"Wrong, and unchanged for {in_words(settle)}"
                        break
                news = _news(judgement)
            if not wait.left and look.full:
                self._readable(look)
                end = "Time is up" if seconds else "Judged as it is"
                break
            decided = not look.problem and (judgement.right or at_most <= 0)
            if not decided and wait.left:
                with self._told_if_interrupted(scenario):
                    wait.pause(partial(self._voice.waiting, scenario.number, news), at_most)
            # What is decided is decided on a look at all of it, not at the one record's address.
            look = self._watch.look(full=decided or not wait.left)
            looks += 1
        text = f"{end} after {in_words(clock.now() - began)} ({looks} look{'s' * (looks > 1)})."
        evidence.steps.append((text, ""))
        self._voice.say([f"  {text}"])
        return look, judgement

    # -- small things -----------------------------------------------------------------------

    def _own(self, look: Look) -> Json | None:
        return next(iter(self.judge.under_key(look.records)), None)

    def _keep(self, look: Look) -> None:
        """The record as scenario 1 saw it: what the update is compared with."""
        own = self._own(look)
        if own is None or not isinstance(own.get("id"), str):
            return
        before = self.run.observing.before = _before(own, look.records)
        if self.run.observing.state_file is not None:
            others = before.others or ()
            etag = self._watch.etag or own.get("_etag")
            self.run.observing.state_file.write(
                self.table,
                own,
                others,
                etag if isinstance(etag, str) else None,
                self.run.clock.utc(),
            )

    @staticmethod
    def _readable(look: Look) -> Look:
        if look.problem:
            raise NotTestable(f"the product's records cannot be read: {look.problem}")
        return look


def _before(own: Json, records: Iterable[Json]) -> Before:
    return Before(own["id"], own, _ids(records) - {own["id"]})


def _ids(records: Iterable[Json]) -> frozenset[str]:
    return frozenset(r["id"] for r in records if isinstance(r.get("id"), str))


def _with(act: Act | None, judgement: Judgement) -> list[Finding]:
    """A step of the product that failed explains the rest."""
    return [*([act.finding()] if act is not None else []), *judgement.findings]


def _news(judgement: Judgement) -> str:
    """What the last look has shown, in few words: it must fit a line of a terminal."""
    wrong = next((finding for finding in judgement.findings if not finding.ok), None)
    if wrong is None:
        return "there and right"
    if wrong.kind == "not-sent":
        return "not there yet"
    name = wrong.where.partition(" (of ")[0].rpartition(".")[2]
    received = "nothing" if wrong.received is ABSENT else show(wrong.received)
    expected = "nothing" if wrong.expected is ABSENT else show(wrong.expected)
    text = f"{name} is {received}, expected {expected}"
    if wrong.kind == "not-updated":
        return f"not changed yet: {text}"
    return f"under another key: {text}" if judgement.open else f"there, but {text}"
