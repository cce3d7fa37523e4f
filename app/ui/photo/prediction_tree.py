"""The prediction as a tree: types with their fine classes beneath, every bar on one scale from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.core.recognition.decision import Decision
from app.core.recognition.evidence import Evidence
from app.ui.widgets import theme
from app.ui.widgets.status_face import percent
from model.contract.bundle import Thresholds
from model.contract.decision import Level
from model.contract.taxonomy import Taxonomy
from model.system.plain_text import one_line


class DecisionTerms(Protocol):
    """The facts needed to show evidence: those of a model file, or those that a project keeps of a model."""

    @property
    def taxonomy(self) -> Taxonomy:
        """Types in the order of their colours."""
        ...

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds for an answer."""
        ...


_TOP_COARSE, _TOP_FINE = 2, 5
_LEAST = 0.005  # a class below half a per cent says nothing, unless it is the best one
_INDENT = 20
_ROW = 35


@dataclass(frozen=True)
class Bar:
    """A row of the tree.

    Attributes:
        level: type or fine class.
        name: of the class.
        probability: calibrated.
        threshold: what the probability must reach to be an answer at this level.
        accepted: this class is the answer.
        coarse: index of the type, which gives the colour of its mark.
    """

    level: Level
    name: str
    probability: float
    threshold: float
    accepted: bool
    coarse: int


def rows(info: DecisionTerms, decision: Decision, evidence: Evidence) -> list[Bar]:
    """The two best types and that of the best fine class, most probable first, each with its best fine classes beneath.

    At most five fine classes in all, so that the neighbours below the tree stay visible.

    Args:
        info: thresholds, and the types in the order of their colours.
        decision: the answer.
        evidence: what it rests on.
    """
    thresholds = info.thresholds
    types_of_guess = {one.coarse for one in evidence.classes[:1]}
    shown = [one for rank, one in enumerate(evidence.types) if rank < _TOP_COARSE or one.name in types_of_guess]
    names = {one.name for one in shown}
    likely = [one for rank, one in enumerate(evidence.classes) if rank == 0 or one.probability >= _LEAST]
    classes = [one for one in likely if one.coarse in names][:_TOP_FINE]
    result = []
    for one in shown:
        accepted = decision.level is Level.COARSE and decision.label == one.name
        colour = info.taxonomy.coarse_index.get(one.name, len(info.taxonomy.coarse))
        result.append(Bar(Level.COARSE, one.name, one.probability, thresholds.coarse, accepted, colour))
        for child in classes:
            if child.coarse == one.name:
                accepted = decision.level is Level.FINE and decision.label == child.name
                result.append(Bar(Level.FINE, child.name, child.probability, thresholds.fine, accepted, colour))
    return result


class PredictionTree(QWidget):
    """Draws the rows: name and percent above a bar; a tick marks the threshold, bars below it are hatched."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("prediction")
        self._rows: list[Bar] = []

    def show_rows(self, bars: list[Bar]) -> None:
        """Show a prediction; an empty list shows none."""
        self._rows = bars
        self.setAccessibleDescription("; ".join(f"{bar.name} {percent(bar.probability)}" for bar in bars))
        self.updateGeometry()
        self.update()

    def bars(self) -> list[Bar]:
        """The rows on show."""
        return self._rows

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(240, len(self._rows) * _ROW)

    def event(self, event: QEvent) -> bool:
        """The tooltip of a row has the whole name and the threshold."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = event.pos().y() // _ROW
            if 0 <= row < len(self._rows):
                bar = self._rows[row]
                text = f"{bar.name}\n{bar.probability:.1%}, an answer from {bar.threshold:.0%}"
                QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """All rows and the lines of the tree."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        trunk: int | None = None
        for number, bar in enumerate(self._rows):
            top = number * _ROW
            if bar.level is Level.COARSE:
                trunk = top + 20
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.class_colour(bar.coarse))
                painter.drawRoundedRect(QRectF(0, top + 5, 10, 10), 3, 3)
            elif trunk is not None:
                painter.setPen(QPen(QColor(theme.tokens().line), 1))
                painter.drawLine(QPointF(5.5, trunk), QPointF(5.5, top + 10.5))
                painter.drawLine(QPointF(5.5, top + 10.5), QPointF(14, top + 10.5))
            self._paint_row(painter, QRect(_INDENT, top, self.width() - _INDENT, _ROW), bar)
        painter.end()

    def _paint_row(self, painter: QPainter, where: QRect, bar: Bar) -> None:
        colours = theme.tokens()
        below = bar.probability < bar.threshold
        painter.setFont(theme.font(theme.BODY, strong=bar.accepted or bar.level is Level.COARSE))
        figure = percent(bar.probability)
        width = painter.fontMetrics().horizontalAdvance(figure) + 8
        line = QRect(where.x(), where.y(), where.width(), 20)
        painter.setPen(QColor(colours.muted if below else colours.text))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure)
        room = line.adjusted(0, 0, -width, 0)
        name = painter.fontMetrics().elidedText(one_line(bar.name), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)

        track = QRectF(where.x(), where.y() + 23, where.width(), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(track, 3, 3)
        filled = QRectF(track)
        filled.setWidth(max(track.width() * bar.probability, 3.0 if bar.probability > 0 else 0.0))
        colour = QColor(colours.accent if bar.accepted else colours.muted)
        if below:
            veil = QColor(colour)
            veil.setAlpha(70)
            painter.setBrush(veil)
            painter.drawRoundedRect(filled, 3, 3)
        painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern) if below else colour)
        painter.drawRoundedRect(filled, 3, 3)
        if bar.threshold > 0:
            x = track.x() + track.width() * bar.threshold
            painter.setPen(QPen(QColor(colours.muted), 1))
            painter.drawLine(QPointF(x, track.top() - 2), QPointF(x, track.bottom() + 2))
