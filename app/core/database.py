"""What all of the program's SQLite files have in common: how they are opened, recognised and complained about."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in autocommit mode; the callers' own locks allow it to be used from several threads.

    Args:
        mode: of SQLite's URI: "rw", "rwc", "ro", "ro&immutable=1".
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=10, check_same_thread=False
    )


def create(
    path: Path,
    tables: str,
    meta: Mapping[str, str],
    *,
    application: int,
    version: int,
    fault: type[Exception],
    kind: str,
    page: int = 4096,
) -> None:
    """Make a new file, in WAL mode, with these tables and these rows of the table `meta` (key, value).

    It is made beside its place and appears there whole.

    Args:
        page: bytes of a page. Of a larger one rows of some hundred bytes leave less unused; small changes write more.

    Raises:
        fault: if the file exists or cannot be written; worded with `kind` ("gallery").
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f"{path.name}.", suffix=".part", dir=path.parent) as folder:
            beside = Path(folder) / path.name
            with faults(path, fault, kind), closing(connect(beside, "rwc")) as database:
                database.execute(f"PRAGMA page_size = {page}")
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(
                    f"BEGIN; {tables} PRAGMA application_id = {application}; PRAGMA user_version = {version};"
                )
                database.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
                database.execute("COMMIT")
            _appear(beside, path)
    except FileExistsError:
        raise fault(f"{path}: the file exists already; open it, or choose another name") from None
    except OSError as error:
        raise fault(f"{path}: the {kind} cannot be written ({error.strerror})") from error


def _appear(beside: Path, path: Path) -> None:
    """Move a file to its place. Raises FileExistsError if something is there."""
    try:
        os.link(beside, path)  # unlike a renaming it never replaces what another program has just put there
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        beside.rename(path)


def versions(database: sqlite3.Connection) -> tuple[int, int]:
    """The application that made the file, and its format."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return application, version


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


@contextmanager
def faults(path: Path, fault: type[Exception], kind: str) -> Iterator[None]:
    """Word what SQLite raises for the user, as `fault`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise fault(f"{path}: the {kind} cannot be read or written ({error})") from error
    except sqlite3.DatabaseError as error:
        raise fault(f"{path}: this file is no {kind} of Marque, or it is damaged ({error})") from error
