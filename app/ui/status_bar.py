"""The bottom line of the window: identification model, gallery, provider in use, and the job that runs."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from app.ui.inference import Loaded
from app.ui.widgets import ElidedLabel, IconLabel, label, small_button

_RATE_SECONDS = 10.0


class JobClock:
    """Count, rate and time left of a job; the rate is that of the last ten seconds."""

    def __init__(self, now: float) -> None:
        self._marks: list[tuple[float, int]] = [(now, 0)]
        self.started = now

    def advance(self, now: float, done: int) -> None:
        """Note that `done` items are finished at `now` (seconds)."""
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] > _RATE_SECONDS:
            del self._marks[0]

    @property
    def rate(self) -> float:
        """Items a second, 0 as long as nothing is known."""
        (first, before), (last, after) = self._marks[0], self._marks[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def seconds_left(self, total: int) -> float | None:
        """Estimate for the rest, None as long as nothing is known."""
        return (total - self._marks[-1][1]) / self.rate if self.rate > 0 else None


def clock_text(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class StatusBar(QFrame):
    """Facts on the left, the running job on the right.

    Signals:
        cancelled: the user wants the job to end.
    """

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.setFixedHeight(32)
        self._model = ElidedLabel("no identification model")
        self._model.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._gallery = label()
        self._chip = IconLabel("cpu", "muted", 14)
        self._provider = label()
        self._job = ElidedLabel()
        self._job.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setFixedWidth(120)
        self._cancel = small_button("x", "cancel this job")
        self._cancel.clicked.connect(self.cancelled)
        self._clock: JobClock | None = None

        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self._model)
        self._dots = [label("·"), label("·")]
        for widget in (self._dots[0], self._gallery, self._dots[1], self._chip, self._provider):
            row.addWidget(widget)
            widget.hide()
        row.addWidget(self._job, 1)
        row.addWidget(self._progress)
        row.addWidget(self._cancel)
        self._progress.hide()
        self._cancel.hide()

    def show_loading(self, name: str) -> None:
        """Say which identification model is being loaded."""
        self._set_model(f"loading {name}")

    def show_no_model(self) -> None:
        """Say that there is none."""
        self._set_model("no identification model")

    def show_loaded(self, loaded: Loaded) -> None:
        """Say what is in use and where it runs."""
        self._set_model(loaded.info.name)
        self._gallery.setText(f"gallery {loaded.gallery_size:,}")
        self._gallery.setToolTip(loaded.gallery_problem or "reference photos to compare with")
        provider = loaded.provider
        on_cpu = provider.used == "CPU"
        self._chip.set_icon("cpu" if on_cpu else "zap", "muted" if on_cpu else "ok")
        # the whole reason may be a paragraph (missing libraries): the tooltip has it
        short = provider.reason if len(provider.reason) <= 40 else "reason in tooltip"
        self._provider.setText(f"{provider.name} ({short})" if on_cpu else provider.name)
        self._provider.setToolTip(
            f"{provider.reason}\nvariant of the model: {provider.variant}\navailable: {', '.join(provider.available)}"
        )
        for widget in (*self._dots, self._gallery, self._chip, self._provider):
            widget.show()

    def begin_job(self) -> None:
        """Start counting a job."""
        self._clock = JobClock(time.monotonic())
        self._progress.setRange(0, 0)
        self._progress.show()
        self._cancel.show()

    def show_job(self, verb: str, done: int, total: int, *, growing: bool) -> None:
        """How far the job is; `growing` says that `total` is not final, so no time left is given."""
        if self._clock is None:
            return
        self._clock.advance(time.monotonic(), done)
        parts = [f"{verb} {done:,} / {total:,}{' or more' if growing else ''}"]
        if self._clock.rate > 0:
            parts.append(f"{self._clock.rate:,.1f} a second")
        left = self._clock.seconds_left(total)
        if left is not None and not growing:
            parts.append(f"{clock_text(left)} left")
        self._set_job(" · ".join(parts))
        self._progress.setRange(0, max(total, 1))
        self._progress.setValue(done)

    def end_job(self, outcome: str) -> None:
        """Say what the finished job did."""
        took = "" if self._clock is None else f" · {clock_text(time.monotonic() - self._clock.started)}"
        self._clock = None
        self._progress.hide()
        self._cancel.hide()
        self._set_job(outcome + took if outcome else "")

    def job_text(self) -> str:
        """The job's line, in full."""
        return self._job.whole()

    def provider_text(self) -> str:
        """The provider badge's words."""
        return self._provider.text()

    def facts(self) -> tuple[str, str]:
        """The words for identification model and gallery."""
        return self._model.whole(), self._gallery.text()

    def _set_model(self, text: str) -> None:
        self._model.set_whole(text)
        self._model.ensurePolished()
        self._model.setFixedWidth(min(220, self._model.fontMetrics().horizontalAdvance(text) + 4))

    def _set_job(self, text: str) -> None:
        self._job.set_whole(text)
