"""Undo and redo over everything that was done in a project; they survive a restart."""

from __future__ import annotations

from collections.abc import Callable

from app.core.actions import Action, Kind
from app.core.filing import Filing
from app.core.labels import Labels
from app.core.project import Project

_LAST = "SELECT id, kind, title FROM action WHERE undone = 0 ORDER BY id DESC LIMIT 1"
_NEXT = "SELECT id, kind, title FROM action WHERE undone = 1 ORDER BY id LIMIT 1"


class Journal:
    """The steps of a project that can be taken back or done again."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def next_steps(self) -> tuple[Action | None, Action | None]:
        """What `undo` and what `redo` would take up; None where there is nothing."""
        return self._find(_LAST), self._find(_NEXT)

    def undo(
        self, progress: Callable[[int], None] = lambda _done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[Action, list[str]] | None:
        """Take back the last step: it, and what could not be taken back (a file that changed since), in words.

        Args:
            progress: told how many files were dealt with.
            cancelled: whether to stop between two files; the step then stays, and the next `undo` goes on with it.

        Raises:
            ProjectError: if the disk refuses.
        """
        return self._turn(self._find(_LAST), progress, cancelled, back=True)

    def redo(
        self, progress: Callable[[int], None] = lambda _done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[Action, list[str]] | None:
        """Do the first step that was taken back again; as `undo`."""
        return self._turn(self._find(_NEXT), progress, cancelled, back=False)

    def _find(self, query: str) -> Action | None:
        rows = self._project.read(query)
        return Action(rows[0][0], Kind(rows[0][1]), rows[0][2]) if rows else None

    def _turn(
        self, action: Action | None, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> tuple[Action, list[str]] | None:
        if action is None:
            return None
        problems: list[str] = []
        if action.kind is Kind.FILES:
            filing = Filing(self._project)
            do = filing.take_back if back else filing.carry_out
            problems = do(action, progress, cancelled)
            if cancelled():
                return action, problems
        with self._project.change() as connection:
            if action.kind is Kind.LABELS:
                Labels(self._project).turn(connection, action, back=back)
            connection.execute("UPDATE action SET undone = ? WHERE id = ?", (back, action.id))
        return action, problems
