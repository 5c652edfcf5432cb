"""Descriptor values of a state's own that count as values of the certification table.

A vendor's host may hold ``uri://state.example/…#A`` where the table says ``uri://ed-fi.org/…#B``.
That they mean the same only the vendor or its state can say: here is where they say it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from pytest_edfi_cte.compare import SameDescriptor
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.notations import checked_pair

HEADING = ["stored", "table"]


class DescriptorMap:
    """``stored`` value -> value of the table. Several stored values may count as one."""

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._pairs = dict(pairs or {})

    def __bool__(self) -> bool:
        return bool(self._pairs)

    @property
    def stored(self) -> list[str]:
        """Every stored value that counts as one of the table."""
        return list(self._pairs)

    def stored_as(self, wanted: str) -> list[str]:
        """The table's value, and every stored one that counts as it."""
        return [wanted, *(stored for stored, own in self._pairs.items() if own == wanted)]

    def accepts(self, spelled: SameDescriptor | None = None) -> SameDescriptor:
        """Equality that also holds between a stored value and the table's it counts as.

        ``spelled`` tells whether the API holds two spellings for one value.
        """

        def same(one: str, other: str) -> bool:
            first, second = self._pairs.get(one, one), self._pairs.get(other, other)
            return first == second or bool(spelled and spelled(first, second))

        return same


def read_map(
    given: Mapping[str, str], file: str | None, used: set[str], source: str = "--edfi-descriptor"
) -> DescriptorMap:
    """The pairs of the options and of the file, the options being stronger.

    ``used``: the values of the table. A pair given as an option must count as one of them; a file
    may be a whole crosswalk. Raises :class:`ConfigurationError`.
    """
    for wanted in given.values():
        if wanted not in used:
            known = "\n  ".join(sorted(used))
            raise ConfigurationError(
                f"{source}: {wanted} is no value of the table, so nothing can count as it. "
                f"The table's values:\n  {known}"
            )
    return DescriptorMap({**(_read(Path(file).expanduser()) if file else {}), **given})


def _read(path: Path) -> dict[str, str]:
    where = f"--edfi-descriptor-file: {path}"
    try:
        # As spreadsheets write it: perhaps with a byte order mark.
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{where} cannot be read: {error}") from None
    if not lines or [cell.strip() for cell in lines[0]] != HEADING:
        raise ConfigurationError(
            f"{where}, line 1: expected the heading {','.join(HEADING)}, then one pair of "
            "descriptor URIs a line"
        )
    pairs: dict[str, str] = {}
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            continue
        try:
            stored, wanted = checked_pair(*(cell.strip() for cell in _two(cells)))
        except ValueError as error:
            raise ConfigurationError(f"{where}, line {number}: {error}") from None
        if pairs.setdefault(stored, wanted) != wanted:
            raise ConfigurationError(
                f"{where}, line {number}: {stored} counts as {pairs[stored]} already"
            )
    return pairs


def _two(cells: list[str]) -> list[str]:
    if len(cells) != len(HEADING):
        raise ValueError(f"expected {len(HEADING)} cells, found {len(cells)}")
    return cells
