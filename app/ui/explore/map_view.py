"""The map: points to pan, zoom, point at and choose from, drawn as one picture however many there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.core.explore.projection import inside
from app.core.recognition.features import NOBODY
from app.ui.explore.point_painter import PointPainter, radius_for
from app.ui.widgets import theme
from app.ui.widgets.thumbnail import paint_picture
from model.system.plain_text import one_line

_REACH = 9.0  # pixels from the pointer to a point that is meant
_MARGIN = 28
_CLICK = 4.0  # pixels that the pointer may move during a click
_STEP = 3.0  # pixels between two corners of a lasso
_LEAST_SCALE, _MOST_SCALE = 10.0, 1e6  # pixels for a unit of the map
_SINGLE, _DIMMED, _CHOSEN = 0.8, 0.16, 0.95  # opacity of a dot
_FEW = 1000  # so many points have dots of the same size on a screen of any density
_CARD = QSize(208, 180)


class Tool(StrEnum):
    """What dragging does."""

    MOVE = "move"
    LASSO = "lasso"
    BOX = "box"


@dataclass(frozen=True)
class PointCard:
    """What is shown of the point beneath the pointer; `missing`: there is no picture of it."""

    title: str
    beneath: str
    picture: QPixmap | None
    missing: bool


class MapView(QWidget):
    """Signals:
    chosen_changed: other points are chosen
    clicked: (point) one was clicked
    opened: (point) one was double-clicked
    """

    chosen_changed = Signal()
    clicked = Signal(int)
    opened = Signal(int)

    def __init__(self, card: Callable[[int], PointCard], parent: QWidget | None = None) -> None:
        """`card` is called for the point beneath the pointer at each painting."""
        super().__init__(parent)
        self.setObjectName("map")
        self.setAccessibleName("map of the photos: similar photos are close together")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 200)
        self._card = card
        self._places = np.zeros((0, 2), np.float32)
        self._colours = np.zeros((0, 3), np.uint8)
        self._chosen = np.zeros(0, bool)
        self._below, self._above = PointPainter(), PointPainter()
        self._layer, self._stale = QImage(), True
        self._scale, self._centre, self._fitting = 1.0, np.zeros(2), True
        self._tool = Tool.MOVE
        self._hovered, self._current = NOBODY, NOBODY
        self._pressed: QPointF | None = None
        self._moving = False
        self._drag: list[QPointF] = []

    # what is shown

    def show_points(self, places: np.ndarray, colours: np.ndarray) -> None:
        """Show other points: places float32 [N, 2] from -1 to 1, y upwards, and colours uint8 [N, 3]."""
        self._colours, self._chosen = colours, np.zeros(len(places), bool)
        self._hovered = self._current = NOBODY
        self._fitting = True
        self.move_points(places)
        self.chosen_changed.emit()

    def move_points(self, places: np.ndarray) -> None:
        """Move the same points."""
        self._places = places
        if self._fitting:
            self._fit()
        self.redraw()

    def colour_points(self, colours: np.ndarray) -> None:
        """Give the same points other colours: uint8 [N, 3]."""
        self._colours = colours
        self.redraw()

    def set_current(self, point: int) -> None:
        """Ring a point, or none (NOBODY)."""
        self._current = point
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """What dragging does from now on."""
        self._tool = tool
        self.setCursor(Qt.CursorShape.ArrowCursor if tool is Tool.MOVE else Qt.CursorShape.CrossCursor)

    def redraw(self) -> None:
        """Draw the points again."""
        self._stale = True
        self.update()

    def places(self) -> np.ndarray:
        """The places of the points: float32 [N, 2]."""
        return self._places

    def colours(self) -> np.ndarray:
        """The colours of the points: uint8 [N, 3]."""
        return self._colours

    def hovered(self) -> int:
        """The point beneath the pointer, or NOBODY."""
        return self._hovered

    def picture(self, scale: float = 2.0) -> QImage:
        """The visible part, on the theme's ground, enlarged this many times."""
        result = QImage(self.size() * scale, QImage.Format.Format_RGB32)
        result.fill(QColor(theme.tokens().window))
        painter = QPainter(result)
        self._draw_points(painter, PointPainter(), PointPainter(), scale)
        painter.end()
        return result

    # the choice

    def chosen(self) -> np.ndarray:
        """Points that are chosen, int64, ascending."""
        return np.flatnonzero(self._chosen)

    def choose(self, points: np.ndarray, *, more: bool = False) -> None:
        """Choose points; `more`: beside those that are chosen."""
        mask = self._chosen.copy() if more else np.zeros(len(self._places), bool)
        mask[points] = True
        if (mask != self._chosen).any():
            self._chosen = mask
            self.redraw()
            self.chosen_changed.emit()

    # the view

    def fit(self) -> None:
        """Show all points."""
        self._fitting = True
        self._fit()
        self.redraw()

    def centre_on(self, point: int) -> None:
        """Bring a point into the middle."""
        self._fitting = False
        self._centre = self._places[point].astype(float)
        self.redraw()

    def bring_into_sight(self, points: np.ndarray) -> None:
        """Move so that some of these points are visible: to the first, unless one is visible already."""
        spots = self._spots(self._places[points], 1.0)
        seen = ((spots >= 0) & (spots < [self.width(), self.height()])).all(axis=1)
        if len(points) and not seen.any():
            self.centre_on(int(points[0]))

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Enlarge everything; the place beneath `about` (pixels; default the middle) stays there."""
        at = self._to_map(about if about is not None else QPointF(self.rect().center()))
        before, self._scale = self._scale, float(np.clip(self._scale * factor, _LEAST_SCALE, _MOST_SCALE))
        self._fitting = False
        self._centre = at + (self._centre - at) * before / self._scale
        self.redraw()

    def pan(self, by: QPointF) -> None:
        """Move everything by this many pixels."""
        self._fitting = False
        self._centre = self._centre + np.array([-by.x(), by.y()]) / self._scale
        self.redraw()

    def spot(self, point: int) -> QPointF:
        """Where a point is in the window, pixels."""
        x, y = self._spots(self._places[[point]], 1.0)[0].tolist()
        return QPointF(x, y)

    def _fit(self) -> None:
        if not len(self._places):
            return
        low, high = self._places.min(axis=0), self._places.max(axis=0)
        room = np.maximum(np.array([self.width(), self.height()]) - 2 * _MARGIN, 40)
        self._scale = float((room / np.maximum(high - low, 0.05)).min())
        self._centre = (low + high).astype(float) / 2

    def _spots(self, places: np.ndarray, ratio: float) -> np.ndarray:
        scale = np.array([self._scale, -self._scale]) * ratio
        shift = np.array([self.width(), self.height()]) * ratio / 2 - self._centre * scale
        return places * scale.astype(np.float32) + shift.astype(np.float32)

    def _to_map(self, where: QPointF) -> np.ndarray:
        away = np.array([where.x() - self.width() / 2, self.height() / 2 - where.y()])
        return self._centre + away / self._scale

    def _at(self, where: QPointF) -> int:
        """The point beneath these pixels, or NOBODY."""
        if not len(self._places):
            return NOBODY
        # a search tree would have to be rebuilt for every step of t-SNE, which costs more than checking all points
        away = self._places - self._to_map(where).astype(np.float32)
        squares = np.einsum("ij,ij->i", away, away)
        found = int(squares.argmin())
        return found if squares[found] <= (_REACH / self._scale) ** 2 else NOBODY

    # Qt's side

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All points stay in sight unless the person has zoomed or moved."""
        super().resizeEvent(event)
        if self._fitting:
            self._fit()
        self.redraw()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to the pointer."""
        self.zoom(1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag; other buttons than the left one always move the map."""
        self.setFocus()
        self._pressed = event.position()
        self._moving = self._tool is Tool.MOVE or event.button() is not Qt.MouseButton.LeftButton
        self._drag = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the map, draw the lasso or box, or see what is beneath."""
        here = event.position()
        if self._pressed is None:
            self._hover(self._at(here))
            return
        if self._moving:
            if _far(here - self._pressed) or self._drag[-1] != self._pressed:
                self.pan(here - self._drag[-1])
                self._drag[-1] = here
        elif self._tool is Tool.BOX:
            self._drag = [self._pressed, here]
        elif _length(here - self._drag[-1]) >= _STEP:
            self._drag.append(here)
        self._hovered = NOBODY
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag: choose what is inside, or the point that was clicked."""
        pressed, drag, self._pressed, self._drag = self._pressed, self._drag, None, []
        more = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        if pressed is None:
            return
        self.update()
        moved = _far(event.position() - pressed) or len(drag) > 2
        if not moved and event.button() is Qt.MouseButton.LeftButton:
            point = self._at(event.position())
            self.choose(np.array([point] if point != NOBODY else [], np.int64), more=more)
            if point != NOBODY:
                self.clicked.emit(point)
        elif not self._moving:
            polygon = np.array([self._to_map(corner) for corner in self._outline(drag)])
            self.choose(np.flatnonzero(inside(self._places, polygon)), more=more)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the point."""
        point = self._at(event.position())
        if point != NOBODY:
            self.opened.emit(point)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is beneath the pointer."""
        super().leaveEvent(event)
        self._hover(NOBODY)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The points' picture; rings, lasso and card over it."""
        self._draw_layer(self.devicePixelRatioF())
        painter = QPainter(self)
        painter.drawImage(0, 0, self._layer)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for point, token, reach in ((self._current, "accent", 8), (self._hovered, "text", 6)):
            if point != NOBODY:
                painter.setPen(QPen(QColor(getattr(theme.tokens(), token)), 2))
                painter.drawEllipse(self.spot(point), reach, reach)
        if self._drag and not self._moving:
            accent = QColor(theme.tokens().accent)
            painter.setPen(QPen(accent, 1.5))
            accent.setAlpha(40)
            painter.setBrush(accent)
            painter.drawPolygon(QPolygonF(self._outline(self._drag)))
        elif self._hovered != NOBODY:
            self._paint_card(painter)
        painter.end()

    def _draw_layer(self, ratio: float) -> None:
        """Draw ground and points again where they have changed."""
        size = self.size() * ratio
        if self._layer.size() != size:
            self._layer, self._stale = QImage(size, QImage.Format.Format_RGB32), True
            self._layer.setDevicePixelRatio(ratio)
        if self._stale:
            self._layer.fill(QColor(theme.tokens().window))
            painter = QPainter(self._layer)
            painter.scale(1 / ratio, 1 / ratio)
            self._draw_points(painter, self._below, self._above, ratio)
            painter.end()
            self._stale = False

    def _outline(self, drag: list[QPointF]) -> list[QPointF]:
        if self._tool is not Tool.BOX:
            return drag
        box = QRectF(drag[0], drag[-1]).normalized()
        return [box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft()]

    def _hover(self, point: int) -> None:
        if point != self._hovered:
            self._hovered = point
            self.update()

    def _draw_points(self, painter: QPainter, below: PointPainter, above: PointPainter, ratio: float) -> None:
        """The points, those that are chosen above the others, which are dimmed then."""
        width, height = (max(1, round(side * ratio)) for side in (self.width(), self.height()))
        spots, colours, chosen = self._spots(self._places, ratio), self._colours, self._chosen
        x, y = spots[:, 0], spots[:, 1]
        in_sight = int(np.count_nonzero((x >= 0) & (x < width) & (y >= 0) & (y < height)))
        radius = radius_for(in_sight) * (ratio if in_sight < _FEW else 1)
        if not chosen.any():
            painter.drawImage(0, 0, below.draw(spots, colours, width, height, radius=radius, opacity=_SINGLE))
            return
        for splatter, which, wide, opacity in (
            (below, ~chosen, radius, _DIMMED),
            (above, chosen, max(radius + 0.6, 2 * ratio), _CHOSEN),
        ):
            dots = splatter.draw(spots[which], colours[which], width, height, radius=wide, opacity=opacity)
            painter.drawImage(0, 0, dots)

    def _paint_card(self, painter: QPainter) -> None:
        card, colours = self._card(self._hovered), theme.tokens()
        spot = self.spot(self._hovered)
        frame = QRectF(QRect(spot.toPoint(), _CARD)).translated(14, 14)
        if frame.right() > self.width() - 4:
            frame.moveRight(spot.x() - 14)
        if frame.bottom() > self.height() - 4:
            frame.moveBottom(max(spot.y() - 14, float(_CARD.height()) + 4))
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.surface))
        painter.drawRoundedRect(frame, theme.CARD_RADIUS, theme.CARD_RADIUS)
        picture = frame.adjusted(8, 8, -8, -48)
        paint_picture(painter, picture, card.picture, missing=card.missing)
        line = QRectF(picture.left(), picture.bottom() + 6, picture.width(), 18)
        for text, size, colour in (
            (card.title, theme.BODY, colours.text),
            (card.beneath, theme.CAPTION, colours.muted),
        ):
            painter.setFont(theme.font(size))
            painter.setPen(QColor(colour))
            words = painter.fontMetrics().elidedText(one_line(text), Qt.TextElideMode.ElideRight, int(line.width()))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
            line.translate(0, 18)


def _length(by: QPointF) -> float:
    return float(np.hypot(by.x(), by.y()))


def _far(by: QPointF) -> bool:
    return _length(by) > _CLICK
