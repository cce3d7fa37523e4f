"""Before anything is written beside photos of a project from elsewhere, the person is asked about their folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QPushButton, QVBoxLayout, QWidget

from app.core import scanned_folders
from app.core.project import Project
from app.ui.tasks import Tasks
from app.ui.widgets import label

_SHOWN = 500


class TrustDialog(QDialog):
    """Shows folders that were not scanned on this computer; accepted where the person finds them right."""

    def __init__(self, folders: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Are these folders right?")
        self.resize(640, 420)
        self.folders = QListWidget()
        self.folders.setObjectName("list")
        self.folders.setAccessibleName("folders")
        self.folders.addItems([str(folder) for folder in folders[:_SHOWN]])
        if len(folders) > _SHOWN:
            self.folders.addItem(f"and {len(folders) - _SHOWN:,} more")
        self.agree_button, cancel = QPushButton("these folders are right"), QPushButton("cancel")
        self.agree_button.setProperty("kind", "primary")
        self.agree_button.setAutoDefault(False)
        cancel.setDefault(True)
        self.agree_button.clicked.connect(self.accept)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.agree_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addWidget(label("This project has photos in folders that were not scanned into it on this computer."))
        column.addWidget(self.folders, 1)
        column.addWidget(label("What you asked for writes beside these photos, or copies or moves them.", "muted"))
        column.addLayout(buttons)


class Trusting(QObject):
    """Lets something begin at once, or when the person has found the folders of a project right."""

    def __init__(self, tasks: Tasks, page: QWidget) -> None:
        """Args: tasks: look into projects."""
        super().__init__(page)
        self._tasks, self._page = tasks, page

    def when_trusted(self, project: Project, begin: Callable[[], None]) -> None:
        """Call `begin` unless the person finds that the folders of the project are wrong."""

        def look(folders: Sequence[Path]) -> None:
            if not folders:
                begin()
                return
            dialog = TrustDialog(folders, self._page)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.accepted.connect(agreed)
            dialog.open()

        def agreed() -> None:
            self._tasks.once(lambda: scanned_folders.trust(project), lambda _: begin(), on=project)

        self._tasks.once(lambda: scanned_folders.unknown(project), look, on=project)
