"""The SQLite file of a gallery: its tables, what is written into them and what is read from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core import database
from model.errors import MarqueError

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

_UPSERT = """
INSERT INTO reference (coarse, fine, source, root, path, digest, embedding) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET coarse = excluded.coarse, fine = excluded.fine, source = excluded.source,
    root = excluded.root, path = excluded.path, embedding = excluded.embedding
RETURNING id
"""

_BLOCK = 16384  # rows: large enough for numpy, small enough that a million never are in memory as objects of Python


class GalleryError(MarqueError):
    """A gallery that cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A photo of the gallery. `path` is relative to one of the gallery's folders, with forward slashes."""

    id: int
    coarse: str
    fine: str | None
    source: str
    path: str


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


@dataclass(frozen=True, eq=False)
class Block:
    """N rows of the file: values of each column, and their embeddings.

    Attributes:
        unit: embeddings, float32 [N, d], unit length.
        lengths: that they have in the file, where float16 has left them a little longer or shorter, float32 [N].
    """

    ids: Sequence[int]
    coarse: Sequence[str]
    fine: Sequence[str | None]
    source: Sequence[str]
    root: Sequence[int | None]
    path: Sequence[str]
    unit: np.ndarray
    lengths: np.ndarray


def create(path: Path, fingerprint: str, dim: int) -> None:
    """Make the file of a new, empty gallery. Raises GalleryError if it exists or cannot be written."""
    database.create(
        path,
        _TABLES,
        {"fingerprint": fingerprint, "dim": str(dim)},
        application=_APPLICATION_ID,
        version=SCHEMA,
        fault=GalleryError,
        kind=_KIND,
        page=16384,
    )


def check_format(path: Path, connection: sqlite3.Connection) -> None:
    """Raises GalleryError if the file is none that this program reads."""
    application, version = database.versions(connection)
    if application != _APPLICATION_ID:
        raise GalleryError(f"{path}: this file is no gallery of Marque")
    if version != SCHEMA:
        raise GalleryError(
            f"{path}: the gallery has format {version}, this program reads format {SCHEMA}; "
            + ("update the program" if version > SCHEMA else "enrol its photos again")
        )


def read_meta(path: Path, connection: sqlite3.Connection) -> tuple[str, int]:
    """Fingerprint of the identification model and length of an embedding. Raises GalleryError."""
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


def read_roots(connection: sqlite3.Connection) -> dict[int, Path]:
    """The folders by their numbers."""
    return {number: Path(place) for number, place in connection.execute("SELECT id, place FROM root")}


def drop_unused_roots(connection: sqlite3.Connection, touched: Iterable[int], used: Iterable[int]) -> None:
    """A root whose last photo has gone goes too: a gallery to be given away must not tell where it was made.

    Args:
        connection: in a transaction.
        touched: references that were added, changed or removed.
        used: roots of others, as far as known. Only where one seems to be left over is the whole file looked through.
    """
    rows = "SELECT root FROM reference WHERE id IN (SELECT value FROM json_each(?))"
    kept = {*used, *(root for (root,) in connection.execute(rows, (json.dumps(list(touched)),)))}
    unused = [number for (number,) in connection.execute("SELECT id FROM root") if number not in kept]
    if unused:
        connection.execute(
            "DELETE FROM root WHERE id IN (SELECT value FROM json_each(?)) "
            "AND id NOT IN (SELECT root FROM reference WHERE root IS NOT NULL)",
            (json.dumps(unused),),
        )


def count(connection: sqlite3.Connection) -> int:
    """Number of references."""
    (number,) = connection.execute("SELECT count(*) FROM reference").fetchone()
    return int(number)


def blocks(path: Path, connection: sqlite3.Connection, dim: int, ids: Iterable[int] | None = None) -> Iterator[Block]:
    """All references, or those of these ids that are there, in the order of their ids.

    Raises:
        GalleryError: if an embedding has the wrong length.
    """
    where = "" if ids is None else "WHERE id IN (SELECT value FROM json_each(?))"
    cursor = connection.execute(
        f"SELECT id, coarse, fine, source, root, path, embedding FROM reference {where} ORDER BY id",
        () if ids is None else (json.dumps(sorted(ids)),),
    )
    while rows := cursor.fetchmany(_BLOCK):
        numbers, coarse, fine, source, root, files, embeddings = zip(*rows, strict=True)
        if set(map(len, embeddings)) != {2 * dim}:
            raise GalleryError(f"{path}: the gallery is damaged (an embedding of the wrong length)")
        unit = np.frombuffer(b"".join(embeddings), np.float16).reshape(len(rows), dim).astype(np.float32)
        lengths = np.maximum(np.linalg.norm(unit, axis=1), np.finfo(np.float32).tiny)
        unit /= lengths[:, None]
        yield Block(numbers, coarse, fine, source, root, files, unit, lengths)


def faults(path: Path) -> AbstractContextManager[None]:
    """Word what SQLite raises for the user, as GalleryError."""
    return database.faults(path, GalleryError, _KIND)
