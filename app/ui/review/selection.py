"""Which photos of the list are chosen and which one is current; kept through every rearrangement."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QItemSelectionRange, QObject, Signal

from app.core.recognition.features import NOBODY
from app.ui.review.photo_listing import PhotoListing

_STRETCHES = 1000  # a choice of more ranges than this is dropped when the list is arranged again
_Flags = QItemSelectionModel.SelectionFlag


class PhotoSelection(QObject):
    """Wraps the selection model that grid and table share.

    Signals:
        moved: another photo is current.
        changed: other photos are chosen.
    """

    moved = Signal()
    changed = Signal()

    def __init__(self, listing: PhotoListing, model: QItemSelectionModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listing, self._model = listing, model
        self._image = NOBODY
        self._kept: tuple[list[int], int] | None = None  # the choice and the current photo before the list was emptied
        self._arranging = False
        model.currentChanged.connect(self._on_current)
        model.selectionChanged.connect(self._on_selected)

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

    def choose(self, images: np.ndarray) -> None:
        """Choose those of these photos that are listed, int64; the first is current. Without any nothing changes."""
        places = np.flatnonzero(np.isin(self._listing.images(), images))
        if len(places):
            here = self.place() in places
            self._select(places, self.place() if here else int(places[0]))

    def forget(self) -> None:
        """Another project: nothing is current."""
        self._image, self._kept = NOBODY, None

    def keep(self) -> None:
        """The list is emptied and fills again, piece by piece: chosen photos are chosen again when they return."""
        if self._kept is None:
            self._kept = self.images(), self._image

    def rearrange(self) -> bool:
        """Arrange the list again; False where it is empty. A photo that is gone from it gives its place to the next."""
        kept, place = self._kept, self.place()
        chosen, image = kept or (self.images(), self._image)
        self._arranging = True
        self._listing.rearrange()
        self._arranging = False
        count = self._listing.rowCount()
        if not count:
            self._image = NOBODY
            return False
        here = self._listing.place_of(image) if image != NOBODY else NOBODY
        current = here if here != NOBODY else min(max(place, 0), count - 1)
        places = np.flatnonzero(np.isin(self._listing.images(), np.array(chosen, np.int64)))
        self._select(places if len(places) else np.array([current]), current)
        self._kept = kept if len(places) < len(chosen) else None
        return True

    def _select(self, places: np.ndarray, current: int) -> None:
        """Choose rows of the list, int64 ascending, and make one of it current."""
        stretches = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
        selection = QItemSelection()
        for stretch in stretches if len(stretches) <= _STRETCHES else [np.array([current])]:
            first, last = int(stretch[0]), int(stretch[-1])
            selection.append(QItemSelectionRange(self._listing.index(first, 0), self._listing.index(last, 0)))
        self._model.setCurrentIndex(self._listing.index(current, 0), _Flags.NoUpdate)
        self._model.select(selection, _Flags.ClearAndSelect | _Flags.Rows)

    def _on_selected(self) -> None:
        self._kept = None  # the person has chosen others; `rearrange` decides
        self.changed.emit()

    def _on_current(self) -> None:
        place = self.place()
        if not self._arranging and 0 <= place < self._listing.rowCount():
            self._image = int(self._listing.images(np.array([place]))[0])
            self.moved.emit()
