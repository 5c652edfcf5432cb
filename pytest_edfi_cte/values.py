"""The values of options: a text becomes a value, or a ValueError says what was expected."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

SANDBOX = "sandbox"
SECRET_VARIABLE = "EDFI_CLIENT_SECRET"  # noqa: S105 - the name of a variable, not its value


def url(text: str) -> str:
    """A base URL, or the word for the embedded API."""
    if text == SANDBOX:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"{text!r} is not the base URL of an Ed-Fi API; expected https://host/path, "
            f"or the word {SANDBOX!r} for the embedded one"
        )
    if parts.username or parts.password:
        raise ValueError(
            "credentials do not belong in the URL, it is printed; "
            f"use --edfi-client-id and {SECRET_VARIABLE}"
        )
    if parts.query or parts.fragment:
        raise ValueError(f"{text!r} has a query or fragment; give the base URL alone")
    return text


def positive(text: str) -> float:
    """Seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{text!r} is not a number of seconds above 0")
    return value


def count(text: str) -> int:
    """A whole number from 0 to 999."""
    if not re.fullmatch(r"\d{1,3}", text):
        raise ValueError(f"{text!r} is not a whole number from 0 to 999")
    return int(text)


def seed(text: str) -> int:
    """A whole number of at most 18 digits."""
    if not re.fullmatch(r"\d{1,18}", text):
        raise ValueError(f"{text!r} is not a whole number of at most 18 digits")
    return int(text)


def boolean(text: str) -> bool:
    """Yes or no, in the words of an environment variable."""
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False, "": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither true nor false")
    return words[text.lower()]


def namespace(text: str) -> str:
    """A descriptor namespace."""
    if not re.fullmatch(r"uri://[^/#\s]+", text):
        raise ValueError(f"{text!r} is not a descriptor namespace such as uri://ed-fi.org")
    return text
