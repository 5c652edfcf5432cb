"""All the figures in one table: ``python benchmarks/run.py``, or ``… run.py start per_record``.

Needs the extra ``[dev]``. With ``--rounds N`` each figure is the median of N (default 5). Exit
code 1 where a target is not met: then a profile says where the time of that line goes, and
``benchmarks/PROFILE.md`` what of it can be helped.
"""

from __future__ import annotations

import argparse
import importlib
import sys

#: One module for each line of the table, in its order.
LINES = ("idle", "start", "per_record", "growth", "width", "load", "progress")


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", nargs="*", metavar="LINE", help=", ".join(LINES))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    unknown = set(given.lines) - set(LINES)
    if unknown:
        parser.error(f"no such line: {', '.join(sorted(unknown))}; there are {', '.join(LINES)}")
    print("| what | measured | target | |\n| --- | --- | --- | --- |", flush=True)
    missed = []
    for name in given.lines or LINES:
        for line in importlib.import_module(name).measure(given.rounds):
            print(line, flush=True)
            missed += [line] if line.met is False else []
    for line in missed:
        print(f"\nNot met: {line.what}. Its CPU, by cProfile: {line.where or 'not known'}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
