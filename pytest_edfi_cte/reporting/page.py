"""The page to publish: one self-contained HTML file that asks nothing of any network.

What it holds is bounded, and it says so where it left something out: ``results.json`` has it all.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import groupby
from typing import Any

from pytest_edfi_cte.reporting import words
from pytest_edfi_cte.reporting.document import (
    BAD,
    Document,
    RunCheck,
    RunInfo,
    StudentsRow,
    TableRows,
)
from pytest_edfi_cte.reporting.drawing import template
from pytest_edfi_cte.reporting.model import ExchangeRow, FindingRow
from pytest_edfi_cte.verdicts import Verdict

#: Checks shown with their tables and exchanges; the others are one line each, worst first.
MOST_DETAILED = 250
MOST_FINDINGS, MOST_EXCHANGES = 300, 60
#: Characters of all that is shown in details, before the page is markup.
DETAIL_BUDGET = 6_000_000
LONGEST_VALUE, LONGEST_BODY, LONGEST_MESSAGE = 1500, 8000, 6000
LONGEST_DIFF = 400
#: Parts of the template that make one piece.
PIECES = 500
#: Width of the timeline's drawing in its own units.
WIDTH = 100.0
#: A query is long and says little in a line; the exchange opens with all of it.
_QUERY = re.compile(r"\?\S{20,}")


def page(content: Document) -> str:
    """The HTML."""
    return "".join(page_pieces(content))


def page_pieces(content: Document) -> Iterator[str]:
    """The HTML, piece by piece."""
    style, script = _file("conformance.css"), _file("conformance.js")
    checks = _checks(content)
    by_id = {view["id"]: view for view in checks}
    groups = groupby(checks, key=lambda view: view["kind"])
    stream = template("conformance.html").stream(
        content=content,
        style=style,
        script=script,
        policy=_policy(style, script),
        marks=words.MARKS,
        name=words.report_name(words.tables_of(content)),
        overall=words.OVERALL[content["verdict"]],
        is_good=content["verdict"] == "conformant",
        counted=words.counted(content),
        runs=[_run(run) for run in content["runs"]],
        students=[_students(row) for row in content["students"]],
        several=len(content["runs"]) > 1,
        groups=[(kind, words.KINDS[kind], list(group)) for kind, group in groups],
        problems=sorted((v for v in checks if v["verdict"] in BAD), key=words.badness)[:50],
        problems_left=max(0, sum(view["verdict"] in BAD for view in checks) - 50),
        left_out=sum(not view["detailed"] for view in checks),
        coverage=[_coverage(row, by_id) for row in content["requirements"]],
        rulings=_rulings(content),
        verdicts_there=[v.value for v in Verdict if content["counts"].get(v.value)],
    )
    stream.enable_buffering(PIECES)
    return stream


@cache
def _file(name: str) -> str:
    folder = resources.files("pytest_edfi_cte.reporting").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8").strip()


def _policy(style: str, script: str) -> str:
    """Nothing but this style and this script, by their hashes."""
    marks = [
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; style-src '{marks[0]}'; script-src '{marks[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _run(run: RunInfo) -> dict[str, Any]:
    facts = {name: value for name, value in run["facts"].items() if name != "WARNING"}
    return {
        **run,
        "facts": facts,
        "warning": run["facts"].get("WARNING", ""),
        "when": f"{run['started'][:16].replace('T', ' ')} UTC, {run['seconds']:.1f} s",
        "command": _command(run),
    }


def _command(run: RunInfo) -> str:
    """How to run the same again; what is masked in the report is masked here too."""
    if run["mode"] == "rehearse":
        return shlex.join(["edfi-cte", "rehearse", f"--seed={run['seed']}"])
    url = "sandbox" if run["api"]["embedded"] else run["api"]["url"]
    given = ["pytest", "--pyargs", "pytest_edfi_cte", f"--edfi-url={url}"]
    given += [f"--edfi-school-year={run['school_year']}", f"--edfi-seed={run['seed']}"]
    return shlex.join([*given, *run["options"]])


def _checks(content: Document) -> list[dict[str, Any]]:
    """Every check as shown; the worst are detailed first where there are too many for all."""
    checks = content["checks"]
    order = sorted(range(len(checks)), key=lambda n: words.badness(checks[n]))
    detailed: set[int] = set()
    spent = 0
    for number in order[:MOST_DETAILED]:
        spent += _size(checks[number])
        if spent > DETAIL_BUDGET:
            break
        detailed.add(number)
    places = words.anchors(check["id"] for check in checks)
    several = len(content["runs"]) > 1
    return [
        _check(check, place, number in detailed, several)
        for number, (check, place) in enumerate(zip(checks, places, strict=True))
    ]


def _students(row: StudentsRow) -> dict[str, Any]:
    whole = sum(row["counts"].values())
    return {
        **row,
        "whole": whole,
        "good": words.is_all_good(row),
        "told": words.students_told(row),
        "milliseconds": round(row["seconds"] * 1000 / max(whole, 1)),
    }


def _size(check: RunCheck) -> int:
    """About how many characters the details of a check are."""
    values = sum(
        min(len(row["expected"]), LONGEST_VALUE) + min(len(row["received"]), LONGEST_VALUE) + 300
        for row in check["findings"][:MOST_FINDINGS]
    )
    bodies = sum(
        min(len(row["request_body"]), LONGEST_BODY)
        + min(len(row["response_body"]), LONGEST_BODY)
        + 1200
        for row in check["exchanges"][:MOST_EXCHANGES]
    )
    return values + bodies + min(len(check["message"]), LONGEST_MESSAGE)


def _check(check: RunCheck, place: str, detailed: bool, several: bool) -> dict[str, Any]:
    wrong = words.first_finding(check)
    # The table in its own order, then what else was looked at.
    rows = sorted(check["findings"], key=lambda row: not row["property"])
    if len(rows) > MOST_FINDINGS:  # what is wrong must not be what is cut
        rows.sort(key=lambda row: row["verdict"] == "ok")
    shown = rows[:MOST_FINDINGS] if detailed else []
    marks = words.anchors(row["where"] for row in shown)
    at = next((m for row, m in zip(shown, marks, strict=True) if row is wrong), None)
    return {
        **check,
        "place": place,
        "name": words.name_of(check),
        "headline": words.cut(words.headline(check), 300),
        "first": words.finding_line(wrong, 120) if wrong else "",
        "next": wrong["next"] if wrong else words.cut(words.advice(check), LONGEST_DIFF),
        "first_place": f"{place}--{at}" if at else place,
        "detailed": detailed,
        "several": several,
        "compared": len(check["findings"]),
        "rows": [_row(row, f"{place}--{m}") for row, m in zip(shown, marks, strict=True)],
        "rows_left": len(rows) - len(shown),
        "message": words.cut(check["message"], LONGEST_MESSAGE) if detailed else "",
        "exchanges": _timeline(check["exchanges"][:MOST_EXCHANGES]) if detailed else [],
        "exchanges_left": max(0, len(check["exchanges"]) - MOST_EXCHANGES),
    }


def _row(row: FindingRow, place: str) -> dict[str, Any]:
    expected = words.cut(row["expected"], LONGEST_VALUE)
    received = words.cut(row["received"], LONGEST_VALUE)
    both = [("", expected, ""), ("", received, "")]
    if row["verdict"] != "ok":
        both = _differences(expected, received)
    return {**row, "place": place, "expected": both[0], "received": both[1]}


def _differences(expected: str, received: str) -> list[tuple[str, str, str]]:
    """Each as (same, different, same); what are no two texts of some length differs as a whole."""
    texts = expected.startswith('"') and received.startswith('"')
    if not texts or max(len(expected), len(received)) > LONGEST_DIFF:
        return [("", expected, ""), ("", received, "")]
    start = _alike(expected, received)
    end = _alike(expected[start:][::-1], received[start:][::-1])
    return [
        (text[:start], text[start : len(text) - end], text[len(text) - end :])
        for text in (expected, received)
    ]


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _timeline(exchanges: Sequence[ExchangeRow]) -> list[dict[str, Any]]:
    """Exchanges with where they stand between the first's start and the last's end."""
    starts = [datetime.fromisoformat(row["at"].replace("Z", "+00:00")) for row in exchanges]
    offsets = [(start - starts[0]).total_seconds() * 1000 for start in starts]
    ends = [o + row["milliseconds"] for o, row in zip(offsets, exchanges, strict=True)]
    whole = max(ends, default=0)
    scale = WIDTH / whole if whole else 0.0
    return [
        {
            **row,
            "short": _QUERY.sub("?…", row["line"]),
            "offset": round(offset),
            "x": round(offset * scale, 2),
            "w": max(round(row["milliseconds"] * scale, 2), 0.6),
            "request_body": words.cut(row["request_body"], LONGEST_BODY),
            "response_body": words.cut(row["response_body"], LONGEST_BODY),
        }
        for row, offset in zip(exchanges, offsets, strict=True)
    ]


def _coverage(row: dict[str, Any], checks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    made = [checks[name] for name in row["checks"] if name in checks]
    return {**row, "made": made, "missing": [name for name in row["checks"] if name not in checks]}


def _rulings(content: Document) -> list[dict[str, Any]]:
    """Each ruling with the rows of the judged tables that it is about."""
    tables = words.tables_of(content)
    return [
        {**ruling, "rows": [name for name in ruling["rows"] if name in _rows_of(ruling, tables)]}
        for ruling in content["rulings"]
    ]


def _rows_of(ruling: dict[str, Any], tables: Sequence[TableRows]) -> set[str]:
    """Paths of the tables that a ruling is about."""
    mine = [table for table in tables if table["id"] in ruling["tables"]]
    return {row["path"] for table in mine for row in table["rows"]}
