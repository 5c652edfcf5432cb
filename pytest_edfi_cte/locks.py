"""One record at a time: workers and terminals on one machine do not meet at one natural key."""

from __future__ import annotations

import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_edfi_cte.errors import NotTestable

#: Longest wait (seconds) for another worker or terminal that works on the same record.
PATIENCE = 600.0


@contextmanager
def alone_with(name: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold ``name`` (an API and a record in it); :class:`NotTestable` after ``patience`` seconds.

    The lock is the operating system's: a killed process lets go of it.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"pytest-edfi-cte-{_user()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(folder / f"{digest}.lock")
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise NotTestable(
            f"another run on this machine has been working on {name} for more than "
            f"{patience:g} s ({lock.lock_file})"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
