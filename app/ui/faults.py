"""Unexpected faults go to the log file and to the error bar; the program goes on."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QTimer, Signal

log = logging.getLogger("app")


class Faults(QObject):
    """Collects uncaught exceptions of all threads, once installed.

    Signals:
        raised: (one line for the user, traceback text), on the GUI thread.
    """

    raised = Signal(str, str)

    def __init__(self, log_file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._handler = _handler(log_file)
        self._before = sys.excepthook, threading.excepthook
        # a hook may run on a thread that Qt does not know, where no signal may be emitted: the GUI thread fetches
        self._timer = QTimer(self, interval=250)
        self._timer.timeout.connect(self._fetch)

    def install(self) -> None:
        """Take over the hooks of the interpreter until `remove`."""
        log.addHandler(self._handler)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        self._timer.start()

    def remove(self) -> None:
        """Give the hooks back and close the log file."""
        self._timer.stop()
        sys.excepthook, threading.excepthook = self._before
        log.removeHandler(self._handler)
        self._handler.close()

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None = None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._before[0](kind, error, trace)
            return
        log.error("unexpected fault", exc_info=(kind, error, trace))
        line = str(error).strip().splitlines()[0] if str(error).strip() else kind.__name__
        self._waiting.put((line, "".join(traceback.format_exception(kind, error, trace))))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _fetch(self) -> None:
        while not self._waiting.empty():
            self.raised.emit(*self._waiting.get())


def _handler(log_file: Path) -> logging.Handler:
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(log_file, maxBytes=1_000_000, backupCount=2, encoding="utf-8")
    except OSError:  # a disk that cannot be written is no reason not to start
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    return handler
