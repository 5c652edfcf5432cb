"""JUnit XML of a result document: one test case per check, one suite per sort of check."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pytest_edfi_cte.reporting.document import Document, RunCheck
from pytest_edfi_cte.reporting.words import (
    finding_line,
    first_finding,
    is_all_good,
    is_bad,
    name_of,
    students_told,
)
from pytest_edfi_cte.verdicts import Verdict

SKIPPED = (Verdict.NOT_APPLICABLE.value, Verdict.WAIVED.value)


def junit(content: Document) -> str:
    """The XML; every text of a document is free of characters that XML does not allow."""
    root = Element("testsuites", name="pytest-edfi-cte", **_numbers(content["checks"]))
    for kind, group in groupby(content["checks"], key=lambda check: check["kind"]):
        checks = list(group)
        suite = SubElement(root, "testsuite", name=f"edfi.{kind}", **_numbers(checks))
        for check in checks:
            _case(suite, check, content)
    if content["students"]:
        _students(root, content)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _students(root: Element, content: Document) -> None:
    """A suite with a case for each scenario that was repeated: those that are bad are above."""
    rows = content["students"]
    bad = [row for row in rows if not is_all_good(row)]
    numbers: Any = {
        "tests": str(len(rows)),
        "failures": str(len(bad)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(row['seconds'] for row in rows):.3f}",
    }
    suite = SubElement(root, "testsuite", name="edfi.students", **numbers)
    for row in rows:
        seconds = f"{row['seconds']:.3f}"
        case = SubElement(
            suite, "testcase", classname="edfi.students", name=row["id"], time=seconds
        )
        told = students_told(row)
        if row in bad:
            SubElement(case, "failure", type=Verdict.FAILED.value, message=told)
        else:
            SubElement(case, "system-out").text = told


def _numbers(checks: list[RunCheck]) -> Any:
    words = [check["verdict"] for check in checks]
    errors = words.count(Verdict.HARNESS_ERROR.value)
    return {
        "tests": str(len(checks)),
        "failures": str(sum(map(is_bad, checks)) - errors),
        "errors": str(errors),
        "skipped": str(sum(word in SKIPPED for word in words)),
        "time": f"{sum(check['seconds'] for check in checks):.3f}",
    }


def _case(suite: Element, check: RunCheck, content: Document) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=f"edfi.{check['kind']}",
        name=check["id"],
        time=f"{check['seconds']:.3f}",
    )
    api = content["runs"][check["run"]]["api"]
    facts = {
        "edfi_title": name_of(check),
        "edfi_verdict": check["verdict"],
        "edfi_requirement": check["requirement"],
        "edfi_api": api["url"],
        "edfi_data_standard": api["data_standard"],
    }
    properties = SubElement(case, "properties")
    for name, value in facts.items():
        SubElement(properties, "property", name=name, value=value)
    wrong = first_finding(check)
    said = finding_line(wrong) if wrong else check["message"].partition("\n")[0]
    if check["verdict"] in SKIPPED:
        SubElement(case, "skipped", message=f"{check['verdict']}: {check['waiver'] or said}")
    elif is_bad(check):
        tag = "error" if check["verdict"] == Verdict.HARNESS_ERROR.value else "failure"
        problem = SubElement(case, tag, type=check["verdict"], message=said)
        problem.text = check["message"]
    elif check["message"]:
        SubElement(case, "system-out").text = f"{check['verdict']}: {check['message']}"
