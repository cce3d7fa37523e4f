"""The content of an empty page: one sentence and one button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.ui.widgets.basics import IconLabel, label


class EmptyState(QWidget):
    """An icon, a sentence, a line beneath it and the button with the next action.

    Signals:
        asked: the button was pressed.
    """

    asked = Signal()

    def __init__(self, icon: str, sentence: str, beneath: str, action: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title = label("", "title")
        self._beneath = under = label("", "muted")
        for one in (title, under):
            one.setAlignment(Qt.AlignmentFlag.AlignCenter)
            one.setWordWrap(True)
        self.button = QPushButton()
        self.button.setProperty("kind", "primary")
        self.button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button.clicked.connect(self.asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 32, 32, 32)
        column.setSpacing(8)
        column.addStretch(3)
        column.addWidget(IconLabel(icon, "muted", 48), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addWidget(title)
        column.addWidget(under)
        column.addSpacing(16)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)
        self.say(sentence, beneath, action)

    def say(self, sentence: str, beneath: str, action: str) -> None:
        """Show another text; without an action there is no button."""
        self._title.setText(sentence)
        self._beneath.setText(beneath)
        self.button.setText(action)
        self.button.setVisible(bool(action))

    def text(self) -> str:
        """The sentence."""
        return self._title.text()
