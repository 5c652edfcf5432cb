"""In which order a client loads the resources: what is referred to first, the enrollment early.

As on the ODS/API, authorization counts beside references: nothing about a student can be written
before the enrollment, and a student itself can be updated only after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.access import ENROLLMENT, STUDENT
from pytest_edfi_cte.sandbox.model import entities_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_edfi_cte.sandbox.model import Model, Resource


def document(model: Model) -> list[dict[str, Any]]:
    """Every resource with the order to load it in; equal orders do not need each other."""
    orders = loading_order(model)
    rows = []
    for resource in model.resources:
        parts = [(orders[resource.name], ["Create", "Update"])]
        if resource.entity == STUDENT:
            enrolled = max((orders[r.name] for r in model.kinds(ENROLLMENT)), default=0)
            parts = [(orders[resource.name], ["Create"]), (enrolled + 1, ["Update"])]
        rows += [{"resource": resource.path, "order": n, "operations": o} for n, o in parts]
    return sorted(rows, key=lambda row: (row["order"], row["resource"]))


def loading_order(model: Model) -> dict[str, int]:
    """Name of a resource -> its place in the order, from 1."""
    order: dict[str, int] = {}
    for resource in model.resources:
        _place(model, resource, order, ())
    return order


def _place(model: Model, resource: Resource, order: dict[str, int], above: tuple[str, ...]) -> int:
    if resource.name not in order:
        path = (*above, resource.name)
        needed = {
            target.name: target
            for entity in _needed(resource)
            for target in model.kinds(entity)
            # A reference to its own kind (a parent agency) does not order the kinds.
            if target.name not in path
        }
        places = [_place(model, target, order, path) for target in needed.values()]
        order[resource.name] = 1 + max(places, default=0)
    return order[resource.name]


def _needed(resource: Resource) -> Iterator[str]:
    for entity in entities_of(resource.shape):
        yield entity
        if entity == STUDENT and resource.entity != ENROLLMENT:
            yield ENROLLMENT
