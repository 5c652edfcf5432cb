"""A badge: an SVG of our own, and the endpoint format of shields.io."""

from __future__ import annotations

import json
from html import escape

from pytest_edfi_cte.reporting.document import Document
from pytest_edfi_cte.reporting.words import kit_name, tables_of
from pytest_edfi_cte.verdicts import Verdict

#: Verdict -> (shields' name of a colour, a colour on which white text is readable).
COLOURS = {
    "conformant": ("brightgreen", "#14632b"),
    "not conformant": ("red", "#a11212"),
    "interrupted": ("lightgrey", "#555"),
    "nothing judged": ("lightgrey", "#555"),
}
#: About the width of a letter of 11 pixels, and the room at both sides.
LETTER, ROOM = 6.6, 12


def label(content: Document) -> str:
    """Whose conformance it is."""
    return f"{kit_name(tables_of(content))} conformance"


def message(content: Document) -> str:
    """``1 of 4 failed``: short, and never better than the verdict."""
    counts = content["counts"]
    total = sum(counts.values())
    waived = counts.get(Verdict.WAIVED.value, 0)
    if content["verdict"] == "conformant":
        passed = counts.get(Verdict.PASSED.value, 0)
        return f"{passed} passed" + (f", {waived} waived" if waived else "")
    if content["verdict"] == "not conformant":
        passed = counts.get(Verdict.PASSED.value, 0)
        return f"not conformant, {passed} of {total} passed"
    return content["verdict"]


def badge_json(content: Document) -> str:
    """https://shields.io/badges/endpoint-badge."""
    colour = COLOURS[content["verdict"]][0]
    fields = {"schemaVersion": 1, "label": label(content), "message": message(content)}
    wrong = content["verdict"] == "not conformant"
    return json.dumps({**fields, "color": colour, "isError": wrong}) + "\n"


def badge_svg(content: Document) -> str:
    """A flat badge with a text for who cannot see it."""
    name_of, said = label(content), message(content)
    left, right = (round(len(text) * LETTER) + ROOM for text in (name_of, said))
    colour = COLOURS[content["verdict"]][1]
    name = escape(f"{name_of}: {said}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{name}"><title>{name}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
        f'font-size="11"><text x="{left / 2}" y="14">{escape(name_of)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(said)}</text></g></svg>\n'
    )
