"""A question about many files or folders: the list, the action, yes or no."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QPushButton, QVBoxLayout, QWidget

from app.ui.widgets.basics import label
from model.system.plain_text import one_line
from model.system.wording import first_of

_SHOWN = 500


class ListDialog(QDialog):
    """Accepted if the person agrees; Enter presses the other button."""

    def __init__(self, title: str, head: str, note: str, lines: Sequence[str], parent: QWidget | None = None) -> None:
        """Args: head: the text above the list; note: what would be done."""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 460)
        self.list = QListWidget()
        self.list.setObjectName("list")
        self.list.addItems([one_line(line) for line in first_of(lines, _SHOWN)])
        self.agree_button, self.cancel_button = QPushButton(), QPushButton("cancel")
        self.agree_button.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        self.agree_button.clicked.connect(self.accept)
        self.cancel_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.agree_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        above = label(one_line(head), "strong")
        above.setWordWrap(True)
        column.addWidget(above)
        column.addWidget(self.list, 1)
        column.addWidget(label(note, "muted"))
        column.addLayout(buttons)
