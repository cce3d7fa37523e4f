"""Projects that were open before: each is closed when nobody works on it any more."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from app.core.project.project import Project
from app.ui.background.tasks import Tasks
from app.ui.project.run_control import RunControl


class ProjectCloser(QObject):
    """Knows who works on projects, and which ones are still open although another one has replaced them."""

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        """Args: tasks: close the projects."""
        super().__init__(parent)
        self._tasks = tasks
        self._users: list[Tasks | RunControl] = []
        self._projects: list[Project] = []

    def add_user(self, user: Tasks | RunControl) -> None:
        """Add a worker on projects, which reports by `released` that it has finished with one."""
        self._users.append(user)
        user.released.connect(self._close_unused)

    def leave(self, project: Project) -> None:
        """Another project has replaced this one."""
        self._projects.append(project)
        self._close_unused()

    def take_back(self, path: Path) -> Project | None:
        """The project of this file if it is still open; a second one would disturb its users."""
        found = next((one for one in self._projects if one.path == path), None)
        if found is not None:
            self._projects.remove(found)
        return found

    def close(self) -> None:
        """Close all of them; nothing uses them any more."""
        for project in self._projects:
            project.close()

    def _close_unused(self) -> None:
        for project in [one for one in self._projects if not any(user.uses(one) for user in self._users)]:
            self._projects.remove(project)
            self._tasks.once(project.close)
