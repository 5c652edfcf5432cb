"""Where records are kept: SQLite with one connection and one lock, so one writer at a time.

Keys, references and natural-key parts have indexes of their own; nothing that asks by key reads
more rows than it answers with. A write is one transaction: it happens whole or not at all.
"""

from __future__ import annotations

import itertools
import json
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_edfi_cte.sandbox import changes
from pytest_edfi_cte.sandbox.database import connect
from pytest_edfi_cte.sandbox.visibility import COVERED, VISIBLE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_edfi_cte.sandbox.changes import Change

Answer = TypeVar("Answer")

#: More rows than this are not counted when the narrowest condition of a query is looked for.
_COUNT_LIMIT = 1000

_COLUMNS = "r.seq, r.id, r.resource, r.version, r.modified, r.student, r.edorg, r.body"

# Conditions on what every record has, beside its body.
_COMMON = {
    "id": "r.id =",
    "minChangeVersion": "r.version >=",
    "maxChangeVersion": "r.version <=",
}

_BY_FIELD = "FROM field f CROSS JOIN record r ON r.seq = f.seq"


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


class Links(NamedTuple):
    """What the store knows about a record besides its body.

    ``fields``: natural-key part -> value. ``references``: seq of every record it refers to.
    ``parents``: (parent ed-org, ed-org) where the record is an ed-org.
    """

    identities: Sequence[tuple[str, str]]
    fields: Sequence[tuple[str, Any]]
    references: Iterable[int]
    parents: Sequence[tuple[int, int]]


class Condition(NamedTuple):
    """``name`` equals ``value``; ``key`` when it is part of the natural key (and so indexed).

    Outside the key, ``name`` is a dotted path, or several with ``|`` between them: any may match;
    or ``id``, or ``minChangeVersion`` and ``maxChangeVersion``, which are bounds.
    """

    name: str
    value: Any
    key: bool


class Store:
    """All records of one sandbox, in memory. Safe for use from several threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._db, self._seed = connect(), connect()
        # A connection that is merely forgotten is a ResourceWarning from Python 3.13 on.
        weakref.finalize(self, _close, self._db, self._seed)
        # Not reset by restore(): an ETag from before must never fit a record from after.
        self._versions = itertools.count(1)

    def remember(self) -> None:
        """Make the present state the one that :meth:`restore` goes back to."""
        with self.lock:
            self._db.backup(self._seed)

    def restore(self) -> None:
        """Back to the remembered state, an empty store if none was."""
        with self.lock:
            self._seed.backup(self._db)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One write at a time; undone as a whole when the block raises."""
        with self.lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def by_id(self, resource: str, record_id: str) -> Stored | None:
        """The record of a resource with this id."""
        return self._one("r.id = ? AND r.resource = ?", (record_id, resource))

    def by_key(self, entity: str, key: str) -> Stored | None:
        """The record that answers to a key, for an abstract entity whatever it is concretely."""
        return self._one(
            "r.seq = (SELECT seq FROM identity WHERE entity = ? AND key = ?)", (entity, key)
        )

    def insert(self, record: Stored, links: Links) -> Stored:
        """Keep a new record; ``seq`` and ``version`` are given here."""
        record = record._replace(version=next(self._versions))
        seq = self._db.execute(
            "INSERT INTO record(id, resource, version, modified, student, edorg, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            record[1:],
        ).lastrowid
        record = record._replace(seq=seq or 0)
        self._add_links(record, links)
        return record

    def update(self, record: Stored, links: Links) -> Stored:
        """Replace everything of a record but its ``seq`` and ``id``; a new version is given."""
        record = record._replace(version=next(self._versions))
        self._db.execute(
            "UPDATE record SET version = ?, modified = ?, student = ?, edorg = ?, body = ?"
            " WHERE seq = ?",
            (*record[3:], record.seq),
        )
        for table in ("identity", "reference", "field", "hierarchy"):
            self._db.execute(f"DELETE FROM {table} WHERE seq = ?", (record.seq,))  # noqa: S608 - names above
        self._add_links(record, links)
        return record

    def note(self, change: Change) -> None:
        """Keep a deletion or key change for change queries, under a version of its own."""
        changes.add(self._db, next(self._versions), change)

    def ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Read what other modules keep in this database, e.g. :mod:`changes`."""
        with self.lock:
            return question(self._db)

    def delete(self, record: Stored) -> None:
        """Remove a record; nothing may refer to it any more."""
        self._db.execute("DELETE FROM reference WHERE seq = ?", (record.seq,))
        self._db.execute("DELETE FROM record WHERE seq = ?", (record.seq,))

    def dependent(self, record: Stored) -> str | None:
        """The resource of a record that refers to this one, None if there is none."""
        found = self._rows(
            "SELECT r.resource FROM reference f JOIN record r ON r.seq = f.seq"
            " WHERE f.target = ? AND f.seq <> ? LIMIT 1",
            (record.seq, record.seq),
        )
        return str(found[0][0]) if found else None

    def visible(self, record: Stored, claims: Sequence[int]) -> bool:
        """Whether a key with these ed-org claims may see the record, stored yet or not."""
        if record.student is None and record.edorg is None:
            return True
        query = (
            f"{COVERED} SELECT {VISIBLE} FROM"  # noqa: S608 - constants of this module
            " (SELECT :student AS student, :edorg AS edorg) r"
        )
        asked = {"claims": json.dumps(claims), "student": record.student, "edorg": record.edorg}
        return bool(self._rows(query, asked)[0][0])

    def covers(self, claims: Sequence[int], edorg: int) -> bool:
        """Whether the ed-org is one of the claimed ones or below one."""
        query = f"{COVERED} SELECT :edorg IN (SELECT id FROM covered)"  # noqa: S608 - a constant of this module
        return bool(self._rows(query, {"claims": json.dumps(claims), "edorg": edorg})[0][0])

    def tied(self, student: str) -> bool:
        """Whether anything ties this student to any ed-org."""
        query = "SELECT 1 FROM record WHERE student = ? AND edorg IS NOT NULL LIMIT 1"
        return bool(self._rows(query, (student,)))

    def select(
        self,
        resource: str,
        conditions: Sequence[Condition] = (),
        *,
        claims: Sequence[int] | None = None,
        limit: int = -1,
        offset: int = 0,
        after: int = 0,
    ) -> list[Stored]:
        """Records of a resource in the order of their creation; -1 means no limit.

        ``after``: only those whose ``seq`` is greater.

        ``claims``: only what they may see; None sees everything.
        """
        source, asked = self._query(resource, conditions, claims)
        if after:
            source += " AND r.seq > :after"
        asked |= {"limit": limit, "offset": offset, "after": after}
        # The order of the leading table is the order of its index: nothing is sorted.
        order = "ORDER BY f.seq" if source.startswith(_BY_FIELD) else "ORDER BY r.seq"
        prefix = f"{COVERED} SELECT {_COLUMNS}"
        rows = self._rows(f"{prefix} {source} {order} LIMIT :limit OFFSET :offset", asked)
        return [Stored(*row) for row in rows]

    def count(
        self,
        resource: str,
        conditions: Sequence[Condition] = (),
        *,
        claims: Sequence[int] | None = None,
    ) -> int:
        """How many records :meth:`select` finds without limit and offset."""
        source, asked = self._query(resource, conditions, claims)
        return int(self._rows(f"{COVERED} SELECT count(*) {source}", asked)[0][0])

    def _query(
        self, resource: str, conditions: Sequence[Condition], claims: Sequence[int] | None
    ) -> tuple[str, dict[str, Any]]:
        asked: dict[str, Any] = {"resource": resource, "claims": json.dumps(claims or [])}
        where = ["r.resource = :resource"]
        source = "FROM record r"
        for index, condition in enumerate(self._narrowest_first(resource, conditions)):
            name, value = f"name{index}", f"value{index}"
            asked[value] = condition.value
            if condition.name in _COMMON:
                where.append(f"{_COMMON[condition.name]} :{value}")
                continue
            if not condition.key:
                # Root properties outside the key are rare in queries: no index, one resource read.
                places = {f"{name}_{n}": p for n, p in enumerate(condition.name.split("|"))}
                asked |= places
                equal = (f"json_extract(r.body, '$.' || :{p}) = :{value}" for p in places)
                where.append(f"({' OR '.join(equal)})")
                continue
            asked[name] = condition.name
            match = f"f.resource = :resource AND f.name = :{name} AND f.value = :{value}"
            if index == 0:
                source = _BY_FIELD
                where.append(match)
            else:
                where.append(f"EXISTS(SELECT 1 FROM field f WHERE {match} AND f.seq = r.seq)")  # noqa: S608 - names and constants of this function
        if claims is not None:
            where.append(VISIBLE)
        return f"{source} WHERE {' AND '.join(where)}", asked

    def _narrowest_first(self, resource: str, conditions: Sequence[Condition]) -> list[Condition]:
        """The condition that fewest records meet leads; the others are probed per record."""

        def width(condition: Condition) -> int:
            if not condition.key:
                return _COUNT_LIMIT + 1
            query = (
                "SELECT count(*) FROM (SELECT 1 FROM field"
                " WHERE resource = ? AND name = ? AND value = ? LIMIT ?)"
            )
            asked = (resource, condition.name, condition.value, _COUNT_LIMIT)
            return int(self._rows(query, asked)[0][0])

        return sorted(conditions, key=width) if len(conditions) > 1 else list(conditions)

    def _add_links(self, record: Stored, links: Links) -> None:
        seq, many = record.seq, self._db.executemany
        many("INSERT INTO identity VALUES (?, ?, ?)", [(*i, seq) for i in links.identities])
        many(
            "INSERT INTO field VALUES (?, ?, ?, ?)",
            [(record.resource, name, value, seq) for name, value in links.fields],
        )
        many("INSERT OR IGNORE INTO reference VALUES (?, ?)", [(seq, t) for t in links.references])
        many("INSERT INTO hierarchy VALUES (?, ?, ?)", [(*pair, seq) for pair in links.parents])

    def _one(self, where: str, asked: tuple[Any, ...]) -> Stored | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM record r WHERE {where}", asked)  # noqa: S608 - constants of the callers
        return Stored(*rows[0]) if rows else None

    def _rows(self, query: str, asked: tuple[Any, ...] | dict[str, Any]) -> list[Any]:
        with self.lock:
            return self._db.execute(query, asked).fetchall()


def _close(*connections: sqlite3.Connection) -> None:
    for connection in connections:
        connection.close()
