"""The evidence pack: eight files in a folder, each a view of one document."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.reporting.badge import badge_json, badge_svg
from pytest_edfi_cte.reporting.document import Document, to_json
from pytest_edfi_cte.reporting.junit import junit
from pytest_edfi_cte.reporting.mapping import data_mapping
from pytest_edfi_cte.reporting.markdown import summary
from pytest_edfi_cte.reporting.page import page

#: The page for people; the first thing to open.
PAGE = "conformance.html"
SUMS = "SHA256SUMS"
#: Name of a file -> the view in it. The checksums come last and are of these.
VIEWS: dict[str, Callable[[Document], str]] = {
    PAGE: page,
    "results.json": to_json,
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
    """The names that a SHA256SUMS lists, all of them ours; none where it is somebody else's."""
    try:
        lines = sums.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    names = {line[66:] for line in lines if re.fullmatch(r"[0-9a-f]{64}  \S+", line)}
    return names if names == set(VIEWS) and len(lines) == len(VIEWS) else set()


def write(content: Document, folder: Path) -> Path:
    """Write the pack, each file at once and whole; the page's path.

    The checksums go first: a pack that was half replaced does not verify, and is known to be ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: view(content).encode("utf-8") for name, view in VIEWS.items()}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    for name, data in {SUMS: sums.encode(), **files}.items():
        temporary = folder / f".{name}.{os.getpid()}.tmp"
        try:
            temporary.write_bytes(data)
            temporary.replace(folder / name)
        finally:
            temporary.unlink(missing_ok=True)
    return folder / PAGE
