"""The filings in the journal of a project: each file with its state, and the folders that were made."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.core.project import filing_records
from app.core.project.journal_steps import JournalStep, StepKind, begin
from app.core.project.project_database import ProjectDatabase
from app.core.project.project_format import ProjectError
from app.core.project.records import REPLACED, FoundFile
from app.core.system.paths import is_place


class FiledState(StrEnum):
    """The state of a file."""

    PLANNED = "planned"
    PLACED = "placed"  # for a move: a whole copy is at the target, the source is to be removed
    DONE = "done"
    KEPT = "kept"  # for a move: done, but the source stays, as something else needs it
    RETURNING = "returning"  # it is being taken back
    UNDONE = "undone"
    LEFT = "left"  # not done at the end of the filing


class FolderState(StrEnum):
    """The state of a folder that a filing needs and that did not exist before."""

    PLANNED = "planned"
    MAKING = "making"
    MADE = "made"
    FOUND = "found"  # somebody else has made it
    FILLED = "filled"  # made by the filing, but not empty when that was undone


STANDING = (FiledState.PLACED, FiledState.DONE, FiledState.KEPT, FiledState.RETURNING)
"""The states of a file that was filed and not taken back."""


@dataclass(frozen=True)
class FilingStep:
    """The source and target of a photo or sidecar.

    Attributes:
        image: number of the photo.
        modified: time of the file in nanoseconds; with its size it shows whether the file has changed.
        digest: of the content that was identified, or None.
        link: whether the source is a link to the photo.
        sidecar: whether this is a sidecar.
        copied_because: why this sidecar is copied even if its photo is moved; "" if it is moved with the photo.
    """

    image: int
    source: Path
    target: Path
    size: int
    modified: int
    digest: str | None = None
    link: bool = False
    sidecar: bool = False
    copied_because: str = ""


@dataclass
class FiledFile:
    """A photo's or sidecar's row; attributes as in `FilingStep`. digest: of its content, once that is known."""

    id: int
    image: int
    sidecar: bool
    move: bool
    source: Path
    target: Path
    size: int
    modified: int
    digest: str | None
    state: FiledState


@dataclass
class FiledPhoto:
    """A photo and the sidecars that go with it."""

    photo: FiledFile
    sidecars: list[FiledFile] = field(default_factory=list)

    @property
    def rows(self) -> list[FiledFile]:
        """The photo first, as its sidecars follow it."""
        return [self.photo, *self.sidecars]

    def has(self, *states: FiledState) -> bool:
        """Whether one of the files is in one of these states."""
        return any(row.state in states for row in self.rows)


class FiledTable:
    """The rows of filings in one project. Every method that changes something is one transaction.

    All methods raise ProjectError if the project cannot be read or written.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def begin(self, steps: Iterable[FilingStep], title: str, *, move: bool) -> JournalStep:
        """Write what is planned into a new step of the journal, and remember that on this computer.

        Args:
            title: of the step, for the undo button.
            move: whether the files are moved, except those that can only be copied.

        Raises:
            FileError: if it cannot be remembered; then the step was not begun.
        """
        steps = list(steps)
        with self._database.change() as connection:
            action = begin(connection, StepKind.FILES, title)
            connection.executemany(
                "INSERT INTO filed (action, image, sidecar, move, source, target, size, modified, digest, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned')",
                [
                    (
                        *(action, step.image, step.sidecar, move and not step.copied_because),
                        *(os.fsencode(step.source), os.fsencode(step.target), step.size, step.modified, step.digest),
                    )
                    for step in steps
                ],
            )
            connection.executemany(
                "INSERT INTO filed_folder (action, path, state) VALUES (?, ?, 'planned')",
                [(action, os.fsencode(folder)) for folder in _missing({step.target.parent for step in steps})],
            )
            self._remember(connection, action)
        return JournalStep(action, StepKind.FILES, title)

    def add_found(self, action: JournalStep, steps: Iterable[FilingStep]) -> None:
        """Add sidecars that were written beside moved photos since; from now on they belong to the step."""
        with self._database.change() as connection:
            connection.executemany(
                "INSERT INTO filed (action, image, sidecar, move, source, target, size, modified, state) "
                "VALUES (?, ?, 1, 1, ?, ?, ?, ?, 'done')",
                [(action.id, s.image, os.fsencode(s.source), os.fsencode(s.target), s.size, s.modified) for s in steps],
            )
            self._remember(connection, action.id)

    def is_known(self, action: JournalStep) -> bool:
        """Whether the step was begun on this computer, with these rows."""
        return filing_records.knows(self._database.id, action.id, _digest(self._database.read, action.id))

    def trust(self, action: JournalStep) -> None:
        """The person trusts a step: it counts as begun on this computer. Raises FileError if that cannot be stored."""
        with self._database.change() as connection:
            self._remember(connection, action.id)

    def groups(self, action: JournalStep) -> list[FiledPhoto]:
        """The files of a step, in its order."""
        groups: dict[int, FiledPhoto] = {}
        for row in self.rows(action):
            if not row.sidecar:
                groups[row.image] = FiledPhoto(row)
            elif row.image in groups:
                groups[row.image].sidecars.append(row)
        return list(groups.values())

    def rows(self, action: JournalStep) -> list[FiledFile]:
        """The same, one by one: photos, then sidecars."""
        rows = self._database.read(
            "SELECT id, image, sidecar, move, source, target, size, modified, digest, state FROM filed "
            "WHERE action = ? ORDER BY sidecar, id",
            (action.id,),
        )
        try:
            return [
                FiledFile(
                    n,
                    image,
                    bool(sidecar),
                    bool(move),
                    _path(source),
                    _path(target),
                    size,
                    time,
                    digest,
                    FiledState(state),
                )
                for n, image, sidecar, move, source, target, size, time, digest, state in rows
            ]
        except ValueError as error:
            raise ProjectError(f"{self._database.path}: the project is damaged ({error} in its journal)") from error

    def count(self, action: JournalStep, *states: FiledState) -> int:
        """How many photos of a step are in these states, or all of them."""
        marks = ",".join("?" * len(states or FiledState))
        query = f"SELECT count(*) FROM filed WHERE action = ? AND NOT sidecar AND state IN ({marks})"
        return int(self._database.read(query, (action.id, *(states or FiledState)))[0][0])

    def in_the_middle(self) -> list[JournalStep]:
        """Steps with files that a program left unfinished."""
        return self._actions("id IN (SELECT action FROM filed WHERE state IN ('planned', 'placed', 'returning'))")

    def unsettled(self) -> list[JournalStep]:
        """These, and steps that a program did not mark as done or undone completely, with their folders."""
        standing = "(SELECT action FROM filed WHERE state IN ('placed', 'done', 'kept', 'returning'))"
        return self._actions(
            "id IN (SELECT action FROM filed WHERE state IN ('planned', 'placed', 'returning')) "
            "OR id IN (SELECT action FROM filed_folder WHERE state = 'making') "
            f"OR id IN (SELECT action FROM filed_folder WHERE state = 'made') AND id NOT IN {standing} "
            f"OR undone = 0 AND id IN (SELECT action FROM filed WHERE state = 'undone') AND id NOT IN {standing} "
            f"OR undone = 1 AND id IN {standing}"
        )

    def _actions(self, condition: str) -> list[JournalStep]:
        rows = self._database.read(f"SELECT id, kind, title FROM action WHERE {condition} ORDER BY id")
        return [JournalStep(number, StepKind(kind), title) for number, kind, title in rows]

    def change_all(self, action: JournalStep, before: Iterable[FiledState], after: FiledState) -> None:
        """Change the state of all files of a step that are in some states."""
        before = tuple(before)
        with self._database.change() as connection:
            marks = ",".join("?" * len(before))
            connection.execute(
                f"UPDATE filed SET state = ? WHERE action = ? AND state IN ({marks})", (after, action.id, *before)
            )

    def change(
        self, row: FiledFile, state: FiledState, *, digest: str | None = None, place: Path | None = None
    ) -> None:
        """Note a new state, with the photo's new place where it has one."""
        row.state, row.digest = state, digest or row.digest
        with self._database.change() as connection:
            connection.execute("UPDATE filed SET state = ?, digest = ? WHERE id = ?", (state, row.digest, row.id))
            if row.sidecar:
                return
            # a scan may have found the file in its new place first, or in its old one while it was in both, and added
            # it as another image
            gone = place if place is not None else row.source if state is FiledState.DONE and row.move else None
            if gone is not None:
                connection.execute(
                    "DELETE FROM image WHERE path = ?1 AND id <> ?2 AND id NOT IN (SELECT image FROM label)",
                    (os.fsencode(gone), row.image),
                )
            if place is not None:
                connection.execute("UPDATE OR IGNORE image SET path = ? WHERE id = ?", (os.fsencode(place), row.image))

    def stay(self, rows: Iterable[FiledFile]) -> None:
        """Files that should have been taken back but were not: they are filed as before."""
        rows = [row for row in rows if row.state is FiledState.RETURNING]
        for row in rows:
            row.state = FiledState.KEPT if row.move and os.path.lexists(row.source) else FiledState.DONE
        with self._database.change() as connection:
            connection.executemany("UPDATE filed SET state = ? WHERE id = ?", [(row.state, row.id) for row in rows])

    def identify_again(self, images: Iterable[int]) -> None:
        """Let photos wait for an answer if they are no longer the files that were identified."""
        with self._database.change() as connection:
            for image, path in self._database.read_each("SELECT id, path FROM image WHERE id IN ({})", list(images)):
                try:
                    file = FoundFile.of(Path(os.fsdecode(path)))
                except OSError:
                    continue
                connection.execute(
                    "UPDATE image SET size = ?, modified = ?, digest = ?, error = NULL WHERE id = ?",
                    (file.size, file.modified, REPLACED, image),
                )
                connection.execute("DELETE FROM prediction WHERE image = ?", (image,))

    # folders

    def folders(self, action: JournalStep) -> dict[Path, FolderState]:
        """The folders that did not exist when the step was begun."""
        rows = self._database.read("SELECT path, state FROM filed_folder WHERE action = ? ORDER BY id", (action.id,))
        try:
            return {_path(path): FolderState(state) for path, state in rows}
        except ValueError as error:
            raise ProjectError(f"{self._database.path}: the project is damaged ({error} in its journal)") from error

    def change_folder(self, action: JournalStep, folder: Path, state: FolderState) -> None:
        """Note the state of a folder; one that the step did not need before is added."""
        with self._database.change() as connection:
            key = (action.id, os.fsencode(folder))
            query = "UPDATE filed_folder SET state = ? WHERE action = ? AND path = ?"
            if connection.execute(query, (state, *key)).rowcount == 0:
                connection.execute("INSERT INTO filed_folder (action, path, state) VALUES (?, ?, ?)", (*key, state))
                self._remember(connection, action.id)

    def _remember(self, connection: sqlite3.Connection, action: int) -> None:
        filing_records.keep(self._database.id, action, _digest(connection.execute, action))


def _digest(execute: Callable[[str, tuple[int]], Iterable[tuple]], action: int) -> str:
    """SHA-256 of the content of a step, which stays the same through all its states."""
    found = hashlib.sha256()
    for query in (
        "SELECT image, sidecar, move, size, modified, source, target FROM filed WHERE action = ? ORDER BY id",
        "SELECT path FROM filed_folder WHERE action = ? ORDER BY id",
    ):
        for row in execute(query, (action,)):
            found.update(repr(row).encode())
    return found.hexdigest()


def _path(stored: bytes) -> Path:
    if not is_place(stored):
        raise ValueError("a path that no file can have")
    return Path(os.fsdecode(stored))


def _missing(folders: Iterable[Path]) -> list[Path]:
    """The missing folders, with missing parents; parents first."""
    missing: set[Path] = set()
    for folder in folders:
        for place in (folder, *folder.parents):
            if place in missing or os.path.lexists(place):
                break
            missing.add(place)
    return sorted(missing, key=lambda place: (len(place.parts), place))
