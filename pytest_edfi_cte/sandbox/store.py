"""Where records are kept: SQLite with one connection and one lock, so one writer at a time.

Keys, references and natural-key parts have indexes of their own; nothing that asks by key reads
more rows than it answers with. A write is one transaction: it happens whole or not at all, and in
a file it outlives the process from the moment that it is answered.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from contextlib import contextmanager
from json import dumps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_edfi_cte.sandbox import changes
from pytest_edfi_cte.sandbox.database import TABLES, About, connect, create, is_new
from pytest_edfi_cte.sandbox.queries import (
    CLAIMED,
    COLUMNS,
    WIDTH,
    Condition,
    Query,
    Stored,
    narrowest_first,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pytest_edfi_cte.sandbox.changes import Change

__all__ = ["Condition", "Links", "Store", "Stored"]

Answer = TypeVar("Answer")

# How a transaction begins, is undone and ends; an inner one is a part of the outer one.
_OUTER = ("BEGIN IMMEDIATE", ("ROLLBACK",), "COMMIT")
_INNER = ("SAVEPOINT part", ("ROLLBACK TO part", "RELEASE part"), "RELEASE part")


class Links(NamedTuple):
    """What the store knows about a record besides its body.

    ``fields``: natural-key part -> value. ``references``: seq of every record it refers to.
    ``parents``: (parent ed-org, ed-org) where the record is an ed-org.
    """

    identities: Sequence[tuple[str, str]]
    fields: Sequence[tuple[str, Any]]
    references: Iterable[int]
    parents: Sequence[tuple[int, int]]


class Store:
    """All records of one sandbox, in memory or in a file. Safe for use from several threads.

    ``new``: nothing was ever planted in it. Raises :class:`~database.DatabaseRefused`.
    """

    def __init__(self, about: About, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._about = about
        self._db = connect(path, about)
        # A connection that is merely forgotten is a ResourceWarning from Python 3.13 on.
        self.close = weakref.finalize(self, _close, self._db)
        # Claims -> every ed-org that they cover, until the hierarchy changes.
        self._covered: dict[tuple[int, ...], frozenset[int]] = {}
        self.new = is_new(self._db)
        # Not reset by restore(), and kept with the records: an ETag from before must never fit a
        # record from after.
        last = 0 if self.new else self._rows("SELECT version FROM about", ())[0][0]
        self._versions = itertools.count(last + 1)

    @property
    def seed(self) -> str:
        """The name of what was planted, as :meth:`planting` was told."""
        return "" if self.new else str(self._rows("SELECT seed FROM about", ())[0][0])

    @contextmanager
    def planting(self, seed: str) -> Iterator[None]:
        """Make the tables and keep what the block writes as the state of :meth:`restore`.

        All of it or nothing: a file is new until the block has ended well.
        """
        with self.transaction():
            create(self._db, self._about)
            yield
            for name in TABLES:
                self._db.execute(f"INSERT INTO seed_{name} SELECT * FROM {name}")  # noqa: S608 - names above
            self._db.execute("UPDATE about SET seed = ?", (seed,))
        self.new = False

    def restore(self) -> None:
        """Back to what was planted. Costs what was changed, not what is there."""
        with self.transaction():
            self._covered.clear()
            changes.forget(self._db)
            # A record that others refer to may have to be put back: they are looked at afterwards.
            self._db.execute("PRAGMA defer_foreign_keys = ON")
            self._db.execute(
                "DELETE FROM record WHERE NOT EXISTS(SELECT 1 FROM seed_record s"
                " WHERE s.seq = record.seq AND s.version = record.version)"
            )
            lost = self._db.execute(
                "SELECT seq FROM seed_record s"
                " WHERE NOT EXISTS(SELECT 1 FROM record r WHERE r.seq = s.seq)"
            ).fetchall()
            for name in TABLES if lost else ():
                self._db.executemany(
                    f"INSERT INTO {name} SELECT * FROM seed_{name} WHERE seq = ?",  # noqa: S608 - names above
                    lost,
                )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One write at a time; undone as a whole when the block raises. May be nested."""
        with self.lock:
            begin, undo, end = _INNER if self._db.in_transaction else _OUTER
            self._db.execute(begin)
            try:
                yield
                self._db.execute(end)
            except BaseException:
                self._covered.clear()
                # A full disk has undone it already.
                for statement in undo if self._db.in_transaction else ():
                    self._db.execute(statement)
                raise

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
        record = record._replace(version=self._next_version())
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
        record = record._replace(version=self._next_version())
        self._db.execute(
            "UPDATE record SET version = ?, modified = ?, student = ?, edorg = ?, body = ?"
            " WHERE seq = ?",
            (*record[3:], record.seq),
        )
        self._drop_links(record)
        self._add_links(record, links)
        return record

    def delete(self, record: Stored) -> None:
        """Remove a record; nothing may refer to it any more."""
        self._drop_links(record)
        self._db.execute("DELETE FROM record WHERE seq = ?", (record.seq,))

    def note(self, change: Change) -> None:
        """Keep a deletion or key change for change queries, under a version of its own."""
        changes.add(self._db, self._next_version(), change)

    def ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Read what other modules keep in this database, e.g. :mod:`changes`."""
        with self.lock:
            return question(self._db)

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
        if record.edorg is not None:
            return self.covers(claims, record.edorg)
        if record.student is None:
            return True
        query = "SELECT edorg FROM record WHERE student = ? AND edorg IS NOT NULL"
        return any(self.covers(claims, edorg) for (edorg,) in self._rows(query, (record.student,)))

    def covers(self, claims: Sequence[int], edorg: int) -> bool:
        """Whether the ed-org is one of the claimed ones or below one."""
        with self.lock:
            known = self._covered.get(tuple(claims))
            if known is None:
                rows = self._rows(CLAIMED, {"claims": dumps(claims)})
                known = self._covered[tuple(claims)] = frozenset(row[0] for row in rows)
        return edorg in known

    def values(self, resource: str, name: str) -> list[Any]:
        """The values that a part of a resource's natural key has."""
        query = "SELECT DISTINCT value FROM field WHERE resource = ? AND name = ?"
        return [value for (value,) in self._rows(query, (resource, name))]

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
        query = self._query(resource, conditions, claims)
        rows = self._rows(*query.page(limit, offset, after))
        return [Stored(*row) for row in rows]

    def count(
        self,
        resource: str,
        conditions: Sequence[Condition] = (),
        *,
        claims: Sequence[int] | None = None,
    ) -> int:
        """How many records :meth:`select` finds without limit and offset."""
        return int(self._rows(*self._query(resource, conditions, claims).count())[0][0])

    def _query(
        self, resource: str, conditions: Sequence[Condition], claims: Sequence[int] | None
    ) -> Query:
        def width(condition: Condition, limit: int) -> int:
            asked = (resource, condition.name, condition.value, limit)
            return int(self._rows(WIDTH, asked)[0][0])

        return Query(resource, narrowest_first(conditions, width), claims)

    def _next_version(self) -> int:
        version = next(self._versions)
        self._db.execute("UPDATE about SET version = ?", (version,))
        return version

    def _add_links(self, record: Stored, links: Links) -> None:
        seq, many = record.seq, self._db.executemany
        many("INSERT INTO identity VALUES (?, ?, ?)", [(*i, seq) for i in links.identities])
        many(
            "INSERT INTO field VALUES (?, ?, ?, ?)",
            [(record.resource, name, value, seq) for name, value in links.fields],
        )
        many("INSERT OR IGNORE INTO reference VALUES (?, ?)", [(seq, t) for t in links.references])
        if links.parents:
            many("INSERT INTO hierarchy VALUES (?, ?, ?)", [(*pair, seq) for pair in links.parents])
            self._covered.clear()

    def _drop_links(self, record: Stored) -> None:
        for table in ("identity", "reference", "field"):
            self._db.execute(f"DELETE FROM {table} WHERE seq = ?", (record.seq,))  # noqa: S608 - names above
        if self._db.execute("DELETE FROM hierarchy WHERE seq = ?", (record.seq,)).rowcount:
            self._covered.clear()

    def _one(self, where: str, asked: tuple[Any, ...]) -> Stored | None:
        rows = self._rows(f"SELECT {COLUMNS} FROM record r WHERE {where}", asked)  # noqa: S608 - constants of the callers
        return Stored(*rows[0]) if rows else None

    def _rows(self, query: str, asked: tuple[Any, ...] | dict[str, Any]) -> list[Any]:
        with self.lock:
            return self._db.execute(query, asked).fetchall()


def _close(connection: sqlite3.Connection) -> None:
    connection.close()
