"""Defects of creating: the answer to the POST, and what it stored."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_edfi_cte.sandbox.defects.places import (
    ELEMENT,
    GONE,
    ROOT,
    boolean,
    collection,
    descriptor,
    edit,
    false,
    first,
    text,
    true,
)
from pytest_edfi_cte.sandbox.defects.tools import (
    CREATED,
    NOBODY,
    Defect,
    Json,
    Wire,
    after,
    handling,
    refused,
    status,
    stored,
)

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "create"


def another_value(wire: Wire, uri: str) -> str:
    """Another value of the same descriptor set, the next in the API's own list."""
    name = uri.partition("#")[0].rpartition("/")[2]
    known = wire.read(f"{wire.base}{name[:1].lower()}{name[1:]}s", "limit=500") or []
    codes = [entry["codeValue"] for entry in known]
    code = uri.partition("#")[2]
    at = codes.index(code) if code in codes else -1
    return f"{uri.partition('#')[0]}#{codes[(at + 1) % len(codes)]}" if codes else uri


def with_another_descriptor(method: str, *, added: bool = False) -> Make:
    """The first descriptor of the first element is stored as another one, or a copy has it."""

    def handle(wire: Wire) -> Response:
        body = wire.body
        if wire.method != method or not isinstance(body, dict):
            return wire.go()

        def change(elements: list[Json]) -> list[Json]:
            leaf = first({"elements": elements}, descriptor, ELEMENT)
            if leaf is None:
                return elements
            if not added:
                leaf.holder[leaf.name] = another_value(wire, leaf.value)
                return elements
            more = copy.deepcopy(leaf.holder)
            more[leaf.name] = another_value(wire, leaf.value)
            for name in [n for n, value in more.items() if boolean(value) or text(value)]:
                del more[name]
            return [*elements, more]

        collection(change)(body)
        return wire.go(body=body)

    return handling(handle)


def location(value: str | None) -> Make:
    """The Location of a create is another, or there is none. ``{0}``: the collection's path."""

    def alter(wire: Wire, response: Response) -> None:
        response.headers.pop("Location", None)
        if value:
            response.headers["Location"] = value.format(wire.request.path.rstrip("/"))

    return after("POST", alter, CREATED)


def _forgotten(wire: Wire, response: Response) -> None:
    wire.go(method="DELETE", path=urlsplit(response.headers["Location"]).path)


def _of_another(wire: Wire, response: Response) -> None:
    own = response.headers["Location"].rpartition("/")[2]
    others = [r["id"] for r in wire.read(query="limit=500") or () if r["id"] != own]
    if others:
        response.headers["Location"] = f"{wire.request.base_url.rstrip('/')}/{others[0]}"


def _defects() -> list[tuple[str, str, Make]]:
    return [
        ("create-answers-200", "A new record is answered with 200.", status("POST", 200)),
        ("create-answers-204", "A new record is answered with 204.", status("POST", 204)),
        ("create-answers-400", "A correct record is refused with 400.", refused("POST", 400)),
        ("create-answers-500", "A correct record is answered with 500.", refused("POST", 500)),
        (
            "create-without-location",
            "The answer to a create does not say where the record is.",
            location(None),
        ),
        (
            "create-location-on-another-host",
            "The Location of a new record is on another host.",
            location("http://localhost:9{0}/1"),
        ),
        (
            "create-location-of-nothing",
            "The Location of a new record leads to no record.",
            location("{0}/" + NOBODY),
        ),
        (
            "create-location-of-another-record",
            "The Location of a new record leads to another student's record.",
            after("POST", _of_another, CREATED),
        ),
        (
            "create-not-stored",
            "A create is answered with 201, and nothing is stored.",
            after("POST", _forgotten, CREATED),
        ),
        (
            "create-stores-false-for-true",
            "A flag of the record that was sent as true is stored as false.",
            stored(edit(true, False, ROOT), "POST"),
        ),
        (
            "create-stores-false-in-element",
            "A flag in a collection that was sent as true is stored as false.",
            stored(edit(true, False, ELEMENT), "POST"),
        ),
        (
            "create-loses-false",
            "A flag that was sent as false is not stored.",
            stored(edit(false, GONE, ROOT), "POST"),
        ),
        (
            "create-cuts-text",
            "A text is stored without its last two characters.",
            stored(edit(text, lambda value: value[:-2], ELEMENT, ROOT), "POST"),
        ),
        (
            "create-loses-descriptor",
            "A descriptor of the record is not stored.",
            stored(edit(descriptor, GONE, ROOT), "POST"),
        ),
        (
            "create-loses-elements",
            "The elements of a collection are not stored.",
            stored(collection(lambda _elements: []), "POST"),
        ),
        (
            "create-adds-element",
            "An element that nobody sent is stored in a collection.",
            with_another_descriptor("POST", added=True),
        ),
        (
            "create-stores-another-descriptor",
            "An element is stored with another descriptor value than was sent.",
            with_another_descriptor("POST"),
        ),
    ]


DEFECTS = tuple(Defect(name, GROUP, summary, make) for name, summary, make in _defects())
