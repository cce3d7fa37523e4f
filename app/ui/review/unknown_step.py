"""A step that was not begun on this computer: which files it would touch, and whether that is wanted."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QPushButton, QVBoxLayout, QWidget

from app.core.filing import UnknownStepError
from app.ui.widgets import label
from model.plain_text import one_line

_SHOWN = 500


class UnknownStepDialog(QDialog):
    """Shows the files. Nothing is touched before the button.

    Signals:
        agreed: the files may be touched
    """

    agreed = Signal()

    def __init__(self, step: UnknownStepError, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files of a step from elsewhere")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 460)
        self.files = QListWidget()
        self.files.setObjectName("list")
        self.files.setAccessibleName("files")
        for source, target in step.files[:_SHOWN]:
            self.files.addItem(one_line(f"{source} -> {target}"))
        if len(step.files) > _SHOWN:
            self.files.addItem(f"and {len(step.files) - _SHOWN:,} more")
        self.do_button, self.cancel_button = QPushButton("move or remove these files"), QPushButton("leave them")
        self.cancel_button.setDefault(True)
        self.do_button.setAutoDefault(False)
        self.cancel_button.clicked.connect(self.reject)
        self.do_button.clicked.connect(self._agree)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.do_button)
        buttons.addWidget(self.cancel_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        title = label(one_line(f"'{step.action.title}' was not begun on this computer."), "strong")
        title.setTextFormat(Qt.TextFormat.PlainText)
        column.addWidget(title)
        words = f"It would move or remove files in {len(step.folders):,} folders. Go on only if you know them."
        column.addWidget(label(words, "muted"))
        column.addWidget(self.files, 1)
        column.addLayout(buttons)

    def _agree(self) -> None:
        self.agreed.emit()
        self.accept()
