"""The list of photos as a grid or as a table, one of them on show."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QAbstractItemView, QStackedWidget

from app.ui.review.photo_grid import PhotoGrid
from app.ui.review.photo_listing import PhotoListing
from app.ui.review.photo_table import PhotoTable


class PhotoViews(QStackedWidget):
    """Grid and table share what is chosen and what is current."""

    def __init__(self, listing: PhotoListing) -> None:
        super().__init__()
        self.grid, self.table = PhotoGrid(listing), PhotoTable(listing)
        self.table.setSelectionModel(self.grid.selectionModel())
        self.addWidget(self.grid)
        self.addWidget(self.table)
        self.setMinimumWidth(220)

    def view(self) -> QAbstractItemView:
        """The one on show."""
        return self.table if self.currentWidget() is self.table else self.grid

    def show_table(self, on: bool) -> None:
        """Show the table, or the grid, with the current photo in the middle."""
        self.setCurrentWidget(self.table if on else self.grid)
        if self.grid.currentIndex().isValid():
            self.view().scrollTo(self.grid.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        self.view().setFocus()

    def in_place(self, arrange: Callable[[], None]) -> None:
        """Arrange the list again after news from a run, and keep the scroll position."""
        view = self.view()
        bars = (view.verticalScrollBar(), view.horizontalScrollBar())
        values, seen = [bar.value() for bar in bars], self._sees_current()
        arrange()
        for bar, value in zip(bars, values, strict=True):
            bar.setValue(value)
        if seen and not self._sees_current():
            view.scrollTo(view.currentIndex())

    def _sees_current(self) -> bool:
        view = self.view()
        return view.viewport().rect().intersects(view.visualRect(view.currentIndex()))
