"""How pytest draws an exception: nothing secret in it, and the place for a text of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def cleaned_repr(shown: Any, clean: Callable[[str], str]) -> Any:
    """A drawing of an exception by pytest, cleaned: its code, locals and arguments."""
    if isinstance(shown, str):
        return clean(shown)
    if isinstance(shown, list):
        shown[:] = [cleaned_repr(part, clean) for part in shown]
        return shown
    if isinstance(shown, tuple):
        return tuple(cleaned_repr(part, clean) for part in shown)
    if type(shown).__module__.startswith("_pytest._code"):
        for name, value in vars(shown).items():
            object.__setattr__(shown, name, cleaned_repr(value, clean))
    return shown


def last_entries(shown: Any) -> list[Any]:
    """The entry that pytest shows last, of the exception that was not caught."""
    chain = getattr(shown, "chain", None)
    tracebacks = [part[0] for part in chain] if chain else [shown.reprtraceback]
    return [entry for tb in tracebacks[-1:] for entry in tb.reprentries[-1:]]
