"""The end of a run on one screen: a verdict per scenario, and the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_edfi_cte.reporting.document import Document, RunCheck
from pytest_edfi_cte.reporting.words import (
    MARKS,
    counted,
    finding_line,
    first_finding,
    headline,
    is_bad,
    name_of,
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
    shown.sort(key=lambda check: check["kind"] != "scenario" and not is_bad(check))
    for check in shown[:MOST]:
        yield from _check(check)
    if len(shown) > MOST:
        yield f"  … and {len(shown) - MOST} more, in the report", ""
    for waiver in content["waivers"]:
        if waiver["state"] != "applied":
            what = " ".join(filter(None, (waiver["check"], waiver["path"])))
            until = f"until {waiver['until']}, {waiver['who']}"
            yield f"WAIVER {waiver['state']}: {what} ({until})", "red"


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
