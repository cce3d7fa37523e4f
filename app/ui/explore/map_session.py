"""What is on the map: reads the requested points, has them laid out, and reports the progress."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.core.explore.held_out import Training, finished_trainings, read_held_out
from app.core.explore.map_points import MapPoints, Source, read_points
from app.core.explore.projection import STEPS
from app.core.system import paths
from app.ui.background.jobs import Job, JobSource
from app.ui.background.model_loading import Loaded
from app.ui.background.tasks import Task, Tasks
from app.ui.explore.map_layout import LayoutProgress, MapLayout, PointLayout
from app.ui.project.open_project import OpenProject
from model.system.wording import counted

_LATER = 400  # milliseconds after the last change of the project


class MapSession(QObject):
    """Signals:
    read: other points are known (`points`); they have no places yet
    source_changed: whose photos are read has changed (`source`, `training`)
    settled: the project had changed and has come to rest
    trainings_found: other ones are known whose test photos can be shown (`trainings`)
    placed: (places) float32 [N, 2] from -1 to 1, for `points`
    unfolding_changed: t-SNE has begun or ended
    problem: (text, details)
    """

    read = Signal()
    source_changed = Signal()
    settled = Signal()
    trainings_found = Signal()
    placed = Signal(np.ndarray)
    unfolding_changed = Signal()
    problem = Signal(str, str)

    def __init__(self, project: OpenProject, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self.points = MapPoints()
        self.source = Source.PROJECT
        self.training: Training | None = None  # if the source is one
        self.trainings: Sequence[Training] = ()
        self.tasks = Tasks(self)
        self._project = project
        self._loaded: Loaded | None = None
        self._projector = MapLayout(self)
        self._layout: PointLayout | None = None
        self._job: Job | None = None
        self._steps = 0
        self._known: tuple = ()
        self._revision = 0  # of the gallery, since the start
        self._reading: Task | None = None  # of a requested training
        self._later = QTimer(self, interval=_LATER, singleShot=True)
        self._later.timeout.connect(self.refresh)
        self._later.timeout.connect(self.settled)
        self._projector.advanced.connect(self._on_advanced)
        self._projector.ended.connect(self._on_ended)
        self._projector.failed.connect(lambda message: self.problem.emit(message, ""))
        self.tasks.failed.connect(self.problem)
        project.closer.add_user(self.tasks)
        self.tasks.start()
        self._projector.start()

    def stop(self) -> None:
        """End both threads."""
        self.blockSignals(True)
        self.jobs.blockSignals(True)
        self._later.stop()
        self._projector.stop()
        self.tasks.stop()

    # what to show

    def use_model(self, loaded: Loaded) -> None:
        """This identification model's embeddings, and its gallery's, are shown from now on."""
        self._loaded = loaded
        if loaded.gallery is None and self.source is not Source.TRAINING:
            self.source = Source.PROJECT

    def has_gallery(self) -> bool:
        """Whether there is a gallery to be shown."""
        return self._loaded is not None and self._loaded.gallery is not None

    def look_for_trainings(self) -> None:
        """Find the trainings."""
        folder = paths.runs_folder()

        def put(found: Sequence[Training]) -> None:
            self.trainings = found
            self.trainings_found.emit()

        self.tasks.once(lambda: finished_trainings(folder), put)

    def set_source(self, source: Source) -> None:
        """Show photos of the project, the gallery, or both."""
        self._cancel_reading()
        self._set_source(source, None)
        self.refresh()

    def set_training(self, training: Training) -> None:
        """Show the test photos of a training once they are read; if they cannot be read, nothing changes."""
        self._cancel_reading()

        def put(points: MapPoints) -> None:
            self._set_source(Source.TRAINING, training)
            self._known, self.points = self._wanted(), points
            self.read.emit()
            self.unfold()

        self._reading = self.tasks.once(lambda: _test_photos(training), put)

    def _set_source(self, source: Source, training: Training | None) -> None:
        self.source, self.training = source, training
        self.source_changed.emit()

    def _cancel_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def gallery_changed(self) -> None:
        """References were added, changed or removed: a map of them is read again when it is next shown."""
        self._revision += 1

    def expect(self) -> None:
        """The project changes: read what is new when it has come to rest."""
        self._later.start()

    def rest(self) -> None:
        """The map is hidden: nothing new is read. A layout in progress continues."""
        self._later.stop()

    def forget(self) -> None:
        """Another project is open: nothing of it is on the map until the map is shown."""
        self.rest()
        if self.source is Source.TRAINING:
            return
        self._known, self.points = (), MapPoints()
        self.read.emit()
        self.unfold()

    def refresh(self) -> None:
        """Read what should be shown, if it has changed. During a run this waits, unless the map is empty."""
        wanted = self._wanted()
        if wanted == self._known:
            return
        project = self._project.project
        if self._project.running.active() and len(self.points) and self._known[:3] == wanted[:3]:
            self._later.start()
            return
        self._known = wanted
        model, source = self._project.model, self.source
        gallery = self._loaded.gallery if self._loaded is not None else None

        def put(points: MapPoints) -> None:
            if self._known == wanted:
                self.points = points
                self.read.emit()
                self.unfold()

        if model is None:
            put(MapPoints())
        else:
            self.tasks.once(lambda: read_points(source, project, gallery, model.fingerprint), put, on=project)

    def _wanted(self) -> tuple:
        if self.source is Source.TRAINING:  # read when it is chosen; nothing that changes is in it
            return (self.training,)
        project = self._project
        predicted = int((project.columns.predictions["image"] > 0).sum()) if self.source is not Source.GALLERY else 0
        model = project.model.fingerprint if project.model is not None else ""
        revision = self._revision if self.source is not Source.PROJECT else 0
        return id(project.project), model, self.source, predicted, revision

    # layout

    def unfolding(self) -> bool:
        """Whether t-SNE is running."""
        return self._layout is not None

    def unfold(self) -> None:
        """Lay the points out from the beginning."""
        self._end_job("")
        self._layout = None
        if len(self.points):
            self._layout = self._projector.lay_out(self.points.vectors)
            self._steps = 0
            self._job = Job("unfolding the map", self.cancel)
            self.jobs.begin(self._job)
        else:
            self._projector.cancel()
        self.unfolding_changed.emit()

    def cancel(self) -> None:
        """Stop; the points stay where they are now."""
        self._projector.cancel()

    def _on_advanced(self, progress: LayoutProgress) -> None:
        layout = progress.layout
        if layout is not self._layout or layout.cancelled or self._job is None:
            return
        self._steps = progress.steps
        if progress.places is not None:
            self.placed.emit(progress.places)
        self.jobs.advance(self._job, progress.steps, STEPS, False)

    def _on_ended(self, layout: PointLayout) -> None:
        if layout is not self._layout:
            return
        self._layout = None
        how = f", stopped after {self._steps:,} of {STEPS:,} steps" if layout.cancelled else ""
        self._end_job(f"map of {counted(len(self.points), 'photo')}{how}")
        self.unfolding_changed.emit()

    def _end_job(self, outcome: str) -> None:
        job, self._job = self._job, None
        if job is not None:
            self.jobs.end(job, outcome)


def _test_photos(training: Training) -> MapPoints:
    vectors, photos = read_held_out(training.folder)
    return MapPoints(vectors, held_out=photos)
