"""The SQLite file of a gallery: its tables, what is written into them and what is read from them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from app.core.gallery import change_log
from app.core.system import database
from model.system.errors import MarqueError

SCHEMA = 1
"""The file's `user_version`."""

KIND = "gallery"
_APPLICATION_ID = 0x4D515547  # "MQUG" in the file's header: distinguishes a gallery from other SQLite files
_PAGE = 16384  # bytes

_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE root (id INTEGER PRIMARY KEY, place TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE reference (id INTEGER PRIMARY KEY AUTOINCREMENT, coarse TEXT NOT NULL, fine TEXT, "
    "source TEXT NOT NULL, root INTEGER REFERENCES root (id), path TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, "
    "embedding BLOB NOT NULL) STRICT",
)
STEP_TABLES = (
    "CREATE TABLE IF NOT EXISTS step (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, "
    "undone INTEGER NOT NULL DEFAULT 0) STRICT",
    # without a digest: the reference does not exist on the other side
    "CREATE TABLE IF NOT EXISTS step_row (step INTEGER NOT NULL REFERENCES step (id), reference INTEGER NOT NULL, "
    "coarse TEXT, fine TEXT, source TEXT, place TEXT, path TEXT, digest TEXT, embedding BLOB, "
    "PRIMARY KEY (step, reference)) STRICT",
)
"""Made at the first step that can be undone (app/core/gallery/gallery_steps.py)."""

_LARGEST_DIM = 65_536
_LONGEST_FINGERPRINT = 200  # characters

_UPSERT = """
INSERT INTO reference (coarse, fine, source, root, path, digest, embedding) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET coarse = excluded.coarse, fine = excluded.fine, source = excluded.source,
    root = excluded.root, path = excluded.path, embedding = excluded.embedding
RETURNING id
"""

_BLOCK = 16384  # rows: large enough for numpy, small enough that a million are never in memory as Python objects


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
class ReferenceEntry:
    """A photo to be added.

    Attributes:
        coarse, fine: its labels; fine is None if it is unknown.
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
        unit: embeddings, float32 [N, d], unit length. lengths: their lengths in the file, which float16 has made a
        little longer or shorter, float32 [N].
    """

    ids: Sequence[int]
    coarse: Sequence[str]
    fine: Sequence[str | None]
    source: Sequence[str]
    root: Sequence[int | None]
    path: Sequence[str]
    unit: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class OpenGalleryFile:
    """A gallery's file that is open.

    Attributes:
        connection: to it.
        place: what is open: the file itself, or a temporary copy. read_only: whether changes are refused.
        identity: distinguishes the file from another one of its name.
        held: closed at the end.
    """

    connection: sqlite3.Connection
    place: Path
    read_only: bool
    identity: tuple[int, int]
    held: ExitStack


def create(path: Path, fingerprint: str, dim: int) -> None:
    """Make the file of a new, empty gallery. Raises GalleryError if it exists or cannot be written."""
    with database.new_file(path, GalleryError, KIND) as part:
        fill(part, fingerprint, dim)


def fill(part: Path, fingerprint: str, dim: int) -> None:
    """Turn an empty file into a gallery."""
    meta = {"fingerprint": fingerprint, "dim": str(dim)}
    database.fill(part, _TABLES, meta, application=_APPLICATION_ID, version=SCHEMA, page=_PAGE)


_MORE: tuple[tuple[str, ...], ...] = ((), STEP_TABLES, change_log.BEGIN, STEP_TABLES + change_log.BEGIN)
"""What a gallery may have besides its tables: steps, a log of changes, or both."""


def open_file(path: Path, fingerprint: str | None, *, read_only: bool) -> OpenGalleryFile:
    """Open a gallery's file and check it; like `Gallery.open`, which raises the same."""
    identity = database.must_be_file(path, GalleryError, KIND)
    with ExitStack() as held, faults(path):
        place, mode = path, "rw"
        if read_only:
            # "immutable" makes no -wal and -shm files; if another program is writing, they must be read
            mode = "ro" if path.with_name(path.name + "-wal").exists() else "ro&immutable=1"
            if database.has_journal(path) and not database.can_be_written(path):
                place, mode = held.enter_context(database.temporary_copy(path, GalleryError, KIND)), "rw"
        connection = held.enter_context(closing(database.connect(place, mode)))
        with database.bounded(place, connection):
            check_format(path, connection)
            made_by, _ = read_meta(path, connection)
        if fingerprint not in (None, made_by):
            raise GalleryError(
                f"{path}: the gallery was made with another identification model ({made_by}, the one in use is "
                f"{fingerprint}); enrol its photos again with the model in use"
            )
        return OpenGalleryFile(connection, place, read_only, identity, held.pop_all())


@cache
def _schema(more: tuple[str, ...]) -> database.Schema:
    return database.schema_of(_TABLES, more)


def check_format(path: Path, connection: sqlite3.Connection) -> None:
    """Raises GalleryError if the file is not a gallery that this program reads."""
    application, version = database.versions(connection)
    if application != _APPLICATION_ID:
        raise GalleryError(f"{path}: this file is not a Marque gallery")
    if version != SCHEMA:
        raise GalleryError(
            f"{path}: the gallery has format {version}, this program reads format {SCHEMA}; "
            + ("update the program" if version > SCHEMA else "enrol its photos again")
        )
    found = database.schema(connection)
    if not any(found == _schema(more) for more in _MORE):
        raise GalleryError(f"{path}: this is not a gallery as Marque makes them (its tables differ)")


def read_meta(path: Path, connection: sqlite3.Connection) -> tuple[str, int]:
    """Fingerprint of the identification model and length of an embedding. Raises GalleryError."""
    rows = connection.execute("SELECT key, value FROM meta WHERE key IN ('fingerprint', 'dim')").fetchmany(3)
    meta = {key: str(value) for key, value in rows}
    fingerprint, dim = meta.get("fingerprint", ""), meta.get("dim", "")
    if not 0 < len(fingerprint) <= _LONGEST_FINGERPRINT or not fingerprint.isprintable():
        raise damaged(path, "it does not say which identification model it belongs to")
    if not re.fullmatch("[0-9]{1,5}", dim) or not 0 < int(dim) <= _LARGEST_DIM:
        raise damaged(path, "it does not say how long its embeddings are")
    return fingerprint, int(dim)


def upsert(
    connection: sqlite3.Connection, embeddings: np.ndarray, entries: Sequence[ReferenceEntry], dim: int
) -> list[int]:
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
    """The number of a folder in the file, a new one if needed; None for None."""
    if root is None:
        return None
    place = str(root.absolute())
    connection.execute("INSERT OR IGNORE INTO root (place) VALUES (?)", (place,))
    (number,) = connection.execute("SELECT id FROM root WHERE place = ?", (place,)).fetchone()
    return int(number)


def read_roots(path: Path, connection: sqlite3.Connection) -> dict[int, Path]:
    """The folders by their numbers, without those of another operating system. Raises GalleryError."""
    roots = {}
    for number, place in connection.execute("SELECT id, place FROM root"):
        if not isinstance(place, str) or "\0" in place:
            raise damaged(path, f"'{place!r}' is not a folder")
        if Path(place).is_absolute():
            roots[number] = Path(place)
        elif not (PureWindowsPath(place).is_absolute() or PurePosixPath(place).is_absolute()):
            raise damaged(path, f"the folder '{place[:80]}' is not a full path")
    return roots


def drop_unused_roots(connection: sqlite3.Connection, touched: Iterable[int], used: Iterable[int]) -> None:
    """Remove a root without photos: a gallery that is given away must not reveal where it was made.

    Args:
        connection: in a transaction.
        touched: references that were added, changed or removed.
        used: roots of other references, as far as known. The whole file is read only if one seems to be unused.
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


def count(path: Path, connection: sqlite3.Connection, dim: int) -> int:
    """Number of references. Raises GalleryError if they cannot all be in the file."""
    # not count(*), which cannot be interrupted if a damaged file has no end
    (number,) = connection.execute("SELECT coalesce(sum(1), 0) FROM reference").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    if 2 * dim * number > pages * page:
        raise damaged(path, "it claims to hold more than fits into it")
    return int(number)


def blocks(path: Path, connection: sqlite3.Connection, dim: int, ids: Iterable[int] | None = None) -> Iterator[Block]:
    """All references, or those with these ids that exist, in the order of their ids.

    Raises:
        GalleryError: if a reference is not as Marque writes them.
    """
    where = "" if ids is None else "WHERE id IN (SELECT value FROM json_each(?))"
    cursor = connection.execute(
        f"SELECT id, coarse, fine, source, root, path, embedding FROM reference {where} ORDER BY id",
        () if ids is None else (json.dumps(sorted(ids)),),
    )
    last = 0
    while rows := cursor.fetchmany(_BLOCK):
        numbers, coarse, fine, source, root, files, embeddings = zip(*rows, strict=True)
        _check_columns(path, (coarse, (name for name in fine if name is not None), source), files, root)
        if set(map(type, embeddings)) != {bytes} or set(map(len, embeddings)) != {2 * dim}:
            raise damaged(path, "an embedding of the wrong length")
        if numbers[0] <= last or (np.diff(np.array(numbers, np.int64)) <= 0).any():
            raise damaged(path, "references that repeat endlessly")
        last = numbers[-1]
        unit = np.frombuffer(b"".join(embeddings), np.float16).reshape(len(rows), dim).astype(np.float32)
        lengths = np.maximum(np.linalg.norm(unit, axis=1), np.finfo(np.float32).tiny)
        if not np.isfinite(lengths).all():
            raise damaged(path, "an embedding that is not made of numbers")
        unit /= lengths[:, None]
        yield Block(numbers, coarse, fine, source, root, files, unit, lengths)


def _check_columns(
    path: Path, texts: Iterable[Iterable[str]], files: Sequence[str], roots: Sequence[int | None]
) -> None:
    try:
        for column in texts:
            "".join(column)  # the quickest check that these are texts
        joined = "\0".join(("", *files, ""))
    except TypeError:
        raise damaged(path, "something that is not text where a text belongs") from None
    if joined.count("\0") != len(files) + 1 or "\0/" in joined or "\0../" in joined or "/../" in joined:
        raise damaged(path, "the path of a photo leads out of its folder")
    if not set(map(type, roots)) <= {int, type(None)}:
        raise damaged(path, "something that is not a folder's number")


def damaged(path: Path, what: str) -> GalleryError:
    """The error for a gallery whose tables are right and whose content is not."""
    return GalleryError(
        f"{path}: the gallery is damaged ({what})", advice="take another copy, or enrol its photos again"
    )


def faults(path: Path) -> AbstractContextManager[None]:
    """Turn an error of SQLite into a GalleryError in words for the user."""
    return database.faults(path, GalleryError, KIND)
