"""What a person sees while the product acts in a rehearsal: a line that moves, in a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from pytest_edfi_cte.progress import line
from pytest_edfi_cte.rehearsal.stage import Rehearsal

#: Seconds between two movements of the line.
EVERY = 0.5
ERASE = "\r\x1b[K"


@contextmanager
def moving(
    rehearsal: Rehearsal, step: str, width: int, out: TextIO | None = None
) -> Iterator[None]:
    """While the block runs, say how many requests came, and in ``batch`` how many students."""
    out = out or sys.stdout
    if not out.isatty() or os.environ.get("CI"):
        yield
        return
    first, began = len(rehearsal.sandbox.received()), time.monotonic()
    whole = rehearsal.students if step == "batch" else 0

    def text() -> str:
        sent = rehearsal.sandbox.received(first)
        made = [r for r in sent if r.method == "POST" and r.path.endswith("/ed-fi/students")]
        done = min(sum(request.status // 100 == 2 for request in made), whole)  # noqa: PLR2004 - 2xx
        seconds = time.monotonic() - began
        told = f", {line(done, whole, 0, seconds, width)}" if whole else f", {seconds:.0f} s"
        return f"  {len(sent):,} requests{told}"[: width - 1]

    over = threading.Event()
    thread = threading.Thread(target=_move, args=(text, over, out), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        out.write(ERASE)
        out.flush()


def _move(text: Callable[[], str], over: threading.Event, out: TextIO) -> None:
    while not over.wait(EVERY):
        out.write(f"{ERASE}{text()}")
        out.flush()
