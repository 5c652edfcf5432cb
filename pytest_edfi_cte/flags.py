"""Make the table of options known to pytest and to the ``edfi-cte`` commands."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import TYPE_CHECKING, NoReturn

from pytest_edfi_cte.options import OPTIONS
from pytest_edfi_cte.values import SECRET_VARIABLE

if TYPE_CHECKING:
    import pytest


def add_options(parser: pytest.Parser) -> None:
    """Register every option and ini key with pytest."""
    group = parser.getgroup("edfi", "Ed-Fi conformance (pytest-edfi-cte)")
    for option in OPTIONS:
        text = f"{option.help} Also {option.variable} or ini {option.ini}."
        text = text.replace("%", "%%")
        if option.kind == "flag":
            group.addoption(option.flag, action="store_true", default=None, help=text)
        else:
            action = "append" if option.kind == "list" else "store"
            group.addoption(
                option.flag, action=action, default=None, metavar=option.metavar, help=text
            )
        # No ini default: an empty value and an absent one must be told apart.
        if option.kind == "list":
            parser.addini(option.ini, option.help, type="linelist", default=None)
        else:
            parser.addini(option.ini, option.help, type="string", default=None)

    # Everybody tries it once. Unknown, it would be repeated in pytest's error, value and all.
    for flag in ("--edfi-client-secret", "--edfi-secret", "--edfi-password"):
        group.addoption(flag, action=_NoSecret, help=argparse.SUPPRESS)


class _NoSecret(argparse.Action):
    """An option that refuses its value without showing it."""

    def __call__(self, *parsed: object) -> NoReturn:
        """``parsed``: parser, namespace, the value, and last the option as it was typed."""
        import pytest  # noqa: PLC0415 - commands read this module, too

        raise pytest.UsageError(
            f"{parsed[-1]}: a secret is never an option, command lines are seen by others. Set the "
            f"environment variable {SECRET_VARIABLE}, or name a dotenv file that has it with "
            "--edfi-env-file. If this line is in a log, have the secret changed."
        )


def add_arguments(parser: argparse.ArgumentParser, names: Collection[str]) -> None:
    """Give an ``edfi-cte`` command the options of these names: ``--url``, also ``--edfi-url``."""
    for option in OPTIONS:
        if option.name not in names:
            continue
        flags = (option.short_flag, option.flag)
        text = f"{option.help} Also {option.variable}.".replace("%", "%%")
        if option.kind == "flag":
            parser.add_argument(
                *flags, dest=option.ini, action="store_true", default=None, help=text
            )
        else:
            action = "append" if option.kind == "list" else "store"
            parser.add_argument(
                *flags, dest=option.ini, action=action, metavar=option.metavar, help=text
            )
