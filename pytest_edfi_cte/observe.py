"""Observe mode: the vendor's product acts, we only read, the product is judged.

Look, let the product act, look again until it is right, can only be wrong, or time is up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_edfi_cte.compare import ABSENT, at, equal_ids
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.evidence import Evidence
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.judgements import Judgement
from pytest_edfi_cte.observed import Before, ProductJudge
from pytest_edfi_cte.prerequisites import Prerequisites, slot_name
from pytest_edfi_cte.product import Act, Product
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.scenarios import Scenario, Table
from pytest_edfi_cte.turns import Speaker, Turn, readable
from pytest_edfi_cte.verdicts import show
from pytest_edfi_cte.watch import Look, Watch

Json = dict[str, Any]
RESET = (
    "  Delete it in the product, or let the product use another student: "
    "--edfi-set studentUniqueId=…"
)


class Observation:
    """Watches one product through scenarios of one table."""

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
        self._turn = Turn(run, product, voice, self._watch.look)

    # -- the scenarios ----------------------------------------------------------------------

    def carry_out(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The scenario, whatever its step; raises what the step's own method raises."""
        steps = {
            "create": self.create,
            "update": self.update,
            "upsert": self.update,
            "delete": self.delete,
            "absent": self.absent,
        }
        return steps[scenario.step](scenario, evidence)

    def create(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The product creates the record; what it sent is judged and kept for what follows.

        Raises :class:`NotTestable` where the record was there before and stayed as it was, or
        where the API would not be read.
        """
        begin = readable(self._watch.look(full=True))
        act = self._turn.let_act(scenario, evidence)
        watched = act is not None or self.run.settings.wait > 0
        known = _ids(begin.records) if watched else None

        def judged(records: tuple[Json, ...]) -> Judgement:
            return self.judge.created(scenario, records, known)

        look, judgement = self._turn.wait(scenario, evidence, begin, act, judged, changed=False)
        self._keep(scenario, look)
        old, new = self._own(begin), self._own(look)
        if old and new and equal_ids(old.get("id"), new.get("id")):
            touched = judge_unchanged(old, new, "", self.judge.schema)
            if act is not None and act.problem == "ok" and not touched:
                raise NotTestable(
                    f"the record was there before the product acted (id {old.get('id')}), and "
                    f"is as it was: whether the product creates it cannot be told.\n{RESET}"
                )
            what = "was updated by it" if touched else "did not change"
            evidence.steps.append((f"The record was there when the scenario began and {what}.", ""))
        return _with(act, judgement)

    def update(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The product updates the record: judged against what the scenario before it saw.

        That is what this run saw, else what the state file keeps, else what is there at the start.
        Raises :class:`NotTestable` where there is nothing to update, or nothing to see of it.
        """
        if not scenario.changed:
            raise NotTestable(
                "the scenario changes no value, so whether the product sent the record again "
                "cannot be read from it.\n  Drive mode judges it, or a row that differs."
            )
        begin = readable(self._watch.look(full=True))
        before = self._before(scenario, begin)
        self._refuse_what_is_done(scenario, begin, before)
        act = self._turn.let_act(scenario, evidence)

        def judged(records: tuple[Json, ...]) -> Judgement:
            return self.judge.updated(scenario, before, records)

        look, judgement = self._turn.wait(scenario, evidence, begin, act, judged, changed=True)
        self._keep(scenario, look)
        return _with(act, judgement)

    def delete(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The product deletes the record: it is gone, by its id and by its natural key.

        Raises :class:`NotTestable` where there is nothing to delete.
        """
        begin = readable(self._watch.look(full=True))
        before = self._before(scenario, begin)
        if not any(equal_ids(record.get("id"), before.id) for record in begin.records):
            raise NotTestable(
                f"the record (id {before.id}) was gone before the product was to delete it."
                f"\n  {self._first(scenario)}"
            )
        return self._gone(scenario, evidence, begin, before)

    def absent(self, scenario: Scenario, evidence: Evidence) -> list[Finding]:
        """The record stays away once it is deleted, whatever the product sends then.

        Raises :class:`NotTestable` where the record was never seen.
        """
        begin = readable(self._watch.look(full=True))
        return self._gone(scenario, evidence, begin, self._before(scenario, begin))

    def _gone(
        self, scenario: Scenario, evidence: Evidence, begin: Look, before: Before
    ) -> list[Finding]:
        self.run.observing.seen[self._slot("create")] = before
        act = self._turn.let_act(scenario, evidence)

        def judged(records: tuple[Json, ...]) -> Judgement:
            return self.judge.gone(before, records)

        stays = scenario.step == "absent"
        _, judgement = self._turn.wait(
            scenario, evidence, begin, act, judged, changed=True, stays=stays
        )
        return _with(act, judgement)

    # -- what was there before --------------------------------------------------------------

    def _before(self, scenario: Scenario, begin: Look) -> Before:
        kept = self.run.observing.seen.get(self._slot("create"))
        if kept is None and self.run.observing.state_file is not None:
            kept = self.run.observing.state_file.before(self.table)
        if kept is not None:
            return self._still(kept, begin)
        own = self._own(begin)
        if own is None:
            key = ", ".join(f"{n}={v}" for n, v in self.table.key_of(self._payload()).items())
            missing = f"there is no record to {scenario.step} under the natural key ({key})."
            if scenario.step == "absent":
                missing = f"no record was seen under the natural key ({key}) that could stay away."
            raise NotTestable(f"{missing}\n  {self._first(scenario)}")
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
                f"the state file is about a record with another {' and '.join(parts)}.\n"
                "  Give both phases the same --edfi-set, or run --edfi-phase=create again."
            )
        return kept

    def _refuse_what_is_done(self, scenario: Scenario, begin: Look, before: Before) -> None:
        moved = self.judge.under_key(begin.records, "update") if self.table.moves else []
        if moved:
            raise NotTestable(
                f"there is a record under the natural key that scenario {scenario.number} asks for "
                f"(id {moved[0].get('id')}) before the product was to act, so an update would show "
                f"nothing.\n{RESET}"
            )
        if not self.judge.is_updated(scenario, before):
            return
        changes = self.judge.changes(scenario)
        names = [change.path.rpartition(".")[2] for change in changes]
        old = [self._as_it_was(change.path) for change in changes]
        back = " and ".join(f"{name} back to {was}" for name, was in zip(names, old, strict=True))
        raise NotTestable(
            f"the record (id {before.id}) had the value that scenario {scenario.number} asks "
            f"for before the product was to update it ({', '.join(names)}), so an update would "
            f"show nothing.\n  Change {back} in the product and let it send that, or let it use "
            "another student: --edfi-set studentUniqueId=…"
        )

    def _as_it_was(self, path: str) -> str:
        row = next(row for row in self.table.rows if row.path == path)
        was = row.values.get("create", at(self._payload(), path))
        return "nothing" if was is ABSENT else show(was)

    # -- small things -----------------------------------------------------------------------

    def _first(self, scenario: Scenario) -> str:
        """What must come before a scenario that changes or removes a record."""
        number = self.table.scenario("create").number
        does = "creates it" if number < scenario.number else "is about it"
        return f"Scenario {number} {does}: let the product do that first."

    def _payload(self) -> Json:
        return self.table.payload("create")

    def _slot(self, state: str) -> str:
        return slot_name(self.table.resource, self.table.key_of(self.table.payload(state)))

    def _own(self, look: Look, state: str = "create") -> Json | None:
        return next(iter(self.judge.under_key(look.records, state)), None)

    def _keep(self, scenario: Scenario, look: Look) -> None:
        """The record as the scenario saw it: what the next one is compared with."""
        own = self._own(look, scenario.state)
        if own is None or not isinstance(own.get("id"), str):
            return
        before = self.run.observing.seen[self._slot(scenario.state)] = _before(own, look.records)
        if self.run.observing.state_file is not None and scenario.step == "create":
            etag = self._watch.etag or own.get("_etag")
            self.run.observing.state_file.write(
                self.table,
                own,
                before.others or (),
                etag if isinstance(etag, str) else None,
                self.run.clock.utc(),
            )


def _before(own: Json, records: Iterable[Json]) -> Before:
    return Before(own["id"], own, _ids(records) - {own["id"]})


def _ids(records: Iterable[Json]) -> frozenset[str]:
    return frozenset(r["id"] for r in records if isinstance(r.get("id"), str))


def _with(act: Act | None, judgement: Judgement) -> list[Finding]:
    """A step of the product that failed explains the rest."""
    return [*([act.finding()] if act is not None else []), *judgement.findings]
