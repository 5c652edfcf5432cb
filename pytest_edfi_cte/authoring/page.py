"""A table as the certification's page shows it, for a person to compare line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte.contract import TableFile
from pytest_edfi_cte.scenarios import CONTAINERS, METHODS
from pytest_edfi_cte.table_files import NOT_SENT, SENDING, origin_of

Json = dict[str, Any]
HEADS = ("Resource", "Property Name", "Is Collection", "Data Type", "Required")
YEAR = "[Current School Year]"


@dataclass(frozen=True)
class Cell:
    """What stands in a column; ``changed``: other than in the scenario whose record it changes."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Page:
    """The page of one table: a title, heads, and a line of cells for each row."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    below: tuple[str, ...]

    def markdown(self) -> str:
        """As Markdown; what a scenario changes is bold."""
        heads = [_escaped(head) for head in self.heads]
        lines = [heads, ["---"] * len(heads)]
        lines += [[_marked(cell) for cell in line] for line in self.lines]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = "".join(f"\n- {_escaped(text)}" for text in self.below)
        return f"## {_escaped(self.title)}\n\n{table}\n{notes and notes + chr(10)}"


def page_of(table: TableFile) -> Page:
    """The page of a table that makes sense."""
    content = table.content
    scenarios = content["scenarios"]
    columns = [name for name, s in scenarios.items() if s["step"] in SENDING]
    heads = [f"Scenario {scenarios[n]['number']}: {METHODS[scenarios[n]['step']]}" for n in columns]
    lines = tuple(
        (*map(Cell, _facts(content, row)), *(_cell(content, row, name) for name in columns))
        for row in content["rows"]
    )
    unsent = (s for s in scenarios.values() if s["step"] not in SENDING)
    more = (f"Scenario {s['number']}: {METHODS[s['step']]}, {s['title']}" for s in unsent)
    title = f"{content['title']} (/ed-fi/{content['resource']})"
    return Page(title, (*HEADS, *heads), lines, (*more, *content.get("notes", ())))


def _facts(content: Json, row: Json) -> tuple[str, ...]:
    parent, _, name = row["path"].rpartition(".")
    resource = content["resource"][:1].upper() + content["resource"][1:]
    named = row["type"] in ("reference", "descriptor", "object")
    kind = name if named else row["type"]
    return (
        parent.rpartition(".")[2] or resource,
        name,
        str(row["collection"]).upper(),
        kind,
        row["required"],
    )


def _cell(content: Json, row: Json, column: str) -> Cell:
    if row["type"] in CONTAINERS:
        return Cell(NOT_SENT)
    origin = origin_of(content["scenarios"], column)
    text = _value(content, row["type"], row[column])
    changed = origin is not None and text != _value(content, row["type"], row[origin])
    return Cell(text, changed)


def _value(content: Json, kind: str, value: Any) -> str:
    """A value as published: TRUE, 8/23/[Current School Year]."""
    if isinstance(value, Mapping):
        return _made(content, kind, value)
    if isinstance(value, bool):
        return str(value).upper()
    if kind == "date" and "/" in value:
        return f"{value}/{YEAR}"
    return str(value)


def _made(content: Json, kind: str, value: Mapping[str, Any]) -> str:
    if "faker" in value:
        return f"[{value['faker'].replace('_', ' ')}, invented]"
    if "school_year" in value:
        years = value["school_year"]
        return (
            YEAR if not years else f"[Current School Year {'+' if years > 0 else '-'} {abs(years)}]"
        )
    name, _, path = value["from"].partition(".")
    return _value(content, kind, content["prerequisites"][name]["values"][path])


def _marked(cell: Cell) -> str:
    return f"**{_escaped(cell.text)}**" if cell.changed else _escaped(cell.text)


def _escaped(text: str) -> str:
    plain = " ".join(text.split())
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
