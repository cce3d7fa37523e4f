"""What the page Train works on: the trainings and their events, read and changed off the GUI thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from app.core.export.exporters import EXPORTERS, export
from app.core.project.project import Project
from app.core.project.records import KnownModel
from app.core.project.results import results
from app.core.system.log_tail import Tail
from app.core.training.data_survey import DataSurvey, SurveyError, spec, survey
from app.core.training.paces import keep, kept, paces_file
from app.core.training.runs import Runs, TrainingError
from app.core.training.training_history import write_table
from app.core.training.training_watch import Curves, StartingPoint, TrainingRow, TrainingWatch
from app.ui.background.tasks import Task, Tasks
from app.ui.widgets.file_dialogs import ChosenPlace, picture_bytes
from model.contract.commands import PaceReport
from model.system.errors import MarqueError
from model.system.files import make_folder
from model.system.outputs import Output

log = logging.getLogger(__name__)

_LOOK = 500  # milliseconds between two updates of the trainings while the page is visible
_LOOK_HIDDEN = 2000


Surveyed = tuple[tuple[str, ...], DataSurvey | str]
"""Data sets, as the trainer takes them, and what is in them; or none, and what is wrong, in words."""


@dataclass(frozen=True, eq=False)
class TrainingLook:
    """How things stand.

    Attributes:
        rows: all trainings.
        curves: by the trainings' names; only of those on show that have changed.
        log_of: the training whose trainer's output is wanted.
        printed: what that trainer has printed since; None for nothing.
    """

    rows: Sequence[TrainingRow]
    curves: Mapping[str, Curves]
    log_of: str
    printed: Tail | None


@dataclass(frozen=True)
class WantedTraining:
    """A new training: its name, and the arguments of the trainer."""

    name: str
    arguments: Sequence[str]


class TrainingSession(QObject):
    """Attributes:
    reading: the tasks that read training data, also from the open project

    Signals:
    looked: (TrainingLook)
    begun: (name, what is wrong) a new training waits or runs, or cannot where something is wrong
    problem: (text, details)
    said: (words) something was done that only needs a line
    """

    looked = Signal(TrainingLook)
    begun = Signal(str, str)
    problem = Signal(str, str)
    said = Signal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.shown: set[str] = set()
        self.smoothing = 0.0
        self.log_of = ""
        """Set whose trainer's output is shown; empty for none."""
        self._watcher = TrainingWatch(folder)
        # reading 10,000 photos must not hold up the curves
        self._tasks, self.reading = Tasks(self), Tasks(self)
        for tasks in (self._tasks, self.reading):
            tasks.failed.connect(self._on_failed)
            tasks.start()
        self._looking = self._in_sight = False
        self._survey: Task | None = None
        self._timer = QTimer(self, interval=_LOOK_HIDDEN)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def stop(self) -> None:
        """Wait for this page's workers; the trainings continue."""
        self.blockSignals(True)
        self._timer.stop()
        for tasks in (self._tasks, self.reading):
            tasks.stop()

    def set_in_sight(self, yes: bool) -> None:
        """Update more often while the page is shown."""
        self._in_sight = yes
        self._timer.setInterval(_LOOK if yes else _LOOK_HIDDEN)
        if yes:
            self.look()
            self.reading.once(_load_settings)

    def show_only(self, names: set[str]) -> None:
        """Set whose curves are shown."""
        self.shown = names
        self.look()

    def look(self) -> None:
        """Update the state, and start what waits; one update at a time."""
        if self._looking:
            return
        self._looking = True
        # nobody would draw the curves of a hidden page, and they are sent only once
        shown, smoothing = (tuple(self.shown) if self._in_sight else ()), self.smoothing
        log_of = self.log_of

        def work() -> tuple[TrainingLook, str, str]:
            said = problem = ""
            try:
                started = self._watcher.runs.start_next()
                said = f"training '{started.name}' has begun" if started else ""
            except TrainingError as error:
                problem = str(error)
            rows, curves = self._watcher.look(shown, smoothing)
            known = any(row.record.name == log_of for row in rows)
            printed = self._watcher.printed(log_of if known else "")
            return TrainingLook(rows, curves, log_of, printed), said, problem

        def put(found: tuple[TrainingLook, str, str]) -> None:
            self._looking = False
            look, said, problem = found
            if said:
                self.said.emit(said)
            if problem:
                self.problem.emit(problem, "")
            self.looked.emit(look)

        self._tasks.once(work, put)

    # what a person does

    def begin(self, wanted: WantedTraining) -> None:
        """Add a new training; it starts when no other one runs. `begun` reports the result."""

        def put(problem: str) -> None:
            self.begun.emit(wanted.name, problem)
            self.look()

        self._tasks.once(lambda: _problem(lambda: self._watcher.runs.add(wanted.name, wanted.arguments)), put)

    def check_name(self, name: str, then: Callable[[str], None]) -> None:
        """Find out whether a new training can have this name; `then` takes what is wrong, or nothing."""
        self._tasks.once(lambda: _problem(lambda: self._watcher.runs.check_name(name)), then)

    def adopt(self, folder: Path) -> None:
        """List a training that was started elsewhere."""
        self._change(lambda runs: runs.adopt(folder))

    def stop_run(self, name: str) -> None:
        """Let a training write a checkpoint and end."""
        self._change(lambda runs: runs.stop(name))

    def resume(self, name: str) -> None:
        """Resume a training."""
        self._change(lambda runs: runs.resume(name))

    def move(self, name: str, places: int) -> None:
        """Let a training that waits begin sooner (below 0) or later."""
        self._change(lambda runs: runs.move(name, places))

    def remove(self, name: str) -> None:
        """Remove a training from the list; its folder stays."""
        self._change(
            lambda runs: runs.remove(name),
            lambda folder: self.said.emit(f"removed from the list; its files stay in {folder}"),
        )

    def paces(self, then: Callable[[tuple[list[PaceReport], list[PaceReport]]], None]) -> None:
        """Ask how fast earlier trainings ran on this computer, and what was measured on it."""
        self._tasks.once(lambda: (self._watcher.paces(), kept(paces_file())), then)

    def starts(self, then: Callable[[list[StartingPoint]], None]) -> None:
        """Ask what a new training can continue from."""
        self._tasks.once(self._watcher.starts, then)

    def keep_pace(self, pace: PaceReport, then: Callable[[list[PaceReport]], None]) -> None:
        """Store a measured pace, and pass on all of them."""
        self._tasks.once(lambda: keep(paces_file(), pace), then)

    def survey(self, kind: str, place: str, also: Sequence[str], then: Callable[[Surveyed], None]) -> None:
        """Read a data set and the ones chosen before, and report their content; without a kind only these."""

        def work() -> Surveyed:
            try:
                data = (*also, *((spec(kind, place),) if kind else ()))
                return data, survey(data)
            except SurveyError as error:
                return (), str(error)

        self._read(work, then)

    def survey_labelled(
        self, project: Project | None, model: KnownModel | None, also: Sequence[str], then: Callable[[Surveyed], None]
    ) -> None:
        """Write the person's labels of the project's photos as a table, and report its content and the others'."""

        def work() -> Surveyed:
            if project is None or model is None:
                return (), "the open project has no photos yet"
            # a name of its own, as a training that waits reads it later
            out = self.folder / f"labelled {datetime.now():%Y-%m-%d %H.%M.%S}.csv"
            try:
                make_folder(self.folder)
                export(results(project, model), Output(out, EXPORTERS["training"].kind), model, "training")
                data = (*also, spec("table", str(out)))
                return data, survey(data)
            except SurveyError:
                out.unlink(missing_ok=True)
                return (), "you have not labelled any photo of the open project; accept or correct some on Review first"
            except MarqueError as error:
                return (), str(error)

        self._read(work, then, on=project)

    def write_table(self, chosen: ChosenPlace) -> None:
        """The figures of the runs on show as CSV."""
        shown = self.shown

        def work() -> None:
            output = chosen.output("table of figures")
            records = [record for record in self._watcher.runs.records() if record.name in shown]
            write_table([(one.name, self._watcher.history(one.name, one.folder)) for one in records], output)

        self._tasks.once(work, lambda _none: self.said.emit(f"written: {chosen.place}"))

    def write_picture(self, image: QImage, chosen: ChosenPlace) -> None:
        """A picture of the curves as PNG."""

        def work() -> None:
            chosen.output("picture of the curves").write(lambda file: file.write(picture_bytes(image)))

        self._tasks.once(work, lambda _none: self.said.emit(f"written: {chosen.place}"))

    def _on_failed(self, message: str, details: str) -> None:
        self._looking = False
        self.problem.emit(message, details)

    def _change(self, work: Callable[[Runs], Any], then: Callable[[Any], None] = lambda _value: None) -> None:
        def put(value: Any) -> None:
            then(value)
            self.look()

        self._tasks.once(lambda: work(self._watcher.runs), put)

    def _read(
        self, work: Callable[[], Surveyed], then: Callable[[Surveyed], None], *, on: Project | None = None
    ) -> None:
        if self._survey is not None:
            self._survey.cancel()
        self._survey = self.reading.once(work, then, on=on)


def _problem(act: Callable[[], object]) -> str:
    """Why something cannot be done, in words; "" if it was done."""
    try:
        act()
    except MarqueError as error:
        return str(error)
    return ""


def _load_settings() -> None:
    """Load the trainer's settings in advance, as this takes a tenth of a second."""
    import_module("app.core.training.recipes")
