"""Defects made from the rows of a table: one value wrong, wherever in the record it stands.

They have names of their own, ``KIND:PATH`` (``row-lost:cteProgramServices.cipCode``), and are made
for whichever table is attacked. A record without the place is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pytest_edfi_cte.sandbox.defects.places import (
    GONE,
    boolean,
    calendar_date,
    day_before,
    descriptor,
    other_code,
)
from pytest_edfi_cte.sandbox.defects.tools import Change, Defect, Json, shown

GROUP = "rows"


def other(value: Any) -> Any:
    """Another value of the same JSON type."""
    if boolean(value):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if descriptor(value):
        return other_code(value)
    return day_before(value) if calendar_date(value) else f"{value} x"


def retyped(value: Any) -> Any:
    """The value as another JSON type shows it."""
    if boolean(value):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return int(value) if value.isdecimal() else [value]


#: Kind -> what becomes of the value, only after an update, and what is said of it.
KINDS: dict[str, tuple[Callable[[Any], Any], bool, str]] = {
    "row-lost": (lambda _value: GONE, False, "{} is missing when the record is read."),
    "row-other": (other, False, "{} reads back with another value."),
    "row-retyped": (retyped, False, "{} reads back with another JSON type."),
    "row-lost-by-update": (lambda _value: GONE, True, "An update loses {}."),
    "row-other-by-update": (other, True, "After an update {} has another value."),
}


def of_row(name: str) -> Defect:
    """The defect of a name; KeyError where there is no such kind."""
    kind, _, path = name.partition(":")
    new, after_put, summary = KINDS[kind]
    return Defect(name, GROUP, summary.format(path), shown(_at(path, new), after_put=after_put))


def _at(path: str, new: Callable[[Any], Any]) -> Change:
    *parents, last = path.split(".")

    def change(record: Json) -> None:
        for holder in _holders(record, parents):
            if last not in holder:
                continue
            value = new(holder[last])
            if value is GONE:
                del holder[last]
            else:
                holder[last] = value

    return change


def _holders(part: Any, parents: list[str]) -> Iterator[Json]:
    """The objects that may have the property; collections are entered."""
    if isinstance(part, list):
        for element in part:
            yield from _holders(element, parents)
    elif isinstance(part, dict):
        if not parents:
            yield part
        else:
            yield from _holders(part.get(parents[0]), parents[1:])
