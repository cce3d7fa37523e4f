"""Which references have changed since an index was made of them, as the gallery's file itself keeps account.

Triggers write down the id of each reference that is added, changed or removed, whoever does it: also a program that
knows nothing of the index. An index names the entry after which it was made. A random number distinguishes it from
the one with the same place in another copy of the file, which has gone another way since.
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
"""What an account consists of."""

_END = (
    "DROP TRIGGER IF EXISTS change_added",
    "DROP TRIGGER IF EXISTS change_changed",
    "DROP TRIGGER IF EXISTS change_removed",
    "DROP TABLE IF EXISTS change",
)


class Mark(NamedTuple):
    """An entry of the account."""

    place: int
    token: bytes


def mark(connection: sqlite3.Connection) -> Mark:
    """A new entry, inside a transaction; the account begins with the first one."""
    for statement in BEGIN:
        connection.execute(statement)
    return Mark(*connection.execute("INSERT INTO change (reference) VALUES (NULL) RETURNING place, token").fetchone())


def since(connection: sqlite3.Connection, at: Mark) -> set[int] | None:
    """Ids of the references that were touched after an entry; None where this file does not have that entry."""
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
    """Keep no account any more, inside a transaction."""
    for statement in _END:
        connection.execute(statement)
