"""The settings of a run as words of a command, so that a hint can be typed as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any

from pytest_edfi_cte.options import OF_THE_DOCTOR, OPTIONS, Option
from pytest_edfi_cte.settings import Settings

#: Options that say how to reach the API, where to write, or stand in every report themselves. Any
#: other decides what is run or how it is judged, and a report repeats it.
_NOT_OF_THE_RUN = frozenset(
    {"url", "client_id", "env_file", "school_year", "seed", "report"}
    | {"timeout", "retries", "ca_bundle", "insecure"}
)
#: The setting that an option of pairs becomes.
_PAIRS = {"set": "overrides", "act": "acts", "descriptor": "descriptors"}


def as_given(settings: Settings, *, short: bool) -> list[str]:
    """The address, and what was given as options or in an ini and matters to the doctor too.

    ``short``: as ``edfi-cte`` takes them, ``--url``. What came from the environment or an env file
    comes from there again; a secret is never among them.
    """

    def wanted(name: str) -> bool:
        return name == "url" or settings.sources.get(name, "").startswith(("option", "ini"))

    options = [option for option in OPTIONS if option.name in OF_THE_DOCTOR]
    return [word for option in options for word in _words(settings, option, wanted, short=short)]


def as_run(settings: Settings) -> list[str]:
    """What decided what ran and how it was judged, wherever it came from, as pytest takes it.

    Left out: address, school year and seed, which a report has already, and how to connect. A file
    is named as it was given.
    """
    untouched = Settings()

    def wanted(name: str) -> bool:
        one_of_many = " " in name  # it is there because somebody gave it
        return one_of_many or getattr(settings, name) != getattr(untouched, name)

    options = [option for option in OPTIONS if option.name not in _NOT_OF_THE_RUN]
    return [word for option in options for word in _words(settings, option, wanted, short=False)]


def _words(
    settings: Settings, option: Option, wanted: Callable[[str], bool], *, short: bool
) -> Iterator[str]:
    """An option as typed; ``wanted`` is asked for its source's name, one of many with its own."""
    flag = option.short_flag if short else option.flag
    if option.name in _PAIRS:
        for name, value in getattr(settings, _PAIRS[option.name]).items():
            if wanted(f"{option.name} {name}"):
                yield f"{flag}={name}={_typed(value)}"
    elif option.kind == "list":
        for one in getattr(settings, option.name):
            if wanted(f"{option.name} {one}"):
                yield f"{flag}={one}"
    elif wanted(option.name):
        value = getattr(settings, option.name)
        if option.kind != "flag":
            yield f"{flag}={_typed(value)}"
        elif value:
            yield flag


def _typed(value: Any) -> str:
    """A value as its option takes it: seconds, students, the words of a command."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return shlex.join(value) if isinstance(value[0], str) else "{}-{}".format(*value)
    return str(value)
