"""Relationship-based authorization, simple version: which key may touch which record.

A key claims ed-orgs and with them everything below (a district's schools). Records that are not
about a student are open to every key. A student, and what refers to one, is open when an
enrollment (StudentSchoolAssociation) ties the student to a covered ed-org; an enrollment itself
when its own school is covered. Creating a student needs no tie, since none can exist yet.

One choice of ours: a student without any enrollment at all may be deleted, though neither read
nor changed, so that whoever made it can clean up after its enrollment is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_edfi_cte.sandbox.model import at
from pytest_edfi_cte.sandbox.problems import FORBIDDEN, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_edfi_cte.sandbox.model import Model, Resource
    from pytest_edfi_cte.sandbox.shapes import Json
    from pytest_edfi_cte.sandbox.store import Store, Stored

STUDENT = "student"
ENROLLMENT = "studentSchoolAssociation"
ED_ORG = "educationOrganization"


class Tie(NamedTuple):
    """The student that a record is about, and the ed-org it ties the student to."""

    student: str | None
    edorg: int | None


def tie_of(resource: Resource, body: Json) -> Tie:
    """What the record says about a student; both None when it is about none."""
    if resource.entity == STUDENT:
        return Tie(body["studentUniqueId"], None)
    student = next(
        (
            at(body, (name, shape.identity[0]))
            for name, shape in resource.references()
            if shape.reference == STUDENT
        ),
        None,
    )
    if resource.entity == ENROLLMENT:
        return Tie(student, body["schoolReference"]["schoolId"])
    return Tie(student, None)


def parents_of(model: Model, resource: Resource, body: Json) -> list[tuple[int, int]]:
    """For an ed-org: (ed-org above it, itself) for every reference to another ed-org."""
    own = resource.is_a.get(ED_ORG)
    if own is None:
        return []
    (path,) = own.values()
    child = at(body, path)
    parents = (
        at(body, (name, shape.identity[0]))
        for name, shape in resource.references()
        if model.is_a(shape.reference or "", ED_ORG)
    )
    return sorted({(parent, child) for parent in parents if parent is not None})


def require(store: Store, resource: Resource, record: Stored, claims: Sequence[int] | None) -> None:
    """Raise the 403 unless the key may see and change the record."""
    if claims is None or record.student is None or store.visible(record, claims):
        return
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


def require_creation(
    store: Store, resource: Resource, record: Stored, claims: Sequence[int] | None
) -> None:
    """Like :func:`require`, for a record that does not exist yet."""
    if resource.entity != STUDENT:
        require(store, resource, record, claims)


def require_deletion(
    store: Store, resource: Resource, record: Stored, claims: Sequence[int] | None
) -> None:
    """Like :func:`require`; a student whom nothing ties to any ed-org may be deleted."""
    if resource.entity == STUDENT and record.student and not store.tied(record.student):
        return
    require(store, resource, record, claims)
