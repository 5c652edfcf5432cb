"""The fixture that rehearses your product in your own tests; no ``--edfi-url`` needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte.fixtures import SETTINGS

if TYPE_CHECKING:
    from pytest_edfi_cte.rehearsal.stage import Rehearsal


@pytest.fixture(scope="module")
def edfi_rehearsal_options() -> dict[str, Any]:
    """Options of ``edfi_rehearsal``, e.g. ``{"students": 20}``; override to change them.

    Those of ``pytest_edfi_cte.rehearsal.stage.Rehearsal``. What is not given here comes from
    ``--edfi-school-year``, ``--edfi-seed``, ``--edfi-set``, ``--edfi-descriptor`` and
    ``--edfi-descriptor-file``.
    """
    return {}


@pytest.fixture(scope="module")
def edfi_rehearsal(
    request: pytest.FixtureRequest, edfi_rehearsal_options: dict[str, Any]
) -> Iterator[Rehearsal]:
    """A sandbox for your product to talk to, which judges how it behaves; one for each module.

    ``run(product)`` plays every step, ``act(step, product)`` one; ``product`` is a function of the
    task (``step``, ``url``, ``client_id``, ``client_secret``, ``records``, ``rows``, ``csv``,
    ``json``), a command, or by default the hook ``pytest_edfi_rehearse``. ``conclude()`` fails with
    every check that is not met.
    """
    from pytest_edfi_cte.rehearsal.stage import Rehearsal  # noqa: PLC0415 - idle cost

    settings = request.config.stash[SETTINGS]
    options = {
        "school_year": settings.school_year,
        "seed": settings.seed,
        "overrides": settings.overrides,
        "descriptors": settings.descriptors,
        "descriptor_file": settings.descriptor_file,
        **edfi_rehearsal_options,
    }
    hook = request.config.hook.pytest_edfi_rehearse
    with Rehearsal(**options) as rehearsal:
        if hook.get_hookimpls():
            rehearsal.product = lambda task: hook(task=task)
        yield rehearsal
