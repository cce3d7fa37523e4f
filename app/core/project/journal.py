"""Undo and redo over everything that was done in a project; they survive a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from app.core.project.journal_steps import JournalStep, StepKind, Turn, Undone
from app.core.project.project import Project
from app.core.project.schema import contents

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

    action: JournalStep
    problems: list[str]
    stays: bool = False


class StepTurner(Protocol):
    """How steps of one kind are taken back and done again."""

    def turn(
        self, action: JournalStep, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> Turn:
        """Take a step back, or do it again; arguments and errors as of `Journal.undo`."""

    def can_be_taken_back(self, action: JournalStep) -> bool:
        """Whether something can be taken back now of a step of which something was left."""


class Journal:
    """The steps of a project that can be taken back or done again.

    Args:
        turners: for every kind of step, how it is turned.
    """

    def __init__(self, project: Project, turners: Mapping[StepKind, StepTurner]) -> None:
        self._project = project
        self._turners = turners

    def next_steps(self) -> tuple[JournalStep | None, JournalStep | None]:
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

    def _last(self) -> JournalStep | None:
        last = self._find(_LAST)
        away = self._actions(_IN_PART_SINCE, last.id if last is not None else 0)
        return next((action for action in away if self._turners[action.kind].can_be_taken_back(action)), last)

    def _find(self, query: str) -> JournalStep | None:
        return next(iter(self._actions(query)), None)

    def _actions(self, query: str, *values: int) -> list[JournalStep]:
        rows = self._project.read(query, values)
        with contents(self._project.path, "a step of its journal"):
            return [JournalStep(number, StepKind(kind), title) for number, kind, title in rows]

    def _turn(
        self, action: JournalStep | None, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> Turned | None:
        if action is None:
            return None
        turn = self._turners[action.kind].turn(action, progress, cancelled, back=back)
        if cancelled():
            return Turned(action, turn.problems)
        with self._project.change() as connection:
            turn.write(connection)
            undone = (Undone.IN_PART if turn.rest else Undone.YES) if back or turn.stays else Undone.NO
            connection.execute("UPDATE action SET undone = ? WHERE id = ?", (undone, action.id))
        return Turned(action, turn.problems, turn.stays)
