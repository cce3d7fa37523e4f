"""Photos into folders by their labels: a plan is written into the journal, and carried out and undone from there.

Every file goes through these states, each committed before the next begins, so a program that dies leaves each file
whole at its source, at its target, or at both; `settle` then finishes it or takes it back:

planned -> placed (a move: a whole copy is at the target) -> done (a move: the source is gone) -> returning -> undone

What is still planned at the end of a filing becomes `left`. A step that was not begun on this computer touches no file
before the person has seen the list (`filing_records`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from app.core.filing.filing_moves import FilingMoves, LeftError, is_as_filed
from app.core.filing.filing_plan import FilingPlan
from app.core.metadata.sidecars import Sidecars, beside
from app.core.project.filed import STANDING, FiledFile, FiledState, FilingStep
from app.core.project.journal_steps import JournalStep, Turn, Undone
from app.core.project.project import Project
from app.core.project.records import FoundFile
from app.core.system.file_placement import same_content
from app.core.system.local_records import perhaps_lost
from model.system.errors import MarqueError, file_error
from model.system.wording import counted

_FORWARD = (FiledState.PLANNED, FiledState.PLACED)


class UnknownStepError(MarqueError):
    """A step of a project from elsewhere, or from before steps were remembered, would move or remove files.

    Attributes:
        action: the step.
        files: source and target of each of its files. words: that it was not begun here, and why it may only seem so.
    """

    def __init__(self, action: JournalStep, files: list[tuple[Path, Path]]) -> None:
        self.words = f"'{action.title}' was not started on this computer{perhaps_lost()}"
        super().__init__(
            f"{self.words}; nothing was touched",
            advice="look at its files first",
            details="\n".join(f"{source} -> {target}" for source, target in files),
        )
        self.action = action
        self.files = files

    @property
    def folders(self) -> list[Path]:
        """The folders whose files would change."""
        return sorted({place.parent for files in self.files for place in files})


class Filing:
    """Carries plans out and undoes them. Every method raises ProjectError if the journal cannot be written."""

    def __init__(self, project: Project) -> None:
        self._filed, self._steps = project.filed, project.steps

    def begin(self, wanted: FilingPlan, *, move: bool) -> JournalStep | None:
        """Write a plan into the journal, touching no file yet; None if there is nothing to do.

        Photos that are no longer the files that were identified wait for identification from now on.

        Raises:
            FileError: if the step cannot be remembered in the user's data folder; then it was not begun.
        """
        if wanted.changed:
            self._filed.identify_again(wanted.changed)
        if move:
            wanted = wanted.for_move()
        if not wanted.steps:
            return None
        title = f"{'move' if move else 'copy'} {counted(len(wanted.steps), 'photo')}"
        return self._filed.begin((*wanted.steps, *wanted.sidecars), title, move=move)

    def carry_out(
        self,
        action: JournalStep,
        progress: Callable[[int], None] = lambda _done: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Do what is planned and not done yet, also after a program died; what could not be done, in words.

        A step of which nothing could be done is removed, unless it was done before.

        Args:
            progress: called with the number of photos that are finished.
            cancelled: whether to stop between two photos.

        Raises:
            UnknownStepError: if the step is from elsewhere.
        """
        self.check_known(action)
        again = self._filed.count(action, FiledState.UNDONE) > 0
        self._filed.change_all(action, (FiledState.UNDONE, FiledState.LEFT), FiledState.PLANNED)
        moves, problems = FilingMoves(self._filed, action), []
        groups = [group for group in self._filed.groups(action) if group.has(*_FORWARD)]
        for done, group in enumerate(groups, start=1):
            if cancelled():
                break
            for row in group.rows:
                if row.state in _FORWARD:
                    problem = _problem(partial(moves.forward, row, group.photo), row.source)
                    problems += [problem] if problem else []
                if group.photo.state is not FiledState.DONE:
                    break  # its sidecars stay beside it
            progress(done)
        self._filed.change_all(action, (FiledState.PLANNED,), FiledState.UNDONE if again else FiledState.LEFT)
        if self.standing(action):
            stopped = cancelled() and self._filed.count(action, FiledState.UNDONE) > 0
            self._steps.set_undone(action, Undone.IN_PART if stopped else Undone.NO)
        else:
            moves.remove_folders(last=True)
            if not again:
                self._steps.forget(action)
        return problems

    def take_back(
        self,
        action: JournalStep,
        progress: Callable[[int], None] = lambda _done: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Undo what was done, also the folders that were made for it; files that have changed since are left and
        reported.

        Raises:
            UnknownStepError: if the step is from elsewhere.
        """
        self.check_known(action)
        self._take_along(action)
        self._filed.change_all(action, STANDING, FiledState.RETURNING)
        moves, problems = FilingMoves(self._filed, action), []
        # the last one first: a sidecar that several photos share was copied with the first ones and moved with the last
        groups = [group for group in reversed(self._filed.groups(action)) if group.has(FiledState.RETURNING)]
        for done, group in enumerate(groups, start=1):
            if cancelled():
                break
            for row in group.rows:
                if row.state is FiledState.RETURNING:
                    problem = _problem(partial(moves.back, row), row.target)
                    problems += [problem] if problem else []
                if group.photo.state is FiledState.RETURNING:
                    break
            progress(done)
        self._filed.stay(row for group in groups for row in group.rows)
        moves.remove_folders(last=not self.holds_files(action))
        return problems

    def turn(
        self, action: JournalStep, progress: Callable[[int], None], cancelled: Callable[[], bool], *, back: bool
    ) -> Turn:
        """Undo a filing, or do it again; for the journal."""
        before = self.standing(action)
        problems = (self.take_back if back else self.carry_out)(action, progress, cancelled)
        stays = bool(problems) and self.standing(action) == before
        return Turn(problems, stays=stays, rest=self.holds_files(action))

    def can_be_taken_back(self, action: JournalStep) -> bool:
        """Whether at least one of its files is where it was put, and can leave without a loss."""
        for group in self._filed.groups(action):
            rows = [group.photo] if group.photo.state in STANDING else group.sidecars  # they stay with their photo
            if any(_can_be_taken_back(row) for row in rows if row.state in STANDING):
                return True
        return False

    def holds_files(self, action: JournalStep) -> bool:
        """Whether one of its files, photo or sidecar, was filed and not taken back."""
        return any(group.has(*STANDING) for group in self._filed.groups(action))

    def standing(self, action: JournalStep) -> int:
        """How many of its photos were filed and not taken back."""
        return self._filed.count(action, *STANDING)

    def count(self, action: JournalStep) -> int:
        """How many photos a filing has."""
        return self._filed.count(action)

    def check_known(self, action: JournalStep) -> None:
        """Raises UnknownStepError unless the step was begun on this computer, or the person trusts it."""
        if not self._filed.is_known(action):
            raise UnknownStepError(action, [(row.source, row.target) for row in self._filed.rows(action)])

    def trust(self, action: JournalStep) -> None:
        """From now on a step counts as begun on this computer: the person has seen its files. Raises FileError."""
        self._filed.trust(action)

    def unknown(self) -> list[UnknownStepError]:
        """Steps that a program left unfinished, and that `settle` skips as they are not known here."""
        found = []
        for action in self._filed.in_the_middle():
            try:
                self.check_known(action)
            except UnknownStepError as error:
                found.append(error)
        return found

    def settle(self) -> list[str]:
        """Finish or undo what a program that died left unfinished; a sentence for each such filing.

        A photo that was being moved and is in both places is removed from the old one; one that was being taken back,
        from the new one. What was not begun is not changed. Called when a project is opened, before anything looks for
        files. Steps that are not known on this computer are skipped: see `unknown`.
        """
        said = []
        for action in self._filed.unsettled():
            if self._filed.is_known(action):
                words = self._settle(action)
                said += [words] if words else []
        return said

    def _settle(self, action: JournalStep) -> str:
        moves = FilingMoves(self._filed, action)
        moves.settle_folders()
        back = self._filed.count(action, FiledState.RETURNING)
        groups = self._filed.groups(action)
        forward = any(group.has(*_FORWARD) for group in groups)
        # a step that is done again counts as taken back until all of it is done
        again = forward and self._steps.is_undone(action)
        for group in groups:
            for row in group.rows:
                with suppress(LeftError, OSError):
                    self._settle_row(moves, row, group.photo)
        self._filed.change_all(action, (FiledState.PLANNED,), FiledState.UNDONE if again else FiledState.LEFT)
        standing, total = self.standing(action), self.count(action)
        if not standing:
            moves.remove_folders(last=not self.holds_files(action))
        rest = again and standing < total
        self._steps.set_undone(action, Undone.YES if not standing else Undone.IN_PART if rest else Undone.NO)
        if back:
            words = f"undoing '{action.title}' was interrupted: {total - standing:,} done"
            return f"{words}, {standing:,} still to do; undo it again" if standing else words
        if not forward:
            return ""
        if again:
            words = f"redoing '{action.title}' was interrupted: {standing:,} done"
            if not rest:
                return words
            words = f"{words}, {total - standing:,} still to do; redo it, file again"
        else:
            left = f"{total - standing:,} left as they were"
            words = f"'{action.title}' was interrupted: {standing:,} done, {left}; file again"
        return f"{words}, or undo it" if standing else words

    def _settle_row(self, moves: FilingMoves, row: FiledFile, photo: FiledFile) -> None:
        if row is not photo and photo.state is FiledState.DONE and row.state is FiledState.PLANNED:
            moves.forward(row, photo)  # a sidecar goes where its photo went
        elif row.state is FiledState.RETURNING and os.path.lexists(row.source) and not os.path.lexists(row.target):
            self._filed.change(row, FiledState.UNDONE, place=row.source if row.move else None)
        elif row is not photo and photo.state is FiledState.UNDONE and row.state in STANDING:
            moves.back(row)
        elif row.state is FiledState.PLACED or (
            row.state is FiledState.PLANNED and same_content(row.source, row.target)
        ):
            moves.forward(row, photo)
        elif row.state is FiledState.RETURNING:
            if row.move and same_content(row.source, row.target):
                moves.back(row)
            else:
                self._filed.stay([row])

    def _take_along(self, action: JournalStep) -> None:
        """Add the sidecars to the step that were written beside its moved photos since."""
        rows = self._filed.rows(action)
        known, sidecars, new = {row.target for row in rows}, Sidecars(), []
        for row in rows:
            if row.sidecar or not row.move or row.state is not FiledState.DONE:
                continue
            for one in sidecars.of(row.target):
                if one.path not in known and not one.others and not one.path.is_symlink():
                    file = FoundFile.of(one.path)
                    place = beside(one.path, row.target, row.source)
                    new.append(FilingStep(row.image, place, one.path, file.size, file.modified, sidecar=True))
        if new:
            self._filed.add_found(action, new)


def _can_be_taken_back(row: FiledFile) -> bool:
    if not (os.path.lexists(row.target) if row.sidecar else is_as_filed(row)):
        return False
    return same_content(row.source, row.target) or (row.move and not os.path.lexists(row.source))


def _problem(work: Callable[[], None], place: Path) -> str:
    """Do something to a file; why the file was left as it is, in words, or "" if it was done."""
    try:
        work()
    except LeftError as reason:
        return str(reason)
    except OSError as error:
        return str(file_error(error, place))
    return ""
