"""Reference photos: embeddings and labels in one SQLite file, searched in memory by cosine similarity."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import faiss
import numpy as np

SCHEMA = 1
"""The file's `user_version`."""

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

    path: Path
    fingerprint: str
    dim: int
    read_only: bool

    @classmethod
    def create(cls, path: Path, fingerprint: str, dim: int) -> Self:
        """A new, empty gallery.

        Raises:
            GalleryError: if the file exists or cannot be written.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def add(self, embeddings: np.ndarray, entries: Sequence[Entry]) -> list[int]:
        """Add N photos in one transaction; their ids.

        A content (digest) that is already there keeps its id and takes the new labels.

        Args:
            embeddings: float [N, d], unit length.
            entries: N labels.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was added.
            ValueError: if shapes disagree.
        """
        raise NotImplementedError

    def remove(self, ids: Iterable[int]) -> None:
        """Remove photos in one transaction; ids that are not there are passed over.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was removed.
        """
        raise NotImplementedError

    def search(self, embeddings: np.ndarray, k: int) -> list[list[Neighbour]]:
        """For each of N embeddings [N, d] of unit length, its at most k most similar references, most similar first."""
        raise NotImplementedError

    def references(self) -> list[Reference]:
        """All references in the order of their ids."""
        raise NotImplementedError

    def classes(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        raise NotImplementedError

    def digests(self) -> frozenset[str]:
        """The contents that the gallery holds."""
        raise NotImplementedError

    def picture(self, reference: Reference, roots: Sequence[Path] = ()) -> Path | None:
        """Where the reference's file is on this computer, or None.

        Args:
            reference: one of this gallery.
            roots: folders to look in besides the one that it was added from.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; the gallery is not used after that."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
