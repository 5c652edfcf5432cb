"""Render result documents again, merge several into one report, or compare two.

  edfi-cte report create/results.json update/results.json --out=together
  edfi-cte report --compare last-month/results.json pack/results.json

Exit code: 0 conformant (with --compare: no regression), 1 not, 4 a file that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.reporting import pack
from pytest_edfi_cte.reporting.changes import compare
from pytest_edfi_cte.reporting.document import merged
from pytest_edfi_cte.reporting.screen import screen
from pytest_edfi_cte.reporting.stored import read

OK, FINDINGS = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Files, --out, --compare."""
    parser.add_argument(
        "results",
        nargs="*",
        type=Path,
        metavar="RESULTS.JSON",
        help="result documents of evidence packs",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the evidence pack here")
    parser.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("OLD", "NEW"),
        help="say what changed from one document to the other",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 or 1; ConfigurationError for what cannot be read or written."""
    if arguments.compare:
        if arguments.results or arguments.out:
            raise ConfigurationError("--compare takes two documents and nothing else")
        changes = compare(*map(read, arguments.compare))
        _say("\n".join(changes.lines()))
        return FINDINGS if changes.regression else OK
    if not arguments.results:
        raise ConfigurationError("name one or more results.json, or --compare OLD NEW")
    if arguments.out:
        pack.check_folder(arguments.out, "--out")
    content = merged([read(path) for path in arguments.results])
    _say("\n".join(line for line, _ in screen(content)))
    if arguments.out:
        try:
            _say(f"report: {pack.write(content, arguments.out)}")
        except OSError as error:
            raise ConfigurationError(f"--out: {arguments.out} cannot be written: {error}") from None
    return OK if content["verdict"] == "conformant" else FINDINGS


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
