"""Which references have changed since an index was made of them; the gallery's file keeps this log itself.

Triggers write down the id of each reference that is added, changed or removed, whoever does it, also a program that
does not know the index. An index names the entry after which it was made. A random number distinguishes this entry from
the one at the same place in another copy of the file, which may have changed differently.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

BEGIN = (
    "CREATE TABLE IF NOT EXISTS change (place INTEGER PRIMARY KEY AUTOINCREMENT, "
    "token BLOB NOT NULL DEFAULT (randomblob(8)), reference INTEGER) STRICT",
    "CREATE TRIGGER IF NOT EXISTS change_added AFTER INSERT ON reference "
    "BEGIN INSERT INTO change (reference) VALUES (new.id); END",
    "CREATE TRIGGER IF NOT EXISTS change_changed AFTER UPDATE ON reference "
    "BEGIN INSERT INTO change (reference) VALUES (new.id); END",
    "CREATE TRIGGER IF NOT EXISTS change_removed AFTER DELETE ON reference "
    "BEGIN INSERT INTO change (reference) VALUES (old.id); END",
)
"""The table and triggers of a log."""

_END = (
    "DROP TRIGGER IF EXISTS change_added",
    "DROP TRIGGER IF EXISTS change_changed",
    "DROP TRIGGER IF EXISTS change_removed",
    "DROP TABLE IF EXISTS change",
)


class Mark(NamedTuple):
    """An entry of the log."""

    place: int
    token: bytes


def mark(connection: sqlite3.Connection) -> Mark:
    """A new entry, inside a transaction; the log begins with the first one."""
    for statement in BEGIN:
        connection.execute(statement)
    return Mark(*connection.execute("INSERT INTO change (reference) VALUES (NULL) RETURNING place, token").fetchone())


def since(connection: sqlite3.Connection, at: Mark) -> set[int] | None:
    """Ids of the references that were touched after an entry; None if this file does not have that entry."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'change'").fetchone():
        return None
    if connection.execute("SELECT token FROM change WHERE place = ?", (at.place,)).fetchone() != (at.token,):
        return None
    touched = "SELECT DISTINCT reference FROM change WHERE place > ? AND reference IS NOT NULL"
    return {number for (number,) in connection.execute(touched, (at.place,))}


def forget(connection: sqlite3.Connection, before: Mark) -> None:
    """Drop the entries before one, inside a transaction; indexes made before it become useless."""
    connection.execute("DELETE FROM change WHERE place < ?", (before.place,))


def end(connection: sqlite3.Connection) -> None:
    """Stop keeping the log, inside a transaction."""
    for statement in _END:
        connection.execute(statement)
