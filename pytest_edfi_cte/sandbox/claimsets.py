"""What a key may do to which resource: claim sets, read from the contract data.

A claim set maps collections to operations. ``descriptors`` stands for every descriptor
collection and ``*`` for whatever is not named; what is neither is closed altogether.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.sandbox.problems import ACTION_DENIED, RESOURCE_DENIED, Problem

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.model import Resource

#: The claim set that may do everything.
EVERYTHING = "Ed-Fi Sandbox"

_OPERATIONS = {"POST": "Create", "GET": "Read", "PUT": "Update", "DELETE": "Delete"}


@cache
def _claim_sets() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = shipped().claim_sets()
    return found


def check_name(name: str) -> None:
    """ValueError unless there is a claim set of this name."""
    if name not in _claim_sets():
        raise ValueError(f"no claim set {name!r}: choose one of {', '.join(_claim_sets())}")


def operations(claim_set: str, resource: Resource) -> list[str]:
    """What the claim set allows on a resource: some of Create, Read, Update, Delete."""
    rules = _claim_sets()[claim_set]
    kind = "descriptors" if resource.is_descriptor else resource.name
    return rules.get(kind, rules.get("*", []))


def require(claim_set: str, resource: Resource, method: str) -> None:
    """Raise the 403 unless the claim set allows the HTTP method on the resource."""
    allowed = operations(claim_set, resource)
    wanted = _OPERATIONS[method]
    if not allowed:
        raise Problem(
            RESOURCE_DENIED,
            f"Access denied: the claim set '{claim_set}' of this key"
            f" has nothing to do with {resource.name}.",
        )
    if wanted not in allowed:
        raise Problem(
            ACTION_DENIED,
            f"Access denied: the claim set '{claim_set}' of this key does not allow the action"
            f" '{wanted}' on {resource.name}, only {', '.join(allowed)}.",
        )
