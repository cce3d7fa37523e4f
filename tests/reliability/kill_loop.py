"""Kills every command over and over and counts what is lost: `python -m tests.reliability.kill_loop [--kills N]`.

Each kill is followed by the same command once more. Right after a kill every photo is whole, a project or a gallery can
be opened, and a file that was exported earlier is still that or the new one; after the command all is as if nothing had
happened, and no file in the making is left.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.killed_training import ENTRY, Training
from tests.reliability.killing import Commands, Ended, Moment, cannot_trace
from tests.reliability.operations import Operation, Site, operations, places, prepare


@dataclass
class Figures:
    """Of one operation. losses: what was wrong, with the moment of the kill."""

    name: str
    moments: int = 0
    before_calls: int = 0
    at_times: int = 0
    losses: list[str] = field(default_factory=list)

    def count(self, ended: Ended, at: Moment | float) -> None:
        """Count a kill; a command that had ended before it is none."""
        if ended.code is None and isinstance(at, Moment):
            self.before_calls += 1
        elif ended.code is None:
            self.at_times += 1

    @property
    def kills(self) -> int:
        """How often it was really killed."""
        return self.before_calls + self.at_times


class KillLoop:
    """Kills operations on one site."""

    def __init__(self, folder: Path, commands: Commands, site: Site, seed: int = 1) -> None:
        self._folder, self._commands, self._site = folder, commands, site
        self._chance = random.Random(seed)

    def run(self, operation: Operation, before_calls: int, at_times: int) -> Figures:
        """Kill an operation so often before a system call, and so often after a time."""
        site, commands, words = self._site, self._commands, operation.words(self._site)
        figures = Figures(operation.name)
        site.begin(operation.state)
        before = _outcome_before(operation, site, commands)
        # a project that was opened already has taken back or finished what there was to be
        site.begin(operation.state)
        start = time.monotonic()
        ended = commands.run(*words)
        duration = time.monotonic() - start
        assert ended.code == 0, ended
        whole = operation.outcome(site, commands)
        site.begin(operation.state)
        moments = commands.moments(*words)
        figures.moments = len(moments)
        ats: list[Moment | float] = [*self._chosen(moments, before_calls)]
        ats += [self._chance.uniform(0.0, duration) for _ in range(at_times)]
        for at in ats:
            self._kill(operation, words, at, figures, before, whole)
        return figures

    def _chosen(self, moments: Sequence[Moment], number: int) -> list[Moment]:
        return sorted(self._chance.sample(moments, min(number, len(moments))), key=moments.index)

    def _kill(
        self,
        operation: Operation,
        words: tuple[object, ...],
        at: Moment | float,
        figures: Figures,
        before: object,
        whole: object,
    ) -> None:
        site, commands = self._site, self._commands
        site.begin(operation.state)
        ended = commands.kill(*words, at=at)
        figures.count(ended, at)
        try:
            self._check_after_kill(operation, before, whole)
            again = commands.run(*words)
            assert again.code == 0, again
            result = operation.outcome(site, commands)
            assert result == whole, f"not what it would have been without the kill: {_difference(result, whole)}"
            left = list(site.work.rglob(".marque-*.part*"))
            assert not left, left
            if operation.takes_back:
                self._take_back(operation)
        except Exception as error:  # noqa: BLE001 - whatever is wrong is counted, and the loop continues
            figures.losses.append(f"{operation.name}, killed at {at}: {type(error).__name__}: {error}")

    def _take_back(self, operation: Operation) -> None:
        """Undo, also what was filed before the kill, which is a step of its own."""
        site, commands = self._site, self._commands
        said = ""
        while "nothing to undo" not in said:
            undone = commands.run("undo", site.project)
            assert undone.code == 0, undone
            said = undone.err
        here = places(site, commands)
        site.begin("identified")
        there = places(site, commands)
        assert here == there, f"undo has not given back what there was: {_difference(here, there)}"

    def _check_after_kill(self, operation: Operation, before: object, whole: object) -> None:
        site = self._site
        photos = [path for folder in (site.photos, site.sorted) for path in folder.rglob("*.jpg")]
        there = [content for path, content in places(site, self._commands).items() if path.endswith(".jpg")]
        assert len(photos) == len(there) and site.originals <= set(there), "a photo is gone"
        assert site.originals >= set(there), "half of a photo has a photo's name"
        for database in (site.project, site.gallery):
            if database.exists():
                _check_database(database, self._folder / "looked at")
        operation.afterwards(site, self._commands, before, whole)


def kill_training(folder: Path, before_calls: int, at_times: int, seed: int = 1) -> Figures:
    """Kill a training so often before a system call, and so often after a time."""
    figures = Figures("training")
    with Commands(folder, ENTRY, MARQUE_HOME=str(folder / "home"), OMP_NUM_THREADS="1") as commands:
        training = Training(folder, commands)
        figures.moments = len(training.moments)
        for at in training.chosen(random.Random(seed), before_calls, at_times):
            try:
                figures.count(training.kill(at), at)
            except Exception as error:  # noqa: BLE001 - as above
                figures.count(Ended(None, "", ""), at)
                figures.losses.append(f"training, killed at {at}: {type(error).__name__}: {error}")
    return figures


def _outcome_before(operation: Operation, site: Site, commands: Commands) -> object:
    try:
        return operation.outcome(site, commands)
    except (OSError, AssertionError):  # there is nothing yet
        return None


def _difference(one: object, other: object) -> str:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return ""
    names = sorted({*one, *other})
    return str([(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)])


def _check_database(path: Path, folder: Path) -> None:
    """A copy of it, with what SQLite has put beside it, is sound; the original is left as the kill has left it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in (path.name, f"{path.name}-wal", f"{path.name}-journal"):
        if path.with_name(name).exists():
            shutil.copy(path.with_name(name), folder / name)
    with closing(sqlite3.connect(folder / path.name)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",), path


def table(figures: Sequence[Figures]) -> str:
    """The figures for people, in Markdown."""
    columns = ("killed before a system call", "killed at a random time", "system calls that change files", "losses")
    rows = [f"| command | {' | '.join(columns)} |", "|---|---:|---:|---:|---:|"]
    rows += [
        f"| {one.name} | {one.before_calls} | {one.at_times} | {one.moments} | {len(one.losses)} |" for one in figures
    ]
    sums = [sum(values) for values in zip(*((f.before_calls, f.at_times, len(f.losses)) for f in figures), strict=True)]
    rows.append(f"| **together** | **{sums[0]}** | **{sums[1]}** | | **{sums[2]}** |")
    return "\n".join(rows)


def main() -> int:
    """0 if nothing was lost."""
    parser = argparse.ArgumentParser("python -m tests.reliability.kill_loop", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="about so many, a third of them at random times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="operations with this in their names")
    options = parser.parse_args()
    if cannot_trace():
        sys.stderr.write(f"{cannot_trace()}\n")
        return 2
    wanted = [operation for operation in operations() if options.only in operation.name]
    each = max(options.kills // max(len(wanted), 1), 1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        site = Site(folder)
        with Commands(folder, MARQUE_HOME=str(site.home)) as commands:
            prepare(site, commands)
            loop = KillLoop(folder, commands, site, options.seed)
            figures = [loop.run(operation, each - each // 3, each // 3) for operation in wanted]
        if options.only in "training":
            figures.append(kill_training(folder, max(each // 3, 1), max(each // 6, 1), options.seed))
    sys.stdout.write(table(figures) + "\n")
    losses = [loss for one in figures for loss in one.losses]
    sys.stdout.write("".join(f"{loss}\n" for loss in losses))
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
