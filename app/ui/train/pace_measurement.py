"""Measures how fast this computer trains a network."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.core.training import paces
from app.ui.train.trainer_process import TrainerProcess
from model.contract.commands import PaceReport, pace_command


class PaceMeasurement(QObject):
    """One measurement at a time.

    Signals:
        measured: (PaceReport)
        failed: (words, what the process printed)
        changed: one has begun or ended
    """

    measured = Signal(PaceReport)
    failed = Signal(str, str)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._trainer = TrainerProcess(self)
        self._pace: PaceReport | None = None
        self._trainer.printed.connect(self._on_line)
        self._trainer.ended.connect(self._on_end)
        self._trainer.changed.connect(self.changed)
        self.active, self.cancel = self._trainer.active, self._trainer.cancel

    def start(self, backbone: str, size: int) -> None:
        """Measure; does nothing while another measurement is running."""
        self._pace = None
        self._trainer.start(pace_command(backbone, size))

    def _on_line(self, line: str) -> None:
        self._pace = paces.parsed(line) or self._pace

    def _on_end(self, errors: str) -> None:
        if self._pace is not None:
            self.measured.emit(self._pace)
        else:
            self.failed.emit("The pace could not be measured; the training shows it after its first steps.", errors)
