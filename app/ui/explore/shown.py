"""Which photo each point of the map is: its number, its file, its thumbnail, what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtGui import QPixmap

from app.core.figures import NOBODY
from app.core.points import Points
from app.ui.explore.map_view import Card
from app.ui.loading import Thumbnails
from app.ui.review.desk import Desk


class Shown:
    """The points that are on the map now (`points`), seen as photos of the project and references of the gallery."""

    def __init__(self, desk: Desk, thumbnails: Thumbnails) -> None:
        self.points = Points()
        self._desk, self._thumbnails = desk, thumbnails

    def images(self, points: np.ndarray) -> np.ndarray:
        """Numbers of the project's photos among these points, int64."""
        images = self.points.images
        return images[points[points < len(images)]]

    def points_of(self, images: np.ndarray) -> np.ndarray:
        """Points of those of these photos that are on the map, int64."""
        return np.flatnonzero(np.isin(self.points.images, images))

    def point_of(self, image: int) -> int:
        """The point of a photo, or NOBODY."""
        images = self.points.images
        place = int(np.searchsorted(images, image))
        return place if place < len(images) and images[place] == image else NOBODY

    def picture(self, point: int) -> tuple[QPixmap | None, bool]:
        """The thumbnail, if it is made already, and whether there is none."""
        path = self._path(point)
        return (None, True) if path is None else (self._thumbnails.get(path), False)

    def card(self, point: int) -> Card:
        """What is said of a point."""
        points, columns = self.points, self._desk.columns
        picture, missing = self.picture(point)
        if point >= len(points.images):
            reference = points.references[point - len(points.images)]
            return Card(reference.fine or reference.coarse, f"reference, {reference.coarse}", picture, missing)
        rows = columns.rows_of(points.images[[point]])
        if not len(rows):
            return Card("", "", picture, missing)
        label = columns.names[columns.shown.label[rows[0]]] or "unknown"
        return Card(label, Path(columns.paths[rows[0]]).name, picture, missing)

    def _path(self, point: int) -> Path | None:
        points, columns = self.points, self._desk.columns
        if point >= len(points.images):
            return points.pictures[point - len(points.images)]
        rows = columns.rows_of(points.images[[point]])
        return Path(columns.paths[rows[0]]) if len(rows) else None
