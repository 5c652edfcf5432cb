"""What a report says of its run: who was judged, by what, with which settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte import __version__
from pytest_edfi_cte.requirements import coverage

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run


def facts_of(run: Run) -> dict[str, str]:
    """The run in the report's words."""
    settings = run.settings
    facts = {
        **settings.facts(),
        "API": run.redactor.clean(run.api.base_url),
        "API version": run.api.version,
        "Data standard": run.api.data_standard,
        "School year": f"{settings.school_year} ({settings.school_year - 1}-"
        f"{settings.school_year}; dates fall in July 1 to June 30)",
        "Certification": run.chosen.said("certification") or run.table.certification,
        "Edition of the table": run.chosen.said("edition") or run.table.edition,
        "pytest-edfi-cte": __version__,
        "Seed": str(settings.seed),
    }
    if settings.repeat:
        facts["Students"] = "{} to {}".format(*settings.repeat)
    if settings.embedded:
        facts["API"] += " (embedded sandbox)"
    if settings.contract:
        facts["Contract pack"] = coverage(run.contract)
    if settings.overrides:
        facts["Replaced values"] = ", ".join(f"{n}={v}" for n, v in settings.overrides.items())
    if settings.insecure:
        facts["WARNING"] = "TLS CERTIFICATES WERE NOT VERIFIED (--edfi-insecure)"
    return {name: run.redactor.clean(text) for name, text in facts.items()}
