"""Import into the gallery and export from it: other galleries, other models' references, pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.gallery.gallery import ReferenceEntry
from app.core.gallery.selection import GallerySelection
from app.core.recognition.engine import Engine
from app.core.teaching import gallery_exchange
from app.core.teaching.job_result import JobResult, there_already
from app.core.teaching.picture_search import Located, locate
from app.core.teaching.reembedding import Behind, left_behind, own_galleries, reembed
from app.ui.background.jobs import Job
from app.ui.gallery.gallery_session import Cancelled, GallerySession, Reports
from app.ui.widgets.notice_bar import NoticeBar
from model.system.wording import counted, first_of

_LISTED = 500


class GalleryTransfers(QObject):
    """Asks the session for work, and offers in the notice bar what could be done.

    Signals:
        declined: (fingerprint) nothing should be re-embedded for this model

    Attributes:
        asked_no: fingerprints of models for which nothing is to be offered.
    """

    declined = Signal(str)

    def __init__(self, session: GallerySession, notice: NoticeBar) -> None:
        super().__init__(session)
        self._session, self._notice = session, notice
        self.asked_no: set[str] = set()
        self._offering = ""
        self._cancel: Callable[[], None] | None = None
        notice.closed.connect(self._on_closed)

    # other galleries

    def export_to(self, place: Path) -> None:
        """Write the gallery in use into one file."""

        def steps(_engine: Engine, shelf: GallerySelection, cancelled: Cancelled) -> Reports:
            return (
                iter(())
                if shelf.gallery is None
                else gallery_exchange.export(shelf.gallery, place, cancelled=cancelled)
            )

        self._session.carry_out(
            "exporting the gallery",
            steps,
            lambda done: "no file was written" if done.cancelled else f"{_references(done.report.added)} exported",
            lambda done: self._session.tell_problems(done, "The gallery was not exported"),
            changes=False,
        )

    def import_from(self, place: Path) -> None:
        """Merge another gallery into the one in use."""

        def steps(engine: Engine, shelf: GallerySelection, cancelled: Cancelled) -> Reports:
            info = engine.info
            return gallery_exchange.merge(shelf, place, info.fingerprint, info.embedding_dim, cancelled=cancelled)

        def then(done: JobResult) -> None:
            self._session.tell_problems(done, f"{place.name} was not imported")
            if done.message:  # perhaps of another model: its pictures may be available
                self._look(lambda: [place], lambda behind: self._offer(behind, f"{place.name} holds", declinable=""))

        self._session.carry_out(
            f"importing {place.name}",
            steps,
            lambda done: f"{_references(done.report.added)} imported{there_already(done.report.known)}",
            then,
        )

    # other models

    def look_behind(self, *, asked: bool) -> None:
        """Look for the user's references from other models; `asked`: also report if there are none."""
        loaded = self._session.loaded
        if loaded is None:
            return
        fingerprint = loaded.info.fingerprint
        if not asked and fingerprint in self.asked_no:
            return

        def offer(behind: Behind) -> None:
            if asked and not behind.entries:
                words = (
                    "There is nothing to re-embed: all references of other models whose pictures are known are here."
                )
                gone = f"Nothing can be re-embedded.{_gone(behind)}"
                self._say(gone if behind.missing else words, details=_listed(behind))
            self._offer(behind, "Your galleries hold", declinable=fingerprint)

        self._look(lambda: own_galleries(fingerprint), offer)

    def _look(self, galleries: Callable[[], Sequence[Path]], then: Callable[[Behind], None]) -> None:
        """Look for references in galleries of other models that the one in use does not have."""
        loaded = self._session.loaded
        if loaded is None:
            return
        fingerprint = loaded.info.fingerprint

        def steps(_engine: Engine, shelf: GallerySelection, _cancelled: Cancelled) -> Iterator[object]:
            if not shelf.shared:
                entries = shelf.gallery.entries().values() if shelf.gallery is not None else ()
                yield {entry.digest for entry in entries}

        def look(known: set[str]) -> None:
            self._session.later(lambda: left_behind(galleries(), fingerprint, known), then)

        self._session.ask(steps, look)

    def _offer(self, behind: Behind, where: str, *, declinable: str) -> None:
        """Offer to embed these again; `declinable`: the model for which this is not offered again once declined."""
        if behind.entries:
            count = _references(len(behind.entries))
            self._say(
                f"{where} {count} made with another identification model, which this one does not know.{_gone(behind)}",
                f"re-embed {count} with this model",
                lambda: self._reembed(behind),
                details=_listed(behind),
            )
            self._offering = declinable

    def _reembed(self, behind: Behind) -> None:
        def steps(engine: Engine, shelf: GallerySelection, cancelled: Cancelled) -> Reports:
            return reembed(engine, shelf, behind.entries, cancelled=cancelled)

        self._session.carry_out(
            "re-embedding",
            steps,
            lambda done: f"{_references(done.report.added)} re-embedded",
            lambda done: self._session.tell_problems(done, "Not all references were re-embedded"),
        )

    # pictures

    def look_for_pictures(self, folder: Path) -> None:
        """Look in a folder for pictures that are not where they should be, and show how many were found."""

        def steps(_engine: Engine, shelf: GallerySelection, _cancelled: Cancelled) -> Iterator[object]:
            if shelf.gallery is not None:
                yield shelf.gallery.entries()

        self._session.ask(steps, lambda entries: self._search(entries, folder))

    def _search(self, entries: dict[int, ReferenceEntry], folder: Path) -> None:
        ended = [False]

        def cancel() -> None:
            ended[0] = True
            task.cancel()
            self._session.jobs.end(job, "cancelled: no pictures were located")

        def steps() -> Iterator[tuple[int, int, Located | None]]:
            wanted = {
                number: entry
                for number, entry in entries.items()
                if entry.root is None or not (entry.root / entry.path).is_file()
            }
            yield 0, len(wanted), None
            yield from locate(wanted, folder, cancelled=lambda: ended[0])

        def put(found: tuple[int, int, Located | None]) -> None:
            done, total, located = found
            self._session.jobs.advance(job, done, total, False)
            if located is not None:
                self._cancel = None
                self._session.jobs.end(job, "")
                self._preview(located)

        self.stop()
        job = Job("looking for pictures", cancel)
        self._cancel = cancel
        self._session.jobs.begin(job)
        task = self._session.tasks.submit(steps, put)

    def stop(self) -> None:
        """Stop the search for pictures."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _preview(self, found: Located) -> None:
        count, total = len(found.places), len(found.places) + len(found.missing)
        details = "\n".join(first_of([f"not found: {path}" for path in found.missing], _LISTED))
        if not total:
            self._say("All pictures are where they should be.")
        elif not count:
            self._say(f"None of the {total:,} pictures is in {found.folder}. Choose another folder.", details=details)
        else:
            other = len(found.other)
            unlike = f" {other:,} of them by name alone: the file's content is not what was enrolled." if other else ""
            self._say(
                f"{count:,} of {total:,} missing pictures are in {found.folder}.{unlike}",
                f"show {counted(count, 'picture')}",
                lambda: self._session.relocate(found.places),
                details=details,
            )

    # the notice bar

    def _say(self, words: str, action: str = "", act: Callable[[], object] | None = None, *, details: str = "") -> None:
        self._offering = ""
        self._notice.say(words, action, act, details=details)

    def _on_closed(self) -> None:
        if self._offering:
            self.asked_no.add(self._offering)
            self.declined.emit(self._offering)
            self._offering = ""


def _references(count: int) -> str:
    return counted(count, "reference")


def _gone(behind: Behind) -> str:
    missing = len(behind.missing)
    return f" The pictures of {missing:,} more cannot be found." if missing else ""


def _listed(behind: Behind) -> str:
    return "\n".join([*behind.problems, *first_of([f"not found: {place}" for place in behind.missing], _LISTED)])
