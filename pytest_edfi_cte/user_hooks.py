"""The hooks that users implement, as the rest of the kit calls them.

A hook that nobody implements is None: it is looked up once in a run, and no call is made. What an
implementation raises is the hook's, and neither the API's failure nor ours.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.errors import EdFiError, HookFailed

if TYPE_CHECKING:
    import pytest
    from pluggy import HookCaller

FRAMES = 3  # of a traceback


class UserHooks:
    """The hooks of a run. Each attribute is a function of the hook's arguments by name, or None.

    They are looked up at their first use: a ``conftest.py`` below the root is read while pytest
    collects.
    """

    def __init__(self, config: pytest.Config | None = None) -> None:
        self._config = config

    def _call(self, name: str) -> Call | None:
        if self._config is None:
            return None
        caller = getattr(self._config.hook, f"pytest_edfi_{name}")
        return Call(caller) if caller.get_hookimpls() else None

    @cached_property
    def payload(self) -> Call | None:
        """Changes a record before it is sent."""
        return self._call("payload")

    @cached_property
    def session(self) -> Call | None:
        """Customises a session, once made."""
        return self._call("session")

    @cached_property
    def before_request(self) -> Call | None:
        """Sees every request before it is sent."""
        return self._call("before_request")

    @cached_property
    def after_response(self) -> Call | None:
        """Sees every answer as it was recorded."""
        return self._call("after_response")

    @cached_property
    def report_row(self) -> Call | None:
        """Remarks about a check."""
        return self._call("report_row")

    @cached_property
    def report_summary(self) -> Call | None:
        """Remarks about the run."""
        return self._call("report_summary")


#: Of a run without pytest: commands have no hooks.
NO_HOOKS = UserHooks()


class Call:
    """A hook that somebody implements, called with its arguments by name."""

    def __init__(self, caller: HookCaller) -> None:
        self._caller = caller

    def __call__(self, **given: Any) -> list[Any]:
        """What the implementations answer; raises :class:`HookFailed` for what they raise."""
        try:
            answers: list[Any] = self._caller(**given)
        except EdFiError:
            raise  # a verdict that the implementation means
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the hook's
            failed = self._raised(error)
        else:
            return answers
        raise failed  # outside of the except block: the text has said it all

    def wrong(self, what: str, place: str = "", more: str = "") -> HookFailed:
        """The error for an implementation that did something that it may not."""
        return HookFailed(
            f"the hook {self._caller.name} {what}\n  It is in {place or ', '.join(self._files())}. "
            f"This says nothing about the judged API; put the hook right.{more}"
        )

    def texts(self, **given: Any) -> tuple[list[str], str]:
        """What the implementations say, each a text or several, and how they failed, if so."""
        found: list[str] = []
        try:
            for answer in self(**given):
                each = [answer] if isinstance(answer, str) else answer
                if not isinstance(each, Iterable) or not all(isinstance(t, str) for t in each):
                    raise self.wrong(f"gave {answer!r}; a text or several are expected")
                found += each
        except EdFiError as error:
            return found, str(error)
        return found, ""

    def _codes(self) -> list[Any]:
        functions = [impl.function for impl in self._caller.get_hookimpls()]
        return [f.__code__ for f in functions if hasattr(f, "__code__")]

    def _files(self) -> list[str]:
        return list(dict.fromkeys(code.co_filename for code in self._codes()))

    def _raised(self, error: Exception) -> HookFailed:
        frames = list(traceback.walk_tb(error.__traceback__))
        codes = self._codes()
        start = next((n for n, (frame, _) in enumerate(frames) if frame.f_code in codes), None)
        place = ""
        if start is not None:
            place = f"{frames[start][0].f_code.co_filename}, line {frames[start][1]}"
        inner = traceback.extract_tb(error.__traceback__)[start or 0 :][-FRAMES:]
        lines = "".join(traceback.format_list(inner)).rstrip()
        said = traceback.format_exception_only(error)[-1].strip()
        return self.wrong(f"raised {said}", place, f"\n{lines}")
