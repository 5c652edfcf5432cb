"""The result of a rehearsal for people: a page of text; and for programs: JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from pytest_edfi_cte.rehearsal.judging import Result
from pytest_edfi_cte.rehearsal.outcome import Observed
from pytest_edfi_cte.rehearsal.played import Played
from pytest_edfi_cte.rehearsal.script import Script
from pytest_edfi_cte.reporting.model import visible
from pytest_edfi_cte.verdicts import Verdict

#: What the certification calls its steps that traffic can tell something about.
CERTIFICATION_STEPS = {
    5: "Transactional cases",
    6: "Batch synchronisation",
    7: "Error handling",
    8: "Descriptor configuration",
    9: "Integration practice",
}
NARROW, WIDE = 40, 100
LET_IT_SEND = (
    "See what the product says itself, and let it do the step: what sends nothing shows nothing."
)
NOT_COVERED = "What is not covered no traffic can tell: show it to the assessor."
#: Column where a check's title begins.
COLUMN = 16


def failure(result: Result, width: int = WIDE) -> str:
    """Why a check is not met: meaning, place, expected, received, evidence, next step."""
    return visible("\n".join(_failure(result, width)))


def _failure(result: Result, width: int) -> Iterator[str]:
    check = result.check
    head = f"{check.id} (certification step {check.step}, {check.level})"
    if result.verdict is Verdict.NOT_TESTABLE:
        yield from _fill(f"{head}: not testable: {result.reason}.", width)
        yield from _fill(f"Next: {_next(result)}", width, "  ")
        return
    lead = result.findings[0]
    meaning = lead.meaning or check.fails
    yield from _fill(f"{head}: {meaning}.", width)
    steps: dict[str, None] = {}
    for finding in result.findings:
        yield from _finding(finding, width)
        steps[finding.next or check.next] = None
    for step in steps:
        yield from _fill(f"Next: {step}", width, "  ")


def _finding(finding: Observed, width: int) -> Iterator[str]:
    yield from _fill(finding.where, width, "  ")
    for name, text in (("expected", finding.expected), ("received", finding.received)):
        first, *more = text.splitlines() or [""]
        yield from _fill(f"{name}  {first}", width, "    ", hang=10)
        for line in more:  # the end of a product's output: as it came
            yield from _fill(line, width, " " * 14)
    for line in finding.evidence:
        yield from _fill(line, width, "    ", hang=4)


def _fill(text: str, width: int, indent: str = "", *, hang: int = 2) -> list[str]:
    # What is long and without spaces (a URL, a descriptor) is better whole than broken.
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]


def page(
    results: Sequence[Result],
    script: Script,
    played: Mapping[str, Played],
    notes: Sequence[str] = (),
    width: int = WIDE,
    *,
    strict: bool = False,
    ended: str = "",
) -> str:
    """The result on one page: each check with its verdict, then what is wrong, then the sum.

    ``ended``: where it was ended early; then it is not passed.
    """
    width = min(max(width, NARROW), WIDE)
    lines = ["", "Result"]
    for number, name in CERTIFICATION_STEPS.items():
        shown = [result for result in results if result.check.step == number]
        if all(result.verdict is Verdict.NOT_APPLICABLE for result in shown):
            continue
        lines += ["", *_fill(f"Certification step {number}: {name}", width)]
        for result in shown:
            lines += _line(result, width)
        for step, what in script.not_covered:
            if step == number:
                lines += _row("not covered", what, width)
    lines += ["", *_fill(NOT_COVERED, width)]
    bad = [result for result in results if not result.good]
    if bad:
        lines += ["", "What to do"]
    failed = [result for result in bad if result.findings]
    for result in sorted(failed, key=lambda result: not result.fails):
        lines += ["", *_failure(result, width)]
    lines += _not_testable([result for result in bad if not result.findings], width)
    if notes:
        lines += ["", *(line for note in notes for line in _fill(f"note: {note}", width))]
    said = _fill(verdict_line(results, played, strict=strict, ended=ended), width)
    return visible("\n".join([*lines, "", *said, ""]))


def _not_testable(results: Sequence[Result], width: int) -> Iterator[str]:
    """Each cause once, with the checks that it keeps from being made."""
    causes: dict[str, list[Result]] = {}
    for result in results:
        causes.setdefault(_cause(result), []).append(result)
    for cause, about in causes.items():
        reason = about[0].reason
        if any(result.reason != reason for result in about):  # in several steps
            steps = dict.fromkeys(name for result in about for name in _steps(result))
            reason = f"steps {', '.join(steps)}: {cause}"
        yield ""
        number = f"{len(about)} check{'s' * (len(about) > 1)}"
        yield from _fill(f"Not testable: {reason}.", width)
        names = ", ".join(result.check.id for result in about)
        yield from _fill(f"{number}: {names}", width, "  ", hang=0)
        for step in dict.fromkeys(map(_next, about)):
            yield from _fill(f"Next: {step}", width, "  ")


def _cause(result: Result) -> str:
    """Why a check could not be made; of silence without the steps that it was noticed in."""
    return result.reason.partition(": ")[2] if result.silent else result.reason


def _steps(result: Result) -> list[str]:
    """The steps that the reason of a silence begins with: ``steps errors, recover: …``."""
    return result.reason.partition(": ")[0].partition(" ")[2].split(", ")


def _next(result: Result) -> str:
    """What to do about a check that could not be made."""
    return LET_IT_SEND if result.silent else result.check.next


def _line(result: Result, width: int) -> list[str]:
    word = result.word
    if not result.good:
        word = word.upper()
    text = result.check.title
    if result.verdict is Verdict.NOT_APPLICABLE:
        text += f" ({result.reason})"
    elif result.note:
        text += f" ({result.note})"
    rows = _row(word, text, width)
    if len(rows[-1]) + 2 + len(result.check.id) <= width:
        rows[-1] = f"{rows[-1]}{result.check.id:>{width - len(rows[-1])}}"
    return rows


def _row(word: str, text: str, width: int) -> list[str]:
    indent = " " * (COLUMN + 2)
    first, *more = textwrap.wrap(text, width - len(indent), break_long_words=False) or [""]
    return [f"  {word:<{COLUMN}}{first}", *(f"{indent}{line}" for line in more)]


def verdict_line(
    results: Sequence[Result],
    played: Mapping[str, Played],
    *,
    strict: bool = False,
    ended: str = "",
) -> str:
    """``NOT PASSED: 2 failed, 1 not testable, 1 warning, 19 passed (steps played: …).``."""
    warnings = sum(r.word == "warning" for r in results)
    aside = sum(r.verdict is Verdict.NOT_APPLICABLE for r in results)
    counts = [
        (sum(r.word == "failed" for r in results), "failed"),
        (sum(r.verdict is Verdict.NOT_TESTABLE for r in results), "not testable"),
        (warnings, "warning" if warnings == 1 else "warnings"),
        (sum(r.verdict is Verdict.PASSED for r in results), "passed"),
        (aside, "does not apply" if aside == 1 else "do not apply"),
    ]
    told = ", ".join(f"{number} {word}" for number, word in counts if number)
    steps = ", ".join(played) or "none"
    good = passed(results, strict=strict) and not ended
    head = "PASSED" if good else "NOT PASSED"
    early = f"; {ended}" if ended else ""
    return f"{head}: {told} (steps played: {steps}{early})."


def passed(results: Sequence[Result], *, strict: bool = False) -> bool:
    """True where every must is met, with ``strict`` every should too, and something was shown."""
    shown = any(result.verdict is Verdict.PASSED for result in results)
    return shown and not any(r.fails or (strict and not r.good) for r in results)


class FindingRow(TypedDict):
    """One thing that is wrong."""

    where: str
    expected: str
    received: str
    meaning: str
    next: str
    evidence: list[str]


class CheckRow(TypedDict):
    """One check; ``verdict`` as in the terminal, "warning" for a should that is not met."""

    id: str
    step: int
    level: str
    title: str
    verdict: str
    note: str
    reason: str
    findings: list[FindingRow]


def as_json(
    results: Sequence[Result],
    script: Script,
    played: Mapping[str, Played],
    notes: Sequence[str],
    facts: Mapping[str, Any],
    *,
    ended: str = "",
) -> dict[str, Any]:
    """The whole result: ``facts``, ``passed``, ``checks``, ``steps``, ``notes`` and more.

    ``ended``: where it was ended early; then it is not passed.
    """
    checks: list[CheckRow] = [
        {
            "id": result.check.id,
            "step": result.check.step,
            "level": result.check.level,
            "title": result.check.title,
            "verdict": result.word,
            "note": result.note,
            "reason": result.reason,
            "findings": [
                {
                    "where": f.where,
                    "expected": f.expected,
                    "received": f.received,
                    "meaning": f.meaning or result.check.fails,
                    "next": f.next or result.check.next,
                    "evidence": list(f.evidence),
                }
                for f in result.findings
            ],
        }
        for result in results
    ]
    steps = [
        {
            "id": name,
            "product": one.act.line if one.act else "a person acted",
            "output": one.act.output if one.act else "",
            "requests": [sent.line for sent in one.sent],
        }
        for name, one in played.items()
    ]
    return {
        "format": 1,
        "title": script.title,
        "facts": dict(facts),
        "passed": passed(results) and not ended,
        "ended_early": ended,
        "checks": checks,
        "steps": steps,
        "notes": list(notes),
        "not_covered": [{"step": step, "what": what} for step, what in script.not_covered],
    }
