"""The bar at the top of a page: what happened, to which file, what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from app.ui.widgets import icons
from app.ui.widgets.basics import IconLabel, label, small_button


class ErrorBar(QFrame):
    """Shows the newest problem until it is closed; earlier ones stay in the details."""

    _KEPT = 50

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("errorBar")
        self.setAccessibleName("problem")
        self._history: list[str] = []
        self._text = label()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._more = QToolButton()
        self._more.setText("details")
        self._more.setCheckable(True)
        self._more.setIcon(icons.icon("chevron-right"))
        self._more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._more.setAccessibleName("show details")
        close = small_button("x", "close this message")
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setFixedHeight(112)
        self._details.hide()

        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(IconLabel("triangle-alert", "danger"))
        row.addWidget(self._text, 1)
        row.addWidget(self._more)
        row.addWidget(close)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 6, 8, 6)
        whole.setSpacing(6)
        whole.addLayout(row)
        whole.addWidget(self._details)

        self._more.toggled.connect(self._unfold)
        close.clicked.connect(self.clear)
        self.hide()

    def show_problem(self, text: str, details: str = "") -> None:
        """Show a problem in one sentence or two; further lines of it and `details` unfold on request."""
        text, _, more = text.partition("\n")
        details = "\n".join(part for part in (more, details) if part and part != text)
        self._history.append(f"{text}\n{details}".strip())
        del self._history[: -self._KEPT]
        self._text.setText(text)
        self._details.setPlainText("\n\n".join(reversed(self._history)))
        self._more.setVisible(bool(details) or len(self._history) > 1)
        self.show()

    def text(self) -> str:
        """The problem on show, or empty."""
        return self._text.text()

    def clear(self) -> None:
        """Close the bar and forget its problems."""
        self._history.clear()
        self._text.clear()
        self._more.setChecked(False)
        self.hide()

    def _unfold(self, unfolded: bool) -> None:
        self._more.setIcon(icons.icon("chevron-down" if unfolded else "chevron-right"))
        self._details.setVisible(unfolded)
