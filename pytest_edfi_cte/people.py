"""Personal data of students, masked where a report must not show any (``--edfi-mask-people``).

What a value is personal for is known by its property; once seen under one, it is masked wherever
it appears: in bodies, addresses, messages and logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

PERSON = "[person]"
#: Properties of the Ed-Fi model that tell who a student is.
PERSONAL = frozenset(
    {
        "studentUniqueId",
        "personId",
        "firstName",
        "middleName",
        "lastSurname",
        "maidenName",
        "preferredFirstName",
        "preferredLastSurname",
        "birthDate",
    }
)


@cache  # compiling it takes a third of the plugin's import, and most runs mask nobody
def _beside() -> re.Pattern[str]:
    """Personal as well, but words that mean something else elsewhere: masked beside their name."""
    return re.compile(
        r"""(["'](?:birthCity|personalTitlePrefix|generationCodeSuffix)["']\s*:\s*)"""
        r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    )


class People:
    """Learns personal values and masks them."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        #: How the numbers of fictional students begin: nobody is behind them, and they are many.
        self.fictional = ""

    @classmethod
    def of(cls, overrides: Mapping[str, str]) -> People:
        """Knows what ``--edfi-set`` says; the table's values are learned when it is read."""
        people = cls()
        people.learn({name.rpartition(".")[2]: text for name, text in overrides.items()})
        return people

    def learn(self, content: Any) -> None:
        """Take the personal values out of JSON: a record, a list of them, or a query's names."""
        if isinstance(content, Mapping):
            for name, value in content.items():
                if name in PERSONAL and isinstance(value, str | int) and value is not True:
                    self._add(str(value))
                elif name == "studentIdentificationCodes" and isinstance(value, list):
                    for entry in value:
                        self._add(str((entry or {}).get("identificationCode", "")))
                else:
                    self.learn(value)
        elif isinstance(content, list):
            for entry in content:
                self.learn(entry)

    def learn_text(self, body: str | None) -> None:
        """The same from a body; one that is no JSON holds nothing that is known by its name."""
        try:
            self.learn(json.loads(body or ""))
        except ValueError:
            return

    def clean(self, text: str) -> str:
        """``text`` with every personal value masked, where it stands as a word of its own."""
        if self._pattern is None and self._forms:
            longest_first = sorted(self._forms, key=len, reverse=True)
            either = "|".join(map(re.escape, longest_first))
            self._pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)")
        text = _beside().sub(rf'\1"{PERSON}"', text)
        return self._pattern.sub(PERSON, text) if self._pattern else text

    def _add(self, value: str) -> None:
        if not re.search(r"\w", value) or (self.fictional and value.startswith(self.fictional)):
            return
        forms = {value, quote(value), quote(value, safe=""), quote_plus(value)}
        forms |= {json.dumps(value)[1:-1]}
        if not forms <= self._forms:
            self._forms |= forms
            self._pattern = None
