"""What the API says about itself before any token: discovery and dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pytest_edfi_cte.contract_checks.answers import OK, Answer
from pytest_edfi_cte.contract_checks.bench import NOBODY, Bench
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.judge import Finding

NEEDED = ("dependencies", "oauth", "dataManagementApi")
#: What must be loaded before the association, and so comes earlier in the list of dependencies.
BEFORE = ("students", "programs")


def _document(bench: Bench) -> Answer:
    def ask() -> Answer:
        base = bench.api.base_url
        answer = bench.get(base, auth=NOBODY)
        return answer if answer.accepted else bench.get(f"{base}/", auth=NOBODY)

    return bench.once("discovery", ask)


def urls_of(bench: Bench) -> dict[str, Any]:
    """The addresses in the discovery document, {} without any."""
    found = _document(bench).at("urls")
    return found if isinstance(found, dict) else {}


@check
def discovery_is_anonymous(bench: Bench) -> Iterator[Finding]:
    """The base URL answers with the discovery document, without a token."""
    answer = _document(bench)
    yield status(answer, OK, where="anonymous GET of the base URL")
    shown = isinstance(answer.json, dict) and "urls" in answer.json
    yield finding_of(shown, "body", "a JSON object with urls", answer.text[:200], answer)


@check
def discovery_names_addresses(bench: Bench) -> Iterator[Finding]:
    """Discovery names the addresses a client needs, absolute."""
    answer = _document(bench)
    found = urls_of(bench)
    for name in NEEDED:
        url = found.get(name)
        good = isinstance(url, str) and bool(urlsplit(url).scheme and urlsplit(url).netloc)
        yield finding_of(good, f"urls.{name}", "an absolute URL", url, answer)


@check
def discovery_names_metadata(bench: Bench) -> Iterator[Finding]:
    """Discovery names the address of the API's description."""
    url = urls_of(bench).get("openApiMetadata")
    good = isinstance(url, str) and bool(urlsplit(url).netloc)
    where = "urls.openApiMetadata"
    yield finding_of(good, where, "an absolute URL", url, _document(bench))


@check
def discovery_names_versions(bench: Bench) -> Iterator[Finding]:
    """Discovery names the API's version and the Ed-Fi data standard's."""
    answer = _document(bench)
    version = answer.at("version")
    yield finding_of(
        isinstance(version, str) and bool(version), "version", "a version", str(version), answer
    )
    models = answer.at("dataModels")
    named = [
        model.get("version")
        for model in (models if isinstance(models, list) else [])
        if isinstance(model, dict) and str(model.get("name", "")).lower() == "ed-fi"
    ]
    good = bool(named) and isinstance(named[0], str) and named[0][:1].isdigit()
    expected = "the data model Ed-Fi with its version"
    yield finding_of(good, "dataModels", expected, str(models), answer)


@check
def dependencies_are_listed(bench: Bench) -> Iterator[Finding]:
    """The list of dependencies has the association after what it refers to."""
    url = urls_of(bench).get("dependencies")
    if not isinstance(url, str):
        raise DoesNotApply("the discovery document has no urls.dependencies")
    answer = bench.get(url, auth=NOBODY)
    yield status(answer, OK, where="anonymous GET of the dependencies")
    if answer.rows is None:
        yield finding_of(False, "body", "a JSON array", answer.text[:200], answer)
        return
    orders: dict[str, int] = {}
    for row in filter(_creates, answer.rows):
        name = str(row["resource"]).rpartition("/")[2].lower()
        orders[name] = min(row["order"], orders.get(name, row["order"]))
    own = orders.get(bench.resource.lower())
    expected = "an order number"
    yield finding_of(own is not None, f"order of {bench.resource}", expected, own, answer)
    if own is not None:
        for name in BEFORE:
            other = orders.get(name)
            good = other is not None and other < own
            yield finding_of(good, f"order of {name}", f"a number below {own}", other, answer)


def _creates(row: Any) -> bool:
    """Whether a line of the dependencies says when to create; students have another for updates."""
    if not isinstance(row, dict) or not isinstance(row.get("resource"), str):
        return False
    return isinstance(row.get("order"), int) and "Create" in row.get("operations", "Create")
