"""Which photo each point of the map is: its number, file, thumbnail and description."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtGui import QPixmap

from app.core.explore.held_out import HeldOut
from app.core.explore.map_points import CORRECTNESS, MapPoints, compared
from app.core.recognition.features import NOBODY
from app.ui.background.photo_loading import Thumbnails
from app.ui.explore.map_view import PointCard
from app.ui.project.open_project import OpenProject
from app.ui.widgets.status_face import percent


class PointPhotos:
    """The points that are on the map now, seen as photos of the project and others.

    A test photo of a training is also a photo of the project if that has the same file.
    """

    def __init__(self, project: OpenProject, thumbnails: Thumbnails) -> None:
        self.points = MapPoints()
        self._project, self._thumbnails = project, thumbnails
        self._numbers = np.zeros(0, np.int64)
        self._numbered: tuple = ()  # the columns that the numbers belong to

    def numbers(self) -> np.ndarray:
        """The number of each point's photo in the project, int64 [N]; NOBODY for others."""
        points, columns = self.points, self._project.columns
        asked: tuple = (points, columns, len(columns) if points.held_out is not None else 0)
        if asked != self._numbered:
            self._numbered = asked
            if points.held_out is None:
                others = np.full(len(points) - len(points.images), NOBODY, np.int64)
                self._numbers = np.concatenate([points.images, others])
            else:
                self._numbers = points.held_out.images(columns)
        return self._numbers

    def images(self, points: np.ndarray) -> np.ndarray:
        """Numbers of the project's photos among these points, int64, ascending."""
        numbers = self.numbers()[points]
        return np.unique(numbers[numbers != NOBODY])

    def points_of(self, images: np.ndarray) -> np.ndarray:
        """Points of these photos, as far as they are on the map, int64."""
        return np.flatnonzero(np.isin(self.numbers(), images))

    def point_of(self, image: int) -> int:
        """The point of a photo, or NOBODY."""
        places = self.points_of(np.array([image] if image != NOBODY else [], np.int64))
        return int(places[0]) if len(places) else NOBODY

    def absent(self, points: np.ndarray) -> list[Path]:
        """Files of test photos among these points that are not in the project."""
        held_out = self.points.held_out
        if held_out is None:
            return []
        away = points[self.numbers()[points] == NOBODY]
        return [Path(held_out.files[point]) for point in away.tolist()]

    def path(self, point: int) -> Path | None:
        """The file of a point's picture, whether it exists or not; None if its place is unknown."""
        points, columns = self.points, self._project.columns
        if points.held_out is not None:
            return Path(points.held_out.files[point])
        if point >= len(points.images):
            return points.pictures[point - len(points.images)]
        rows = columns.rows_of(points.images[[point]])
        return Path(columns.paths[rows[0]]) if len(rows) else None

    def picture(self, point: int) -> tuple[QPixmap | None, bool]:
        """The thumbnail, if it is made already, and whether none can be made."""
        path = self.path(point)
        if path is None:
            return None, True
        return self._thumbnails.get(path), self._thumbnails.is_unreadable(path)

    def card(self, point: int) -> PointCard:
        """The description of a point."""
        points, columns = self.points, self._project.columns
        picture, missing = self.picture(point)
        if points.held_out is not None:
            label, beneath = _description(points.held_out, point)
            return PointCard(label, beneath, picture, missing)
        if point >= len(points.images):
            reference = points.references[point - len(points.images)]
            return PointCard(reference.fine or reference.coarse, f"reference, {reference.coarse}", picture, missing)
        rows = columns.rows_of(points.images[[point]])
        if not len(rows):
            return PointCard("", "", picture, missing)
        label = columns.names[columns.shown.label[rows[0]]] or "unknown"
        return PointCard(label, Path(columns.paths[rows[0]]).name, picture, missing)


def _description(photos: HeldOut, point: int) -> tuple[str, str]:
    """The class of a test photo, and what it was taken for."""
    (kind, fine), (said_kind, said_fine) = photos.truth[point].tolist(), photos.answer[point].tolist()
    names, sure = photos.names, percent(float(photos.confidence[point]))
    if compared(photos.truth[[point]], photos.answer[[point]])[0]:
        beneath = f"taken for {names[said_fine] or names[said_kind]}, {sure}"
    elif fine == said_fine:
        beneath = f"{CORRECTNESS[0]}, {sure}"
    else:  # a class that the network has not learned, or a photo without a label
        beneath = f"{CORRECTNESS[0]} type, {sure}"
    return names[fine] or names[kind], beneath
