"""Photos into folders by their labels: plan, preview, journal, do; taken back from the journal, also next week.

Nothing is ever overwritten. Every file goes through these states, each committed before the next begins, so that a
program that dies leaves each file whole at its source, at its target, or at both:

planned -> placed (a whole copy lies at the target) -> done (for a move: the source is gone) -> undone

What the end of a filing finds still planned becomes `left`.
"""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.actions import Action, Kind, begin
from app.core.decide import Decision, Status
from app.core.paths import tidy
from app.core.placing import copy_new
from app.core.project import Project
from app.core.project_records import FoundFile
from app.core.results import Result
from model.errors import MarqueError

PATTERN = "{type}/{class}/{name}"
"""Where a photo goes, below the folder that was chosen."""
FIELDS = ("type", "class", "label", "name", "status")
"""Names that a pattern may hold in braces; `name` is the file's own with its ending."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_COARSEST_TIME = 2_000_000_000  # nanoseconds, on FAT
_WITHOUT_CLASS = "class not told"


class FilingError(MarqueError):
    """A pattern or folder that cannot be used; the message says why."""


@dataclass(frozen=True)
class Step:
    """One photo's way. modified: of the file, nanoseconds, by which a change is noticed."""

    image: int
    source: Path
    target: Path
    size: int
    modified: int


@dataclass(frozen=True)
class Plan:
    """What a filing would do. left: photos that stay, with the reason."""

    steps: tuple[Step, ...]
    left: tuple[tuple[Path, str], ...]


def plan(results: Iterable[Result], into: Path, pattern: str = PATTERN) -> Plan:
    """Where each photo with a label would go; nothing is touched.

    A name that is taken, on the disk or by another photo of the plan, gets a number: `photo (2).jpg`. A photo that lies
    where it would go already, itself or as a copy, stays: a filing that was interrupted goes on, and one that is done
    twice does nothing.

    Raises:
        FilingError: if the pattern is wrong.
    """
    check_pattern(pattern)
    into = tidy(into)
    steps: list[Step] = []
    left: list[tuple[Path, str]] = []
    taken: set[str] = set()
    for result in results:
        path, answer = result.image.path, result.answer
        reason = _stays(result)
        if reason is not None or answer is None:
            left.append((path, reason or "not identified yet"))
            continue
        try:
            file = FoundFile.of(path)
        except OSError as error:
            left.append((path, f"cannot be read ({error.strerror})"))
            continue
        target = _free(_place(answer, path, into, pattern), path, file, taken)
        if target is None:
            left.append((path, "is there already"))
            continue
        taken.add(str(target).casefold())
        steps.append(Step(result.image.id, path, target, file.size, file.modified))
    return Plan(tuple(steps), tuple(left))


def check_pattern(pattern: str) -> None:
    """Raises FilingError if a pattern is wrong: unknown field, leaves the folder, or does not tell the name."""
    unknown = [name for name in re.findall(r"{([^{}]*)}", pattern) if name not in FIELDS]
    if unknown:
        raise FilingError(f"'{{{unknown[0]}}}' is none of {', '.join(f'{{{name}}}' for name in FIELDS)}")
    if re.search(r"[{}]", re.sub(r"{[a-z]+}", "", pattern)):
        raise FilingError("a brace is open or closed alone")
    if not pattern.endswith("{name}"):
        raise FilingError("the pattern must end with {name}, or photos would lose their ending")
    parts = pattern.replace("\\", "/").split("/")
    if pattern.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", pattern):
        raise FilingError("the pattern must stay below the folder")


def _stays(result: Result) -> str | None:
    if result.image.error is not None:
        return result.image.error
    if result.excluded:
        return "excluded"
    if result.answer is not None and result.answer.status is Status.UNKNOWN:
        return "unknown"
    return None


def _place(answer: Decision, path: Path, into: Path, pattern: str) -> Path:
    values = {
        "type": answer.coarse,
        "class": answer.fine if answer.status is Status.IDENTIFIED else _WITHOUT_CLASS,
        "label": answer.label,
        "status": answer.status.value,
        "name": path.name,
    }
    safe = {name: value if name == "name" else _as_folder(value) for name, value in values.items()}
    return into / re.sub(r"{([a-z]+)}", lambda match: safe[match[1]], pattern)


def _as_folder(name: str) -> str:
    """A class's name as a folder's that every system takes."""
    clean = _FORBIDDEN.sub("_", name).rstrip(". ") or "_"
    return f"{clean}_" if clean.casefold() in _RESERVED else clean


def _free(target: Path, path: Path, file: FoundFile, taken: set[str]) -> Path | None:
    """The first name that nothing has; None if the photo, or a copy of it, has one of those before it."""
    number, candidate = 1, target
    while str(candidate).casefold() in taken or os.path.lexists(candidate):
        if _holds(candidate, path, file):
            return None
        number += 1
        candidate = target.with_name(f"{target.stem} ({number}){target.suffix}")
    return candidate


def _holds(candidate: Path, path: Path, file: FoundFile) -> bool:
    """Whether a file is the photo, or a copy as a filing makes it: of the same time and content."""
    try:
        status = candidate.stat()
        alike = status.st_size == file.size and abs(status.st_mtime_ns - file.modified) <= _COARSEST_TIME
        return alike and (candidate.samefile(path) or filecmp.cmp(candidate, path, shallow=False))
    except OSError:
        return False


class Filing:
    """Carries plans out and takes them back."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def begin(self, wanted: Plan, *, move: bool) -> Action | None:
        """Write a plan into the journal, touching nothing yet; None where there is nothing to do.

        Raises:
            ProjectError: if the journal cannot be written.
        """
        if not wanted.steps:
            return None
        count = len(wanted.steps)
        title = f"{'move' if move else 'copy'} {count} photo{'' if count == 1 else 's'}"
        with self._project.change() as connection:
            number = begin(connection, Kind.FILES, title)
            connection.executemany(
                "INSERT INTO filed (action, image, move, source, target, size, modified, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'planned')",
                [
                    (number, s.image, move, os.fsencode(s.source), os.fsencode(s.target), s.size, s.modified)
                    for s in wanted.steps
                ],
            )
        return Action(number, Kind.FILES, title)

    def carry_out(
        self,
        action: Action,
        progress: Callable[[int], None] = lambda _done: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Do what is planned and not done yet, also after a program that died; what could not be done, in words.

        Raises:
            ProjectError: if the journal cannot be written.
        """
        problems = []
        for done, row in enumerate(self._rows(action, "planned", "placed", "undone", "left"), start=1):
            if cancelled():
                break
            try:
                self._forward(row)
            except _ChangedError as change:
                problems.append(str(change))
            except OSError as error:
                problems.append(f"{row.source}: {error.strerror or error}")
            progress(done)
        self._leave(action)
        return problems

    def take_back(
        self,
        action: Action,
        progress: Callable[[int], None] = lambda _done: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Undo what was done; files that changed since are left, and told. Raises ProjectError."""
        problems = []
        for done, row in enumerate(self._rows(action, "placed", "done"), start=1):
            if cancelled():
                break
            try:
                self._back(row)
            except _ChangedError as change:
                problems.append(str(change))
            except OSError as error:
                problems.append(f"{row.target}: {error.strerror or error}")
            progress(done)
        return problems

    def can_be_taken_back(self, action: Action) -> bool:
        """Whether one file of it at least lies where it was put, and nothing lies where it came from."""
        return any(
            _is(row.target, row) and (not row.move or _is(row.source, row) or not os.path.lexists(row.source))
            for row in self._rows(action, "placed", "done")
        )

    def standing(self, action: Action) -> int:
        """How many of its files were filed and not taken back."""
        query = "SELECT count(*) FROM filed WHERE action = ? AND state IN ('placed', 'done')"
        return int(self._project.read(query, (action.id,))[0][0])

    def count(self, action: Action) -> int:
        """How many photos a filing is about."""
        return int(self._project.read("SELECT count(*) FROM filed WHERE action = ?", (action.id,))[0][0])

    def settle(self) -> list[str]:
        """Bring to rest what a program that died has left in the middle; a sentence for each such filing.

        A file that was to be moved and lies in both places is taken from the old one. What was not begun stays as it
        is. To be called when a project is opened, before anything looks for files.

        Raises:
            ProjectError: if the journal cannot be written.
        """
        said = []
        for number, kind, title in self._project.read(
            "SELECT DISTINCT action.id, kind, title FROM action JOIN filed ON filed.action = action.id "
            "WHERE state IN ('planned', 'placed') ORDER BY action.id"
        ):
            action = Action(number, Kind(kind), title)
            for row in self._rows(action, "planned", "placed"):
                with suppress(_ChangedError, OSError):  # then both files stay
                    if row.state == "placed" or _is(row.target, row):
                        self._forward(row)
            left = self._leave(action)
            done = self.count(action) - left
            said.append(f"'{title}' was interrupted: {done:,} done, {left:,} left as they were; file again, or undo it")
        return said

    def _leave(self, action: Action) -> int:
        """Note that what is planned will not be done now; how much that is."""
        with self._project.change() as connection:
            changed = connection.execute(
                "UPDATE filed SET state = 'left' WHERE action = ? AND state = 'planned'", (action.id,)
            )
        return changed.rowcount

    def _rows(self, action: Action, *states: str) -> list[_Row]:
        marks = ",".join("?" * len(states))
        rows = self._project.read(
            "SELECT id, image, move, source, target, size, modified, state FROM filed "
            f"WHERE action = ? AND state IN ({marks}) ORDER BY id",
            (action.id, *states),
        )
        return [
            _Row(number, image, bool(move), Path(os.fsdecode(source)), Path(os.fsdecode(target)), *rest)
            for number, image, move, source, target, *rest in rows
        ]

    def _forward(self, row: _Row) -> None:
        if row.state != "placed":
            # else a copy was finished just before the end
            if not (row.state in ("planned", "left") and _is(row.target, row)):
                if not _is(row.source, row):
                    raise _ChangedError(f"{row.source}: the file has changed or gone since; left as it is")
                if os.path.lexists(row.target):
                    raise _ChangedError(f"{row.target}: something is there now; left as it is")
                copy_new(row.source, row.target)
            self._state(row, "placed", place=row.target if row.move else None)
        if row.move and _is(row.source, row):
            if not _is(row.target, row):  # the last one stays, whatever happened to the other
                raise _ChangedError(f"{row.target}: the file has changed or gone since; {row.source} is left as it is")
            row.source.unlink()
        self._state(row, "done")

    def _back(self, row: _Row) -> None:
        if not _is(row.target, row):
            raise _ChangedError(f"{row.target}: the file has changed or gone since; left as it is")
        if row.move and not _is(row.source, row):
            if os.path.lexists(row.source):
                raise _ChangedError(f"{row.source}: another file is there now; left as it is")
            copy_new(row.target, row.source)
        self._state(row, "undone", place=row.source if row.move else None)
        row.target.unlink()
        _remove_empty_folders(row.target.parent)

    def _state(self, row: _Row, state: str, place: Path | None = None) -> None:
        """Commit a state, with the image's new place where it has one."""
        with self._project.change() as connection:
            connection.execute("UPDATE filed SET state = ? WHERE id = ?", (state, row.id))
            # a scan may have found the file in its new place first, or in its old one while it lay in both, and taken
            # it for another image
            gone = place if place is not None else row.source if state == "done" and row.move else None
            if gone is not None:
                connection.execute(
                    "DELETE FROM image WHERE path = ?1 AND id <> ?2 AND id NOT IN (SELECT image FROM label)",
                    (os.fsencode(gone), row.image),
                )
            if place is not None:
                connection.execute("UPDATE OR IGNORE image SET path = ? WHERE id = ?", (os.fsencode(place), row.image))


class _ChangedError(Exception):
    """A file is not as it was when it was planned."""


@dataclass(frozen=True)
class _Row:
    id: int
    image: int
    move: bool
    source: Path
    target: Path
    size: int
    modified: int
    state: str


def _is(path: Path, row: _Row) -> bool:
    """Whether the file that the row is about lies at `path`, unchanged."""
    try:
        status = path.lstat()
    except OSError:
        return False
    # some file systems keep times in steps of two seconds, so a copy's may differ by as much
    tolerance = 0 if path == row.source and not row.move else _COARSEST_TIME
    return status.st_size == row.size and abs(status.st_mtime_ns - row.modified) <= tolerance


def _remove_empty_folders(folder: Path) -> None:
    """Folders that a filing made and its undo has emptied."""
    for candidate in (folder, folder.parent):
        try:
            candidate.rmdir()
        except OSError:
            return


def shown(wanted: Plan, into: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    """A plan for people, a line a photo, and the same as facts: `target` is below `into`, None where a photo stays."""
    into = tidy(into)
    for step in wanted.steps:
        below = step.target.relative_to(into)
        yield f"{step.source} -> {below}", {"source": str(step.source), "target": str(below)}
    for path, reason in wanted.left:
        yield f"{path}: stays ({reason})", {"source": str(path), "target": None, "reason": reason}
