"""Where the CPU time of a run goes: its own time by package, as cProfile counts it.

cProfile makes small functions look dearer than they are; the order is what to read.
"""

from __future__ import annotations

import pstats
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from measuring import cpu

#: What a path has in it -> whose time that is. The first that fits.
OWNERS = {
    "pytest_edfi_cte": "pytest-edfi-cte",
    "<frozen importlib": "imports",
    "_pytest": "pytest",
    "pluggy": "pytest",
    "faker": "Faker",
    "yaml": "PyYAML",
    "jinja2": "Jinja2",
    "fastjsonschema": "fastjsonschema",
    "pytest_html": "pytest-html",
    "requests": "requests",
    "urllib3": "http",
    "http/": "http",
    "socket": "http",
    "email": "http",
    "json": "json",
    "re/": "re",
}
#: Packages that are told; the others are "the rest".
MOST = 8


def shares(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> str:
    """``pytest-edfi-cte 24 %, http 20 %, …`` of a command that begins ``python -m pytest``."""
    file = folder / "profile"
    python, *rest = command
    cpu([python, "-m", "cProfile", "-o", str(file), *rest], folder, variables)
    spent: Counter[str] = Counter()
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]  # not in the stubs
    for (path, _, _), (_, _, own, _, callers) in stats.items():
        if path != "~":
            spent[_owner(path)] += own
            continue
        for (caller, _, _), (_, _, its, _) in callers.items():  # built in: its caller's
            spent[_owner(caller)] += its
    whole = sum(spent.values())
    return ", ".join(f"{whose} {own / whole:.0%}" for whose, own in spent.most_common(MOST))


def _owner(path: str) -> str:
    return next((whose for part, whose in OWNERS.items() if part in path), "the rest")
