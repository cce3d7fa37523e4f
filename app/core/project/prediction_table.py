"""The predictions of models for a project's images: evidence, embeddings, and the figures behind lists."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from app.core.project.project_database import ProjectDatabase
from app.core.project.records import REPLACED, Outcome
from app.core.recognition.evidence import Evidence
from app.core.recognition.features import FEATURES, NAMED, NOBODY, feature_row

_PIECE = 4000
_MOST_NAMES = 1 << 20
_UNKNOWN = NOBODY - 1  # in place of the number of a missing name


class PredictionTable:
    """The predictions of a project, one for each image and model. All methods raise ProjectError.

    `model` is everywhere the fingerprint of the identification model.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def store(self, model: str, outcomes: Iterable[Outcome]) -> None:
        """Store the outcomes of a run, all or nothing."""
        with self._database.change() as connection:
            names = _StoredNames(connection)
            for outcome in outcomes:
                kept = connection.execute(
                    "UPDATE image SET digest = coalesce(?, CASE WHEN ? THEN nullif(digest, ?) ELSE digest END), "
                    "error = ? WHERE id = ?",
                    (outcome.digest, outcome.evidence is not None, REPLACED, outcome.error, outcome.image),
                ).rowcount
                if not kept:
                    continue  # meanwhile a filing has found that it is another image's file
                if outcome.evidence is None or outcome.embedding is None:
                    # an outdated one is better than none if the file is away
                    connection.execute(
                        "DELETE FROM prediction WHERE image = ? AND model = ? AND NOT outdated", (outcome.image, model)
                    )
                    continue
                vector = np.ascontiguousarray(outcome.embedding, dtype=np.float16)
                connection.execute(
                    "INSERT OR REPLACE INTO prediction (image, model, figures, evidence, embedding) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (
                        *(outcome.image, model, feature_row(outcome.image, outcome.evidence, names.number)),
                        *(outcome.evidence.to_json(), vector.tobytes()),
                    ),
                )

    def ask_again(self, model: str) -> int:
        """Let all images wait for a new answer of this model; how many have an answer, which stays until then.

        For a changed gallery, as an answer rests on the reference photos of its time. An image whose file can no longer
        be read keeps its answer.
        """
        with self._database.change() as connection:
            return connection.execute("UPDATE prediction SET outdated = 1 WHERE model = ?", (model,)).rowcount

    def evidence(self, model: str, ids: Sequence[int] | None = None) -> Iterator[tuple[int, Evidence]]:
        """Number and evidence of all predicted images, or of those among `ids`, in the order of the numbers."""
        for number, text in self._column("evidence", model, ids):
            with self._database.contents(f"the evidence of image {number}"):
                found = Evidence.from_json(text)
                if not found.types:
                    raise ValueError("it names no type")
            yield number, found

    def embeddings(self, model: str, ids: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Numbers int64 [N] and embeddings float32 [N, d] of all predicted images, or of those among `ids`.

        In the order of the numbers; d is 0 without any.
        """
        rows = self._column("embedding", model, ids)
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        with self._database.contents("the embedding of an image"):
            if len({len(row[1]) for row in rows}) > 1:
                raise ValueError("not the length of the others")
            vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(len(rows), -1)
            if not np.isfinite(vectors).all():
                raise ValueError("not made of numbers")
            return np.array([row[0] for row in rows], np.int64), vectors.astype(np.float32)

    def features(
        self, model: str, number: Callable[[str], int], ids: Sequence[int] | None = None
    ) -> Iterator[np.ndarray]:
        """The features of all predicted images, or of those among `ids`, in pieces of FEATURES rows.

        Args:
            number: gives each class name its number in the rows.
        """
        if ids is not None:
            if rows := self._column("figures", model, ids):
                yield self._piece(rows, number)
            return
        query = "SELECT image, figures FROM prediction WHERE model = ? AND image > ? ORDER BY image LIMIT ?"
        last = 0
        while rows := self._database.read_after(last, query, (model, last, _PIECE)):
            last = rows[-1][0]
            yield self._piece(rows, number)

    def _column(self, column: str, model: str, ids: Sequence[int] | None) -> list[tuple]:
        query = f"SELECT image, {column} FROM prediction WHERE model = ?"
        if ids is None:
            return self._database.read(f"{query} ORDER BY image", (model,))
        return self._database.read_each(f"{query} AND image IN ({{}})", sorted(ids), (model,))

    def _piece(self, rows: Sequence[tuple], number: Callable[[str], int]) -> np.ndarray:
        known = self._database.read("SELECT id, name FROM name")  # read after the rows, so it has all their names
        with self._database.contents("the figures of an image"):
            if {len(figures) for _, figures in rows} != {FEATURES.itemsize}:
                raise ValueError("of another length")
            piece = np.frombuffer(b"".join(figures for _, figures in rows), FEATURES).copy()
            if (piece["image"] != [image for image, _ in rows]).any():
                raise ValueError("of another image")
            if any(not 0 < stored < _MOST_NAMES for stored, _ in known):
                raise ValueError("a name with an absurd number")
            number_of = np.full(max((stored for stored, _ in known), default=0) + 2, _UNKNOWN)
            number_of[NOBODY] = NOBODY  # the last one
            for stored, name in known:
                number_of[stored] = number(name)
            for field in NAMED:
                if piece[field].min() < NOBODY:
                    raise ValueError("an unknown name")
                piece[field] = number_of[piece[field]]
                if piece[field].min() == _UNKNOWN:
                    raise ValueError("an unknown name")
        return piece


class _StoredNames:
    """The numbers of names in the project, inside one transaction; new names are written into its table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The name's number; NOBODY for the empty one."""
        if not name:
            return NOBODY
        if name not in self._numbers:
            self._connection.execute("INSERT OR IGNORE INTO name (name) VALUES (?)", (name,))
            ((number,),) = self._connection.execute("SELECT id FROM name WHERE name = ?", (name,)).fetchall()
            self._numbers[name] = number
        return self._numbers[name]
