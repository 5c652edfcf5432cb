"""The certification's data mapping as CSV: each row of each table with what was seen in the API."""

from __future__ import annotations

import csv
import io

from pytest_edfi_cte.reporting.document import Document, RunCheck, RunInfo, TableRow, TableRows
from pytest_edfi_cte.reporting.words import cut

HEADER = (
    "API",
    "Scenario",
    "Resource",
    "Property",
    "Type",
    "Certification",
    "API model",
    "Expected",
    "Received",
    "Result",
)
LONGEST_CELL = 1000
#: A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
CONTAINERS = ("reference", "array")


def data_mapping(content: Document) -> str:
    """One line for each scenario and row; "not seen" where no read showed it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for check in content["checks"]:
        if check["kind"] == "scenario":
            run = content["runs"][check["run"]]
            for table in run["tables"]:
                if check["id"] in table["scenarios"]:
                    lines = (_line(run, table, check, row) for row in table["rows"])
                    writer.writerows(map(_cell, line) for line in lines)
    return out.getvalue()


def _line(run: RunInfo, table: TableRows, check: RunCheck, row: TableRow) -> list[str]:
    seen = [f for f in check["findings"] if f["property"] == row["path"]]
    wrong = [f for f in seen if f["verdict"] != "ok"]
    expected = row["expected"].get(check["id"], "")
    shown = (wrong or seen)[:1]
    received = "; ".join(f["received"] for f in (wrong or seen)[:5])
    result = shown[0]["verdict"] if shown else "not seen"
    return [
        run["api"]["url"],
        str(check["number"] or check["id"]),
        table["resource"],
        row["path"],
        row["type"],
        row["certification"],
        row["api"],
        expected,
        received if shown else "not seen",
        result,
    ]


def _cell(text: str) -> str:
    text = cut(text, LONGEST_CELL)
    return f"'{text}" if text.startswith(FORMULA) else text
