"""Items as cards in a list view: the model that lists them, and how they are laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QListView

ITEM = Qt.ItemDataRole.UserRole
"""The role of the item itself."""
_TEXT = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex


class ItemList(QAbstractListModel, Generic[T]):
    """Lists items of one kind.

    Args:
        text: what is said of an item, also by a screen reader.
        tip: its tooltip.
    """

    def __init__(self, text: Callable[[T], str], tip: Callable[[T], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text, self._tip = text, tip
        self._items: list[T] = []

    def show(self, items: Sequence[T]) -> None:
        """List these."""
        self.beginResetModel()
        self._items = list(items)
        self.endResetModel()

    def items(self) -> list[T]:
        """What is listed."""
        return self._items

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of items."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The item, its text or its tooltip."""
        item = self._items[index.row()]
        if role == ITEM:
            return item
        if role in _TEXT:
            return self._text(item)
        return self._tip(item) if role == Qt.ItemDataRole.ToolTipRole else None


def lay_out_cards(view: QListView) -> None:
    """Cards of one size in as many columns as there is room for, emphasised beneath the pointer."""
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setMovement(QListView.Movement.Static)
    view.setResizeMode(QListView.ResizeMode.Adjust)
    view.setUniformItemSizes(True)
    view.setMouseTracking(True)
    view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
