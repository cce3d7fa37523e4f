"""Undo and redo over everything that was done in a project; they survive a restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.core.actions import Action, Kind, Undone
from app.core.filing import Filing
from app.core.labels import Labels
from app.core.project import Project
from app.core.project_file import contents

_LAST = "SELECT id, kind, title FROM action WHERE undone = 0 ORDER BY id DESC LIMIT 1"
_IN_PART_SINCE = f"SELECT id, kind, title FROM action WHERE id > ? AND undone = {Undone.IN_PART} ORDER BY id DESC"
_NEXT = (
    f"SELECT id, kind, title FROM action WHERE (undone = 1 OR undone = {Undone.IN_PART} "
    "AND id IN (SELECT action FROM filed WHERE state = 'undone')) "
    "AND id > (SELECT coalesce(max(id), 0) FROM action WHERE undone = 0) ORDER BY id LIMIT 1"
)


class Turned(NamedTuple):
    """A step that was taken back or done again.

    Attributes:
        problems: what had to be left as it is (a file that changed since), in words.
        stays: nothing of it could be taken back or done again; the step is kept until its files are there again.
    """

    action: Action
    problems: list[str]
    stays: bool = False


class Journal:
    """The steps of a project that can be taken back or done again."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def next_steps(self) -> tuple[Action | None, Action | None]:
        """What `undo` and what `redo` would take up; None where there is nothing."""
        return self._last(), self._find(_NEXT)

    def undo(
        self, progress: Callable[[int], None] = lambda _done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Turned | None:
        """Take back the last step; None where there is none.

        What is left of a filing of which not all can be taken back, as its files are on a drive that is away or have
        changed, is kept and passed over from then on, until one of its files can be taken back.

        Args:
            progress: told how many files were dealt with.
            cancelled: whether to stop between two files; the step then stays, and the next one continues it.

        Raises:
            ProjectError: if the disk refuses.
            UnknownStepError: if the step is a filing from elsewhere (`Filing.trust`).
        """
        return self._turn(self._last(), progress, cancelled, back=True)

    def redo(
        self, progress: Callable[[int], None] = lambda _done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Turned | None:
        """Do the first step that was taken back again; as `undo`."""
        return self._turn(self._find(_NEXT), progress, cancelled, back=False)

    def _last(self) -> Action | None:
        last, filing = self._find(_LAST), Filing(self._project)
        away = self._actions(_IN_PART_SINCE, last.id if last is not None else 0)
        return next((action for action in away if filing.can_be_taken_back(action)), last)

    def _find(self, query: str) -> Action | None:
        return next(iter(self._actions(query)), None)

    def _actions(self, query: str, *values: int) -> list[Action]:
        rows = self._project.read(query, values)
        with contents(self._project.path, "a step of its journal"):
            return [Action(number, Kind(kind), title) for number, kind, title in rows]

    def _turn(
        self, action: Action | None, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> Turned | None:
        if action is None:
            return None
        problems: list[str] = []
        stays, rest = False, False
        if action.kind is Kind.FILES:
            filing = Filing(self._project)
            do = filing.take_back if back else filing.carry_out
            before = filing.standing(action)
            problems = do(action, progress, cancelled)
            if cancelled():
                return Turned(action, problems)
            stays = bool(problems) and filing.standing(action) == before
            rest = filing.holds_files(action)
        with self._project.change() as connection:
            if action.kind is Kind.LABELS:
                Labels(self._project).turn(connection, action, back=back)
            undone = (Undone.IN_PART if rest else Undone.YES) if back or stays else Undone.NO
            connection.execute("UPDATE action SET undone = ? WHERE id = ?", (undone, action.id))
        return Turned(action, problems, stays)
