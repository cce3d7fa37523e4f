"""What leaves a project: exports, sidecars, files that are filed. On a thread of its own, as it may take long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.actions import Action
from app.core.copies import Copies, CopyError
from app.core.exporters import export
from app.core.filing import Filing
from app.core.filing_plan import Plan, plan
from app.core.journal import Journal, Turned
from app.core.labels import Verdict
from app.core.photo_state import ChangedPhotoError, check_unchanged
from app.core.project import Project
from app.core.project_records import KnownModel
from app.core.results import Result, results
from app.core.sidecars import Sidecars
from app.core.xmp import SidecarError, keywords, write_sidecar
from app.ui.job_line import Job
from app.ui.tasks import Tasks
from app.ui.waits import Waits

_TELL_SECONDS = 0.05
_NOT_UNDONE = "could not be undone: "
_DECIDED = (Verdict.ACCEPTED, Verdict.CORRECTED)
_Written = tuple[int, list[str]]
_Work = Callable[[Callable[[int], None], Callable[[], bool]], Any]


class Outputs(QObject):
    """One job at a time; a second one waits.

    Attributes:
        tasks: that work on projects.

    Signals:
        job_began: (Job), job_advanced: (Job, done, total, growing), job_ended: (Job, what it did)
        problem: (text, details)
        planned: (number that it was asked for with, Plan, folder)
        files_changed: files were filed, or that was taken back
    """

    job_began = Signal(object)
    job_advanced = Signal(object, int, int, int)
    job_ended = Signal(object, str)
    problem = Signal(str, str)
    planned = Signal(int, object, object)
    files_changed = Signal()
    _progress = Signal(object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tasks = Tasks(self)
        self.tasks.failed.connect(self._on_failed)
        self._progress.connect(self._on_progress)
        self._jobs: dict[Job, int] = {}
        self._waits = Waits(self)
        self._waits.job_began.connect(self.job_began)
        self._waits.job_advanced.connect(self.job_advanced)
        self._waits.job_ended.connect(self.job_ended)
        self._stopping = False
        self.tasks.start()

    def stop(self) -> None:
        """End the job after the file in work, and wait for the thread."""
        self.blockSignals(True)
        self._stopping = True
        self._waits.stop()
        self.tasks.stop()

    def busy(self) -> bool:
        """Whether a job is under way or waits."""
        return bool(self._jobs)

    def export(self, project: Project, model: KnownModel, kind: str, out: Path, total: int) -> None:
        """Write one of the formats of `EXPORTERS`."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> str:
            rows = _counted(results(project, model), progress, cancelled)
            try:
                export(rows, out, model, kind)
            except _CancelledError:
                return "cancelled; nothing was written"
            return f"written: {out}"

        self._start("exporting", project, total, work, lambda said: said)

    def sidecars(self, project: Project, model: KnownModel, total: int) -> None:
        """Write keywords into a sidecar beside each photo."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> _Written:
            sidecars = Sidecars()

            def write(result: Result) -> bool:
                check_unchanged(result.image)
                return write_sidecar(result.image.path, keywords(result.answer), sidecars) is not None

            return _one_by_one(results(project, model), write, progress, cancelled)

        say = partial(self._say_written, "sidecars written")
        self._start("writing sidecars", project, total, work, say, alone=True)

    def copies(self, project: Project, model: KnownModel, into: Path, total: int) -> None:
        """Copy the labelled photos into a folder, with keywords inside."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> _Written:
            made = Copies([place for _, place, _ in project.sources()], into)

            def write(result: Result) -> bool:
                path = keywords(result.answer)
                return bool(path) and made.make(result.image, path).new

            return _one_by_one(results(project, model), write, progress, cancelled)

        self._start("copying", project, total, work, partial(self._say_written, f"photos copied into {into}"))

    def plan(self, project: Project, model: KnownModel, number: int, into: Path, pattern: str, decided: bool) -> None:
        """Work out where photos would go; `decided`: only those that the person has accepted or corrected."""

        def wanted(result: Result) -> bool:
            return not decided or (result.label is not None and result.label.verdict in _DECIDED)

        self.tasks.once(
            lambda: plan((one for one in results(project, model) if wanted(one)), into, pattern),
            lambda found: self.planned.emit(number, found, into),
            on=project,
        )

    def file(self, project: Project, wanted: Plan, *, move: bool) -> None:
        """Carry a plan out."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> tuple[Action | None, list[str]]:
            filing = Filing(project)
            action = filing.begin(wanted, move=move)
            return action, filing.carry_out(action, progress, cancelled) if action is not None else []

        self._start("filing", project, len(wanted.steps), work, lambda found: self._say_files("", *found), alone=True)

    def turn(self, project: Project, total: int, *, back: bool) -> None:
        """Take the last step back, or do it again, where that is a filing."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Turned | None:
            journal = Journal(project)
            return (journal.undo if back else journal.redo)(progress, cancelled)

        def say(found: Turned | None) -> str:
            if found is None:
                return self._say_files("", None, [])
            return self._say_files(_NOT_UNDONE if found.stays else word, found.action, found.problems)

        verb, word = ("taking back", "undone: ") if back else ("filing", "done again: ")
        self._start(verb, project, total, work, say, alone=True)

    def _say_written(self, words: str, found: _Written) -> str:
        written, problems = found
        if problems:
            self.problem.emit(f"{len(problems):,} photos were left as they are", "\n".join(problems))
        return f"{written:,} {words}"

    def _say_files(self, word: str, action: Action | None, problems: list[str]) -> str:
        self.files_changed.emit()
        if action is None:
            return "nothing to do"
        if problems:
            self.problem.emit(f"{len(problems):,} files were left as they are", "\n".join(problems))
        return f"{word}{action.title}"

    def _start(
        self,
        verb: str,
        project: Project,
        total: int,
        work: _Work,
        say: Callable[[Any], str],
        *,
        alone: bool = False,
    ) -> None:
        """Begin a job; `alone`: it waits until no other program changes the project, and keeps others out."""
        flag = [False]

        def cancel() -> None:
            flag[0] = True

        job = Job(verb, cancel)
        self._jobs[job] = total
        told = [float("-inf")]

        def progress(done: int) -> None:
            if time.monotonic() - told[0] >= _TELL_SECONDS:
                told[0] = time.monotonic()
                self._progress.emit(job, done)

        def steps() -> Iterator[Any]:
            with self._waits.alone(project.path) if alone else nullcontext():
                done = work(progress, lambda: flag[0] or self._stopping)
            yield done

        self.job_began.emit(job)
        self.tasks.submit(steps, lambda value: self._end(job, say(value)), on=project)

    def _end(self, job: Job, words: str) -> None:
        self._jobs.pop(job, None)
        self.job_ended.emit(job, words)

    def _on_progress(self, job: Job, done: int) -> None:
        if job in self._jobs:
            self.job_advanced.emit(job, done, self._jobs[job], False)

    def _on_failed(self, message: str, details: str) -> None:
        self.problem.emit(message, details)
        if self._jobs:  # they are served in their order
            self._end(next(iter(self._jobs)), "")


def _one_by_one(
    rows: Iterable[Result],
    write: Callable[[Result], bool],
    progress: Callable[[int], None],
    cancelled: Callable[[], bool],
) -> _Written:
    """How many were written, and what could not be, in words; excluded ones and unreadable ones without a label are not
    touched.
    """
    written, problems = 0, []
    for done, result in enumerate(rows, start=1):
        if cancelled():
            break
        if not result.excluded and (result.image.error is None or keywords(result.answer)):
            try:
                written += write(result)
            except (SidecarError, CopyError, ChangedPhotoError) as error:
                problems.append(str(error))
        progress(done)
    return written, problems


class _CancelledError(Exception):
    """Stops an exporter between two rows; it leaves no half file."""


def _counted(
    rows: Iterable[Result], progress: Callable[[int], None], cancelled: Callable[[], bool]
) -> Iterator[Result]:
    for done, row in enumerate(rows, start=1):
        if cancelled():
            raise _CancelledError
        yield row
        progress(done)
