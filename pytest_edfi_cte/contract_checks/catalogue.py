"""All checks by their id; importing this makes them known."""

from __future__ import annotations

from pytest_edfi_cte.contract_checks import (  # noqa: F401 - importing a module registers its checks
    access,
    addresses,
    bodies,
    discovery,
    errors,
    etags,
    openapi,
    queries,
    writes,
)
from pytest_edfi_cte.contract_checks.model import CHECKS

__all__ = ["CHECKS"]
