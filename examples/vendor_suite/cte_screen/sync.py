"""The job: import what was typed, send what differs from what was delivered, keep what failed."""

import csv
import logging
from pathlib import Path

from cte_screen.api import Api, Refused, Unavailable
from cte_screen.database import Database
from cte_screen.records import DESCRIPTORS, RESOURCES, records

log = logging.getLogger("cte_screen")


class Unmapped(Exception):
    """A local code that the API has no descriptor for."""


class Sync:
    """One product's database and one API."""

    def __init__(self, database: Database, api: Api, connection: str):
        self._database, self._api, self._connection = database, api, connection

    def import_csv(self, path):
        with Path(path).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                self._database.type_in(row)

    def run(self):
        """Send everything that is due; True where nothing is left."""
        self._queue()
        waiting = set()
        for resource in RESOURCES:
            for student, body, location in self._database.due(self._connection, resource):
                if student in waiting:
                    continue  # its parent failed: it would only be refused
                if not self._send(resource, student, body, location):
                    waiting.add(student)
        return not waiting

    def _queue(self):
        for row in self._database.typed():
            try:
                made = records(row, self._uri)
            except Unmapped as error:
                log.warning("student %s: %s", row["studentUniqueId"], error)
                continue
            for resource, body in made.items():
                self._database.put(self._connection, resource, row["studentUniqueId"], body)

    def _uri(self, name, code):
        uri = self._database.descriptor(self._connection, name, code)
        if uri is None:
            self._download(name)
            uri = self._database.descriptor(self._connection, name, code)
        if uri is None:
            raise Unmapped(f"the API has no {name} value {code!r}")
        return uri

    def _download(self, name):
        if name in DESCRIPTORS:
            values = self._api.read(name)
            # Of two values with one code Ed-Fi's own comes last, and counts.
            values.sort(key=lambda value: value["namespace"].startswith("uri://ed-fi.org/"))
            self._database.remember_descriptors(self._connection, name, values)

    def _send(self, resource, student, body, location):
        try:
            place = self._api.send(resource, body, location)
        except (Unavailable, Refused) as error:
            log.warning("%s of student %s: %s", resource, student, error)
            self._database.failed(self._connection, resource, student, str(error))
            return False
        self._database.delivered(self._connection, resource, student, place)
        return True
