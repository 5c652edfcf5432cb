"""The evidence pack: nine files in a folder, each a view of one document."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.reporting.badge import badge_json, badge_svg
from pytest_edfi_cte.reporting.document import Document
from pytest_edfi_cte.reporting.junit import junit
from pytest_edfi_cte.reporting.mapping import data_mapping
from pytest_edfi_cte.reporting.markdown import summary
from pytest_edfi_cte.reporting.page import page_pieces
from pytest_edfi_cte.reporting.stored import to_json

#: The page for people; the first thing to open.
PAGE = "conformance.html"
RESULTS = "results.json"
SUMS = "SHA256SUMS"
#: What a web server shows first. Of the pack, so that no copy of an older page outlives it.
START = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="0; url={PAGE}">
<title>Ed-Fi CTE conformance report</title>
<a href="{PAGE}">Ed-Fi CTE conformance report</a>
</html>
"""
#: Name of a file -> the view in it. The checksums come last and are of these.
VIEWS: dict[str, Callable[[Document], str | Iterator[str]]] = {
    PAGE: page_pieces,
    "index.html": lambda _content: START,
    RESULTS: to_json,
    "junit.xml": junit,
    "summary.md": summary,
    "badge.svg": badge_svg,
    "badge.json": badge_json,
    "data-mapping.csv": data_mapping,
}


def check_folder(folder: Path, option: str) -> None:
    """ConfigurationError where the folder cannot take a pack without losing somebody's files.

    A file with one of our names is ours where the folder's own SHA256SUMS lists it.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{option}: {folder} is a file; expected a folder for the report")
    there = [name for name in (*VIEWS, SUMS) if (folder / name).exists()]
    ours = _listed(folder / SUMS)
    foreign = [name for name in there if name not in ours and (name != SUMS or not ours)]
    if foreign:
        raise ConfigurationError(
            f"{option}: {folder} has a {', '.join(foreign)} that no report of ours wrote; it is "
            "not overwritten. Choose another folder, or move it away"
        )
    here = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not os.access(here, os.W_OK):
        raise ConfigurationError(f"{option}: {folder} cannot be written: no permission in {here}")


def _listed(sums: Path) -> set[str]:
    """The names that a SHA256SUMS lists, all of them ours; none where it is somebody else's.

    An earlier version's pack has fewer of them, but always the page and the results.
    """
    try:
        lines = sums.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    names = {line[66:] for line in lines if re.fullmatch(r"[0-9a-f]{64}  \S+", line)}
    ours = {PAGE, RESULTS} <= names <= set(VIEWS)
    return names if ours and len(lines) == len(names) else set()


def write(content: Document, folder: Path, source: Iterable[str] | None = None) -> Path:
    """Write the pack, each file at once and whole; the page's path.

    ``source``: the text of ``results.json`` piece by piece, where it is more than the document
    holds. The checksums go first: a pack that was half replaced does not verify, and is known to
    be ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        new: dict[str, Path] = {}
        sums = ""
        for name, view in VIEWS.items():
            made = source if name == RESULTS and source is not None else view(content)
            new[name] = stack.enter_context(_temporary(folder / name))
            pieces = [made] if isinstance(made, str) else made
            sums += f"{_filled(new[name], pieces)}  {name}\n"
        first = stack.enter_context(_temporary(folder / SUMS))
        _filled(first, [sums])
        for name, temporary in {SUMS: first, **new}.items():
            temporary.replace(folder / name)
    return folder / PAGE


def begin(folder: Path) -> None:
    """Take the folder for a run that begins: what an earlier one left would contradict it.

    The checksums list our files and match none, so that the folder is known to be ours and the
    pack to be none yet. Half a file of a killed run goes, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    nothing = hashlib.sha256(b"").hexdigest()
    with _temporary(folder / SUMS) as temporary:
        _filled(temporary, [f"{nothing}  {name}\n" for name in VIEWS])
        temporary.replace(folder / SUMS)
    for path in [*_begun(folder), *(folder / name for name in VIEWS if name != RESULTS)]:
        path.unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Remove the pack of an earlier run, so that a run that judges nothing does not look like it.

    Only what the folder's own SHA256SUMS lists, and that last; a folder that is not ours is left.
    """
    ours = _listed(folder / SUMS)
    if ours:
        for path in [*_begun(folder), *(folder / name for name in (*sorted(ours), SUMS))]:
            path.unlink(missing_ok=True)


def _begun(folder: Path) -> list[Path]:
    """Half files of a run that was killed."""
    return [path for name in (*VIEWS, SUMS) for path in folder.glob(f".{name}.*.tmp")]


def keep(folder: Path, source: Iterable[str]) -> None:
    """Put the ``results.json`` of a run that has not ended into its folder, at once and whole."""
    with _temporary(folder / RESULTS) as temporary:
        _filled(temporary, source)
        temporary.replace(folder / RESULTS)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name beside a file, gone afterwards."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _filled(path: Path, pieces: Iterable[str]) -> str:
    """Write a text; its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for piece in pieces:
            data = piece.encode("utf-8")
            digest.update(data)
            stream.write(data)
    return digest.hexdigest()
