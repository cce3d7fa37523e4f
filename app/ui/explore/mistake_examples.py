"""The photos of a pair of classes that are taken for each other, side by side: one column for each direction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.core.explore.confusion import ClassName, ConfusedPair
from app.core.explore.evaluation import EvaluatedPhotos
from app.ui.background.photo_loading import Thumbnails
from app.ui.widgets import theme, thumbnail
from app.ui.widgets.basics import WrappedLabel, frame, label
from model.system.plain_text import one_line

_Index = QModelIndex | QPersistentModelIndex
_CARD = QSize(168, 144)
_PICTURE = QSize(156, 108)
_PLACE, _FILE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class _Photos(QAbstractListModel):
    """Some of the judged photos, by their places."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._judged: EvaluatedPhotos | None = None
        self._places = np.zeros(0, np.int64)

    def show(self, judged: EvaluatedPhotos, places: np.ndarray) -> None:
        self.beginResetModel()
        self._judged, self._places = judged, places
        self.endResetModel()

    def places(self) -> np.ndarray:
        return self._places

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._places)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._judged is None:
            return None
        place = int(self._places[index.row()])
        file, missing = self._judged.files[place], bool(self._judged.missing[place])
        if role == _PLACE:
            return place
        if role == _FILE:
            return None if missing else file
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return Path(file).name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{file}\nnot on this computer" if missing else file
        return None


class _Card(QStyledItemDelegate):
    def __init__(self, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """All cards are of one size."""
        return _CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The picture, its file beneath it."""
        file, state = index.data(_FILE), option.state
        picture = self._thumbnails.get(Path(file)) if file is not None else None
        missing = file is None or self._thumbnails.is_unreadable(Path(file))
        where = QRect(option.rect.topLeft() + QPoint(6, 6), _PICTURE)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        thumbnail.paint_picture(painter, QRectF(where), picture, missing=missing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        thumbnail.paint_outline(
            painter,
            QRectF(where),
            chosen=bool(state & QStyle.StateFlag.State_Selected),
            hovered=bool(state & QStyle.StateFlag.State_MouseOver),
        )
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(theme.tokens().muted))
        line = QRect(where.left(), where.bottom() + 6, where.width(), 16)
        words = painter.fontMetrics().elidedText(one_line(index.data()), Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()


class Direction(QWidget):
    """One direction: which class is taken for which, and its photos.

    Signals:
        opened: (place of the photo in the judged ones)
    """

    opened = Signal(int)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = WrappedLabel("strong")
        self._count = label("", "muted")
        self._photos = _Photos(self)
        self.list = QListView()
        self.list.setObjectName("grid")
        self.list.setModel(self._photos)
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setItemDelegate(_Card(thumbnails, self.list))
        self.list.setToolTip("double-click or Enter opens the photo")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 4, 0)
        column.setSpacing(4)
        for widget in (self._words, self._count):
            column.addWidget(widget)
        column.addSpacing(4)
        column.addWidget(self.list, 1)
        thumbnails.ready.connect(lambda: self.list.viewport().update())
        self.list.activated.connect(lambda index: self.opened.emit(int(index.data(_PLACE))))

    def show_photos(self, judged: EvaluatedPhotos, one: ClassName, other: ClassName, places: np.ndarray) -> None:
        """Photos of one class that are taken for the other."""
        self._words.set_whole(f"{one.name} taken for {other.name}")
        photos = "1 photo" if len(places) == 1 else f"{len(places):,} photos"
        types = one.type if one.type == other.type else f"{one.type} taken for {other.type}"
        told = types in (one.name, self._words.whole())  # if no class is known the type stands for it
        self._count.setText((photos if len(places) else "no photo") + ("" if told else f" · {types}"))
        self.list.setAccessibleName(self._words.whole())
        self._photos.show(judged, places)
        self.list.scrollToTop()

    def places(self) -> np.ndarray:
        """Places of the shown photos, int64."""
        return self._photos.places()

    def text(self) -> str:
        """The heading: which class is taken for which."""
        return self._words.whole()


@dataclass(frozen=True, eq=False)
class OpenedExample:
    """A photo is to be opened.

    Attributes:
        place: of the photo in the judged ones.
        shown: places of all that are listed with it, int64.
        what: what those are.
    """

    place: int
    shown: np.ndarray
    what: str


class MistakeExamples(QWidget):
    """Both directions of a pair.

    Signals:
        opened: (OpenedExample)
    """

    opened = Signal(OpenedExample)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.there, self.back = Direction(thumbnails), Direction(thumbnails)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.there, 1)
        rule = frame("rule")
        rule.setStyleSheet("max-width: 1px; min-width: 1px; max-height: 16777215px;")
        row.addWidget(rule)
        row.addWidget(self.back, 1)
        for side in (self.there, self.back):
            side.opened.connect(
                lambda place, side=side: self.opened.emit(OpenedExample(place, side.places(), side.text()))
            )

    def show_pair(self, judged: EvaluatedPhotos, pair: ConfusedPair) -> None:
        """Show the photos of a pair."""
        self.there.show_photos(judged, pair.one, pair.other, pair.there)
        self.back.show_photos(judged, pair.other, pair.one, pair.back)
