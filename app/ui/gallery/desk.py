"""What the page Gallery works on: the gallery's contents, and the requests that change it.

The gallery itself belongs to the inference thread; this has a snapshot of it, which each change replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core import upkeep
from app.core.engine import Engine
from app.core.enrol import Enrolled
from app.core.gallery import Reference
from app.core.gallery_steps import Steps
from app.core.own_gallery import Contents, Shelf
from app.core.teach import known_types, teach
from app.ui.inference import GalleryWork, Inference, Loaded
from app.ui.job_line import Job
from app.ui.tasks import Tasks
from model.taxonomy import Taxonomy

Label = tuple[str, str | None]
_Cancelled = Callable[[], bool]


class Desk(QObject):
    """Signals:
    shown: the contents are other ones
    changed: (number of references) somebody changed the gallery; identification uses it from now on
    problem: (text, details)
    said: (words) something was done that needs no more than a line
    job_began: (Job), job_advanced: (Job, done, total, growing), job_ended: (Job, what it did)
    """

    shown = Signal()
    changed = Signal(int)
    problem = Signal(str, str)
    said = Signal(str)
    job_began = Signal(object)
    job_advanced = Signal(object, int, int, int)
    job_ended = Signal(object, str)

    def __init__(self, inference: Inference, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inference = inference
        self.contents = Contents()
        self.taxonomy: Taxonomy | None = None
        self.ready = False  # whether the contents have been read
        self._waiting: dict[GalleryWork, tuple[Callable[[Any], None], Callable[[str], None]]] = {}
        self._tasks = Tasks((), self)
        self._tasks.start()
        inference.gallery_advanced.connect(self._on_advanced)
        inference.gallery_ended.connect(self._on_ended)

    def stop(self) -> None:
        """Give up what waits and end this page's thread."""
        self.blockSignals(True)
        for work in self._waiting:
            work.cancelled = True
        self._tasks.stop()

    # what there is

    def use_model(self, loaded: Loaded) -> None:
        """Another identification model, with another gallery, is in use."""
        self.taxonomy = loaded.info.taxonomy
        self.contents, self.ready = Contents(), False
        self.shown.emit()
        self._read(self._show)

    def known(self) -> tuple[list[str], dict[str, str]]:
        """All types, and the type of each class, of the model and the gallery."""
        labels = {(one.coarse, one.fine) for one in self.contents.references}
        return known_types(self.taxonomy, list(labels))

    def locate(self, references: Sequence[Reference], then: Callable[[dict[int, Path]], None]) -> None:
        """Find out which pictures are on this computer: their places by the references' ids."""
        places = {one.id: self.contents.places[one.id] for one in references if one.id in self.contents.places}
        self._tasks.once(lambda: {number: place for number, place in places.items() if place.is_file()}, then)

    def look_over(self, then: Callable[[tuple[list[upkeep.Finding], list[upkeep.Finding]]], None]) -> None:
        """Look for near-duplicates and outliers."""

        def steps(_engine: Engine, shelf: Shelf, _cancelled: _Cancelled) -> Iterator[object]:
            if shelf.gallery is not None:
                references = shelf.gallery.references()
                yield references, shelf.gallery.embeddings([one.id for one in references])

        def compare(found: Any) -> None:
            (references, embeddings), places = found, self.contents.places
            self._tasks.once(lambda: upkeep.findings(references, embeddings, places), then)

        self._submit(steps, compare)

    # changes

    def teach(self, paths: Sequence[Path], label: Label) -> None:
        """Add photos and folders to a class, which may be new."""
        name = label[1] or label[0]
        reports: list[Enrolled] = []

        def steps(engine: Engine, shelf: Shelf, cancelled: _Cancelled) -> Iterator[object]:
            return teach(engine, shelf, paths, label, cancelled=cancelled)

        def advance(found: Any) -> None:
            total, report = found
            reports.append(report)
            self.job_advanced.emit(job, sum(one.done for one in reports), total, 0)

        def end(message: str) -> None:
            problems = [problem for one in reports for problem in one.problems]
            if message:
                self.problem.emit(f"Not all photos were added to {name}: {message}", "\n".join(problems))
            elif problems:
                self.problem.emit(_passed_over(problems), "\n".join(problems))
            self.job_ended.emit(job, _outcome(reports, name, cancelled=work.cancelled))
            self._read(self._show_changed)

        work = self._submit(steps, advance, end)

        def cancel() -> None:
            work.cancelled = True

        job = Job(f"adding photos to {name}", cancel)
        self.job_began.emit(job)

    def relabel(self, references: Sequence[Reference], label: Label) -> None:
        """Give references another label."""
        ids, title = [one.id for one in references], f"relabel {_photos(len(references))} as {label[1] or label[0]}"
        self._change(lambda steps: steps.relabel(ids, *label, title), title)

    def relabel_class(self, old: Label, new: Label) -> None:
        """Rename a class, merge it into another one, or put it under another type."""
        name, other = old[1] or old[0], new[1] or new[0]
        if any((one.coarse, one.fine) == new for one in self.contents.references):
            title = f"merge {name} into {other}"
        else:
            title = f"rename {name} to {other}" if name != other else f"move {name} to the type {new[0]}"
        self._change(lambda steps: steps.relabel_class(old, new, title), title)

    def remove(self, references: Sequence[Reference]) -> None:
        """Take references out of the gallery; their files stay."""
        ids, title = [one.id for one in references], f"remove {_photos(len(references))}"
        self._change(lambda steps: steps.remove(ids, title), title)

    def remove_class(self, label: Label) -> None:
        """Take a class out of the gallery; its files stay."""
        title = f"remove {label[1] or label[0]}"
        self._change(lambda steps: steps.remove_class(label, title), title)

    def turn(self, *, back: bool) -> None:
        """Take the last step back, or do the one again that was taken back."""
        if (self.contents.undo if back else self.contents.redo) is not None:
            self._change(lambda steps: steps.turn(back=back), "undone" if back else "done again")

    def _change(self, change: Callable[[Steps], object], words: str) -> None:
        """Do something to the gallery and say so; a title that `change` answers is told after the words."""

        def steps(_engine: Engine, shelf: Shelf, _cancelled: _Cancelled) -> Iterator[object]:
            title = change(Steps(shelf.writable()))
            yield shelf.contents(), f"{words}: {title}" if isinstance(title, str) else words

        def put(found: tuple[Contents, str]) -> None:
            contents, said = found
            self._show_changed(contents)
            self.said.emit(said)

        self._submit(steps, put)

    # answers

    def _read(self, then: Callable[[Contents], None]) -> None:
        def steps(_engine: Engine, shelf: Shelf, _cancelled: _Cancelled) -> Iterator[object]:
            yield shelf.contents()

        self._submit(steps, then)

    def _show(self, contents: Contents) -> None:
        self.contents, self.ready = contents, True
        self.shown.emit()

    def _show_changed(self, contents: Contents) -> None:
        self._show(contents)
        self.changed.emit(len(contents.references))

    def _submit(
        self,
        steps: Callable[[Engine, Shelf, _Cancelled], Iterator[object]],
        then: Callable[[Any], None],
        end: Callable[[str], None] | None = None,
    ) -> GalleryWork:
        work = GalleryWork(steps)
        self._waiting[work] = then, end or self._tell
        self._inference.do_gallery(work)
        return work

    def _tell(self, message: str) -> None:
        if message:
            self.problem.emit(message, "")

    def _on_advanced(self, work: GalleryWork, value: object) -> None:
        if work in self._waiting:
            self._waiting[work][0](value)

    def _on_ended(self, work: GalleryWork, message: str) -> None:
        if work in self._waiting:
            self._waiting.pop(work)[1](message)


def _photos(count: int) -> str:
    return f"{count:,} photo{'' if count == 1 else 's'}"


def _passed_over(problems: Sequence[str]) -> str:
    rest = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
    return f"Passed over: {problems[0]}{rest}."


def _outcome(reports: Sequence[Enrolled], name: str, *, cancelled: bool) -> str:
    added, known = sum(one.added for one in reports), sum(one.known for one in reports)
    words = f"{_photos(added)} added to {name}" + (f", {known:,} there already" if known else "")
    return f"cancelled: {words}" if cancelled else words
