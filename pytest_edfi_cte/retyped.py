"""The settings of a run as words of a command, so that a hint can be typed as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edfi_cte.options import OF_THE_DOCTOR, OPTIONS

if TYPE_CHECKING:
    from pytest_edfi_cte.settings import Settings


def as_given(settings: Settings, *, short: bool) -> list[str]:
    """The address, and what was given as options or in an ini and matters to the doctor too.

    ``short``: as ``edfi-cte`` takes them, ``--url``. What came from the environment or an env file
    comes from there again; a secret is never among them.
    """
    words = []
    for option in OPTIONS:
        if option.name not in OF_THE_DOCTOR:
            continue
        flag = option.short_flag if short else option.flag
        if option.name == "set":  # each pair has a source of its own
            pairs = settings.overrides.items()
            given = [p for p in pairs if _was_given(settings, f"set {p[0]}")]
            words += [f"{flag}={name}={value}" for name, value in given]
        elif option.kind == "list":
            listed = getattr(settings, option.name)
            given = [one for one in listed if _was_given(settings, f"{option.name} {one}")]
            words += [f"{flag}={one}" for one in given]
        elif option.name == "url" or _was_given(settings, option.name):
            value = getattr(settings, option.name)
            shown = f"{value:g}" if isinstance(value, float) else value
            words += [f"{flag}={shown}"] if option.kind != "flag" else [flag] * bool(value)
    return words


def _was_given(settings: Settings, name: str) -> bool:
    return settings.sources.get(name, "").startswith(("option", "ini"))
