"""Judging what a product sent, from records alone: no HTTP, no pytest, no waiting.

Given are the records of the table's resource (as JSON with ``id``) among which the product's one
should be, and before an update or a delete the record as it was. The caller decides where they come
from (an API that is watched, the sandbox's memory) and, for a judgement that is still open, whether
to look again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_edfi_cte.compare import ABSENT, at, equal_ids, identity_of, nothing, same_json, short
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.judge import Finding, Kind
from pytest_edfi_cte.judgements import Judgement, of_a_product, ordered
from pytest_edfi_cte.observed_records import RecordJudge, count, miss, second
from pytest_edfi_cte.scenarios import TABLE_RULE, Scenario

Json = dict[str, Any]
IN_PLACE = "an update in place, by the certification"
MOVED = "one record, under its new natural key, by the certification table"
GONE = "deleted, by the certification table"


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Before:
    """The record before an update or a delete. ``id`` is its place in the API.

    ``record`` may hold something in the place of values (fingerprints, where they are kept in a
    file): then ``view`` makes a record comparable with it, and ``shown`` gives the value behind a
    fingerprint, or a text where it is not known. ``others``: the ids of the student's other
    records at the time, None where they are not known.
    """

    id: str
    record: Mapping[str, Any]
    others: frozenset[str] | None = None
    view: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_it_is
    shown: Callable[[Any], Any] = _as_it_is


@dataclass(frozen=True)
class Change:
    """One thing that an update changes: where findings see it, and what it then is.

    ``collection`` is set where it is inside an element, ``name`` then is the path in there. An
    element that gets another identity is another element: ``replaces`` is its collection.
    """

    path: str
    where: str
    wanted: Any
    collection: str = ""
    name: str = ""
    replaces: bool = False

    def covers(self, where: str) -> bool:
        """True for a difference that this change explains; inside elements see ``_told``."""
        if self.collection:
            return False
        if self.replaces:
            return where == self.path or where.startswith((f"{self.path}[", f"{self.path}."))
        return where == self.where or self.where.startswith(f"{where}.")


class ProductJudge(RecordJudge):
    """Judges what a product made of its record: a create, an update, a delete."""

    # -- what an update changes -------------------------------------------------------------

    def changes(self, scenario: Scenario) -> list[Change]:
        """What the scenario's column has and the record before it had not."""
        collections = [row.path for row in self.table.rows if row.collection]
        whole = [path for path in scenario.changed if path in collections]
        asked = scenario.payload
        found = []
        for path in scenario.changed:
            inside = next((c for c in collections if path.startswith(f"{c}.")), None)
            if inside in whole:
                continue
            if path in whole:
                found.append(self._of_element(path, asked))
            elif inside is None:
                found.append(Change(path, path, at(asked, path)))
            else:
                element, name = at(asked, inside)[0], path.removeprefix(f"{inside}.")
                label = short(at(element, identity_of(self.schema, inside)[0]))
                where = f"{inside}[{label}].{name}"
                found.append(Change(path, where, at(element, name), inside, name))
        return found

    def _of_element(self, path: str, asked: Json) -> Change:
        if at(asked, path) is ABSENT:
            return Change(path, path, ABSENT, replaces=True)
        wanted = at(at(asked, path)[0], identity_of(self.schema, path)[0])
        return Change(path, f"{path}[{short(wanted)}]", wanted, replaces=True)

    def _now(self, change: Change, scenario: Scenario, record: Mapping[str, Any]) -> Any:
        """What a record has where the change is: a value, or the keys of its elements."""
        if change.replaces:
            elements = at(record, change.path)
            if not isinstance(elements, list) or not elements:
                return ABSENT
            key = identity_of(self.schema, change.path)[0]
            names = [at(element, key) for element in elements]
            is_there = any(same_json(name, change.wanted, self.accepts) for name in names)
            return change.wanted if is_there else names
        if change.collection:
            element = self._element(record, change.collection, scenario)
            return at(element, change.name)
        return at(record, change.path)

    def _element(self, record: Mapping[str, Any], collection: str, scenario: Scenario) -> Any:
        """The table's element of a collection, ABSENT where it is not there."""
        wanted = at(scenario.payload, collection)[0]
        key = identity_of(self.schema, collection)[0]
        elements = at(record, collection)
        found = elements if isinstance(elements, list) else []
        return next((e for e in found if self.is_service(e, wanted, key)), ABSENT)

    def is_updated(self, scenario: Scenario, before: Before) -> bool:
        """True where the record was as the scenario wants it before anything was to happen."""
        was = before.shown(before.record)
        changes = self.changes(scenario)
        return bool(changes) and all(
            same_json(now, change.wanted) or (nothing(now) and nothing(change.wanted))
            for change, now in ((c, self._now(c, scenario, was)) for c in changes)
        )

    # -- an update --------------------------------------------------------------------------

    def updated(self, scenario: Scenario, before: Before, records: Sequence[Json]) -> Judgement:
        """The record after an update: what the table changes is changed, and nothing else.

        In place, under the same id. Where the table gives the record another natural key it may
        also be deleted and created anew: not every API lets a key change.
        """
        if self.table.moves:
            return self._moved(scenario, before, records)
        own = _own(before, records)
        mine = self.under_key(records)
        others = [r for r in records if r is not own and r not in mine]
        more = list(_new(others, before))
        if own is None:
            if mine:
                new = Finding("id", before.id, mine[0].get("id"), IN_PLACE, "recreated")
                return Judgement(ordered([new, *self.values(scenario, mine[0])]))
            where = f"the record of scenario {self.table.scenario('create').number}"
            gone = Finding(where, before.id, ABSENT, IN_PLACE, "deleted")
            return Judgement((gone, *self.near(others, before.others)))
        differences = self._differences(before, own)
        found = [
            Finding("id", before.id, own.get("id"), IN_PLACE),
            *more,
            *([count(mine)] if len(mine) > 1 else []),
            *self._told(scenario, before, own, differences),
        ]
        still = not differences and bool(scenario.changed)
        if still:
            found += self._not_updated(scenario, own)
        found += self._cleared(scenario, before, own)
        values = self.values(scenario, own)
        is_open = still and not more and len(mine) == 1
        return Judgement(ordered([*found, *values]), open=is_open)

    def _moved(self, scenario: Scenario, before: Before, records: Sequence[Json]) -> Judgement:
        """The record under its new key, with its id or another, and none under the old one."""
        new, old = self.under_key(records, "update"), self.under_key(records)
        own = _own(before, records)
        rest = [r for r in records if r is not own and r not in new and r not in old]
        if not new:
            if own is not None or old:
                parts = self.differing_key(own or old[0], "update")
                if own in old or own is None:
                    said = [Finding(*part, MOVED, "not-updated") for part in parts]
                else:
                    said = [miss(own, *part) for part in parts]
            else:
                gone = Finding("records under the new natural key", 1, 0, MOVED, "not-moved")
                said = [gone, *self.near(rest, before.others, "update")]
            return Judgement(tuple(said), open=True)
        differences = self._differences(before, new[0], same_id=False)
        found = [
            count(new),
            *(_left(r) for r in old),
            *_new(rest, before),
            *self._told(scenario, before, new[0], differences),
            *self._cleared(scenario, before, new[0]),
            *self.values(scenario, new[0]),
        ]
        return Judgement(ordered(found))

    def _differences(self, before: Before, after: Json, *, same_id: bool = True) -> list[Finding]:
        """What differs between the record as it was and as it is, with readable values."""
        was: Mapping[str, Any] = before.record
        if not same_id:
            was = {name: value for name, value in was.items() if name != "id"}
            after = {name: value for name, value in after.items() if name != "id"}
        found = judge_unchanged(was, before.view(after), "", self.schema, self.spelled)
        return [
            replace(
                f,
                where=_MARKED.sub(lambda mark: f"[{short(before.shown(mark[1]))}]", f.where),
                expected=before.shown(f.expected),
                received=before.shown(f.received),
            )
            for f in found
        ]

    def _not_updated(self, scenario: Scenario, record: Json) -> Iterator[Finding]:
        """What the scenario is about, as it still is."""
        required = {row.path: row.required for row in self.table.rows}
        for change in self.changes(scenario):
            rule = f"{required[change.path]} {TABLE_RULE}"
            received = self._now(change, scenario, record)
            yield Finding(change.where, change.wanted, received, rule, "not-updated")

    def _cleared(
        self, scenario: Scenario, before: Before, after: Mapping[str, Any]
    ) -> Iterator[Finding]:
        """What was to get another value and has none now: a product that had it can send it."""
        required = {row.path: row.required for row in self.table.rows}
        was = before.shown(before.record)
        for change in self.changes(scenario):
            old, now = (self._now(change, scenario, record) for record in (was, after))
            if nothing(now) and not nothing(change.wanted) and not nothing(old):
                rule = f"{required[change.path]} {TABLE_RULE}"
                kind: Kind = "not-supplied" if now is ABSENT else "supplied-null"
                yield Finding(change.where, change.wanted, now, rule, kind)

    def _told(
        self, scenario: Scenario, before: Before, after: Json, differences: Sequence[Finding]
    ) -> list[Finding]:
        """What changed beside what should, told as what the product did."""
        changes = self.changes(scenario)
        told = [f for f in differences if not any(c.covers(f.where) for c in changes)]
        seen = [f.where for f in told]
        was = before.shown(before.record)
        elements = [
            (c, self._element(was, c.collection, scenario)) for c in changes if c.collection
        ]
        labels = [self._label(c.collection, element) for c, element in elements]
        targets = [
            f"{label}.{c.name}" for label, (c, _) in zip(labels, elements, strict=True) if label
        ]
        rest = [of_a_product(f) for f in told if f.where not in targets]
        for label, (change, old) in zip(labels, elements, strict=True):
            collection = change.collection
            gone = next((f for f in rest if f.where == label and f.received is ABSENT), None)
            if gone is not None:
                key = identity_of(self.schema, collection)[0]
                now = at(after, collection)
                names = [at(e, key) for e in now] if isinstance(now, list) else now
                replaced = Finding(label, at(old, key), names, IN_PLACE, "service-replaced")
                inside = f"{collection}["
                rest = [replaced, *(f for f in rest if not f.where.startswith(inside))]
            elif f"{label}.{change.name}" not in seen:
                rest = [_of_another(f, change) for f in rest]
        return rest

    def _label(self, collection: str, element: Any) -> str:
        """How findings name an element of a record; "" where there is none."""
        key = at(element, identity_of(self.schema, collection)[0])
        return "" if element is ABSENT else f"{collection}[{short(key)}]"

    # -- a delete ---------------------------------------------------------------------------

    def gone(self, before: Before, records: Sequence[Json]) -> Judgement:
        """The record after a delete: there neither by its id nor by its natural key."""
        own = _own(before, records)
        mine = self.under_key(records)
        here, number = "the record", "records under the natural key"
        if own is not None:
            still = Finding(here, ABSENT, own.get("id"), GONE, "not-deleted")
            return Judgement((still,), open=True)
        kind: Kind = "sent-again" if mine else "ok"
        found = [
            Finding(here, ABSENT, ABSENT, GONE),
            Finding(number, 0, len(mine), GONE, kind),
            *_new([r for r in records if r not in mine], before),
        ]
        return Judgement(ordered(found))


#: An element's key in the name of a place, where a fingerprint stands for it.
_MARKED = re.compile(r"\[(fingerprint:[0-9a-f]+)\]")


def _own(before: Before, records: Sequence[Json]) -> Json | None:
    return next((r for r in records if equal_ids(r.get("id"), before.id)), None)


def _new(records: Sequence[Json], before: Before) -> Iterator[Finding]:
    """Records that were not there before; none where that is not known."""
    for record in records:
        if before.others is not None and record.get("id") not in before.others:
            yield second(record)


def _of_another(finding: Finding, change: Change) -> Finding:
    """The finding, told as the change made to another element than the table's."""
    where = finding.where
    same = where.startswith(f"{change.collection}[") and where.endswith(f"].{change.name}")
    return replace(finding, kind="wrong-service") if same else finding


def _left(record: Json) -> Finding:
    where = "the record under the old natural key"
    return Finding(where, ABSENT, record.get("id"), MOVED, "old-key-kept")
