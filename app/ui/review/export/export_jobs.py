"""Output of a project: exports, sidecars, filing. On a thread of its own, as it may take a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, Signal

from app.core.export.copies import Copies, CopyError
from app.core.export.corrections import Corrections, corrections
from app.core.export.exporters import EXPORTERS, Exported, export
from app.core.filing.filing import Filing, UnknownStepError
from app.core.filing.filing_plan import FilingError, FilingPlan, plan
from app.core.filing.project_journal import journal_of
from app.core.metadata.sidecars import Sidecars
from app.core.metadata.xmp import keywords
from app.core.metadata.xmp_sidecar import SidecarError, write_sidecar
from app.core.project.journal import Turned
from app.core.project.journal_steps import JournalStep
from app.core.project.labels import Verdict
from app.core.project.photo_state import ChangedPhotoError, check_unchanged
from app.core.project.project import Project
from app.core.project.records import KnownModel
from app.core.project.results import PhotoResult, not_identified, results
from app.ui.background.jobs import Job, JobSource
from app.ui.background.tasks import Tasks
from app.ui.background.waits import ProjectWaits
from app.ui.widgets.file_dialogs import ChosenPlace
from model.system.wording import counted

_TELL_SECONDS = 0.05
_DECIDED = (Verdict.ACCEPTED, Verdict.CORRECTED)
_HOW_TO_IDENTIFY = "folder"
"""The name of the button that identifies photos into a project."""
_Work = Callable[[Callable[[int], None], Callable[[], bool]], Any]


class _Written(NamedTuple):
    """How many were written, problems in words, and how many photos are not identified yet."""

    written: int
    problems: list[str]
    waiting: int


@dataclass(frozen=True, eq=False)
class PlanRequest:
    """How photos are to be filed; `only_decided`: those that the person has accepted or corrected."""

    into: Path
    pattern: str
    only_decided: bool


class ExportJobs(QObject):
    """One job at a time; a second one waits.

    Attributes: tasks: the ones that work on projects.

    Signals:
        problem: (text, details)
        planned: (PlanRequest, FilingPlan), unplanned: (PlanRequest, why there is no plan)
        corrected: (Project, Corrections) labels were set from a table
        files_changed: files were filed, or that was taken back
        outdated: photos are not the files any more that were identified
        unknown: (Project, UnknownStepError, back) a step was not started on this computer; back: it was to be undone
    """

    problem = Signal(str, str)
    planned = Signal(PlanRequest, FilingPlan)
    unplanned = Signal(PlanRequest, str)
    files_changed = Signal()
    corrected = Signal(Project, Corrections)
    outdated = Signal()
    unknown = Signal(Project, UnknownStepError, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobSource(self)
        self.tasks = Tasks(self)
        self.tasks.failed.connect(self.problem)
        self._unfinished: set[Job] = set()
        self._waits = ProjectWaits(self.jobs)
        self._stopping = False
        self.tasks.start()

    def stop(self) -> None:
        """End the job after the current file, and wait for the thread."""
        self.blockSignals(True)
        self.jobs.blockSignals(True)
        self._stopping = True
        self._waits.stop()
        self.tasks.stop()

    def busy(self) -> bool:
        """Whether a job is running or waiting."""
        return bool(self._unfinished)

    def export(self, project: Project, model: KnownModel, kind: str, chosen: ChosenPlace, total: int) -> None:
        """Write one of the formats of `EXPORTERS`."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Exported | None:
            output = chosen.output(EXPORTERS[kind].kind, inputs=[project.path])
            rows = _counted(results(project, model), progress, cancelled)
            try:
                return export(rows, output, model, kind)
            except _CancelledError:
                return None

        self._start("exporting", project, total, work, self._say_exported)

    def sidecars(self, project: Project, model: KnownModel, total: int) -> None:
        """Write keywords into a sidecar beside each photo."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> _Written:
            sidecars = Sidecars()

            def write(result: PhotoResult) -> bool:
                check_unchanged(result.image)
                return write_sidecar(result.image.path, keywords(result.answer), sidecars) is not None

            return _one_by_one(results(project, model), write, progress, cancelled)

        say = partial(self._say_written, "sidecar", "written")
        self._start("writing sidecars", project, total, work, say, alone=True)

    def copies(self, project: Project, model: KnownModel, into: Path, total: int) -> None:
        """Copy the labelled photos into a folder, with keywords inside."""

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> _Written:
            made = Copies([place for _, place, _ in project.sources.all()], into)

            def write(result: PhotoResult) -> bool:
                path = keywords(result.answer)
                return bool(path) and made.make(result.image, path).new

            return _one_by_one(results(project, model), write, progress, cancelled)

        self._start("copying", project, total, work, partial(self._say_written, "photo", f"copied into {into}"))

    def bring_back(self, project: Project, table: Path) -> None:
        """Set the labels that were corrected in a table, as one step that can be undone."""

        def work(_progress: Callable[[int], None], _cancelled: Callable[[], bool]) -> Corrections:
            found = corrections(project, table)
            found.apply(project, table)
            return found

        def say(found: Corrections) -> str:
            if found.labels:
                self.corrected.emit(project, found)
            if found.problems:
                words = f"{counted(len(found.problems), 'row')} of {table.name} could not be used"
                self.problem.emit(words, "\n".join(found.problems))
            unchanged = counted(found.unchanged, "row")
            return f"{counted(len(found.labels), 'label')} from {table.name}, {unchanged} unchanged"

        self._start("reading the table", project, 1, work, say)

    def plan(self, project: Project, model: KnownModel, request: PlanRequest) -> None:
        """Work out where photos would go."""

        def wanted(result: PhotoResult) -> bool:
            return not request.only_decided or (result.label is not None and result.label.verdict in _DECIDED)

        def work() -> FilingPlan | FilingError:
            try:
                rows = (one for one in results(project, model) if wanted(one))
                return plan(rows, request.into, request.pattern)
            except FilingError as error:
                return error

        def tell(found: FilingPlan | FilingError) -> None:
            if isinstance(found, FilingPlan):
                self.planned.emit(request, found)
            else:
                self.unplanned.emit(request, str(found))

        def fail(words: str) -> None:
            self.unplanned.emit(request, words or "the preview could not be made")

        self.tasks.once(work, tell, on=project, failed=fail)

    def file(self, project: Project, wanted: FilingPlan, *, move: bool) -> None:
        """Carry a plan out."""
        if move:
            wanted = wanted.for_move()

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> tuple[str, list[str]]:
            filing = Filing(project)
            action = filing.begin(wanted, move=move)
            if action is None:
                return "nothing to do", wanted.refused
            problems = [*wanted.refused, *filing.carry_out(action, progress, cancelled)]
            return action.title if filing.standing(action) else "nothing was filed", problems

        def say(found: tuple[str, list[str]]) -> str:
            words, problems = found
            if move and wanted.copied:
                words += f"; {counted(len(wanted.copied), 'sidecar')} copied, as other files need them too"
            if problems:
                self.outdated.emit()
            return self._say_files(words, problems)

        self._start("filing", project, len(wanted.steps), work, say, alone=True)

    def turn(self, project: Project, total: int, *, back: bool, trust: JournalStep | None = None) -> None:
        """Undo or redo the last step, if it is a filing.

        Args:
            trust: a step whose files the person has seen.
        """

        def work(progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Turned | UnknownStepError | None:
            journal = journal_of(project)
            if trust is not None:
                Filing(project).trust(trust)
            try:
                return (journal.undo if back else journal.redo)(progress, cancelled)
            except UnknownStepError as unknown:
                return unknown

        def say(found: Turned | UnknownStepError | None) -> str:
            if isinstance(found, UnknownStepError):
                self.unknown.emit(project, found, back)
                return ""
            if found is None:
                return self._say_files("nothing to do", [])
            return self._say_files(f"{failed if found.stays else word}{found.action.title}", found.problems)

        verb, word, failed = (
            ("undoing", "undone: ", "could not be undone: ")
            if back
            else ("filing", "redone: ", "could not be redone: ")
        )
        self._start(verb, project, total, work, say, alone=True)

    def settle(self, project: Project, trust: JournalStep) -> None:
        """Finish an unfinished step whose files the person has seen."""

        def work(_progress: Callable[[int], None], _cancelled: Callable[[], bool]) -> list[str]:
            Filing(project).trust(trust)
            return Filing(project).settle()

        def say(found: list[str]) -> str:
            return self._say_files("; ".join(found), [])

        self._start("finishing a step", project, 1, work, say, alone=True)

    def _say_exported(self, done: Exported | None) -> str:
        if done is None:
            return "cancelled; nothing was written"
        if done.problems:
            self._tell(f"{len(done.problems):,} problems with this export", done.problems)
        sentence = f"written: {done.written.place}; {counted(done.photos, 'photo')}"
        return ": ".join(filter(None, (sentence, done.note))) + _and_waiting(done.waiting)

    def _say_written(self, one: str, words: str, found: _Written) -> str:
        if found.problems:
            self._tell(
                counted(len(found.problems), "photo was left as it is", "photos were left as they are"), found.problems
            )
        return f"{counted(found.written, one)} {words}{_and_waiting(found.waiting)}"

    def _say_files(self, words: str, problems: list[str]) -> str:
        self.files_changed.emit()
        if problems:
            self._tell(f"{len(problems):,} files were left as they are", problems)
        return words

    def _tell(self, words: str, problems: list[str]) -> None:
        """One problem as it is; for several, their number with the list on request."""
        self.problem.emit(words if len(problems) > 1 else problems[0], "\n".join(problems))

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
        self._unfinished.add(job)
        reported = [float("-inf")]

        def progress(done: int) -> None:
            if time.monotonic() - reported[0] >= _TELL_SECONDS:
                reported[0] = time.monotonic()
                self.jobs.advance(job, done, total, False)

        def steps() -> Iterator[Any]:
            with self._waits.alone(project.path) if alone else nullcontext():
                done = work(progress, lambda: flag[0] or self._stopping)
            yield done

        self.jobs.begin(job)
        self.tasks.submit(
            steps, lambda value: self._end(job, say(value)), on=project, failed=lambda _words: self._end(job, "")
        )

    def _end(self, job: Job, words: str) -> None:
        self._unfinished.discard(job)
        self.jobs.end(job, words)


def _one_by_one(
    rows: Iterable[PhotoResult],
    write: Callable[[PhotoResult], bool],
    progress: Callable[[int], None],
    cancelled: Callable[[], bool],
) -> _Written:
    """Excluded photos, and unreadable ones without a label, are not touched."""
    written, problems, waiting = 0, [], 0
    for done, result in enumerate(rows, start=1):
        if cancelled():
            break
        waiting += result.waits
        if not result.excluded and (result.image.error is None or keywords(result.answer)):
            try:
                written += write(result)
            except (SidecarError, CopyError, ChangedPhotoError) as error:
                problems.append(str(error))
        progress(done)
    return _Written(written, problems, waiting)


def _and_waiting(count: int) -> str:
    return f"; {not_identified(count, _HOW_TO_IDENTIFY)}" if count else ""


class _CancelledError(Exception):
    """Stops an exporter between two rows, without a partial file."""


def _counted(
    rows: Iterable[PhotoResult], progress: Callable[[int], None], cancelled: Callable[[], bool]
) -> Iterator[PhotoResult]:
    for done, row in enumerate(rows, start=1):
        if cancelled():
            raise _CancelledError
        yield row
        progress(done)
