"""Loads the content of a project into its columns, piece by piece, and what a run adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.core.project.project import Project
from app.core.project.records import KnownModel
from app.core.review.photo_columns import PhotoColumns
from app.ui.background.tasks import Task, Tasks

_PIECE = 2000
_FRESH = 250  # milliseconds between two reads of what a run has stored


class ColumnLoader(QObject):
    """The columns belong to the GUI thread; the file is read by the thread of `Tasks`.

    Signals:
        grown: images or predictions have come.
    """

    grown = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = PhotoColumns()
        self._tasks = tasks
        self._project: Project | None = None
        self._model: KnownModel | None = None
        self._loading: Task | None = None
        self._touched: set[int] = set()
        self._last_known = 0
        self._fresh = QTimer(self, interval=_FRESH, singleShot=True)
        self._fresh.timeout.connect(self._fetch_touched)

    def load(self, project: Project, model: KnownModel | None) -> None:
        """Fill fresh columns: first the images, then the labels, then piece by piece what the model said."""
        if self._loading is not None:
            self._loading.cancel()
        self._project, self._model, self._last_known = project, model, 0
        columns = self.columns = PhotoColumns(thresholds=model.thresholds if model is not None else None)

        def steps() -> Iterator[Callable[[], Any]]:
            last = 0
            while images := project.images.places(after=last, limit=_PIECE):
                last = images[-1][0]
                yield partial(columns.add, images)
            labels = project.labels.all()
            yield partial(columns.set_labels, labels)
            if model is not None:
                for piece in project.predictions.features(model.fingerprint, columns.names.place):
                    yield partial(columns.set_predictions, piece)

        def put(step: Callable[[], Any]) -> None:
            step()
            self._note_last()
            self.grown.emit()

        self._loading = self._tasks.submit(steps, put)

    def answer_by(self, model: KnownModel) -> None:
        """The predictions that come are this model's; there were none before."""
        self._model = model
        self.columns.decide(model.thresholds)

    def touch(self, images: Sequence[int]) -> None:
        """Read these images, and any new ones, soon: a run has stored something for them."""
        self._touched.update(images)
        if not self._fresh.isActive():
            self._fresh.start()

    def _fetch_touched(self) -> None:
        project, model, columns, last = self._project, self._model, self.columns, self._last_known
        if project is None:
            return
        touched, self._touched = sorted(self._touched), set()

        def work() -> tuple[list, list[np.ndarray]]:
            known = [one for one in touched if one <= last]
            images = project.images.places(ids=known) + project.images.places(after=last)
            if model is None:
                return images, []
            pieces = list(project.predictions.features(model.fingerprint, columns.names.place, touched))
            return images, pieces

        def put(found: tuple[list, list[np.ndarray]]) -> None:
            images, pieces = found
            if columns is not self.columns:
                return
            columns.add(images)
            self._note_last()
            for piece in pieces:
                columns.set_predictions(piece)
            self.grown.emit()

        self._tasks.once(work, put)

    def _note_last(self) -> None:
        self._last_known = int(self.columns.ids[-1]) if len(self.columns) else 0
