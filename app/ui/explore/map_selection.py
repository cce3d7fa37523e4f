"""The chosen points of the map, and what can be done with them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from app.core.project.labels import Label
from app.core.project.records import subjects_of
from app.ui.explore.legend import MapSidebar
from app.ui.explore.map_view import MapView
from app.ui.explore.point_photos import PointPhotos
from app.ui.page.navigation import EnrolPhotos, PageRequest, ShowPhotos
from app.ui.project.open_project import OpenProject
from app.ui.project.relabel_box import RelabelBox
from app.ui.widgets import standard_actions as standard
from model.system.wording import counted

_CHOSEN = "chosen on the map"


class MapSelection(QObject):
    """Signals:
    requested: (PageRequest) another page is to show something
    changed: (numbers of images, int64) these photos of the project are chosen on the map now
    """

    requested = Signal(PageRequest)
    changed = Signal(np.ndarray)

    def __init__(
        self, project: OpenProject, shown: PointPhotos, map_: MapView, side: MapSidebar, page: QWidget
    ) -> None:
        """Args: page: where the box for another label opens."""
        super().__init__(page)
        self._project, self._shown, self._map, self._side, self._page = project, shown, map_, side, page
        self.relabel_box = RelabelBox(page)
        self.relabel_box.chosen.connect(self._relabel)
        self.relabel_box.left.connect(map_.setFocus)
        map_.chosen_changed.connect(self._on_chosen)
        map_.opened.connect(lambda point: self._open(np.array([point])))
        side.open_button.clicked.connect(self.open)
        side.relabel_button.clicked.connect(self.relabel)
        side.enrol_button.clicked.connect(self.enrol)
        side.identify_button.clicked.connect(self.identify)

    def images(self) -> np.ndarray:
        """Numbers of the project's photos that are chosen, int64."""
        return self._shown.images(self._map.chosen())

    def show(self) -> None:
        """Say what is chosen and show its first pictures."""
        chosen, images, shown = self._map.chosen(), self.images(), self._shown
        if shown.points.held_out is not None:
            self._side.show_chosen_tests(len(chosen), len(images), len(shown.absent(chosen)))
        else:
            self._side.show_chosen(len(images), len(chosen) - len(images))
        self._side.preview.show_pictures(len(chosen), lambda: [shown.picture(one) for one in chosen[:6].tolist()])

    def open(self) -> None:
        """List the chosen photos in Review."""
        self._open(self._map.chosen())

    def relabel(self) -> None:
        """Ask for another label of the chosen photos."""
        rows = self._project.columns.rows_of(self.images())
        if len(rows):
            self.relabel_box.ask_about(self._project, rows, self._map.mapTo(self._page, QPoint(12, 12)))

    def enrol(self) -> None:
        """Put the chosen photos into the gallery; Review lists them and shows the result."""
        images = self.images()
        if len(images):
            self.requested.emit(EnrolPhotos(images, _CHOSEN))

    def identify(self) -> None:
        """Identify the chosen test photos that the project does not have."""
        absent = self._shown.absent(self._map.chosen())
        if absent:
            self._project.identify(absent)

    def _on_chosen(self) -> None:
        self.show()
        images = self.images()
        if self._page.isVisible() and len(images):
            self.changed.emit(images)

    def _open(self, points: np.ndarray) -> None:
        images = self._shown.images(points)
        if len(images):
            self.requested.emit(ShowPhotos(images, _CHOSEN))

    def _relabel(self, label: Label, images: np.ndarray) -> None:
        words = f"{label.fine or label.coarse}: {counted(len(images), 'photo')}"
        self._project.label(dict.fromkeys(subjects_of(images), label), words)
        self._project.said.emit(f"{words}; {standard.UNDO.shown} undoes it")
