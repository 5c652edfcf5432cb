"""Named ways in which an Ed-Fi API is wrong, and named differences that are right.

``DEFECTS`` and ``VARIANTS`` map stable, public names to :class:`Defect`; ``defect.make()`` gives a
middleware for a :class:`~pytest_edfi_cte.sandbox.Sandbox`. ``edfi-cte mutate`` runs tests against
each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_edfi_cte.sandbox.defects import (
    contract_bodies,
    contract_errors,
    contract_protocol,
    contract_queries,
    contract_writes,
    create,
    identity,
    read,
    rows,
    transport,
    types,
    update,
    variants,
)
from pytest_edfi_cte.sandbox.defects.tools import TARGET, Defect, Make
from pytest_edfi_cte.sandbox.defects.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DEFECTS",
    "GROUPS",
    "ROW_KINDS",
    "TARGET",
    "VARIANTS",
    "Defect",
    "Make",
    "Watch",
    "of_name",
]


def _by_name(defects: Iterable[Defect]) -> Mapping[str, Defect]:
    found: dict[str, Defect] = {}
    for defect in defects:
        if defect.name in found:
            raise ValueError(f"two defects have the name {defect.name}")
        found[defect.name] = defect
    return MappingProxyType(found)


_MODULES = (
    *(create, read, update, identity, types, transport),
    *(contract_protocol, contract_errors, contract_bodies, contract_writes, contract_queries),
)
DEFECTS = _by_name(defect for module in _MODULES for defect in module.DEFECTS)
VARIANTS = _by_name(variants.VARIANTS)
GROUPS = tuple(dict.fromkeys(defect.group for defect in DEFECTS.values()))
#: Kinds of defects that are made from a table's rows -> whether they wait for an update.
ROW_KINDS: Mapping[str, bool] = MappingProxyType(
    {n: after for n, (_, after, _) in rows.KINDS.items()}
)


def of_name(name: str) -> Defect:
    """The defect or variant of a name, be it made from a row (``row-lost:beginDate``); KeyError."""
    return rows.of_row(name) if ":" in name else {**DEFECTS, **VARIANTS}[name]
