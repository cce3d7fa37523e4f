"""The bar of something that could be done to many photos at once: the grid beneath it shows which ones."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui.widgets import ElidedLabel, IconLabel, small_button


class ProposalBar(QFrame):
    """A sentence, the button that does it, one for the next proposal, one to leave.

    Signals:
        agreed, passed, closed: what the person decided.
    """

    agreed = Signal()
    passed = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("proposal")
        self.setFixedHeight(44)
        self._words = ElidedLabel()
        self.do_button = QPushButton()
        self.do_button.setProperty("kind", "primary")
        self.pass_button = QPushButton("next")
        self.close_button = small_button("x", "back to the list")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel("lightbulb", "accent"))
        row.addWidget(self._words, 1)
        for button in (self.do_button, self.pass_button, self.close_button):
            row.addWidget(button)
        self.do_button.clicked.connect(self.agreed)
        self.pass_button.clicked.connect(self.passed)
        self.close_button.clicked.connect(self.closed)
        self.hide()

    def propose(self, words: str, action: str, *, more: bool) -> None:
        """Show a proposal; `more` says that there is another one after it."""
        self._words.set_whole(words)
        self.do_button.setText(action)
        self.pass_button.setVisible(more)
        self.show()

    def text(self) -> str:
        """The proposal's sentence."""
        return self._words.whole()
