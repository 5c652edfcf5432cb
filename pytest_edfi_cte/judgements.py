"""What the findings about a product's record say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_edfi_cte.judge import Finding, Kind

#: What the judge says of an API's record, said of a product's.
_OF_A_PRODUCT: Mapping[Kind, Kind] = {
    "missing": "not-supplied",
    "misnamed": "not-supplied",
    "null": "supplied-null",
    "wrong-type": "supplied-type",
    "wrong-value": "supplied-value",
    "case": "supplied-case",
    "namespace": "local-namespace",
    "extra": "supplied-extra",
    "duplicate": "supplied-duplicate",
    "schema": "supplied-schema",
    "changed": "also-changed",
    "lost": "also-lost",
    "appeared": "also-added",
}


@dataclass(frozen=True)
class Judgement:
    """What the records say of a scenario: the telling finding first.

    ``open``: something is not there yet, and what is there is not wrong.
    """

    findings: tuple[Finding, ...]
    open: bool = False

    @property
    def right(self) -> bool:
        """True where nothing is wrong."""
        return all(finding.ok for finding in self.findings)


def of_a_product(finding: Finding) -> Finding:
    """The finding, worded for the product that sent the record instead of the API that keeps it."""
    return replace(finding, kind=_OF_A_PRODUCT.get(finding.kind, finding.kind))


#: Kinds that explain the others, the most telling first.
_TELLING: tuple[Kind, ...] = (
    "recreated",
    "old-key-kept",
    "sent-again",
    "sent-twice",
    "second-record",
    "not-updated",
    "service-replaced",
    "wrong-service",
    "other-service",
    "service-missing",
    "also-lost",
    "also-changed",
    "also-added",
)


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The telling ones first, and each place that is wrong told once."""
    rank = {kind: number for number, kind in enumerate(_TELLING)}
    told: set[str] = set()
    result = []
    for finding in sorted(findings, key=lambda f: rank.get(f.kind, len(rank))):
        if finding.ok or finding.where not in told:
            result.append(finding)
        if not finding.ok:
            told.add(finding.where)
    return tuple(result)
