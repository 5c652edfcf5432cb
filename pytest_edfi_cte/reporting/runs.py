"""A run in the result document's terms: what was judged, when, and what it could have judged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pytest_edfi_cte import __version__
from pytest_edfi_cte.compare import asked_by_schema
from pytest_edfi_cte.reporting.document import Planned, RunInfo, TableRows, new_run_id
from pytest_edfi_cte.reporting.model import Painter, utc
from pytest_edfi_cte.requirements import by_check
from pytest_edfi_cte.scenarios import STEPS, Json, Table

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run


def run_info(
    run: Run, *, started: float, interrupted: bool, notes: Sequence[str], set_up: Sequence[str]
) -> RunInfo:
    """What the document says of a run that has connected; ``started``: seconds since 1970."""
    text = Painter(run.redactor.clean).text
    ended = time.time()
    api, table = run.api, run.table
    return {
        "id": new_run_id(),
        "mode": run.settings.mode,
        "tool_version": __version__,
        "certification": table.certification,
        "edition": table.edition,
        "api": {
            "url": text(api.base_url),
            "version": text(api.version),
            "data_standard": text(api.data_standard),
            "embedded": run.settings.embedded,
        },
        "school_year": run.settings.school_year,
        "seed": run.settings.seed,
        "started": utc(started),
        "finished": utc(ended),
        "seconds": round(ended - started, 3),
        "outcome": "interrupted" if interrupted else "finished",
        "masked": run.settings.mask_people,
        "facts": {name: text(value) for name, value in run.facts().items()},
        "notes": [text(note) for note in notes],
        "left_behind": [text(entry) for entry in run.left_behind],
        "set_up": [text(line) for line in set_up],
        "planned": planned(run),
        "limits": [],
        "table": table_rows(
            run.table, run.contract.schema(run.api.standard, run.table.schema), text
        ),
    }


def planned(run: Run) -> list[Planned]:
    """Every check that a run with these settings can make."""
    plans: list[Planned] = []
    for step in STEPS:
        scenario = run.table.scenario(step)
        title = f"Scenario {scenario.number}: {scenario.title}"
        plans.append({"id": scenario.id, "kind": "scenario", "title": title})
    if run.settings.contract:
        for name, requirement in by_check(run.contract).items():
            plans.append({"id": name, "kind": "contract", "title": f"{name}: {requirement.text}"})
    return plans


def table_rows(table: Table, schema: Json, text: Callable[[str], str]) -> TableRows:
    """A resolved table with what the API's ``schema`` asks for; ``text`` makes texts safe."""
    return {
        "resource": table.resource,
        "title": table.title,
        "rows": [
            {
                "path": row.path,
                "type": row.type,
                "certification": row.required,
                "api": asked_by_schema(schema, row.path),
                "expected": {
                    step: text(json.dumps(value, ensure_ascii=False))
                    for step, value in row.values.items()
                },
            }
            for row in table.rows
        ],
    }
