"""Photos in rows and columns, any number of them: only visible ones are laid out, painted and loaded."""

from __future__ import annotations

import time
from collections import OrderedDict

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QRegion, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from app.core.project.labels import Verdict
from app.core.recognition.decision import Status
from app.ui.review.photo_listing import ListedPhoto, PhotoListing
from app.ui.widgets import icons, theme, thumbnail
from app.ui.widgets.status_face import VERDICT_FACES

_PAD = 8
_LINE = 18
_PAINT_SECONDS = 0.006  # for new cells in a frame
_CELLS_KEPT = 400  # painted ones, about 60 KB each
_VEIL = 170  # of 255, over what is excluded
_SIZES = (88, 112, 136, 176, 224)
"""Widths of a thumbnail, pixels."""
_Index = QModelIndex | QPersistentModelIndex


class PhotoGrid(QAbstractItemView):
    """A view whose geometry is arithmetic, so that 100,000 rows cost no more than a hundred."""

    def __init__(self, listing: PhotoListing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("grid")
        self.setAccessibleName("photos of the project")
        self._size = 2
        self._hovered = -1
        self._listing = listing
        # by image: what its cell showed, and the picture of it
        self._painted: OrderedDict[int, tuple[tuple[object, ...], QPixmap]] = OrderedDict()
        self._look: tuple[object, ...] = ()
        self._anchor = 0
        self.setModel(listing)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    # geometry

    def across(self) -> int:
        """Photos in a row."""
        return max(1, (self.viewport().width() - _PAD) // self._cell().width())

    def visualRect(self, index: _Index) -> QRect:
        """Where an item is painted, in the viewport."""
        if not index.isValid() or index.column() != 0:
            return QRect()
        return self._rect(index.row())

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The item at a point of the viewport."""
        cell, across = self._cell(), self.across()
        column = (point.x() - self._left()) // cell.width()
        line = (point.y() + self.verticalOffset() - _PAD) // cell.height()
        place = line * across + column
        if 0 <= column < across and 0 <= place < self.model().rowCount() and line >= 0:
            return self.model().index(place, 0)
        return QModelIndex()

    def scrollTo(
        self, index: _Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Make an item visible, with as little movement as possible."""
        self.executeDelayedItemsLayout()  # otherwise the bar would end where the old list ended
        rect, bar = self.visualRect(index), self.verticalScrollBar()
        if hint is QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - self.viewport().height() // 2)
        elif rect.top() < 0:
            bar.setValue(bar.value() + rect.top() - _PAD)
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height() + _PAD)

    def horizontalOffset(self) -> int:
        """It never scrolls sideways."""
        return 0

    def verticalOffset(self) -> int:
        """Pixels scrolled down."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, _index: _Index) -> bool:
        """No item is hidden."""
        return False

    def moveCursor(self, action: QAbstractItemView.CursorAction, _modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Where the arrows, Page Up and Down, Home and End lead."""
        count = self.model().rowCount()
        if not count:
            return QModelIndex()
        actions = QAbstractItemView.CursorAction
        across, page = self.across(), self.across() * max(1, self.viewport().height() // self._cell().height())
        here = max(self.currentIndex().row(), 0)
        steps = {
            actions.MoveLeft: -1,
            actions.MovePrevious: -1,
            actions.MoveRight: 1,
            actions.MoveNext: 1,
            actions.MoveUp: -across,
            actions.MoveDown: across,
            actions.MovePageUp: -page,
            actions.MovePageDown: page,
            actions.MoveHome: -count,
            actions.MoveEnd: count,
        }
        return self.model().index(min(max(here + steps.get(action, 0), 0), count - 1), 0)

    def setSelection(self, rect: QRect, flags: QItemSelectionModel.SelectionFlag) -> None:
        """Select what a rubber band touches; with Shift, everything between the first photo and the current one."""
        selection = QItemSelection()
        flag = QItemSelectionModel.SelectionFlag
        if self.state() is not QAbstractItemView.State.DragSelectingState:
            here = self.currentIndex()
            if not flags & flag.Current:
                self._anchor = here.row()
            elif not self.selectionModel().isSelected(self.model().index(self._anchor, 0)):
                ranges = self.selectionModel().selection()
                self._anchor = ranges.at(0).top() if ranges.size() else here.row()
            first, last = sorted((self._anchor, here.row()))
            if first >= 0:
                selection.select(self.model().index(first, 0), self.model().index(last, 0))
            self.selectionModel().select(selection, flags | flag.Rows)
            return
        wanted = rect.normalized()
        cell, across, count = self._cell(), self.across(), self.model().rowCount()
        first = max((wanted.left() - self._left()) // cell.width(), 0)
        last = min((wanted.right() - self._left()) // cell.width(), across - 1)
        top = max((wanted.top() + self.verticalOffset() - _PAD) // cell.height(), 0)
        bottom = (wanted.bottom() + self.verticalOffset() - _PAD) // cell.height()
        for line in range(top, min(bottom, count // across) + 1):
            start, end = line * across + first, min(line * across + last, count - 1)
            if first <= last and start <= end:
                selection.select(self.model().index(start, 0), self.model().index(end, 0))
        self.selectionModel().select(selection, flags | flag.Rows)

    def selectionCommand(self, index: _Index, event: object = None) -> QItemSelectionModel.SelectionFlag:
        """As usual, but a range from Shift consists of runs of rows, not of a rectangle."""
        return super().selectionCommand(index, event) | QItemSelectionModel.SelectionFlag.Rows  # type: ignore[arg-type]

    def visualRegionForSelection(self, _selection: QItemSelection) -> QRegion:
        """The whole viewport: painting it again is cheaper than adding up 10,000 rectangles."""
        return QRegion(self.viewport().rect())

    def zoom(self, step: int) -> None:
        """Larger or smaller thumbnails; the current photo stays visible."""
        self._size = min(max(self._size + step, 0), len(_SIZES) - 1)
        self.updateGeometries()
        self.scrollTo(self.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        self.viewport().update()

    def updateGeometries(self) -> None:
        """Length and steps of the scroll bar."""
        lines = -(-self.model().rowCount() // self.across()) if self.model() is not None else 0
        height, bar = self.viewport().height(), self.verticalScrollBar()
        bar.setRange(0, max(0, lines * self._cell().height() + 2 * _PAD - height))
        bar.setPageStep(height)
        bar.setSingleStep(self._cell().height() // 2)
        super().updateGeometries()

    def _cell(self) -> QSize:
        width = _SIZES[self._size]
        return QSize(width + _PAD, width * 2 // 3 + _LINE + 2 * _PAD)

    def _left(self) -> int:
        return _PAD // 2 + (self.viewport().width() - _PAD - self.across() * self._cell().width()) // 2

    def _rect(self, place: int) -> QRect:
        line, column = divmod(place, self.across())
        cell = self._cell()
        return QRect(
            self._left() + column * cell.width(),
            _PAD + line * cell.height() - self.verticalOffset(),
            cell.width(),
            cell.height(),
        )

    # events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other columns: the current photo stays visible."""
        super().resizeEvent(event)
        self.updateGeometries()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl change the size of the thumbnails."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emphasise the photo beneath the pointer."""
        self._hovered = self.indexAt(event.position().toPoint()).row()
        self.viewport().update()
        super().mouseMoveEvent(event)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint what becomes visible."""
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible items, reusing the earlier painting of those that have not changed.

        Painting one takes dozens of calls into Qt, and after each of them a thread that decodes may keep the GUI thread
        waiting for the interpreter. Items for which a frame has no time stay as they were until the next frame.
        """
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(theme.tokens().window))
        across, cell = self.across(), self._cell()
        self._forget_old_cells()
        ranges = self.selectionModel().selection()
        chosen = [(one.top(), one.bottom()) for one in (ranges.at(i) for i in range(ranges.size()))]
        first = max(0, (self.verticalOffset() - _PAD) // cell.height()) * across
        last = ((self.verticalOffset() + self.viewport().height()) // cell.height() + 1) * across
        until, behind = time.perf_counter() + _PAINT_SECONDS, False
        for place in range(first, min(last, self.model().rowCount())):
            inside = any(top <= place <= bottom for top, bottom in chosen)
            image, row, picture = self._listing.cell(place)
            look = (row, picture.cacheKey() if picture is not None else 0, inside, place == self._hovered)
            known = self._painted.get(image)
            if known is None or known[0] != look:
                if time.perf_counter() > until:
                    behind = True
                else:
                    known = look, self._make_cell(row, picture, chosen=inside, hovered=place == self._hovered)
            if known is not None:
                self._painted[image] = known
                self._painted.move_to_end(image)
                painter.drawPixmap(self._rect(place).topLeft(), known[1])
        painter.end()
        if behind:
            self.viewport().update()

    def _make_cell(self, row: ListedPhoto, picture: QPixmap | None, *, chosen: bool, hovered: bool) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made = QPixmap(self._cell() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(QColor(theme.tokens().window))
        painter = QPainter(made)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._paint(painter, row, picture, chosen=chosen, hovered=hovered)
        painter.end()
        return made

    def _forget_old_cells(self) -> None:
        """Drop cells of another size or theme, or if there are too many."""
        look = (self._size, theme.tokens().name, self.devicePixelRatioF())
        if look != self._look:
            self._painted.clear()
            self._look = look
        while len(self._painted) > _CELLS_KEPT:
            self._painted.popitem(last=False)

    def _paint(
        self, painter: QPainter, row: ListedPhoto, picture: QPixmap | None, *, chosen: bool, hovered: bool
    ) -> None:
        width = _SIZES[self._size]
        frame = QRectF(_PAD / 2, _PAD / 2, width, width * 2 // 3)
        thumbnail.paint_picture(painter, frame, picture, missing=row.status is Status.ERROR)
        if row.verdict is Verdict.EXCLUDED:
            veil = QColor(theme.tokens().window)
            veil.setAlpha(_VEIL)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(veil)
            painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        thumbnail.paint_outline(painter, frame, chosen=chosen, hovered=hovered)
        if row.verdict is not None:
            self._paint_verdict(painter, frame, row.verdict)
        line = QRect(_PAD // 2, round(frame.bottom()) + 5, width, _LINE)
        thumbnail.paint_line(painter, line, row.status, row.text or row.name)

    def _paint_verdict(self, painter: QPainter, frame: QRectF, verdict: Verdict) -> None:
        face = VERDICT_FACES[verdict]
        badge = QRectF(frame.right() - 24, frame.top() + 4, 20, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens().surface))
        painter.drawEllipse(badge)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        icons.paint(painter, badge.toRect().adjusted(3, 3, -3, -3), face.icon, face.colour)
