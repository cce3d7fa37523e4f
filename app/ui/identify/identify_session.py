"""What the page Identify works on: the opened photos, the one on show, and their open requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtGui import QImage

from app.core.recognition.decision import Status
from app.core.system.paths import tidy
from app.ui.background.folder_run import FolderAnswers, FolderRun
from app.ui.background.jobs import Job, JobSource
from app.ui.background.model_loading import Loaded
from app.ui.background.photo_answers import Answer, PhotoAnswers, Question
from app.ui.background.photo_loading import FolderScan, FoundFiles, Photo, PhotoLoader, Thumbnails
from app.ui.background.requests import next_request
from app.ui.identify.filmstrip import OpenedPhoto, PhotoList
from app.ui.widgets.status_face import FACES
from model.system.wording import counted


class IdentifySession(QObject):
    """Every request has a number; an answer to any but the newest is dropped.

    Signals:
        first_found: (row) the first photo of what was opened
        photo_ready: (Photo) the selected photo is decoded
        photo_failed: (reason) or it cannot be
        answered: (Answer) for the selected photo or its crop box
        answer_failed: (message)
        identified: (FolderAnswers) files, with their answers or errors
        problem: (text, details) for the error bar
        said: (text) what was left out, for the status bar
    """

    first_found = Signal(int)
    photo_ready = Signal(Photo)
    photo_failed = Signal(str)
    answered = Signal(Answer)
    answer_failed = Signal(str)
    identified = Signal(FolderAnswers)
    problem = Signal(str, str)
    said = Signal(str)

    def __init__(
        self, answers: PhotoAnswers, folder: FolderRun, thumbnails: Thumbnails, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self.photos = PhotoList(thumbnails, self)
        self._answers, self._folder = answers, folder
        self._loader = PhotoLoader(self)
        self._scan = FolderScan(self)
        self._request = self._scan_number = self._generation = 0
        self._scans_running = 0
        self._skipped: list[str] = []  # of the scans of what is open
        self._scan_failed = False  # one of them has reported what cannot be opened
        self._loaded: Loaded | None = None
        self._job: Job | None = None
        self._row = -1
        self._opened: list[Path] = []
        self._photo: Photo | None = None
        self._whole: Answer | None = None  # of the selected photo, without crop box
        self._crop: QRect | None = None
        self._heat = False
        self._set_aside: Path | None = None  # answered as the photo on show, so kept out of the folder run
        self._loader.loaded.connect(self._on_photo)
        self._loader.failed.connect(self._on_photo_failed)
        self._scan.found.connect(self._on_found)
        self._scan.problem.connect(self._on_scan_problem)
        self._scan.finished.connect(self._on_scanned)
        answers.answered.connect(self._on_answer)
        answers.failed.connect(self._on_answer_failed)
        folder.advanced.connect(self._on_advanced)
        folder.failed.connect(self._on_folder_failed)

    def stop(self) -> None:
        """Wait for the workers of this session; nothing is emitted afterwards."""
        self.blockSignals(True)
        self.jobs.blockSignals(True)
        self._scan.stop()
        self._loader.stop()

    # what is opened

    def open(self, paths: Sequence[Path], *, append: bool = False) -> None:
        """Open files and folders, in place of the open ones or in addition."""
        if not append:
            self._restart()
            self._show_nothing()
            self.photos.clear()
            self._opened = []
        self._opened += [tidy(path) for path in paths]
        self._scans_running += 1
        self._scan.start(self._scan_number, paths)

    def paste(self, picture: QImage) -> None:
        """Add a picture from the clipboard and show it."""
        self.first_found.emit(self.photos.add_picture(picture))

    def use_model(self, loaded: Loaded) -> None:
        """Another identification model answers from now on: everything that is open is identified again."""
        self._loaded = loaded
        self.photos.forget_answers()
        self._ask_all()

    def gallery_changed(self) -> None:
        """The reference photos have changed: identify everything again, too."""
        self.photos.ask_again()
        self._ask_all()

    def _ask_all(self) -> None:
        self._whole = None
        self._generation += 1
        self._folder.begin(self._generation)
        self._submit(self.photos.waiting())
        if self._photo is not None:
            self._ask()

    def opened(self) -> list[Path]:
        """The files and folders that were opened."""
        return list(self._opened)

    def loaded(self) -> Loaded | None:
        """The identification model in use."""
        return self._loaded

    def cancel(self) -> None:
        """Stop the scan and the folder run; existing answers stay."""
        self._restart()
        if self._job is not None:
            done, total = self.photos.progress()
            self._end_job(f"cancelled after {done:,} of {counted(total, 'photo')}")
        self.photos.give_up()

    def _restart(self) -> None:
        self._scan_number += 1
        self._skipped, self._scan_failed = [], False
        self._scan.cancel()
        self._scans_running = 0
        self._generation += 1
        self._folder.begin(self._generation)
        self._set_aside = None

    # the photo on show

    def select(self, row: int) -> None:
        """Show and identify a photo."""
        if self._set_aside is not None and row != self.photos.row_of(self._set_aside):
            self._give_back_set_aside()
        self._show_nothing()
        self._row = row
        self._loader.load(self._request, self.photos.entry(row).source)

    def _show_nothing(self) -> None:
        """Show no photo; answers for the last one are dropped."""
        self._row, self._photo, self._whole, self._crop = -1, None, None, None
        self._request = next_request()

    def entry(self) -> OpenedPhoto | None:
        """The selected photo."""
        return self.photos.entry(self._row) if 0 <= self._row < self.photos.rowCount() else None

    def subject(self) -> str:
        """The subject of the panel's answer."""
        entry = self.entry()
        name = entry.name if entry is not None else ""
        return name if self._crop is None else f"crop {self._crop.width()} × {self._crop.height()} of {name}"

    def set_crop(self, box: QRect | None) -> None:
        """Identify a part of the photo; None for the whole photo again, whose answer is kept."""
        if self._photo is None or box == self._crop:
            return
        self._give_back_set_aside()
        self._crop = box
        if box is None and self._whole is not None and not self._heat:
            self._request = next_request()
            self.answered.emit(self._whole)
        else:
            self._ask()

    def set_heat(self, on: bool) -> None:
        """Set whether answers come with the map of what they rest on."""
        self._heat = on
        if on:
            self._ask()

    def _ask(self) -> None:
        if self._photo is None or self._loaded is None:
            return
        self._request = next_request()
        box, crop = None, self._crop
        if crop is not None:
            box = (crop.x(), crop.y(), crop.x() + crop.width(), crop.y() + crop.height())
        self._answers.ask(self, Question(self._request, self._photo.image, box, heat=self._heat))

    def _give_back_set_aside(self) -> None:
        path, self._set_aside = self._set_aside, None
        if path is not None and self.photos.row_of(path) is not None and self.photos.waits(path):
            self._folder.add([path])

    def _on_photo(self, request: int, photo: Photo) -> None:
        if request != self._request:
            return
        self._photo = photo
        self.photo_ready.emit(photo)
        self._ask()

    def _on_photo_failed(self, request: int, reason: str) -> None:
        if request == self._request:
            self.photos.set_error(self._row, reason)
            self.photo_failed.emit(reason)
            self._tell_progress()

    def _on_answer(self, answer: Answer) -> None:
        if answer.request != self._request:
            return
        if self._crop is None:
            self._whole = answer
            self.photos.set_answer(self._row, answer.identification)
            self._tell_progress()
            source = self.photos.entry(self._row).source
            if isinstance(source, Path):
                self.identified.emit(FolderAnswers(self._generation, [replace(answer.identification, path=source)]))
        self.answered.emit(answer)

    def _on_answer_failed(self, request: int, message: str) -> None:
        if request == self._request:
            self.answer_failed.emit(message)

    # the folder

    def _on_found(self, found: FoundFiles) -> None:
        if found.scan != self._scan_number:
            return
        first = self.photos.rowCount()
        new = self.photos.add_files(found.files)
        known = self.photos.row_of(found.files[0])
        if first == 0 and new:
            self._set_aside = new[0]
        self._submit(new)
        if first == 0 or (self._scans_running and not new and known is not None):
            self.first_found.emit(known if known is not None else 0)

    def _submit(self, files: list[Path]) -> None:
        if self._loaded is not None:
            self._folder.add([path for path in files if path != self._set_aside])
            self._tell_progress()

    def _on_scan_problem(self, number: int, path: Path, reason: str) -> None:
        if number == self._scan_number:
            self._scan_failed = True
            self.problem.emit(f"{path.name or path}: {reason}. Check the path and open it again.", str(path))

    def _on_scanned(self, number: int, skipped: str) -> None:
        if number != self._scan_number:
            return
        self._scans_running -= 1
        if skipped:
            self._skipped.append(skipped)
        if not self._scans_running and self.photos.rowCount() == 0 and not self._scan_failed:
            found = f"No photo that Marque can read: {skipped}." if skipped else "No photos found there."
            self.problem.emit(f"{found} Open a folder that holds pictures, or single photos.", "")
        elif skipped:
            self.said.emit(skipped)
        self._tell_progress()

    def _on_advanced(self, answers: FolderAnswers) -> None:
        if answers.generation == self._generation:
            self.photos.set_answers(answers.found)
            self._tell_progress()
            self.identified.emit(answers)

    def _on_folder_failed(self, generation: int, message: str) -> None:
        if generation == self._generation:
            self.problem.emit(f"The folder was not fully identified: {message}", "")
            self.cancel()

    def _tell_progress(self) -> None:
        done, total = self.photos.progress()
        total -= self.photos.given_up()
        growing = self._scans_running > 0
        if self._loaded is None or total < 2:
            return
        if self._job is None and done < total:
            self._job = Job("identifying", self.cancel)
            self.jobs.begin(self._job)
        if self._job is not None:
            self.jobs.advance(self._job, done, total, growing)
            if done == total and not growing:
                self._end_job(self._outcome())

    def _end_job(self, outcome: str) -> None:
        job, self._job = self._job, None
        if job is not None:
            self.jobs.end(job, outcome)

    def _outcome(self) -> str:
        counts = self.photos.counts()
        parts = [f"{counts[status]:,} {FACES[status].word}" for status in Status if counts[status]]
        return f"{counted(sum(counts.values()), 'photo')}: " + ", ".join(parts + self._skipped)
