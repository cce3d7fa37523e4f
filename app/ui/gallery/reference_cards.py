"""Reference photos as cards: the picture if it is on this computer, else name and source; the class beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PySide6.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.gallery.gallery import Reference
from app.ui.background.photo_loading import Thumbnails
from app.ui.widgets import icons, theme, thumbnail
from app.ui.widgets.cards import ITEM, Index, ItemList, lay_out_cards
from model.system.plain_text import one_line

_CARD = QSize(152, 136)
_PICTURE = QSize(136, 90)


class ReferenceCards(QListView):
    """The grid of reference photos.

    Attributes:
        pictures: where the pictures are, by the references' ids.

    Signals:
        locate_wanted: a card without its picture was double-clicked, or Return pressed on it.
    """

    locate_wanted = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("grid")
        self.setAccessibleName("reference photos")
        self.pictures: dict[int, Path] = {}
        self.listing = ItemList(_text, self._tip, self)
        self.setModel(self.listing)
        lay_out_cards(self)
        self.setSpacing(4)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setItemDelegate(_Card(self, thumbnails))
        thumbnails.ready.connect(lambda: self.viewport().update())
        self.activated.connect(self._on_activated)

    def show_again(self, references: Sequence[Reference]) -> None:
        """List these: the same class as before, but changed. The scroll position and the current card are kept."""
        place, top = self.currentIndex().row(), self.verticalScrollBar().value()
        self.listing.show(references)
        self.doItemsLayout()
        self.verticalScrollBar().setValue(top)
        if place >= 0 and references:
            self.setCurrentIndex(self.listing.index(min(place, len(references) - 1)))

    def show_pictures(self, pictures: dict[int, Path]) -> None:
        """Take the places of the pictures, by the references' ids."""
        self.pictures = pictures
        self.viewport().update()

    def chosen(self) -> list[Reference]:
        """The references that are selected."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        return [self.listing.items()[row] for row in rows]

    def _on_activated(self, index: QModelIndex) -> None:
        if index.data(ITEM).id not in self.pictures:
            self.locate_wanted.emit()

    def _tip(self, one: Reference) -> str:
        place = self.pictures.get(one.id)
        where = str(place) if place is not None else f"{one.path}, not on this computer"
        return f"{one.fine or 'no class'} ({one.coarse})\nsource: {one.source}\n{where}"


def _text(one: Reference) -> str:
    return f"{one.fine or one.coarse}: {PurePosixPath(one.path).name}"


class _Card(QStyledItemDelegate):
    def __init__(self, cards: ReferenceCards, thumbnails: Thumbnails) -> None:
        super().__init__(cards)
        self._cards, self._thumbnails = cards, thumbnails

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """All cards are of one size."""
        return _CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Picture, class, file."""
        one: Reference = index.data(ITEM)
        state, rect = option.state, option.rect
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        corner = rect.topLeft() + QPoint(8, 6)
        paint_reference(painter, corner, _PICTURE, one, self._cards.pictures.get(one.id), self._thumbnails)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        thumbnail.paint_outline(
            painter,
            QRectF(QRect(corner, _PICTURE)),
            chosen=bool(state & QStyle.StateFlag.State_Selected),
            hovered=bool(state & QStyle.StateFlag.State_MouseOver),
        )
        line = QRect(corner.x(), corner.y() + _PICTURE.height() + 5, _PICTURE.width(), 16)
        paint_words(painter, line, one.fine or "no class", theme.tokens().text)
        paint_words(painter, line.translated(0, 15), PurePosixPath(one.path).name, theme.tokens().muted)
        painter.restore()


def paint_reference(
    painter: QPainter, corner: QPoint, size: QSize, one: Reference, place: Path | None, thumbnails: Thumbnails
) -> None:
    """A reference's picture; if it is not on this computer, an icon and its source."""
    rect = QRect(corner, size)
    picture = thumbnails.get(place) if place is not None else None
    unreadable = place is not None and thumbnails.is_unreadable(place)
    thumbnail.paint_picture(painter, QRectF(rect), picture, missing=unreadable)
    if place is None:
        colour = theme.tokens().muted
        middle = rect.center()
        icons.paint(painter, QRect(middle.x() - 12, middle.y() - 22, 24, 24), "image-off", colour)
        line = QRect(rect.x() + 8, middle.y() + 8, rect.width() - 16, 16)
        paint_words(painter, line, one.source, colour, Qt.AlignmentFlag.AlignHCenter)


def paint_words(
    painter: QPainter,
    room: QRect,
    text: str,
    colour: str,
    across: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    """A line in small print that ends in an ellipsis where it does not fit."""
    painter.setFont(theme.font(theme.CAPTION))
    painter.setPen(QColor(colour))
    text = painter.fontMetrics().elidedText(one_line(text), Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, across | Qt.AlignmentFlag.AlignVCenter, text)
