"""The bar of something that was done, or could be done: a sentence, one button for what follows, details on request."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.ui.widgets import icons
from app.ui.widgets.basics import IconLabel, for_button, label, small_button


class NoticeBar(QFrame):
    """Shows one notice until it is closed, acted upon or replaced.

    Signals:
        closed: the person closed it.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("proposal")
        self.setAccessibleName("notice")
        self._act: Callable[[], object] | None = None
        self._icon = IconLabel("library-big", "accent")
        self._text = label()
        self._text.setWordWrap(True)
        self.action_button = QPushButton()
        self.details_button = QToolButton()
        self.details_button.setText("details")
        self.details_button.setCheckable(True)
        self.details_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.details_button.setAccessibleName("show details")
        self.close_button = small_button("x", "close this line")
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setFixedHeight(112)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        for widget in (self.details_button, self.action_button, self.close_button):
            row.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 6, 8, 6)
        whole.setSpacing(6)
        whole.addLayout(row)
        whole.addWidget(self._details)
        self.details_button.toggled.connect(self._unfold)
        self.action_button.clicked.connect(self._on_action)
        self.close_button.clicked.connect(self._close)
        self._unfold(False)
        self.hide()

    def say(
        self, words: str, action: str = "", act: Callable[[], object] | None = None, *, tip: str = "", details: str = ""
    ) -> None:
        """Show a notice.

        Args:
            words: one sentence or two.
            action: text of the button; empty for none. act: called by the button, which also closes the notice. tip: of
            the button.
            details: unfold on request.
        """
        self._act = act
        self._text.setText(words)
        self.setAccessibleDescription(words)
        self.action_button.setText(for_button(action))
        self.action_button.setToolTip(tip or action)
        self.action_button.setVisible(bool(action))
        self.details_button.setChecked(False)
        self.details_button.setVisible(bool(details))
        self._details.setPlainText(details)
        self.show()

    def text(self) -> str:
        """The notice on show, or empty."""
        return "" if self.isHidden() else self._text.text()

    def details(self) -> str:
        """The details."""
        return self._details.toPlainText()

    def clear(self) -> None:
        """Remove the notice."""
        self._act = None
        self.hide()

    def _on_action(self) -> None:
        act = self._act
        self.clear()
        if act is not None:
            act()

    def _close(self) -> None:
        self.clear()
        self.closed.emit()

    def _unfold(self, unfolded: bool) -> None:
        self.details_button.setIcon(icons.icon("chevron-down" if unfolded else "chevron-right"))
        self._details.setVisible(unfolded)
