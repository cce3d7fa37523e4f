"""The page Explore: photos of the project and of the gallery on a map, where what looks alike lies close together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.core.figures import NOBODY
from app.core.points import By, Groups, Points, Source, grouped, write_csv, write_svg
from app.ui import icons, keys
from app.ui.error_bar import ErrorBar
from app.ui.explore.colours import colours, rgb, words
from app.ui.explore.legend import Side
from app.ui.explore.map_view import Card, MapView, Tool
from app.ui.explore.survey import Survey
from app.ui.explore.toolbar import FORMATS, Toolbar
from app.ui.identify.empty import EmptyState
from app.ui.loading import Thumbnails
from app.ui.requests import Loaded
from app.ui.review.desk import Desk
from app.ui.widgets import Splitter, bind


class ExplorePage(QWidget):
    """Joins what is surveyed with the map and its legend.

    Signals:
        folder_wanted: identify a folder into the project
        review_wanted: (numbers of images, int64) list exactly these on the page Review
        pointed: (image) a photo of the project was clicked
        theme_wanted: change to the other theme
    """

    folder_wanted = Signal()
    review_wanted = Signal(object)
    pointed = Signal(int)
    theme_wanted = Signal()

    def __init__(self, desk: Desk, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk, self._thumbnails = desk, thumbnails
        self.survey = Survey(desk, self)
        self.errors, self.toolbar, self.side = ErrorBar(), Toolbar(), Side()
        self.map = MapView(self._card)
        self.by = By.TYPE
        self._groups = Groups((), np.zeros(0, np.int32))
        self._current = NOBODY
        self._points = Points()
        self._fresh = False  # others are known but have no places yet
        self.empty = EmptyState(
            "chart-scatter",
            "See your photos as a map",
            "What looks alike lies close together, so whole groups can be checked at once.",
            "identify a folder",
        )
        self._lay_out()
        self._connect()
        self._show_points()

    # building

    def _lay_out(self) -> None:
        self.columns = Splitter("explore", Qt.Orientation.Horizontal)
        self.columns.addWidget(self.map)
        self.columns.addWidget(self.side)
        self.columns.setStretchFactor(0, 1)
        self.columns.set_defaults([948, 260])
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.columns)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for part in (self.errors, self.toolbar):
            whole.addWidget(part)
        whole.addWidget(self._stack, 1)

    def _connect(self) -> None:
        survey, toolbar, desk = self.survey, self.toolbar, self._desk
        survey.read.connect(self._on_read)
        survey.placed.connect(self._on_placed)
        survey.unfolding_changed.connect(lambda: toolbar.show_unfolding(survey.unfolding()))
        survey.problem.connect(self.errors.show_problem)
        desk.opened.connect(self._on_opened)
        desk.grown.connect(self._on_changed)
        desk.labelled.connect(lambda _rows: self._on_changed())
        toolbar.source_wanted.connect(self.show_source)
        toolbar.by_wanted.connect(self.colour_by)
        toolbar.tool_wanted.connect(self.set_tool)
        toolbar.save_wanted.connect(self.save)
        toolbar.unfold_button.clicked.connect(self._toggle_unfolding)
        toolbar.fit_button.clicked.connect(self.map.fit)
        toolbar.find_button.clicked.connect(self.find_current)
        toolbar.theme_button.clicked.connect(self.theme_wanted)
        self.side.legend.group_clicked.connect(self._choose_group)
        self.side.open_button.clicked.connect(self.open_chosen)
        self.map.chosen_changed.connect(self._on_chosen)
        self.map.clicked.connect(self._on_clicked)
        self.map.opened.connect(lambda point: self._open(np.array([point])))
        self.empty.asked.connect(self.folder_wanted)
        self._thumbnails.ready.connect(self._on_thumbnail)
        for key, act in (
            (keys.MOVE_MAP, lambda: self.set_tool(Tool.MOVE)),
            (keys.LASSO, lambda: self.set_tool(Tool.LASSO)),
            (keys.BOX, lambda: self.set_tool(Tool.BOX)),
            (keys.FIT_MAP, self.map.fit),
            (keys.FIND_CURRENT, self.find_current),
            (keys.OPEN_CHOSEN, self.open_chosen),
            (keys.BACK, lambda: self.map.choose(np.zeros(0, np.int64))),
            (keys.THEME, self.theme_wanted.emit),
            (keys.FOLDER, self.folder_wanted.emit),
        ):
            bind(self, key, act)

    # what a person does

    def show_source(self, source: Source) -> None:
        """Show the project's photos, the gallery's, or both."""
        self.toolbar.show_source(source, gallery=self.survey.has_gallery())
        self.survey.set_source(source)

    def colour_by(self, by: By) -> None:
        """Give the colours another meaning."""
        self.by = by
        self.toolbar.by_box.setCurrentIndex([*By].index(by))
        self._colour()

    def set_tool(self, tool: Tool) -> None:
        """What dragging does."""
        self.toolbar.show_tool(tool)
        self.map.set_tool(tool)

    def find_current(self) -> None:
        """Bring the photo that is current in Review into the middle."""
        point = self._point_of(self._current)
        if point == NOBODY:
            self._desk.said.emit("the photo that is current in Review is not on the map")
        else:
            self.map.centre_on(point)

    def open_chosen(self) -> None:
        """List the chosen photos in Review."""
        self._open(self.map.chosen())

    def save(self, kind: str) -> None:
        """Ask where to, and write the map as one of FORMATS."""
        project = self._desk.project
        folder = project.path.parent if project is not None else Path.home()
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the map", str(folder / f"map.{kind}"), f"{FORMATS[kind]} (*.{kind})"
        )
        if name:
            self._write(Path(name).with_suffix(f".{kind}"), kind)

    # the window's side

    def use_model(self, loaded: Loaded) -> None:
        """This identification model and its gallery are in use."""
        self.survey.use_model(loaded)
        self.toolbar.show_source(self.survey.source, gallery=self.survey.has_gallery())
        self._on_changed()

    def set_current(self, image: int) -> None:
        """This photo is current in Review."""
        self._current = image
        self.map.set_current(self._point_of(image))

    def theme_changed(self, dark: bool) -> None:
        """Take the other theme's colours, offer the other theme."""
        self.toolbar.theme_button.setIcon(icons.icon("sun" if dark else "moon"))
        self._colour()

    def showEvent(self, event: QShowEvent) -> None:
        """What has changed while the page was out of sight is read now."""
        super().showEvent(event)
        self.survey.refresh()
        self._colour()

    def hideEvent(self, event: QHideEvent) -> None:
        """Leave the project's changes alone until the page is looked at again."""
        super().hideEvent(event)
        self.survey.rest()

    def stop(self) -> None:
        """Wait for this page's workers."""
        self.survey.stop()

    # what happened

    def _on_read(self) -> None:
        self._fresh = True
        if not len(self.survey.points):
            self._on_placed(np.zeros((0, 2), np.float32))

    def _on_placed(self, places: np.ndarray) -> None:
        if self._fresh:
            self._fresh, self._points = False, self.survey.points
            self.map.show_points(places, np.zeros((len(places), 3), np.uint8))
            self._show_points()
            self.set_current(self._current)
        else:
            self.map.move_points(places)

    def _on_opened(self) -> None:
        self.survey.forget()
        self._on_changed()

    def _on_changed(self) -> None:
        if self.isVisible():  # else when it is: nothing is laid out that nobody looks at
            self._colour()
            self.survey.expect()

    def _on_chosen(self) -> None:
        points, chosen = self._points, self.map.chosen()
        photos = int((chosen < len(points.images)).sum())
        self.side.show_chosen(photos, len(chosen) - photos)
        self.side.preview.show_pictures(len(chosen), lambda: [self._picture(one) for one in chosen[:6].tolist()])

    def _on_clicked(self, point: int) -> None:
        images = self._images(np.array([point]))
        if len(images):
            self.pointed.emit(int(images[0]))

    def _on_thumbnail(self, _path: Path) -> None:
        if self.isVisible():
            self.side.preview.update()
            if self.map.hovered() != NOBODY:
                self.map.update()

    def _toggle_unfolding(self) -> None:
        if self.survey.unfolding():
            self.survey.cancel()
        else:
            self.survey.unfold()

    def _choose_group(self, group: int) -> None:
        self.map.choose(np.flatnonzero(self._groups.of == group))

    def _open(self, points: np.ndarray) -> None:
        images = self._images(points)
        if len(images):
            self.review_wanted.emit(images)

    def _show_points(self) -> None:
        full = len(self.map.places()) > 0
        self._stack.setCurrentIndex(1 if full else 0)
        self.toolbar.set_filled(full)
        self._colour()
        self._on_chosen()

    def _colour(self) -> None:
        points, by = self._points, self.by
        if len(points) != len(self.map.places()):
            return
        self._groups = grouped(points, self._desk.columns, by)
        tints = self._tints()
        table = np.array([rgb(tint) for tint in tints], np.uint8).reshape(-1, 3)
        self.map.colour_points(table[self._groups.of])
        names = [words(by, name) for name in self._groups.names]
        self.side.legend.show_groups(names, tints, self._groups.counts().tolist())
        self.side.total.setText("1 photo" if len(points) == 1 else f"{len(points):,} photos")

    def _tints(self) -> list[QColor]:
        model = self._desk.model
        return colours(self.by, self._groups, model.taxonomy if model is not None else None)

    # points and photos

    def _images(self, points: np.ndarray) -> np.ndarray:
        """Numbers of the project's photos among these points, int64."""
        images = self._points.images
        return images[points[points < len(images)]]

    def _point_of(self, image: int) -> int:
        images = self._points.images
        place = int(np.searchsorted(images, image))
        return place if place < len(images) and images[place] == image else NOBODY

    def _path(self, point: int) -> Path | None:
        points, columns = self._points, self._desk.columns
        if point >= len(points.images):
            return points.pictures[point - len(points.images)]
        rows = columns.rows_of(points.images[[point]])
        return Path(columns.paths[rows[0]]) if len(rows) else None

    def _picture(self, point: int) -> tuple[QPixmap | None, bool]:
        path = self._path(point)
        return (None, True) if path is None else (self._thumbnails.get(path), False)

    def _card(self, point: int) -> Card:
        points, columns = self._points, self._desk.columns
        picture, missing = self._picture(point)
        if point >= len(points.images):
            reference = points.references[point - len(points.images)]
            return Card(reference.fine or reference.coarse, f"reference, {reference.coarse}", picture, missing)
        rows = columns.rows_of(points.images[[point]])
        if not len(rows):
            return Card("", "", picture, missing)
        label = columns.names[columns.shown.label[rows[0]]] or "unknown"
        return Card(label, Path(columns.paths[rows[0]]).name, picture, missing)

    # the map as a file

    def _write(self, out: Path, kind: str) -> None:
        points, places, groups = self._points, self.map.places(), self._groups
        if kind == "png":
            picture = self.map.picture()

            def work() -> None:
                if not picture.save(str(out)):
                    raise OSError(f"{out}: the map cannot be written there")

        elif kind == "csv":
            columns = self._desk.columns.snapshot()

            def work() -> None:
                write_csv(out, points, columns, places)

        else:
            tints = [tint.name() for tint in self._tints()]
            names = [words(self.by, name) for name in groups.names]

            def work() -> None:
                write_svg(out, places, groups, tints, names)

        self.survey.tasks.once(work, lambda _: self._desk.said.emit(f"written: {out}"))
