"""The reference photos of the chosen class or type, under a heading that counts them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.gallery.gallery import Reference
from app.ui.background.photo_loading import Thumbnails
from app.ui.gallery import actions
from app.ui.gallery.gallery_session import GalleryClass, GallerySession
from app.ui.gallery.reference_cards import ReferenceCards
from app.ui.widgets.basics import ElidedLabel, small_button
from model.system.wording import counted

_TEACH = "Choose a class. To teach the program something new, drop photos on a class or on “new class”."


class ReferencePanel(QWidget):
    """Looks for the pictures of what it shows, and offers to locate them where some are missing."""

    def __init__(self, session: GallerySession, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._session = session
        self._node: GalleryClass | None = None
        self.heading = ElidedLabel(_TEACH, "muted")
        self.locate_button = small_button("folder-open", actions.LOCATE.tooltip)
        self.locate_button.setText(" locate pictures")
        self.locate_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setMinimumHeight(self.locate_button.sizeHint().height())  # it comes and goes
        self.locate_button.hide()
        self.cards = ReferenceCards(thumbnails)
        above = QHBoxLayout()
        above.setContentsMargins(12, 6, 8, 2)
        above.addWidget(self.heading, 1)
        above.addWidget(self.locate_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(above)
        whole.addWidget(self.cards, 1)

    def show_node(self, node: GalleryClass | None) -> None:
        """Show the references of a class or type, or of none."""
        references = self._session.of(node) if node is not None else []
        if node == self._node:
            self.cards.show_again(references)
        else:
            self.cards.listing.show(references)
            self._node = node
        self._show_heading(node, len(references))
        self.locate_button.hide()
        self._session.locate(references, lambda pictures: self._on_located(node, references, pictures))

    def _show_heading(self, node: GalleryClass | None, count: int, more: str = "") -> None:
        heading = _heading(node, count) if node is not None else _TEACH
        self.heading.set_whole(" · ".join(filter(None, (heading, more, self._session.contents.approximation))))

    def _on_located(
        self, node: GalleryClass | None, references: Sequence[Reference], pictures: dict[int, Path]
    ) -> None:
        self.cards.show_pictures(pictures)
        without = len(references) - len(pictures)
        if node is not None and node == self._node and without:
            self._show_heading(node, len(references), f"{without:,} without picture here")
            self.locate_button.setVisible(self._session.loaded is not None and not self._session.loaded.shared)


def _heading(node: GalleryClass, count: int) -> str:
    coarse, fine = node
    photos = counted(count, "reference photo")
    return f"{fine} · {coarse} · {photos}" if fine is not None else f"{coarse} · {photos}"
