"""The open project, which the pages share: its columns, and the runs and steps that change it.

Everything that touches the file is done by the thread of `Tasks`, or by the model's thread during a run; both report
what changed, and the GUI thread updates the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.core.filing.filing import Filing, UnknownStepError
from app.core.filing.project_journal import journal_of
from app.core.project import scanned_folders
from app.core.project.default_project import record
from app.core.project.journal import NextSteps
from app.core.project.journal_steps import JournalStep, StepKind
from app.core.project.labels import Label
from app.core.project.project import Project
from app.core.project.records import KnownModel, ProjectImage, SubjectId, subjects_of
from app.core.project.results import PhotoResult, result_of
from app.core.recognition.features import NOBODY
from app.core.recognition.identifier import Identification
from app.core.review.photo_columns import PhotoColumns
from app.ui.background.jobs import JobSource
from app.ui.background.model_loading import Loaded
from app.ui.background.project_runs import ProjectRuns
from app.ui.background.tasks import Tasks
from app.ui.background.waits import ProjectWaits
from app.ui.project.column_loader import ColumnLoader
from app.ui.project.folder_watching import FolderWatching
from app.ui.project.opening import Opened, open_project
from app.ui.project.project_closer import ProjectCloser
from app.ui.project.run_control import RunControl
from model.contract.bundle import Thresholds
from model.system.errors import MarqueError
from model.system.wording import counted

T = TypeVar("T")
_RECENT = 8


class OpenProject(QObject):
    """Signals:
    opened: another project is open; its columns fill up from now on
    open_failed: (whether it should have been made) a project cannot be opened; `problem` says why
    grown: images or predictions have come, or thresholds changed: the list must be arranged again
    labelled: (rows) the person's labels of these rows have changed
    steps_changed: (NextSteps) other steps can be undone and done again
    problem: (text, details)
    said: (words) something was done that only needs a line
    filing_step: (photos, back) the step to undo or redo is a filing, which takes a while
    unknown_step: (UnknownStepError) a program has left a step in the middle that was not begun on this computer
    """

    opened = Signal()
    open_failed = Signal(bool)
    grown = Signal()
    labelled = Signal(np.ndarray)
    steps_changed = Signal(NextSteps)
    problem = Signal(str, str)
    said = Signal(str)
    filing_step = Signal(int, bool)
    unknown_step = Signal(UnknownStepError)

    def __init__(self, runs: ProjectRuns, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.model: KnownModel | None = None
        self.recent: list[Path] = []  # the recent projects, the last one first
        self.tasks, self.checks = Tasks(self), Tasks(self)
        self.waits = ProjectWaits(JobSource(self))
        self.running = RunControl(runs, self)
        self.watching = FolderWatching(self.checks, self)
        self.closer = ProjectCloser(self.tasks, self)
        self._loaded: Loaded | None = None
        self._run_wanted = False
        self._unrecorded: list[tuple[Sequence[Path], Sequence[Identification]]] = []
        self._filling = ColumnLoader(self.tasks, self)
        self._filling.grown.connect(self.grown)
        for tasks in (self.tasks, self.checks):
            tasks.failed.connect(self.problem)
            tasks.start()
        self.running.stored.connect(lambda progress: self._touch(progress.changed))
        self.running.released.connect(lambda _project: self._touch(()))
        self.running.problem.connect(self.problem)
        self.watching.problem.connect(self.problem)
        self.watching.said.connect(self.said)
        self.watching.arrived.connect(self._on_arrived)
        for user in (self.tasks, self.checks, self.running):
            self.closer.add_user(user)

    @property
    def columns(self) -> PhotoColumns:
        """The content of the project; another project has another object."""
        return self._filling.columns

    def stop(self) -> None:
        """Finish requested work and end the run; `close` follows when the model's thread has stopped."""
        self.blockSignals(True)
        self.running.blockSignals(True)
        self.running.jobs.blockSignals(True)
        self.watching.blockSignals(True)
        self.watching.end()
        self.running.cancel()
        self.waits.stop()
        self.tasks.stop()
        self.checks.stop()

    def close(self) -> None:
        """Close the project, and those that were open before; nothing uses them any more."""
        self.closer.close()
        if self.project is not None:
            self.project.close()

    # the project

    def open(self, path: Path, *, create: bool = False) -> None:
        """Open a project, or make one, in place of the one that is open."""
        self.cancel_run()
        self.watching.end()
        same = self.project is not None and self.project.path == path
        still_open = self.project if same else self.closer.take_back(path)

        def steps() -> Iterator[Opened]:
            try:
                if still_open is not None and still_open.is_there():
                    # perhaps its photos are being filed, so there is nothing to finish
                    yield Opened(still_open, still_open.models.all())
                else:
                    yield open_project(path, self.waits.alone, create=create)
            except MarqueError:
                self.open_failed.emit(create)
                raise

        def take(found: Opened) -> None:
            self._take(found)
            if still_open is not None and not same and found.project is not still_open:
                self.closer.leave(still_open)

        def fail(_words: str) -> None:
            if still_open is not None and not same:
                self.closer.leave(still_open)

        self.tasks.submit(steps, take, failed=fail)

    def save_as(self, path: Path) -> None:
        """Continue in a copy of the project."""
        project = self.project
        if project is not None:
            self.tasks.once(lambda: project.save_as(path), lambda _: self.open(path))

    def relocate(self, old: Path, new: Path) -> None:
        """Images moved from the folder `old` to `new`: look for them there."""

        def work(project: Project) -> int:
            scanned_folders.remember(project, [new])
            return project.images.relocate(old, new)

        self.ask(work, self._on_relocated)

    def use_model(self, loaded: Loaded) -> None:
        """This identification model answers from now on; its predictions are shown."""
        self._loaded = loaded
        project = self.project
        if project is not None:
            self.tasks.once(project.models.all, self._choose_model)
        if self._run_wanted:
            self._begin_run()

    def _take(self, found: Opened) -> None:
        project = found.project
        old, self.project = self.project, project
        self.recent = [project.path, *(one for one in self.recent if one != project.path)][:_RECENT]
        self.model = None
        self._filling.load(project, None)
        self.opened.emit()
        for words in found.said:
            self.problem.emit(words, "")
        for step in found.unknown:
            self.unknown_step.emit(step)
        self._choose_model(found.models)
        self._tell_steps()
        unrecorded, self._unrecorded = self._unrecorded, []
        for place, identified in unrecorded:
            self.record(place, identified)
        self.checks.once(project.check)  # reading a large file takes seconds
        self.watching.begin(project)
        if old is not None and old is not project:
            self.closer.leave(old)

    def _choose_model(self, models: list[KnownModel]) -> None:
        """The model of the loaded file, else the one that predicted last."""
        own = None
        if self._loaded is not None:
            info = self._loaded.info
            own = KnownModel(info.fingerprint, info.name, info.taxonomy, info.thresholds)
        known = {model.fingerprint: model for model in models}
        if own is not None:
            self.model = known.get(own.fingerprint, own)
        else:
            self.model = models[0] if models else None
        self.reread()

    def reread(self) -> None:
        """Read the data of all photos again."""
        if self.project is not None:
            self._filling.load(self.project, self.model)

    def _touch(self, images: Sequence[int]) -> None:
        if self.model is None and self._loaded is not None:  # the first answers in this project
            info = self._loaded.info
            self.model = KnownModel(info.fingerprint, info.name, info.taxonomy, info.thresholds)
            self._filling.answer_by(self.model)
        self._filling.touch(images)

    # runs

    def identify(self, paths: Sequence[Path] = ()) -> None:
        """Add folders or files to the project and identify what has not been identified."""

        def work(project: Project) -> None:
            for path in paths:
                project.sources.add(path)
            scanned_folders.remember(project, paths)

        self._run_wanted = True
        self.ask(work, lambda _: self._begin_run())

    def retry_failed(self) -> None:
        """Try the unreadable files again."""
        self._run_wanted = True
        self.ask(lambda project: project.images.retry_failed(), lambda _: self._begin_run())

    def identify_again(self) -> None:
        """Identify all photos again, as the gallery has changed. Labels stay."""
        model = self._loaded.info.fingerprint if self._loaded is not None else self.model and self.model.fingerprint
        if model:
            self._run_wanted = True
            self.ask(lambda project: project.predictions.ask_again(model), lambda _count: self._begin_run())

    def watch(self, on: bool) -> None:
        """Watch the project's folders from now on, or stop watching."""

        def work(project: Project) -> None:
            for _, place, _ in project.sources.all():
                if not on or place.is_dir():
                    project.sources.add(place, watched=on)

        project = self.project
        if project is not None:
            self.ask(work, lambda _: self.watching.begin(project))

    def _on_arrived(self, count: int) -> None:
        self._touch(())
        self.said.emit(f"{counted(count, 'photo has', 'photos have')} arrived")
        if self.project is not None and self._loaded is not None:
            self.running.begin(self.project, find=False)

    def cancel_run(self) -> None:
        """End the run after the current batch; what was identified stays."""
        self._run_wanted = False
        self.running.cancel()

    def record(self, opened: Sequence[Path], found: Sequence[Identification]) -> None:
        """Store the results of the page Identify."""
        loaded = self._loaded
        if self.project is None:
            self._unrecorded.append((opened, found))  # kept until the project is open
        elif loaded is not None:
            self.ask(lambda project: record(project, loaded.info, opened, found), self._touch)

    def _begin_run(self) -> None:
        if self.project is not None and self._loaded is not None:  # otherwise as soon as there is a model
            self._run_wanted = False
            self.running.begin(self.project)

    # labels

    def label(self, labels: Mapping[SubjectId, Label | None], title: str) -> None:
        """Set labels of subjects in one step that can be undone."""
        columns = self.columns

        def put(action: JournalStep | None) -> None:
            if action is not None:
                self.labelled.emit(columns.set_labels(labels))
                self._tell_steps()

        self.ask(lambda project: project.labels.set(labels, title), put)

    def take_labels(self, project: Project, labels: Mapping[SubjectId, Label | None]) -> None:
        """Show labels that were set in the project elsewhere."""
        if project is self.project:
            self.labelled.emit(self.columns.set_labels(labels))
            self._tell_steps()

    def turn(self, *, back: bool) -> None:
        """Undo the last step, or redo the one that was undone."""

        project = self.project
        if project is None:
            return
        journal = journal_of(project)

        def next_step() -> JournalStep | None:
            return journal.next_steps()[0 if back else 1]

        def turn(wanted: JournalStep | None) -> tuple[JournalStep | None, int, dict[SubjectId, Label]]:
            action = next_step()
            if action is None or wanted is None or (back and action.id > wanted.id):
                return None, 0, {}  # a step that was done while it waited is not the one that was meant
            if action.kind is StepKind.FILES:
                return action, Filing(project).count(action), {}
            _ = journal.undo() if back else journal.redo()
            return action, 0, project.labels.all()

        def steps() -> Iterator[tuple[JournalStep | None, int, dict[SubjectId, Label]] | None]:
            wanted = next_step()
            yield from self.waits.in_turns(project.path, lambda: turn(wanted))

        def put(found: tuple[JournalStep | None, int, dict[SubjectId, Label]] | None) -> None:
            action, count, labels = found or (None, 0, {})
            if action is None or project is not self.project:
                return
            if action.kind is StepKind.FILES:
                self.filing_step.emit(count, back)
                return
            before = subjects_of(self.columns.ids[self.columns.verdict != NOBODY])
            self.labelled.emit(self.columns.set_labels({**dict.fromkeys(before), **labels}))
            self._tell_steps()
            self.said.emit(f"{'undone' if back else 'redone'}: {action.title}")

        self.tasks.submit(steps, put, on=project)

    def reload(self) -> None:
        """Files were moved: read their new places."""

        def put(images: list[ProjectImage]) -> None:
            if [image.id for image in images] != self.columns.ids.tolist():
                self.reread()
            for image in images:
                self.columns.move(image.id, image.path)
            self.grown.emit()
            self._tell_steps()

        self.ask(lambda project: project.images.all(), put)

    def _tell_steps(self) -> None:
        self.ask(lambda project: journal_of(project).next_steps(), self.steps_changed.emit)

    # questions about the project

    def choose_thresholds(self, thresholds: Thresholds | None) -> None:
        """Decide everything again by these thresholds; None: as the identification model recommends."""
        model = self.model
        if model is None or self.project is None:
            return
        recommended = self._loaded.info.thresholds if self._loaded is not None else model.thresholds
        chosen = thresholds or recommended
        self.model = KnownModel(model.fingerprint, model.name, model.taxonomy, chosen)
        self.columns.decide(chosen)
        self.grown.emit()
        self.ask(lambda project: project.models.choose_thresholds(model.fingerprint, thresholds))

    def ask(self, work: Callable[[Project], T], then: Callable[[T], None] = lambda _value: None) -> None:
        """Work with the project on its thread; `then` takes the result unless another project is open by then."""
        project = self.project
        if project is None:
            return

        def put(value: T) -> None:
            if project is self.project:
                then(value)

        self.tasks.once(lambda: work(project), put)

    def find(self, image: int, then: Callable[[PhotoResult | None], None]) -> None:
        """Ask for everything known about an image."""
        model = self.model
        self.ask(lambda project: result_of(project, model, image), then)

    def _on_relocated(self, found: int) -> None:
        self.said.emit(counted(found, "photo found in its new place", "photos found in their new place"))
        self.reread()
