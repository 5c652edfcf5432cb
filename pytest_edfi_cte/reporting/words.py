"""What the views of a result document share: short texts, places to link to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_edfi_cte.reporting.document import BAD, Document, RunCheck, StudentsRow, TableRows
from pytest_edfi_cte.reporting.model import FindingRow, first_wrong
from pytest_edfi_cte.verdicts import Verdict

#: verdict -> (mark, what it means for a reader)
MARKS: dict[str, tuple[str, str]] = {
    Verdict.PASSED.value: ("✓", "everything that was compared is as required"),
    Verdict.FAILED.value: ("✗", "something that was compared is not as required"),
    Verdict.NOT_TESTABLE.value: ("?", "nothing was shown: something it needs is missing"),
    Verdict.NOT_APPLICABLE.value: ("-", "it does not apply to what was judged"),
    Verdict.WARNING.value: ("!", "a recommendation is not kept"),
    Verdict.INFORMATION.value: ("i", "something a host could do and does not"),
    Verdict.WAIVED.value: ("~", "it failed, and somebody accepts that in writing"),
    Verdict.HARNESS_ERROR.value: ("⚠", "the kit itself failed; says nothing about what was judged"),
}
#: Whose tables the kit is named for.
CTE_RESOURCE = "studentCTEProgramAssociations"
#: Titles of tables in a heading.
MOST_TITLES = 3
#: Verdict of a document -> what it means.
OVERALL: dict[str, str] = {
    "conformant": "Nothing that was judged failed.",
    "not conformant": "Something failed, or could not be shown.",
    "interrupted": "The run was stopped before its end: what is missing was not judged.",
    "nothing judged": "No check was made.",
}
KINDS: dict[str, str] = {
    "scenario": "Certification scenarios",
    "wire": "Traffic of the product",
    "contract": "Contract pack: the API against the Ed-Fi API guidelines",
    "own": "Own tests",
}


def tables_of(content: Document) -> list[TableRows]:
    """The tables of all runs."""
    return [table for run in content["runs"] for table in run["tables"]]


def kit_name(tables: Iterable[Mapping[str, Any]]) -> str:
    """``Ed-Fi CTE``, or ``Ed-Fi`` where another resource than the CTE association was judged.

    ``tables`` need a resource, whatever else they have.
    """
    return "Ed-Fi CTE" if all(t["resource"] == CTE_RESOURCE for t in tables) else "Ed-Fi"


def report_name(tables: Sequence[Mapping[str, Any]]) -> str:
    """What a report is headed as: ``Ed-Fi CTE conformance report``, else with the tables' titles.

    ``tables`` need a resource and a title.
    """
    name = kit_name(tables)
    titles = list(dict.fromkeys(table["title"] for table in tables))
    more = f" and {len(titles) - MOST_TITLES} more" if len(titles) > MOST_TITLES else ""
    about = f": {', '.join(titles[:MOST_TITLES])}{more}" if name == "Ed-Fi" else ""
    return f"{name} conformance report{about}"


def name_of(check: RunCheck) -> str:
    """``Scenario 2: Modify …``, or the title of any other check."""
    name = f"Scenario {check['number']}: {check['title']}" if check["number"] else check["title"]
    return f"{name} (student {check['student']})" if check["student"] else name


def students_told(row: StudentsRow) -> str:
    """``9,998 of 10,000 students passed, 2 failed``."""
    counts = dict(row["counts"])
    whole = sum(counts.values())
    passed = counts.pop(Verdict.PASSED.value, 0)
    others = "".join(f", {number:,} {word}" for word, number in counts.items())
    return f"{passed:,} of {whole:,} students passed{others}"


def is_all_good(row: StudentsRow) -> bool:
    """True where no student keeps the run from being conformant."""
    return not any(word in BAD for word in row["counts"])


def headline(check: Mapping[str, Any]) -> str:
    """What is wrong in one line, without repeating the check's name or verdict; "" where good."""
    first: str = check["message"].partition("\n")[0]
    first = first.removeprefix(f"{Verdict.NOT_TESTABLE.value}: ")
    return first.partition(" failed: ")[2] or first


def advice(check: Mapping[str, Any]) -> str:
    """What to do about something that is not testable: the last line of its message says so."""
    lines = check["message"].strip().splitlines()
    told = check["verdict"] == Verdict.NOT_TESTABLE.value and len(lines) > 1
    return lines[-1].strip() if told else ""


def first_finding(check: RunCheck) -> FindingRow | None:
    """The first finding that is not as expected."""
    return first_wrong(check["findings"])


def finding_line(row: FindingRow, longest: int = 200) -> str:
    """``place: expected false, received true``."""
    expected, received = cut(row["expected"], longest), cut(row["received"], longest)
    return f"{row['where']}: expected {expected}, received {received}"


def cut(text: str, longest: int) -> str:
    """``text``, shortened with its length said."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def counted(content: Document) -> str:
    """``2 passed, 1 failed, 1 not testable``."""
    told = [f"{number} {word}" for word, number in content["counts"].items()]
    return ", ".join(told) or "no checks"


def is_bad(check: RunCheck) -> bool:
    """True where the check keeps the run from being conformant."""
    return check["verdict"] in BAD


def badness(check: Mapping[str, Any]) -> int:
    """For sorting: what failed first, then what broke, what is not testable, and the rest."""
    order = (Verdict.FAILED.value, Verdict.HARNESS_ERROR.value, Verdict.NOT_TESTABLE.value)
    return order.index(check["verdict"]) if check["verdict"] in order else len(order)


def slug(text: str) -> str:
    """A text as a part of an address: ``cteProgramServices-Information-Technology``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text[:120]).strip("-") or "x"


def anchors(names: Iterable[str]) -> list[str]:
    """Places to link to: the same name gives the same one in every run, repeated ones a number."""
    seen: Counter[str] = Counter()
    found = []
    for name in map(slug, names):
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found
