"""Secrets that cannot be printed, and the redaction of everything that is shown."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from typing import NoReturn
from urllib.parse import quote, quote_plus

from pytest_edfi_cte.people import People

MASK = "[redacted]"


class Secret:
    """A string that shows itself only through :meth:`reveal`.

    ``str``, ``repr``, ``format`` and ``%`` give a mask; pickling is refused, so the value cannot
    leave the process by accident.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret itself. Call it only where it is put on the wire."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(…)" if self.__value else "Secret(empty)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: it would leave the process")


class Redactor:
    """Replaces every known secret, raw or encoded, in any text.

    Covers the forms in which a secret travels: raw, URL-encoded, base64 (also as the pair
    ``id:secret`` of HTTP Basic), JSON-escaped and HTML-escaped.
    """

    def __init__(self, people: People | None = None) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        #: Set where personal data is masked too (``--edfi-mask-people``).
        self.people = people

    def add(self, secret: Secret, *, client_id: str | None = None) -> None:
        """Make ``secret`` unprintable from now on; an empty one is ignored."""
        value = secret.reveal()
        if not value:
            return
        pairs = [value] + ([f"{client_id}:{value}"] if client_id is not None else [])
        forms = {value, quote(value), quote(value, safe=""), quote_plus(value)}
        forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        forms.add(escape(value))
        for pair in pairs:
            raw = pair.encode()
            for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
                forms |= {encoded.decode(), encoded.decode().rstrip("=")}
        self._forms |= forms
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """``text`` with every known secret masked, and personal data where that is asked for."""
        if self._pattern:
            text = self._pattern.sub(MASK, text)
        return self.people.clean(text) if self.people else text
