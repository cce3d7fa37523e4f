"""What all plots of the page Train share: wheel and mouse, the theme's colours, the text beside the mouse."""

from __future__ import annotations

import pyqtgraph
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.widgets import theme

_BESIDE = 16  # pixels between the mouse and its text


class Plot(pyqtgraph.PlotWidget):
    """A plot that leaves the wheel to the page, unless Ctrl is held; double-click shows all again.

    Signals:
        pointed: (place in the plot, place on the screen) where the mouse is
        left: it is elsewhere
    """

    pointed = Signal(QPointF, QPoint)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseTracking(True)
        self.getPlotItem().getViewBox().setDefaultPadding(0.02)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, or scroll the page."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Report what is under the mouse."""
        super().mouseMoveEvent(event)
        box = self.getPlotItem().getViewBox()
        place = box.mapSceneToView(QPointF(self.mapToScene(event.position().toPoint())))
        self.pointed.emit(place, event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Show all."""
        self.getPlotItem().enableAutoRange()

    def leaveEvent(self, event) -> None:  # type: ignore[no-untyped-def]
        """Report that the mouse has left."""
        super().leaveEvent(event)
        self.left.emit()

    def apply_theme(self, bottom: str) -> None:
        """Colours of the current theme. Args: bottom: the label of the horizontal axis."""
        tokens = theme.tokens()
        self.setBackground(tokens.surface)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.muted)
            axis.setStyle(tickFont=theme.font(theme.CAPTION), tickLength=-4)
            axis.enableAutoSIPrefix(False)
        self.getAxis("left").setWidth(48)
        self.getAxis("bottom").setHeight(36)
        self.getAxis("bottom").setLabel(bottom, color=tokens.muted, **{"font-size": f"{theme.CAPTION}px"})


class Readout(QLabel):
    """The text beside the mouse, over the widget that it belongs to."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setObjectName("readout")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, text: str, place: QPoint) -> None:
        """Show rich text beside a place on the screen; an empty one hides it."""
        self.setVisible(bool(text))
        if not text:
            return
        self.setText(text)
        self.adjustSize()
        over = self._over
        at, size = over.mapFromGlobal(place), self.size()
        left = at.x() + _BESIDE if at.x() + _BESIDE + size.width() < over.width() else at.x() - _BESIDE - size.width()
        top = min(at.y() + _BESIDE, over.height() - size.height() - 4)
        self.move(max(left, 4), max(top, 4))
        self.raise_()
