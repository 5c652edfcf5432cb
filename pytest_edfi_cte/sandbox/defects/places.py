"""Finding a place in any resource's record, and changing the value there.

Defects name no property where they can help it: "the first true in a collection" is the primary
indicator of a CTE service and something else in another resource. A record without such a place
is left as it is.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pytest_edfi_cte.sandbox.defects.tools import SERVERS_OWN, Change, Json

#: Put in the place of a value, it takes the property away.
GONE = object()
Kind = Callable[[Any], bool]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: Where a property stands: in the record itself, in a reference, in an element of a collection.
ROOT, REFERENCE, ELEMENT = "root", "reference", "element"


@dataclass(frozen=True)
class Leaf:
    """One property with a plain value."""

    holder: Json
    name: str
    where: str

    @property
    def value(self) -> Any:
        """The value, as it stands now."""
        return self.holder[self.name]


def leaves(record: Json) -> Iterator[Leaf]:
    """Every property with a plain value that a client may have sent."""
    for name, value in record.items():
        if name in SERVERS_OWN:
            continue
        if isinstance(value, dict):
            if name.endswith("Reference"):
                yield from (Leaf(value, inner, REFERENCE) for inner in value if inner != "link")
        elif isinstance(value, list):
            for element in value:
                if isinstance(element, dict):
                    yield from (Leaf(element, inner, ELEMENT) for inner in element)
        else:
            yield Leaf(record, name, ROOT)


def true(value: Any) -> bool:
    """The boolean true."""
    return value is True


def false(value: Any) -> bool:
    """The boolean false."""
    return value is False


def boolean(value: Any) -> bool:
    """A boolean."""
    return isinstance(value, bool)


def integer(value: Any) -> bool:
    """A whole number."""
    return isinstance(value, int) and not boolean(value)


def calendar_date(value: Any) -> bool:
    """A date."""
    return isinstance(value, str) and bool(_DATE.fullmatch(value))


def descriptor(value: Any) -> bool:
    """A descriptor's URI."""
    return isinstance(value, str) and value.startswith("uri://") and "#" in value


def text(value: Any) -> bool:
    """A text that is neither a date nor a descriptor."""
    return isinstance(value, str) and not calendar_date(value) and not descriptor(value)


def digits(value: Any) -> bool:
    """A text of digits."""
    return text(value) and value.isdecimal()


def decimal(value: Any) -> bool:
    """A text that reads as a number."""
    return text(value) and bool(re.fullmatch(r"\d+(\.\d+)?", value))


def first(record: Json, kind: Kind, *where: str) -> Leaf | None:
    """The first value of a kind, at the first of these places that has one."""
    found = list(leaves(record))
    for place in where:
        for leaf in found:
            if leaf.where == place and kind(leaf.value):
                return leaf
    return None


def edit(kind: Kind, new: Any, *where: str) -> Change:
    """The first value of a kind becomes ``new``, or what the function ``new`` makes of it."""

    def change(record: Json) -> None:
        leaf = first(record, kind, *where)
        if leaf is None:
            return
        value = new(leaf.value) if callable(new) else new
        if value is GONE:
            del leaf.holder[leaf.name]
        else:
            leaf.holder[leaf.name] = value

    return change


def put(name: str, value: Any) -> Change:
    """A root property has this value, whether it was there or not."""

    def change(record: Json) -> None:
        record[name] = value

    return change


def drop(name: str) -> Change:
    """A root property is taken away."""

    def change(record: Json) -> None:
        record.pop(name, None)

    return change


def inside(name: str, change: Change) -> Change:
    """Change one reference, or every element of a collection, where it is there."""

    def deeper(record: Json) -> None:
        value = record.get(name)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                change(part)

    return deeper


def service(change: Change) -> Change:
    """Change every CTE program service."""
    return inside("cteProgramServices", change)


def collection(new: Callable[[list[Json]], Any]) -> Change:
    """The record's first collection that is not empty becomes what ``new`` makes of it."""

    def change(record: Json) -> None:
        for name, value in record.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                made = new(value)
                if made is GONE:
                    del record[name]
                else:
                    record[name] = made
                return

    return change


def other_code(uri: str, code: str = "Not Sent") -> str:
    """The descriptor's URI with another code value."""
    return f"{uri.partition('#')[0]}#{code}"


def with_element(change: Change) -> Callable[[list[Json]], list[Json]]:
    """The collection with one more element: a changed copy of its first."""

    def new(elements: list[Json]) -> list[Json]:
        more = copy.deepcopy(elements[0])
        change(more)
        return [*elements, more]

    return new


def day_before(value: str) -> str:
    """The day before, as an API with the wrong time zone shows it."""
    return (date.fromisoformat(value) - timedelta(days=1)).isoformat()
