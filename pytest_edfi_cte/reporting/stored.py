"""The result document as text (``results.json``): written piece by piece, read back, checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from pytest_edfi_cte import __version__
from pytest_edfi_cte.contract import Contract, shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.reporting.document import FORMAT, Document, RunCheck, StudentsRow


def to_json(content: Document) -> str:
    """The document as text; the same document gives the same text."""
    return "".join(pieces(content, content["checks"], lambda row: row["students"]))


def pieces(
    content: Document,
    checks: Iterable[RunCheck | str],
    students: Callable[[StudentsRow], Iterable[list[Any]]],
) -> Iterator[str]:
    """The document as text, piece by piece, so that no list needs to be in memory.

    ``checks`` are all of them (as JSON where they are texts), where the document has those for
    people; ``students``: those of a row.
    """
    frame = json.dumps({**content, "checks": [], "students": []}, ensure_ascii=False, indent=1)
    # A line break in a value is escaped, so only the frame's own lines begin like this.
    head, _, rest = frame.partition('\n "checks": []')
    between, _, tail = rest.partition('\n "students": []')
    yield f'{head}\n "checks": ['
    yield from _listed(checks)
    yield f']{between}\n "students": ['
    for number, row in enumerate(content["students"]):
        facts = {name: value for name, value in row.items() if name != "students"}
        text = json.dumps({**facts, "students": []}, ensure_ascii=False)
        yield f"{',' if number else ''}\n  {text[: text.rindex(']')]}"
        yield from _listed(students(row), one_line=True)
        yield "]}"
    yield f"]{tail}\n"


def _listed(entries: Iterable[Any], *, one_line: bool = False) -> Iterator[str]:
    last = ""
    for number, entry in enumerate(entries):
        text = (
            entry
            if isinstance(entry, str)
            else json.dumps(entry, ensure_ascii=False, indent=None if one_line else 1)
        )
        text = text.replace("\n", "\n  ")
        yield f"{',' if number else ''}\n  {text}"
        last = "\n "
    yield last


def read(path: Path, contract: Contract | None = None) -> Document:
    """A document from a file.

    Raises ConfigurationError where it is none, damaged, or of another format.
    """
    content: Any
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} is no result document: it is not JSON ({error}); expected a results.json "
            "that --edfi-report wrote"
        ) from None
    if not isinstance(content, dict) or "format" not in content:
        raise ConfigurationError(
            f"{path} is no result document: it has no format; expected a results.json that "
            "--edfi-report wrote"
        )
    # A boolean is no version, though True == 1.
    if content["format"] != FORMAT or isinstance(content["format"], bool):
        raise ConfigurationError(
            f"{path} has format {json.dumps(content['format'])}; this version "
            f"({__version__}) reads format {FORMAT}. Use the version that wrote it, or a later one."
        )
    validator = (contract or shipped()).results_validator()
    wrong = next(iter(validator.iter_errors(content)), None)
    judged = [] if wrong else [*content["checks"], *content.get("students", [])]
    if any(each["run"] >= len(content["runs"]) for each in judged):
        raise ConfigurationError(f"{path} is damaged: a check belongs to a run that is not there")
    if wrong is not None:
        where = "/".join(str(part) for part in wrong.absolute_path) or "the document"
        raise ConfigurationError(f"{path} is damaged: {where}: {wrong.message[:300]}")
    _complete(content)
    return cast("Document", content)


def _complete(content: dict[str, Any]) -> None:
    """Add what a document of an earlier version does not say."""
    content.setdefault("students", [])
    for check in content["checks"]:
        check.setdefault("student", 0)
    for ruling in content["rulings"]:
        ruling.setdefault("tables", [])
    for run in content["runs"]:
        run.setdefault("options", _asked(run))
        for table in run["tables"]:
            known = {"id": "", "edition": run["edition"], "judged": table["scenarios"]}
            table.update({**known, **table})


def _asked(run: dict[str, Any]) -> list[str]:
    """What such a document shows of the options."""
    words = []
    if "Students" in run["facts"]:
        words.append(f"--edfi-repeat={run['facts']['Students'].replace(' to ', '-')}")
    if run["mode"] == "observe":
        words.append("--edfi-mode=observe")
    if any(plan["kind"] == "contract" for plan in run["planned"]):
        words.append("--edfi-contract")
    return words
