"""Reference photos as cards: the picture if it is on this computer, else name and source; the class beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

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
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.gallery.gallery import Reference
from app.ui.background.photo_loading import Thumbnails
from app.ui.widgets import icons, theme, thumbnail
from model.system.plain_text import one_line

_Index = QModelIndex | QPersistentModelIndex
_CARD = QSize(152, 136)
_PICTURE = QSize(136, 90)
_REFERENCE = Qt.ItemDataRole.UserRole


class ReferenceList(QAbstractListModel):
    """References in the order of their ids; `pictures`: where their pictures are, by id."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._references: list[Reference] = []
        self.pictures: dict[int, Path] = {}

    def show(self, references: Sequence[Reference]) -> None:
        """List these."""
        self.beginResetModel()
        self._references = list(references)
        self.endResetModel()

    def references(self) -> list[Reference]:
        """The listed references."""
        return self._references

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of references."""
        return 0 if parent.isValid() else len(self._references)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Name, tooltip, or the reference itself."""
        one = self._references[index.row()]
        if role == _REFERENCE:
            return one
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{one.fine or one.coarse}: {PurePosixPath(one.path).name}"
        if role == Qt.ItemDataRole.ToolTipRole:
            place = self.pictures.get(one.id)
            where = str(place) if place is not None else f"{one.path}, not on this computer"
            return f"{one.fine or 'no class'} ({one.coarse})\nsource: {one.source}\n{where}"
        return None


class ReferenceCards(QListView):
    """The grid of reference photos.

    Signals:
        locate_wanted: a card without its picture was double-clicked, or Return pressed on it.
    """

    locate_wanted = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("grid")
        self.setAccessibleName("reference photos")
        self.listing = ReferenceList(self)
        self.setModel(self.listing)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSpacing(4)
        self.setMouseTracking(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(_Card(self.listing, thumbnails, self))
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
        self.listing.pictures = pictures
        self.viewport().update()

    def chosen(self) -> list[Reference]:
        """The references that are selected."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        return [self.listing.references()[row] for row in rows]

    def _on_activated(self, index: QModelIndex) -> None:
        if index.data(_REFERENCE).id not in self.listing.pictures:
            self.locate_wanted.emit()


class _Card(QStyledItemDelegate):
    def __init__(self, listing: ReferenceList, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self._listing, self._thumbnails = listing, thumbnails

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """All cards are of one size."""
        return _CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Picture, class, file."""
        one: Reference = index.data(_REFERENCE)
        state, rect = option.state, option.rect
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        corner = rect.topLeft() + QPoint(8, 6)
        paint_reference(painter, corner, _PICTURE, one, self._listing.pictures.get(one.id), self._thumbnails)
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
