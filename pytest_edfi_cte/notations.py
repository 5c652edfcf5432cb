"""How school years, durations, commands of the product and pairs are written in options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from datetime import date

#: Students of one seed: their numbers have eight digits.
MOST_STUDENTS = 99_999_999
STEPS = ("create", "update")
#: Every step of a scenario: a product has something to do in each.
ACTS = (*STEPS, "upsert", "delete", "absent")
EARLIEST_YEAR, LATEST_YEAR = 1990, 2100
#: The month in which a school year starts (July 1 to June 30, named by the year it ends in).
SCHOOL_YEAR_STARTS = 7
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_URI = r"uri://[^/#\s]+(?:/[^/#\s]+)*/(\w+)#.+"


def choice(*words: str) -> Callable[[str], str]:
    """A parser that takes one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text

    return parse


def duration(text: str) -> float:
    """``90``, ``90s``, ``15m`` or ``1h`` in seconds; ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smh]?)", text)
    if not found:
        raise ValueError(f"{text!r} is not a duration; write 90, 90s, 15m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def act(text: str) -> tuple[str, tuple[str, ...]]:
    """``create=./sync.sh create`` as step and words of the command; no shell reads it."""
    step, equals, command = text.partition("=")
    step = step.strip()
    if not equals or step not in ACTS:
        raise ValueError(
            f"{text!r} is not STEP=COMMAND with a step of {', '.join(ACTS)}, "
            "e.g. create=./sync.sh create"
        )
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"{text!r}: {str(error).lower()}") from None
    if not words:
        raise ValueError(f"{text!r} names no command")
    return step, words


def descriptor_pair(text: str) -> tuple[str, str]:
    """``uri://state/XDescriptor#A=uri://ed-fi.org/XDescriptor#B``: what is stored = the table's."""
    stored, equals, wanted = text.strip().partition("=uri://")
    return checked_pair(stored, f"uri://{wanted}" if equals else "")


def checked_pair(stored: str, wanted: str) -> tuple[str, str]:
    """Both as given; ValueError unless they are URIs of values of one descriptor."""
    names = []
    for uri in (stored, wanted):
        found = re.fullmatch(_URI, uri)
        if not found:
            raise ValueError(
                f"{uri!r} is not a descriptor value; expected the stored value and the table's: "
                "uri://state.example/NameDescriptor#A=uri://ed-fi.org/NameDescriptor#B"
            )
        names.append(found[1])
    if names[0] != names[1]:
        raise ValueError(f"{stored} and {wanted} are values of different descriptors")
    return stored, wanted


def school_year(text: str) -> int:
    """The year a school year ends in; ValueError for anything else."""
    span = re.fullmatch(r"(\d{4})\s*[-/]\s*(\d{2}|\d{4})", text)
    if span:
        ends = int(span[1]) + 1
        raise ValueError(f"{text!r}: a school year is named by the year it ends in, e.g. {ends}")
    if not re.fullmatch(r"\d{4}", text) or not EARLIEST_YEAR <= int(text) <= LATEST_YEAR:
        raise ValueError(f"{text!r} is not a school year; expected the year it ends in, e.g. 2027")
    return int(text)


def current_school_year(today: date | None = None) -> int:
    """The school year of a day, by default today, named by the year it ends in."""
    day = today or date.today()  # noqa: DTZ011 - the school's calendar day, not an instant
    return day.year + (day.month >= SCHOOL_YEAR_STARTS)


def students(text: str) -> tuple[int, int]:
    """``1000`` (students 1 to 1000) or ``501-1000``: the first and the last student's number."""
    found = re.fullmatch(r"(?:(\d{1,8})-)?(\d{1,8})", text)
    first, last = (int(found[1] or 1), int(found[2])) if found else (0, 0)
    if not 1 <= first <= last <= MOST_STUDENTS:
        raise ValueError(
            f"{text!r} is not a number of students; write 1000, or 501-1000 for those alone "
            f"(1 to {MOST_STUDENTS})"
        )
    return first, last


def listed(text: str) -> tuple[str, str]:
    """One of several values, as the option's readers merge them; ValueError for nothing."""
    if not text.strip():
        raise ValueError("the value is empty")
    return text.strip(), text.strip()


def assignment(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` as name and value; ValueError for anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{text!r} is not NAME=VALUE, e.g. studentUniqueId=604822")
    return name.strip(), value
