"""What Marque has written for the user: the place, kind and SHA-256 of each output, in the user's data folder.

This distinguishes an unchanged output of ours from a file that only has the same name. If the folder cannot be
written, nothing is remembered, and every existing file counts as somebody else's.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from model.system.user_folders import user_data_dir

_FILE = "outputs.sqlite"
_TABLE = """CREATE TABLE IF NOT EXISTS output (
    number INTEGER PRIMARY KEY AUTOINCREMENT, place BLOB NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
    UNIQUE (place, kind, digest)
)"""
_KEPT = 20_000
_PATIENCE = 5  # seconds that one process waits for another

_log = logging.getLogger(__name__)


def expect(place: Path, kind: str, digest: str) -> None:
    """Like `remember`, for an output that is about to be put in its place; what was there before stays noted too.

    A program that is killed then knows what is there, whether it is the old file or the new one.
    """
    _note(place, kind, digest, alone=False)


def remember(place: Path, kind: str, digest: str) -> None:
    """Note an output that is in its place now.

    Args:
        place: its absolute path, links resolved.
        kind: what it is, in the words of the program ("table of labels").
        digest: SHA-256 of its content, hexadecimal.
    """
    _note(place, kind, digest, alone=True)


def _note(place: Path, kind: str, digest: str, *, alone: bool) -> None:
    try:
        with _opened() as database, database:
            if alone:
                database.execute("DELETE FROM output WHERE place = ?", (os.fsencode(place),))
            database.execute(
                "INSERT OR REPLACE INTO output (place, kind, digest) VALUES (?, ?, ?)",
                (os.fsencode(place), kind, digest),
            )
            database.execute("DELETE FROM output WHERE number <= (SELECT max(number) FROM output) - ?", (_KEPT,))
    except sqlite3.OperationalError as error:  # a full disk, a home that is read-only
        _log.warning("%s is not remembered (%s)", place, error)
    except (OSError, sqlite3.DatabaseError) as error:
        _log.warning("%s is not remembered (%s)", place, error)
        with suppress(OSError):  # a damaged file would never remember anything again
            (user_data_dir() / _FILE).unlink(missing_ok=True)


def remembered(place: Path) -> list[tuple[str, str]]:
    """Kind and digest of what was last written at a place (absolute, links resolved), the newest first.

    There are several after a kill: what was about to be written, and what was there before.
    """
    try:
        with _opened() as database:
            rows = database.execute(
                "SELECT kind, digest FROM output WHERE place = ? ORDER BY number DESC", (os.fsencode(place),)
            ).fetchall()
    except (OSError, sqlite3.Error) as error:
        _log.warning("what was written earlier is not known (%s)", error)
        return []
    return [(str(kind), str(digest)) for kind, digest in rows]


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(user_data_dir() / _FILE, timeout=_PATIENCE)) as database:
        database.execute(_TABLE)
        yield database
