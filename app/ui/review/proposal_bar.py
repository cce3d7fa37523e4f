"""The bar for an action on many photos at once: the grid beneath it shows which ones."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui.widgets.basics import ElidedLabel, IconLabel, for_button, small_button

_LEVELS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
FIRST_LEVEL = 0.95


class ProposalBar(QFrame):
    """A sentence, the button for the action, one for the next proposal, one to leave.

    Signals:
        agreed, passed, closed: the person's decision.
        level_changed: (least confidence) where the proposal asks for one
    """

    agreed = Signal()
    passed = Signal()
    closed = Signal()
    level_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("proposal")
        self.setFixedHeight(44)
        self._words = ElidedLabel()
        self.level_box = QComboBox()
        self.level_box.setAccessibleName("least confidence")
        for level in _LEVELS:
            self.level_box.addItem(f"from {100 * level:g} %", level)
        self.level_box.setCurrentIndex(_LEVELS.index(FIRST_LEVEL))
        self.action_button = QPushButton()
        self.action_button.setProperty("kind", "primary")
        self.pass_button = QPushButton("next")
        self.close_button = small_button("x", "back to the list")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel("lightbulb", "accent"))
        row.addWidget(self._words, 1)
        for widget in (self.level_box, self.action_button, self.pass_button, self.close_button):
            row.addWidget(widget)
        self.action_button.clicked.connect(self.agreed)
        self.pass_button.clicked.connect(self.passed)
        self.close_button.clicked.connect(self.closed)
        self.level_box.activated.connect(lambda _index: self.level_changed.emit(self.level_box.currentData()))
        self.hide()

    def propose(self, words: str, action: str, *, more: bool, level: bool) -> None:
        """Show a proposal; `more`: there is another one after it; `level`: the person may say from which confidence."""
        self.level_box.setVisible(level)
        self.action_button.setVisible(bool(action))
        self._words.set_whole(words)
        self.action_button.setText(for_button(action))
        self.pass_button.setVisible(more)
        self.show()

    def text(self) -> str:
        """The proposal's sentence."""
        return self._words.whole()
