"""Projects that were open before: each is closed when those that still work on it have let go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from app.core.project.project import Project
from app.ui.background.tasks import Tasks
from app.ui.project.run_control import RunControl


class ProjectCloser(QObject):
    """Knows who works on projects, and which ones are open although another one has taken their place."""

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        """Args: tasks: close the projects."""
        super().__init__(parent)
        self._tasks = tasks
        self._users: list[Tasks | RunControl] = []
        self._projects: list[Project] = []

    def add_user(self, user: Tasks | RunControl) -> None:
        """This works on projects too, and says by `released` when it has let go of one."""
        self._users.append(user)
        user.released.connect(self._close_unused)

    def leave(self, project: Project) -> None:
        """Another project has taken the place of this one."""
        self._projects.append(project)
        self._close_unused()

    def take_back(self, path: Path) -> Project | None:
        """The project of this file if it is still open; a second one beside it would disturb those that use it."""
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
