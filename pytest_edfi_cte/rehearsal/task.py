"""What the product is given for one step, in Python, in the environment and on stdin."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
#: Collection -> its records.
Records = Mapping[str, Sequence[Json]]


@dataclass(frozen=True)
class Task:
    """One step for the product.

    ``step``: create, update, batch, errors or recover. ``url``, ``client_id`` and
    ``client_secret``: of the API to talk to. ``school_year``: the year it ends in. ``records``:
    what must be in the API afterwards, by collection, as JSON records. ``rows``: the same as a
    school would type it, one flat object per student with code values for descriptors;
    ``csv`` and ``json`` are files with these rows.
    """

    step: str
    title: str
    instructions: str
    url: str
    client_id: str
    client_secret: str = field(repr=False)
    school_year: int
    records: Records
    rows: Sequence[Json]
    csv: Path
    json: Path

    @property
    def variables(self) -> dict[str, str]:
        """What a command finds in its environment beside ours."""
        return {
            "EDFI_REHEARSAL": "1",
            "EDFI_STEP": self.step,
            "EDFI_URL": self.url,
            "EDFI_CLIENT_ID": self.client_id,
            "EDFI_CLIENT_SECRET": self.client_secret,
            "EDFI_SCHOOL_YEAR": str(self.school_year),
            "EDFI_STUDENTS_CSV": str(self.csv),
            "EDFI_STUDENTS_JSON": str(self.json),
        }

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command."""
        return {**os.environ, **self.variables}

    @property
    def stdin(self) -> str:
        """What a command reads on stdin: all of it as one JSON object."""
        return json.dumps(
            {
                "step": self.step,
                "url": self.url,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "school_year": self.school_year,
                "records": self.records,
                "rows": self.rows,
                "csv": str(self.csv),
                "json": str(self.json),
            }
        )
