"""The summary in Markdown, and GitHub's annotations: what fits on a page of a CI run."""

from __future__ import annotations

import re
from html import escape

from pytest_edfi_cte.reporting.document import Document, RunCheck, TableRows
from pytest_edfi_cte.reporting.words import (
    MARKS,
    OVERALL,
    badness,
    counted,
    cut,
    finding_line,
    first_finding,
    headline,
    is_bad,
    kit_name,
    name_of,
    students_told,
    tables_of,
)

#: GitHub takes a step summary of 1 MiB; a page of more lines is not read anyway.
MOST_CHECKS, MOST_GAPS = 300, 100
LONGEST_CELL = 600
#: GitHub shows ten annotations of a step.
MOST_ANNOTATIONS = 10


def summary(content: Document) -> str:
    """Verdict, what was judged, a table of the checks with those that are not good first."""
    lines = [f"# {kit_name(tables_of(content))} conformance: {content['verdict']}", ""]
    lines += [f"{OVERALL[content['verdict']]} {counted(content).capitalize()}.", ""]
    for run in content["runs"]:
        api = run["api"]
        what = f"{api['url']}{' (embedded sandbox)' if api['embedded'] else ''}"
        lines.append(
            f"- {_text(what)}: version {_text(api['version'])}, Data Standard "
            f"{_text(api['data_standard'])}, mode {_text(run['mode'])}, school year "
            f"{run['school_year']}, {_text(run['edition'])}, {run['started']}"
        )
        lines += [f"  - {_text(_about(table))}" for table in run["tables"]]
    lines += [
        f"- {_text(students_told(row))}: Scenario {row['number']}: {_text(row['title'])}"
        for row in content["students"]
    ]
    checks = [c for c in content["checks"] if c["kind"] != "contract" or c["verdict"] != "passed"]
    checks.sort(key=badness)
    if checks:
        lines += ["", "| verdict | check | what was found |", "| --- | --- | --- |"]
        lines += [_row(check) for check in checks[:MOST_CHECKS]]
    if len(checks) > MOST_CHECKS:
        lines += ["", f"{len(checks) - MOST_CHECKS:,} more checks are in results.json."]
    for row in content["requirements"]:
        mine = [
            c for c in content["checks"] if c["kind"] == "scenario" and c["id"] in row["checks"]
        ]
        if mine:
            told = ", ".join(f"{_text(c['id'])} {c['verdict']}" for c in mine)
            lines += ["", f"Requirement {_text(row['id'])} ({row['level']}): {told}"]
    for waiver in content["waivers"]:
        what = waiver["check"] or waiver["path"]
        until = f"{waiver['reason']} (accepted by {waiver['who']} until {waiver['until']})"
        lines += ["", f"Waiver for {_text(what)}: **{waiver['state']}**: {_text(until)}"]
    if content["not_covered"]:
        lines += ["", "Not tested:", ""]
        gaps = content["not_covered"]
        lines += [f"- {_text(g['title'])}: {_text(g['reason'])}" for g in gaps[:MOST_GAPS]]
        if len(gaps) > MOST_GAPS:
            lines.append(f"- {len(gaps) - MOST_GAPS} more are in results.json.")
    notes = list(dict.fromkeys(note for run in content["runs"] for note in run["notes"]))
    lines += [f"\nNote: {_text(note)}" for note in notes[:MOST_GAPS]]
    left = [entry for run in content["runs"] for entry in run["left_behind"]]
    lines += [f"\n**Left behind in the API:** {_text(entry)}" for entry in left[:MOST_GAPS]]
    return "\n".join(lines) + "\n"


def _about(table: TableRows) -> str:
    """A table of a run: its title, resource, edition and scenarios."""
    told = f"{table['title']} ({table['resource']}), {table['edition']}"
    return f"{told}: {', '.join(table['judged'])}"


def _row(check: RunCheck) -> str:
    wrong = first_finding(check)
    said = headline(check) if check["verdict"] != "passed" else ""
    if wrong:
        said = f"{said} {finding_line(wrong)}".strip()
    if check["waiver"]:
        said = f"{said} Waived: {check['waiver']}"
    mark = MARKS[check["verdict"]][0]
    return f"| {mark} {check['verdict']} | {_text(name_of(check))} | {_text(said)} |"


def _text(text: str) -> str:
    """Any text as one cell: no HTML, no Markdown, no line break."""
    one_line = escape(cut(" ".join(text.split()), LONGEST_CELL), quote=False)
    return re.sub(r"([\\`*_\[\]|~#@!])", r"\\\1", one_line).replace("://", ":&#47;&#47;")


def github_annotations(content: Document) -> list[str]:
    """``::error file=…,line=…,title=…::message`` for each check that is not good, the first ten."""
    bad = sorted(filter(is_bad, content["checks"]), key=badness)
    return [_annotation(check) for check in bad[:MOST_ANNOTATIONS]]


def _annotation(check: RunCheck) -> str:
    wrong = first_finding(check)
    said = f"{headline(check)}\n{finding_line(wrong)}" if wrong else headline(check)
    title = f"{check['verdict']}: {cut(name_of(check), 120)}"
    place = f"file={_property(check['file'])},line={check['line']}," if check["file"] else ""
    return f"::error {place}title={_property(title)}::{_data(said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
