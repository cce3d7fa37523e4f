"""What all of the program's SQLite files have in common: how they are opened, recognised and complained about."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from model.system.errors import MarqueError
from model.system.files import close_on_disk, rename_without_overwriting, sync_folder
from model.system.reading import regular_file
from model.system.unfinished import part_beside

Schema = frozenset[tuple[str, str, str, str]]
"""Of each object of a file its type, name, table and SQL, whatever the spaces and comments in that."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 64 << 20,  # bytes of a value or a row
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 10,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 1,  # which VACUUM INTO needs
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
}
"""What no file and no statement of ours comes near."""

_NOTHING: Mapping[str, str] = {}
_MOST_OBJECTS = 100  # of a schema that are looked at
_SECONDS = 30.0  # that reading a file may take, and a second more for each of these
_BYTES_A_SECOND = 1 << 20
_STEPS = 1_000_000  # of SQLite's machine between two looks at the clock

_LEAST_BYTES = 6  # of a row
_MORE_ROWS = 1 << 20  # that may be in the log still

_COMPANIONS = ("-wal", "-journal", "-shm")
_SUPER_JOURNAL = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
"""How a journal ends that names another one, which SQLite removes after the file has been put right."""
_TOKENS = re.compile(
    r"""(?P<nothing>--[^\n]*|/\*.*?\*/|\s+)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^]]*]|\w+|.""", re.DOTALL
)
"""The parts of a statement, with comments and spaces as `nothing`."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in autocommit mode; the callers' own locks allow it to be used from several threads.

    What the file itself says (defaults, triggers) may call no function that does more than compute.

    Args:
        path: a file that `must_be_file` has found in order.
        mode: of SQLite's URI: "rw", "ro", "ro&immutable=1".
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=10, check_same_thread=False
    )
    try:
        guard(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def guard(connection: sqlite3.Connection) -> None:
    """Let a connection do only what our files need."""
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    connection.execute("PRAGMA trusted_schema = OFF")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)


def must_be_file(path: Path, fault: type[MarqueError], kind: str) -> tuple[int, int]:
    """Look at what is in the place of a file, and at what SQLite has beside it, before anything is opened.

    Returns:
        What distinguishes the file from another one of the same name, for `must_be_same`.

    Raises:
        fault: if there is none, or it is not a file (a folder, a pipe, a device); if one of SQLite's own files
            beside it is a link or a pipe, by which other files would be written, or names another file to be removed.
    """
    try:
        found = regular_file(path)
        place = os.path.realpath(path)
        for ending in _COMPANIONS:
            _must_be_own(place, ending, fault, kind)
    except FileNotFoundError:
        raise fault(f"{path}: the {kind} does not exist") from None
    except (OSError, ValueError) as error:  # a name with a zero byte
        raise fault(f"{path}: the {kind} cannot be read ({_reason(error)})") from error
    return found.st_dev, found.st_ino


def _must_be_own(place: str, ending: str, fault: type[MarqueError], kind: str) -> None:
    companion = place + ending
    try:
        found = os.lstat(companion)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise fault(f"{companion}: this belongs to the {kind} and must be a file", advice="remove it")
    if ending == "-journal" and found.st_size > len(_SUPER_JOURNAL):
        with Path(companion).open("rb") as file:
            file.seek(-len(_SUPER_JOURNAL), os.SEEK_END)
            if file.read() == _SUPER_JOURNAL:
                raise fault(
                    f"{companion}: this journal does not belong to this {kind}: it names another file to be removed",
                    advice="remove it",
                )


def must_be_same(path: Path, identity: tuple[int, int], fault: type[MarqueError], kind: str) -> int:
    """Its size in bytes. Raises `fault` if a file that is open is no longer the one of its name."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise fault(f"{path}: the {kind} was deleted or moved while it was in use") from None
    except OSError as error:
        raise fault(f"{path}: the {kind} cannot be reached any more ({_reason(error)})") from error
    if (found.st_dev, found.st_ino) != identity:
        raise fault(f"{path}: the {kind} was replaced by another file while it was in use", advice="open it again")
    return found.st_size


def can_be_written(path: Path) -> bool:
    """Whether a file can be changed, for which SQLite needs its folder too."""
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def has_journal(path: Path) -> bool:
    """Whether a part of what is in a file is beside it still."""
    for ending in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            if path.with_name(path.name + ending).stat().st_size:
                return True
    return False


@contextmanager
def temporary_copy(path: Path, fault: type[MarqueError], kind: str) -> Iterator[Path]:
    """A copy of a file that is in a read-only place, with what is beside it; gone at the end.

    Raises:
        fault: if there is no room for it.
    """
    try:
        with part_beside(Path(tempfile.gettempdir()) / path.name) as (file, part):
            with path.open("rb") as original:
                shutil.copyfileobj(original, file, 1 << 20)
            file.close()
            for ending in ("-wal", "-journal"):
                with (
                    suppress(FileNotFoundError),
                    path.with_name(path.name + ending).open("rb") as original,
                    part.with_name(part.name + ending).open("xb") as copy,
                ):
                    shutil.copyfileobj(original, copy, 1 << 20)
            yield part
    except OSError as error:
        raise fault(f"{path}: the {kind} cannot be copied to be read ({_reason(error)})") from error


def create(
    path: Path,
    tables: Iterable[str],
    meta: Mapping[str, str] = _NOTHING,
    *,
    application: int,
    version: int,
    fault: type[MarqueError],
    kind: str,
    page: int = 4096,
) -> None:
    """Make a new file, which appears whole and never over another one; as `fill`.

    Raises:
        fault: if something is there, or it cannot be written; worded with `kind` ("gallery").
    """
    with new_file(path, fault, kind) as part:
        fill(part, tables, meta, application=application, version=version, page=page)


def fill(
    part: Path,
    tables: Iterable[str],
    meta: Mapping[str, str] = _NOTHING,
    *,
    application: int,
    version: int,
    page: int = 4096,
) -> None:
    """Put tables into an empty file, in WAL mode, and rows (key, value) into the table `meta`.

    Args:
        tables: statements.
        page: bytes of a page. Of a larger one rows of some hundred bytes leave less unused; small changes write more.
    """
    with closing(connect(part, "rw")) as database:
        database.execute(f"PRAGMA page_size = {page}")
        database.execute("PRAGMA journal_mode = WAL")
        with transaction(database):
            for statement in tables:
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {application}")
            database.execute(f"PRAGMA user_version = {version}")
            database.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))


@contextmanager
def new_file(path: Path, fault: type[MarqueError], kind: str) -> Iterator[Path]:
    """An empty file, to be filled within the block; then it takes the name `path`, where nothing must be.

    Raises:
        fault: if something is there, or it cannot be written.
    """
    exists = f"{path}: the file exists already"
    try:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "", str(path))
        with part_beside(path) as (file, part):
            with faults(path, fault, kind):
                yield part
            close_on_disk(file)
            rename_without_overwriting(part, path)
        with suppress(OSError):  # it is there, only perhaps not yet on the disk
            sync_folder(path.parent)
    except FileExistsError:
        raise fault(exists, advice="open it, or choose another name") from None
    except OSError as error:
        raise fault(f"{path}: the {kind} cannot be written ({_reason(error)})") from error


def versions(database: sqlite3.Connection) -> tuple[int, int]:
    """The application that made the file, and its format."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return application, version


def schema(database: sqlite3.Connection) -> Schema:
    """The objects of a file (tables, indexes, triggers, views); of a file that has very many not all of them."""
    rows = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT ?", (_MOST_OBJECTS,))
    return frozenset((str(kind), str(name), str(table), _normal(sql)) for kind, name, table, sql in rows)


@lru_cache(_MOST_OBJECTS)
def _normal(sql: object) -> str:
    """A statement without comments, and with one space between all of its parts."""
    return "" if sql is None else " ".join(part[0] for part in _TOKENS.finditer(str(sql)) if part["nothing"] is None)


def schema_of(*scripts: Iterable[str]) -> Schema:
    """The objects that these statements make."""
    with closing(sqlite3.connect(":memory:")) as database:
        for script in scripts:
            for statement in script:
                database.execute(statement)
        return schema(database)


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing: committed at the end of the block, rolled back where it raises."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk may have rolled it back already
            database.execute("ROLLBACK")
        raise


def all_rows(cursor: sqlite3.Cursor, size: int) -> list[tuple] | None:
    """All rows of a query; None where they are more than a file of `size` bytes can hold, as of one without an end."""
    most = size // _LEAST_BYTES + _MORE_ROWS
    rows = cursor.fetchmany(most)
    return rows if len(rows) < most else None


@contextmanager
def bounded(path: Path, database: sqlite3.Connection) -> Iterator[None]:
    """Within, reading a file takes no longer than its size can be the reason for; then SQLite says "interrupted"."""
    end = time.monotonic() + _SECONDS + path.stat().st_size / _BYTES_A_SECOND
    database.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        database.set_progress_handler(None, 0)


@contextmanager
def faults(path: Path, fault: type[MarqueError], kind: str) -> Iterator[None]:
    """Word what SQLite raises for the user, as `fault`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        words, advice = _in_words(error)
        raise fault(f"{path}: the {kind} cannot be read or written ({words})", advice=advice) from error
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise fault(f"{path}: this file is not a Marque {kind}, or it is damaged ({error})") from error


_WORDS = {
    "SQLITE_READONLY": ("this place is read-only", "copy it to a place of your own"),
    "SQLITE_FULL": ("the disk is full", "free some space"),
    "SQLITE_BUSY": ("another program is changing it", "try again when that is done"),
    "SQLITE_INTERRUPT": ("reading it takes far longer than its size explains; it is damaged", ""),
    "SQLITE_CANTOPEN": ("it, or its folder, cannot be opened", "check the permissions of both"),
}


def _in_words(error: sqlite3.OperationalError) -> tuple[str, str]:
    name = getattr(error, "sqlite_errorname", "")
    return next((words for start, words in _WORDS.items() if name.startswith(start)), (str(error), ""))


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
