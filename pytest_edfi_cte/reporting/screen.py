"""The end of a run on one screen: a verdict per scenario, and the first thing that is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_edfi_cte.reporting.document import Document, RunCheck, StudentsRow
from pytest_edfi_cte.reporting.words import (
    MARKS,
    badness,
    counted,
    finding_line,
    first_finding,
    headline,
    is_all_good,
    is_bad,
    name_of,
    students_told,
)
from pytest_edfi_cte.verdicts import Verdict

#: Checks of one screen; the worst come first.
MOST = 12
#: Colour of a verdict in pytest's terminal writer.
COLOURS = {
    Verdict.PASSED.value: "green",
    Verdict.WAIVED.value: "yellow",
    Verdict.NOT_APPLICABLE.value: "yellow",
}
LONGEST_VALUE = 60

Line = tuple[str, str]


def screen(content: Document) -> Iterator[Line]:
    """(line, colour or "") of the screen, the overall verdict first."""
    good = content["verdict"] == "conformant"
    said = f"{content['verdict'].upper()}: {counted(content)}"
    yield said, "green" if good else "red"
    # The contract pack has its own lines; here only what keeps the run from being conformant.
    shown = [c for c in content["checks"] if c["kind"] == "scenario" or is_bad(c) or c["waiver"]]
    for row in content["students"]:
        yield _students(row)
    shown = [c for c in shown if not c["student"] or is_bad(c) or c["waiver"]]
    shown.sort(key=lambda check: (check["kind"] != "scenario", badness(check)))
    causes = Counter(map(_cause, shown))
    alone = [check for check in shown if causes[_cause(check)] == 1 or not _cause(check)]
    for check in alone[:MOST]:
        yield from _check(check)
    if len(alone) > MOST:
        yield f"  … and {len(alone) - MOST} more, in the report", ""
    for cause, number in causes.items():
        if cause and number > 1:
            told = next(c["message"] for c in shown if _cause(c) == cause)
            yield f"  ? not testable  {number} checks, for one cause:", "red"
            lines = [cause, *told.splitlines()[1:]]
            yield from ((f"      {line.strip()}", "") for line in lines)
    for waiver in content["waivers"]:
        if waiver["state"] != "applied":
            what = " ".join(filter(None, (waiver["check"], waiver["path"])))
            until = f"until {waiver['until']}, {waiver['who']}"
            yield f"WAIVER {waiver['state']}: {what} ({until})", "red"


def _students(row: StudentsRow) -> Line:
    """A scenario with its students, e.g. ``9,998 of 10,000 students passed``."""
    good = is_all_good(row)
    mark = MARKS[Verdict.PASSED.value if good else Verdict.FAILED.value][0]
    told = students_told(row)
    return f"  {mark} {told}: Scenario {row['number']}: {row['title']}", "green" if good else "red"


def _cause(check: RunCheck) -> str:
    """The headline of what keeps one of many checks from being made, else nothing."""
    many = check["kind"] == "contract" or check["student"]
    missing = many and check["verdict"] == Verdict.NOT_TESTABLE.value
    return headline(check) if missing else ""


def _check(check: RunCheck) -> Iterator[Line]:
    mark, word = MARKS[check["verdict"]][0], check["verdict"]
    yield f"  {mark} {word:<13} {name_of(check)}", COLOURS.get(word, "red" if is_bad(check) else "")
    wrong = first_finding(check)
    if word == Verdict.WAIVED.value:
        yield f"      {check['waiver']}", ""
    elif wrong:
        yield f"      {finding_line(wrong, LONGEST_VALUE)}", ""
    elif is_bad(check):
        yield f"      {headline(check)[:160]}", ""
