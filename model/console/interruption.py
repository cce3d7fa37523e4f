"""Ctrl-C or SIGTERM while a command is being loaded: one word, no traceback. Later each command handles them itself."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from types import FrameType, TracebackType

_before = sys.excepthook


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _before(kind, error, trace)
    elif sys.stderr is not None:
        # the module for lines of JSON may not be loaded yet
        sys.stderr.write('{"event": "error", "text": "interrupted"}\n' if "--json" in sys.argv else "interrupted\n")


_came = threading.Event()


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Handle a signal: interrupt what runs.

    Python drops an exception that is raised within a finaliser or a callback of a library, and continues as if nothing
    had happened; so it is also noted here.

    Raises:
        KeyboardInterrupt: always.
    """
    _came.set()
    raise KeyboardInterrupt


def came() -> bool:
    """Whether a signal has come that no command has ended for yet."""
    return _came.is_set()


def interrupt_if_came() -> None:
    """Raises KeyboardInterrupt if a signal has come whose exception Python has dropped."""
    if came():
        raise KeyboardInterrupt


def forget() -> None:
    """The command has ended; the next one in this process starts afresh."""
    _came.clear()


def protect() -> None:
    """Handle both from now on. They are left to existing handlers, and in worker processes to the system."""
    sys.excepthook = _on_exception
    # what a spawned process imports before it runs knows its name already, but not yet its parent
    begun_by_hand = multiprocessing.current_process().name == "MainProcess"
    ours = begun_by_hand and threading.current_thread() is threading.main_thread()
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if ours and signal.getsignal(number) is usual:
            signal.signal(number, interrupt)


protect()
