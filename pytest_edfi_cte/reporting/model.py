r"""The result model: plain, typed, safe to show and to send between processes.

A *check* is whatever a run judges: a certification scenario, a requirement of the contract pack, a
look at recorded traffic, or a test of one's own. Each has a verdict, findings, exchanges and notes.

Every text here is already redacted and free of characters that would hide or break something
(controls, bidirectional overrides, lone surrogates): they appear as ``\u202e``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Literal, TypedDict

from pytest_edfi_cte.client.exchange import BODY_LIMIT, Exchange
from pytest_edfi_cte.compare import ABSENT, json_type
from pytest_edfi_cte.judge import WORDS, Finding
from pytest_edfi_cte.verdicts import MEANINGS, Verdict

CheckKind = Literal["scenario", "contract", "wire", "own"]


class FindingRow(TypedDict):
    """One compared property as shown.

    ``property``: the row of the certification table that it belongs to, "" for anything else;
    ``certification`` and ``api`` say how that table and the API's schema ask for it. ``verdict``:
    ok, wrong or waived. ``kind``: the sort of a problem in one word. ``next``: what to do about it.
    """

    where: str
    property: str
    certification: str
    api: str
    expected: str
    received: str
    received_type: str
    rule: str
    verdict: str
    kind: str
    next: str


class StepRow(TypedDict):
    """What was seen of the product, in observe mode: one line, and the end of its output."""

    line: str
    output: str


class ExchangeRow(TypedDict):
    """One request and its answer as shown.

    ``at``: when it was sent (UTC); ``milliseconds``: how long this attempt took.
    """

    line: str
    at: str
    milliseconds: int
    request_headers: list[list[str]]
    request_body: str
    response_headers: list[list[str]]
    response_body: str


class CheckResult(TypedDict):
    """What a run says about one check, with its evidence.

    ``level``: must, should or could for a check of the contract pack, "" for a scenario. ``test``:
    pytest's node id; ``file`` and ``line``: where that test is. ``seconds``: how long it took.
    ``waiver``: the accepted reason where the verdict is waived. ``student``: the number of the
    fictional student of ``--edfi-repeat`` whom it is about, else 0.
    """

    id: str
    kind: CheckKind
    level: str
    number: int
    student: int
    title: str
    requirement: str
    verdict: str
    message: str
    waiver: str
    test: str
    file: str
    line: int
    seconds: float
    findings: list[FindingRow]
    notes: list[str]
    steps: list[StepRow]
    exchanges: list[ExchangeRow]


#: Controls (but tab and newline), bidirectional marks and overrides, lone surrogates, BOM, and what
#: takes no room: soft hyphen, joiners, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """``text`` with characters that hide or break something written as escapes."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Painter:
    """Turns findings and exchanges into rows that can be shown."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean

    def text(self, text: str) -> str:
        """Any text, made safe to show."""
        return visible(self._clean(text))

    def value(self, value: Any) -> str:
        """A JSON value, made safe to show and cut at 64 KiB."""
        if value is ABSENT:
            return "absent"
        shown = self.text(json.dumps(value, ensure_ascii=False))
        if len(shown) > BODY_LIMIT:
            return f"{shown[:BODY_LIMIT]}… cut at 64 KiB; {len(shown):,} characters in all"
        return shown

    def findings(self, findings: Iterable[Finding], advice: str = "") -> list[FindingRow]:
        """Rows in the order of the findings; ``advice`` is what to do where a kind has no own."""
        return [
            {
                "where": self.text(f.where),
                "property": "",
                "certification": "",
                "api": "",
                "expected": self._expected(f),
                "received": self._received(f),
                "received_type": "" if self._no_json(f) else json_type(f.received),
                "rule": f.rule,
                "verdict": "ok" if f.ok else "wrong",
                "kind": f.kind,
                "next": "" if f.ok else advice or MEANINGS[f.kind][1],
            }
            for f in findings
        ]

    @staticmethod
    def _no_json(finding: Finding) -> bool:
        return finding.received is ABSENT or finding.expected_note == WORDS

    def _expected(self, finding: Finding) -> str:
        if finding.kind == "duplicate":
            return "once"
        if finding.expected_note:  # a description says more than the value behind it
            text = finding.expected_note in ("schema", WORDS)
            return self.text(str(finding.expected)) if text else finding.expected_note
        return self.value(finding.expected)

    def _received(self, finding: Finding) -> str:
        if finding.expected_note == WORDS:
            return self.text(str(finding.received))
        # Its own rows follow: the whole object would only hide them.
        return (
            "as expected" if finding.ok and finding.expected_note else self.value(finding.received)
        )

    def steps(self, steps: Iterable[tuple[str, str]]) -> list[StepRow]:
        """Rows in the order in which things happened."""
        return [{"line": self.text(line), "output": self.text(output)} for line, output in steps]

    def exchanges(self, exchanges: Iterable[Exchange]) -> list[ExchangeRow]:
        """Rows in the order of sending."""
        return [
            {
                "line": self.text(e.line),
                "at": utc(e.at),
                "milliseconds": round(e.duration * 1000),
                "request_headers": self._headers(e.request_headers.items()),
                "request_body": self._body(e.request_body),
                "response_headers": self._headers(e.response_headers.items()),
                "response_body": self._body(e.response_body),
            }
            for e in exchanges
        ]

    def _headers(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        return [[self.text(name), self.text(value)] for name, value in headers]

    def _body(self, body: str | None) -> str:
        if not body:
            return ""
        with suppress(ValueError):  # what is not JSON is shown as it came
            body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        return self.text(body)


def utc(seconds: float) -> str:
    """Seconds since 1970 as ``2026-11-24T22:51:07.123Z``."""
    when = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    return when.replace("+00:00", "Z")


def requirement_of(findings: Sequence[FindingRow]) -> str:
    """Who asks for what decided the verdict: the first wrong row's rule, or all of them."""
    wrong = first_wrong(findings)
    if wrong:
        return f"{wrong['where']}: {wrong['rule']}"
    required = sum("REQUIRED" in row["rule"] for row in findings)
    return f"{required} REQUIRED rows of the certification table" if required else ""


def first_wrong(findings: Iterable[FindingRow]) -> FindingRow | None:
    """The first row that is not as expected."""
    return next((row for row in findings if row["verdict"] != "ok"), None)


def is_good(verdict: str) -> bool:
    """True for the one verdict that shows conformance."""
    return verdict == Verdict.PASSED.value


def flat_properties(result: CheckResult, facts: dict[str, str]) -> list[tuple[str, object]]:
    """The result as flat properties, for JUnit XML and other readers of ``user_properties``."""
    flat: list[tuple[str, object]] = [
        (f"edfi_{result['kind']}", result["id"]),
        *([("edfi_level", result["level"])] if result["level"] else []),
        ("edfi_verdict", result["verdict"]),
        ("edfi_requirement", result["requirement"]),
    ]
    flat += [(f"edfi_{_word(name)}", value) for name, value in facts.items()]
    flat += [
        ("edfi_finding", f"{row['where']}: expected {row['expected']}, received {row['received']}")
        for row in result["findings"]
        if row["verdict"] != "ok"
    ]
    flat += [("edfi_step", step["line"]) for step in result["steps"]]
    return flat + [("edfi_note", note) for note in result["notes"]]


def _word(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")
