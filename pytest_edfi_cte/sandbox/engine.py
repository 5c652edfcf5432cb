"""What each operation does to the records, without HTTP: create, read, query, replace, delete.

The order in which a write is checked: the body by itself (every problem in one answer), then
what it refers to (409), then whether the key may do it (403), then the write. References come
before the key so that a reference to a student who does not exist is told as such.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_edfi_cte.extension import title_of
from pytest_edfi_cte.sandbox import access, problems
from pytest_edfi_cte.sandbox.bodies import Bodies, Body
from pytest_edfi_cte.sandbox.changes import Change
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.shapes import draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_edfi_cte.sandbox.access import Rights
    from pytest_edfi_cte.sandbox.model import Model, Resource
    from pytest_edfi_cte.sandbox.shapes import Json
    from pytest_edfi_cte.sandbox.store import Condition, Links, Store, Stored

_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Written(NamedTuple):
    """The outcome of a write: the record and whether it is new."""

    record: Stored
    created: bool


class Engine:
    """The rules of an Ed-Fi API over one model and one store.

    ``links``: add ``link`` objects to references. ``clock``: seconds since 1970. ``rights`` are
    those of the key that asks; None is the sandbox itself, which may do everything.
    Refusals are raised as :class:`Problem`.
    """

    def __init__(
        self, model: Model, store: Store, *, links: bool, clock: Callable[[], float]
    ) -> None:
        self.model = model
        self.store = store
        self.bodies = Bodies(model, self.store, links=links, clock=clock)

    def clear(self) -> None:
        """Back to the remembered state of the store."""
        with self.store.lock:
            self.store.restore()
            self.bodies.forget_descriptors()

    def adopt(self, resource: Resource, bodies: Iterable[Json]) -> None:
        """Put new records in without comparing them with the schema: the contract's own.

        What they refer to is looked up as ever. Compiling the schemas to judge a few records, which
        tests have judged, would be most of the time until the sandbox is ready.
        """
        for sent in bodies:
            body = Body(draft(resource.shape, sent), {}, [], None, set())
            self.bodies.settle(body)
            identities = resource.identities(body.draft.body)
            record, links = self.bodies.resolve(resource, body, identities)
            self.store.insert(record._replace(id=uuid.uuid4().hex), links)

    def create(self, resource: Resource, sent: Any, rights: Rights | None) -> Written:
        """POST: a new record, or the existing one with the same natural key replaced."""
        body = self.bodies.read(resource, sent)
        if body.sent_id is not None:
            body.refusals.append("The id is given by the server: leave it out of a POST.")
        with self.store.transaction():
            self.bodies.settle(body)
            identities = resource.identities(body.draft.body)
            existing = self.store.by_key(*identities[0])
            record, links = self.bodies.resolve(resource, body, identities)
            if existing:
                access.require(self.store, resource, existing, rights)
                self._require_content(resource, record, body, rights)
                return Written(self._update(resource, existing, record, links), created=False)
            self._require_content(resource, record, body, rights)
            self._unique(identities)
            record = record._replace(id=uuid.uuid4().hex)
            return Written(self.store.insert(record, links), created=True)

    def get(self, resource: Resource, record_id: str, rights: Rights | None) -> Stored:
        """GET by id."""
        record = self._existing(resource, record_id)
        access.require(self.store, resource, record, rights)
        return record

    def replace(
        self,
        resource: Resource,
        record_id: str,
        sent: Any,
        rights: Rights | None,
        fresh: Callable[[Stored], bool] = lambda _: True,
    ) -> Stored:
        """PUT: replace everything but the key. ``fresh`` says whether If-Match allows it."""
        with self.store.transaction():
            existing = self._existing(resource, record_id)
            access.require(self.store, resource, existing, rights)
            body = self.bodies.read(resource, sent)
            if body.sent_id is not None and id_of(body.sent_id) != record_id:
                body.refusals.append("The id in the body is not the id in the address.")
            self.bodies.settle(body)
            self._require_fresh(existing, fresh)
            identities = resource.identities(body.draft.body)
            holder = self.store.by_key(*identities[0])
            same = holder is not None and holder.seq == existing.seq
            if not same and not resource.key_changes:
                raise Problem(
                    problems.KEY_CHANGE,
                    f"The key of a {resource.title} cannot be changed:"
                    " delete the item and create another.",
                    errors=[f"The natural key is {', '.join(resource.natural_key)}."],
                )
            record, links = self.bodies.resolve(resource, body, identities)
            self._require_content(resource, record, body, rights)
            if not same:
                self._require_movable(resource, existing, holder)
                self.store.note(_change(resource, existing, body.draft.body))
            return self._update(resource, existing, record, links)

    def delete(
        self,
        resource: Resource,
        record_id: str,
        rights: Rights | None,
        fresh: Callable[[Stored], bool] = lambda _: True,
    ) -> None:
        """DELETE: refused while another record refers to this one."""
        with self.store.transaction():
            existing = self._existing(resource, record_id)
            access.require_deletion(self.store, resource, existing, rights)
            self._require_fresh(existing, fresh)
            self._require_unused(resource, existing)
            self.store.delete(existing)
            self.store.note(_change(resource, existing, None))
            if resource.is_descriptor:
                self.bodies.forget_descriptors()

    def query(
        self,
        resource: Resource,
        conditions: Sequence[Condition],
        rights: Rights | None,
        *,
        limit: int = -1,
        offset: int = 0,
        after: int = 0,
    ) -> list[Stored]:
        """GET of a collection: what the key may see, in the order of creation."""
        claims = rights.edorgs if rights else None
        return self.store.select(
            resource.name,
            conditions,
            claims=claims,
            limit=limit,
            offset=offset,
            after=after,
        )

    def _update(self, resource: Resource, existing: Stored, record: Stored, links: Links) -> Stored:
        if record.body == existing.body:
            return existing  # the same content again changes neither ETag nor date
        if resource.is_descriptor:
            self.bodies.forget_descriptors()
        return self.store.update(record._replace(seq=existing.seq, id=existing.id), links)

    def _existing(self, resource: Resource, record_id: str) -> Stored:
        record = self.store.by_id(resource.name, record_id)
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

    def _require_content(
        self, resource: Resource, record: Stored, body: Body, rights: Rights | None
    ) -> None:
        content = body.draft.body
        access.require_content(self.model, self.store, resource, record, content, rights)

    def _require_movable(self, resource: Resource, existing: Stored, holder: Stored | None) -> None:
        """A key may change to one that nobody has, while nobody refers to the old one."""
        if holder:
            raise Problem(
                problems.NON_UNIQUE_IDENTITY,
                f"Another {resource.title} has the same identifying values.",
            )
        self._require_unused(resource, existing)

    def _require_unused(self, resource: Resource, existing: Stored) -> None:
        dependent = self.store.dependent(existing)
        if dependent:
            user = self.model.named(dependent).title
            raise Problem(
                problems.DEPENDENT_ITEM,
                f"The {resource.title} is still used by a {user}: delete that first.",
            )

    @staticmethod
    def _require_fresh(existing: Stored, fresh: Callable[[Stored], bool]) -> None:
        if not fresh(existing):
            raise Problem(
                problems.STALE_ETAG,
                "The item was changed since it was read: read it again, then repeat the request.",
            )


def _change(resource: Resource, existing: Stored, moved: Json | None) -> Change:
    """What change queries tell of a record that is deleted, or ``moved`` to the key it has now."""
    before: Json = json.loads(existing.body)
    return Change(
        id=existing.id,
        resource=resource.name,
        identity=resource.identities(before)[0],
        student=existing.student,
        edorg=existing.edorg,
        old=resource.key_values(before),
        new=None if moved is None else resource.key_values(moved),
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
