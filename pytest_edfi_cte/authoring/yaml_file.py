"""A draft as a commented YAML file, one line for each row, in columns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_edfi_cte.authoring.draft import REQUIRED, Draft, Line, cell

#: Ids of a state's or vendor's own tables: none of the kit's begins like this.
OWN = "our-"


_HEAD = (
    "# A table of scenarios, made from the API's model by edfi-cte scenarios new; it runs so.",
    "# Now make it say what your certification page says:",
    "#   1. Give it an id, a title, and the certification that it is from.",
    "#   2. rows: delete the rows that the page does not have. In the others write REQUIRED,",
    "#      CONDITIONAL or OPTIONAL and the values as published.",
    "#   3. scenarios: what each one changes. One that sends has a column of its name in rows.",
    "# Then: edfi-cte scenarios check FILE, and edfi-cte scenarios table FILE beside the page.",
)
_STEPS = (
    "# create: POST, 201. update: PUT, 204. Also upsert (POST of a known key), delete, absent.",
)
_VALUES = (
    "# 8/23 is that day of the school year. A descriptor is its code value. A collection has one",
    '# element. "-" is not sent, and must not be stored. {from: PATH} is the value of another row',
    "# or of a prerequisite, {school_year: 0} the current school year, {faker: city} invented.",
    "# A row that holds others (reference, object, array) has no values; keep it above its parts.",
)
_NEEDS = (
    "# What must exist before, in this order. Pre-loaded records are looked up and never made;",
    "# others are used where they exist and made where not, with what the model requires beside.",
    "# One that no row refers to any more may be deleted; it does no harm.",
)


def draft_id(draft: Draft, beginning: str = OWN) -> str:
    """The id of the draft's table."""
    return beginning + draft.title.lower().replace(" ", "-")


def as_yaml(draft: Draft, beginning: str = OWN) -> str:
    """The file's text; ``beginning``: of the table's id."""
    return "\n".join(
        [*_head(draft, beginning), *_scenarios(draft), *_rows(draft), *_needs(draft), ""]
    )


def _head(draft: Draft, beginning: str) -> Iterator[str]:
    yield from _HEAD
    yield f"id: {_scalar(draft_id(draft, beginning))}"
    yield f"title: {_scalar(draft.title)}"
    yield "certification: Ours # who asks for it, e.g. Ed-Fi SIS v5, Student Program"
    yield "edition: draft"
    yield f"resource: {draft.resource}"
    yield f'standards: ["{draft.standard}"] # without it: all that have the resource'
    if draft.notes:
        yield "notes: # where this table departs from the published one, and why"
        yield from (f"- {_quoted(note)}" for note in draft.notes)
    yield ""


def _scenarios(draft: Draft) -> Iterator[str]:
    article = "an" if draft.title[0] in "AEIOU" else "a"
    yield from _STEPS
    yield "scenarios:"
    yield "  create:"
    yield from ("    number: 1", "    step: create", f"    title: Create {article} {draft.title}")
    if draft.changed:
        yield "  update:"
        yield from ("    number: 2", "    step: update")
        yield f"    title: Modify {draft.changed.rpartition('.')[2]}"
        yield "    of: create # the scenario whose record it changes"
        yield f"    changes: {draft.changed} # what differs in its column; several: [a, b]"
    yield ""


def _rows(draft: Draft) -> Iterator[str]:
    yield from _VALUES
    yield "rows:"
    first = [each for each in draft.lines if each.required == REQUIRED]
    others = [each for each in draft.lines if each.required != REQUIRED]
    texts = [_cells(each, draft.changed) for each in [*first, *others]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for number, (line, text) in enumerate(zip([*first, *others], texts, strict=True)):
        if number in (0, len(first)):
            yield f"# -- {'required by the model' if line in first else 'the rest'}"
        yield _row(line, text, widths)


def _cells(line: Line, changed: str | None) -> list[str]:
    facts = {
        "path": line.path,
        "type": line.type,
        "collection": line.type == "array",
        "required": line.required,
    }
    if not line.holds:
        facts["create"] = cell(line, second=False)
        if changed:
            facts["update"] = cell(line, second=line.path == changed)
    texts = [f"{name}: {_scalar(value)}" for name, value in facts.items()]
    return texts + [""] * (4 + 1 + bool(changed) - len(texts))


def _row(line: Line, texts: Sequence[str], widths: Sequence[int]) -> str:
    used = [text for text in texts if text]
    padded = [f"{text},".ljust(width + 1) for text, width in zip(used, widths, strict=False)]
    padded[-1] = used[-1]
    remark = f" # {line.why}" if line.why else ""
    return f"- {{{' '.join(padded)}}}{remark}"


def _needs(draft: Draft) -> Iterator[str]:
    if not draft.prerequisites:
        return
    yield ""
    yield from _NEEDS
    yield "prerequisites:"
    for name, spec in draft.prerequisites.items():
        yield f"  {name}:"
        for key, value in spec.items():
            if key != "values":
                yield f"    {key}: {_scalar(value)}"
                continue
            yield "    values:"
            yield from (f"      {path}: {_scalar(each)}" for path, each in value.items())


def _scalar(value: Any) -> str:
    """A value as YAML writes it inside a flow."""
    import yaml  # noqa: PLC0415 - idle cost

    flow = yaml.safe_dump([value], default_flow_style=True, width=math.inf, allow_unicode=True)
    text = flow.strip()[1:-1]
    return re.sub(r"^'([^'\"\\]*)'$", r'"\1"', text)


def _quoted(text: str) -> str:
    import json  # noqa: PLC0415 - as above

    return json.dumps(text, ensure_ascii=False)
