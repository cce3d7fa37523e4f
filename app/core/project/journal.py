"""Undo and redo of everything that was done in a project, also after a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from app.core.project.journal_steps import JournalStep, StepKind, Turn, Undone
from app.core.project.project import Project


class Turned(NamedTuple):
    """A step that was undone or redone.

    Attributes: problems: what had to be left as it is (a file that changed since), in words. stays: nothing of it could
        be undone or redone; the step is kept until its files are back.
    """

    action: JournalStep
    problems: list[str]
    stays: bool = False


class NextSteps(NamedTuple):
    """The steps that `undo` and `redo` would turn; None without one."""

    undo: JournalStep | None = None
    redo: JournalStep | None = None


class StepTurner(Protocol):
    """How steps of one kind are undone and redone."""

    def turn(
        self, action: JournalStep, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> Turn:
        """Undo or redo a step; arguments and errors as in `Journal.undo`."""

    def can_be_taken_back(self, action: JournalStep) -> bool:
        """Whether something more of a partly undone step can be undone now."""


class Journal:
    """The steps of a project that can be undone or redone.

    Args:
        turners: for every kind of step, how it is undone and redone.
    """

    def __init__(self, project: Project, turners: Mapping[StepKind, StepTurner]) -> None:
        self._steps = project.steps
        self._turners = turners

    def next_steps(self) -> NextSteps:
        """What `undo` and what `redo` would take up."""
        return NextSteps(self._last(), self._steps.first_undone())

    def undo(
        self, progress: Callable[[int], None] = lambda _done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Turned | None:
        """Undo the last step; None without one.

        If a filing cannot be undone completely, as files have changed or are on a drive that is away, the rest is kept
        and skipped until one of its files can be taken back.

        Args:
            progress: called with the number of files that are finished. cancelled: whether to stop between two files;
            the step then stays, and the next call continues it.

        Raises:
            ProjectError: if the disk refuses.
            UnknownStepError: if the step is a filing from elsewhere (`Filing.trust`).
        """
        return self._turn(self._last(), progress, cancelled, back=True)

    def redo(
        self, progress: Callable[[int], None] = lambda _done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> Turned | None:
        """Redo the first undone step; like `undo`."""
        return self._turn(self._steps.first_undone(), progress, cancelled, back=False)

    def _last(self) -> JournalStep | None:
        last = self._steps.last_done()
        away = self._steps.in_part_since(last.id if last is not None else 0)
        return next((action for action in away if self._turners[action.kind].can_be_taken_back(action)), last)

    def _turn(
        self, action: JournalStep | None, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> Turned | None:
        if action is None:
            return None
        turn = self._turners[action.kind].turn(action, progress, cancelled, back=back)
        if cancelled():
            return Turned(action, turn.problems)
        undone = (Undone.IN_PART if turn.rest else Undone.YES) if back or turn.stays else Undone.NO
        self._steps.set_undone(action, undone, turn.write)
        return Turned(action, turn.problems, turn.stays)
