"""``edfi-cte sandbox`` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

MAIN = [sys.executable, "-c", "from pytest_edfi_cte.cli import main; raise SystemExit(main())"]
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
        lines = list(iter(self.process.stdout.readline, LAST)) if not self.failed() else []
        self.screen = "".join(lines)

    def failed(self):
        """Whether it ended without being ready; reads no further than the first character."""
        self.first = self.process.stdout.read(1)
        return not self.first

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
