"""Log records without secrets, in whatever file or report they end up."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def cleaned(clean: Callable[[str], str]) -> Iterator[None]:
    """While it lasts, new log records are cleaned; one with nothing to hide is untouched."""
    before = logging.getLogRecordFactory()

    def make(*given: Any, **named: Any) -> logging.LogRecord:
        record = before(*given, **named)
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a wrong format is logging's to report, in its own way
            return record
        shown = clean(text)
        if shown != text:
            record.msg, record.args = shown, ()
        if record.exc_info and record.exc_info[0]:
            told = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            if clean(told) != told:
                record.exc_text = clean(told)
        return record

    logging.setLogRecordFactory(make)
    try:
        yield
    finally:
        if logging.getLogRecordFactory() is make:
            logging.setLogRecordFactory(before)
