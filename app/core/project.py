"""The user's work: one SQLite file with the images, what the model said of them, and what the person said.

Three labels are kept for every image, for ever: the predictions (one for each model), the person's own label
(app/core/labels.py), and what was written out. Running a model again never touches a person's label, and thresholds act
when the predictions are read. Every change is a committed transaction: there is nothing unsaved.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from app.core import database, filing_records, project_file
from app.core.evidence import Evidence
from app.core.figures import FigureWriter
from app.core.paths import tidy
from app.core.project_file import ProjectError
from app.core.project_records import Counts, FoundFile, KnownModel, Outcome, Place, ProjectImage
from model.bundle import BundleInfo, Thresholds
from model.photo import MISSING, NO_PERMISSION
from model.taxonomy import Taxonomy

SUFFIX = ".marque"
"""Ending of a project's file name."""

_CHOSEN = "thresholds of "  # and the model's fingerprint: a key of the table meta
_CHUNK = 500  # values of an IN (...) list


class Project:
    """An open project. Safe to use from several threads; every method that changes something is one transaction.

    Attributes:
        path: the file.
        id: a random number as text; a file that was copied by other programs has that of its original.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """For `create` and `open`."""
        self.path = path
        self._lock = threading.RLock()
        self._database = connection
        self.id = project_file.read_id(path, connection)
        connection.execute("PRAGMA foreign_keys = ON")

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new, empty project. Raises ProjectError if the file exists or cannot be written."""
        project_file.create(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, sound: bool = True) -> Self:
        """An existing project; one of an older format is brought up to date, after a copy was put beside it.

        Args:
            path: the file.
            sound: read the whole file first, to see that it is sound; without, `check` can do so later.

        Raises:
            ProjectError: if it is missing, no project, damaged, or made by a newer program.
        """
        if not path.is_file():
            raise ProjectError(f"{path}: the project does not exist")
        with project_file.faults(path):
            connection = database.connect(path, "rw")
            try:
                project_file.check(path, connection, sound=sound)
                return cls(path, connection)
            except BaseException:
                connection.close()
                raise

    def check(self) -> None:
        """Read the whole file to see that it is sound, on a connection of its own. Raises ProjectError if it is not."""
        with project_file.faults(self.path):
            connection = database.connect(self.path, "ro")
            try:
                project_file.check_soundness(self.path, connection)
            finally:
                connection.close()

    def save_as(self, path: Path) -> None:
        """Write a whole copy of the project to another place; this one stays open.

        Raises:
            ProjectError: if the file exists or cannot be written.
        """
        part = path.with_name(path.name + ".part")
        if path.exists():
            raise ProjectError(f"{path}: the file exists already; choose another name")
        try:
            part.unlink(missing_ok=True)
            with project_file.faults(path):
                with self._lock:
                    self._database.execute("VACUUM INTO ?", (str(part),))
                with closing(database.connect(part, "rw")) as copy:
                    copy.execute("PRAGMA journal_mode = WAL")  # which a copy does not inherit
                    number = project_file.renew_id(copy)
            filing_records.carry_over(self.id, number)
            part.replace(path)
        except OSError as error:
            raise ProjectError(f"{path}: the project cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """Close the file; the project is not used after that."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- sources and images

    def add_source(self, path: Path, *, watched: bool | None = None) -> int:
        """Remember a folder or file that images come from; its number. Known ones keep theirs.

        Args:
            watched: whether it is watched from now on; None leaves a known one as it is, and a new one unwatched.
        """
        with self.change() as connection:
            (number,) = connection.execute(
                "INSERT INTO source (path, watched) VALUES (?1, coalesce(?2, 0)) "
                "ON CONFLICT (path) DO UPDATE SET watched = coalesce(?2, watched) RETURNING id",
                (os.fsencode(tidy(path)), watched),
            ).fetchone()
        return int(number)

    def sources(self) -> list[tuple[int, Path, bool]]:
        """Number, place and whether it is watched, of every source in the order they were added."""
        rows = self.read("SELECT id, path, watched FROM source ORDER BY id")
        return [(number, Path(os.fsdecode(path)), bool(watched)) for number, path, watched in rows]

    def add_images(self, source: int, files: Iterable[FoundFile]) -> int:
        """Take in image files; how many are new, have changed since they were last seen, or are there again.

        A changed file loses its predictions and waits again; what a person said of it stays. One that was missing, or
        was not allowed to be read, waits again too.
        """
        touched = 0
        with self.change() as connection:
            for file in files:
                row = connection.execute(
                    "INSERT INTO image (source, path, size, modified) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (path) DO UPDATE SET size = excluded.size, modified = excluded.modified, "
                    "digest = NULL, error = NULL "
                    "WHERE size <> excluded.size OR modified <> excluded.modified RETURNING id",
                    (source, os.fsencode(file.path), file.size, file.modified),
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

    def images(self, ids: Sequence[int] | None = None) -> list[ProjectImage]:
        """All images in the order they were added, or those with these numbers in their order."""
        columns = "SELECT id, path, size, modified, digest, error FROM image"
        if ids is None:
            return [_image(row) for row in self.read(f"{columns} ORDER BY id")]
        found = {row[0]: _image(row) for row in self.read_each(f"{columns} WHERE id IN ({{}})", ids)}
        return [found[number] for number in ids if number in found]

    def places(self, *, after: int = 0, limit: int = -1, ids: Sequence[int] | None = None) -> list[Place]:
        """Number, path and error of images: what a long list needs, and no more, as each object counts there.

        Args:
            after, limit: at most so many (-1: all) of those that are numbered above `after`, in that order.
            ids: these ones instead, in the order of their numbers.
        """
        if ids is not None:
            return sorted(self.read_each("SELECT id, path, error FROM image WHERE id IN ({})", ids))
        return self.read("SELECT id, path, error FROM image WHERE id > ? ORDER BY id LIMIT ?", (after, limit))

    def images_after(self, after: int, limit: int) -> list[ProjectImage]:
        """At most `limit` images that are numbered above `after`, in that order."""
        columns = "SELECT id, path, size, modified, digest, error FROM image"
        return [_image(row) for row in self.read(f"{columns} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))]

    def image_at(self, path: Path) -> int:
        """The number of the image at a place. Raises KeyError if there is none."""
        rows = self.read("SELECT id FROM image WHERE path = ?", (os.fsencode(path),))
        if not rows:
            raise KeyError(path)
        return int(rows[0][0])

    def waiting(self, model: str, *, after: int = 0, limit: int = 1000) -> list[ProjectImage]:
        """Images with neither a prediction of `model` that holds nor an error, numbered above `after`, in order."""
        return [
            _image(row)
            for row in self.read(
                "SELECT id, path, size, modified, digest, error FROM image WHERE id > ? AND error IS NULL AND NOT "
                "EXISTS (SELECT 1 FROM prediction WHERE image = id AND model = ? AND NOT outdated) ORDER BY id LIMIT ?",
                (after, model, limit),
            )
        ]

    def counts(self, model: str) -> Counts:
        """How many images are done under a model."""
        ((total, failed),) = self.read("SELECT count(*), count(error) FROM image")
        ((predicted,),) = self.read(
            "SELECT count(*) FROM prediction JOIN image ON image = id "
            "WHERE model = ? AND error IS NULL AND NOT outdated",
            (model,),
        )
        return Counts(predicted, failed, total - failed - predicted)

    def retry_failed(self) -> int:
        """Let images that could not be read wait again; how many."""
        with self.change() as connection:
            return connection.execute("UPDATE image SET error = NULL WHERE error IS NOT NULL").rowcount

    def relocate(self, old: Path, new: Path) -> int:
        """Images moved: those under folder `old` are looked for under `new` from now on, where they are there.

        Returns how many were found. Predictions and labels stay with them.
        """
        moved = 0
        old, new = tidy(old), tidy(new)
        with self.change() as connection:
            for number, path in connection.execute("SELECT id, path FROM image").fetchall():
                place = Path(os.fsdecode(path))
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

    # ---- models and predictions

    def keep_model(self, info: BundleInfo) -> None:
        """Remember the model that predicts from now on, or its new thresholds."""
        facts = json.dumps(
            {
                "name": info.name,
                "taxonomy": info.taxonomy.model_dump(),
                "thresholds": info.thresholds.model_dump(),
            }
        )
        with self.change() as connection:
            connection.execute("DELETE FROM model WHERE fingerprint = ?", (info.fingerprint,))
            connection.execute("INSERT INTO model (fingerprint, facts) VALUES (?, ?)", (info.fingerprint, facts))

    def models(self) -> list[KnownModel]:
        """The models that have predicted, the last one first; with the person's thresholds where they chose any."""
        found = []
        for fingerprint, text in self.read("SELECT fingerprint, facts FROM model ORDER BY number DESC"):
            facts = json.loads(text)
            thresholds = self._chosen_thresholds(fingerprint) or Thresholds(**facts["thresholds"])
            found.append(KnownModel(fingerprint, facts["name"], Taxonomy(**facts["taxonomy"]), thresholds))
        return found

    def choose_thresholds(self, model: str, thresholds: Thresholds | None) -> None:
        """Decide by these from now on, whatever the model recommends; None: as it recommends."""
        key = _CHOSEN + model
        with self.change() as connection:
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))
            if thresholds is not None:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (key, thresholds.model_dump_json()))

    def _chosen_thresholds(self, model: str) -> Thresholds | None:
        rows = self.read("SELECT value FROM meta WHERE key = ?", (_CHOSEN + model,))
        return Thresholds.model_validate_json(rows[0][0]) if rows else None

    def store(self, model: str, outcomes: Iterable[Outcome]) -> None:
        """Keep what a run found out, all of it or nothing. `model`: fingerprint of the identification model."""
        with self.change() as connection:
            figures = FigureWriter(connection)
            for outcome in outcomes:
                connection.execute(
                    "UPDATE image SET digest = coalesce(?, digest), error = ? WHERE id = ?",
                    (outcome.digest, outcome.error, outcome.image),
                )
                if outcome.evidence is None or outcome.embedding is None:
                    # an outdated one is better than none where the file is away
                    connection.execute(
                        "DELETE FROM prediction WHERE image = ? AND model = ? AND NOT outdated", (outcome.image, model)
                    )
                    continue
                vector = np.ascontiguousarray(outcome.embedding, dtype=np.float16)
                connection.execute(
                    "INSERT OR REPLACE INTO prediction (image, model, figures, evidence, embedding) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (
                        *(outcome.image, model, figures.row(outcome.image, outcome.evidence)),
                        *(outcome.evidence.to_json(), vector.tobytes()),
                    ),
                )

    def ask_again(self, model: str) -> int:
        """Let all images wait for another answer of this model; how many have one, which stays until that comes.

        For a gallery that has changed: an answer rests on the reference photos of its time. An image whose file cannot
        be read any more keeps what it has.
        """
        with self.change() as connection:
            return connection.execute("UPDATE prediction SET outdated = 1 WHERE model = ?", (model,)).rowcount

    def evidence(self, model: str, ids: Sequence[int] | None = None) -> Iterator[tuple[int, Evidence]]:
        """Number and evidence of all predicted images, or of those among `ids`, in the order of the numbers."""
        query = "SELECT image, evidence FROM prediction WHERE model = ?"
        rows = (
            self.read(f"{query} ORDER BY image", (model,))
            if ids is None
            else self.read_each(f"{query} AND image IN ({{}})", sorted(ids), (model,))
        )
        for number, text in rows:
            yield number, Evidence.from_json(text)

    def embeddings(self, model: str) -> tuple[np.ndarray, np.ndarray]:
        """Numbers int64 [N] and embeddings float32 [N, d] of all predicted images; d is 0 where there are none."""
        rows = self.read("SELECT image, embedding FROM prediction WHERE model = ? ORDER BY image", (model,))
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(len(rows), -1)
        return np.array([row[0] for row in rows], np.int64), vectors.astype(np.float32)

    # ---- for the rooms that add tables' worth of meaning (labels, filing)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Raises ProjectError if the disk refuses; nothing was changed then."""
        with self._lock, project_file.faults(self.path), database.transaction(self._database):
            yield self._database

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple]:
        """All rows of a query. Raises ProjectError."""
        with self._lock, project_file.faults(self.path):
            return self._database.execute(query, values).fetchall()

    def read_each(self, query: str, ids: Sequence[int], values: Sequence[object] = ()) -> list[tuple]:
        """The same for a query with `IN ({})` over any number of ids, after its other values."""
        rows: list[tuple] = []
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            rows += self.read(query.format(",".join("?" * len(part))), (*values, *part))
        return rows


def _image(row: tuple) -> ProjectImage:
    number, path, *rest = row
    return ProjectImage(number, Path(os.fsdecode(path)), *rest)
