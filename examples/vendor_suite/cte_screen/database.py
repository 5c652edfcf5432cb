"""The product's own SQLite: what people typed, what must be sent, what was delivered."""

import hashlib
import json
import sqlite3
from contextlib import closing

SCHEMA = """
CREATE TABLE IF NOT EXISTS typed(student TEXT PRIMARY KEY, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox(
    connection TEXT NOT NULL, resource TEXT NOT NULL, student TEXT NOT NULL,
    body TEXT NOT NULL, hash TEXT NOT NULL,
    delivered TEXT, location TEXT, problem TEXT,
    PRIMARY KEY(connection, resource, student));
CREATE TABLE IF NOT EXISTS descriptors(
    connection TEXT NOT NULL, name TEXT NOT NULL, code TEXT NOT NULL, uri TEXT NOT NULL,
    PRIMARY KEY(connection, name, code));
"""


class Database:
    """``connection`` in every method: which API, so that one product can serve several."""

    def __init__(self, path):
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(SCHEMA)

    def close(self):
        self._db.close()

    def _rows(self, query, *values):
        with closing(self._db.execute(query, values)) as cursor:
            return cursor.fetchall()

    def type_in(self, row):
        self._rows(
            "INSERT INTO typed VALUES (?, ?) ON CONFLICT DO UPDATE SET fields = excluded.fields",
            row["studentUniqueId"],
            json.dumps(row),
        )

    def typed(self):
        return [json.loads(fields) for (fields,) in self._rows("SELECT fields FROM typed")]

    def put(self, connection, resource, student, body):
        """A record as it should be in the API. Unchanged ones are not sent again."""
        text = json.dumps(body, sort_keys=True)
        self._rows(
            "INSERT INTO outbox(connection, resource, student, body, hash) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET body = excluded.body, hash = excluded.hash",
            connection,
            resource,
            student,
            text,
            hashlib.sha256(text.encode()).hexdigest(),
        )

    def due(self, connection, resource):
        """(student, body, location) of every record that the API does not have as it should be."""
        return [
            (student, json.loads(body), location)
            for student, body, location in self._rows(
                "SELECT student, body, location FROM outbox WHERE connection = ? AND resource = ? "
                "AND delivered IS NOT hash ORDER BY rowid",
                connection,
                resource,
            )
        ]

    def delivered(self, connection, resource, student, location):
        self._rows(
            "UPDATE outbox SET delivered = hash, location = coalesce(?, location), problem = NULL "
            "WHERE connection = ? AND resource = ? AND student = ?",
            location,
            connection,
            resource,
            student,
        )

    def failed(self, connection, resource, student, problem):
        self._rows(
            "UPDATE outbox SET problem = ? WHERE connection = ? AND resource = ? AND student = ?",
            problem,
            connection,
            resource,
            student,
        )

    def problems(self, connection):
        """What a person should look at: (resource, student, problem)."""
        return self._rows(
            "SELECT resource, student, problem FROM outbox WHERE connection = ? "
            "AND problem IS NOT NULL ORDER BY rowid",
            connection,
        )

    def remember_descriptors(self, connection, name, values):
        self._db.executemany(
            "INSERT OR REPLACE INTO descriptors VALUES (?, ?, ?, ?)",
            [
                (connection, name, v["codeValue"], f"{v['namespace']}#{v['codeValue']}")
                for v in values
            ],
        )

    def descriptor(self, connection, name, code):
        """The API's value for a local code, None where there is none."""
        found = self._rows(
            "SELECT uri FROM descriptors WHERE connection = ? AND name = ? AND code = ?",
            connection,
            name,
            code,
        )
        return found[0][0] if found else None
