"""The same photos as lines of a table."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.core.review.arrangement import Order
from app.ui.review.photo_listing import PhotoListing
from app.ui.widgets import theme

_WIDTHS = (180, 92, 84, 190, 100, 88, 64, 320)
_ORDERS = {0: Order.NAME, 3: Order.CLASS, 5: Order.CONFIDENCE, 6: Order.MARGIN}
_PICTURE = QSize(42, 28)


class PhotoTable(QTableView):
    """Signals:
    sorting_wanted: (Order) a column's head was clicked
    """

    sorting_wanted = Signal(Order)

    def __init__(self, listing: PhotoListing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("table")
        self.setAccessibleName("photos of the project")
        self.setModel(listing)
        self.setItemDelegate(_Delegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme.HIT + 4)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionsClickable(True)
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().sectionClicked.connect(self._on_head)
        for section, width in enumerate(_WIDTHS):
            self.setColumnWidth(section, width)

    def _on_head(self, section: int) -> None:
        order = _ORDERS.get(section)
        if order is not None:
            self.sorting_wanted.emit(order)


class _Delegate(QStyledItemDelegate):
    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """The thumbnail as small as the line is high; room for it is kept while it is being made."""
        super().initStyleOption(option, index)
        option.decorationSize = _PICTURE
