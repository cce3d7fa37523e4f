"""Reference photos: embeddings and labels in one SQLite file, searched in memory by cosine similarity."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import faiss
import numpy as np

from app.core import database
from model.taxonomy import Taxonomy

SCHEMA = 1
"""The file's `user_version`."""

_KIND = "gallery"
_APPLICATION_ID = 0x4D515547  # "MQUG" in the file's header: tells a gallery from other SQLite files

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE root (id INTEGER PRIMARY KEY, place TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE reference (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    coarse TEXT NOT NULL,
    fine TEXT,
    source TEXT NOT NULL,
    root INTEGER REFERENCES root (id),
    path TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    embedding BLOB NOT NULL
) STRICT;
"""

# a root whose last photo has gone goes too: a gallery to be given away must not tell where it was made
_DROP_UNUSED_ROOTS = "DELETE FROM root WHERE id NOT IN (SELECT root FROM reference WHERE root IS NOT NULL)"

_UPSERT = """
INSERT INTO reference (coarse, fine, source, root, path, digest, embedding) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET coarse = excluded.coarse, fine = excluded.fine, source = excluded.source,
    root = excluded.root, path = excluded.path, embedding = excluded.embedding
RETURNING id
"""


class GalleryError(Exception):
    """A gallery that cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True)
class Reference:
    """A photo of the gallery. `path` is relative to one of the gallery's folders, with forward slashes."""

    id: int
    coarse: str
    fine: str | None
    source: str
    path: str


@dataclass(frozen=True)
class Neighbour:
    """A reference photo and its cosine similarity to the photo that was asked about."""

    reference: Reference
    similarity: float


@dataclass(frozen=True)
class Entry:
    """A photo to be added.

    Attributes:
        coarse, fine: its labels; fine None where it is unknown.
        source: the collection that it comes from.
        path: relative to `root`, with forward slashes.
        digest: identifies the file's content; a gallery holds each content once.
        root: the folder that `path` starts from, or None to keep it out of the file (a gallery to be given away).
    """

    coarse: str
    fine: str | None
    source: str
    path: str
    digest: str
    root: Path | None = None


class Gallery:
    """An open gallery. Safe to use from several threads; an addition or removal is one transaction.

    Attributes:
        path: the file.
        fingerprint: of the identification model that made the embeddings.
        dim: length of an embedding.
        read_only: whether `add` and `remove` are refused.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, read_only: bool) -> None:
        """For `create` and `open`; loads all references into memory."""
        self.path = path
        self.read_only = read_only
        self._lock = threading.RLock()
        self._database = connection
        self.fingerprint, self.dim = _read_meta(path, connection)
        self._references: dict[int, Reference] = {}
        self._digests: dict[str, int] = {}
        self._place_of: dict[int, Path] = {}
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(self.dim))
        self._whole: tuple[Taxonomy, Taxonomy] | None = None
        self._sums: dict[str, np.ndarray] = {}
        self._counts: Counter[str] = Counter()
        self._load()

    @classmethod
    def create(cls, path: Path, fingerprint: str, dim: int) -> Self:
        """A new, empty gallery.

        Raises:
            GalleryError: if the file exists or cannot be written.
        """
        database.create(
            path,
            _TABLES,
            {"fingerprint": fingerprint, "dim": str(dim)},
            application=_APPLICATION_ID,
            version=SCHEMA,
            fault=GalleryError,
            kind=_KIND,
        )
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, fingerprint: str | None = None, read_only: bool = False) -> Self:
        """An existing gallery.

        Args:
            path: the file.
            fingerprint: of the model that will search it; None where none will.
            read_only: leave the file and its folder untouched, so that both may be read-only.

        Raises:
            GalleryError: if it is missing, no gallery, damaged, or made by another identification model.
        """
        if not path.is_file():
            raise GalleryError(f"{path}: the gallery does not exist")
        with _faults(path):
            # "immutable" makes no -wal and -shm files; where another program is writing they are there and must be read
            being_written = path.with_name(path.name + "-wal").exists()
            connection = database.connect(path, ("ro" if being_written else "ro&immutable=1") if read_only else "rw")
            try:
                _check_format(path, connection)
                gallery = cls(path, connection, read_only)
            except BaseException:
                connection.close()
                raise
        if fingerprint is not None and gallery.fingerprint != fingerprint:
            gallery.close()
            raise GalleryError(
                f"{path}: the gallery was made with another identification model ({gallery.fingerprint}, in use is "
                f"{fingerprint}); enrol its photos again with the model in use"
            )
        return gallery

    @property
    def name(self) -> str:
        """Where it is kept, for people."""
        return str(self.path)

    def __len__(self) -> int:
        return len(self._references)

    def add(self, embeddings: np.ndarray, entries: Sequence[Entry]) -> list[int]:
        """Add N photos in one transaction; their ids.

        A content (digest) that is already there keeps its id and takes the new labels, place and embedding.

        Args:
            embeddings: float [N, d], unit length.
            entries: N labels.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was added.
            ValueError: if shapes disagree.
        """
        with self.changing() as (connection, touched):
            ids = upsert(connection, embeddings, entries, self.dim)
            touched.update(ids)
        return ids

    def remove(self, ids: Iterable[int]) -> None:
        """Remove photos in one transaction; ids that are not there are passed over.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was removed.
        """
        with self.changing() as (connection, touched):
            touched.update(ids)
            connection.executemany("DELETE FROM reference WHERE id = ?", [(number,) for number in touched])

    @contextmanager
    def changing(self) -> Iterator[tuple[sqlite3.Connection, set[int]]]:
        """One transaction on the file, for this class and for `gallery_steps`.

        The block puts the ids of all references that it adds, changes or removes into the set; these are read anew.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was changed.
        """
        if self.read_only:
            raise GalleryError(f"{self.path}: the gallery is read-only; copy it to a place of your own to change it")
        touched: set[int] = set()
        with self._lock:
            with _faults(self.path), database.transaction(self._database):
                yield self._database, touched
                self._database.execute(_DROP_UNUSED_ROOTS)
            self._forget(touched)
            self._whole = None
            self._load("WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(touched)),))

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:
        """Rows of the file, for `gallery_steps`."""
        with self._lock, _faults(self.path):
            return self._database.execute(sql, values).fetchall()

    def copy_to(self, path: Path) -> None:
        """A copy of the file, which appears whole or not at all.

        Raises:
            GalleryError: if it cannot be written.
        """
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            with self._lock, _faults(part), closing(sqlite3.connect(part)) as copy:
                self._database.backup(copy)
            part.replace(path)
        except OSError as error:
            raise GalleryError(f"{path}: the gallery cannot be written ({error.strerror})") from error

    def search(self, embeddings: np.ndarray, k: int) -> list[list[Neighbour]]:
        """For each of N embeddings [N, d] of unit length, its at most k most similar references, most similar first."""
        with self._lock:
            k = min(k, len(self._references))
            if k == 0 or len(embeddings) == 0:
                return [[] for _ in embeddings]
            similarities, ids = self._index.search(np.ascontiguousarray(embeddings, dtype=np.float32), k)
            return [
                [Neighbour(self._references[number], similarity) for number, similarity in zip(*row, strict=True)]
                for row in zip(ids.tolist(), similarities.tolist(), strict=True)
            ]

    def centre_similarities(self, embeddings: np.ndarray, fine: Sequence[str]) -> np.ndarray:
        """Cosine of N embeddings [N, d] to the centre of each named class: [N, len(fine)]; -inf without references."""
        with self._lock:
            sums = [self._sums.get(name, np.zeros(self.dim, np.float32)) for name in fine]
        return cosines_to_sums(embeddings, np.stack(sums))

    def references(self) -> list[Reference]:
        """All references in the order of their ids."""
        with self._lock:
            return sorted(self._references.values(), key=lambda reference: reference.id)

    def classes(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        return Counter((reference.coarse, reference.fine) for reference in self.references())

    def taxonomy(self, known: Taxonomy) -> Taxonomy:
        """`known` with the classes that only this gallery has after its own."""
        with self._lock:
            if self._whole is None or self._whole[0] is not known:
                classes = sorted((coarse, fine) for coarse, fine in self.classes() if fine is not None)
                self._whole = (known, known.extended(classes))
            return self._whole[1]

    def embeddings(self, ids: Sequence[int]) -> np.ndarray:
        """Embeddings of N references: float32 [N, d], unit length."""
        with self._lock:
            if not ids:
                return np.zeros((0, self.dim), np.float32)
            return np.asarray(self._index.reconstruct_batch(np.array(ids, np.int64)))

    def places(self) -> dict[int, Path]:
        """Where the files of references lay when they were added, by id; of those whose folder is stored."""
        with self._lock:
            return {number: place / self._references[number].path for number, place in self._place_of.items()}

    def entries(self) -> dict[int, Entry]:
        """What is stored of each reference besides its embedding, by id, in the order of the ids."""
        rows = self.query(
            "SELECT reference.id, coarse, fine, source, reference.path, digest, place FROM reference "
            "LEFT JOIN root ON root.id = root ORDER BY reference.id"
        )
        return {
            number: Entry(coarse, fine, source, path, digest, None if place is None else Path(place))
            for number, coarse, fine, source, path, digest, place in rows
        }

    def find(self, digest: str) -> Reference | None:
        """The reference with this content, or None."""
        with self._lock:
            number = self._digests.get(digest)
            return None if number is None else self._references[number]

    def picture(self, reference: Reference, roots: Sequence[Path] = ()) -> Path | None:
        """Where the reference's file is on this computer, or None.

        Args:
            reference: one of this gallery.
            roots: folders to look in besides the one that it was added from.
        """
        place = self._place_of.get(reference.id)
        for root in (*([place] if place is not None else []), *roots):
            picture = (root / reference.path).absolute()
            if picture.is_file():
                return picture
        return None

    def close(self) -> None:
        """Close the file; the gallery is not used after that."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self, where: str = "", values: Sequence[object] = ()) -> None:
        """Take rows of the file into memory; `where` selects from the table reference."""
        rows = self._database.execute(
            "SELECT id, coarse, fine, source, reference.path, digest, place, embedding FROM reference "
            f"LEFT JOIN (SELECT id AS root_id, place FROM root) ON root = root_id {where} ORDER BY id",
            values,
        ).fetchall()
        for number, coarse, fine, source, path, digest, place, _ in rows:
            self._references[number] = Reference(number, coarse, fine, source, path)
            self._digests[digest] = number
            if place is not None:
                self._place_of[number] = Path(place)
        if any(len(row[-1]) != 2 * self.dim for row in rows):
            raise GalleryError(f"{self.path}: the gallery is damaged (an embedding of the wrong length)")
        if rows:
            vectors = np.frombuffer(b"".join(row[-1] for row in rows), np.float16).reshape(len(rows), self.dim)
            unit = vectors.astype(np.float32)
            unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(np.float32).tiny)
            self._index.add_with_ids(unit, np.array([row[0] for row in rows], np.int64))
            for row, vector in zip(rows, unit, strict=True):
                if row[2] is not None:
                    self._sums[row[2]] = self._sums.get(row[2], 0) + vector
                    self._counts[row[2]] += 1

    def _forget(self, ids: Iterable[int]) -> None:
        """Drop references from memory."""
        gone = {number for number in ids if number in self._references}
        if not gone:
            return
        for number in gone:
            fine = self._references.pop(number).fine
            if fine is not None:
                self._sums[fine] = self._sums[fine] - self._index.reconstruct(number)
                self._counts[fine] -= 1
                if not self._counts[fine]:
                    del self._sums[fine]  # what rounding leaves over is no centre
            self._place_of.pop(number, None)
        self._digests = {digest: number for digest, number in self._digests.items() if number not in gone}
        self._index.remove_ids(faiss.IDSelectorBatch(np.array(sorted(gone), np.int64)))


def cosines_to_sums(embeddings: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Cosine of N embeddings [N, d] of unit length to the centres of C classes, given as sums of their members [C, d].

    float32 [N, C]; -inf for a class without members.
    """
    lengths = np.linalg.norm(sums, axis=1)
    similarities = embeddings @ (sums / np.maximum(lengths, np.finfo(np.float32).tiny)[:, None]).T
    similarities[:, lengths == 0] = -np.inf
    return similarities


def _check_format(path: Path, connection: sqlite3.Connection) -> None:
    application, version = database.versions(connection)
    if application != _APPLICATION_ID:
        raise GalleryError(f"{path}: this file is no gallery of Marque")
    if version != SCHEMA:
        raise GalleryError(
            f"{path}: the gallery has format {version}, this program reads format {SCHEMA}; "
            + ("update the program" if version > SCHEMA else "enrol its photos again")
        )


def _read_meta(path: Path, connection: sqlite3.Connection) -> tuple[str, int]:
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    if "fingerprint" not in meta or not meta.get("dim", "").isdecimal():
        raise GalleryError(f"{path}: the gallery is damaged (it does not say which identification model it belongs to)")
    return meta["fingerprint"], int(meta["dim"])


def upsert(connection: sqlite3.Connection, embeddings: np.ndarray, entries: Sequence[Entry], dim: int) -> list[int]:
    """Write N photos inside a transaction of `Gallery.changing`; their ids.

    Raises:
        ValueError: if the embeddings are not [N, dim].
    """
    if embeddings.shape != (len(entries), dim):
        raise ValueError(f"embeddings {embeddings.shape} for {len(entries)} entries of dimension {dim}")
    ids: list[int] = []
    for entry, vector in zip(entries, np.ascontiguousarray(embeddings, dtype=np.float16), strict=True):
        root = root_id(connection, entry.root)
        row = (entry.coarse, entry.fine, entry.source, root, entry.path, entry.digest, vector.tobytes())
        ids += connection.execute(_UPSERT, row).fetchone()
    return ids


def root_id(connection: sqlite3.Connection, root: Path | None) -> int | None:
    """The number of a folder in the file, which gets one where it has none; None for None."""
    if root is None:
        return None
    place = str(root.absolute())
    connection.execute("INSERT OR IGNORE INTO root (place) VALUES (?)", (place,))
    (number,) = connection.execute("SELECT id FROM root WHERE place = ?", (place,)).fetchone()
    return int(number)


def _faults(path: Path) -> AbstractContextManager[None]:
    return database.faults(path, GalleryError, _KIND)
