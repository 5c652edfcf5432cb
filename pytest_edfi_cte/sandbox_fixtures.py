"""Fixtures that give a test an Ed-Fi API of its own, the sandbox; no ``--edfi-url`` needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte.fixtures import RUN

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox import Sandbox
    from pytest_edfi_cte.sandbox.remote import RemoteSandbox
    from pytest_edfi_cte.sharing import Desk

_DESK = "edfi_cte_desk"


class Desks:
    """xdist's controller opens a :class:`Desk` for its workers, if there are any."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._desk: Desk | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to ask for the shared sandbox."""
        if self._desk is None:
            from pytest_edfi_cte.sharing import Desk, Sandboxes  # noqa: PLC0415 - idle cost

            sandboxes = Sandboxes()
            self._open.callback(sandboxes.close)
            self._desk = Desk(sandboxes)
            self._open.callback(self._desk.close)
        node.workerinput[_DESK] = json.dumps(self._desk.address)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Stop what was started."""
        self._open.close()


@pytest.fixture(scope="session")
def edfi_sandbox_options() -> dict[str, Any]:
    """Options of ``edfi_sandbox``, e.g. ``{"data_standard": "4.0"}``; override to change them.

    Plain values only: with xdist they travel to the controller, which starts the sandbox.
    """
    return {}


@pytest.fixture(scope="session")
def edfi_sandbox(
    request: pytest.FixtureRequest, edfi_sandbox_options: dict[str, Any]
) -> Iterator[Sandbox | RemoteSandbox]:
    """A stand-in Ed-Fi API over real HTTP: ``url``, ``client_id``, ``client_secret``.

    ``records(resource)``, ``load(resource, records)``, ``requests`` (all that was received),
    ``fault(...)`` (answer chosen requests wrongly) and ``clear()``. One for the whole run, also
    with xdist; with ``--edfi-url=sandbox`` the one that is judged.
    """
    from pytest_edfi_cte import sandboxes  # noqa: PLC0415 - idle cost

    run = request.config.stash.get(RUN, None)
    desk = getattr(request.config, "workerinput", {}).get(_DESK)
    with ExitStack() as stack:
        if run is not None and run.settings.embedded and not edfi_sandbox_options:
            sandbox = run.sandbox(stack)
        elif desk:
            from pytest_edfi_cte.sharing import Refused, ask  # noqa: PLC0415 - workers only

            try:
                handle = ask(json.loads(desk), edfi_sandbox_options)
            except Refused as error:
                raise RuntimeError(f"the shared sandbox did not start: {error}") from None
            sandbox = stack.enter_context(sandboxes.controlled(**handle))
        else:
            sandbox = sandboxes.started(**edfi_sandbox_options)
            stack.callback(sandbox.close)
        yield sandbox


@pytest.fixture
def edfi_new_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """``edfi_new_sandbox(**options)`` starts a sandbox for this test alone; stopped at its end.

    Options are those of ``pytest_edfi_cte.sandbox.Sandbox``, e.g. ``data_standard="4.0"``.
    """
    from pytest_edfi_cte.sandboxes import started  # noqa: PLC0415 - idle cost

    with ExitStack() as stack:

        def new(**options: Any) -> Sandbox:
            sandbox = started(**options)
            stack.callback(sandbox.close)
            return sandbox

        yield new
