"""The cells of a study as a table: figures, and how each differs from its baseline."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.ui.widgets import icons, theme

if TYPE_CHECKING:
    from app.core.training.study import MeasuredStudy, StudyLine
    from model.experiments.comparison import Comparison

Index = QModelIndex | QPersistentModelIndex
_SORT = Qt.ItemDataRole.UserRole
_NOTHING = "–"
_DISC = 16
_ROOM_FOR_SIGN = "\u2003"  # room for the sort arrow, which would cover a heading on the right
_WIDTHS = (240, 190, 60, 168, 124, 140, 80, 160)
FACES = {
    "better": ("circle-check", "ok"),
    "worse": ("circle-x", "danger"),
    "not distinguishable": ("circle-dot", "muted"),
}
"""Icon and colour of a comparison's result; untested ones have none."""


@dataclass(frozen=True)
class _Column:
    """A column: its head, the text of a line, and its sorting key."""

    head: Callable[[MeasuredStudy], str]
    text: Callable[[MeasuredStudy, StudyLine], str]
    rank: Callable[[StudyLine], float | str]


def unit(study: MeasuredStudy) -> str:
    """The unit of a difference of the study's figure."""
    return "points" if study.scale == 100.0 else study.words


def number(study: MeasuredStudy, value: float, sign: str = "") -> str:
    """A value of the study's figure."""
    return _NOTHING if math.isnan(value) else f"{study.scale * value:{sign}.{2 if study.scale == 100.0 else 3}f}"


def span(study: MeasuredStudy, own: Comparison | None) -> str:
    """The 95 % interval of a difference."""
    if own is None or math.isnan(own.half):
        return _NOTHING
    return f"{number(study, own.mean - own.half, '+')} to {number(study, own.mean + own.half, '+')}"


def chance(own: Comparison | None) -> str:
    """The corrected p of a difference."""
    if own is None or math.isnan(own.holm_t):
        return _NOTHING
    return "< 0.001" if own.holm_t < 0.001 else f"{own.holm_t:.3f}"


def _figure_head(study: MeasuredStudy) -> str:
    per_cent = " (%)" if study.scale == 100.0 else ""
    return f"{study.words}{per_cent}, mean ± SD"


def _mean(study: MeasuredStudy, line: StudyLine) -> str:
    spread = "" if math.isnan(line.spread) else f" ± {number(study, line.spread)}"
    return number(study, line.mean) + spread


def _words(_study: MeasuredStudy, line: StudyLine) -> str:
    parts: list[str] = [line.comparison.verdict] if line.comparison else []
    if line.collapsed:
        parts.append(f"{line.collapsed} collapsed")
    return " · ".join(parts)


_COLUMNS = (
    _Column(lambda _: "cell", lambda _, line: line.cell, lambda line: line.cell),
    _Column(
        lambda _: "compared with",
        lambda _, line: line.comparison.baseline if line.comparison else "",
        lambda line: line.comparison.baseline if line.comparison else "",
    ),
    _Column(lambda _: "seeds", lambda _, line: str(line.seeds), lambda line: line.seeds),
    _Column(_figure_head, _mean, lambda line: line.mean),
    _Column(
        lambda study: f"difference, {unit(study)}" if study.scale == 100.0 else "difference",
        lambda study, line: number(study, line.comparison.mean, "+") if line.comparison else "",
        lambda line: line.comparison.mean if line.comparison else math.nan,
    ),
    _Column(
        lambda _: "95 % interval",
        lambda study, line: span(study, line.comparison) if line.comparison else "",
        lambda line: line.comparison.mean - line.comparison.half if line.comparison else math.nan,
    ),
    _Column(
        lambda _: "p (Holm)",
        lambda _, line: chance(line.comparison) if line.comparison else "",
        lambda line: line.comparison.holm_t if line.comparison else math.nan,
    ),
    _Column(lambda _: "in words", _words, lambda line: line.comparison.verdict if line.comparison else ""),
)
_TIPS = {
    3: "mean over the seeds, and their standard deviation",
    5: "of the difference, paired by seed; not corrected",
    6: "paired t-test, corrected by Holm for all comparisons of this figure",
}
_RIGHT = {2, 3, 4, 5, 6}


class _Lines(QAbstractTableModel):
    """The lines of a study; `marks` are the colours of the cells whose curves are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.study: MeasuredStudy | None = None
        self.marks: dict[str, QColor] = {}
        self.sorted_by = -1

    def take(self, study: MeasuredStudy) -> None:
        self.beginResetModel()
        self.study = study
        self.endResetModel()

    def mark(self, colours: dict[str, QColor]) -> None:
        self.marks = colours
        if self.rowCount():
            role = Qt.ItemDataRole.DecorationRole
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, 0), [role])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() or self.study is None else len(self.study.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or self.study is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section].head(self.study) + _ROOM_FOR_SIGN * (section == self.sorted_by)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS.get(section)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.study is None:
            return None
        line, column = self.study.lines[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return _COLUMNS[column].text(self.study, line)
        if role == _SORT:
            return _COLUMNS[column].rank(line)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return _disc(self.marks.get(line.cell))
        if role == Qt.ItemDataRole.DecorationRole and column == len(_COLUMNS) - 1 and line.comparison:
            face = FACES.get(line.comparison.verdict)
            return _true(icons.tinted(face[0], getattr(theme.tokens(), face[1]), _DISC, 2.0)) if face else None
        return None


class _Order(QSortFilterProxyModel):
    """Lines without a figure are at the end, in either direction."""

    def __init__(self) -> None:
        super().__init__()
        self.setSortRole(_SORT)

    def lessThan(self, left: Index, right: Index) -> bool:
        one, other = left.data(_SORT), right.data(_SORT)
        last = math.inf if self.sortOrder() is Qt.SortOrder.AscendingOrder else -math.inf
        one, other = (last if value != value else value for value in (one, other))  # NaN does not equal itself
        return bool(one < other)


class StudyTable(QTableView):
    """Signals:
    chosen: other lines are chosen
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("table")
        self.setAccessibleName("cells of the study")
        self._lines, self._order = _Lines(), _Order()
        self._order.setSourceModel(self._lines)
        self.setModel(self._order)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setToolTip("chosen lines are drawn below; Ctrl and Shift choose several")
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme.HIT)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setStretchLastSection(True)
        head.sortIndicatorChanged.connect(lambda section, _order: setattr(self._lines, "sorted_by", section))
        self.setSortingEnabled(True)
        self.sortByColumn(3, Qt.SortOrder.DescendingOrder)
        for section, width in enumerate(_WIDTHS):
            self.setColumnWidth(section, width)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())

    def show_study(self, study: MeasuredStudy, *, choose_first: bool) -> None:
        """Update the table; what is chosen stays chosen, unless the first line is to be chosen."""
        keys = set() if choose_first else {_key(line) for line in self.lines()}
        current = self.currentIndex().row()
        self.blockSignals(True)
        self._lines.take(study)
        rows = [row for row, line in enumerate(study.lines) if _key(line) in keys]
        selection = QItemSelection()
        for row in rows:
            place = self._order.mapFromSource(self._lines.index(row, 0))
            selection.select(place, place)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        if rows:
            self.selectionModel().select(selection, flags)
            at = self._order.index(max(current, 0), 0)
            self.selectionModel().setCurrentIndex(at, QItemSelectionModel.SelectionFlag.NoUpdate)
        elif study.lines:
            self.selectRow(0)
        self.blockSignals(False)
        self.chosen.emit()

    def lines(self) -> list[StudyLine]:
        """The chosen ones, in the order of the table."""
        study = self._lines.study
        if study is None:
            return []
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [study.lines[self._order.mapToSource(self._order.index(row, 0)).row()] for row in rows]

    def choose(self, line: StudyLine) -> None:
        """Choose this line alone."""
        assert self._lines.study is not None
        row = self._lines.study.lines.index(line)
        self.selectRow(self._order.mapFromSource(self._lines.index(row, 0)).row())

    def mark(self, colours: dict[str, QColor]) -> None:
        """Show the colours of the curves beside their cells."""
        self._lines.mark(colours)


def _side(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _key(line: StudyLine) -> tuple[str, str]:
    return line.cell, line.comparison.baseline if line.comparison else ""


def _disc(colour: QColor | None) -> QIcon:
    """A disc, or as much empty room, so that the names are aligned."""
    picture = QPixmap(_DISC * 2, _DISC * 2)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    if colour is not None:
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(3, 3, 10, 10)
        painter.end()
    return _true(picture)


def _true(picture: QPixmap) -> QIcon:
    """An icon that keeps its colour in a chosen line."""
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon
