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


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def protect() -> None:
    """Handle both from now on. SIGTERM is left to an existing handler, and in worker processes to the system."""
    sys.excepthook = _on_exception
    # what a spawned process imports before it runs knows its name already, but not yet its parent
    begun_by_hand = multiprocessing.current_process().name == "MainProcess"
    ours = begun_by_hand and threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


protect()
