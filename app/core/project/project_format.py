"""The formats of a project file: its tables, and the statements that turn each format into the next."""

from __future__ import annotations

from functools import cache

from app.core.system.database import Schema, schema_of
from model.system.errors import MarqueError

APPLICATION_ID = 0x4D515550  # "MQUP" in the file's header
KIND = "project"
ID = "id"
"""The key of the table meta under which a project has its random number."""

_FIRST = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE model (number INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL UNIQUE, "
    "facts TEXT NOT NULL) STRICT",
    "CREATE TABLE source (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, "
    "watched INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE image (id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL REFERENCES source (id), "
    "path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, modified INTEGER NOT NULL, digest TEXT, error TEXT) STRICT",
    "CREATE TABLE prediction (image INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE, model TEXT NOT NULL, "
    "figures BLOB NOT NULL, evidence TEXT NOT NULL, embedding BLOB NOT NULL, UNIQUE (image, model)) STRICT",
    "CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE label (image INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE, verdict TEXT NOT NULL, "
    "coarse TEXT NOT NULL, fine TEXT NOT NULL) STRICT",
    # undone: 1 undone; 2 tried in vain, as its files were away
    "CREATE TABLE action (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, title TEXT NOT NULL, "
    "undone INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE label_change (action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE, "
    "image INTEGER NOT NULL, before_verdict TEXT, before_coarse TEXT, before_fine TEXT, "
    "after_verdict TEXT, after_coarse TEXT, after_fine TEXT, PRIMARY KEY (action, image)) STRICT, WITHOUT ROWID",
    "CREATE TABLE filed (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE, image INTEGER NOT NULL, move INTEGER NOT NULL, "
    "source BLOB NOT NULL, target BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, "
    "state TEXT NOT NULL) STRICT",
)
MIGRATIONS = {
    # outdated: 1 shown until a new one comes
    1: ("ALTER TABLE prediction ADD COLUMN outdated INTEGER NOT NULL DEFAULT 0",),
    2: (
        f"INSERT OR REPLACE INTO meta VALUES ('{ID}', lower(hex(randomblob(16))))",
        "ALTER TABLE filed ADD COLUMN sidecar INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE filed ADD COLUMN digest TEXT",
        "CREATE TABLE filed_folder (id INTEGER PRIMARY KEY AUTOINCREMENT, "
        "action INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE, path BLOB NOT NULL, "
        "state TEXT NOT NULL) STRICT",
    ),
}
"""Format -> the statements that turn it into the next one."""

SCHEMA = 1 + len(MIGRATIONS)
"""The newest format; a file's `user_version`."""


class ProjectError(MarqueError):
    """A project that cannot be used; the message names the file and says what to do."""


def statements(version: int = SCHEMA) -> tuple[str, ...]:
    """The statements that make an empty file of a format."""
    return _FIRST + tuple(one for older in range(1, version) for one in MIGRATIONS[older])


@cache
def schema(version: int) -> Schema:
    """The objects of a file of a format."""
    return schema_of(statements(version))
