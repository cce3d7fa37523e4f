"""The images of a project: where their files are, and which of them wait to be identified."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.core.project import schema
from app.core.project.project_database import ProjectDatabase
from app.core.project.records import REPLACED, Counts, FoundFile, Place, ProjectImage
from app.core.system.paths import is_place, tidy
from model.contract.photo import MISSING, NO_PERMISSION

_IMAGES = "SELECT id, path, size, modified, digest, error FROM image"


class ImageTable:
    """The images of a project. All methods raise ProjectError."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def add(self, source: int, files: Iterable[FoundFile]) -> int:
        """Add image files; how many are new, have changed since they were last seen, or are back.

        A changed file loses its predictions and waits again; the person's label stays, and counts as an answer once it
        is identified again. A file that was missing, or could not be read for lack of permission, waits again too.
        """
        touched = 0
        with self._database.change() as connection:
            for file in files:
                row = connection.execute(
                    "INSERT INTO image (source, path, size, modified) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (path) DO UPDATE SET size = excluded.size, modified = excluded.modified, "
                    "digest = ?, error = NULL "
                    "WHERE size <> excluded.size OR modified <> excluded.modified RETURNING id",
                    (source, os.fsencode(file.path), file.size, file.modified, REPLACED),
                ).fetchone()
                if row is not None:
                    touched += 1
                    connection.execute("DELETE FROM prediction WHERE image = ?", row)
                else:
                    touched += connection.execute(
                        "UPDATE image SET error = NULL WHERE path = ? AND error IN (?, ?)",
                        (os.fsencode(file.path), MISSING, NO_PERMISSION),
                    ).rowcount
        return touched

    def all(self) -> list[ProjectImage]:
        """All images in the order they were added."""
        return [self._image(row) for row in self._database.read(f"{_IMAGES} ORDER BY id")]

    def of(self, ids: Sequence[int]) -> list[ProjectImage]:
        """The images with these numbers, as far as they exist, in the order of `ids`."""
        rows = self._database.read_each(f"{_IMAGES} WHERE id IN ({{}})", ids)
        found = {row[0]: self._image(row) for row in rows}
        return [found[number] for number in ids if number in found]

    def places(self, *, after: int = 0, limit: int = -1, ids: Sequence[int] | None = None) -> list[Place]:
        """Number, path and error of images: only what a long list needs, as every object costs time there.

        Args:
            after, limit: at most this many (-1: all) of those numbered above `after`, in that order. ids: these images
            instead, in the order of their numbers.
        """
        if ids is not None:
            rows = sorted(self._database.read_each("SELECT id, path, error FROM image WHERE id IN ({})", ids))
        else:
            query = "SELECT id, path, error FROM image WHERE id > ? ORDER BY id LIMIT ?"
            rows = self._database.read_after(after, query, (after, limit))
        # the file has all paths sorted: its two ends show at once whether some do not begin with "/"
        ends = "SELECT 1 FROM image WHERE path < x'2f' UNION ALL SELECT 1 FROM image WHERE path >= x'30' LIMIT 1"
        others = self._database.read(ends)
        with self._database.contents("the path of an image"):
            paths = [row[1] for row in rows]
            if b"\0" in b"".join(paths) or (others and not all(map(is_place, paths))):
                raise ValueError("it is not a full path")
        return rows

    def after(self, after: int, limit: int) -> list[ProjectImage]:
        """At most `limit` images numbered above `after`, in that order."""
        rows = self._database.read_after(after, f"{_IMAGES} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [self._image(row) for row in rows]

    def at(self, path: Path) -> int:
        """The number of the image at a place. Raises KeyError if there is no such image."""
        rows = self._database.read("SELECT id FROM image WHERE path = ?", (os.fsencode(path),))
        if not rows:
            raise KeyError(path)
        return int(rows[0][0])

    def waiting(self, model: str, *, after: int = 0, limit: int = 1000) -> list[ProjectImage]:
        """Images with neither a valid prediction of `model` nor an error, numbered above `after`, in order."""
        query = (
            f"{_IMAGES} WHERE id > ? AND error IS NULL AND NOT "
            "EXISTS (SELECT 1 FROM prediction WHERE image = id AND model = ? AND NOT outdated) ORDER BY id LIMIT ?"
        )
        return [self._image(row) for row in self._database.read_after(after, query, (after, model, limit))]

    def counts(self, model: str) -> Counts:
        """How many images a model has identified."""
        ((total, failed),) = self._database.read("SELECT count(*), count(error) FROM image")
        ((predicted,),) = self._database.read(
            "SELECT count(*) FROM prediction JOIN image ON image = id "
            "WHERE model = ? AND error IS NULL AND NOT outdated",
            (model,),
        )
        return Counts(predicted, failed, total - failed - predicted)

    def retry_failed(self) -> int:
        """Let images that could not be read wait again; how many."""
        with self._database.change() as connection:
            return connection.execute("UPDATE image SET error = NULL WHERE error IS NOT NULL").rowcount

    def relocate(self, old: Path, new: Path) -> int:
        """Images moved: those under the folder `old` now belong under `new`, if they exist there.

        Returns how many were found. Predictions and labels stay with them.
        """
        moved = 0
        old, new = tidy(old), tidy(new)
        with self._database.change() as connection:
            for number, path in self._database.read("SELECT id, path FROM image"):
                place = self._database.place(path)
                if not place.is_relative_to(old):
                    continue
                there = new / place.relative_to(old)
                if there.is_file():
                    moved += connection.execute(
                        "UPDATE OR IGNORE image SET path = ? WHERE id = ?", (os.fsencode(there), number)
                    ).rowcount
            if moved:
                connection.execute(
                    "UPDATE OR IGNORE source SET path = ? WHERE path = ?",
                    (os.fsencode(new), os.fsencode(old)),
                )
        return moved

    def _image(self, row: tuple) -> ProjectImage:
        number, path, size, modified, digest, error = row
        if type(size) is not int or type(modified) is not int or size < 0:
            raise schema.damaged(self._database.path, f"the size or the time of image {number}")
        if not (digest is None or type(digest) is str) or not (error is None or type(error) is str):
            raise schema.damaged(self._database.path, f"the content or the error of image {number}")
        return ProjectImage(number, self._database.place(path), size, modified, digest, error)
