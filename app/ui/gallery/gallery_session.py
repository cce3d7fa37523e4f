"""What the page Gallery works on: the gallery's contents, and the requests that change it.

The gallery itself belongs to the model's thread; the session has a snapshot, which each change replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from app.core.gallery.gallery import Reference
from app.core.gallery.gallery_steps import GallerySteps
from app.core.gallery.selection import GalleryContents, GallerySelection
from app.core.recognition.engine import Engine
from app.core.teaching import cleanup
from app.core.teaching.class_teaching import known_types, teach
from app.core.teaching.enrolment import Enrolled
from app.core.teaching.job_result import JobResult, passed_over, photos, there_already
from app.core.teaching.reviewed_photos import Reviewed, enrol_reviewed
from app.ui.background.gallery_jobs import GalleryEnd, GalleryJobs, GalleryValue, GalleryWork
from app.ui.background.jobs import Job, JobSource
from app.ui.background.model_loading import Loaded
from app.ui.background.tasks import Task, Tasks
from model.contract.taxonomy import Taxonomy
from model.system.wording import counted

Cancelled = Callable[[], bool]
Reports = Iterator[tuple[int, Enrolled]]
"""The number of all photos, and the results so far."""


class GalleryClass(NamedTuple):
    """A class of the gallery and its type; without a class what is known of its photos is the type."""

    coarse: str
    fine: str | None

    @property
    def name(self) -> str:
        """The most specific name."""
        return self.fine or self.coarse


class GallerySession(QObject):
    """Signals:
    shown: the contents are other ones
    changed: (number of references) somebody changed the gallery
    other_references: photos are now compared with other references, or with other labels
    problem: (text, details)
    took: (Reviewed, JobResult) photos of a project were enrolled
    said: (words) something was done that only needs a line
    """

    shown = Signal()
    changed = Signal(int)
    other_references = Signal()
    problem = Signal(str, str)
    took = Signal(Reviewed, JobResult)
    said = Signal(str)

    def __init__(self, gallery: GalleryJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self._gallery = gallery
        self.contents = GalleryContents()
        self.loaded: Loaded | None = None
        self.ready = False  # whether the contents have been read
        self._waiting: dict[GalleryWork, tuple[Callable[[Any], None], Callable[[str], None]]] = {}
        self.tasks = Tasks(self)
        self._looking = Task(lambda: iter(()), lambda _value: None)
        self.tasks.start()
        gallery.advanced.connect(self._on_advanced)
        gallery.ended.connect(self._on_ended)

    def stop(self) -> None:
        """Drop what waits and end this page's thread."""
        self.blockSignals(True)
        self.jobs.blockSignals(True)
        for work in self._waiting:
            work.cancelled = True
        self.tasks.stop()

    # contents

    def use_model(self, loaded: Loaded) -> None:
        """Another identification model, with another gallery, is in use."""
        self._looking.cancel()
        self.loaded = loaded
        self.contents, self.ready = GalleryContents(), False
        self.shown.emit()
        self._read(self._show)

    def lose_gallery(self, why: str) -> None:
        """The gallery cannot be reached any longer."""
        if self.loaded is not None:
            self.loaded = replace(self.loaded, gallery_problem=why, gallery_size=0)
            self._show_changed(GalleryContents())

    def look_again(self) -> None:
        """Show changes that others have made to a shared gallery."""

        def steps(_engine: Engine, shelf: GallerySelection, _cancelled: Cancelled) -> Iterator[object]:
            if shelf.overtaken():
                yield shelf.contents()

        if self.ready and self.loaded is not None and self.loaded.shared:
            self._submit(steps, self._show_changed)

    @property
    def taxonomy(self) -> Taxonomy | None:
        """The fingerprint of the identification model in use."""
        return self.loaded.info.taxonomy if self.loaded is not None else None

    def of(self, node: GalleryClass) -> list[Reference]:
        """The references of a class; of a type, for class None."""
        coarse, fine = node
        return [one for one in self.contents.references if one.coarse == coarse and fine in (None, one.fine)]

    def known(self) -> tuple[list[str], dict[str, str]]:
        """All types, and the type of each class, of the model and the gallery."""
        labels = {(one.coarse, one.fine) for one in self.contents.references}
        return known_types(self.taxonomy, list(labels))

    def locate(self, references: Sequence[Reference], then: Callable[[dict[int, Path]], None]) -> None:
        """Find out which pictures are on this computer: their places by the references' ids."""
        places = {one.id: self.contents.places[one.id] for one in references if one.id in self.contents.places}
        self.later(lambda: {number: place for number, place in places.items() if place.is_file()}, then)

    def look_over(
        self, near: float, then: Callable[[tuple[list[cleanup.Finding], list[cleanup.Finding]]], None]
    ) -> None:
        """Look for near-duplicates, from a cosine on, and outliers; an earlier search is abandoned."""
        self._looking.cancel()

        def steps(_engine: Engine, shelf: GallerySelection, _cancelled: Cancelled) -> Iterator[object]:
            if shelf.gallery is not None:
                references = shelf.gallery.references()
                yield references, shelf.gallery.embeddings([one.id for one in references])

        def compare(found: Any) -> None:
            (references, embeddings), places = found, self.contents.places
            self._looking.cancel()
            self._looking = self.later(lambda: cleanup.findings(references, embeddings, places, near), then)

        self.ask(steps, compare)

    # changes

    def teach(self, paths: Sequence[Path], label: GalleryClass) -> None:
        """Add photos and folders to a class, which may be new."""
        name = label.name

        def steps(engine: Engine, shelf: GallerySelection, cancelled: Cancelled) -> Reports:
            return teach(engine, shelf, paths, label, cancelled=cancelled)

        self.carry_out(
            f"adding photos to {name}",
            steps,
            lambda done: f"{photos(done.report.added)} added to {name}{there_already(done.report.known)}",
            lambda done: self.tell_problems(done, f"Not all photos were added to {name}"),
        )

    def take_reviewed(self, found: Reviewed) -> None:
        """Enrol photos of a project under the labels that the person gave them."""

        def steps(engine: Engine, shelf: GallerySelection, cancelled: Cancelled) -> Reports:
            return enrol_reviewed(engine, shelf, found, cancelled=cancelled)

        self.carry_out(
            "enrolling",
            steps,
            lambda done: f"{photos(done.report.added)} enrolled in the gallery{there_already(done.report.known)}",
            lambda done: self.took.emit(found, done),
        )

    def carry_out(
        self,
        verb: str,
        steps: Callable[[Engine, GallerySelection, Cancelled], Reports],
        outcome: Callable[[JobResult], str],
        then: Callable[[JobResult], None],
        *,
        changes: bool = True,
    ) -> None:
        """Do something with many references, as a job with count, time left and cancel.

        Args:
            verb: the activity ("adding photos to Verde 2020"). steps: do it; see GalleryWork. outcome: the result in
            words, for the status bar. then: takes the result, after the contents have been read again. changes: whether
            the gallery is changed.
        """
        done = JobResult()

        def advance(found: tuple[int, Enrolled]) -> None:
            total, report = found
            done.add(report)
            self.jobs.advance(job, done.report.done, total, False)

        def end(message: str) -> None:
            done.message, done.cancelled = message, work.cancelled
            words = outcome(done)
            self.jobs.end(job, f"cancelled: {words}" if done.cancelled else "" if message else words)

            def put(contents: GalleryContents) -> None:
                if changes:
                    self._show_changed(contents)
                then(done)

            self._read(put)

        work = self._submit(steps, advance, end)

        def cancel() -> None:
            work.cancelled = True

        job = Job(verb, cancel)
        self.jobs.begin(job)

    def tell_problems(self, done: JobResult, failed: str) -> None:
        """Report what was skipped, or why it ended early; `failed`: the words for that."""
        problems = done.report.problems
        if done.message:
            self.problem.emit(f"{failed}: {done.message}", "\n".join(problems))
        elif problems:
            self.problem.emit(passed_over(problems), "\n".join(problems))

    def relocate(self, places: Mapping[int, tuple[Path, str]]) -> None:
        """Pictures have moved: folder and path from there, by the references' ids."""
        title = f"locate {counted(len(places), 'picture')}"
        self.change(lambda steps: steps.relocate(places, title), title)

    def relabel(self, references: Sequence[Reference], label: GalleryClass) -> None:
        """Give references another label."""
        ids, title = [one.id for one in references], f"relabel {photos(len(references))} as {label.name}"
        self.change(lambda steps: steps.relabel(ids, *label, title), title)

    def relabel_class(self, old: GalleryClass, new: GalleryClass) -> None:
        """Rename a class, merge it into another one, or put it under another type."""
        name, other = old.name, new.name
        if any((one.coarse, one.fine) == new for one in self.contents.references):
            title = f"merge {name} into {other}"
        else:
            title = f"rename {name} to {other}" if name != other else f"move {name} to the type {new.coarse}"
        self.change(lambda steps: steps.relabel_class(old, new, title), title)

    def remove(self, references: Sequence[Reference]) -> None:
        """Remove references from the gallery; their files stay."""
        ids, title = [one.id for one in references], f"remove {photos(len(references))}"
        self.change(lambda steps: steps.remove(ids, title), title)

    def remove_class(self, label: GalleryClass) -> None:
        """Remove a class from the gallery; its files stay."""
        title = f"remove {label.name}"
        self.change(lambda steps: steps.remove_class(label, title), title)

    def turn(self, *, back: bool) -> None:
        """Undo the last step, or redo the one that was undone."""
        if (self.contents.undo if back else self.contents.redo) is not None:
            self._act(lambda shelf: shelf.additions().turn(back=back), "undone" if back else "redone")

    def change(self, change: Callable[[GallerySteps], object], words: str) -> None:
        """Change the gallery and report it."""
        self._act(lambda shelf: change(GallerySteps(shelf.writable())), words)

    def _act(self, act: Callable[[GallerySelection], object], words: str) -> None:
        """Change the gallery and report it; a title that `act` returns is shown after the words."""

        def steps(_engine: Engine, shelf: GallerySelection, _cancelled: Cancelled) -> Iterator[object]:
            title = act(shelf)
            yield shelf.contents(), f"{words}: {title}" if isinstance(title, str) else words

        def put(found: tuple[GalleryContents, str]) -> None:
            contents, said = found
            self._show_changed(contents)
            self.said.emit(said)

        self._submit(steps, put)

    # answers

    def ask(
        self, steps: Callable[[Engine, GallerySelection, Cancelled], Iterator[object]], then: Callable[[Any], None]
    ) -> None:
        """Have something looked up in the gallery; `then` takes each value that the steps yield."""
        self._submit(steps, then)

    def later(self, work: Callable[[], Any], then: Callable[[Any], None]) -> Task:
        """Have something worked out on this page's thread from what is known of the gallery."""
        return self.tasks.once(work, self._while_in_use(then))

    def _while_in_use(self, then: Callable[[Any], None]) -> Callable[[Any], None]:
        """`then`, for results about the gallery in use; not called once another one is in use."""
        loaded = self.loaded

        def put(value: Any) -> None:
            if self.loaded is loaded:
                then(value)

        return put

    def _read(self, then: Callable[[GalleryContents], None]) -> None:
        def steps(_engine: Engine, shelf: GallerySelection, _cancelled: Cancelled) -> Iterator[object]:
            yield shelf.contents()

        self._submit(steps, then)

    def _show(self, contents: GalleryContents) -> None:
        self.contents, self.ready = contents, True
        self.shown.emit()

    def _show_changed(self, contents: GalleryContents) -> None:
        before = self.contents.compared_by
        self._show(contents)
        self.changed.emit(len(contents.references))
        if contents.compared_by != before:
            self.other_references.emit()

    def _submit(
        self,
        steps: Callable[[Engine, GallerySelection, Cancelled], Iterator[object]],
        then: Callable[[Any], None],
        end: Callable[[str], None] | None = None,
    ) -> GalleryWork:
        work = GalleryWork(steps)
        self._waiting[work] = self._while_in_use(then), end or self._tell
        self._gallery.add(work)
        return work

    def _tell(self, message: str) -> None:
        if message:
            self.problem.emit(message, "")

    def _on_advanced(self, found: GalleryValue) -> None:
        if found.work in self._waiting:
            self._waiting[found.work][0](found.value)

    def _on_ended(self, end: GalleryEnd) -> None:
        if end.work in self._waiting:
            self._waiting.pop(end.work)[1](end.message)
