"""Every defect once, over several processes; the answers become the matrix."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.mutation import runs
from pytest_edfi_cte.mutation.model import CONTRACT, RED, Cell, Matrix, Row, State, Subject

Progress = Callable[[int, int], None]


def attack(
    order: runs.Order,
    choose: Callable[[Sequence[str]], Sequence[Subject]],
    jobs: int,
    progress: Progress = lambda _done, _all: None,
) -> Matrix:
    """Run the tests as they are, then against each subject that ``choose(columns)`` gives.

    Raises :class:`ConfigurationError` where the tests are not green to begin with: who is red
    anyway catches everything and shows nothing.
    """
    began = time.monotonic()
    with _runner(order, jobs) as run_all:
        columns = _columns(next(run_all([None])))
        subjects = choose(columns)
        said = []
        for answer in run_all([subject.name for subject in subjects]):
            said.append(answer)
            progress(len(said), len(subjects))
    rows = tuple(_row(*pair, columns) for pair in zip(subjects, said, strict=True))
    return Matrix(columns, rows, time.monotonic() - began)


@contextmanager
def _runner(order: runs.Order, jobs: int) -> Iterator[Callable[[Sequence[str | None]], Any]]:
    """Gives a function that runs names and yields what each run said, in their order."""
    if jobs == 1:
        runs.prepare(order)
        try:
            yield lambda names: map(runs.run, names)
        finally:
            runs.dismiss()
        return
    # Started anew and not forked: threads and open sockets of this process stay here.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=runs.prepare, initargs=(order,)
    ) as pool:
        try:
            yield lambda names: pool.map(runs.run, names)
        except BrokenProcessPool as error:
            raise ConfigurationError(f"a process that runs the tests has died: {error}") from None


def _columns(said: runs.Said) -> tuple[str, ...]:
    red = [cell for cell in said.cells.values() if cell.state in RED]
    if red:
        raise ConfigurationError(
            "the tests are not green against the sandbox as it is, so they would show nothing:\n"
            f"  {red[0].test}\n  {red[0].line}\n{said.output}"
        )
    if not said.cells:
        raise ConfigurationError(
            "no test that uses an Ed-Fi API (an edfi_… fixture) was collected; the arguments are "
            f"pytest's, and a scenario is chosen by its id.\n{said.output}"
        )
    return tuple(sorted(said.cells, key=lambda column: (column == CONTRACT, column)))


def _row(subject: Subject, said: runs.Said, columns: Sequence[str]) -> Row:
    everywhere = said.cells.get("")  # the run ended before any test was chosen
    nothing = everywhere or Cell(State.NOT_APPLICABLE)
    return Row(subject, {column: said.cells.get(column, nothing) for column in columns})
