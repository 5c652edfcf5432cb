"""The matrix for people (text, Markdown) and for programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_edfi_cte.mutation.model import Cell, Matrix, Outcome, Row, State, Subject, short_names
from pytest_edfi_cte.reporting.model import visible

VERSION = 1  # of the JSON document
_FEW = 8  # names in one line of the summary


def summary(matrix: Matrix) -> list[str]:
    """What follows from the matrix, in a few lines; the misses with what they are."""
    count = matrix.count
    applying = count(Outcome.CAUGHT) + count(Outcome.MISSED)
    stopped = [row for row in matrix.of(Outcome.CAUGHT) if row.telling.state is State.STOPPED]
    idle = matrix.of(Outcome.NOT_APPLICABLE)
    caught = f"{count(Outcome.CAUGHT)} caught ({matrix.share:.0%}), {count(Outcome.MISSED)} missed"
    lines = [
        f"{applying} defects apply: {caught}.",
        f"Of the caught ones stopped before anything was judged: {_names(stopped)}.",
        f"Variants: {count(Outcome.PASSED)} passed, {count(Outcome.BLAMED)} blamed.",
        f"Not counted, because they altered no answer that these tests judge: {_names(idle)}.",
    ]
    return [*lines, *misses(matrix.of(Outcome.MISSED, Outcome.BLAMED))]


def misses(rows: Iterable[Row]) -> Iterator[str]:
    """What was missed or blamed: what it does, and why that was not seen."""
    for row in rows:
        altered = sum(each.altered for each in row.cells.values())
        why = row.telling.line or f"{altered} answers were altered, and no test failed."
        yield f"{row.outcome.value} {row.subject.name}: {row.subject.summary}"
        yield f"  {why}"


def _names(rows: Sequence[Row]) -> str:
    """How many there are, and which, where these are few enough to be read."""
    if not 0 < len(rows) <= _FEW:
        return str(len(rows))
    return f"{len(rows)} ({', '.join(row.subject.name for row in rows)})"


LEGEND = (
    "caught: a test failed with the finding. stopped: red, but before anything was judged.",
    "not noticed: these tests passed. -: no answer that these tests judge was altered.",
)


def as_text(matrix: Matrix) -> str:
    """A table per group for a terminal."""
    short = short_names(matrix.columns)
    names = max((len(row.subject.name) for row in matrix.rows), default=0)
    widths = {c: max(len(short[c]), len(State.ERROR.value)) for c in matrix.columns}
    lines = []
    for group in matrix.groups:
        head = "  ".join(f"{short[c]:<{widths[c]}}" for c in matrix.columns)
        lines += ["", f"{group:<{names + 4}}{'outcome':<16}{head}  finding"]
        for row in _of_group(matrix, group):
            cells = "  ".join(f"{_state(row, c):<{widths[c]}}" for c in matrix.columns)
            finding = visible(row.telling.line)
            line = f"  {row.subject.name:<{names}}  {row.outcome.value:<16}{cells}  {finding}"
            lines.append(line.rstrip())
    lines += ["", *LEGEND]
    return "\n".join([*lines, "", *summary(matrix), f"{matrix.seconds:.0f} s", ""]).lstrip("\n")


def as_markdown(matrix: Matrix) -> str:
    """A page: a table per group, and what follows from it. Nothing that differs between runs."""
    short = short_names(matrix.columns)
    head = ["defect", "what the API does", *(short[c] for c in matrix.columns), "finding"]
    lines = ["# Defects and variants", "", *_INTRODUCTION, ""]
    lines += [f"- {markdown_text(short[c])}: `{c}`" for c in matrix.columns if short[c] != c]
    lines += ["", *(f"{markdown_text(line)}  " for line in summary(matrix))]
    for group in matrix.groups:
        lines += ["", f"## {group}", "", markdown_line(head), markdown_line(["---"] * len(head))]
        for row in _of_group(matrix, group):
            states = [_state(row, c) for c in matrix.columns]
            finding = markdown_text(row.telling.line)
            level = " (should)" if row.subject.level == "should" else ""
            what = markdown_text(row.subject.summary) + level
            lines.append(markdown_line([f"`{row.subject.name}`", what, *states, finding]))
    return "\n".join([*lines, ""])


_INTRODUCTION = (
    "What the tests say of an API that is wrong in one way (a defect), or unusual and right (a",
    "variant). Made by `edfi-cte mutate --format markdown`; names are stable.",
    "",
    "*caught*: a test failed with the finding. *stopped*: red, but a prerequisite or the",
    "connection broke before anything was judged. *not noticed*: answers were altered and these",
    "tests passed. *-*: no answer that these tests judge was altered. No variant may turn a test",
    "red, except in the contract pack where it lacks what only the pack asks for.",
)


def as_json(matrix: Matrix) -> str:
    """The matrix as one document; ``share`` is from 0 to 1, ``altered`` counts answers."""
    document = {
        "version": VERSION,
        "good": matrix.good,
        "share": matrix.share,
        "seconds": round(matrix.seconds, 1),
        "columns": list(matrix.columns),
        "rows": [
            {
                **_subject(row.subject),
                "outcome": row.outcome.name.lower().replace("_", " "),
                "cells": {column: _cell(cell) for column, cell in row.cells.items()},
            }
            for row in matrix.rows
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def listed(subjects: Iterable[Subject], form: str) -> str:
    """The defects and variants themselves, without any run."""
    found = list(subjects)
    if form == "json":
        return json.dumps([_subject(each) for each in found], indent=2, ensure_ascii=False) + "\n"
    if form == "markdown":
        head = ["defect", "group", "what the API does"]
        rows = [[f"`{each.name}`", each.group, markdown_text(each.summary)] for each in found]
        return "\n".join(map(markdown_line, [head, ["---"] * 3, *rows])) + "\n"
    width = max((len(each.name) for each in found), default=0)
    lines = (f"{each.name:<{width}}  {each.group:<10}  {each.summary}" for each in found)
    return "\n".join(lines) + "\n"


def _of_group(matrix: Matrix, group: str) -> Iterator[Row]:
    return (row for row in matrix.rows if row.subject.group == group)


def _state(row: Row, column: str) -> str:
    """A cell's word. A variant that nothing is said about has passed."""
    state = row.cells[column].state
    if row.subject.is_variant and state is State.UNNOTICED:
        return Outcome.PASSED.value
    return state.value


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "name": subject.name,
        "group": subject.group,
        "summary": subject.summary,
        "level": subject.level,
        "variant": subject.is_variant,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "state": cell.state.name.lower().replace("_", " "),
        "finding": cell.line,
        "test": cell.test,
        "altered": cell.altered,
    }


def markdown_line(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def markdown_text(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in ("\\", "|", "*", "_", "`", "[", "]"):
        shown = shown.replace(sign, f"\\{sign}")
    return shown
