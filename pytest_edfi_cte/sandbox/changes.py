"""Change queries: what was deleted and which keys were changed, with a table of its own.

As on the ODS/API: a change version is a number that grows with every write, and the version of a
record is that of its last one. A deletion is told with its key until a record with that key
exists again; of several key changes of one record in the asked range, the first old key and the
last new one are told. What may be seen is decided by the tie that the record had; a student whose
enrollment was deleted stays visible here to the key that could see it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_edfi_cte.sandbox.visibility import COVERED, VISIBLE_CHANGE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from pytest_edfi_cte.sandbox.shapes import Json

#: ``version`` is unique: a write deletes or moves one record.
TABLES = """
CREATE TABLE change(
  version  INTEGER PRIMARY KEY,
  id       TEXT NOT NULL,
  resource TEXT NOT NULL,
  entity   TEXT NOT NULL, key TEXT NOT NULL,   -- the identity that the record had before
  student  TEXT, edorg INTEGER,                -- the tie that it had before
  old      TEXT NOT NULL,                      -- key values
  new      TEXT);
CREATE INDEX change_order ON change(resource, version);
CREATE INDEX change_tie ON change(student, edorg) WHERE edorg IS NOT NULL;
"""

_DELETES = """, found AS (
  SELECT r.id, r.version, r.old, r.new FROM change r
  WHERE {where} AND r.new IS NULL
    AND NOT EXISTS(SELECT 1 FROM identity i WHERE i.entity = r.entity AND i.key = r.key))"""

_KEY_CHANGES = """, span AS (
  SELECT min(r.version) AS first, max(r.version) AS last FROM change r
  WHERE {where} AND r.new IS NOT NULL GROUP BY r.id),
found AS (
  SELECT l.id, l.version, f.old, l.new FROM span
  JOIN change f ON f.version = span.first JOIN change l ON l.version = span.last)"""


class Range(NamedTuple):
    """Change versions from ``least`` to ``most``, both included."""

    least: int = 0
    most: int = 2**63 - 1


class Change(NamedTuple):
    """One deletion (``new`` is None) or key change. ``old`` and ``new``: key part -> value."""

    id: str
    resource: str
    identity: tuple[str, str]
    student: str | None
    edorg: int | None
    old: Json
    new: Json | None


def add(db: sqlite3.Connection, version: int, change: Change) -> None:
    """Remember a change, inside the caller's transaction."""
    new = None if change.new is None else _text(change.new)
    row = (version, *change[:2], *change.identity, *change[3:5], _text(change.old), new)
    db.execute("INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def forget(db: sqlite3.Connection) -> None:
    """No change is known any more: a seed has none."""
    db.execute("DELETE FROM change")


def newest(db: sqlite3.Connection) -> int:
    """The last version that was given to a record or a change."""
    return int(db.execute("SELECT version FROM about").fetchone()[0])


class Query(NamedTuple):
    """What is asked of one resource. ``claims``: only what they may see; None sees everything."""

    resource: str
    key_changes: bool
    versions: Range
    claims: Sequence[int] | None


def select(db: sqlite3.Connection, query: Query, limit: int, offset: int) -> list[Json]:
    """Deletions or key changes as the API answers them, in the order of their versions."""
    sql, asked = _found(query)
    asked |= {"limit": limit, "offset": offset}
    sql += " SELECT * FROM found ORDER BY version LIMIT :limit OFFSET :offset"
    rows = db.execute(sql, asked)
    return [_document(*row) for row in rows]


def count(db: sqlite3.Connection, query: Query) -> int:
    """How many :func:`select` finds without limit and offset."""
    sql, asked = _found(query)
    return int(db.execute(f"{sql} SELECT count(*) FROM found", asked).fetchone()[0])  # noqa: S608 - constants of this module


def _found(query: Query) -> tuple[str, dict[str, Any]]:
    where = ["r.resource = :resource", "r.version BETWEEN :least AND :most"]
    if query.claims is not None:
        where.append(VISIBLE_CHANGE)
    shape = _KEY_CHANGES if query.key_changes else _DELETES
    claims = json.dumps(query.claims or [])
    return (
        COVERED + shape.format(where=" AND ".join(where)),
        {"resource": query.resource, "claims": claims, **query.versions._asdict()},
    )


def _document(record: str, version: int, old: str, new: str | None) -> Json:
    about: Json = {"id": record, "changeVersion": version}
    if new is None:
        return {**about, "keyValues": json.loads(old)}
    return {**about, "oldKeyValues": json.loads(old), "newKeyValues": json.loads(new)}


def _text(values: Json) -> str:
    return json.dumps(values, ensure_ascii=False)
