"""The result document: made from runs and checks, and merged."""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from pytest_edfi_cte import __version__
from pytest_edfi_cte.contract import Contract, shipped
from pytest_edfi_cte.reporting.model import CheckKind, CheckResult, utc
from pytest_edfi_cte.requirements import Requirement, requirements
from pytest_edfi_cte.verdicts import Verdict

FORMAT = 1
#: How the text of a check's requirement begins, where it is one of ``requirements.yaml``.
_LABEL = re.compile(r"\S+ \((must|should|could); ")
#: Verdicts that keep a run from being conformant.
BAD = (Verdict.FAILED.value, Verdict.NOT_TESTABLE.value, Verdict.HARNESS_ERROR.value)


class Api(TypedDict):
    """The judged API as it described itself."""

    url: str
    version: str
    data_standard: str
    embedded: bool


class TableRow(TypedDict):
    """A row of a certification table; ``expected``: id of a scenario -> JSON text."""

    path: str
    type: str
    certification: str
    api: str
    expected: dict[str, str]


class TableRows(TypedDict):
    """A table as it was resolved for a run.

    ``judged``: ids of its scenarios of the run; ``scenarios``: of those that send the record.
    """

    id: str
    resource: str
    title: str
    edition: str
    judged: list[str]
    scenarios: list[str]
    rows: list[TableRow]


class Limit(TypedDict):
    """Something that a sort of run can never show, and why."""

    id: str
    title: str
    reason: str


class Planned(TypedDict):
    """A check that a run of this sort can make."""

    id: str
    kind: CheckKind
    title: str


class RunInfo(TypedDict):
    """One run against one API; times are UTC, ``seconds`` is its length.

    ``options``: as typed, what decided what ran besides address, school year and seed.
    """

    id: str
    mode: str
    tool_version: str
    certification: str
    edition: str
    api: Api
    school_year: int
    seed: int
    started: str
    finished: str
    seconds: float
    outcome: str
    masked: bool
    facts: dict[str, str]
    notes: list[str]
    left_behind: list[str]
    set_up: list[str]
    planned: list[Planned]
    limits: list[Limit]
    options: list[str]
    tables: list[TableRows]


class RunCheck(CheckResult):
    """A check, and the index of the run that made it."""

    run: int


class Gap(TypedDict):
    """Something that was not tested."""

    run: int
    id: str
    title: str
    reason: str


class WaiverRow(TypedDict):
    """An accepted deviation, and what became of it."""

    check: str
    path: str
    reason: str
    who: str
    until: str
    state: str
    checks: list[str]


class StudentsRow(TypedDict):
    """What a scenario showed for the students of ``--edfi-repeat``.

    ``seconds``: of all of them; ``students``: ``[number, verdict, milliseconds]`` of each.
    """

    run: int
    id: str
    number: int
    title: str
    counts: dict[str, int]
    seconds: float
    students: list[list[Any]]


class Document(TypedDict):
    """All that is known of one or more runs; ``fixtures/schemas/results.json`` describes it."""

    format: int
    written: str
    tool: dict[str, str]
    verdict: str
    counts: dict[str, int]
    runs: list[RunInfo]
    checks: list[RunCheck]
    students: list[StudentsRow]
    requirements: list[dict[str, Any]]
    not_covered: list[Gap]
    rulings: list[dict[str, Any]]
    waivers: list[WaiverRow]


def document(
    runs: Sequence[RunInfo],
    checks: Sequence[RunCheck],
    waivers: Sequence[WaiverRow] = (),
    contract: Contract | None = None,
    students: Sequence[StudentsRow] = (),
) -> Document:
    """A document of these runs and checks, with what follows from them.

    ``students`` count by their rows, whichever of their checks are among ``checks``.
    """
    contract = contract or shipped()
    explained = contract.explanations()
    counts = Counter(check["verdict"] for check in checks if not check["student"])
    for row in students:
        counts.update(row["counts"])
    return {
        "format": FORMAT,
        "written": utc(time.time()),
        "tool": {"name": "pytest-edfi-cte", "version": __version__},
        "verdict": _verdict(runs, counts, waivers),
        "counts": {v.value: counts[v.value] for v in Verdict if counts[v.value]},
        "runs": list(runs),
        "checks": sorted(checks, key=_place),
        "students": list(students),
        "requirements": _requirements(contract, checks),
        "not_covered": _gaps(runs, checks, explained["steps"]),
        "rulings": _rulings(explained["rulings"], runs),
        "waivers": list(waivers),
    }


def _rulings(rulings: Iterable[dict[str, Any]], runs: Sequence[RunInfo]) -> list[dict[str, Any]]:
    """Those about a table that was judged: of another one they would not be true."""
    judged = {table["id"] for run in runs for table in run["tables"]}
    return [ruling for ruling in rulings if judged & set(ruling["tables"])]


def _requirements(contract: Contract, checks: Sequence[RunCheck]) -> list[dict[str, Any]]:
    """Every requirement where the contract pack ran, else those that a scenario is for."""
    asked = any(check["kind"] == "contract" for check in checks)
    naming = [c for c in checks if c["kind"] == "scenario" and _LABEL.match(c["requirement"])]
    rows = []
    # Most runs name none, and the file is long.
    for r in requirements(contract) if asked or naming else ():
        # A scenario in Python says it with its requirement; a check of the pack is in the file.
        told = [c["id"] for c in naming if covers(c, r)]
        if asked or told:
            rows.append(
                {
                    "id": r.id,
                    "level": r.level,
                    "text": r.text,
                    "source": r.source,
                    "checks": list(dict.fromkeys([*(r.checks if asked else ()), *told])),
                    "excluded": "" if told else r.excluded,
                }
            )
    return rows


def covers(check: CheckResult, requirement: Requirement) -> bool:
    """Whether a check names the requirement as its own."""
    return check["requirement"].startswith(f"{requirement.label}: ")


def _place(check: RunCheck) -> tuple[int, int, int, str, int]:
    order = ("scenario", "wire", "contract", "own")
    # The contract pack keeps the order of its file; scenarios have a number.
    name = check["id"] if check["kind"] == "scenario" else ""
    return order.index(check["kind"]), check["number"], check["run"], name, check["student"]


def _verdict(runs: Sequence[RunInfo], counts: Counter[str], waivers: Sequence[WaiverRow]) -> str:
    if any(run["outcome"] == "interrupted" for run in runs):
        return "interrupted"
    if any(counts[word] for word in BAD) or any(w["state"] != "applied" for w in waivers):
        return "not conformant"
    shown = counts[Verdict.PASSED.value] + counts[Verdict.WAIVED.value]
    return "conformant" if shown or counts[Verdict.WARNING.value] else "nothing judged"


def _gaps(
    runs: Sequence[RunInfo], checks: Sequence[RunCheck], steps: Iterable[dict[str, Any]]
) -> list[Gap]:
    """What no run of the same API and mode has judged, then the certification's other steps."""
    gaps: list[Gap] = []
    group_of = [(run["api"]["url"], run["mode"]) for run in runs]
    seen = {(group_of[check["run"]], check["id"]) for check in checks}
    for number, run in enumerate(runs):
        early = run["outcome"] == "interrupted"
        reason = "the run was interrupted before it" if early else "it was not part of this run"
        for plan in run["planned"]:
            if (group_of[number], plan["id"]) not in seen:
                seen.add((group_of[number], plan["id"]))
                gaps.append(
                    {"run": number, "id": plan["id"], "title": plan["title"], "reason": reason}
                )
        gaps += [{"run": number, **limit} for limit in run["limits"]]
    kinds = {check["kind"] for check in checks}
    for step in steps:
        if runs and not kinds & set(step["shown_by"]):
            title = f"Certification step {step['number']}: {step['title']}"
            gap: Gap = {"run": 0, "id": step["id"], "title": title, "reason": step["instead"]}
            gaps.append(gap)
    return gaps


def new_run_id() -> str:
    """An id that no other run has."""
    return uuid.uuid4().hex


def merged(documents: Sequence[Document], contract: Contract | None = None) -> Document:
    """One document of several: create and update phases, several APIs, several runs.

    A run that is in more than one of them counts once.
    """
    runs: list[RunInfo] = []
    checks: list[RunCheck] = []
    students: list[StudentsRow] = []
    waivers: list[WaiverRow] = []
    for one in documents:
        place: dict[int, int] = {}
        known = {run["id"] for run in runs}
        for number, run in enumerate(one["runs"]):
            if run["id"] not in known:
                place[number] = len(runs)
                runs.append(run)
        checks += [{**c, "run": place[c["run"]]} for c in one["checks"] if c["run"] in place]
        students += [{**s, "run": place[s["run"]]} for s in one["students"] if s["run"] in place]
        waivers += [w for w in one["waivers"] if place and w not in waivers]
    return document(runs, checks, waivers, contract, students)
