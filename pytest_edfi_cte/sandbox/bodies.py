"""From a body as it was sent to a record as it is stored: checked, spelled, resolved.

A body is read by itself first (every problem in one answer), then looked up against the records
that it refers to (409).
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_edfi_cte.extension import title_of
from pytest_edfi_cte.sandbox import access, problems
from pytest_edfi_cte.sandbox.checks import duplicate_errors, schema_errors, unification_errors
from pytest_edfi_cte.sandbox.model import at, descriptor_key, key_of
from pytest_edfi_cte.sandbox.problems import Problem, invalid_data
from pytest_edfi_cte.sandbox.shapes import draft
from pytest_edfi_cte.sandbox.store import Links, Store, Stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from pytest_edfi_cte.sandbox.model import Model, Resource
    from pytest_edfi_cte.sandbox.shapes import Draft

#: So many records are read into memory together.
_BATCH = 500

# json.dumps makes an encoder each time.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Body(NamedTuple):
    """A body after type inference.

    ``errors`` by JSON path, ``refusals`` about the body as a whole, ``targets``: seq of every
    descriptor it uses.
    """

    draft: Draft
    errors: dict[str, list[str]]
    refusals: list[str]
    sent_id: Any
    targets: set[int]


class Bodies:
    """Reads bodies over one model and one store; see :class:`Engine` for the options."""

    def __init__(
        self, model: Model, store: Store, *, links: bool, clock: Callable[[], float]
    ) -> None:
        self.model = model
        self.store = store
        self._links = links
        self._clock = clock
        self._descriptors: dict[tuple[str, str], tuple[int, str]] = {}
        if not (links or store.new):
            self._unlink()

    def forget_descriptors(self) -> None:
        """After a descriptor changed: none is remembered any more."""
        self._descriptors.clear()

    def descriptor(self, name: str, value: str) -> tuple[int, str] | None:
        """A descriptor value in any case -> (its record's seq, its own spelling)."""
        key = descriptor_key(value)
        with self.store.lock:  # or a value deleted meanwhile could be remembered
            known = self._descriptors.get((name, key))
            record = None if known else self.store.by_key(name, key)
            if record:
                body = json.loads(record.body)
                known = (record.seq, f"{body['namespace']}#{body['codeValue']}")
                self._descriptors[name, key] = known
        return known

    def read(self, resource: Resource, sent: Any) -> Body:
        """Everything that can be said of a body by itself."""
        if not isinstance(sent, dict):
            raise invalid_data({"$": ["must be an object."]})
        found = draft(resource.shape, sent)
        errors = {**unification_errors(resource, found), **schema_errors(resource, found)}
        return Body(found, errors, [], sent.get("id"), set())

    def settle(self, body: Body) -> None:
        """Give descriptors the API's own spelling; raise everything wrong with the body at once."""
        for use in body.draft.descriptors:
            known = self.descriptor(use.descriptor, use.holder[use.name])
            if known:
                body.targets.add(known[0])
                use.holder[use.name] = known[1]
            elif use.path not in body.errors:
                body.errors[use.path] = [f"is no {title_of(use.descriptor)} that this API knows."]
        body.errors.update(duplicate_errors(body.draft))
        if body.errors or body.refusals:
            raise invalid_data(body.errors, body.refusals)

    def resolve(
        self, resource: Resource, body: Body, identities: list[tuple[str, str]]
    ) -> tuple[Stored, Links]:
        """Look up what the body refers to: the record and its links as they would be stored."""
        found = body.draft
        fields = [(name, at(found.body, path)) for name, path in resource.natural_key.items()]
        tie = access.tie_of(self.model, resource, found.body)
        parents = access.parents_of(self.model, resource, found.body)
        targets = body.targets | self._targets(found)
        modified = datetime.fromtimestamp(self._clock(), tz=timezone.utc)
        record = Stored(
            seq=0,
            id="",
            resource=resource.name,
            version=0,
            modified=modified.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            student=tie.student,
            edorg=tie.edorg,
            body=_encode(found.body),
        )
        return record, Links(identities, fields, targets, parents)

    def _unlink(self) -> None:
        """Drop the links that the file was given by a sandbox that has them."""
        with self.store.transaction():
            for table in ("record", "seed_record"):
                self.store.ask(partial(self._unlink_table, table=table))

    def _unlink_table(self, db: sqlite3.Connection, table: str) -> None:
        select = (
            f"SELECT seq, resource, body FROM {table}"  # noqa: S608 - names above
            f" WHERE seq > ? AND instr(body, ?) ORDER BY seq LIMIT {_BATCH}"
        )
        last = 0
        while rows := db.execute(select, (last, '"link":{')).fetchall():
            last = rows[-1][0]
            shapes = ((self.model.named(resource).shape, body, seq) for seq, resource, body in rows)
            changed = [(_encode(draft(s, json.loads(body)).body), seq) for s, body, seq in shapes]
            db.executemany(f"UPDATE {table} SET body = ? WHERE seq = ?", changed)  # noqa: S608 - names above

    def _targets(self, found: Draft) -> set[int]:
        """Every record that a reference names; references get their links here."""
        targets: set[int] = set()
        missing: dict[str, str] = {}
        for use in found.references:
            entity = use.shape.reference or ""
            key = key_of({name: use.value[name] for name in use.shape.identity})
            record = self.store.by_key(entity, key)
            if record is None:
                missing[use.path] = title_of(entity)
                continue
            targets.add(record.seq)
            if self._links:
                target = self.model.named(record.resource)
                href = f"{target.path}/{record.id}"
                use.value["link"] = {"rel": target.title, "href": href}
        if missing:
            raise Problem(
                problems.UNRESOLVED_REFERENCE,
                "The body refers to an item that does not exist:"
                f" {', '.join(sorted(set(missing.values())))}.",
                errors=[f"{path}: there is no such {title}." for path, title in missing.items()],
            )
        return targets
