"""Defects of reading: a stored record is shown incompletely, wrongly, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.defects.places import (
    ELEMENT,
    GONE,
    ROOT,
    boolean,
    calendar_date,
    collection,
    day_before,
    descriptor,
    drop,
    edit,
    inside,
    put,
)
from pytest_edfi_cte.sandbox.defects.tools import Defect, Json, queries, refused, shown

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "read"


def _other_namespace(uri: str) -> str:
    _, _, rest = uri.removeprefix("uri://").partition("/")
    return f"uri://state.example/{rest}"


def _lower_case(uri: str) -> str:
    head, _, code = uri.partition("#")
    return f"{head}#{code.lower()}"


def _differing(found: list[Any]) -> list[Any]:
    for record in found:
        edit(boolean, lambda value: not value, ROOT, ELEMENT)(record)
    return found


def _array_of_one(record: Json) -> Any:
    return [record]


def _defects() -> list[tuple[str, str, Make]]:
    return [
        (
            "read-answers-404",
            "A stored record is not found by its id.",
            refused("GET", 404, item=True),
        ),
        (
            "read-answers-500",
            "Reading a record by its id is answered with 500.",
            refused("GET", 500, item=True),
        ),
        (
            "read-answers-an-array",
            "A record is shown inside an array.",
            shown(_array_of_one),
        ),
        (
            "read-flag-null",
            "A flag in a collection reads back as null.",
            shown(edit(boolean, None, ELEMENT, ROOT)),
        ),
        (
            "read-flag-absent",
            "A flag in a collection is missing when the record is read.",
            shown(edit(boolean, GONE, ELEMENT, ROOT)),
        ),
        (
            "read-date-off-by-one",
            "A date reads back as the day before.",
            shown(edit(calendar_date, day_before, ROOT)),
        ),
        (
            "read-descriptor-in-another-namespace",
            "A descriptor reads back in another namespace.",
            shown(edit(descriptor, _other_namespace, ROOT, ELEMENT)),
        ),
        (
            "read-descriptor-in-another-case",
            "A descriptor reads back in lower case, unlike the API's own list.",
            shown(edit(descriptor, _lower_case, ROOT, ELEMENT)),
        ),
        (
            "read-collection-null",
            "A collection reads back as null.",
            shown(collection(lambda _elements: None)),
        ),
        (
            "read-collection-absent",
            "A collection is missing when the record is read.",
            shown(collection(lambda _elements: GONE)),
        ),
        (
            "read-collection-as-object",
            "A collection of one element reads back as that element.",
            shown(collection(lambda elements: elements[0])),
        ),
        (
            "read-element-twice",
            "An element of a collection reads back twice.",
            shown(collection(lambda elements: elements * 2)),
        ),
        (
            "read-reference-absent",
            "The reference to the program is missing when the record is read.",
            shown(drop("programReference")),
        ),
        (
            "read-reference-wrong",
            "The reference to the program names another program.",
            shown(inside("programReference", put("programName", "CTE"))),
        ),
        (
            "read-differs-in-collection",
            "A record looks different in its collection and by its id.",
            queries(_differing),
        ),
    ]


DEFECTS = tuple(Defect(name, GROUP, summary, make) for name, summary, make in _defects())
