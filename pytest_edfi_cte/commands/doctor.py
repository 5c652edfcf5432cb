"""Find what stands between this set-up and a run: the first cause, who can fix it, and how.

Nothing in the API is changed. The client secret comes from EDFI_CLIENT_SECRET, in the environment
or in the file of --env-file. Options of the run that is to follow, such as --report, only go into
the command that is printed for it.

Exit code: 0 when a run can succeed, 1 when something stands in its way, 4 for a mistake in the
options.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys

from pytest_edfi_cte import flags, options
from pytest_edfi_cte.cli import ExitCode
from pytest_edfi_cte.doctor.page import Page, as_json
from pytest_edfi_cte.doctor.patient import Patient
from pytest_edfi_cte.doctor.probes import diagnose
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.given import GivenToCommand
from pytest_edfi_cte.reporting.model import visible
from pytest_edfi_cte.retyped import as_given
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.settings import resolve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The plugin's options, and ``--json``."""
    flags.add_arguments(parser, options.OF_THE_DOCTOR)
    parser.add_argument("--json", action="store_true", help="Write JSON instead of the page.")


def run(arguments: argparse.Namespace) -> int:
    """Diagnose and print. Raises :class:`ConfigurationError` for a mistake in the options."""
    settings = resolve(GivenToCommand(arguments))
    if settings.url is None:
        raise ConfigurationError(
            "which API? Give --url URL (or the environment variable EDFI_URL); --url sandbox "
            "brings one along"
        )
    session = Run(settings)
    try:
        patient = Patient(session)
        diagnosis = diagnose(patient)
        url = patient.url
    finally:
        session.close()

    command = ["pytest", "--pyargs", "pytest_edfi_cte", *as_given(settings, short=False)]

    def clean(text: str) -> str:
        return visible(session.redactor.clean(text))

    if arguments.json:
        text = as_json(diagnosis, url, clean)
    else:
        terminal = sys.stdout.isatty()
        page = Page(
            shutil.get_terminal_size((100, 24)).columns,
            colour=terminal and "NO_COLOR" not in os.environ,
            clean=clean,
        )
        text = page.text(diagnosis, url, shlex.join(command))
    sys.stdout.write(text + "\n")
    return ExitCode.OK if diagnosis.can_succeed else ExitCode.FINDINGS
