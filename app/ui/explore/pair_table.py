"""The pairs of classes that are taken for each other, as a table that can be sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.core.explore.confusion import ConfusedPair
from app.ui.widgets import theme
from app.ui.widgets.status_face import percent

HEADERS = ("class", "and", "mistakes", "share")
_COUNT, _SHARE = 2, 3
_Index = QModelIndex | QPersistentModelIndex
_KEYS: tuple[Callable[[ConfusedPair], Any], ...] = (
    lambda pair: pair.one.name.casefold(),
    lambda pair: pair.other.name.casefold(),
    lambda pair: (pair.count, pair.share),
    lambda pair: (pair.share, pair.count),
)


class PairList(QAbstractTableModel):
    """Pairs in the order of a column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pairs: list[ConfusedPair] = []
        self._column, self._order = _COUNT, Qt.SortOrder.DescendingOrder

    def show(self, pairs: Sequence[ConfusedPair]) -> None:
        """List these."""
        self.beginResetModel()
        self._pairs = self._sorted(pairs)
        self.endResetModel()

    def pair(self, row: int) -> ConfusedPair:
        """The pair in a row."""
        return self._pairs[row]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        self._column, self._order = column, order
        self.show(self._pairs)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of pairs."""
        return 0 if parent.isValid() else len(self._pairs)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Number of columns."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        if role == Qt.ItemDataRole.ToolTipRole and section == _SHARE:
            return "of the photos of both classes, how many are taken for the other one"
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell's text; all of the pair as its tooltip."""
        pair, column = self._pairs[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (pair.one.name, pair.other.name, f"{pair.count:,}", percent(pair.share))[column]
        if role == Qt.ItemDataRole.TextAlignmentRole and column >= _COUNT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            one, other = (f"{label.name} ({label.type})" for label in (pair.one, pair.other))
            there, back = f"{one} taken for {other}: {len(pair.there):,}", f"the other way: {len(pair.back):,}"
            return f"{there}\n{back}\nphotos of both: {pair.photos:,}"
        return None

    def _sorted(self, pairs: Sequence[ConfusedPair]) -> list[ConfusedPair]:
        return sorted(pairs, key=_KEYS[self._column], reverse=self._order is Qt.SortOrder.DescendingOrder)


class PairTable(QTableView):
    """Signals:
    chosen: (ConfusedPair) another row is current
    """

    chosen = Signal(ConfusedPair)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("table")
        self.setAccessibleName("classes that are taken for each other")
        self.listing = PairList(self)
        self.setModel(self.listing)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the year at the end distinguishes many classes
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme.HIT + 2)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in range(_COUNT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        for column in (_COUNT, _SHARE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, 84)
        self.setSortingEnabled(True)
        self.sortByColumn(_COUNT, Qt.SortOrder.DescendingOrder)
        self.selectionModel().currentRowChanged.connect(lambda now, _before: self._tell(now))
        self.listing.modelReset.connect(self._go_first)

    def show_pairs(self, pairs: Sequence[ConfusedPair]) -> None:
        """List these; the current pair stays current if it is among them."""
        row = self.currentIndex().row()
        before = self.listing.pair(row) if 0 <= row < self.listing.rowCount() else None
        self.listing.show(pairs)
        if before is not None:
            named = {before.one, before.other}
            for place in range(self.listing.rowCount()):
                if {self.listing.pair(place).one, self.listing.pair(place).other} == named:
                    self.setCurrentIndex(self.listing.index(place, 0))
                    break

    def texts(self) -> list[tuple[str, ...]]:
        """The texts of the rows."""
        rows, columns = range(self.listing.rowCount()), range(len(HEADERS))
        return [tuple(str(self.listing.index(row, column).data()) for column in columns) for row in rows]

    def _go_first(self) -> None:
        if self.listing.rowCount():
            self.setCurrentIndex(self.listing.index(0, 0))

    def _tell(self, now: QModelIndex) -> None:
        if now.isValid():
            self.chosen.emit(self.listing.pair(now.row()))
