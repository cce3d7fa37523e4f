"""Projects and galleries that somebody has tampered with."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path


def execute(path: Path, statement: str, *rows: Sequence[object]) -> list[tuple]:
    """Carry out a statement on a connection of its own, once or for each row of values; the rows it gives."""
    with closing(sqlite3.connect(path)) as database, database:
        return [row for values in rows or [()] for row in database.execute(statement, values).fetchall()]


def tamper(path: Path, statement: str, values: Sequence[object] = ()) -> None:
    """Change a file in a way that its tables forbid; they are afterwards as they were."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        tables = database.execute("SELECT name, sql FROM sqlite_master WHERE sql LIKE '%STRICT%'").fetchall()
        for name, sql in tables:
            loose = sql.replace("STRICT, ", "").replace(" STRICT", "").replace(" NOT NULL", "")
            database.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (loose, name))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement, values)
        database.execute("PRAGMA writable_schema = ON")
        for name, sql in tables:
            database.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
