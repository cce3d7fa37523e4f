"""The program's log, `marque.log` in the user's data folder: defects with their traceback, warnings of libraries."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from model.system.plain_text import one_line
from model.system.user_folders import user_data_dir

LOG = "marque.log"
HOW_TO_REPORT = "please report it with what this prints: marque doctor --report"
_LARGEST = 1_000_000  # bytes
_OLDER = 2  # files


class _Plain(logging.Formatter):
    """One line for each message, frame or exception: no name in it can look like a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        # logging keeps the traceback as the first handler has written it
        before, record.exc_text = record.exc_text, None
        try:
            return super().format(record)
        finally:
            record.exc_text = before

    def formatException(self, ei: tuple) -> str:  # noqa: N802
        lines: list[str] = []
        error: traceback.TracebackException | None = traceback.TracebackException(*ei)
        while error is not None:
            above = [one_line(line.removesuffix("\n")) for line in error.format_exception_only()]
            for frame in reversed(error.stack):
                above.insert(0, f"    {one_line(frame.line or '')}")
                above.insert(0, f'  File "{one_line(frame.filename)}", line {frame.lineno}, in {one_line(frame.name)}')
            lines[:0] = ["Traceback (most recent call last):", *above]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = one_line(record.message)
        return super().formatMessage(record)


def log_file() -> Path:
    """Where the log is. Raises FileError if it has no folder."""
    return user_data_dir() / LOG


class _File(RotatingFileHandler):
    """The log, whose size is bounded."""


class _Nowhere(logging.NullHandler):
    """Used if the data folder cannot be written; the program starts anyway."""


_OURS = (_File, _Nowhere)


def _handler() -> logging.Handler:
    try:
        place = log_file()
        with place.open("ab"):
            pass
        handler: logging.Handler = _File(
            place, maxBytes=_LARGEST, backupCount=_OLDER, encoding="utf-8", errors="backslashreplace", delay=True
        )
    except OSError:
        handler = _Nowhere()
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    return handler


@contextmanager
def logged() -> Iterator[None]:
    """Within, everything from Python's logging and `warnings` goes to the log, and nothing to a terminal.

    If it does already, nothing changes.
    """
    root = logging.getLogger()
    if any(isinstance(one, _OURS) for one in root.handlers):
        yield
        return
    handler = _handler()
    root.addHandler(handler)
    logging.captureWarnings(True)
    raises, logging.raiseExceptions = logging.raiseExceptions, False  # a full disk is reported elsewhere
    try:
        yield
    finally:
        logging.captureWarnings(False)
        logging.raiseExceptions = raises
        root.removeHandler(handler)
        handler.close()


def defect_words(error: BaseException) -> str:
    """The sentence about a defect that was logged."""
    try:
        place = f"the log is {log_file()}"
    except OSError:
        place = "there is no log, as your data folder cannot be written"
    return f"this is a defect of Marque ({in_short(error)}); {place}; {HOW_TO_REPORT}"


def in_short(error: BaseException) -> str:
    """Kind and first line of an error."""
    first = next(iter(str(error).strip().splitlines()), "")
    name = type(error).__name__
    return one_line(f"{name}: {first[:200]}" if first else name)
