"""Work that needs a project for itself waits for other programs, as a job that can be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.project.project_lock import ProjectBusyError, only_writer
from app.ui.background.jobs import Job, JobSource

PROGRAM = "the window of Marque"
"""The name of the window in the messages of other programs."""

_PAUSE = 0.1  # seconds between two attempts


class ProjectWaits:
    """Waits on worker threads.

    Attributes:
        jobs: where each wait is shown.
    """

    def __init__(self, jobs: JobSource) -> None:
        self.jobs = jobs
        self._stopping = False

    def stop(self) -> None:
        """Stop all waits."""
        self.jobs.blockSignals(True)
        self._stopping = True

    @contextmanager
    def alone(self, project: Path) -> Iterator[None]:
        """Hold the lock of a project within the block; on a worker thread, which waits until the lock is free.

        Raises:
            ProjectBusyError: if the person does not want to wait any longer.
            ProjectError: if there can be no lock in this place.
        """
        waiting = _Waiting(self)
        try:
            with only_writer(project, PROGRAM, lambda holder: waiting.goes_on(holder) and not self._stopping):
                waiting.end()
                yield
        finally:
            waiting.end()

    def in_turns(self, project: Path, work: Callable[[], Any]) -> Iterator[Any]:
        """The steps of a task that does `work` with the lock of a project: None while it waits, then its result.

        Other tasks of the thread have their turns meanwhile. Raises as `alone`.
        """
        waiting, free = _Waiting(self), False
        try:
            while not free:
                goes_on = False

                def ask(holder: str) -> bool:
                    nonlocal goes_on
                    goes_on = waiting.goes_on(holder) and not self._stopping
                    return False

                try:
                    with only_writer(project, PROGRAM, ask):
                        free = True
                        waiting.end()
                        done = work()
                except ProjectBusyError:
                    if not goes_on:
                        raise
                    time.sleep(_PAUSE)
                    yield None
            yield done
        finally:
            waiting.end()


class _Waiting:
    def __init__(self, waits: ProjectWaits) -> None:
        self._waits = waits
        self._job: Job | None = None
        self._cancelled = False

    def goes_on(self, holder: str) -> bool:
        if self._job is None:
            self._job = Job(f"waiting for {holder}", self._cancel, counted=False)
            self._waits.jobs.begin(self._job)
            self._waits.jobs.advance(self._job, 0, 0, True)
        return not self._cancelled

    def end(self) -> None:
        if self._job is not None:
            self._waits.jobs.end(self._job, "")
            self._job = None

    def _cancel(self) -> None:
        self._cancelled = True
