"""A project as a file: made, recognised, updated, and read even if it cannot be written."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.project import project_format
from app.core.project.project_format import APPLICATION_ID, ID, KIND, MIGRATIONS, SCHEMA, ProjectError
from app.core.project.project_lock import only_writer
from app.core.system import database
from app.core.system.file_placement import same_content
from model.system.files import close_on_disk, free_names, rename_without_overwriting
from model.system.reading import first_line
from model.system.unfinished import part_beside

__all__ = [
    "Alone",
    "OpenProjectFile",
    "ProjectError",
    "alone_at_once",
    "check_soundness",
    "contents",
    "create",
    "damaged",
    "faults",
    "open_file",
    "read_id",
    "renew_id",
]

Alone = Callable[[Path], AbstractContextManager[None]]
"""Holds the lock of a project within a block, like `only_writer`."""

_UNCHANGED = "ro&immutable=1"  # makes no files beside it, as a read-only place would not allow that
_COPIED = "it is in a read-only place and was read from a temporary copy"


def alone_at_once(path: Path) -> AbstractContextManager[None]:
    """Hold the lock of a project for an update, or fail at once. Raises ProjectError."""
    return only_writer(path, "an update to the newest format")


@dataclass(frozen=True)
class OpenProjectFile:
    """A project's file that is open.

    Attributes:
        connection: to it.
        place: what is open: the file itself, or a temporary copy.
        read_only: whether nothing can be changed.
        note: what the person should know about how it was opened, or "". identity: distinguishes the file from another
        one with its name. held: closed after the connection.
    """

    connection: sqlite3.Connection
    place: Path
    read_only: bool
    note: str
    identity: tuple[int, int]
    held: ExitStack


def create(path: Path) -> None:
    """A new, empty file. Raises ProjectError if it exists or cannot be written."""
    database.create(
        path,
        project_format.statements(),
        application=APPLICATION_ID,
        version=SCHEMA,
        fault=ProjectError,
        kind=KIND,
    )


def open_file(path: Path, *, sound: bool, to_read: bool, alone: Alone) -> OpenProjectFile:
    """Open a project, check it, and update an older format after a copy was put beside it.

    Args:
        sound: read the whole file first, to see that it is sound.
        to_read: also from a place where it cannot be written. alone: holds its lock during the update.

    Raises:
        ProjectError: if it is missing, not a project, damaged, made by a newer program, or cannot be updated.
    """
    identity = database.must_be_file(path, ProjectError, KIND)
    with ExitStack() as held, faults(path):
        read_only = to_read and not database.can_be_written(path)
        place, note = path, ""
        if read_only and database.has_journal(path):
            place, note = held.enter_context(database.temporary_copy(path, ProjectError, KIND)), _COPIED
        connection = _connect(place, writing=not read_only or place != path, held=held)
        version = _checked(path, connection, sound=sound)
        if version < SCHEMA and read_only and place == path:
            place, note = held.enter_context(database.temporary_copy(path, ProjectError, KIND)), _COPIED
            connection = _connect(place, writing=True, held=held)
        if version < SCHEMA:
            with alone(path) if not read_only else ExitStack():
                _migrate(path, connection, keep=not read_only)
        return OpenProjectFile(connection, place, read_only, note, identity, held.pop_all())


def _connect(place: Path, *, writing: bool, held: ExitStack) -> sqlite3.Connection:
    return held.enter_context(closing(database.connect(place, "rw" if writing else _UNCHANGED)))


def _checked(path: Path, connection: sqlite3.Connection, *, sound: bool) -> int:
    """The format of a file, which must be a project in all its parts."""
    with database.bounded(path, connection):
        application, version = database.versions(connection)
        if application != APPLICATION_ID:
            raise ProjectError(f"{path}: this file is not a Marque project")
        if version > SCHEMA:
            raise ProjectError(
                f"{path}: the project has format {version}, this program knows {SCHEMA}", advice="update the program"
            )
        if version < 1 or database.schema(connection) != project_format.schema(version):
            raise ProjectError(
                f"{path}: this is not a project as Marque makes them (its tables are not those of format {version})"
            )
        if sound or version < SCHEMA:
            _check_soundness(path, connection)
    return version


def check_soundness(path: Path, place: Path, *, writing: bool) -> None:
    """Read a whole file that is open, on a connection of its own. Raises ProjectError if it is damaged.

    Args:
        path: its name. place: where it is.
        writing: whether it can be written there.
    """
    mode = "ro" if writing else _UNCHANGED
    with faults(path), closing(database.connect(place, mode)) as connection, database.bounded(place, connection):
        _check_soundness(path, connection)


def _check_soundness(path: Path, connection: sqlite3.Connection) -> None:
    ((state, *_),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if state != "ok":
        raise damaged(path, str(state))


def read_id(path: Path, connection: sqlite3.Connection) -> str:
    """The random number that identifies a project. Raises ProjectError if it is missing."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (ID,)).fetchone()
    if row is None or not re.fullmatch("[0-9a-f]{32}", str(row[0])):
        raise damaged(path, "its number is missing")
    return str(row[0])


def renew_id(connection: sqlite3.Connection) -> str:
    """Give a copy of a project a number of its own; this number."""
    number = secrets.token_hex(16)
    connection.execute("UPDATE meta SET value = ? WHERE key = ?", (number, ID))
    return number


def _migrate(path: Path, connection: sqlite3.Connection, *, keep: bool) -> None:
    """Update to the newest format, all at once; `keep`: put a copy beside it first."""
    with database.transaction(connection):  # from here on nobody else can change it
        _, version = database.versions(connection)
        if version >= SCHEMA:
            return  # updated by another program meanwhile
        if keep:
            _back_up(path, version)
        for older in range(version, SCHEMA):
            for statement in MIGRATIONS[older]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _back_up(path: Path, version: int) -> None:
    """A copy beside a project, under a free name, unless this very copy exists already."""
    backup = path.with_name(f"{path.name}.format{version}.backup")
    try:
        with part_beside(backup) as (file, part):
            with closing(database.connect(path, "ro")) as source, closing(database.connect(part, "rw")) as copy:
                source.backup(copy)
            close_on_disk(file)
            for place in free_names(backup):
                try:
                    rename_without_overwriting(part, place)
                    return
                except FileExistsError:
                    if same_content(part, place):
                        return  # from an attempt that was killed
    except OSError as error:
        raise ProjectError(f"{backup}: no copy could be made before the update ({error.strerror})") from error


def faults(path: Path) -> AbstractContextManager[None]:
    """Turn an error of SQLite into a ProjectError in words for the user."""
    return database.faults(path, ProjectError, KIND)


def damaged(path: Path, what: str) -> ProjectError:
    """The error for a project whose tables are right and whose content is not."""
    return ProjectError(
        f"{path}: the project is damaged ({what})", advice="go back to a copy (files beside it that end in .backup)"
    )


_FAULTS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
"""What Python raises for values that Marque has not written."""


@contextmanager
def contents(path: Path, what: str) -> Iterator[None]:
    """Within, the values of a row are decoded; values that cannot be are a ProjectError.

    Args:
        what: names the row ("the evidence of image 3").
    """
    try:
        yield
    except _FAULTS as error:
        raise damaged(path, f"{what}: {first_line(error)}") from error
