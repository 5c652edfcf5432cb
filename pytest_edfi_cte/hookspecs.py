"""Hooks that a conftest.py or a plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_edfi_cte.rehearsal.task import Task
    from pytest_edfi_cte.scenarios import Scenario


@pytest.hookspec(firstresult=True)
def pytest_edfi_act(scenario: Scenario, step: str, values: dict[str, Any]) -> object:
    """Make your product do what a scenario asks for (``--edfi-mode=observe``).

    ``scenario`` has ``id``, ``number`` and ``title``; ``step`` is "create" or "update"; ``values``
    is the record as the table wants it, as JSON. Return something other than None when it was
    done (its text becomes evidence): no other implementation is asked then. An exception means
    that the product failed; it becomes a finding. A command of ``--edfi-act`` for the step goes
    first, and the fixture ``edfi_product`` replaces all of this.
    """


@pytest.hookspec(firstresult=True)
def pytest_edfi_rehearse(task: Task) -> object:
    """Make your product do what a step of ``edfi_rehearsal`` asks for.

    ``task`` has ``step``, ``url``, ``client_id``, ``client_secret``, ``records``, ``rows``, ``csv``
    and ``json``. It is asked where ``run()`` or ``act(step)`` is given no product. An exception
    means that the product failed.
    """
