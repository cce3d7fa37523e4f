"""Changes to a gallery that can be undone, also after a restart: photos added, removed, given another label or place.

Each step keeps the other state of its references: the one before it while it is done, the one after it once it is
undone. So undo and redo are the same: the two states are exchanged. The two tables are made at the first step; a
program that does not know them reads the gallery as before.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from app.core.gallery.gallery import Gallery, GalleryError, ReferenceEntry, root_id, upsert
from app.core.gallery.gallery_file import STEP_TABLES, damaged

KEPT = 200
"""Number of steps that can be undone; older ones are forgotten."""

_ROWS = (
    "SELECT reference.id, coarse, fine, source, place, reference.path, digest, embedding FROM reference "
    "LEFT JOIN root ON root.id = root "
)
_KEEP = "INSERT OR IGNORE INTO step_row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UNDO = "SELECT id, title FROM step WHERE undone = 0 ORDER BY id DESC LIMIT 1"
_REDO = "SELECT id, title FROM step WHERE undone = 1 ORDER BY id LIMIT 1"
_ABSENT = (None,) * 7
_Class = tuple[str, str | None]


class GallerySteps:
    """The steps of a gallery. Each method is one transaction.

    Methods that change something raise GalleryError if the gallery cannot be written; then nothing was changed.

    Attributes:
        gallery: whose steps these are.
    """

    def __init__(self, gallery: Gallery) -> None:
        """Steps of a gallery that is not read-only."""
        self.gallery = gallery

    def add(
        self, embeddings: np.ndarray, entries: Sequence[ReferenceEntry], title: str, step: int | None = None
    ) -> int:
        """Add N photos, as `Gallery.add` does.

        Args:
            embeddings: float [N, d], unit length.
            entries: N labels.
            title: of the step.
            step: an earlier step that these photos also belong to: the batches of one enrolment are undone together.

        Returns:
            The step's number.
        """
        with self.gallery.changing() as (connection, touched):
            number = _begin(connection, title) if step is None else step
            before = _rows(connection, "digest", [entry.digest for entry in entries])
            ids = upsert(connection, embeddings, entries, self.gallery.dim)
            touched.update(ids)
            _keep(connection, number, ids, before)
        return number

    def relabel(self, ids: Iterable[int], coarse: str, fine: str | None, title: str) -> int:
        """Give references another label; how many changed."""
        with self.gallery.changing() as (connection, touched):
            found = _rows(connection, "reference.id", ids)
            return _relabel(connection, touched, found, (coarse, fine), title)

    def relabel_class(self, old: _Class, new: _Class, title: str) -> int:
        """Rename a class, merge it into another one, or move it to another type; the number of its references."""
        with self.gallery.changing() as (connection, touched):
            return _relabel(connection, touched, _rows_of_class(connection, old), new, title)

    def relocate(self, places: Mapping[int, tuple[Path, str]], title: str) -> int:
        """Pictures have moved: their folders and paths from there, by the references' ids; how many changed."""
        with self.gallery.changing() as (connection, touched):
            found = _rows(connection, "reference.id", places)
            if found:
                _keep(connection, _begin(connection, title), found, found)
                for number in found:
                    root, path = places[number]
                    values = (root_id(connection, root), path, number)
                    connection.execute("UPDATE reference SET root = ?, path = ? WHERE id = ?", values)
                touched.update(found)
            return len(found)

    def remove(self, ids: Iterable[int], title: str) -> int:
        """Remove references; how many existed."""
        with self.gallery.changing() as (connection, touched):
            return _remove(connection, touched, _rows(connection, "reference.id", ids), title)

    def remove_class(self, one: _Class, title: str) -> int:
        """Remove a class with all its references; their number."""
        with self.gallery.changing() as (connection, touched):
            return _remove(connection, touched, _rows_of_class(connection, one), title)

    def turn(self, *, back: bool) -> str | None:
        """Undo the last step, or redo the one that was undone last; its title, None without one.

        A photo with the same content that was added elsewhere meanwhile is removed; the opposite turn brings it back.
        """
        with self.gallery.changing() as (connection, touched):
            _make_tables(connection)
            found = connection.execute(_UNDO if back else _REDO).fetchone()
            if found is None:
                return None
            number, title = found
            stored = connection.execute(
                "SELECT reference, coarse, fine, source, place, path, digest, embedding FROM step_row WHERE step = ?",
                (number,),
            ).fetchall()
            coming = [row for row in stored if row[6] is not None]
            if not all(_is_sound(row, self.gallery.dim) for row in stored):
                raise damaged(self.gallery.path, "a step contains an impossible reference")
            now = _rows(connection, "reference.id", [row[0] for row in stored])
            now |= _rows(connection, "digest", [row[6] for row in coming])
            ids = {row[0] for row in stored} | set(now)
            touched.update(ids)
            connection.executemany("DELETE FROM reference WHERE id = ?", [(one,) for one in ids])
            for one, coarse, fine, source, place, path, digest, embedding in coming:
                root = root_id(connection, None if place is None else Path(place))
                row = (one, coarse, fine, source, root, path, digest, embedding)
                connection.execute("INSERT INTO reference VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("DELETE FROM step_row WHERE step = ?", (number,))
            _keep(connection, number, sorted(ids), now)
            connection.execute("UPDATE step SET undone = ? WHERE id = ?", (int(back), number))
        return title

    def next_steps(self) -> tuple[str | None, str | None]:
        """Titles of the steps that undo and redo would turn; also if the gallery is read-only."""
        if not self.gallery.query("SELECT 1 FROM sqlite_master WHERE name = 'step'"):
            return None, None
        undo, redo = self.gallery.query(_UNDO), self.gallery.query(_REDO)
        return undo[0][1] if undo else None, redo[0][1] if redo else None


def _is_sound(row: tuple, dim: int) -> bool:
    """Whether a row of a step (reference, coarse, fine, source, place, path, digest, embedding) is as we write it."""
    reference, coarse, fine, source, place, path, digest, embedding = row
    if type(reference) is not int or reference < 1:
        return False
    if digest is None:
        return True  # the reference does not exist in this state
    texts = (coarse, source, path, digest, *(one for one in (fine, place) if one is not None))
    return all(type(one) is str for one in texts) and type(embedding) is bytes and len(embedding) == 2 * dim


def _make_tables(connection: sqlite3.Connection) -> None:
    for table in STEP_TABLES:
        connection.execute(table)


def _begin(connection: sqlite3.Connection, title: str) -> int:
    """A new step; what was undone before it cannot be redone, and the oldest steps are forgotten."""
    _make_tables(connection)
    cursor = connection.execute("INSERT INTO step (title) VALUES (?)", (title,))
    number = cursor.lastrowid
    if number is None:
        raise GalleryError("the gallery's journal cannot be written")
    gone = "SELECT id FROM step WHERE undone = 1 OR id <= ?"
    connection.execute(f"DELETE FROM step_row WHERE step IN ({gone})", (number - KEPT,))
    connection.execute("DELETE FROM step WHERE undone = 1 OR id <= ?", (number - KEPT,))
    return number


def _rows(connection: sqlite3.Connection, column: str, values: Iterable[object]) -> dict[int, tuple]:
    """id -> the rest of a row, for references whose `column` has one of these values."""
    where = f"WHERE {column} IN (SELECT value FROM json_each(?))"
    found = connection.execute(_ROWS + where, (json.dumps(list(values)),))
    return {row[0]: row[1:] for row in found}


def _rows_of_class(connection: sqlite3.Connection, one: _Class) -> dict[int, tuple]:
    return {row[0]: row[1:] for row in connection.execute(_ROWS + "WHERE coarse = ? AND fine IS ?", one)}


def _keep(connection: sqlite3.Connection, step: int, ids: Iterable[int], rows: dict[int, tuple]) -> None:
    """Store the state of references; if one already belongs to the step, its first state counts."""
    connection.executemany(_KEEP, [(step, number, *rows.get(number, _ABSENT)) for number in ids])


def _relabel(
    connection: sqlite3.Connection, touched: set[int], found: dict[int, tuple], label: _Class, title: str
) -> int:
    changing = {number: row for number, row in found.items() if (row[0], row[1]) != label}
    if changing:
        _keep(connection, _begin(connection, title), changing, changing)
        values = [(*label, number) for number in changing]
        connection.executemany("UPDATE reference SET coarse = ?, fine = ? WHERE id = ?", values)
        touched.update(changing)
    return len(changing)


def _remove(connection: sqlite3.Connection, touched: set[int], found: dict[int, tuple], title: str) -> int:
    if found:
        _keep(connection, _begin(connection, title), found, found)
        connection.executemany("DELETE FROM reference WHERE id = ?", [(number,) for number in found])
        touched.update(found)
    return len(found)
