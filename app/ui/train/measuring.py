"""Measures how fast this computer trains a network, in a process that ends with the window."""

from __future__ import annotations

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from app.core import paces

_PATIENCE = 2000  # milliseconds for a process that was asked to end


class Measuring(QObject):
    """One measurement at a time.

    Signals:
        measured: (Pace)
        failed: (words, what the process printed)
        changed: one has begun or ended
    """

    measured = Signal(object)
    failed = Signal(str, str)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def active(self) -> bool:
        """Whether one is under way."""
        return self._process is not None

    def start(self, backbone: str, size: int) -> None:
        """Measure; does nothing while another measurement is under way."""
        if self._process is not None:
            return
        process = self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONIOENCODING", "utf-8")
        process.setProcessEnvironment(environment)
        process.setWorkingDirectory(str(paces.folder()))
        process.finished.connect(lambda *_: self._on_end(process))
        process.errorOccurred.connect(lambda error: self._on_error(process, error))
        program, *arguments = paces.command(backbone, size)
        process.start(program, arguments)
        self.changed.emit()

    def cancel(self) -> None:
        """End it; nothing is told of it."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()  # it keeps nothing, and the trainer would take its time
            process.waitForFinished(_PATIENCE)
            process.deleteLater()
            self.changed.emit()

    def _on_end(self, process: QProcess) -> None:
        if process is not self._process:
            return
        self._process = None
        printed = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        pace = paces.told(printed)
        process.deleteLater()
        self.changed.emit()
        if pace is not None:
            self.measured.emit(pace)
        else:
            errors = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
            self.failed.emit("The pace could not be measured; the training tells it after its first steps.", errors)

    def _on_error(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._on_end(process)
