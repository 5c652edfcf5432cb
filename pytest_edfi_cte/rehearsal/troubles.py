"""How the sandbox is prepared: a state's own values in it, and what goes wrong in the steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.rehearsal.played import Hit
from pytest_edfi_cte.rehearsal.script import COLLECTIONS, STUDENTS

if TYPE_CHECKING:
    from pytest_edfi_cte.rehearsal.script import Step, Trouble
    from pytest_edfi_cte.rehearsal.task import Records
    from pytest_edfi_cte.sandbox import Sandbox


def switch_on(
    sandbox: Sandbox,
    until: ExitStack,
    step: Step,
    given: Records,
    troubles: Sequence[Trouble],
    retry_after: float,
) -> tuple[Hit, ...]:
    """Switch a step's troubles on, ``until`` the stack is left; whom each of them strikes.

    In the batch the token expires when half of the records were sent.
    """
    if step.id == "batch":
        half = len(COLLECTIONS) * len(given[STUDENTS]) // 2
        expired = sandbox.fault(method="POST", path="/ed-fi/*", after=half, times=1, expire=True)
        until.enter_context(expired)
    if step.id != "errors":
        return ()
    ids = [str(record["studentUniqueId"]) for record in given[STUDENTS]]
    own = ids[1:]  # the first is a bystander: what fails for everybody fails for it first
    hits = []
    for trouble in troubles:
        student = None if trouble.everybody else own.pop(0)
        what: dict[str, Any] = {"status": trouble.status, "drop": trouble.drop}
        if trouble.retry_after:
            what["retry_after"] = retry_after
        if student is not None:
            what["containing"] = f'"{student}"'
        path = f"/ed-fi/{trouble.resource}"
        until.enter_context(sandbox.fault(method="POST", path=path, times=trouble.times, **what))
        hits.append(Hit(trouble, student))
    return tuple(hits)


def add_descriptors(sandbox: Sandbox, uris: Iterable[str]) -> None:
    """Give the API a state's own values; :class:`ConfigurationError` for an impossible one."""
    for uri in uris:
        namespace, _, code = uri.partition("#")
        value = {"namespace": namespace, "codeValue": code, "shortDescription": code[:75]}
        try:
            sandbox.load(f"{namespace.rpartition('/')[2]}s", [value])
        except ValueError as error:
            raise ConfigurationError(
                f"--descriptor: no API can hold the value {uri}: {error}"
            ) from None
