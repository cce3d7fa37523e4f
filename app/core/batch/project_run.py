"""A run over a project: scan its sources, decode, identify, store; nothing is done twice.

scan thread -> images of the project -> a runner that decodes and identifies (batch_runner.py) -> one transaction a
batch. A run that is cancelled or killed continues where it was: images without a prediction are the ones that wait.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from app.core.batch.batch_runner import BatchRunner
from app.core.project.project import Project
from app.core.project.records import Counts, FoundFile, ProjectImage
from app.core.project.schema import ProjectError
from model.system.photo_files import scan, skipped_in_words

_FOUND = 256  # files that the scan hands over at a time
_RECOUNT = 0.5  # seconds
_NAP = 0.02  # seconds, while there is nothing to do yet


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run.

    Attributes:
        counts: images of the whole project, at most half a second old.
        identified: images that this run has done, including those that failed.
        seconds: since it began, without pauses.
        scanning: whether more images may still be found.
        changed: numbers of the images of the last batch.
        note: what the person should know (the GPU failed), or "".
        problems: folders and files that could not be read, found since the last progress, with the reason.
        skipped: the files found so far that Marque knows but cannot read, in words; or "".
    """

    counts: Counts
    identified: int
    seconds: float
    scanning: bool
    changed: tuple[int, ...] = ()
    note: str = ""
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def rate(self) -> float:
        """Images per second; 0 before the first."""
        return self.identified / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time that the waiting images will take; None while it is unknown."""
        return self.counts.waiting / self.rate if self.rate and not self.scanning else None


@dataclass
class Scan:
    """Finds the files of a project's sources in a thread of its own.

    Attributes:
        problems: folders that could not be read, with the reason.
        skipped: how many files of which kind are known and cannot be read.
        error: why the project could not take files in, or None.
    """

    project: Project
    cancelled: Callable[[], bool]
    problems: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    error: ProjectError | None = None

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether more files may be found."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it has ended, if it was begun."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            for number, place, _ in self.project.sources.all():
                files = self._files(place)
                while chunk := list(islice(files, _FOUND)):
                    self.project.images.add(number, chunk)
        except ProjectError as error:
            self.error = error

    def _files(self, place: Path) -> Iterator[FoundFile]:
        def problem(path: Path, reason: str) -> None:
            self.problems.append(f"{path}: {reason}")

        for path in scan([place], cancelled=self.cancelled, problem=problem, skipped=self.skipped):
            try:
                yield FoundFile.of(path)
            except OSError as error:  # the file went away after the listing
                problem(path, error.strerror or "cannot be read")


def run_project(
    project: Project,
    runner: BatchRunner,
    *,
    find: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
    paused: Callable[[], bool] = lambda: False,
) -> Iterator[RunProgress]:
    """Identify every image of a project's sources that has no prediction by the runner's model yet.

    A file that cannot be read is an image with an error. If the GPU fails during the run, the run continues on the CPU,
    once, and reports that. Memory does not grow with the number of images.

    Args:
        runner: may serve several runs.
        find: also look for new files in the sources; else only images that are in the project already are identified.

    Raises:
        EngineError: if the inference fails on the CPU.
        ProjectError: if the project cannot be written; what was stored stays.
    """
    project.models.keep(runner.info)
    scanner = Scan(project, cancelled)
    if find:
        scanner.start()
    try:
        yield from _Run(project, runner, cancelled, paused).through(scanner)
    finally:
        scanner.wait()
    if scanner.error is not None:
        raise scanner.error


@dataclass
class _Run:
    project: Project
    runner: BatchRunner
    cancelled: Callable[[], bool]
    paused: Callable[[], bool]
    identified: int = 0
    idle: float = 0.0

    def __post_init__(self) -> None:
        self._start = time.monotonic()
        self._counts, self._counted = Counts(0, 0, 0), float("-inf")
        self._reported = 0  # problems of the scan

    @property
    def model(self) -> str:
        return self.runner.info.fingerprint

    def through(self, scanner: Scan) -> Iterator[RunProgress]:
        last = 0
        yield self._progress(scanner, ())
        while self.runner.scan_first and scanner.running and not self.cancelled():
            self._nap()
            yield self._progress(scanner, ())
        while not self.cancelled():
            scanning = scanner.running  # asked before the page is read: what is found meanwhile comes with the next one
            page = self.project.images.waiting(self.model, after=last, limit=self.runner.page)
            if page:
                for done in self._page(page):
                    yield self._progress(scanner, done)
                last = page[-1].id
            elif last:
                last = 0  # a file that changed since has an older number
                if not scanning and not self.project.images.waiting(self.model, limit=1):
                    break
            elif scanning:
                self._nap()
                yield self._progress(scanner, ())
            else:
                break
        yield self._progress(scanner, (), exact=True)

    def _page(self, page: Sequence[ProjectImage]) -> Iterator[tuple[int, ...]]:
        for outcomes in self.runner.outcomes(page, self.cancelled):
            self.project.predictions.store(self.model, outcomes)
            self.identified += len(outcomes)
            yield tuple(outcome.image for outcome in outcomes)
            while self.paused() and not self.cancelled():
                self._nap()
                yield ()  # the caller may do other things meanwhile

    def _nap(self) -> None:
        time.sleep(_NAP)
        self.idle += _NAP

    def _progress(self, scanner: Scan, changed: tuple[int, ...], *, exact: bool = False) -> RunProgress:
        now = time.monotonic()
        # counting 100,000 rows takes longer than a batch: between two counts the last one is used
        if exact or now - self._counted > _RECOUNT:
            self._counts, self._counted = self.project.images.counts(self.model), now
        seconds = now - self._start - self.idle
        problems = tuple(scanner.problems[self._reported :])
        self._reported += len(problems)
        return RunProgress(
            self._counts,
            self.identified,
            seconds,
            scanner.running,
            changed,
            self.runner.note,
            problems,
            skipped_in_words(scanner.skipped.copy()),
        )
