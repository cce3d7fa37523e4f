"""Folders of the open project that are watched: photos are identified as they arrive."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.batch.folder_watch import SETTLE, ProjectWatch
from app.core.project.project import Project
from app.ui.background.tasks import Task, Tasks

_SHARE = 10  # a pause takes at least this many times as long as the look before it


class FolderWatching(QObject):
    """Looks again and again, on a thread of `Tasks`; never twice at once.

    Signals:
        arrived: (count) this many photos are new or changed, and wait in the project
        problem: (text, details)
        said: (text) the files that Marque knows but cannot read, when their number changes
        changed: other folders are watched now (`places`)
    """

    arrived = Signal(int)
    problem = Signal(str, str)
    said = Signal(str)
    changed = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._project: Project | None = None
        self._watch: ProjectWatch | None = None
        self._look: Task | None = None
        self._skipped = ""
        self._pause = QTimer(self, singleShot=True)
        self._pause.timeout.connect(self._go_on)

    def places(self) -> Sequence[Path]:
        """The folders that are watched."""
        return self._watch.places if self._watch is not None else ()

    def begin(self, project: Project) -> None:
        """Watch the present watched sources of a project, in place of those before."""
        self.end()
        self._project, self._skipped = project, ""
        self._look = self._tasks.once(lambda: ProjectWatch(project), self._take, on=project)

    def end(self) -> None:
        """Watch nothing."""
        self._pause.stop()
        if self._look is not None:
            self._look.cancel()
        if self._watch is not None:
            self._watch = None
            self.changed.emit()

    def _take(self, watch: ProjectWatch) -> None:
        self._watch = watch if watch.places else None
        self.changed.emit()
        if self._watch is not None:
            self._go_on()

    def _go_on(self) -> None:
        watch = self._watch
        if watch is None:
            return

        def look() -> tuple[int, list[str], str, float]:
            began = time.monotonic()
            arrived = watch.look(began)
            return arrived, watch.new_problems(), watch.skipped(), time.monotonic() - began

        self._look = self._tasks.once(look, self._looked, on=self._project)

    def _looked(self, found: tuple[int, list[str], str, float]) -> None:
        arrived, problems, skipped, seconds = found
        if skipped and skipped != self._skipped:
            self.said.emit(skipped)
        self._skipped = skipped
        if problems:
            self.problem.emit(problems[0], "\n".join(problems))
        if arrived:
            self.arrived.emit(arrived)
        self._pause.start(round(1000 * max(SETTLE, _SHARE * seconds)))
