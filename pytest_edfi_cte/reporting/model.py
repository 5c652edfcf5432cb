r"""The result model: plain, typed, safe to show and to send between processes.

Every text here is already redacted and free of characters that would hide or break something
(controls, bidirectional overrides, lone surrogates): they appear as ``\u202e``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypedDict

from pytest_edfi_cte.client.exchange import BODY_LIMIT, Exchange
from pytest_edfi_cte.compare import ABSENT, json_type
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.verdicts import Verdict


class FindingRow(TypedDict):
    """One compared property as shown."""

    where: str
    expected: str
    received: str
    received_type: str
    rule: str
    ok: bool
    kind: str


class ExchangeRow(TypedDict):
    """One request and its answer as shown; ``milliseconds`` is the attempt's duration."""

    line: str
    milliseconds: int
    request_headers: list[list[str]]
    request_body: str
    response_headers: list[list[str]]
    response_body: str


class ScenarioResult(TypedDict):
    """What a run says about one scenario or one check of the contract pack, with its evidence.

    ``level``: must, should or could for a check, "" for a scenario.
    """

    scenario: str
    level: str
    number: int
    title: str
    requirement: str
    verdict: str
    message: str
    findings: list[FindingRow]
    notes: list[str]
    exchanges: list[ExchangeRow]
    facts: dict[str, str]


#: Controls (but tab and newline), bidirectional marks and overrides, lone surrogates, BOM.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
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
            return f"{shown[:BODY_LIMIT]}… cut at 64 KiB"
        return shown

    def findings(self, findings: Iterable[Finding]) -> list[FindingRow]:
        """Rows in the order of the findings."""
        return [
            {
                "where": self.text(f.where),
                "expected": self._expected(f),
                "received": self._received(f),
                "received_type": "" if f.received is ABSENT else json_type(f.received),
                "rule": f.rule,
                "ok": f.ok,
                "kind": f.kind,
            }
            for f in findings
        ]

    def _expected(self, finding: Finding) -> str:
        if finding.kind == "duplicate":
            return "once"
        if finding.expected_note:  # a description says more than the value behind it
            schema = finding.expected_note == "schema"
            return self.text(str(finding.expected)) if schema else finding.expected_note
        return self.value(finding.expected)

    def _received(self, finding: Finding) -> str:
        # Its own rows follow: the whole object would only hide them.
        return (
            "as expected" if finding.ok and finding.expected_note else self.value(finding.received)
        )

    def exchanges(self, exchanges: Iterable[Exchange]) -> list[ExchangeRow]:
        """Rows in the order of sending."""
        return [
            {
                "line": self.text(e.line),
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


def requirement_of(findings: Sequence[FindingRow]) -> str:
    """Who asks for what decided the verdict: the first wrong row's rule, or all of them."""
    wrong = [row for row in findings if not row["ok"]]
    if wrong:
        return f"{wrong[0]['where']}: {wrong[0]['rule']}"
    required = sum("REQUIRED" in row["rule"] for row in findings)
    return f"{required} REQUIRED rows of the certification table" if required else ""


def is_good(verdict: str) -> bool:
    """True for the one verdict that shows conformance."""
    return verdict == Verdict.PASSED.value
