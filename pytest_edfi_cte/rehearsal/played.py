"""What was played and recorded: all that the checks look at. Plain data, no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.rehearsal.script import COLLECTIONS, Limits, Step, Trouble
from pytest_edfi_cte.rehearsal.task import Records
from pytest_edfi_cte.rehearsal.traffic import Key, Keys, Sent

if TYPE_CHECKING:
    from pytest_edfi_cte.observed import ProductJudge
    from pytest_edfi_cte.product import Act

Json = dict[str, Any]


class NothingSent(NotTestable):
    """The product sent nothing that could be judged."""


@dataclass(frozen=True)
class Hit:
    """A trouble and whose records it struck: the student's, None for everybody's."""

    trouble: Trouble
    student: str | None

    def struck(self, sent: Sent) -> bool:
        """True where this is a request that the trouble struck."""
        status = self.trouble.status or 0
        return (
            sent.request.fault is not None
            and sent.writes
            and sent.collection == self.trouble.resource
            and sent.status == status
            and self.student in (None, sent.student)
        )


@dataclass(frozen=True)
class Played:
    """One step as it was played.

    ``given``: the records that must be in the API afterwards. ``sent``: the requests of the step,
    in order. ``before`` and ``after``: what the API held, by collection. ``act``: what the
    product's own step did, None for a person.
    """

    step: Step
    given: Records
    sent: tuple[Sent, ...]
    before: Records
    after: Records
    act: Act | None = None
    hits: tuple[Hit, ...] = ()

    @property
    def writes(self) -> list[Sent]:
        """Records that were sent, accepted or not."""
        return [one for one in self.sent if one.writes]

    @property
    def accepted(self) -> list[Sent]:
        """Records that were sent and accepted."""
        return [one for one in self.writes if one.accepted]

    def nothing(self) -> NothingSent:
        """The reason where nothing was sent that could be judged."""
        if not self.sent:
            return nothing_sent(self)
        requests = [one for one in self.sent if one.request.fault is None]
        last = requests[-1].line if requests else self.sent[-1].line
        what = f"the product sent no record that was accepted; its last request: {last}"
        return NothingSent(f"step {self.step.id}: {what}")


def nothing_sent(*steps: Played) -> NothingSent:
    """The reason where no request came in these steps."""
    names = ", ".join(played.step.id for played in steps)
    return NothingSent(f"step{'s' * (len(steps) > 1)} {names}: the product sent nothing at all")


@dataclass(frozen=True)
class Rehearsed:
    """Everything a rehearsal knows at its end.

    ``retry_after``: seconds that the API asked for. ``judge``: judges the records of the resource
    by the certification table, mappings applied. ``schemas``: by collection. ``prefix``: how the
    names of the run's options begin; next steps name them.
    """

    played: Mapping[str, Played]
    limits: Limits
    keys: Keys
    schemas: Mapping[str, Json]
    judge: ProductJudge
    retry_after: float = 0.0
    prefix: str = "--edfi-"

    def steps(self, *names: str) -> list[Played]:
        """The played ones of these steps, in this order."""
        return [self.played[name] for name in names if name in self.played]

    def key(self, collection: str, record: Json) -> Key:
        """The natural key of a record that has one."""
        key = self.keys.of(collection, record)
        if key is None:
            raise ValueError(f"a record of {collection} without its natural key: {record}")
        return key

    def by_key(self, records: Records) -> dict[tuple[str, Key], Json]:
        """Records by collection and natural key."""
        return {
            (name, self.key(name, record)): record
            for name in COLLECTIONS
            for record in records.get(name, ())
        }
