"""How a photo looks in a list: its thumbnail in a frame, a mark for its status, a line of text."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap

from app.core.recognition.decision import Status
from app.ui.widgets import icons, theme
from app.ui.widgets.status_face import FACES
from model.system.plain_text import one_line


def paint_picture(painter: QPainter, frame: QRectF, picture: QPixmap | None, *, missing: bool) -> None:
    """The picture in a frame with round corners; an icon if it cannot be read, nothing while it is being made."""
    path = QPainterPath()
    path.addRoundedRect(frame, theme.RADIUS, theme.RADIUS)
    painter.fillPath(path, QColor(theme.tokens().raised))
    if picture is not None:
        painter.setClipPath(path)
        painter.drawPixmap(*_into(frame, picture))
        painter.setClipping(False)
    elif missing:
        third = round(frame.height() / 3)
        icons.paint(painter, frame.toRect().adjusted(0, third, 0, -third), "image-off", theme.tokens().muted)


def paint_outline(painter: QPainter, frame: QRectF, *, chosen: bool, hovered: bool) -> None:
    """A ring about a frame that is chosen or beneath the pointer."""
    colours = theme.tokens()
    if chosen:
        painter.setPen(QPen(QColor(colours.accent), 2))
        painter.drawRoundedRect(frame.adjusted(-3, -3, 3, 3), theme.RADIUS + 3, theme.RADIUS + 3)
    elif hovered:
        painter.setPen(QPen(QColor(colours.muted), 1))
        painter.drawRoundedRect(frame.adjusted(-0.5, -0.5, 0.5, 0.5), theme.RADIUS, theme.RADIUS)


def paint_line(painter: QPainter, where: QRect, status: Status | None, text: str) -> None:
    """The status' mark (a ring while it waits) and a text that ends in an ellipsis if it does not fit."""
    colours = theme.tokens()
    mark = QRect(where.x(), where.y() + 2, 14, 14)
    if status is None:
        painter.setPen(QPen(QColor(colours.muted), 1.5))
        painter.drawEllipse(QRectF(mark).adjusted(4, 4, -4, -4))
    else:
        icons.paint(painter, mark, FACES[status].icon, FACES[status].colour)
    painter.setFont(theme.font(theme.CAPTION))
    painter.setPen(QColor(colours.text if status is Status.IDENTIFIED else colours.muted))
    room = where.adjusted(19, 0, 0, 0)
    text = painter.fontMetrics().elidedText(one_line(text), Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def _into(frame: QRectF, picture: QPixmap) -> tuple[QRectF, QPixmap, QRectF]:
    """Arguments for `drawPixmap`: where in its frame, the picture, and which part of it (in its pixels).

    It fills the frame if that cuts off a quarter at most; a long ship is shown whole, between bars.
    """
    width, height = picture.width(), picture.height()
    across, down = frame.width() / width, frame.height() / height
    if min(across, down) / max(across, down) < 0.75:
        scale = min(across, down)
        target = QRectF(0, 0, width * scale, height * scale)
        target.moveCenter(frame.center())
        return target, picture, QRectF(0, 0, width, height)
    scale = max(across, down)
    part = QRectF(0, 0, frame.width() / scale, frame.height() / scale)
    part.moveCenter(QRectF(0, 0, width, height).center())
    return frame, picture, part
