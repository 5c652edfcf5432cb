"""The seam between the client side and the sandbox: the one module here that knows both.

Beside it only ``commands`` may import the sandbox. Everything else gets addresses and keys, and
so judges the embedded sandbox exactly as it judges a host.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from pytest_edfi_cte.sandbox import Sandbox
    from pytest_edfi_cte.sandbox.defects import Defect, Watch
    from pytest_edfi_cte.sandbox.remote import RemoteSandbox


def started(**options: Any) -> Sandbox:
    """A sandbox that listens; ``options`` are those of :class:`~pytest_edfi_cte.sandbox.Sandbox`.

    Raises :class:`ConfigurationError` where the extra ``sandbox`` is not installed.
    """
    sandbox: Sandbox = _imported("pytest_edfi_cte.sandbox").Sandbox(**options)
    sandbox.start()
    return sandbox


@contextmanager
def controlled(url: str, token: str) -> Iterator[RemoteSandbox]:
    """A sandbox in another process, by the address and token of its admin path."""
    from pytest_edfi_cte.sandbox.remote import RemoteSandbox  # noqa: PLC0415 - an optional extra

    sandbox = RemoteSandbox(url, token)
    try:
        yield sandbox
    finally:
        sandbox.close()


def defects() -> tuple[Mapping[str, Defect], Mapping[str, Defect]]:
    """The sandbox's named defects and variants; :class:`ConfigurationError` as above."""
    found = _imported("pytest_edfi_cte.sandbox.defects")
    return found.DEFECTS, found.VARIANTS


def defect(name: str) -> Defect:
    """One by its name, or made from a row by its name; :class:`ConfigurationError` as above."""
    found: Defect = _imported("pytest_edfi_cte.sandbox.defects").of_name(name)
    return found


def row_defects(path: str, *, updated: bool) -> list[Defect]:
    """What can be wrong with one row of a table; ``updated``: also after an update."""
    found = _imported("pytest_edfi_cte.sandbox.defects")
    kinds = [kind for kind, after in found.ROW_KINDS.items() if updated or not after]
    return [found.of_name(f"{kind}:{path}") for kind in kinds]


def defects_target() -> str:
    """The glob on collections that defects are about where nothing else is said."""
    target: str = _imported("pytest_edfi_cte.sandbox.defects").TARGET
    return target


def watch() -> Watch:
    """A middleware that counts what another one altered; :class:`ConfigurationError` as above."""
    made: Watch = _imported("pytest_edfi_cte.sandbox.defects").Watch()
    return made


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f"this needs the sandbox's own dependencies ({error}); install them "
            "with: pip install 'pytest-edfi-cte[sandbox]'"
        ) from None
