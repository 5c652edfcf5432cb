"""What the create phase saw, kept in a file for the update phase, hours later and elsewhere.

The file may be committed: it holds no secret, no name and no student id. Each create has an entry:
the record is known by its id in the API; its values are kept as salted fingerprints, which tell
whether a value changed and not what it was. Descriptor URIs stay readable. (A fingerprint of true
or false can of course be tried out; nothing more personal than the table's own values is in a
certification record.)
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_edfi_cte.compare import is_descriptor
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.differences import SERVER_KEPT
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.observed import Before
from pytest_edfi_cte.scenarios import Table

Json = dict[str, Any]
FORMAT, VERSION = "pytest-edfi-cte observe state", 2
UNKNOWN = "another value (the state file keeps fingerprints only)"
_MARK = "fingerprint:"
_SALT_BYTES, _DIGITS = 16, 20


class Fingerprints:
    """Values as fingerprints, and back where the value is one of those seen here."""

    def __init__(self, salt: str, hidden: Collection[str], guesses: Iterable[Any] = ()) -> None:
        """``hidden``: dotted paths that are left out; ``guesses``: values that may stand behind."""
        self._salt = bytes.fromhex(salt)
        self._hidden = frozenset(hidden)
        self._values: dict[str, Any] = {}
        for guess in (True, False, None, *guesses):
            self._leaf(guess)

    def view(self, record: Mapping[str, Any]) -> Json:
        """The record with fingerprints for values; without what is hidden or kept by the API."""
        result: Json = self._walk({k: v for k, v in record.items() if k != "id"}, "")
        return result

    def shown(self, value: Any) -> Any:
        """The value behind a fingerprint, :data:`UNKNOWN` where it was never seen."""
        if isinstance(value, Mapping):
            return {name: self.shown(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.shown(inner) for inner in value]
        marked = isinstance(value, str) and value.startswith(_MARK)
        return self._values.get(value, UNKNOWN) if marked else value

    def _walk(self, value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            inner = {name: f"{path}.{name}".lstrip(".") for name in value.keys() - SERVER_KEPT}
            walked = {
                name: self._walk(value[name], place)
                for name, place in sorted(inner.items())
                if place not in self._hidden
            }
            # A reference of which nothing may be kept says nothing.
            return {n: v for n, v in walked.items() if v != {} or value[n] == {}}
        if isinstance(value, list):
            return [self._walk(inner, path) for inner in value]
        return value if is_descriptor(value) else self._leaf(value)

    def _leaf(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # 1 and 1.0 are one JSON number
        text = json.dumps(value, sort_keys=True)
        digest = hmac.new(self._salt, text.encode(), hashlib.sha256).hexdigest()
        mark = f"{_MARK}{digest[:_DIGITS]}"
        self._values[mark] = value
        return mark


class StateFile:
    """The file of ``--edfi-state``. ``api``: the base URL, as given; ``school_year``: its end.

    ``tables``: id of each table of the run -> its edition.
    """

    def __init__(
        self, path: Path, contract: Contract, api: str, school_year: int, tables: Mapping[str, str]
    ) -> None:
        self.path = path
        self._contract = contract
        self._run = {"api": api.rstrip("/"), "schoolYear": school_year}
        self._tables = tables

    def check(self, *, needed: bool) -> None:
        """Raise :class:`ConfigurationError` where the file cannot serve this run.

        ``needed``: it must be there (the update phase); else it may be written.
        """
        if not self.path.exists():
            if needed:
                raise ConfigurationError(
                    f"--edfi-state: {self.path} does not exist: the create phase failed or did "
                    "not run. Run --edfi-phase=create first, with the same --edfi-state, until it "
                    "has seen the record"
                )
            if not self.path.parent.is_dir():
                raise ConfigurationError(
                    f"--edfi-state: there is no folder {self.path.parent} to write it to"
                )
            return
        self._read()

    def before(self, table: Table) -> Before | None:
        """The record as the create phase saw it, None where it did not (yet)."""
        if not self.path.exists():
            return None
        content = self._read()
        record = content["records"].get(_entry(table))
        if record is None:
            return None
        prints = self._fingerprints(table, content["salt"])
        return Before(
            id=record["id"],
            record=record["properties"],
            others=frozenset(record["others"]),
            view=prints.view,
            shown=prints.shown,
        )

    def write(
        self,
        table: Table,
        record: Mapping[str, Any],
        others: Iterable[str],
        etag: str | None,
        seen: str,
    ) -> None:
        """Keep the record; ``seen``: UTC, RFC 3339. The file is replaced as a whole."""
        known = self._read() if self.path.exists() else {}
        salt = known.get("salt") or secrets.token_hex(_SALT_BYTES)
        kept: Json = {"table": table.id, "edition": table.edition, "id": record["id"]}
        kept |= {"seen": seen, "others": sorted(others)}
        if etag:
            kept["etag"] = etag
        kept["properties"] = self._fingerprints(table, salt).view(record)
        content = {
            "format": FORMAT,
            "version": VERSION,
            **self._run,
            "salt": salt,
            "records": {**known.get("records", {}), _entry(table): kept},
        }
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            part.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise ConfigurationError(
                f"--edfi-state: {self.path} cannot be written: {error}"
            ) from None

    def _fingerprints(self, table: Table, salt: str) -> Fingerprints:
        guesses = [value for row in table.rows for value in row.values.values()]
        return Fingerprints(salt, table.natural_key.values(), guesses)

    def _read(self) -> Json:
        again = "delete it and run --edfi-phase=create again, or name another file"
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"--edfi-state: {self.path} cannot be read: {error}; {again}"
            ) from None
        ours = isinstance(content, dict) and content.get("format") == FORMAT
        if ours and content.get("version") != VERSION:
            raise ConfigurationError(
                f"--edfi-state: {self.path} has version {content.get('version')!r}, this "
                f"pytest-edfi-cte reads {VERSION}; {again}"
            )
        flaw = next(self._contract.state_validator().iter_errors(content), None)
        if flaw is not None:
            what = "is damaged" if ours else "is no state file of pytest-edfi-cte"
            raise ConfigurationError(
                f"--edfi-state: {self.path} {what} ({flaw.json_path}: {flaw.validator}); {again}"
            )
        for name, there, here in self._strange(content):
            raise ConfigurationError(
                f"--edfi-state: {self.path} was written for another {_WORDS[name]} "
                f"({there}; this run has {here}); name the file of this one, or {again}"
            )
        result: Json = content
        return result

    def _strange(self, content: Json) -> Iterator[tuple[str, Any, Any]]:
        """What the file belongs to and this run does not: fact, there, here."""
        for name, here in self._run.items():
            if content[name] != here:
                yield name, content[name], here
        records = content["records"].values()
        known = {record["table"]: record["edition"] for record in records}
        if known and not known.keys() & self._tables.keys():
            yield "table", ", ".join(known), ", ".join(self._tables)
        for table, edition in known.items():
            if self._tables.get(table, edition) != edition:
                yield "edition", edition, self._tables[table]


def _entry(table: Table) -> str:
    """What the record that a table's scenario begins with is called in the file."""
    return f"{table.id}-{table.scenario('create').number}"


_WORDS = {
    "api": "API",
    "table": "certification table",
    "edition": "edition of the table",
    "schoolYear": "school year",
}
