"""Runs of `marque identify` that keep their answers in a project: once, or for as long as its folders are watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.cli.reports import Fact, Report, speed
from app.cli.terminal import UsageError, as_typed, must_exist
from app.core.batch.batch_runner import BatchRunner
from app.core.batch.folder_watch import SETTLE, ProjectWatch
from app.core.batch.project_run import RunProgress, run_project
from app.core.filing.filing import Filing
from app.core.project import scanned_folders
from app.core.project.project import Project
from app.core.project.project_lock import ProjectBusyError, only_writer
from app.core.project.records import Counts
from model.console.command import INTERRUPTED
from model.system.wording import counted

_SHARE = 10
"""A pause takes at least this many times as long as the look before it: a watch is idle for most of its time."""
_NAP = 0.1  # seconds from one look at Ctrl-C to the next


def into_project(
    runner: BatchRunner,
    place: Path,
    paths: Sequence[Path],
    report: Report,
    interrupted: Callable[[], bool],
    *,
    watched: bool,
    again: bool,
) -> int:
    """Add the paths to a project's sources, make it if missing, and identify what waits; 0, or 130 after Ctrl-C.

    Args:
        watched: keep watching every watched source of the project until Ctrl-C, which ends it with 0.
        again: also identify what has been identified already.

    Raises:
        UsageError: if a path does not exist, or is to be watched and is not a folder.
    """
    must_exist(paths)
    for path in paths if watched else ():
        if not path.is_dir():
            raise UsageError(f"{path}: only folders can be watched")
    with Project.open(place) if place.exists() else Project.create(place) as project:
        with suppress(ProjectBusyError), only_writer(place, "marque identify"):  # otherwise nothing was left unfinished
            filing = Filing(project)
            for words in filing.settle():
                report.warning(words)
            for step in filing.unknown():
                report.warning(f"{step.message}; to see its files: {as_typed('marque', 'undo', place)}")
        for path in paths:
            project.sources.add(path, watched=True if watched else None)
        scanned_folders.remember(project, paths)
        if again:
            project.predictions.ask_again(runner.info.fingerprint)
        run = _Run(project, runner, report, interrupted)
        if watched:
            run.watch()
            return 0
        return INTERRUPTED if run.once() else 0


@dataclass
class _Run:
    project: Project
    runner: BatchRunner
    report: Report
    interrupted: Callable[[], bool]
    note: str = ""
    skipped: str = ""
    photos: int = 0
    seconds: float = 0.0

    def once(self) -> bool:
        """Find and identify everything that waits; whether it was interrupted."""
        last = self._follow(find=True)
        self._tell_skipped(last.skipped)
        cut_off = self.interrupted()
        self._done(last.counts, interrupted=cut_off)
        return cut_off

    def watch(self) -> None:
        """Identify photos as they arrive, until Ctrl-C."""
        watch = ProjectWatch(self.project)
        self.report.tell(
            "watching",
            [f"watching {', '.join(map(str, watch.places))}; Ctrl-C ends it"],
            {"folders": [str(place) for place in watch.places]},
        )
        waiting = True  # what an earlier run left
        while not self.interrupted():
            began = time.monotonic()
            arrived = watch.look(began)
            took = time.monotonic() - began
            for problem in watch.new_problems():
                self.report.warning(problem)
            self._tell_skipped(watch.skipped())
            if arrived or waiting:
                waiting = False
                self._arrived(self._follow(find=False))
            else:
                self._pause(max(SETTLE, _SHARE * took))
        self._done(self.project.images.counts(self.runner.info.fingerprint), interrupted=False)

    def _follow(self, *, find: bool) -> RunProgress:
        last = None
        with self.report.running("identifying") as advance:
            for last in run_project(self.project, self.runner, find=find, cancelled=self.interrupted):
                for problem in last.problems:
                    self.report.warning(problem)
                if last.note != self.note:
                    self.note = last.note
                    self.report.warning(last.note)
                advance(last.identified, None if last.scanning else last.counts.waiting + last.identified)
        assert last is not None, "a run reports its progress at least once"
        self.photos += last.identified
        self.seconds += last.seconds
        return last

    def _tell_skipped(self, words: str) -> None:
        """Report each new number of files that cannot be read once."""
        if words and words != self.skipped:
            self.report.warning(words)
        self.skipped = words

    def _arrived(self, last: RunProgress) -> None:
        if last.identified:
            self.report.tell(
                "arrived",
                [f"{time.strftime('%H:%M:%S')}  {last.identified} new; {self._in_words(last.counts)}"],
                {"photos": last.identified} | _facts(last.counts),
            )

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.interrupted() and time.monotonic() < end:
            time.sleep(_NAP)

    def _done(self, counts: Counts, *, interrupted: bool) -> None:
        more = ["interrupted; the same command continues"] if interrupted else []
        provider, rate = self.runner.provider, self.photos / self.seconds if self.seconds else 0.0
        self.report.done(
            [
                f"{self.project.path}: {self._in_words(counts)}; {self.photos} in this run, {rate:.1f} photos/s on "
                f"{provider.name} ({provider.reason})",
                *more,
            ],
            speed(self.photos, self.seconds, provider, interrupted)
            | {"project": str(self.project.path)}
            | _facts(counts),
        )

    def _in_words(self, counts: Counts) -> str:
        # the answer may also be that a photo shows nothing known
        done = f"{counted(counts.total, 'photo')}, {counts.predicted:,} with an answer"
        return f"{done}, {counted(counts.failed, 'error')}, {counts.waiting:,} waiting"


def _facts(counts: Counts) -> dict[str, Fact]:
    return {
        "images": counts.total,
        "predicted": counts.predicted,
        "failed": counts.failed,
        "waiting": counts.waiting,
    }
