"""Tables of scenarios on a terminal: what they cover, would send, would miss, and their page."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_edfi_cte.authoring.coverage import Coverage
from pytest_edfi_cte.authoring.missing import Attacked
from pytest_edfi_cte.authoring.page import Cell, Page
from pytest_edfi_cte.authoring.sending import Request, Sent
from pytest_edfi_cte.reporting.model import visible
from pytest_edfi_cte.table_files import NOT_SENT

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text


#: Without a terminal a line is a line: what reads it may fold it.
_NO_END = 10_000


def console(*, drawn: bool = False) -> Console:
    """Where people look; without a terminal nothing is coloured, and lines are not folded.

    ``drawn``: for what is laid out to a width: of the terminal, else 80 columns, as rich does it.
    COLUMNS holds for all.
    """
    from rich.console import Console  # noqa: PLC0415 - only these commands pay for it

    found = Console(highlight=False, emoji=False, markup=False)
    if drawn or found.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return found
    return Console(width=_NO_END, highlight=False, emoji=False, markup=False)


def covered(found: Iterable[Coverage], *, missing: bool) -> Iterator[RenderableType]:
    """A block for each table; ``missing``: with the properties that it does not exercise."""
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    steps: dict[str, tuple[str, ...]] = {}
    for each in found:
        steps |= {scenario.step: scenario.checks for scenario in each.scenarios}
        yield Text(visible(f"{each.id}"), style="bold")
        yield Padding(
            Text(
                visible(
                    f"{each.title}: {each.certification}\n{each.file}\n{each.resource}, Data "
                    f"Standard {' and '.join(each.standards)}"
                )
            ),
            (0, 0, 0, 2),
            expand=False,
        )
        yield Padding(_grid(_scenario_lines(each)), (0, 0, 0, 2), expand=False)
        yield Padding(Text("\n".join(_counts(each))), (0, 0, 0, 2), expand=False)
        if missing:
            left = [p for p, sent in {**each.required, **each.optional}.items() if not sent]
            yield Padding(
                Text(f"not exercised: {', '.join(left) or 'none'}"), (0, 0, 0, 2), expand=False
            )
        yield Text("")
    yield Text("What is judged", style="bold")
    for step, checks in steps.items():
        yield Padding(Text(f"{step}: {'; '.join(checks)}"), (0, 0, 0, 2), expand=False)


def _scenario_lines(each: Coverage) -> list[tuple[str, ...]]:
    return [(f"{s.number}", s.step, s.method, visible(s.title)) for s in each.scenarios]


def _grid(lines: Sequence[Sequence[str | Text]], gap: int = 2) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    grid = Table.grid(padding=(0, gap, 0, 0))
    for _ in lines[0] if lines else ():
        grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in line))
    return grid


def _counts(each: Coverage) -> Iterator[str]:
    rows = ", ".join(f"{number} {level}" for level, number in each.rows.items() if number)
    yield f"rows with values: {sum(each.rows.values())} ({rows})"
    must, may = each.required.values(), each.optional.values()
    yield (
        f"of the model's properties: {sum(must)} of {len(must)} required, {sum(may)} of "
        f"{len(may)} optional are exercised"
    )


def would_send(found: Sequence[Sent]) -> Iterator[RenderableType]:
    """The requests of each scenario; what must exist before is told where it differs."""
    from rich.text import Text  # noqa: PLC0415 - as above

    told: tuple[Request, ...] | None = None
    seen: list[object] = []
    for each in found:
        if each.before != told:
            yield Text("Before:" if told is None else f"Before {visible(each.id)}:", style="bold")
            yield from _requests(each.before, seen)
            told = each.before
        yield Text(visible(f"{each.id}: {each.title}"), style="bold")
        yield from _requests(each.requests, seen)
        if each.changed:
            yield _indented(Text(f"It changes: {', '.join(each.changed)}"), 2)
        if each.idle:
            said = "It changes nothing: an API that ignores it passes. Give a row another value."
            yield _indented(Text(said, style="yellow"), 2)
        if each.untold:
            said = (
                f"Not named in its changes: {', '.join(each.untold)}. Name it, or let it be equal."
            )
            yield _indented(Text(said, style="yellow"), 2)


def _requests(requests: Iterable[Request], seen: list[object]) -> Iterator[RenderableType]:
    """``seen``: bodies that were shown before; they are not shown again."""
    import json  # noqa: PLC0415 - as above

    from rich.text import Text  # noqa: PLC0415 - as above

    for each in requests:
        again = each.body is not None and each.body in seen
        line = Text(visible(each.path))
        line.append(f"  ({each.why}{'; the body as above' if again else ''})", style="dim")
        yield _indented(_grid([(f"{each.method:<6}", line)], 1), 2)
        if each.body is not None and not again:
            seen.append(each.body)
            yield _indented(Text(visible(json.dumps(each.body, ensure_ascii=False))), 9)


def not_loaded(found: Sequence[str]) -> Iterator[RenderableType]:
    """Code values and ed-orgs that only another API may have."""
    from rich.text import Text  # noqa: PLC0415 - as above

    if found:
        yield Text("The sandbox's sample data lacks values:", style="yellow")
        yield from (_indented(Text(visible(line)), 2) for line in found)
        yield Text("So it cannot run there, and was not attacked. An API that has them takes it.")


def _indented(text: RenderableType, left: int) -> RenderableType:
    from rich.padding import Padding  # noqa: PLC0415 - as above

    return Padding(text, (0, 0, 0, left), expand=False)


def would_miss(found: Attacked) -> Iterator[RenderableType]:
    """What the attack showed."""
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    total = found.caught + len(found.missed)
    yield Text(f"Of {total} defects of an API it would notice {found.caught}.", style="bold")
    for each in found.missed:
        line = Text(each.name, style="yellow")
        line.append(f": {visible(each.summary)}", style="")
        yield Padding(line, (0, 0, 0, 2), expand=False)
        yield Padding(Text(each.advice), (0, 0, 0, 4), expand=False)
    for name in found.blamed:
        yield Padding(
            Text(f"It would blame an API that is right: {name}", style="red"),
            (0, 0, 0, 2),
            expand=False,
        )


def page(found: Page, width: int) -> Iterator[RenderableType]:
    """The certification's table; what a scenario changes is bold, and has a star.

    Where it does not fit into the width, property below property.
    """
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(title=Text(visible(found.title)), title_justify="left")
    for head in found.heads:
        table.add_column(Text(visible(head)))
    for line in found.lines:
        table.add_row(*map(_cell, line))
    if _natural_width(found) <= width:
        yield table
        return
    yield Text(visible(found.title), style="bold")
    holder = ""
    for line in found.lines:
        resource, name, collection, kind, required, *values = line
        if resource.text != holder:
            holder = resource.text
            yield Text(visible(holder), style="bold")
        said = f"{kind.text}, {required.text}" + ", a collection" * (collection.text == "TRUE")
        yield _indented(Text(visible(f"{name.text} ({said})")), 2)
        heads = [head.removeprefix("Scenario ") for head in found.heads[-len(values) :]]
        if any(value.text != NOT_SENT for value in values):
            yield _indented(_grid(list(zip(heads, map(_cell, values), strict=True))), 6)


def _cell(cell: Cell) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as above

    star = "*" if cell.changed else ""
    return Text(visible(cell.text) + star, style="bold" if cell.changed else "")


def _natural_width(found: Page) -> int:
    """How wide the table is where nothing is folded."""
    columns = zip(
        *([found.heads, *([c.text + "*" * c.changed for c in line] for line in found.lines)]),
        strict=True,
    )
    return 1 + sum(3 + max(map(len, column)) for column in columns)
