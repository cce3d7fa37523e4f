"""The running job at the right end of the status bar: count, rate, time left, pause and cancel."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from app.ui.background.jobs import Job, JobEnd, JobProgress, JobSource, clock_text
from app.ui.widgets import icons
from app.ui.widgets.basics import ElidedLabel, small_button


class JobLine(QWidget):
    """Shows the job that began last; when that ends, the one before it, or the result of the last one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []
        self._words = ElidedLabel()
        self._words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setFixedWidth(120)
        self.pause_button = small_button("pause", "pause this job")
        self.cancel_button = small_button("x", "cancel this job")
        self.pause_button.clicked.connect(self._toggle_pause)
        self.cancel_button.clicked.connect(self.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._words, 1)
        for widget in (self._progress, self.pause_button, self.cancel_button):
            row.addWidget(widget)
            widget.hide()

    def follow(self, source: JobSource) -> None:
        """Show the jobs that come from there."""
        source.began.connect(self._begin)
        source.advanced.connect(self._advance)
        source.ended.connect(self._end)

    def _begin(self, job: Job) -> None:
        self._jobs.append(job)
        self._words.set_whole("")
        self._progress.setRange(0, 0)
        self._show_buttons()

    def _advance(self, progress: JobProgress) -> None:
        progress.job.advance(progress.done, progress.total, progress.growing)
        if self._jobs and self._jobs[-1] is progress.job:
            self._show()

    def _end(self, end: JobEnd) -> None:
        job = end.job
        if job in self._jobs:
            self._jobs.remove(job)
        took = clock_text(time.monotonic() - job.clock.started)
        self._show_buttons()
        if self._jobs:
            self._show()
        else:
            self._words.set_whole(f"{end.outcome} · {took}" if end.outcome else "")

    def say(self, words: str) -> None:
        """Show what was done without a job."""
        if not self._jobs:
            self._words.set_whole(words)

    def cancel(self) -> None:
        """End the job on show."""
        if self._jobs:
            self._jobs[-1].cancel()

    def text(self) -> str:
        """The line, in full."""
        return self._words.whole()

    def _toggle_pause(self) -> None:
        job = self._jobs[-1] if self._jobs else None
        if job is not None and job.pause is not None:
            job.paused = not job.paused
            job.pause(job.paused)
            self._show()
            self._show_buttons()

    def _show(self) -> None:
        job = self._jobs[-1]
        self._words.set_whole(job.words())
        self._progress.setRange(0, max(job.total, 1))
        self._progress.setValue(job.done)

    def _show_buttons(self) -> None:
        job = self._jobs[-1] if self._jobs else None
        self._progress.setVisible(job is not None)
        self.cancel_button.setVisible(job is not None)
        self.pause_button.setVisible(job is not None and job.pause is not None)
        if job is not None:
            words = "continue with this job" if job.paused else "pause this job"
            self.pause_button.setIcon(icons.icon("play" if job.paused else "pause"))
            self.pause_button.setToolTip(words)
            self.pause_button.setAccessibleName(words)
