"""Table after table, each attacked alone: what can be wrong with its rows, and a line for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte import sandboxes
from pytest_edfi_cte.catalogue import Entry
from pytest_edfi_cte.mutation.model import Matrix, Outcome, Row, State, Subject
from pytest_edfi_cte.mutation.views import VERSION, markdown_line, markdown_text, misses

ROWS = "rows"  # the group of defects that are made from rows
HEAD = ("table", "scenarios", "defects", "of rows", "caught", "stopped", "variants", "blamed")


@dataclass(frozen=True)
class OfOneTable:
    """One table's own matrix: the contract pack takes no part."""

    table: str
    resource: str
    scenarios: int
    matrix: Matrix

    @property
    def figures(self) -> dict[str, Any]:
        """What the matrix says in numbers. ``defects``: those that apply."""
        count, caught = self.matrix.count, self.matrix.of(Outcome.CAUGHT)
        applying = [*caught, *self.matrix.of(Outcome.MISSED)]
        return {
            "table": self.table,
            "scenarios": self.scenarios,
            "defects": len(applying),
            "of rows": sum(row.subject.group == ROWS for row in applying),
            "caught": f"{len(caught)} ({self.matrix.share:.0%})",
            "stopped": sum(row.telling.state is State.STOPPED for row in caught),
            "variants": count(Outcome.PASSED),
            "blamed": count(Outcome.BLAMED),
        }


def row_subjects(entries: Iterable[Entry]) -> list[Subject]:
    """The defects that are made from the rows of a table: every value that it sends.

    After an update only where the table has one.
    """
    content = next(iter(entries)).file.content
    updated = any(s["step"] in ("update", "upsert") for s in content["scenarios"].values())
    return [
        Subject(made.name, made.group, made.summary, made.level, is_variant=False)
        for row in content["rows"]
        if row["type"] not in ("reference", "object", "array")
        for made in sandboxes.row_defects(row["path"], updated=updated)
    ]


def _lines(tables: Sequence[OfOneTable]) -> list[list[str]]:
    return [[str(table.figures[name]) for name in HEAD] for table in tables]


def _missed(tables: Iterable[OfOneTable]) -> list[tuple[str, Row]]:
    return [(t.table, r) for t in tables for r in t.matrix.of(Outcome.MISSED, Outcome.BLAMED)]


def as_text(tables: Sequence[OfOneTable]) -> str:
    """A line for each table, and what was missed."""
    lines = [list(HEAD), *_lines(tables)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    shown = ["  ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) for line in lines]
    for name, row in _missed(tables):
        shown += ["", name, *misses([row])]
    seconds = sum(table.matrix.seconds for table in tables)
    return "\n".join([*(line.rstrip() for line in shown), "", f"{seconds:.0f} s", ""])


def as_markdown(tables: Sequence[OfOneTable]) -> str:
    """A page. Nothing in it differs between runs."""
    lines = ["# Defects by table", "", *_INTRODUCTION, ""]
    lines += [markdown_line(HEAD), markdown_line(["---"] * len(HEAD))]
    lines += [markdown_line([f"`{name}`", *rest]) for name, *rest in _lines(tables)]
    for name, row in _missed(tables):
        lines += ["", f"`{name}`:", "", *(f"{markdown_text(line)}  " for line in misses([row]))]
    return "\n".join([*lines, ""])


_INTRODUCTION = (
    "How many wrong APIs each table notices, alone and without the contract pack. It runs against",
    "every named [defect and variant](defects.md). For each value that it sends it also runs",
    "against APIs that lose it, change it or show it with another JSON type, and that lose or",
    "change it in an update. Made by `edfi-cte mutate --by-table --format markdown`.",
    "",
    "*defects*: those that altered an answer that the table's scenarios judge. *of rows*: how",
    "many of them were made from its rows. *stopped*: caught, but a prerequisite or the connection",
    "broke before anything was judged. *variants*: conforming differences that passed. *blamed*:",
    "those that did not.",
)


def as_json(tables: Sequence[OfOneTable]) -> str:
    """The figures as one document, with the names of what was missed or blamed."""
    document = {
        "version": VERSION,
        "tables": [
            {
                "table": table.table,
                "resource": table.resource,
                "scenarios": table.scenarios,
                "good": table.matrix.good,
                "share": table.matrix.share,
                "seconds": round(table.matrix.seconds, 1),
                **{
                    outcome.name.lower(): [row.subject.name for row in table.matrix.of(outcome)]
                    for outcome in Outcome
                },
            }
            for table in tables
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


VIEWS: dict[str, Callable[[Sequence[OfOneTable]], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
}
