"""What a run created, on disk, so that exactly that is deleted again, even after ``kill -9``.

One JSON line per event. The run that owns a journal holds a lock beside it for as long as it
lives; a journal whose lock is free belongs to a run that was killed.
"""

from __future__ import annotations

import json
import os
import secrets
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

#: How the name of a journal ends whose keys are invented.
INVENTED = "-students"


@dataclass(frozen=True)
class Entry:
    """A record of ours in the API. ``url`` is None where the creation was never confirmed.

    ``body``: what was sent, where its key is invented: sent again it is the same record.
    ``absent``: nothing was under the key before, so what is under it now is ours.
    """

    base_url: str
    resource: str
    key: Mapping[str, Any]
    url: str | None
    body: Mapping[str, Any] | None = None
    absent: bool = False

    @property
    def named(self) -> str:
        """The record in words for people: its collection and natural key."""
        key = ", ".join(f"{name}={value}" for name, value in self.key.items())
        return f"{self.resource} with {key}"


class Journal:
    """Append-only list of created and deleted records; shared by the workers of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: int | None = None
        self._close: Callable[[], object] = bool
        #: What was read of the file, and how many bytes that was: only news are read again.
        self._known: list[tuple[str, Entry]] = []
        self._read = 0
        self._file = 0

    @classmethod
    def start(cls, folder: Path, *, invented: bool = False) -> Journal:
        """A new, empty journal below ``folder``; see :attr:`invented`."""
        end = INVENTED if invented else ""
        return cls(folder / f"run-{os.getpid()}-{secrets.token_hex(4)}{end}.jsonl")

    @property
    def invented(self) -> bool:
        """True where nobody but this run can know the keys: what is under them is ours."""
        return self.path.stem.endswith(INVENTED)

    @property
    def _lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    @contextmanager
    def owned(self) -> Iterator[bool]:
        """Hold the journal; gives False where another live run holds it."""
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def creating(
        self,
        base_url: str,
        resource: str,
        key: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
    ) -> None:
        """Note the intent before the request: a kill in between leaves a trace."""
        sent = body if self.invented else None
        self._append("creating", Entry(base_url, resource, key, None, sent))

    def created(self, entry: Entry) -> None:
        """Note a record that is ours to delete."""
        self._append("created", entry)

    def deleted(self, url: str) -> None:
        """Note that a record of ours is gone."""
        self._append("deleted", Entry("", "", {}, url))

    def pending(self) -> list[Entry]:
        """Records of ours that still exist, newest first."""
        found: dict[str, Entry] = {}
        for event, entry in self._events():
            if event == "created" and entry.url:
                found[entry.url] = entry
            elif event == "deleted" and entry.url:
                found.pop(entry.url, None)
        return list(reversed(found.values()))

    def unconfirmed(self) -> list[Entry]:
        """Creations that were begun and whose answer was never noted."""
        open_ends: dict[str, Entry] = {}
        for event, entry in self._events():
            name = json.dumps([entry.resource, entry.key], sort_keys=True)
            if event == "creating":
                open_ends[name] = entry
            elif event in ("created", "settled"):
                open_ends.pop(name, None)
        return list(open_ends.values())

    def settled(self, entry: Entry) -> None:
        """Note that a begun creation made nothing of ours."""
        self._append("settled", entry)

    def clear(self) -> None:
        """Forget every event, and stay this run's: nothing that it lists is ours to delete."""
        self._forget()
        with suppress(FileNotFoundError):
            os.truncate(self.path, 0)

    def remove(self) -> None:
        """Forget the journal: nothing of the run is left."""
        self._close()
        self._open = None
        self._forget()
        self.path.unlink(missing_ok=True)
        self._lock_path.unlink(missing_ok=True)

    def _append(self, event: str, entry: Entry) -> None:
        line = json.dumps({"event": event, **vars(entry)}, ensure_ascii=True)
        if self._open is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._open = os.open(self.path, flags, 0o666)
            self._close = weakref.finalize(self, os.close, self._open)
        # One write, so that workers' lines never mix; what it returned from outlives kill -9.
        os.write(self._open, f"{line}\n".encode())

    def _events(self) -> list[tuple[str, Entry]]:
        try:
            with self.path.open("rb") as stream:
                now = os.fstat(stream.fileno())
                if now.st_ino != self._file or now.st_size < self._read:  # begun anew
                    self._forget()
                    self._file = now.st_ino
                stream.seek(self._read)
                news = stream.read()
        except FileNotFoundError:
            self._forget()
            return []
        whole = news[: news.rfind(b"\n") + 1]  # a line without an end is being written, or cut
        self._read += len(whole)
        for line in whole.splitlines():
            with suppress(ValueError, TypeError, KeyError):  # a line that a kill cut in half
                raw = json.loads(line)
                self._known.append((raw.pop("event"), Entry(**raw)))
        return self._known

    def _forget(self) -> None:
        self._known, self._read = [], 0


def orphans(folder: Path, own: Journal) -> Iterator[Journal]:
    """Journals of runs that were killed, each held while the caller works on it."""
    for path in sorted(folder.glob("run-*.jsonl")):
        if path == own.path:
            continue
        journal = Journal(path)
        with journal.owned() as mine:
            if mine:
                yield journal
