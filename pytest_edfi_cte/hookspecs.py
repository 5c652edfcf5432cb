"""Hooks that a conftest.py or a plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import requests

    from pytest_edfi_cte.catalogue import Entry
    from pytest_edfi_cte.client.customising import Outgoing
    from pytest_edfi_cte.client.exchange import Exchange
    from pytest_edfi_cte.rehearsal.task import Task
    from pytest_edfi_cte.reporting.document import Document
    from pytest_edfi_cte.reporting.model import CheckResult
    from pytest_edfi_cte.scenarios import Scenario


@pytest.hookspec
def pytest_edfi_scenarios(
    config: pytest.Config,
) -> str | Path | Mapping[str, Any] | Iterable[str | Path | Mapping[str, Any]] | None:
    """Add tables of scenarios: paths of files or folders, or tables as the format has them."""


@pytest.hookspec
def pytest_edfi_modify_scenarios(config: pytest.Config, scenarios: list[Entry]) -> None:
    """Take scenarios out of the run or reorder them: change the list ``scenarios`` in place.

    An entry has ``id``, ``step``, ``name`` and ``file`` (with the table as ``content``).
    """


@pytest.hookspec
def pytest_edfi_payload(resource: str, payload: dict[str, Any], scenario: Scenario | None) -> None:
    """Change a record in place before it is sent: a state's ``_ext``, a value of its own.

    ``resource`` is the collection; ``scenario`` is None for prerequisites and fictional records.
    What is changed in a scenario's record is expected back, property by property; the natural key
    must stay. The same scenario must get the same change each time: it is asked for more than once.
    """


@pytest.hookspec
def pytest_edfi_session(session: requests.Session) -> None:
    """Customise a session of the run once it is made: headers of a gateway, client certificate.

    There are two, one for discovery and token, one for data; each worker of xdist has its own. The
    values of added headers and parameters are treated as secrets (one of fewer than 8 characters is
    hidden in its header or address alone). No adapter may be mounted: what it sends would leave no
    evidence. ``edfi-cte`` commands call no hooks.
    """


@pytest.hookspec
def pytest_edfi_before_request(request: Outgoing) -> None:
    """See a request before it is sent, and change its ``headers``.

    ``method``, ``url`` and ``body`` are to be read, without secrets. Added headers are shown in the
    evidence. A retry is no new request.
    """


@pytest.hookspec
def pytest_edfi_after_response(exchange: Exchange) -> None:
    """See each request with its answer as the evidence has it, without secrets.

    ``method``, ``url``, ``status`` (None: no answer), ``error``, ``request_headers``,
    ``request_body``, ``response_headers``, ``response_body``, ``duration`` in seconds, ``attempt``.
    What is raised here fails the test when it ends; the answer is kept.
    """


@pytest.hookspec
def pytest_edfi_report_row(check: CheckResult) -> str | Iterable[str] | None:
    """Add remarks to a check of the report: a text, or several; ``check`` is a copy to read."""


@pytest.hookspec
def pytest_edfi_report_summary(document: Document) -> str | Iterable[str] | None:
    """Add remarks to the run: a text, or several; ``document`` is a copy of ``results.json``."""


@pytest.hookspec(firstresult=True)
def pytest_edfi_act(scenario: Scenario, step: str, values: dict[str, Any]) -> object:
    """Make your product do what a scenario asks for (``--edfi-mode=observe``).

    ``scenario`` has ``id``, ``number`` and ``title``; ``step`` is "create", "update", "upsert",
    "delete" or "absent"; ``values`` is the record as the table wants it, as JSON. Return something
    other than None when it was done (its text becomes evidence): no other implementation is asked
    then. An exception is a finding: the product failed. A command of ``--edfi-act`` for the step
    goes first, and the fixture ``edfi_product`` replaces all of this.
    """


@pytest.hookspec(firstresult=True)
def pytest_edfi_rehearse(task: Task) -> object:
    """Make your product do what a step of ``edfi_rehearsal`` asks for.

    ``task`` has ``step``, ``url``, ``client_id``, ``client_secret``, ``records``, ``rows``, ``csv``
    and ``json``. It is asked where ``run()`` or ``act(step)`` is given no product. An exception
    means that the product failed.
    """
