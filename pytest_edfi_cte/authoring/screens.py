"""Tables of scenarios on a terminal: what they cover, would send, would miss, and their page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_edfi_cte.authoring.coverage import Coverage
from pytest_edfi_cte.authoring.missing import Attacked
from pytest_edfi_cte.authoring.page import Page
from pytest_edfi_cte.authoring.sending import Request, Sent
from pytest_edfi_cte.reporting.model import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def console() -> Console:
    """Where people look; without a terminal it is as wide as its lines, and plain."""
    from rich.console import Console  # noqa: PLC0415 - only these commands pay for it

    plain = Console(highlight=False, soft_wrap=False, emoji=False, markup=False)
    if not plain.is_terminal:
        plain = Console(width=200, highlight=False, emoji=False, markup=False)
    return plain


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


def _grid(lines: Sequence[Sequence[str]]) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    grid = Table.grid(padding=(0, 0, 0, 2), expand=False)
    for line in lines:
        grid.add_row(*map(Text, line))
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
        line = Text(f"{each.method:<6} {visible(each.path)}  ")
        line.append(f"({each.why}{'; the body as above' if again else ''})", style="dim")
        yield _indented(line, 2)
        if each.body is not None and not again:
            seen.append(each.body)
            yield _indented(Text(visible(json.dumps(each.body, ensure_ascii=False))), 9)


def not_loaded(found: Sequence[str]) -> Iterator[RenderableType]:
    """Code values that only another API may have."""
    from rich.text import Text  # noqa: PLC0415 - as above

    if found:
        yield Text("The sandbox's sample data lacks code values:", style="yellow")
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


def page(found: Page) -> RenderableType:
    """The certification's table; what a scenario changes is bold, and has a star."""
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(title=Text(visible(found.title)), title_justify="left", show_lines=False)
    for head in found.heads:
        table.add_column(Text(visible(head)), overflow="fold")
    for line in found.lines:
        table.add_row(
            *(
                Text(visible(cell.text) + "*" * cell.changed, style="bold" if cell.changed else "")
                for cell in line
            )
        )
    return table
