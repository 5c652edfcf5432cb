"""Waivers: findings that somebody accepts in writing until a day. Shown, and never as passed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.reporting.document import WaiverRow
from pytest_edfi_cte.reporting.model import CheckResult, FindingRow
from pytest_edfi_cte.verdicts import Verdict

_ELEMENT = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Waiver:
    """One entry of the file.

    ``check``: an id, "" for any; ``path``: a place, "" for the whole check. ``until``: the last
    day it counts.
    """

    check: str
    path: str
    reason: str
    who: str
    until: date

    @property
    def words(self) -> str:
        """Why, by whom and until when, in one line."""
        return f"{self.reason} (accepted by {self.who} until {self.until.isoformat()})"

    def covers(self, check: CheckResult, finding: FindingRow) -> bool:
        """True where it accepts this finding, expired or not."""
        places = (finding["where"], bare(finding["where"]), finding["property"])
        return self.about(check) and self.path in ("", *places)

    def about(self, check: CheckResult) -> bool:
        """True where it may be about this check."""
        return self.check in ("", check["id"])


def bare(where: str) -> str:
    """A place without the element it is in: ``services[IT].cipCode`` is ``services.cipCode``."""
    return _ELEMENT.sub("", where)


def read_waivers(path: Path, contract: Contract) -> list[Waiver]:
    """The waivers of a YAML file; ConfigurationError where it is damaged."""
    import yaml  # noqa: PLC0415 - idle cost

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"--edfi-waive: {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(f"--edfi-waive: {path} is not YAML: {said}") from None
    content = _with_texts(content)
    wrong = next(iter(contract.waivers_validator().iter_errors(content)), None)
    if wrong is not None:
        place = list(wrong.absolute_path)
        where = f"entry {int(place[0]) + 1}: " if place else ""
        field = f"{place[1]}: " if len(place) > 1 else ""
        said = "expected `check` or `path`" if wrong.validator == "anyOf" else wrong.message
        raise ConfigurationError(f"--edfi-waive: {path}: {where}{field}{said[:300]}")
    return [
        Waiver(
            entry.get("check", ""),
            entry.get("path", ""),
            entry["reason"],
            entry["who"],
            date.fromisoformat(entry["until"]),
        )
        for entry in content
    ]


def _with_texts(content: Any) -> Any:
    """YAML reads 2027-01-31 as a date; the schema describes texts."""
    if isinstance(content, list):
        return [_with_texts(entry) for entry in content]
    if isinstance(content, dict):
        return {name: _with_texts(value) for name, value in content.items()}
    return content.isoformat() if isinstance(content, date) else content


def apply(waivers: Sequence[Waiver], check: CheckResult, today: date) -> None:
    """Mark what is accepted in a failed check; where all of it is, the check itself is waived."""
    if check["verdict"] != Verdict.FAILED.value:
        return
    valid = [waiver for waiver in waivers if waiver.until >= today]
    wrong = [row for row in check["findings"] if row["verdict"] == "wrong"]
    reasons: list[str] = []
    for row in wrong:
        found = next((w for w in valid if w.covers(check, row)), None)
        if found:
            row["verdict"] = "waived"
            reasons.append(found.words)
    if not wrong:  # a test that failed without a finding is waived by its id alone
        reasons = [w.words for w in valid if w.check == check["id"] and not w.path][:1]
    if reasons and all(row["verdict"] == "waived" for row in wrong):
        check["verdict"] = Verdict.WAIVED.value
        check["waiver"] = "; ".join(dict.fromkeys(reasons))


def outcomes(
    waivers: Iterable[Waiver], checks: Sequence[CheckResult], today: date
) -> list[WaiverRow]:
    """What became of each waiver."""
    return [_outcome(waiver, checks, today) for waiver in waivers]


def _outcome(waiver: Waiver, checks: Sequence[CheckResult], today: date) -> WaiverRow:
    hit = [check["id"] for check in checks if _hits(waiver, check)]
    state = "expired" if waiver.until < today else "applied" if hit else "matches nothing"
    return {
        "check": waiver.check,
        "path": waiver.path,
        "reason": waiver.reason,
        "who": waiver.who,
        "until": waiver.until.isoformat(),
        "state": state,
        "checks": list(dict.fromkeys(hit)) if state == "applied" else [],
    }


def _hits(waiver: Waiver, check: CheckResult) -> bool:
    waived = [row for row in check["findings"] if row["verdict"] == "waived"]
    if any(waiver.covers(check, row) for row in waived):
        return True
    whole = waiver.check == check["id"] and not waiver.path
    return whole and check["verdict"] == Verdict.WAIVED.value
