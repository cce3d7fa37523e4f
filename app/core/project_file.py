"""The tables of a project file, how it is recognised, and how an older one is brought up to date."""

from __future__ import annotations

import re
import secrets
import shutil
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from app.core import database
from model.errors import MarqueError

SCHEMA = 3
"""The file's `user_version`."""

_APPLICATION_ID = 0x4D515550  # "MQUP" in the file's header
_KIND = "project"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE model (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL
) STRICT;
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    watched INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES source (id),
    path BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    digest TEXT,
    error TEXT
) STRICT;
CREATE TABLE prediction (
    image INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    figures BLOB NOT NULL,
    evidence TEXT NOT NULL,
    embedding BLOB NOT NULL,
    outdated INTEGER NOT NULL DEFAULT 0,  -- 1: shown until another one comes
    UNIQUE (image, model)
) STRICT;
CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE label (
    image INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
    verdict TEXT NOT NULL,
    coarse TEXT NOT NULL,
    fine TEXT NOT NULL
) STRICT;
CREATE TABLE action (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0  -- 1: taken back; 2: tried in vain, its files were away
) STRICT;
CREATE TABLE label_change (
    action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE,
    image INTEGER NOT NULL,
    before_verdict TEXT, before_coarse TEXT, before_fine TEXT,
    after_verdict TEXT, after_coarse TEXT, after_fine TEXT,
    PRIMARY KEY (action, image)
) STRICT, WITHOUT ROWID;
CREATE TABLE filed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE,
    image INTEGER NOT NULL,
    move INTEGER NOT NULL,
    source BLOB NOT NULL,
    target BLOB NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    state TEXT NOT NULL,
    sidecar INTEGER NOT NULL DEFAULT 0,
    digest TEXT
) STRICT;
CREATE TABLE filed_folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    state TEXT NOT NULL
) STRICT;
"""

_ID = "id"  # a key of the table meta
_MIGRATIONS = {
    1: ("ALTER TABLE prediction ADD COLUMN outdated INTEGER NOT NULL DEFAULT 0",),
    2: (
        "INSERT OR REPLACE INTO meta VALUES ('id', lower(hex(randomblob(16))))",
        "ALTER TABLE filed ADD COLUMN sidecar INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE filed ADD COLUMN digest TEXT",
        """CREATE TABLE filed_folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    state TEXT NOT NULL
) STRICT""",
    ),
}
"""Format -> the statements that make the next format of it."""


class ProjectError(MarqueError):
    """A project that cannot be used; the message names the file and says what to do."""


def create(path: Path) -> None:
    """A new, empty file. Raises ProjectError if it exists or cannot be written."""
    meta = {_ID: secrets.token_hex(16)}
    database.create(path, _TABLES, meta, application=_APPLICATION_ID, version=SCHEMA, fault=ProjectError, kind=_KIND)


def read_id(path: Path, connection: sqlite3.Connection) -> str:
    """The random number of a project, which no other one has. Raises ProjectError if it is missing."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_ID,)).fetchone()
    if row is None or not re.fullmatch("[0-9a-f]{32}", str(row[0])):
        raise ProjectError(f"{path}: the project is damaged (its number is missing)")
    return str(row[0])


def renew_id(connection: sqlite3.Connection) -> str:
    """Give a copy of a project a number of its own."""
    number = secrets.token_hex(16)
    connection.execute("UPDATE meta SET value = ? WHERE key = ?", (number, _ID))
    return number


def check(path: Path, connection: sqlite3.Connection, *, sound: bool) -> None:
    """Format of an open file, and (`sound`) its soundness; an older format is migrated, after a copy was made.

    Raises:
        ProjectError: if it is no project, damaged, or made by a newer program.
    """
    application, version = database.versions(connection)
    if application != _APPLICATION_ID:
        raise ProjectError(f"{path}: this file is no project of Marque")
    if version > SCHEMA:
        raise ProjectError(f"{path}: the project has format {version}, this program knows {SCHEMA}; update the program")
    if sound or version < SCHEMA:
        check_soundness(path, connection)
    if version < SCHEMA:
        _migrate(path, connection, version)


def check_soundness(path: Path, connection: sqlite3.Connection) -> None:
    """Read the whole file. Raises ProjectError if it is damaged."""
    ((state, *_),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if state != "ok":
        raise ProjectError(
            f"{path}: the project is damaged ({state}); go back to a copy (files beside it that end in .backup)"
        )


def _migrate(path: Path, connection: sqlite3.Connection, version: int) -> None:
    backup = path.with_name(f"{path.name}.format{version}.backup")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        shutil.copy2(path, backup)
    except OSError as error:
        raise ProjectError(f"{backup}: no copy could be made before the update ({error.strerror})") from error
    with database.transaction(connection):
        for older in range(version, SCHEMA):
            for statement in _MIGRATIONS[older]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def faults(path: Path) -> AbstractContextManager[None]:
    """Word what SQLite raises for the user, as ProjectError."""
    return database.faults(path, ProjectError, _KIND)
