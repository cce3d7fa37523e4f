"""The photos of a pair of classes that are taken for each other, side by side: one column for each direction."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
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
from app.ui.widgets.cards import ITEM, Index, ItemList, lay_out_cards
from model.system.plain_text import one_line
from model.system.wording import counted

_CARD = QSize(168, 144)
_PICTURE = QSize(156, 108)


@dataclass(frozen=True)
class _Example:
    """One of the judged photos: its place among them, its file, and whether that is not on this computer."""

    place: int
    file: str
    missing: bool

    @property
    def name(self) -> str:
        return Path(self.file).name

    @property
    def tip(self) -> str:
        return f"{self.file}\nnot on this computer" if self.missing else self.file


class _Card(QStyledItemDelegate):
    def __init__(self, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """All cards are of one size."""
        return _CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The picture, its file beneath it."""
        example: _Example = index.data(ITEM)
        file, state = Path(example.file), option.state
        picture = None if example.missing else self._thumbnails.get(file)
        missing = example.missing or self._thumbnails.is_unreadable(file)
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
        words = painter.fontMetrics().elidedText(one_line(example.name), Qt.TextElideMode.ElideMiddle, line.width())
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
        self._places = np.zeros(0, np.int64)
        self._photos = ItemList[_Example](attrgetter("name"), attrgetter("tip"), self)
        self.list = QListView()
        self.list.setObjectName("grid")
        self.list.setModel(self._photos)
        lay_out_cards(self.list)
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
        self.list.activated.connect(lambda index: self.opened.emit(index.data(ITEM).place))

    def show_photos(self, judged: EvaluatedPhotos, one: ClassName, other: ClassName, places: np.ndarray) -> None:
        """Photos of one class that are taken for the other."""
        self._words.set_whole(f"{one.name} taken for {other.name}")
        photos = counted(len(places), "photo")
        types = one.type if one.type == other.type else f"{one.type} taken for {other.type}"
        named = types in (one.name, self._words.whole())  # if no class is known the type stands for it
        self._count.setText((photos if len(places) else "no photo") + ("" if named else f" · {types}"))
        self.list.setAccessibleName(self._words.whole())
        self._places = places
        self._photos.show([_Example(one, judged.files[one], bool(judged.missing[one])) for one in places.tolist()])
        self.list.scrollToTop()

    def places(self) -> np.ndarray:
        """Places of the shown photos, int64."""
        return self._places

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
