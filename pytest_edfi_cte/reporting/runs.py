"""A run in the result document's terms: what was judged, when, and what it could have judged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pytest_edfi_cte import __version__
from pytest_edfi_cte.compare import ABSENT, asked_by_schema
from pytest_edfi_cte.reporting.document import Planned, RunInfo, TableRows, new_run_id
from pytest_edfi_cte.reporting.model import Painter, utc
from pytest_edfi_cte.requirements import by_check
from pytest_edfi_cte.retyped import as_run
from pytest_edfi_cte.scenarios import Json, Scenario

if TYPE_CHECKING:
    from pytest_edfi_cte.run import Run

SENDING = ("POST", "PUT")


def run_info(
    run: Run, *, started: float, interrupted: bool, notes: Sequence[str], set_up: Sequence[str]
) -> RunInfo:
    """What the document says of a run that has connected; ``started``: seconds since 1970."""
    text = Painter(run.redactor.clean).text
    ended = time.time()
    api = run.api
    return {
        "id": new_run_id(),
        "mode": run.settings.mode,
        "tool_version": __version__,
        "certification": run.chosen.said("certification") or run.table.certification,
        "edition": run.chosen.said("edition") or run.table.edition,
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
        "options": [text(word) for word in as_run(run.settings)],
        "tables": tables(run, text),
    }


def planned(run: Run) -> list[Planned]:
    """Every check that a run with these settings can make."""
    plans: list[Planned] = []
    for name in run.chosen.entries:
        scenario = run.scenario(name)
        title = f"Scenario {scenario.number}: {scenario.title}"
        plans.append({"id": name, "kind": "scenario", "title": title})
    if run.settings.contract:
        for name, requirement in by_check(run.contract).items():
            plans.append({"id": name, "kind": "contract", "title": f"{name}: {requirement.text}"})
    return plans


def tables(run: Run, text: Callable[[str], str]) -> list[TableRows]:
    """Each table of the run's scenarios; ``text`` makes texts safe."""
    by_table: dict[str, list[Scenario]] = {}
    for scenario in map(run.scenario, run.chosen.entries):
        by_table.setdefault(scenario.table.id, []).append(scenario)
    return [
        table_rows(some, run.contract.schema(run.api.standard, some[0].table.schema), text)
        for some in by_table.values()
    ]


def table_rows(
    scenarios: Sequence[Scenario], schema: Json, text: Callable[[str], str]
) -> TableRows:
    """The table of some scenarios, resolved, with what the API's ``schema`` asks for."""
    sending = [scenario for scenario in scenarios if scenario.method in SENDING]
    table = scenarios[0].table
    columns = {
        s.id: {row.path: row.values.get(s.state, ABSENT) for row in s.table.rows} for s in sending
    }
    return {
        "id": text(table.id),
        "resource": text(table.resource),
        "title": text(table.title),
        "edition": text(table.edition),
        "judged": [text(scenario.id) for scenario in scenarios],
        "scenarios": list(columns),
        "rows": [
            {
                "path": row.path,
                "type": row.type,
                "certification": row.required,
                "api": asked_by_schema(schema, row.path),
                "expected": {
                    name: text(json.dumps(column[row.path], ensure_ascii=False))
                    for name, column in columns.items()
                    if column[row.path] is not ABSENT
                },
            }
            for row in table.rows
        ],
    }
