"""A rehearsal as a result document: checks of recorded traffic are checks like any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pytest_edfi_cte import __version__
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.reporting.document import Document, RunInfo, document, new_run_id
from pytest_edfi_cte.reporting.model import (
    CheckResult,
    ExchangeRow,
    FindingRow,
    Painter,
    StepRow,
    utc,
)
from pytest_edfi_cte.reporting.runs import table_rows
from pytest_edfi_cte.scenarios import STEPS

if TYPE_CHECKING:
    from pytest_edfi_cte.rehearsal.judging import Result
    from pytest_edfi_cte.rehearsal.outcome import Observed
    from pytest_edfi_cte.rehearsal.played import Played
    from pytest_edfi_cte.rehearsal.stage import Rehearsal

Text = Callable[[str], str]
#: Requests kept as evidence; a note says where there were more.
MOST_REQUESTS = 2000


def rehearsed(rehearsal: Rehearsal, started: float, *, interrupted: bool = False) -> Document:
    """The document of a rehearsal that has been played; ``started``: seconds since 1970."""
    text = Painter(rehearsal.redactor.clean).text
    results = rehearsal.results
    played = list(rehearsal.played.values())
    checks = [_check(result, text) for result in results]
    if checks:  # the traffic is the evidence of all of them, and kept once
        checks[0]["exchanges"] = _exchanges(played, rehearsal.url, text)
        checks[0]["steps"] = _steps(played, text)
        more = sum(len(one.sent) for one in played) - MOST_REQUESTS
        checks[0]["notes"] += [f"{more} more requests are not kept here."] if more > 0 else []
    run = _run(rehearsal, started, text)
    if interrupted:
        run["outcome"] = "interrupted"
    return document([run], [{**check, "run": 0} for check in checks])


def _run(rehearsal: Rehearsal, started: float, text: Text) -> RunInfo:
    ended = time.time()
    table, standard = rehearsal.table, rehearsal.data_standard
    schema = shipped().schema(standard, table.schema)
    return {
        "id": new_run_id(),
        "mode": "rehearse",
        "tool_version": __version__,
        "certification": table.certification,
        "edition": table.edition,
        "api": {
            "url": rehearsal.url,
            "version": "",
            "data_standard": standard,
            "embedded": True,
        },
        "school_year": table.school_year,
        "seed": rehearsal.settings.seed,
        "started": utc(started),
        "finished": utc(ended),
        "seconds": round(ended - started, 3),
        "outcome": "finished",
        "masked": False,
        "facts": {
            "Rehearsed": ", ".join(rehearsal.played) or "no step",
            "Data standard": standard,
            "School year": str(table.school_year),
            "Students of the batch": str(rehearsal.students),
            "Seed": str(rehearsal.settings.seed),
        },
        "notes": [text(note) for note in rehearsal.notes],
        "left_behind": [],
        "set_up": [],
        "planned": [],
        "limits": [
            {
                "id": f"step-{step}",
                "title": f"Certification step {step}: {what}",
                "reason": "no traffic can tell; show it to the assessor",
            }
            for step, what in rehearsal.script.not_covered
        ],
        "options": [],
        "tables": [table_rows([table.scenario(step) for step in STEPS], schema, text)],
    }


def _check(result: Result, text: Text) -> CheckResult:
    check = result.check
    lead = result.findings[0].meaning if result.findings else ""
    headline = result.reason or (lead or check.fails if result.findings else "")
    lines = [headline, *(line for finding in result.findings for line in _words(finding))]
    return {
        "id": check.id,
        "kind": "wire",
        "level": check.level,
        "number": 0,
        "student": 0,
        "title": check.title,
        "requirement": f"certification step {check.step} ({check.level})",
        "verdict": result.word,
        "message": text("\n".join(lines)) if headline else "",
        "waiver": "",
        "test": "",
        "file": "",
        "line": 0,
        "seconds": 0.0,
        "findings": [_finding(finding, result, text) for finding in result.findings],
        "notes": [text(result.note)] if result.note else [],
        "steps": [],
        "exchanges": [],
    }


def _words(finding: Observed) -> list[str]:
    return [
        f"  {finding.where}",
        f"    expected  {finding.expected}",
        f"    received  {finding.received}",
        *(f"    {line}" for line in finding.evidence),
    ]


def _finding(finding: Observed, result: Result, text: Text) -> FindingRow:
    return {
        "where": text(finding.where),
        "property": "",
        "certification": "",
        "api": "",
        "expected": text(finding.expected),
        "received": text(finding.received),
        "received_type": "",
        "rule": f"certification step {result.check.step}",
        "verdict": "wrong",
        "kind": "behaviour",
        "next": text(finding.next or result.check.next),
    }


def _steps(played: Sequence[Played], text: Text) -> list[StepRow]:
    return [
        {
            "line": text(f"{one.step.id}: {one.act.line if one.act else 'a person acted'}"),
            "output": text(one.act.output if one.act else ""),
        }
        for one in played
    ]


def _exchanges(played: Sequence[Played], url: str, text: Text) -> list[ExchangeRow]:
    requests = [sent.request for one in played for sent in one.sent][:MOST_REQUESTS]
    return [
        {
            "line": text(f"{r.method} {url}{r.path} → {r.status or 'dropped'}"),
            "at": utc(r.time),
            "milliseconds": round(r.duration * 1000),
            "request_headers": [[text(n), text(v)] for n, v in r.headers.items()],
            "request_body": text(r.body or ""),
            "response_headers": [["Location", text(r.location)]] if r.location else [],
            "response_body": text(f"The API failed on purpose: {r.fault}") if r.fault else "",
        }
        for r in requests
    ]
