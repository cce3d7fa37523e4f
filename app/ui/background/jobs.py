"""Long work as the window shows it: count, rate and time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

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
        """Items per second, 0 while unknown."""
        (first, before), (last, after) = self._marks[0], self._marks[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def seconds_left(self, total: int) -> float | None:
        """Estimate for the rest, None while unknown."""
        return (total - self._marks[-1][1]) / self.rate if self.rate > 0 else None


def clock_text(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass(eq=False)
class Job:
    """Something that takes a while.

    Attributes:
        verb: what is going on ("identifying").
        cancel: called when the person wants it to end.
        pause: called with True to pause and False to continue; None if it cannot pause. counted: whether it consists of
        items that can be counted.
    """

    verb: str
    cancel: Callable[[], None]
    pause: Callable[[bool], None] | None = None
    counted: bool = True
    paused: bool = False
    clock: JobClock = field(default_factory=lambda: JobClock(time.monotonic()))
    done: int = 0
    total: int = 0
    growing: bool = True

    def advance(self, done: int, total: int, growing: bool) -> None:
        """The progress so far; `growing` says that `total` is not final, so no time left is given."""
        self.done, self.total, self.growing = done, total, growing
        self.clock.advance(time.monotonic(), done)

    def words(self) -> str:
        """Everything in one line."""
        if not self.counted:
            return self.verb
        parts = [f"{'paused' if self.paused else self.verb} {self.done:,} / {self.total:,}"]
        parts[0] += " or more" if self.growing else ""
        if self.clock.rate > 0 and not self.paused:
            parts.append(f"{self.clock.rate:,.1f} per second")
        left = self.clock.seconds_left(self.total)
        if left is not None and not self.growing and not self.paused:
            parts.append(f"{clock_text(left)} left")
        return " · ".join(parts)


@dataclass(frozen=True)
class JobProgress:
    """The progress of a job; `growing` says that `total` is not final."""

    job: Job
    done: int
    total: int
    growing: bool


@dataclass(frozen=True)
class JobEnd:
    """A job has ended; `outcome` says what it did, or is empty."""

    job: Job
    outcome: str


class JobSource(QObject):
    """The source of jobs: long work begins them here, and the window shows them. For any thread.

    Signals:
        began: (Job)
        advanced: (JobProgress)
        ended: (JobEnd)
    """

    began = Signal(Job)
    advanced = Signal(JobProgress)
    ended = Signal(JobEnd)

    def begin(self, job: Job) -> None:
        """A job is under way from now on."""
        self.began.emit(job)

    def advance(self, job: Job, done: int, total: int, growing: bool) -> None:
        """Its progress; `growing`: more may be found, so `total` is not final."""
        self.advanced.emit(JobProgress(job, done, total, growing))

    def end(self, job: Job, outcome: str) -> None:
        """It has ended; `outcome`: what it did, for the status bar."""
        self.ended.emit(JobEnd(job, outcome))
