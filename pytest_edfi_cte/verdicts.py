"""Verdicts, and the words of a failure: meaning, place, expected, received, evidence, next step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby
from typing import Any

from pytest_edfi_cte.client.exchange import Exchange
from pytest_edfi_cte.compare import ABSENT, json_type
from pytest_edfi_cte.errors import NonConformance
from pytest_edfi_cte.judge import WORDS, Finding
from pytest_edfi_cte.meanings import OF_PRODUCTS
from pytest_edfi_cte.requirements import Requirement
from pytest_edfi_cte.scenarios import Scenario

LONGEST_VALUE = 200  # characters of a value in a message
LONGEST_BODY = 1500
FIRST_ERROR = 400


class Verdict(str, Enum):
    """What a run says about a scenario."""

    PASSED = "passed"
    FAILED = "failed"
    #: A prerequisite is missing. Red: nothing was shown.
    NOT_TESTABLE = "not testable"
    #: The scenario does not apply here; the reason is given.
    NOT_APPLICABLE = "does not apply"
    #: A recommendation (should) is not kept. Does not fail a run, except with --edfi-strict.
    WARNING = "warning"
    #: Something that a host could do and does not.
    INFORMATION = "information"
    #: Failed, and accepted in writing until a day (--edfi-waive). Shown, and never as passed.
    WAIVED = "waived"
    #: Our own bug; says nothing about the judged API.
    HARNESS_ERROR = "harness error"


#: kind of finding -> (what it means, what to do next)
MEANINGS: dict[str, tuple[str, str]] = {
    "status": (
        "the API did not answer with the required status",
        "Compare the status and the API's explanation with the request above.",
    ),
    "location": (
        "the answer to the POST does not say where the new record is",
        "Answer a creating POST with a Location header that leads to the record.",
    ),
    "not-json": (
        "the answer is not a JSON record",
        "Return the stored record as one JSON object.",
    ),
    "id": (
        "the record has another id than its address",
        "Return in `id` the identifier that the record's URL ends with.",
    ),
    "new-id": (
        "the record was deleted and created anew, not updated in place",
        "Keep the record and its id in an update; other systems refer to them.",
    ),
    "not-found": (
        "the record is not found by its natural key",
        "A query by all parts of the natural key must return the record.",
    ),
    "duplicated": (
        "the record is there more than once under one natural key",
        "A natural key identifies one record; a second POST of it updates the first.",
    ),
    "disagrees": (
        "the record found by its natural key differs from the one read by its id",
        "Both reads must show the same stored record.",
    ),
    "not-stored": (
        "the update was accepted but not stored",
        "The API answered with success but the record reads back unchanged. Store what was sent.",
    ),
    "missing": (
        "a value that was sent is missing from the stored record",
        "Store the property and return it when the record is read.",
    ),
    "misnamed": (
        "an expected property is not there, and its name is like another's",
        "If the test has misspelt it, correct the test; else store the property and return it.",
    ),
    "null": (
        "a value that was sent reads back as null",
        "Store the property and return the value that was sent.",
    ),
    "wrong-type": (
        "a value comes back with another JSON type",
        'Return a value with the JSON type of the API model: true is not 1, 1 is not "1".',
    ),
    "wrong-value": (
        "a value comes back different from what was sent",
        "Return the value exactly as it was sent.",
    ),
    "case": (
        "a descriptor comes back in another spelling",
        "Upper and lower case differ, and the API's descriptor list does not treat them as equal.",
    ),
    "namespace": (
        "a descriptor comes back in another namespace",
        "The code value matches, not the namespace. A state's own: --edfi-namespace uri://….",
    ),
    "extra": (
        "the stored record has a value or an element that should not be there",
        "A write replaces the whole record, collections too: store what was sent and nothing else.",
    ),
    "duplicate": (
        "an element is stored more than once",
        "The elements of a collection are unique by their key.",
    ),
    "lost": (
        "the update lost a value it should not touch",
        "Change only what the request changed; everything else was in its body unchanged.",
    ),
    "changed": (
        "the update changed more than it should",
        "Change only what the request changed; everything else was in its body unchanged.",
    ),
    "appeared": (
        "the update added a value that nobody sent",
        "Change only what the request changed.",
    ),
    "schema": (
        "the record does not fit the API's own data model",
        "Compare the property with the Ed-Fi data standard's definition.",
    ),
    "requirement": (
        "the API does not do what a requirement asks",
        "The requirement's own text says what to change.",
    ),
    **OF_PRODUCTS,
}


#: Kinds that explain the others: they give the headline wherever they stand.
TELLING = ("new-id", "not-stored")


@dataclass(frozen=True)
class RequirementFinding(Finding):
    """A finding of the contract pack, with the exchange that shows it."""

    exchange: Exchange | None = None


def conclude(
    scenario: Scenario | None,
    findings: Sequence[Finding],
    exchanges: Iterable[Exchange],
    *,
    what: str = "",
) -> None:
    """Return where every finding is fine; raise :class:`NonConformance` with all that are not.

    Without a scenario (a test of one's own) every exchange of the test is evidence, and ``what``
    says what was judged.
    """
    wrong = [finding for finding in findings if not finding.ok]
    if wrong:
        raise NonConformance(failure(scenario, wrong, exchanges, what=what))


def failure(
    scenario: Scenario | None,
    wrong: Sequence[Finding],
    exchanges: Iterable[Exchange],
    *,
    what: str = "",
    asked: str = "",
) -> str:
    """The failure's text, in the order that a person needs it.

    ``asked``: the requirement behind it, where there is one.
    """
    lead = next((f for f in wrong if f.kind in TELLING), wrong[0])
    meaning = MEANINGS[lead.kind][0]
    if scenario:
        what = f"Scenario {scenario.number} ({scenario.title})"
    lines = [f"{what or 'The check'} failed: {meaning}."]
    if asked:
        lines.append(f"  {asked}")
    for finding in wrong:
        lines += [
            f"  {finding.where}",
            f"    expected  {expected_text(finding)}",
            f"    received  {received_text(finding)}",
        ]
    lines += [f"  {line}" for line in evidence(scenario, exchanges)]
    steps = dict.fromkeys(MEANINGS[finding.kind][1] for finding in wrong)
    lines += [f"  Next: {step}" for step in steps]
    return "\n".join(lines)


def unmet(requirement: Requirement, wrong: Sequence[Finding]) -> str:
    """What a breach of a requirement means, with the exchange that shows each finding."""
    lines = [
        f"{requirement.id} ({requirement.level}) is not kept: {requirement.text}",
        f"  Source: {requirement.source}",
    ]
    shown: set[int] = set()
    for finding in wrong:
        lines += [
            f"  {finding.where}",
            f"    expected  {expected_text(finding)}",
            f"    received  {received_text(finding)}",
        ]
        exchange = getattr(finding, "exchange", None)
        if exchange is None or id(exchange) in shown:
            continue
        shown.add(id(exchange))
        lines.append(f"    {exchange.line}")
        for what, body in (
            ("Request", exchange.request_body),
            ("Answer", exchange.response_body),
        ):
            if body:
                lines.append(f"    {what}: {_cut(body)}")
    return "\n".join([*lines, f"  Next: {requirement.next}"])


def _cut(body: str) -> str:
    text = " ".join(body.split())
    return f"{text[:LONGEST_BODY]}…" if len(text) > LONGEST_BODY else text


def expected_text(finding: Finding) -> str:
    """``false  (boolean, REQUIRED by the certification table)``."""
    if finding.kind in ("extra", "duplicate"):
        once = "once" if finding.kind == "duplicate" else "not there"
        return f"{once}  ({finding.rule})"
    if finding.expected_note in ("schema", WORDS):
        return f"{finding.expected}  ({finding.rule})"
    what = finding.expected_note or json_type(finding.expected)
    return f"{show(finding.expected)}  ({what}, {finding.rule})"


def received_text(finding: Finding) -> str:
    """``true  (boolean)``; ``absent`` where there was nothing."""
    if finding.received is ABSENT:
        return "nothing: the property is absent"
    if finding.expected_note == WORDS:
        return str(finding.received).replace("\n", "\n              ")
    return f"{show(finding.received)}  ({json_type(finding.received)})"


def show(value: Any) -> str:
    """A value as JSON text, shortened; texts about answers (not JSON) stay as they are."""
    if value is ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text):,} chars)"


def evidence(scenario: Scenario | None, exchanges: Iterable[Exchange]) -> list[str]:
    """The scenario's own exchanges from its first write on, and the body that matters most.

    That is the last refusal, else the last read of the record.
    """
    part = f"/{scenario.table.resource.lower()}" if scenario else ""
    own = [e for e in exchanges if part in e.url.lower()]
    first = next((n for n, e in enumerate(own) if e.method != "GET"), 0)
    own = own[first:]
    # The query by natural key is long and says nothing new; the report has it in full.
    told = [replace(e, url=f"{e.url.partition('?')[0]}{'?…' * ('?' in e.url)}").line for e in own]
    runs = [(line, len(list(same))) for line, same in groupby(told)]
    lines = [f"{line}  ({times} times)" if times > 1 else line for line, times in runs]
    refused = [e for e in own if (e.status or 0) >= FIRST_ERROR and e.response_body]
    read = [e for e in own if e.method == "GET" and "?" not in e.url and e.response_body]
    lines += [
        f"Answer to the {exchange.method}: {_cut(exchange.response_body or '')}"
        for exchange in (refused or read)[-1:]
    ]
    return lines
