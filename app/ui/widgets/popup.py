"""Small boxes over their page that ask for something."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QWidget


class Popup(QFrame):
    """Covers its page until it is answered, or closed with Esc.

    Signals:
        left: it has been closed, with or without an answer
    """

    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("popup")
        self.hide()

    def show_at(self, at: QPoint, first: QLineEdit) -> None:
        """Show the box at a point of its page.

        Args:
            at: upper left corner.
            first: the line that is written into first.
        """
        self.move(at)
        self.show()
        self.raise_()
        first.setFocus()
        first.selectAll()

    def leave(self) -> None:
        """Close the box."""
        if not self.isHidden():
            self.hide()
            self.left.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Filters the box's lines: Esc is for the box, not for the page beneath."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:
                self.leave()
                return True
        return super().eventFilter(watched, event)


class OfferingPopup(Popup):
    """A box with a list of offers.

    Attributes:
        offers: the list; never has the focus.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.offers = QListWidget()
        self.offers.setObjectName("list")
        self.offers.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down walk through the offers while a line keeps the focus."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self.offers.count():
                # without a row, -1, up goes to the last one
                row = max(self.offers.currentRow(), 0 if step < 0 else -1)
                self.offers.setCurrentRow((row + step) % self.offers.count())
                return True
        return super().eventFilter(watched, event)
