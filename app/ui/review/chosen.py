"""Which photos of the list are chosen and which one is current; kept through every rearrangement."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QObject, Signal

from app.core.figures import NOBODY
from app.ui.review.listing import Listing

_KEPT = 1000  # a larger choice is given up when the list is arranged anew
_Flags = QItemSelectionModel.SelectionFlag


class Chosen(QObject):
    """Speaks for the selection model that grid and table share.

    Signals:
        moved: another photo is current.
        changed: other photos are chosen.
    """

    moved = Signal()
    changed = Signal()

    def __init__(self, listing: Listing, model: QItemSelectionModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listing, self._model = listing, model
        self._image = NOBODY
        self._arranging = False
        model.currentChanged.connect(self._on_current)
        model.selectionChanged.connect(lambda: self.changed.emit())

    def image(self) -> int:
        """The current photo's number, or NOBODY."""
        return self._image

    def place(self) -> int:
        """Its row in the list, or -1."""
        return self._model.currentIndex().row()

    def places(self) -> np.ndarray:
        """Rows of the list that are chosen, int64, ascending."""
        ranges = self._model.selection()
        spans = [np.arange(one.top(), one.bottom() + 1) for one in (ranges.at(i) for i in range(ranges.size()))]
        return np.unique(np.concatenate(spans)) if spans else np.zeros(0, np.int64)

    def images(self) -> list[int]:
        """Numbers of the chosen photos."""
        return self._listing.images(self.places()).tolist()

    def rows(self) -> np.ndarray:
        """The chosen photos' rows in the columns."""
        return self._listing.columns.rows_of(self.images())

    def go(self, place: int) -> None:
        """Make a row of the list current and choose it alone."""
        self._model.setCurrentIndex(self._listing.index(place, 0), _Flags.ClearAndSelect | _Flags.Rows)

    def forget(self) -> None:
        """Another project: nothing is current."""
        self._image = NOBODY

    def rearrange(self) -> bool:
        """Arrange the list anew; False where it is empty. A photo that is gone from it gives its place to the next."""
        chosen, place = self.images(), self.place()
        self._arranging = True
        self._listing.rearrange()
        self._arranging = False
        count = self._listing.rowCount()
        if not count:
            self._image = NOBODY
            return False
        here = self._listing.place_of(self._image) if self._image != NOBODY else NOBODY
        current = here if here != NOBODY else min(max(place, 0), count - 1)
        selection = QItemSelection()
        for one in chosen if len(chosen) <= _KEPT else ():
            found = self._listing.place_of(one)
            if found != NOBODY:
                selection.select(self._listing.index(found, 0), self._listing.index(found, 0))
        if selection.isEmpty():
            selection.select(self._listing.index(current, 0), self._listing.index(current, 0))
        self._model.setCurrentIndex(self._listing.index(current, 0), _Flags.NoUpdate)
        self._model.select(selection, _Flags.ClearAndSelect | _Flags.Rows)
        return True

    def _on_current(self) -> None:
        place = self.place()
        if not self._arranging and 0 <= place < self._listing.rowCount():
            self._image = int(self._listing.images(np.array([place]))[0])
            self.moved.emit()
