"""The folders and files that a project's images come from."""

from __future__ import annotations

import os
from pathlib import Path

from app.core.project.project_database import ProjectDatabase
from app.core.system.paths import tidy


class SourceTable:
    """The sources of a project. All methods raise ProjectError."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def add(self, path: Path, *, watched: bool | None = None) -> int:
        """Remember a folder or file that images come from; its number. Known ones keep their number.

        Args:
            watched: whether it is watched from now on; None does not change a known one, and leaves a new one
                unwatched.
        """
        with self._database.change() as connection:
            (number,) = connection.execute(
                "INSERT INTO source (path, watched) VALUES (?1, coalesce(?2, 0)) "
                "ON CONFLICT (path) DO UPDATE SET watched = coalesce(?2, watched) RETURNING id",
                (os.fsencode(tidy(path)), watched),
            ).fetchone()
        return int(number)

    def all(self) -> list[tuple[int, Path, bool]]:
        """Number, place and whether it is watched, of every source in the order they were added."""
        rows = self._database.read("SELECT id, path, watched FROM source ORDER BY id")
        return [(number, self._database.place(path), bool(watched)) for number, path, watched in rows]
