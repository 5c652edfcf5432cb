"""Defects of JSON types: the value is there, as something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.sandbox.defects.places import (
    ELEMENT,
    REFERENCE,
    ROOT,
    calendar_date,
    decimal,
    descriptor,
    digits,
    edit,
    false,
    integer,
    put,
    true,
)
from pytest_edfi_cte.sandbox.defects.tools import Defect, shown

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.defects.tools import Make

GROUP = "types"


def _defects() -> list[tuple[str, str, Make]]:
    return [
        (
            "true-as-number",
            "The boolean true reads back as 1.",
            shown(edit(true, 1, ELEMENT, ROOT)),
        ),
        (
            "true-as-text",
            'The boolean true reads back as "true".',
            shown(edit(true, "true", ELEMENT, ROOT)),
        ),
        (
            "false-as-number",
            "The boolean false reads back as 0.",
            shown(edit(false, 0, ROOT, ELEMENT)),
        ),
        (
            "date-as-datetime",
            "A date reads back with a time.",
            shown(edit(calendar_date, lambda value: f"{value}T00:00:00Z", ROOT)),
        ),
        (
            "integer-as-text",
            "An ed-org's number reads back as text.",
            shown(edit(integer, str, REFERENCE)),
        ),
        (
            "text-as-integer",
            "A student's identifier, which is text, reads back as a number.",
            shown(edit(digits, int, REFERENCE)),
        ),
        (
            "code-as-number",
            "A code that is text reads back as a number.",
            shown(edit(decimal, float, ELEMENT, ROOT)),
        ),
        (
            "descriptor-as-code-value",
            "A descriptor reads back as its code value without a namespace.",
            shown(edit(descriptor, lambda uri: uri.partition("#")[2], ROOT, ELEMENT)),
        ),
        (
            "modified-date-no-date",
            "The date of the last change is no date.",
            shown(put("_lastModifiedDate", "yesterday")),
        ),
        (
            "optional-flag-as-text",
            "An optional flag that nobody sent reads back as text.",
            shown(put("servedOutsideOfRegularSession", "no")),
        ),
    ]


DEFECTS = tuple(Defect(name, GROUP, summary, make) for name, summary, make in _defects())
