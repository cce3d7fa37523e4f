"""Runs over a project: they take longest, and let everything else in between two batches."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Condition

from PySide6.QtCore import QObject, Signal

from app.core.batch.batch_runner import LocalRunner
from app.core.batch.project_run import RunProgress, run_project
from app.core.gallery.gallery import GalleryError
from app.core.project.project import Project
from app.core.project.schema import ProjectError
from app.core.recognition.engine import BATCH, EngineError
from app.ui.background.model_in_use import ModelInUse
from app.ui.background.service import ServiceTurn

_REPORT_SECONDS = 0.05  # progress reaches the GUI at most 20 times a second


@dataclass(eq=False)
class ProjectRun:
    """A run over a project; the GUI thread sets `cancelled` and `paused`.

    `find`: look for new files in the sources first; else only identify what waits in the project.
    """

    project: Project
    find: bool = True
    cancelled: bool = False
    paused: bool = False


@dataclass(frozen=True)
class RunAdvance:
    """The progress of a run."""

    run: ProjectRun
    progress: RunProgress


@dataclass(frozen=True)
class RunEnd:
    """A run has ended: `message` is empty unless it failed."""

    run: ProjectRun
    message: str


class ProjectRuns(QObject):
    """Signals:
    advanced: (RunAdvance), at most 20 times a second, and at the end
    ended: (RunEnd)
    """

    advanced = Signal(RunAdvance)
    ended = Signal(RunEnd)

    def __init__(self, changed: Condition, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = changed
        self._run: ProjectRun | None = None

    def begin(self, run: ProjectRun) -> None:
        """Identify a project's images; the run before it must have ended."""
        with self._changed:
            self._run = run
            self._changed.notify()

    def waits(self) -> bool:
        """Whether a run was begun and has not ended."""
        return self._run is not None

    def serve(self, model: ModelInUse, turn: ServiceTurn) -> None:
        """Identify what waits in the project; a run that makes way for another model continues with that one."""
        run = self._run
        if run is None or turn.must_end():
            return
        message, goes_on = "", False
        try:
            self._identify(run, model, turn)
            goes_on = turn.must_end() and not run.cancelled
        except (EngineError, ProjectError) as error:
            message = str(error)
        except GalleryError as error:
            message = str(error)
            model.lose_gallery(error)
        finally:
            if not goes_on:
                self._run = None
                self.ended.emit(RunEnd(run, message))

    def _identify(self, run: ProjectRun, model: ModelInUse, turn: ServiceTurn) -> None:
        def cancelled() -> bool:
            return run.cancelled or turn.must_end()

        changed: tuple[int, ...] = ()
        problems: tuple[str, ...] = ()
        reported = float("-inf")
        stage = LocalRunner(model.identifier, batch=BATCH)
        for progress in run_project(run.project, stage, find=run.find, cancelled=cancelled, paused=lambda: run.paused):
            changed, problems = changed + progress.changed, problems + progress.problems
            if time.monotonic() - reported >= _REPORT_SECONDS:
                self.advanced.emit(RunAdvance(run, replace(progress, changed=changed, problems=problems)))
                changed, problems, reported = (), (), time.monotonic()
            turn.let_others_in()
        self.advanced.emit(RunAdvance(run, replace(progress, changed=changed, problems=problems)))
