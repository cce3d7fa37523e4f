"""The photo, alone or side by side with a neighbour; zoom and place of one follow the other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.background.photo_loading import Photo, PhotoLoader
from app.ui.photo.neighbour_strip import Near
from app.ui.photo.photo_view import PhotoView
from app.ui.widgets.basics import Splitter

NO_PICTURE = "No picture of the neighbours is on this computer."


class CompareView(QWidget):
    """Two photo views, the second one hidden until it shows a neighbour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.main = PhotoView()
        self.other = PhotoView()
        self.other.setAccessibleName("neighbour's photo")
        self.other.crop_enabled = False
        self.other.hide()
        self._near: Near | None = None
        self._request = 0
        self._loader = PhotoLoader(self)
        self.splitter = Splitter("compare", Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.main)
        self.splitter.addWidget(self.other)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.splitter)
        self._loader.loaded.connect(self._on_loaded)
        self._loader.failed.connect(self._on_failed)
        self.main.moved.connect(self.other.follow)
        self.other.moved.connect(self.main.follow)

    def show_photo(self, photo: Photo, caption: str) -> None:
        """Show another photo, alone."""
        self.leave()
        self.main.show_photo(photo, caption)

    def show_message(self, words: str) -> None:
        """Show a sentence in place of a photo."""
        self.leave()
        self.main.show_message(words)

    def enter(self, near: Near) -> None:
        """Put a neighbour beside the photo; its picture is decoded on a worker."""
        if near.picture is None:
            return
        self._near = near
        self._request += 1
        if self.other.isHidden():
            self.other.show()
            self.splitter.set_defaults([self.width() // 2, self.width() // 2])
        self.other.show_message("loading")
        self._loader.load(self._request, near.picture)

    def toggle(self, near: Near) -> None:
        """Side by side with this neighbour, or back if it is on show already."""
        if self._near == near:
            self.leave()
        else:
            self.enter(near)

    def toggle_nearest(self, cards: Sequence[Near]) -> bool:
        """Side by side with the nearest neighbour that has a picture, or back; False if none has one."""
        if self.leave():
            return True
        near = next((one for one in cards if one.picture is not None), None)
        if near is not None:
            self.enter(near)
        return near is not None or not cards

    def leave(self) -> bool:
        """Back to the photo alone; True if there were two."""
        if self._near is None:
            return False
        self._near = None
        self._request += 1
        self.other.hide()
        self.other.show_photo(None)
        self.main.fit()
        return True

    def near(self) -> Near | None:
        """The neighbour beside the photo."""
        return self._near

    def stop(self) -> None:
        """Wait for the worker."""
        self._loader.stop()

    def _on_loaded(self, request: int, photo: Photo) -> None:
        if request == self._request and self._near is not None:
            self.other.show_photo(photo, f"{self._near.rank} · {self._near.name} · {self._near.similarity}")
            self.main.fit()

    def _on_failed(self, request: int, reason: str) -> None:
        if request == self._request:
            self.other.show_message(reason)
