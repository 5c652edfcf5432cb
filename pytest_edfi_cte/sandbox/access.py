"""Relationship-based authorization, simple version: which key may touch which record.

A key claims ed-orgs and with them everything below (a district's schools). Ed-orgs, descriptors
and school years are open to every key; what is not about a student but has an ed-org in its
natural key (a program, a calendar) when that is covered. A student, and what refers to one, is
open when an enrollment (StudentSchoolAssociation) ties the student to a covered ed-org; an
enrollment itself when its own school is covered. Creating a student needs no tie, since none can
exist yet; what is written about one must belong to a covered ed-org.

One choice of ours: a student without any enrollment at all may be deleted, though neither read
nor changed, so that whoever made it can clean up after its enrollment is gone.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pytest_edfi_cte.sandbox.model import at
from pytest_edfi_cte.sandbox.problems import FORBIDDEN, NAMESPACE_DENIED, Problem

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.model import Model, Resource
    from pytest_edfi_cte.sandbox.shapes import Json
    from pytest_edfi_cte.sandbox.store import Store, Stored

STUDENT = "student"
ENROLLMENT = "studentSchoolAssociation"
ED_ORG = "educationOrganization"

#: More than a process has resources, of all its models together.
_RESOURCES = 1000


class Rights(NamedTuple):
    """Of a key: ids of the ed-orgs it claims, and how namespaces that it may write begin."""

    edorgs: tuple[int, ...]
    namespaces: tuple[str, ...]


class Tie(NamedTuple):
    """The student that a record is about, and the ed-org it ties the student or itself to."""

    student: str | None
    edorg: int | None


def tie_of(model: Model, resource: Resource, body: Json) -> Tie:
    """Whom the record is about and whose it is; both None when it is open to everyone."""
    path = _student_path(resource)
    student = at(body, path) if path else None
    ties = student is None or resource.entity == ENROLLMENT
    return Tie(student, _owner(model, resource, body) if ties else None)


def parents_of(model: Model, resource: Resource, body: Json) -> list[tuple[int, int]]:
    """For an ed-org: (ed-org above it, itself) for every reference to another ed-org."""
    own = resource.is_a.get(ED_ORG)
    if own is None:
        return []
    (path,) = own.values()
    child = at(body, path)
    parents = (at(body, path) for path in _parent_paths(model, resource))
    return sorted({(parent, child) for parent in parents if parent is not None})


def _owner(model: Model, resource: Resource, body: Json) -> int | None:
    """The ed-org in the record's natural key, None for an ed-org itself and where there is none."""
    path = _owner_path(model, resource)
    return at(body, path) if path else None


# Where in a body to look depends on the resource alone, and every write asks for it.


@lru_cache(maxsize=_RESOURCES)
def _student_path(resource: Resource) -> tuple[str, ...] | None:
    if resource.entity == STUDENT:
        return next(iter(resource.natural_key.values()))
    paths = (
        (name, shape.identity[0])
        for name, shape in resource.references()
        if shape.reference == STUDENT
    )
    return next(paths, None)


@lru_cache(maxsize=_RESOURCES)
def _owner_path(model: Model, resource: Resource) -> tuple[str, ...] | None:
    if ED_ORG in resource.is_a:
        return None
    entities = {name: shape.reference or "" for name, shape in resource.references()}
    paths = (
        path
        for path in resource.natural_key.values()
        if len(path) > 1
        and (entities.get(path[0]) == ED_ORG or model.is_a(entities.get(path[0], ""), ED_ORG))
    )
    return next(paths, None)


@lru_cache(maxsize=_RESOURCES)
def _parent_paths(model: Model, resource: Resource) -> list[tuple[str, ...]]:
    return [
        (name, shape.identity[0])
        for name, shape in resource.references()
        if model.is_a(shape.reference or "", ED_ORG)
    ]


def require(store: Store, resource: Resource, record: Stored, rights: Rights | None) -> None:
    """Raise the 403 unless the key may see and change the record."""
    if rights is None or store.visible(record, rights.edorgs):
        return
    if record.student is None:
        raise Problem(
            FORBIDDEN,
            "Access denied: the ed-orgs of this key do not cover the ed-org of the item.",
        )
    if resource.entity == ENROLLMENT:
        raise Problem(
            FORBIDDEN,
            "Access denied: the ed-orgs of this key do not cover the school of the enrollment.",
        )
    raise Problem(
        FORBIDDEN,
        "Access denied: nothing ties the student to an ed-org of this key."
        " Hint: create the student's 'StudentSchoolAssociation' at one of its schools first.",
    )


def require_content(
    model: Model,
    store: Store,
    resource: Resource,
    record: Stored,
    body: Json,
    rights: Rights | None,
) -> None:
    """Like :func:`require`, for a record that does not exist yet, or not with this ``body``."""
    if rights is None:
        return
    if resource.entity != STUDENT:
        require(store, resource, record, rights)
    if resource.is_descriptor:
        require_namespace(body["namespace"], rights)
    owns = record.student and resource.entity != ENROLLMENT
    owner = _owner(model, resource, body) if owns else None
    if owner is not None and not store.covers(rights.edorgs, owner):
        raise Problem(
            FORBIDDEN,
            "Access denied: the ed-orgs of this key do not cover the ed-org of the item.",
        )


def require_namespace(namespace: str, rights: Rights | None) -> None:
    """Raise the 403 unless the key may write descriptors of the namespace."""
    if rights and not namespace.casefold().startswith(tuple(map(str.casefold, rights.namespaces))):
        raise Problem(
            NAMESPACE_DENIED,
            f"Access denied: the namespace '{namespace}' does not begin with one of this key's:"
            f" {', '.join(rights.namespaces)}.",
        )


def require_deletion(
    store: Store, resource: Resource, record: Stored, rights: Rights | None
) -> None:
    """Like :func:`require`; a student whom nothing ties to any ed-org may be deleted."""
    if resource.entity == STUDENT and record.student and not store.tied(record.student):
        return
    if resource.is_descriptor:
        require_namespace(json.loads(record.body)["namespace"], rights)
    require(store, resource, record, rights)
