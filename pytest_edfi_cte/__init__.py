"""Conformance kit for Ed-Fi career and technical education data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_edfi_cte.asserting import assert_conforms, assert_only_changed, assert_record
    from pytest_edfi_cte.compare import ABSENT

__all__ = ["ABSENT", "__version__", "assert_conforms", "assert_only_changed", "assert_record"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public names, imported at their first use: every pytest start imports this package."""
    if name == "ABSENT":
        from pytest_edfi_cte.compare import ABSENT  # noqa: PLC0415 - idle cost

        return ABSENT
    if name in __all__:
        from pytest_edfi_cte import asserting  # noqa: PLC0415 - idle cost

        return getattr(asserting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
