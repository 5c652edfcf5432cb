"""Values as a table writes them, against the property's own schema in the API's model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from pytest_edfi_cte.properties import kind_of
from pytest_edfi_cte.quick_validator import thorough

Json = dict[str, Any]
#: A year that has every day, so that only days which no year has are refused.
LEAP_YEAR = 2024
_MONTH_DAY = re.compile(r"(\d{1,2})/(\d{1,2})")


def refused(fact: Json, value: Any) -> str | None:
    """Why the API's model does not allow a value at a property; None where it does.

    ``value`` may be a month and day, or a descriptor's code value. What is made (``{from: …}``,
    ``{faker: …}``, ``{school_year: …}``) is not known yet and passes.
    """
    if isinstance(value, Mapping):
        return None
    kind = kind_of(fact)
    if kind == "date" and isinstance(value, str):
        return _no_day(value)
    if kind == "descriptor" and isinstance(value, str) and not value.startswith("uri://"):
        return None
    for error in thorough(fact).iter_errors(value):
        if error.validator in ("maxLength", "minLength"):
            bound = "at most" if error.validator == "maxLength" else "at least"
            length = f"{len(value)} characters, and the API's model allows {bound}"
            return f"{value!r} has {length} {error.validator_value}"
        return f"{error.message} (so says the API's model)"
    return None


def _no_day(text: str) -> str | None:
    found = _MONTH_DAY.fullmatch(text)
    try:
        if found:
            date(LEAP_YEAR, int(found[1]), int(found[2]))
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            date.fromisoformat(text)
        else:
            return f"{text!r} is no date; write 8/23 (month/day) or 2026-08-23"
    except ValueError:
        return f"{text} is no day"
    return None
