"""The diagnosis as one page for a terminal, and as JSON for machines."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable

from pytest_edfi_cte.doctor.model import Diagnosis, Line, Status

#: Narrower terminals get each finding on a line of its own.
NARROW = 72
WIDEST = 110
_COLOURS = {
    Status.OK: "32",
    Status.WARNING: "33",
    Status.PROBLEM: "31;1",
    Status.UNKNOWN: "2",
}


def as_json(diagnosis: Diagnosis, url: str, clean: Callable[[str], str]) -> str:
    """``url``, ``can_succeed``, ``first_cause`` (a line or null) and ``lines``.

    A line has probe, title, status, found, means, who, how, because and evidence, all texts.
    """

    def row(line: Line) -> dict[str, str]:
        return {
            "probe": line.probe,
            "title": line.title,
            "status": line.status.value,
            "found": clean(line.found),
            "means": clean(line.means),
            "who": line.who.value if line.who else "",
            "how": clean(line.how),
            "because": line.because,
            "evidence": clean(line.evidence),
        }

    page = {
        "url": clean(url),
        "can_succeed": diagnosis.can_succeed,
        "first_cause": row(diagnosis.first) if diagnosis.first else None,
        "lines": [row(line) for line in diagnosis.lines],
    }
    return json.dumps(page, indent=2, ensure_ascii=False)


class Page:
    """Lays a diagnosis out for a terminal of ``width`` columns. ``clean`` makes texts showable."""

    def __init__(self, width: int, *, colour: bool, clean: Callable[[str], str]) -> None:
        self._width = max(40, min(width, WIDEST))
        self._colour = colour
        self._clean = clean

    def text(self, diagnosis: Diagnosis, url: str, command: str) -> str:
        """The page: verdict, root cause, every line, what to do next.

        ``command``: the run that this is about, as it is typed.
        """
        lines = [f"edfi-cte doctor: {self._clean(url)}", ""]
        first = diagnosis.first
        if first is None:
            told = self._wrap(diagnosis.good, "", "")
            lines += [*(self._paint(line, Status.OK) for line in told), ""]
        else:
            headline = "No run can succeed yet. The first cause:"
            lines += [self._paint(headline, Status.PROBLEM), ""]
            lines += self._wrap(f"{first.title}: {first.found}", "  ", "    ")
            lines += self._details(first, "    ")
            lines.append("")
        titles = {line.probe: line.title for line in diagnosis.lines}
        column = max(len(line.title) for line in diagnosis.lines) + 2
        for line in diagnosis.lines:
            lines += self._line(line, column, titles, short=line is first)
        lines += ["", *self._end(diagnosis, command)]
        return "\n".join(line.rstrip() for line in lines)

    def _line(self, line: Line, column: int, titles: dict[str, str], *, short: bool) -> list[str]:
        status = self._paint(f"{line.status.value:9}", line.status)
        found = line.found
        if line.because:
            found = f"not looked at, because of: {titles[line.because]}"
        if short:
            found = "see above"
        head = f"  {status}{line.title:{column}}"
        indent = " " * (11 + column) if self._width >= NARROW else " " * 6
        rows = self._wrap(found, indent, indent)
        if self._width >= NARROW:
            rows[0] = head + rows[0].lstrip()
        elif 11 + column + len(found) <= self._width:
            rows = [head + self._clean(found)]
        else:
            rows.insert(0, head)
        if line.status in (Status.PROBLEM, Status.WARNING) and not short:
            rows += self._details(line, indent)
        elif line.means and not short:
            rows += self._wrap(line.means, indent, indent)
        return rows

    def _details(self, line: Line, indent: str) -> list[str]:
        parts = {
            "means": line.means,
            "who": f"{line.who.value} ({line.who.meaning})" if line.who else "",
            "how": line.how,
            # The query is long and repeats the finding; the JSON page has it in full.
            "seen": re.sub(r"\?\S+", "?…", line.evidence) if line.status is Status.PROBLEM else "",
        }
        rows = []
        for name, text in parts.items():
            if text:
                rows += self._wrap(text, f"{indent}{name:7}", f"{indent}       ")
        return rows

    def _end(self, diagnosis: Diagnosis, command: str) -> list[str]:
        problems = len(diagnosis.problems)
        if problems:
            more = f"{problems} problems in all. " if problems > 1 else ""
            return self._wrap(f"{more}Fix the first cause, then run this again.", "", "")
        untold = [line.title for line in diagnosis.lines if line.status is Status.UNKNOWN]
        rows = []
        if untold:
            text = f"The API does not tell: {', '.join(untold)}. The run itself will show it."
            rows += self._wrap(text, "", "")
        return [*rows, f"Next: {self._clean(command)}"]

    def _wrap(self, text: str, first: str, rest: str) -> list[str]:
        return textwrap.wrap(
            " ".join(self._clean(text).split()),
            self._width,
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [first]

    def _paint(self, text: str, status: Status) -> str:
        return f"\x1b[{_COLOURS[status]}m{text}\x1b[0m" if self._colour else text
