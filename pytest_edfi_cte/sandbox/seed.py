"""What the certification calls pre-loaded: Grand Bend, its programs and every descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.sandbox.model import collection_of
from pytest_edfi_cte.sandbox.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_edfi_cte.sandbox.engine import Engine

#: The district whose data is pre-loaded, and that the sandbox's key speaks for.
GRAND_BEND = 255901

# In the order in which they refer to each other.
_RESOURCES = (
    "schoolYearTypes",
    "educationServiceCenters",
    "localEducationAgencies",
    "schools",
    "programs",
)


def plant(engine: Engine) -> None:
    """Load Grand Bend through the engine's own rules and make it the state of ``clear()``.

    ValueError for what the rules refuse.
    """
    for collection, record in _records():
        resource = engine.model.find(collection)
        if resource is not None:  # a data standard without school year types has none to load
            try:
                engine.create(resource, record, None)
            except Problem as problem:  # a state's document can ask for more than Grand Bend has
                raise ValueError(f"{collection}: {problem}") from None
    engine.store.remember()


def _records() -> Iterator[tuple[str, dict[str, Any]]]:
    for uri, values in shipped().grand_bend("descriptors").items():
        collection = collection_of(uri.rpartition("/")[2])
        for value in values:
            yield (
                collection,
                {"namespace": uri, "codeValue": value, "shortDescription": value[:75]},
            )
    for collection in _RESOURCES:
        for record in shipped().grand_bend(collection):
            yield collection, record
