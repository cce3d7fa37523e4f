"""Before anything is written beside photos of a project from elsewhere, the person is asked about their folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.system.local_records import perhaps_lost
from app.ui.background.tasks import Tasks
from app.ui.review.export.list_dialog import ListDialog


class TrustDialog(ListDialog):
    """Shows folders that were not scanned on this computer; accepted if the person confirms them."""

    def __init__(self, folders: Sequence[Path], lost: str, parent: QWidget | None = None) -> None:
        """Args: lost: from `perhaps_lost`."""
        super().__init__(
            "Are these folders right?",
            f"This project has photos in folders that were not scanned into it on this computer{lost}.",
            "What you asked for writes beside these photos, or copies or moves them.",
            [str(folder) for folder in folders],
            parent,
        )
        self.list.setAccessibleName("folders")
        self.agree_button.setText("these folders are right")
        self.agree_button.setProperty("kind", "primary")


class TrustQuestion(QObject):
    """Lets something begin at once, or once the person has confirmed the folders of a project."""

    def __init__(self, tasks: Tasks, page: QWidget) -> None:
        """Args: tasks: the ones that read projects."""
        super().__init__(page)
        self._tasks, self._page = tasks, page

    def when_trusted(self, project: Project, begin: Callable[[], None]) -> None:
        """Call `begin` unless the person rejects the folders of the project."""

        def find() -> tuple[Sequence[Path], str]:
            return scanned_folders.unknown(project), perhaps_lost()

        def look(found: tuple[Sequence[Path], str]) -> None:
            folders, lost = found
            if not folders:
                begin()
                return
            dialog = TrustDialog(folders, lost, self._page)
            dialog.accepted.connect(agreed)
            dialog.open()

        def agreed() -> None:
            self._tasks.once(lambda: scanned_folders.trust(project), lambda _: begin(), on=project)

        self._tasks.once(find, look, on=project)
