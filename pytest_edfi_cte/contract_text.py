"""A text file of the contract as data: YAML, the line where a value stands, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any


class ContractError(Exception):
    """A file of the contract is broken; the text names file, line and what is wrong."""

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        place = f"{file}, line {line}" if line else file
        super().__init__(f"contract file {place}: {problem}")


def parsed(file: str, text: str) -> tuple[Any, Any]:
    """What a YAML text says, and its :func:`line_finder`; :class:`ContractError` for no YAML."""
    import yaml  # noqa: PLC0415 - idle cost

    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # nine times as fast, where it was built
    try:
        return yaml.load(text, Loader=_loader(fast)), line_finder(text)  # noqa: S506 - safe
    except yaml.YAMLError:
        pass  # told by the loader in Python, in the same words everywhere
    try:
        safe = _loader(yaml.SafeLoader)
        return yaml.load(text, Loader=safe), line_finder(text)  # noqa: S506 - as above
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ContractError(file, line, f"not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ContractError(file, None, f"not YAML: {error}") from None


@cache
def _loader(base: Any) -> Any:
    """A safe loader whose dates are texts, as in JSON: 2026-02-30 is told like any wrong value."""
    known = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
        for first, found in base.yaml_implicit_resolvers.items()
    }
    return type("Loader", (base,), {"yaml_implicit_resolvers": known})


def require_none(errors: Iterable[Any], file: str, lines: Any) -> None:
    """Raise :class:`ContractError` for the first of a validator's errors, where there is one."""
    error = _first(errors)
    if error is not None:
        where = list(error.absolute_path)
        said = f"{_label(where)}{error.message}{_nearest_word(error)}"
        raise ContractError(file, lines([*where, *_unknown(error)]), said)


def nearest(word: object, known: Iterable[str], alike: float = 0.6) -> str:
    """``; did you mean 'title'?``, or nothing where no known word is like it.

    ``alike``: how much, between 0 and 1; by default as difflib has it.
    """
    import difflib  # noqa: PLC0415 - only where something is wrong

    close = difflib.get_close_matches(str(word), list(known), 1, alike)
    return f"; did you mean {close[0]!r}?" if close else ""


def line_finder(text: str) -> Any:
    """A function from a path in a YAML or JSON text to the line of that name, or element."""
    import yaml  # noqa: PLC0415 - idle cost

    def line(path: list[str | int]) -> int:
        node = place = yaml.compose(text, Loader=yaml.SafeLoader)
        for part in path:
            if isinstance(node, yaml.MappingNode):
                here = ((k, v) for k, v in node.value if k.value == str(part))
                place, node = next(here, (place, node))
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                place = node = node.value[part]
        return int(place.start_mark.line) + 1 if place is not None else 1

    return line


def _nearest_word(error: Any) -> str:
    """For a word that the format does not know: the nearest one that it does."""
    if error.validator == "enum":
        return nearest(error.instance, map(str, error.validator_value))
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        return "".join(nearest(name, known) for name in _unknown(error))
    return ""


def _unknown(error: Any) -> list[str]:
    """The first name that an object may not have, where that is the error."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    strange = (str(n) for n in error.instance if n not in known)
    return [n for n in strange if not any(re.search(p, n) for p in patterns)][:1]


def _first(errors: Iterable[Any]) -> Any:
    def order(error: Any) -> tuple[list[str], bool]:
        # A misspelt name explains a missing one.
        return [str(p) for p in error.absolute_path], error.validator != "additionalProperties"

    return next(iter(sorted(errors, key=order)), None)


def _label(path: list[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.lstrip('.')}: " if text else ""
