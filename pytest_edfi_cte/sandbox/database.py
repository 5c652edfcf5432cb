"""The tables of the store and a connection that has them."""

from __future__ import annotations

import sqlite3

from pytest_edfi_cte.sandbox import changes

_TABLES = """
CREATE TABLE record(
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of creation, never given twice
  id       TEXT NOT NULL UNIQUE,
  resource TEXT NOT NULL,
  version  INTEGER NOT NULL,                   -- grows with every write; the ETag
  modified TEXT NOT NULL,
  student  TEXT,                               -- key of the student it is about
  edorg    INTEGER,                            -- the ed-org that it ties the student to
  body     TEXT NOT NULL);
CREATE INDEX record_order ON record(resource, seq);
CREATE INDEX record_tie ON record(student, edorg) WHERE edorg IS NOT NULL;
CREATE TABLE identity(
  entity TEXT, key TEXT, seq INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
  PRIMARY KEY(entity, key)) WITHOUT ROWID;
CREATE INDEX identity_seq ON identity(seq);
CREATE TABLE reference(
  seq INTEGER REFERENCES record ON DELETE CASCADE, target INTEGER REFERENCES record,
  PRIMARY KEY(seq, target)) WITHOUT ROWID;
CREATE INDEX reference_target ON reference(target);
CREATE TABLE field(
  resource TEXT, name TEXT, value, seq INTEGER REFERENCES record ON DELETE CASCADE,
  PRIMARY KEY(resource, name, value, seq)) WITHOUT ROWID;
CREATE INDEX field_seq ON field(seq);
CREATE TABLE hierarchy(
  parent INTEGER, child INTEGER, seq INTEGER REFERENCES record ON DELETE CASCADE,
  PRIMARY KEY(parent, child, seq)) WITHOUT ROWID;
CREATE INDEX hierarchy_seq ON hierarchy(seq);
"""


def connect() -> sqlite3.Connection:
    """A new in-memory database with empty tables.

    Transactions are begun and ended by the caller, who also lets threads take turns.
    """
    db = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, cached_statements=512
    )
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(_TABLES + changes.TABLES)
    return db
