"""Measures the model in use on the photos that the chosen training held out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.training import model_comparison
from app.ui.background.jobs import Job, JobSource
from app.ui.train.trainer_process import TrainerProcess
from model.contract.commands import ComparisonProgress, ComparisonReport, compare_command


class ComparisonJob(QObject):
    """One comparison at a time; results are remembered as long as the window is open.

    Signals:
        found: something was
        failed: (words, what the process printed)
        changed: one has begun or ended
    """

    found = Signal()
    failed = Signal(str, str)
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self._trainer = TrainerProcess(self)
        self._known: dict[tuple[Path, str], ComparisonReport] = {}
        self._key = (Path(), "")
        self._result: ComparisonReport | None = None
        self._job: Job | None = None
        self._trainer.printed.connect(self._on_line)
        self._trainer.ended.connect(self._on_end)
        self._trainer.changed.connect(self.changed)
        self.active = self._trainer.active

    def known(self, run: Path, fingerprint: str) -> ComparisonReport | None:
        """The result of a model on the photos that the run in this folder held out."""
        return self._known.get((run, fingerprint))

    def start(self, run: Path, model: Path, fingerprint: str) -> None:
        """Compare; does nothing while another comparison is running."""
        if self._trainer.active():
            return
        self._key, self._result = (run, fingerprint), None
        self._job = Job("comparing", self.cancel)
        self._trainer.start(compare_command(run, model))
        self.jobs.begin(self._job)

    def cancel(self) -> None:
        """Stop comparing."""
        self._trainer.cancel()
        self._end_job("the comparison was stopped")

    def _on_line(self, line: str) -> None:
        found = model_comparison.parsed(line)
        if isinstance(found, ComparisonProgress):
            if self._job is not None:
                self.jobs.advance(self._job, found.done, found.photos, False)
        elif found is not None:
            self._result = found

    def _on_end(self, errors: str) -> None:
        if self._result is None:
            self._end_job("the comparison failed")
            self.failed.emit("The model in use could not be measured on the photos of this training.", errors)
            return
        self._known[self._key] = self._result
        self._end_job(f"compared on {self._result.photos:,} photos")
        self.found.emit()

    def _end_job(self, words: str) -> None:
        job, self._job = self._job, None
        if job is not None:
            self.jobs.end(job, words)
