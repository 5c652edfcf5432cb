"""The questions that the store is asked about a collection, as SQL.

A question by parts of the natural key begins at the ``field`` index with one of them and looks
the others up per record, so that it reads what it answers with, however many records there are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_edfi_cte.sandbox.visibility import COVERED, VISIBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: What a record is read as: the fields of :class:`Stored`.
COLUMNS = "r.seq, r.id, r.resource, r.version, r.modified, r.student, r.edorg, r.body"

#: More rows than this are not counted when the narrowest condition of a query is looked for; the
#: second limit counts where all conditions reach the first, as no query does that names a student.
COUNT_LIMITS = (20, 1000)

#: How many records meet a condition, up to a limit.
WIDTH = (
    "SELECT count(*) FROM"
    " (SELECT 1 FROM field WHERE resource = ? AND name = ? AND value = ? LIMIT ?)"
)

#: Every ed-org that ``:claims`` cover.
CLAIMED = f"{COVERED} SELECT id FROM covered"  # noqa: S608 - a constant of this module

# Conditions on what every record has, beside its body.
_COMMON = {
    "id": "r.id =",
    "minChangeVersion": "r.version >=",
    "maxChangeVersion": "r.version <=",
}


class Stored(NamedTuple):
    """One record as it is kept; ``body`` is JSON text without id, ETag and date."""

    seq: int
    id: str
    resource: str
    version: int
    modified: str
    student: str | None
    edorg: int | None
    body: str


class Condition(NamedTuple):
    """``name`` equals ``value``; ``key`` when it is part of the natural key (and so indexed).

    Outside the key, ``name`` is a dotted path, or several with ``|`` between them: any may match;
    or ``id``, or ``minChangeVersion`` and ``maxChangeVersion``, which are bounds.
    """

    name: str
    value: Any
    key: bool


def narrowest_first(
    conditions: Sequence[Condition], width: Callable[[Condition, int], int]
) -> Sequence[Condition]:
    """The condition that fewest records meet leads; the others are probed per record.

    ``width(condition, limit)``: how many records meet a part of the natural key, counted so far.
    """
    if len(conditions) < 2:  # noqa: PLR2004 - nothing to choose from
        return conditions
    widths: list[int] = []
    for limit in COUNT_LIMITS:
        widths = [width(c, limit) if c.key else limit + 1 for c in conditions]
        if min(widths) < limit:
            break
    return [conditions[index] for index in sorted(range(len(widths)), key=widths.__getitem__)]


class Query:
    """Records of a resource that meet all conditions and that the claims may see (None: all).

    The first condition leads: the one that fewest records meet should.
    """

    def __init__(
        self, resource: str, conditions: Sequence[Condition], claims: Sequence[int] | None
    ) -> None:
        self._asked: dict[str, Any] = {"resource": resource}
        self._where = ["r.resource = :resource"]
        self._from = "FROM record r"
        # The order of the leading table is the order of its index: nothing is sorted.
        self._order = "r.seq"
        self._with = ""
        for index, condition in enumerate(conditions):
            self._add(index, condition)
        if claims is not None:
            self._with = COVERED
            self._asked["claims"] = json.dumps(claims)
            self._where.append(VISIBLE)

    def page(self, limit: int, offset: int, after: int) -> tuple[str, dict[str, Any]]:
        """The statement for a part of it, in the order of creation, and its values."""
        asked = self._asked | {"limit": limit, "offset": offset}
        where = " AND ".join(self._where)
        if after:
            asked["after"] = after
            where += f" AND {self._order} > :after"
        part = f"ORDER BY {self._order} LIMIT :limit OFFSET :offset"
        return f"{self._with} SELECT {COLUMNS} {self._from} WHERE {where} {part}", asked

    def count(self) -> tuple[str, dict[str, Any]]:
        """The statement that counts it, and its values."""
        where = " AND ".join(self._where)
        return f"{self._with} SELECT count(*) {self._from} WHERE {where}", self._asked

    def _add(self, index: int, condition: Condition) -> None:
        name, value = f"name{index}", f"value{index}"
        self._asked[value] = condition.value
        if condition.name in _COMMON:
            self._where.append(f"{_COMMON[condition.name]} :{value}")
        elif not condition.key:
            # Root properties outside the key are rare in queries: no index, one resource read.
            places = {f"{name}_{n}": p for n, p in enumerate(condition.name.split("|"))}
            self._asked |= places
            equal = (f"json_extract(r.body, '$.' || :{p}) = :{value}" for p in places)
            self._where.append(f"({' OR '.join(equal)})")
        else:
            self._asked[name] = condition.name
            match = f"f.resource = :resource AND f.name = :{name} AND f.value = :{value}"
            if index == 0:
                self._from = "FROM field f CROSS JOIN record r ON r.seq = f.seq"
                self._order = "f.seq"
                self._where.append(match)
            else:
                self._where.append(f"EXISTS(SELECT 1 FROM field f WHERE {match} AND f.seq = r.seq)")  # noqa: S608 - names and constants of this function
