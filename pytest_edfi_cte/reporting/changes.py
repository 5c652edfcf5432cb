"""Two result documents compared: new failures, fixed, unchanged, no longer shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_edfi_cte.reporting.document import BAD, Document, RunCheck, StudentsRow
from pytest_edfi_cte.reporting.words import (
    finding_line,
    first_finding,
    is_bad,
    name_of,
    students_told,
)

Key = tuple[str, str, int]
#: Students that a line names.
MOST_NAMED = 5


@dataclass
class Changes:
    """Checks by what became of them; each entry is a line to show."""

    new_failures: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    no_longer_shown: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    unchanged: int = 0
    still_failing: int = 0

    @property
    def regression(self) -> bool:
        """True where the new run shows less than the old one, or something more is wrong."""
        return bool(self.new_failures or self.worse or self.no_longer_shown)

    def lines(self) -> Iterator[str]:
        """For a person to read."""
        groups = {
            "New failures": self.new_failures,
            "Failed before, now in more places": self.worse,
            "No longer shown: passed before, not judged now": self.no_longer_shown,
            "Fixed": self.fixed,
            "Other changes": self.other,
        }
        for title, entries in groups.items():
            if entries:
                yield f"{title} ({len(entries)})"
                yield from (f"  {entry}" for entry in entries)
        yield f"Unchanged: {self.unchanged}, {self.still_failing} of them not as required"


def compare(old: Document, new: Document) -> Changes:
    """What changed from ``old`` to ``new``; checks belong together by kind, id and order."""
    before, after = _by_key(old), _by_key(new)
    changes = Changes()
    for key, check in after.items():
        _place(changes, before.get(key), check)
    for key, check in before.items():
        if key not in after and check["verdict"] == "passed":
            changes.no_longer_shown.append(name_of(check))
        elif key not in after:
            changes.other.append(f"{name_of(check)}: {check['verdict']} before, not judged now")
    _compare_students(changes, old, new)
    return changes


def _compare_students(changes: Changes, old: Document, new: Document) -> None:
    """Scenarios that were repeated: which students are bad now, by their numbers."""
    before = {row["id"]: row for row in old["students"]}
    after = {row["id"]: row for row in new["students"]}
    for name, row in after.items():
        was, now = _bad_students(before.get(name)), _bad_students(row)
        title = f"Scenario {row['number']}: {row['title']}"
        if now - was:
            changes.new_failures.append(f"{title}: {_numbers(now - was)}")
        if was - now:
            changes.fixed.append(f"{title}: {_numbers(was - now)}")
        changes.unchanged += now == was
        changes.still_failing += bool(now) and now == was
    for name, row in before.items():
        if name not in after:
            told = f"Scenario {row['number']}: {row['title']}: {students_told(row)}"
            changes.no_longer_shown.append(told)


def _bad_students(row: StudentsRow | None) -> set[int]:
    return {number for number, verdict, _ in (row["students"] if row else ()) if verdict in BAD}


def _numbers(students: set[int]) -> str:
    first = ", ".join(map(str, sorted(students)[:MOST_NAMED]))
    more = f" and {len(students) - MOST_NAMED} more" if len(students) > MOST_NAMED else ""
    return f"student {first}{more}"


def _by_key(content: Document) -> Mapping[Key, RunCheck]:
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[Key, RunCheck] = {}
    for check in content["checks"]:
        if check["student"]:
            continue
        name: tuple[str, str] = (check["kind"], check["id"])
        found[name[0], name[1], seen[name]] = check
        seen[name] += 1
    return found


def _place(changes: Changes, old: RunCheck | None, new: RunCheck) -> None:
    was = old["verdict"] if old else "not judged"
    line = f"{name_of(new)}: {was} before, {new['verdict']} now"
    wrong = first_finding(new)
    if wrong:
        line += f" ({finding_line(wrong, 80)})"
    if is_bad(new):
        more = _wrong_places(new) - _wrong_places(old) if old else set()
        if old is None or not is_bad(old):
            changes.new_failures.append(line)
        elif more:
            changes.worse.append(f"{name_of(new)}: {', '.join(sorted(more)[:5])}")
        else:
            changes.unchanged += 1
            changes.still_failing += 1
    elif old and is_bad(old) and new["verdict"] == "passed":
        changes.fixed.append(line)
    elif old and old["verdict"] == new["verdict"]:
        changes.unchanged += 1
    elif old and old["verdict"] == "passed" and new["verdict"] == "does not apply":
        changes.no_longer_shown.append(line)
    else:
        changes.other.append(line)


def _wrong_places(check: RunCheck) -> set[str]:
    return {row["where"] for row in check["findings"] if row["verdict"] == "wrong"}
