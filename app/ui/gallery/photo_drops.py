"""Photos that are dropped on the page Gallery: shows where they would go, and enrols them there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.gallery.class_commands import Commands
from app.ui.gallery.class_tree import ClassTree
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.gallery.reference_cards import ReferenceCards
from app.ui.widgets.drop_target import local_files


class PhotoDrops(QObject):
    """Takes what is dropped anywhere on a page."""

    def __init__(
        self, page: QWidget, commands: Commands, tree: ClassTree, cards: ReferenceCards, new: QPushButton
    ) -> None:
        """`new`: the widget that stands for a new class."""
        super().__init__(page)
        self._page, self._commands, self._tree, self._cards, self._new = page, commands, tree, cards, new
        page.setAcceptDrops(True)
        page.installEventFilter(self)

    def target_at(self, point: QPoint) -> GalleryClass | None:
        """The class for photos dropped at a point of the page; None: a new class."""
        viewport = self._tree.viewport()
        if self._tree.isVisible() and viewport.rect().contains(inside := viewport.mapFrom(self._page, point)):
            return self._tree.node_at(inside)
        cards = self._cards.viewport()
        over_cards = self._cards.isVisible() and cards.rect().contains(cards.mapFrom(self._page, point))
        return self._tree.node() if over_cards else None

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Files and folders may be dropped if there is a gallery that takes additions."""
        kind = event.type()
        if kind is QEvent.Type.DragEnter and isinstance(event, QDropEvent):
            if self._commands.enabled and _local(event):
                event.acceptProposedAction()
                return True
        elif kind is QEvent.Type.DragMove and isinstance(event, QDragMoveEvent):
            event.acceptProposedAction()
            node = self.target_at(event.position().toPoint())
            self._mark(node, new=node is None)
            return True
        elif kind is QEvent.Type.DragLeave:
            self._mark(None, new=False)
        elif kind is QEvent.Type.Drop and isinstance(event, QDropEvent):
            self._mark(None, new=False)
            event.acceptProposedAction()
            self._commands.teach(_local(event), self.target_at(event.position().toPoint()))
            return True
        return False

    def _mark(self, node: GalleryClass | None, *, new: bool) -> None:
        self._tree.mark(node)
        self._new.setProperty("kind", "target" if new else "")
        self._new.style().polish(self._new)


def _local(event: QDropEvent) -> list[Path]:
    return local_files(event.mimeData())
