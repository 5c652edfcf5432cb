"""``edfi-cte sandbox`` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

MAIN = [sys.executable, "-m", "pytest_edfi_cte.cli"]
LAST = "Ctrl-C stops it.\n"


class Command:
    """A running ``edfi-cte sandbox``; ``screen`` is what it printed until it was ready."""

    def __init__(self, *arguments, **variables):
        self.process = subprocess.Popen(
            [*MAIN, "sandbox", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line == LAST:
                break
        self.screen = "".join(lines)

    def said(self, name):
        """A value of the screen."""
        line = next(line for line in self.screen.splitlines() if line.startswith(f"  {name} "))
        return line.removeprefix(f"  {name}").strip()

    @property
    def url(self):
        return self.said("base URL")

    def end(self, number=signal.SIGTERM):
        """Send a signal and wait; (exit code, what it printed on stderr)."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors
