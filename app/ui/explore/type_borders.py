"""Beside the matrix: the borders between types that are crossed most often, as a list."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app.core.explore.confusion import Crossing
from app.ui.widgets.basics import label
from app.ui.widgets.status_face import percent

_CELL = Qt.ItemDataRole.UserRole


class TypeBorders(QFrame):
    """Signals:
    cell_chosen: (type, type it is taken for)
    """

    cell_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setMinimumWidth(220)
        self.list = QTreeWidget()
        self.list.setObjectName("tree")
        self.list.setAccessibleName("types that are taken for each other, the most frequent first")
        self.list.setToolTip("double-click or Enter lists the classes behind it")
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 4, 0)
        column.setSpacing(8)
        title = label("Most crossed borders", "strong")
        title.setContentsMargins(4, 0, 0, 0)
        column.addWidget(title)
        column.addWidget(self.list, 1)
        self.list.itemActivated.connect(lambda item: self.cell_chosen.emit(*item.data(0, _CELL)))

    def show_crossing(self, crossing: Crossing) -> None:
        """List the borders of these figures."""
        self.list.clear()
        across = crossing.counts * (1 - np.eye(len(crossing.types), dtype=np.int64))
        rows, columns = np.unravel_index(np.argsort(-across, axis=None, kind="stable"), across.shape)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if not across[row, column]:
                break
            cell = (crossing.types[row], crossing.types[column])
            words = f"{cell[0]} taken for {cell[1]}"
            item = QTreeWidgetItem([words, f"{across[row, column]:,}", percent(crossing.share(row, column))])
            item.setData(0, _CELL, cell)
            item.setToolTip(0, words)
            for place in (1, 2):
                item.setTextAlignment(place, right)
            self.list.addTopLevelItem(item)
