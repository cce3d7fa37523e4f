"""The chosen photos into the gallery, as reference photos of the labels that the person gave them."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.core.teaching.job_result import JobResult, photos, there_already
from app.core.teaching.reviewed_photos import Reviewed
from app.ui.review import actions
from app.ui.review.review_session import ReviewSession
from app.ui.review.selection import PhotoSelection
from app.ui.review.toolbar import ReviewToolbar, VerdictBar
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.notice_bar import NoticeBar

_NAMED = 3


class EnrolmentJobs(QObject):
    """Asks the project for labels and embeddings, and shows the result in the notice bar.

    Signals:
        wanted: (Reviewed) enrol these
        undo_wanted: undo the gallery's last step
    """

    wanted = Signal(Reviewed)
    undo_wanted = Signal()

    def __init__(self, session: ReviewSession, chosen: PhotoSelection, notice: NoticeBar, page: QWidget) -> None:
        super().__init__(page)
        self._session, self._chosen, self._notice = session, chosen, notice
        self._title = ""  # of the gallery's step that the notice can undo

    def offer_in(self, toolbar: ReviewToolbar, verdicts: VerdictBar) -> None:
        """Show on menu and button how many photos it would be."""

        def write() -> None:
            words = f"enrol {photos(len(self._chosen.places()))} in the gallery"
            toolbar.enrol_action.setText(f"{words}\t{actions.ENROL.shown}")
            verdicts.enrol_button.setToolTip(f"{words} ({actions.ENROL.shown}), with your labels")

        toolbar.enrol_wanted.connect(self.enrol)
        toolbar.output_button.menu().aboutToShow.connect(write)
        self._chosen.changed.connect(write)

    def enrol(self) -> None:
        """Enrol the chosen photos."""
        images = self._chosen.images()
        if images and not self._session.reviewed(images, self._begin):
            self._notice.say("The gallery belongs to an identification model. Choose one on the page Identify first.")

    def show_done(self, found: Reviewed, done: JobResult) -> None:
        """Show the result."""
        report = done.report
        if done.message:
            words = f"Not all photos were enrolled: {done.message}"
        elif report.added:
            labels = "" if done.cancelled else _labels(found, done)
            words = f"{photos(report.added)} enrolled in the gallery{labels}{there_already(report.known)}."
        elif report.known:
            words = f"{_all(report.known)} in the gallery already."
        else:
            words = "No photo was enrolled."
        self._say(words, found, done)

    def show_next_undo(self, title: str) -> None:
        """The gallery's last step is another one by now: the notice no longer offers to undo it."""
        if self._title and title != self._title:
            self._title = ""
            self._notice.clear()

    def _begin(self, found: Reviewed) -> None:
        if found.samples:
            self.wanted.emit(found)
            return
        count = found.left_out
        none = "The chosen photo has no class" if count == 1 else f"None of the {count:,} chosen photos has a class"
        self._title = ""
        self._notice.say(
            f"{none} that you gave or accepted. Accept the answer ({actions.ACCEPT.shown}) or give another label "
            f"({actions.RELABEL.shown}), then enrol."
        )

    def _say(self, words: str, found: Reviewed, done: JobResult) -> None:
        if found.left_out:
            words += (
                f" {photos(found.left_out)} without a class that you gave or accepted {_were(found.left_out)} left out."
            )
        if done.report.problems:
            words += f" {photos(len(done.report.problems))} could not be enrolled."
        self._title = found.title if done.report.added else ""
        tip = f"undo the enrolment; on the page Gallery this is {standard.UNDO.shown}"
        undo = "undo" if done.report.added else ""
        self._notice.say(words, undo, self._undo, tip=tip, details="\n".join(done.report.problems))

    def _undo(self) -> None:
        self._title = ""
        self.undo_wanted.emit()


def _labels(found: Reviewed, done: JobResult) -> str:
    """Under which classes; with numbers if all of them were enrolled."""
    counts = Counter(sample.fine or sample.coarse for sample in found.samples)
    whole = done.report.added == len(found.samples)
    names = [f"{count:,} {name}" if whole else name for name, count in counts.most_common(_NAMED)]
    more = len(counts) - _NAMED
    if more > 0:
        names.append(f"{more:,} more class{'' if more == 1 else 'es'}")
    return f" ({', '.join(names)})"


def _all(count: int) -> str:
    return "The photo is" if count == 1 else f"All {count:,} photos are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
