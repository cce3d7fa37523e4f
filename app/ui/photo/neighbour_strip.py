"""The nearest reference photos: picture, class, similarity. A click puts one beside the photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from app.core.gallery.gallery import Neighbour
from app.ui.background.photo_loading import Thumbnails
from app.ui.widgets import icons, theme
from model.system.plain_text import one_line

_HEIGHT = 72
_PICTURE = QSize(88, 60)


@dataclass(frozen=True)
class Near:
    """A neighbour, its rank from 1, and its file; None if the picture is not on this computer."""

    rank: int
    neighbour: Neighbour
    picture: Path | None

    @property
    def name(self) -> str:
        """Its most specific known class."""
        return self.neighbour.reference.fine or self.neighbour.reference.coarse

    @property
    def similarity(self) -> str:
        """Cosine, two decimals."""
        return f"{self.neighbour.similarity:.2f}"

    @property
    def sentence(self) -> str:
        """Everything about it in one line."""
        reference = self.neighbour.reference
        return f"neighbour {self.rank}: {self.name} ({reference.coarse}), similarity {self.similarity}"


class NeighbourCard(QAbstractButton):
    """One neighbour. Can be clicked if its picture is on this computer."""

    def __init__(self, near: Near, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.near = near
        self._thumbnails = thumbnails
        self.setCheckable(True)
        self.setEnabled(near.picture is not None)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(near.sentence)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        """Wide enough for the picture and a short name."""
        return QSize(220, _HEIGHT)

    def event(self, event: QEvent) -> bool:
        """The tooltip shows everything, also on a card that cannot be clicked."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            reference = self.near.neighbour.reference
            place = str(self.near.picture) if self.near.picture else f"{reference.path}, not on this computer"
            QToolTip.showText(event.globalPos(), f"{self.near.sentence}\nsource: {reference.source}\n{place}", self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Picture on the left, words on the right."""
        colours = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if (self.underMouse() and self.isEnabled()) or self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0, 1, 0, -1), theme.RADIUS, theme.RADIUS)
        frame = QRectF(6, 6, _PICTURE.width(), _PICTURE.height())
        self._paint_picture(painter, frame)
        self._paint_words(painter, self.rect().adjusted(_PICTURE.width() + 18, 6, -8, -6))
        if self.hasFocus() or self.isChecked():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 2, -1, -2), theme.RADIUS, theme.RADIUS)
        painter.end()

    def _paint_picture(self, painter: QPainter, frame: QRectF) -> None:
        colours = theme.tokens()
        path = QPainterPath()
        path.addRoundedRect(frame, 4, 4)
        painter.fillPath(path, QColor(colours.raised))
        picture: QPixmap | None = self._thumbnails.get(self.near.picture) if self.near.picture is not None else None
        if picture is None:
            if self.near.picture is None:
                icons.paint(painter, frame.toRect().adjusted(0, 19, 0, -19), "image-off", colours.muted)
            return
        scale = min(frame.width() / picture.width(), frame.height() / picture.height())
        target = QRectF(0, 0, picture.width() * scale, picture.height() * scale)
        target.moveCenter(frame.center())
        painter.setClipPath(path)
        painter.drawPixmap(target, picture, QRectF(picture.rect()))
        painter.setClipping(False)

    def _paint_words(self, painter: QPainter, room: QRect) -> None:
        colours, reference = theme.tokens(), self.near.neighbour.reference
        top = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        line = QRect(room.x(), room.y(), room.width(), 20)
        painter.setFont(theme.font(theme.BODY, strong=True))
        painter.setPen(QColor(colours.text))
        painter.drawText(line, top, _elided(painter, self.near.name, room.width()))
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(colours.muted))
        second = reference.coarse if self.near.picture is not None else f"{reference.source} · picture not here"
        painter.drawText(line.translated(0, 20), top, _elided(painter, second, room.width()))
        painter.drawText(line.translated(0, 40), top, f"{self.near.rank} · similarity {self.near.similarity}")


class NeighbourStrip(QWidget):
    """The cards of the photo on show.

    Signals:
        chosen: (Near) a card was clicked.
    """

    chosen = Signal(Near)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._cards: list[NeighbourCard] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(2)
        thumbnails.ready.connect(self._on_thumbnail)

    def show_neighbours(self, neighbours: list[Near]) -> None:
        """Show these, nearest first."""
        for card in self._cards:
            self._rows.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [NeighbourCard(near, self._thumbnails) for near in neighbours]
        for card in self._cards:
            self._rows.addWidget(card)
            card.clicked.connect(lambda _on, near=card.near: self.chosen.emit(near))

    def cards(self) -> list[NeighbourCard]:
        """The cards on show."""
        return self._cards

    def mark(self, near: Near | None) -> None:
        """Emphasise the card of the neighbour that is beside the photo now."""
        for card in self._cards:
            card.setChecked(card.near == near)

    def _on_thumbnail(self, path: Path) -> None:
        for card in self._cards:
            if card.near.picture == path:
                card.update()


def _elided(painter: QPainter, text: str, width: int) -> str:
    return painter.fontMetrics().elidedText(one_line(text), Qt.TextElideMode.ElideRight, width)
