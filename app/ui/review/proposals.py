"""Actions on many photos at once: accept the surest, follow a suggestion. The list is the preview.

A choice made elsewhere is shown in the same way.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.core.project.labels import Label
from app.core.project.records import SubjectId, subjects_of
from app.core.recognition.decision import Status
from app.core.review.photo_columns import STATUSES
from app.core.review.suggestions import Suggestion
from app.ui.project.open_project import OpenProject
from app.ui.review.proposal_bar import FIRST_LEVEL, ProposalBar
from app.ui.review.review_session import ReviewSession
from app.ui.widgets.status_face import percent
from model.system.wording import counted

_ANSWERS = [STATUSES.index(Status.IDENTIFIED), STATUSES.index(Status.COARSE_ONLY)]


class Proposals(QObject):
    """Keeps at most one kind of proposal open.

    Signals:
        changed: the list is to show other photos.
    """

    changed = Signal()

    def __init__(
        self, project: OpenProject, session: ReviewSession, bar: ProposalBar, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project, self._session, self._bar = project, session, bar
        self._suggestions: list[Suggestion] | None = None
        self._place = 0
        self._level: float | None = None
        self._picked: np.ndarray | None = None
        self._what = ""
        bar.agreed.connect(self._agree)
        bar.passed.connect(self._next)
        bar.closed.connect(self.leave)
        bar.level_changed.connect(self._set_level)

    def active(self) -> bool:
        """Whether a proposal is shown."""
        return self._suggestions is not None or self._level is not None or self._picked is not None

    def images(self) -> np.ndarray | None:
        """What the list shows: the photos that the proposal is about, the least sure first; None without one."""
        columns = self._project.columns
        if self._level is not None:
            sure = columns.undecided() & np.isin(columns.shown.status, _ANSWERS)
            rows = np.flatnonzero(sure & (columns.shown.confidence >= self._level))
            return columns.ids[rows[np.argsort(columns.shown.confidence[rows], kind="stable")]]
        if self._suggestions is not None:
            return np.array(self._open_images(), np.int64)[::-1]
        return self._picked

    def suggest(self) -> None:
        """Look for groups that are probably shown as the wrong class."""
        self._level, self._picked = None, None
        self._session.suggestions(self._take)

    def accept_surest(self) -> None:
        """Propose to accept all answers from some confidence on."""
        self._suggestions, self._picked = None, None
        self._set_level(self._bar.level_box.currentData() or FIRST_LEVEL)

    def show_only(self, images: np.ndarray, what: str) -> None:
        """List these photos and no others, in this order, until the person leaves them.

        Args:
            images: int64 numbers.
            what: words for them, after their number.
        """
        self._suggestions, self._level, self._picked, self._what = None, None, images, what
        self._write()
        self.changed.emit()

    def leave(self) -> bool:
        """Close the proposal; True where there was one."""
        was = self.active()
        self._suggestions, self._level, self._picked = None, None, None
        self._bar.hide()
        if was:
            self.changed.emit()
        return was

    def refresh(self) -> None:
        """Labels have changed: show how many photos are left."""
        if self.active():
            self._write()

    def _take(self, found: list[Suggestion]) -> None:
        self._suggestions, self._place = [one for one in found if self._undecided(one)], 0
        self._write()
        self.changed.emit()

    def _set_level(self, level: float) -> None:
        self._level = level
        self._write()
        self.changed.emit()

    def _current(self) -> Suggestion | None:
        found = self._suggestions or []
        return found[self._place] if self._place < len(found) else None

    def _open_images(self) -> list[int]:
        """Images of the current suggestion, without those that have been decided meanwhile."""
        one = self._current()
        return self._undecided(one) if one is not None else []

    def _undecided(self, one: Suggestion) -> list[int]:
        columns = self._project.columns
        return [int(columns.ids[row]) for row in columns.rows_of(one.images).tolist() if columns.undecided()[row]]

    def _write(self) -> None:
        if self._level is not None:
            images = self.images()
            count = 0 if images is None else len(images)
            words = f"{count:,} undecided photos are at least {percent(self._level)} sure; the least sure come first"
            self._bar.propose(words, f"accept {count:,}" if count else "", more=False, level=True)
            return
        if self._picked is not None:
            self._bar.propose(f"{counted(len(self._picked), 'photo')} {self._what}", "", more=False, level=False)
            return
        one, left = self._current(), len(self._suggestions or ()) - self._place
        if one is None:
            self._bar.propose("No suggestions: nothing contradicts the answers.", "", more=False, level=False)
            return
        count, name = len(self._open_images()), one.label.fine or one.label.coarse
        words = f"{counted(count, 'photo')} shown as {one.shown or 'unknown'}: {one.reason} are {name}"
        self._bar.propose(words, f"relabel as {name}" if count else "", more=left > 1, level=False)

    def _agree(self) -> None:
        if self._level is not None:
            self._accept()
        else:
            one, images = self._current(), self._open_images()
            if one is not None and images:
                name = one.label.fine or one.label.coarse
                title = f"suggestion: {name} for {counted(len(images), 'photo')}"
                self._project.label(dict.fromkeys(subjects_of(images), one.label), title)
            self._next()

    def _accept(self) -> None:
        columns, images = self._project.columns, self.images()
        labels: dict[SubjectId, Label | None] = {}
        for row in columns.rows_of(images if images is not None else []).tolist():
            label = columns.accepted(row)
            if label is not None:
                labels[columns.subject(row)] = label
        self._project.label(labels, f"accept {counted(len(labels), 'photo')} from {percent(self._level or 0)}")
        self.leave()

    def _next(self) -> None:
        self._place += 1
        if self._current() is None:
            self.leave()
        else:
            self._write()
            self.changed.emit()
