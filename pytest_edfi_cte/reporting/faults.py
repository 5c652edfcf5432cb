"""What is said of an exception of our own."""

from __future__ import annotations

import traceback

import pytest

ISSUES = "the project's issue tracker"


def our_bug(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """The text for an exception of our own: whose it is, and what to do with it."""
    where = "".join(traceback.format_tb(excinfo.tb)[-4:])
    return (
        f"harness error: pytest-edfi-cte itself failed ({excinfo.exconly(tryshort=True)}).\n"
        "  This says nothing about the judged API. Please report it, with these lines, to "
        f"{ISSUES}:\n{where}"
    )
