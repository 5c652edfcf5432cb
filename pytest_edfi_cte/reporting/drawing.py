"""The templates of the reports, compiled once per machine: that takes longer than a run's tests.

Jinja2 keeps what it compiled in its folder for the user, below the system's temporary one, which
nobody else can write to; it belongs to the template's text and the versions of Jinja2 and Python.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from pytest_edfi_cte import __version__

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Template


@cache
def template(name: str) -> Template:
    """A template of ours; it escapes what it shows, and a name that it is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - idle cost

    environment = Environment(
        loader=PackageLoader("pytest_edfi_cte.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        bytecode_cache=_kept(),
    )
    return environment.get_template(name)


def _kept() -> BytecodeCache | None:
    """Where compiled templates are kept; None where the machine has no safe place for them."""
    from jinja2 import FileSystemBytecodeCache  # noqa: PLC0415 - idle cost
    from jinja2.bccache import Bucket  # noqa: PLC0415 - idle cost

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):  # a disk that is full: compiled again next time
                super().dump_bytecode(bucket)

    try:
        return Kept(pattern=f"pytest-edfi-cte-{__version__}-%s.cache")
    except (OSError, RuntimeError):
        return None
