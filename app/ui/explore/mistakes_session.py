"""What the views of mistakes show: photos whose class is known are judged, away from the GUI thread."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.core.explore.confusion import ConfusedPair, Crossing, confused, crossing
from app.core.explore.evaluation import (
    EvaluatedPhotos,
    by_person,
    by_test_part,
    by_training,
    leave_one_out,
    read_test_part,
)
from app.core.explore.held_out import HeldOut, read_held_out
from app.core.explore.map_points import Source, read_points
from app.core.recognition.features import NOBODY
from app.core.system import paths
from app.core.system.thread_priority import lower_thread_priority
from app.core.training.runs import Runs
from app.ui.background.jobs import Job, JobSource
from app.ui.background.model_loading import Loaded
from app.ui.background.tasks import Task, Tasks
from app.ui.project.open_project import OpenProject
from model.contract.run_layout import RunLayout
from model.system.wording import counted

_LATER = 400  # milliseconds after the last change of the project


class KnownClass(StrEnum):
    """How the true class of a photo is known."""

    PERSON = "by your labels"
    GALLERY = "by the gallery"
    TEST = "by the test photos of"
    TRAINING = "by the answers of the training"


@dataclass(frozen=True)
class Truth:
    """What answers are compared with, and whose; `name` and `folder` are those of a training with the test photos."""

    known: KnownClass
    name: str = ""
    folder: Path | None = None

    @property
    def words(self) -> str:
        """For the list of choices."""
        return f"{self.known.value} {self.name}".strip()


@dataclass(frozen=True)
class TruthChoices:
    """By what answers can be judged, and by which of these they are."""

    truths: tuple[Truth, ...]
    current: Truth


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings.

    Attributes: judged: the photos.
        pairs: classes that are taken for each other, the most frequent first.
        crossing: mistakes between types.
        absent: test photos that are not in the project.
    """

    judged: EvaluatedPhotos
    pairs: tuple[ConfusedPair, ...]
    crossing: Crossing
    absent: tuple[Path, ...] = ()

    @classmethod
    def of(cls, judged: EvaluatedPhotos, order: tuple[str, ...]) -> Findings:
        """All figures of some photos; types in this order."""
        return cls(judged, tuple(confused(judged)), crossing(judged, order))


class MistakesSession(QObject):
    """Signals:
    judged: `findings` are new, or None as long as nothing is known
    truths_found: (TruthChoices) what there is to choose from
    problem: (text, details)
    """

    judged = Signal()
    truths_found = Signal(TruthChoices)
    problem = Signal(str, str)

    def __init__(self, project: OpenProject, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self.truth = Truth(KnownClass.PERSON)
        self.findings: Findings | None = None
        self._project = project
        self._loaded: Loaded | None = None
        self._gallery_kept: Findings | None = None  # takes seconds, and holds until the gallery changes
        self._labels: dict[Path, dict[str, tuple[str, str]]] = {}
        self._held_out: dict[Path, HeldOut] = {}
        self._task: Task | None = None
        self._job: Job | None = None
        self._tasks = Tasks(self)
        self._tasks.failed.connect(self._on_failed)
        self._later = QTimer(self, interval=_LATER, singleShot=True)
        self._later.timeout.connect(self.refresh)
        self._tasks.start()

    def stop(self) -> None:
        """End the thread."""
        self.blockSignals(True)
        self.jobs.blockSignals(True)
        self._later.stop()
        self.cancel()
        self._tasks.stop()

    def use_model(self, loaded: Loaded) -> None:
        """This identification model and its gallery are in use."""
        self._loaded = loaded
        self.gallery_changed()

    def gallery_changed(self) -> None:
        """The gallery must be judged again at the next request."""
        self._gallery_kept = None
        if self.truth.known is KnownClass.GALLERY:
            self.findings = None

    def look_for_truths(self) -> None:
        """Find what answers can be compared with."""
        gallery = self._gallery() is not None

        def look() -> list[Truth]:
            runs = Runs(paths.runs_folder()).records()
            found = [Truth(KnownClass.PERSON), *([Truth(KnownClass.GALLERY)] if gallery else [])]
            layouts = [(one, RunLayout(one.folder)) for one in reversed(runs)]
            found += [Truth(KnownClass.TEST, one.name, one.folder) for one, run in layouts if run.split_file.is_file()]
            found += [Truth(KnownClass.TRAINING, one.name, one.folder) for one, run in layouts if run.tested.is_file()]
            return found

        def put(found: list[Truth]) -> None:
            if self.truth not in found:  # what is in use stays so, also where it has gone
                found.append(self.truth)
            self.truths_found.emit(TruthChoices(tuple(found), self.truth))

        self._tasks.once(look, put)

    def judge_by(self, truth: Truth) -> None:
        """Compare with something else."""
        self.truth = truth
        self._held_out.clear()  # a training may have been measured again
        self._show(None)
        self.refresh()

    def expect(self) -> None:
        """The project changes: judge again when it has come to rest."""
        if self.truth.known is not KnownClass.GALLERY:
            self._later.start()

    def rest(self) -> None:
        """The view is hidden."""
        self._later.stop()

    def cancel(self) -> None:
        """Stop judging."""
        if self._task is not None:
            self._task.cancel()
        self._end_job("")

    def refresh(self) -> None:
        """Judge the requested answers, as they are now."""
        known = self.truth.known
        if known is KnownClass.GALLERY and self._gallery_kept is not None:
            self._show(self._gallery_kept)
            return
        self.cancel()
        by = {
            KnownClass.PERSON: self._by_person,
            KnownClass.GALLERY: self._by_gallery,
            KnownClass.TEST: self._by_test,
            KnownClass.TRAINING: self._by_training,
        }
        steps = by[known]()
        self._task = self._tasks.submit(lambda: steps, self._put)

    def _put(self, value: Any) -> None:
        if isinstance(value, Findings):
            if self.truth.known is KnownClass.GALLERY:
                self._gallery_kept = value
                self._end_job(f"{counted(len(value.judged), 'reference')} compared with the others")
            self._show(value)
        elif self._job is not None:
            done, total = value
            self.jobs.advance(self._job, done, total, False)

    def _show(self, findings: Findings | None) -> None:
        self.findings = findings
        self.judged.emit()

    def _gallery(self) -> Path | None:
        return self._loaded.gallery if self._loaded is not None else None

    def _order(self) -> tuple[str, ...]:
        model = self._project.model
        return tuple(model.taxonomy.coarse) if model is not None else ()

    def _by_person(self) -> Iterator[Findings]:
        columns, order = self._project.columns.snapshot(), self._order()

        def steps() -> Iterator[Findings]:
            yield Findings.of(by_person(columns), order)

        return steps()

    def _by_test(self) -> Iterator[Findings]:
        columns, order = self._project.columns.snapshot(), self._order()
        folder, kept = self.truth.folder, self._labels

        def steps() -> Iterator[Findings]:
            if folder is None:
                return
            labels = kept[folder] = kept.get(folder) or read_test_part(folder)
            here = set(columns.paths)
            absent = tuple(Path(file) for file in labels if file not in here)
            yield replace(Findings.of(by_test_part(columns, labels), order), absent=absent)

        return steps()

    def _by_training(self) -> Iterator[Findings]:
        columns, folder, kept = self._project.columns.snapshot(), self.truth.folder, self._held_out

        def steps() -> Iterator[Findings]:
            if folder is None:
                return
            if folder not in kept:
                kept[folder] = read_held_out(folder)[1]
            photos = kept[folder]
            judged = by_training(photos, columns)
            away = np.flatnonzero(judged.images == NOBODY).tolist()
            absent = tuple(Path(photos.files[place]) for place in away)
            yield replace(Findings.of(judged, photos.taxonomy.coarse), absent=absent)

        return steps()

    def _by_gallery(self) -> Iterator[Any]:
        loaded, order = self._loaded, self._order()
        self._job = Job("comparing references", self.cancel)
        self.jobs.begin(self._job)

        def steps() -> Generator[Any, None, None]:
            if loaded is None:
                return
            points = read_points(Source.GALLERY, None, loaded.gallery, loaded.info.fingerprint)
            lower_thread_priority()
            judging = leave_one_out(points)
            while True:
                try:
                    yield next(judging), len(points)
                except StopIteration as end:
                    yield Findings.of(end.value, order)
                    return

        return steps()

    def _on_failed(self, message: str, details: str) -> None:
        self._end_job("")
        self.problem.emit(message, details)

    def _end_job(self, outcome: str) -> None:
        job, self._job = self._job, None
        if job is not None:
            self.jobs.end(job, outcome)
