"""What each operation does to the records, without HTTP: create, read, query, replace, delete.

The order in which a write is checked: the body by itself (every problem in one answer), then
what it refers to (409), then whether the key may do it (403), then the write. References come
before the key so that a reference to a student who does not exist is told as such.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_edfi_cte.sandbox import access, problems
from pytest_edfi_cte.sandbox.checks import duplicate_errors, schema_errors
from pytest_edfi_cte.sandbox.model import at, descriptor_key, key_of, title_of
from pytest_edfi_cte.sandbox.problems import Problem, invalid_data
from pytest_edfi_cte.sandbox.shapes import draft
from pytest_edfi_cte.sandbox.store import Links, Store, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_edfi_cte.sandbox.model import Model, Resource
    from pytest_edfi_cte.sandbox.shapes import Draft, Json
    from pytest_edfi_cte.sandbox.store import Condition

_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class _Body(NamedTuple):
    """A body after type inference.

    ``errors`` by JSON path, ``refusals`` about the body as a whole, ``targets``: seq of every
    descriptor it uses.
    """

    draft: Draft
    errors: dict[str, list[str]]
    refusals: list[str]
    sent_id: Any
    targets: set[int]


class Written(NamedTuple):
    """The outcome of a write: the record and whether it is new."""

    record: Stored
    created: bool


class Engine:
    """The rules of an Ed-Fi API over one model and one store.

    ``links``: add ``link`` objects to references. ``clock``: seconds since 1970. ``claims`` are
    the ed-orgs of the key that asks; None is the sandbox itself, which may do everything.
    Refusals are raised as :class:`Problem`.
    """

    def __init__(self, model: Model, *, links: bool, clock: Callable[[], float]) -> None:
        self.model = model
        self.store = Store()
        self._links = links
        self._clock = clock
        self._descriptors: dict[tuple[str, str], tuple[int, str]] = {}

    def clear(self) -> None:
        """Back to the remembered state of the store."""
        with self.store.lock:
            self.store.restore()
            self._descriptors.clear()

    def create(self, resource: Resource, sent: Any, claims: Sequence[int] | None) -> Written:
        """POST: a new record, or the existing one with the same natural key replaced."""
        body = self._read(resource, sent)
        if body.sent_id is not None:
            body.refusals.append("The id is given by the server: leave it out of a POST.")
        with self.store.transaction():
            self._settle(body)
            identities = resource.identities(body.draft.body)
            existing = self.store.by_key(*identities[0])
            record, links = self._resolve(resource, body, identities)
            if existing:
                access.require(self.store, resource, existing, claims)
                return Written(self._update(resource, existing, record, links), created=False)
            access.require_creation(self.store, resource, record, claims)
            self._unique(identities)
            record = record._replace(id=uuid.uuid4().hex)
            return Written(self.store.insert(record, links), created=True)

    def get(self, resource: Resource, record_id: str, claims: Sequence[int] | None) -> Stored:
        """GET by id."""
        record = self._existing(resource, record_id)
        access.require(self.store, resource, record, claims)
        return record

    def replace(
        self,
        resource: Resource,
        record_id: str,
        sent: Any,
        claims: Sequence[int] | None,
        fresh: Callable[[Stored], bool] = lambda _: True,
    ) -> Stored:
        """PUT: replace everything but the key. ``fresh`` says whether If-Match allows it."""
        with self.store.transaction():
            existing = self._existing(resource, record_id)
            access.require(self.store, resource, existing, claims)
            body = self._read(resource, sent)
            if body.sent_id is not None and id_of(body.sent_id) != record_id:
                body.refusals.append("The id in the body is not the id in the address.")
            self._settle(body)
            self._require_fresh(existing, fresh)
            identities = resource.identities(body.draft.body)
            holder = self.store.by_key(*identities[0])
            if holder is None or holder.seq != existing.seq:
                raise Problem(
                    problems.KEY_CHANGE,
                    f"The key of a {resource.title} cannot be changed:"
                    " delete the item and create another.",
                    errors=[f"The natural key is {', '.join(resource.natural_key)}."],
                )
            record, links = self._resolve(resource, body, identities)
            return self._update(resource, existing, record, links)

    def delete(
        self,
        resource: Resource,
        record_id: str,
        claims: Sequence[int] | None,
        fresh: Callable[[Stored], bool] = lambda _: True,
    ) -> None:
        """DELETE: refused while another record refers to this one."""
        with self.store.transaction():
            existing = self._existing(resource, record_id)
            access.require_deletion(self.store, resource, existing, claims)
            self._require_fresh(existing, fresh)
            dependent = self.store.dependent(existing)
            if dependent:
                user = self.model.named(dependent).title
                raise Problem(
                    problems.DEPENDENT_ITEM,
                    f"The {resource.title} is still used by a {user}: delete that first.",
                )
            self.store.delete(existing)
            if resource.is_descriptor:
                self._descriptors.clear()

    def query(
        self,
        resource: Resource,
        conditions: Sequence[Condition],
        claims: Sequence[int] | None,
        *,
        limit: int = -1,
        offset: int = 0,
    ) -> list[Stored]:
        """GET of a collection: what the key may see, in the order of creation."""
        return self.store.select(
            resource.collection, conditions, claims=claims, limit=limit, offset=offset
        )

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

    def _read(self, resource: Resource, sent: Any) -> _Body:
        if not isinstance(sent, dict):
            raise invalid_data({"$": ["must be an object."]})
        found = draft(resource.shape, sent)
        return _Body(found, schema_errors(resource, found), [], sent.get("id"), set())

    def _settle(self, body: _Body) -> None:
        """Give descriptors the API's own spelling; raise everything wrong with the body at once."""
        for use in body.draft.descriptors:
            known = self.descriptor(use.descriptor, use.holder[use.name])
            if known:
                body.targets.add(known[0])
                use.holder[use.name] = known[1]
            elif use.path not in body.errors:
                body.errors[use.path] = [f"is no {use.descriptor} that this API knows."]
        body.errors.update(duplicate_errors(body.draft))
        if body.errors or body.refusals:
            raise invalid_data(body.errors, body.refusals)

    def _resolve(
        self, resource: Resource, body: _Body, identities: list[tuple[str, str]]
    ) -> tuple[Stored, Links]:
        """Look up what the body refers to: the record and its links as they would be stored."""
        found = body.draft
        fields = [(name, at(found.body, path)) for name, path in resource.natural_key.items()]
        tie = access.tie_of(resource, found.body)
        parents = access.parents_of(self.model, resource, found.body)
        targets = body.targets | self._targets(found)
        modified = datetime.fromtimestamp(self._clock(), tz=timezone.utc)
        record = Stored(
            seq=0,
            id="",
            resource=resource.collection,
            version=0,
            modified=modified.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            student=tie.student,
            edorg=tie.edorg,
            body=json.dumps(found.body, ensure_ascii=False, separators=(",", ":")),
        )
        return record, Links(identities, fields, targets, parents)

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
                rel = self.model.named(record.resource).title
                href = f"/ed-fi/{record.resource}/{record.id}"
                use.value["link"] = {"rel": rel, "href": href}
        if missing:
            raise Problem(
                problems.UNRESOLVED_REFERENCE,
                "The body refers to an item that does not exist:"
                f" {', '.join(sorted(set(missing.values())))}.",
                errors=[f"{path}: there is no such {title}." for path, title in missing.items()],
            )
        return targets

    def _update(self, resource: Resource, existing: Stored, record: Stored, links: Links) -> Stored:
        if record.body == existing.body:
            return existing  # the same content again changes neither ETag nor date
        if resource.is_descriptor:
            self._descriptors.clear()
        return self.store.update(record._replace(seq=existing.seq, id=existing.id), links)

    def _existing(self, resource: Resource, record_id: str) -> Stored:
        record = self.store.by_id(resource.collection, record_id)
        if record is None:
            raise Problem(problems.NOT_FOUND, f"There is no {resource.title} with this id.")
        return record

    def _unique(self, identities: list[tuple[str, str]]) -> None:
        """An abstract key is shared: no school may have the id of a district."""
        for entity, key in identities[1:]:
            if self.store.by_key(entity, key):
                raise Problem(
                    problems.NON_UNIQUE_IDENTITY,
                    f"Another {title_of(entity)} has the same identifying values.",
                )

    @staticmethod
    def _require_fresh(existing: Stored, fresh: Callable[[Stored], bool]) -> None:
        if not fresh(existing):
            raise Problem(
                problems.STALE_ETAG,
                "The item was changed since it was read: read it again, then repeat the request.",
            )


def id_of(given: object) -> str | None:
    """An id as records have it, 32 lower-case hex digits; None for what is no id at all.

    Ids may also be written with the dashes of a UUID and in capitals.
    """
    if isinstance(given, str) and _UUID.fullmatch(given):
        return given.replace("-", "").lower()
    return None


def etag(record: Stored) -> str:
    """The ETag of a record, without quotes."""
    return str(record.version)


def document(record: Stored) -> str:
    """The record as JSON text, as GET returns it: id first, ETag and date last."""
    return (
        f'{{"id":"{record.id}",{record.body[1:-1]}'
        f',"_etag":"{etag(record)}","_lastModifiedDate":"{record.modified}"}}'
    )


def record_of(record: Stored) -> Json:
    """The record as a Python value, as GET returns it."""
    value: Json = json.loads(document(record))
    return value
