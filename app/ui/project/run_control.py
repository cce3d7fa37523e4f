"""Runs over the open project: one at a time, on the model's thread, shown as a job that can be paused."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.core.batch.project_run import RunProgress
from app.core.project.project import Project
from app.ui.background.jobs import Job, JobSource
from app.ui.background.project_runs import ProjectRun, ProjectRuns, RunAdvance, RunEnd


class RunControl(QObject):
    """Signals:
    stored: (RunProgress) a run has stored what it has `changed`
    problem: (text, details)
    released: (Project) no run uses this project any more
    """

    stored = Signal(RunProgress)
    problem = Signal(str, str)
    released = Signal(Project)

    def __init__(self, runs: ProjectRuns, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self._runs = runs
        self._run: ProjectRun | None = None
        self._job: Job | None = None
        self._next: tuple[Project, bool] | None = None
        self._last: RunProgress | None = None
        runs.advanced.connect(self._on_advanced)
        runs.ended.connect(self._on_ended)

    def begin(self, project: Project, *, find: bool = True) -> None:
        """Identify what has not been identified, after the current run, if there is one.

        Args:
            project: takes the answers. find: look for new files in its sources first.
        """
        if self._run is not None:
            self._next = (project, find or (self._next is not None and self._next[1]))
            return
        run = self._run = ProjectRun(project, find)

        def pause(on: bool) -> None:
            run.paused = on

        self._last = None
        self._job = Job("identifying", self.cancel, pause)
        self.jobs.begin(self._job)
        self._runs.begin(run)

    def cancel(self) -> None:
        """End the run after the batch in work; what was identified stays."""
        self._next = None
        if self._run is not None:
            self._run.cancelled = True

    def uses(self, project: Project) -> bool:
        """Whether a run over this project is under way."""
        return self._run is not None and self._run.project is project

    def active(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def _on_advanced(self, advance: RunAdvance) -> None:
        if advance.run is not self._run or self._job is None:
            return
        progress = advance.progress
        counts, self._last = progress.counts, progress
        self.jobs.advance(self._job, counts.predicted + counts.failed, counts.total, progress.scanning)
        if progress.problems:
            self.problem.emit(progress.problems[0], "\n".join(progress.problems))
        self.stored.emit(progress)

    def _on_ended(self, end: RunEnd) -> None:
        run = end.run
        if run is not self._run or self._job is None:
            return
        job, self._job, self._run = self._job, None, None
        if end.message:
            self.problem.emit(f"The project was not fully identified: {end.message}", "")
        self.jobs.end(job, self._outcome(run))
        self.released.emit(run.project)
        following, self._next = self._next, None
        if following is not None:
            self.begin(following[0], find=following[1])

    def _outcome(self, run: ProjectRun) -> str:
        if self._last is None:
            return "cancelled" if run.cancelled else ""
        counts = self._last.counts
        failed = f", {counts.failed:,} cannot be read" if counts.failed else ""
        failed += f", {self._last.skipped}" if self._last.skipped else ""
        if run.cancelled:
            return f"cancelled after {counts.predicted:,} of {counts.total:,} photos{failed}"
        if not counts.total:
            return f"no photo that Marque can read{failed}"
        return f"{counts.predicted:,} of {counts.total:,} photos done{failed}"
