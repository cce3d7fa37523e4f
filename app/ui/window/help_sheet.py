"""The list of keys, laid over the window until Esc or a click."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.page.page import Page
from app.ui.widgets.basics import frame, label
from app.ui.window import actions


class HelpSheet(QWidget):
    """Covers its parent; shown and hidden with `toggle`."""

    def __init__(self, pages: Sequence[Page], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("list of keys")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        card = frame("card")
        columns = QHBoxLayout(card)
        columns.setContentsMargins(16, 16, 16, 16)
        columns.setSpacing(24)
        left, right = QGridLayout(), QGridLayout()
        for grid in (left, right):
            grid.setHorizontalSpacing(16)
            grid.setVerticalSpacing(6)
            columns.addLayout(grid)
        for title, of_section in actions.sections(pages).items():
            grid = right if title in ("Review", "Explore", "Train") else left
            grid.addWidget(label(title, "title"), grid.rowCount(), 0, 1, 2)
            for action in of_section:
                row = grid.rowCount()
                grid.addWidget(label(action.title), row, 0)
                grid.addWidget(label(action.shown, "muted"), row, 1)
        for grid in (left, right):
            grid.setRowStretch(grid.rowCount(), 1)
        self._card, self._area = card, QScrollArea()
        self._area.setObjectName("cardFrame")
        self._area.setWidget(card)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.addWidget(self._area, 0, Qt.AlignmentFlag.AlignCenter)
        self._covered = parent
        parent.installEventFilter(self)
        self.hide()

    def toggle(self) -> None:
        """Show or hide the list."""
        self.setVisible(not self.isVisible())
        if self.isVisible():
            self._cover()
            self.raise_()
            self.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep covering the parent when that is resized."""
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._cover()
        return super().eventFilter(watched, event)

    def _cover(self) -> None:
        """All of the parent; in a small window the list scrolls."""
        self.setGeometry(self._covered.rect())
        self._card.adjustSize()
        bar = self._area.verticalScrollBar().sizeHint().width()
        wanted, room = self._card.sizeHint(), self.size() - QSize(24, 24)
        scrolls = wanted.height() > room.height()
        self._area.setFixedSize((wanted + QSize(bar if scrolls else 0, 0)).boundedTo(room))

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        """A click anywhere closes it."""
        self.hide()

    def event(self, event: QEvent) -> bool:
        """Esc is for this sheet while it is shown, not for the page beneath."""
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Dim the window beneath."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 140))
        painter.end()
