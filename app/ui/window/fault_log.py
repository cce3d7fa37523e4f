"""Unexpected faults go to the log and to the error bar; the program continues."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import traceback
from contextlib import ExitStack
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QTimer, QtMsgType, Signal, qInstallMessageHandler

from model.console.command import write_line
from model.console.fault_log import HOW_TO_REPORT, in_short, log_file, logged
from model.console.standard_error import keep_small
from model.system.errors import for_people
from model.system.plain_text import one_line

log = logging.getLogger("app")
_qt_log = logging.getLogger("qt")


class FaultLog(QObject):
    """Collects uncaught exceptions of all threads, once installed.

    Signals:
        raised: (a sentence for the person, details), on the GUI thread.
    """

    raised = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._log = ExitStack()
        self._before = sys.excepthook, threading.excepthook
        # a hook may run on a thread that Qt does not know, where signals cannot be emitted: the GUI thread fetches
        self._timer = QTimer(self, interval=250)
        self._timer.timeout.connect(self._fetch)

    def install(self) -> None:
        """Take over the hooks of the interpreter until `remove`."""
        self._log.enter_context(logged())
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        self._timer.start()

    def remove(self) -> None:
        """Restore the hooks and close the log."""
        self._timer.stop()
        sys.excepthook, threading.excepthook = self._before
        self._log.close()

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None = None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._before[0](kind, error, trace)
            return
        worded = for_people(error)
        if worded is not None:
            log.warning("%s", worded)
            self._waiting.put((str(worded), worded.details))
            return
        log.error("a defect", exc_info=(kind, error, trace))
        words = f"This is a defect of Marque ({in_short(error)}). You can continue working; {HOW_TO_REPORT}"
        self._waiting.put((words, _details(error, trace)))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _fetch(self) -> None:
        keep_small()
        while not self._waiting.empty():
            self.raised.emit(*self._waiting.get())


def log_qt_messages() -> None:
    """Send Qt's own messages to the log; a fatal one also to standard error."""
    qInstallMessageHandler(_on_qt_message)


def _on_qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    if kind == QtMsgType.QtFatalMsg:
        write_line(one_line(f"marque: the window cannot be shown: {message}"))
    _qt_log.warning("%s", message)


def _details(error: BaseException, trace: TracebackType | None) -> str:
    text = "".join(traceback.format_exception(type(error), error, trace))
    try:
        return f"{log_file()}\n{text}"
    except OSError:
        return text
