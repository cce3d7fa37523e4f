"""A command of the trainer in a process that ends with the window; its output comes line by line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from app.core.system import paths

_PATIENCE = 2000  # milliseconds for a process to end


class TrainerProcess(QObject):
    """One process at a time.

    Signals:
        printed: (line) on its standard output
        ended: (what it printed on standard error) by itself
        changed: one has begun or ended
    """

    printed = Signal(str)
    ended = Signal(str)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def active(self) -> bool:
        """Whether one is running."""
        return self._process is not None

    def start(self, arguments: Sequence[str]) -> None:
        """Run this interpreter with arguments; does nothing while another process is running."""
        if self._process is not None:
            return
        process = self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONIOENCODING", "utf-8")
        process.setProcessEnvironment(environment)
        # beside the packages `app` and `model`, so a checkout that is not installed finds them too
        process.setWorkingDirectory(str(paths.resources().parent))
        process.readyReadStandardOutput.connect(lambda: self._on_output(process))
        process.finished.connect(lambda *_: self._on_end(process))
        process.errorOccurred.connect(lambda error: self._on_error(process, error))
        process.start(sys.executable, list(arguments))
        self.changed.emit()

    def cancel(self) -> None:
        """End it; nothing more is reported."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()  # killed at once: it keeps nothing, and ending normally would take a while
            process.waitForFinished(_PATIENCE)
            process.deleteLater()
            self.changed.emit()

    def _on_output(self, process: QProcess) -> None:
        while process is self._process and process.canReadLine():
            self.printed.emit(bytes(process.readLine().data()).decode("utf-8", "replace").strip())

    def _on_end(self, process: QProcess) -> None:
        if process is not self._process:
            return
        self._on_output(process)
        self._process = None
        errors = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
        process.deleteLater()
        self.changed.emit()
        self.ended.emit(errors)

    def _on_error(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._on_end(process)
