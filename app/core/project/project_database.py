"""The file of an open project: connection, queries and transactions, for the tables of this room."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from app.core.project import schema
from app.core.project.project_format import KIND, ProjectError
from app.core.project.schema import OpenProjectFile
from app.core.system import database
from app.core.system.paths import is_place

_CHUNK = 500  # values of an IN (...) list


class ProjectDatabase:
    """One connection to a project's file. Safe to use from several threads; all methods raise ProjectError.

    Attributes:
        path: the file.
        id: its random number as text.
        read_only: whether nothing can be changed.
    """

    def __init__(self, path: Path, file: OpenProjectFile) -> None:
        self.path, self.read_only = path, file.read_only
        self._lock = threading.RLock()
        self._file, self._connection = file, file.connection
        self.id = schema.read_id(path, self._connection)
        if not self.read_only:
            self._connection.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; if the disk refuses, or the file is gone, nothing was changed."""
        if self.read_only:
            raise ProjectError(f"{self.path}: the project is read-only here", advice="work in a copy of it")
        with self._lock, schema.faults(self.path), database.transaction(self._connection):
            self.must_be_there()
            yield self._connection
            self.must_be_there()

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple]:
        """All rows of a query."""
        with self._lock, schema.faults(self.path):
            size = self.must_be_there()
            rows = database.all_rows(self._connection.execute(query, values), size)
        if rows is None:
            raise schema.damaged(self.path, "it claims to hold more than fits into it")
        return rows

    def read_after(self, after: int, query: str, values: Sequence[object]) -> list[tuple]:
        """The same for a query whose first column has ascending numbers above `after`."""
        rows = self.read(query, values)
        # a damaged file may return the same rows for ever, but not with this many numbers between the first and the
        # last
        if rows and not (type(rows[0][0]) is type(rows[-1][0]) is int and len(rows) <= rows[-1][0] - after):
            raise schema.damaged(self.path, "rows that repeat endlessly")
        return rows

    def read_each(self, query: str, ids: Sequence[int], values: Sequence[object] = ()) -> list[tuple]:
        """The same for a query with `IN ({})` over any number of ids, after its other values."""
        rows: list[tuple] = []
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            rows += self.read(query.format(",".join("?" * len(part))), (*values, *part))
        return rows

    def contents(self, what: str) -> AbstractContextManager[None]:
        """The objects of this file; see `schema.contents`."""
        return schema.contents(self.path, what)

    def place(self, stored: object) -> Path:
        """A path that is stored in the file."""
        if not is_place(stored):
            raise schema.damaged(self.path, f"the path {stored!r}")
        return Path(os.fsdecode(stored))

    def must_be_there(self) -> int:
        """The file's size in bytes; it must still be the one that was opened."""
        return database.must_be_same(self.path, self._file.identity, ProjectError, KIND)

    def check(self) -> None:
        """Read the whole file to see that it is sound, on a connection of its own."""
        place = self._file.place
        schema.check_soundness(self.path, place, writing=not self.read_only or place != self.path)

    def copy_to(self, part: Path) -> str:
        """Copy everything into an empty file; the copy's own number."""
        with self._lock:
            self.must_be_there()
            self._connection.execute("VACUUM INTO ?", (str(part),))
        with closing(database.connect(part, "rw")) as copy:
            copy.execute("PRAGMA journal_mode = WAL")  # a copy does not inherit this
            return schema.renew_id(copy)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.held.close()
