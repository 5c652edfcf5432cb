"""What records are kept in, a file or memory: its tables, and whether a file may be used at all.

A file is a SQLite database in WAL mode. Three decisions:

* ``synchronous = NORMAL``: an answered write has been handed to the operating system, so a killed
  process loses nothing. Only a power cut may take the last writes, and it leaves the file whole.
* ``locking_mode = EXCLUSIVE``: the file belongs to one process. The lock is the operating system's
  and dies with the process; without it two processes would give the same ETag twice.
* No connections for reading beside the one that writes. The one answers tens of thousands of reads
  a second, many times what HTTP asks of one interpreter; and readers of their own would need the
  shared lock that leaves the file open to other processes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_edfi_cte.sandbox import changes

if TYPE_CHECKING:
    from collections.abc import Mapping

#: In the header of every file of ours (``PRAGMA application_id``): "EdFi".
APPLICATION = int.from_bytes(b"EdFi", "big")
#: Version of the tables (``PRAGMA user_version``). There is no way from one to another: what is in
#: a sandbox is test data, and its source can be loaded again.
FORMAT = 1

#: The tables that hold records, in the order in which they refer to each other.
TABLES = ("record", "identity", "reference", "field", "hierarchy")

_TABLES = f"""{changes.TABLES}
CREATE TABLE about(              -- one row
  data_standard TEXT NOT NULL,
  keys          TEXT NOT NULL,   -- JSON: collection -> how its natural key is made
  seed          TEXT NOT NULL,   -- what was planted
  version       INTEGER NOT NULL -- the last one given, also to records that are gone
);
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
CREATE INDEX record_version ON record(resource, version);
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

# Beside every table what was in it when the seed was planted, found again by seq.
_SEEDED = "".join(
    f"CREATE TABLE seed_{name} AS SELECT * FROM {name};"  # noqa: S608 - names above
    f" CREATE INDEX seed_{name}_seq ON seed_{name}(seq);"
    for name in TABLES
)

#: Bytes of a page. A write touches some twenty of them, one in each index, and all go into the
#: log: with SQLite's usual 4096 that is 66 KB for an association, with this 27 KB.
_PAGE = 1024
#: Pages in the log before they are moved into the file, which waits for the disk: once in
#: about a thousand writes, and rather a larger log than one in a hundred that waits.
_CHECKPOINT = 32_000
#: How much of a log that a large write left is kept for the next one, in bytes.
_LOG_KEPT = 32 * 2**20
#: How much of a file is kept in memory, in KiB (negative: that is the pragma's unit).
_CACHE = -16 * 1024


class DatabaseRefused(Exception):
    """A file cannot be the sandbox's database; the text names it and says what to do."""


class About(NamedTuple):
    """Whose records these are: data standard, and collection -> how its natural key is made."""

    data_standard: str
    keys: Mapping[str, str]


def connect(path: Path | None, about: About) -> sqlite3.Connection:
    """A database with its tables, in memory without a ``path``.

    Transactions are begun and ended by the caller, who also lets threads take turns. A new file
    is empty until the caller's first transaction, which :func:`create` belongs into.

    Raises :class:`DatabaseRefused` for a file that is not ours, of another data standard or
    model, or in use.
    """
    if path is None:
        return _connection(":memory:")
    try:
        if not path.exists():
            # Names and birth dates may be in it: for nobody but the user.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        # Absolute: ":memory:" and "file:…" alone mean something else to SQLite than a file.
        db = _connection(str(path.absolute()))
        db.execute(f"PRAGMA page_size = {_PAGE}")  # of a new file; others keep theirs
    except (OSError, sqlite3.Error) as error:
        raise DatabaseRefused(f"{path} cannot be opened: {_reason(error)}") from None
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check(db, path, about)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        db.execute(f"PRAGMA journal_size_limit = {_LOG_KEPT}")
        db.execute(f"PRAGMA cache_size = {_CACHE}")
        # WAL mode takes its lock with the first write; nobody may come in between.
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        db.close()
        raise DatabaseRefused(f"{path} cannot be used: {_reason(error)}") from None
    except DatabaseRefused:
        db.close()
        raise
    return db


def create(db: sqlite3.Connection, about: About) -> None:
    """Make the tables, inside the caller's transaction."""
    # Not executescript(), which would end the transaction.
    for statement in (*_TABLES.split(";\n"), *_SEEDED.split(";")):
        db.execute(statement)
    db.execute("INSERT INTO about VALUES (?, ?, '', 0)", (about.data_standard, _text(about)))
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {FORMAT}")


def is_new(db: sqlite3.Connection) -> bool:
    """Whether there are no tables yet."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _connection(name: str) -> sqlite3.Connection:
    # Nobody is waited for: inside the process threads take turns, others are refused.
    db = sqlite3.connect(
        name, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    db.execute("PRAGMA foreign_keys = ON")
    # The ed-orgs that claims cover are a temporary table of every query; kept for a file, it could
    # cost three times the query.
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def _check(db: sqlite3.Connection, path: Path, about: About) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application == 0 and is_new(db):
        return
    if application != APPLICATION:
        raise DatabaseRefused(
            f"{path} is a SQLite database, but none of this sandbox: it was left as it is; "
            "name another file"
        )
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise DatabaseRefused(
            f"{path} has file format {version} and this version of pytest-edfi-cte format {FORMAT}:"
            " load the records into a new file"
        )
    standard, text = db.execute("SELECT data_standard, keys FROM about").fetchone()
    if standard != about.data_standard:
        raise DatabaseRefused(
            f"{path} holds records of Data Standard {standard}, not {about.data_standard}:"
            f" start with Data Standard {standard}, or name another file"
        )
    strange = [name for name, key in json.loads(text).items() if about.keys.get(name) != key]
    if strange:
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""  # noqa: PLR2004 - enough to recognise it
        raise DatabaseRefused(
            f"{path} was made for resources that this sandbox has not, or with other natural keys:"
            f" {', '.join(strange[:3])}{more}; start with the same resources, or name another file"
        )


def _text(about: About) -> str:
    return json.dumps(dict(about.keys), sort_keys=True)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    text = str(error)
    if "locked" in text:
        return "another process uses it; one sandbox at a time can"
    if "not a database" in text:
        return "it is no SQLite database, and was left as it is"
    return text
