"""Reference photos: embeddings and labels in one SQLite file, searched in memory by cosine similarity."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from app.core.gallery import change_log, gallery_file, search_index, search_index_file
from app.core.gallery.change_log import Mark
from app.core.gallery.gallery_file import (
    KIND,
    GalleryError,
    OpenGalleryFile,
    Reference,
    ReferenceEntry,
    root_id,
    upsert,
)
from app.core.gallery.holdings import Holdings, cosines_to_sums
from app.core.system import database
from model.contract.taxonomy import Taxonomy, TaxonomyError

__all__ = [
    "Gallery",
    "GalleryError",
    "Neighbour",
    "Reference",
    "ReferenceEntry",
    "root_id",
    "upsert",
]

log = logging.getLogger(__name__)

_LOOSE = 16
"""A new index is made when more than one in this many references has changed, as searching these takes time."""


@dataclass(frozen=True)
class Neighbour:
    """A reference photo and its cosine similarity to the photo in question."""

    reference: Reference
    similarity: float


class Gallery:
    """An open gallery. Safe to use from several threads; an addition or removal is one transaction.

    Attributes:
        path: the file.
        fingerprint: of the identification model that made the embeddings.
        dim: length of an embedding.
        read_only: whether `add` and `remove` are refused.
    """

    def __init__(self, path: Path, file: OpenGalleryFile) -> None:
        """Called by `create` and `open`; loads all references into memory."""
        self.path = path
        self.read_only = file.read_only
        self._lock = threading.RLock()
        self._file, self._database = file, file.connection
        self.fingerprint, self.dim = gallery_file.read_meta(path, self._database)
        self._whole: tuple[Taxonomy, Taxonomy] | None = None
        self._closing = threading.Event()
        self._making: threading.Thread | None = None
        self._roots = gallery_file.read_roots(path, self._database)
        self._holdings = self._load()
        if not self.read_only:
            self._drop_index_of_few()
            self._keep_indexed()

    @classmethod
    def create(cls, path: Path, fingerprint: str, dim: int) -> Self:
        """A new, empty gallery.

        Raises:
            GalleryError: if the file exists or cannot be written.
        """
        gallery_file.create(path, fingerprint, dim)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, fingerprint: str | None = None, read_only: bool = False) -> Self:
        """An existing gallery.

        Args:
            path: the file.
            fingerprint: of the model that will search it; None without one.
            read_only: leave the file and its folder untouched, so that both may be read-only.

        Raises:
            GalleryError: if it is missing, not a gallery, damaged, or made by another identification model.
        """
        file = gallery_file.open_file(path, fingerprint, read_only=read_only)
        try:
            with gallery_file.faults(path), database.bounded(file.place, file.connection):
                return cls(path, file)
        except BaseException:
            file.held.close()
            raise

    @property
    def name(self) -> str:
        """Where it is kept, for people."""
        return str(self.path)

    def __len__(self) -> int:
        return len(self._holdings)

    @property
    def approximation(self) -> str | None:
        """How the search is approximate, for people; None if it is exact."""
        recall = self._holdings.index.recall
        if recall is None:
            return None
        return f"approximate search, {recall.words}"

    def add(self, embeddings: np.ndarray, entries: Sequence[ReferenceEntry]) -> list[int]:
        """Add N photos in one transaction; their ids.

        A content (digest) that the gallery already has keeps its id and takes the new labels, place and embedding.

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
        """Remove photos in one transaction; unknown ids are ignored.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was removed.
        """
        with self.changing() as (connection, touched):
            touched.update(ids)
            connection.executemany("DELETE FROM reference WHERE id = ?", [(number,) for number in touched])

    @contextmanager
    def changing(self) -> Iterator[tuple[sqlite3.Connection, set[int]]]:
        """One transaction on the file, for this class and for `gallery_steps`.

        The block adds the ids of all references that it adds, changes or removes to the set; these are read again.

        Raises:
            GalleryError: if the gallery is read-only or the disk refuses; then nothing was changed.
        """
        if self.read_only:
            raise GalleryError(f"{self.path}: the gallery is read-only; copy it to a place of your own to change it")
        touched: set[int] = set()
        with self._lock:
            with gallery_file.faults(self.path), database.transaction(self._database):
                self._must_be_there()
                yield self._database, touched
                self._must_be_there()
                gallery_file.drop_unused_roots(self._database, touched, self._holdings.roots_without(touched))
            self._whole = None
            self._roots = gallery_file.read_roots(self.path, self._database)
            self._read_again(self._holdings, touched)
            self._keep_indexed()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:
        """Rows of the file, for `gallery_steps`."""
        with self._lock, gallery_file.faults(self.path):
            size = self._must_be_there()
            rows = database.all_rows(self._database.execute(sql, values), size)
        if rows is None:
            raise gallery_file.damaged(self.path, "it claims to hold more than fits into it")
        return rows

    def _must_be_there(self) -> int:
        return database.must_be_same(self.path, self._file.identity, GalleryError, KIND)

    def copy_to(self, path: Path) -> None:
        """A copy of the file, which appears whole or not at all.

        Raises:
            GalleryError: if the place is taken, or it cannot be written.
        """
        with suppress(OSError):  # then the file cannot be made either, which raises there
            path.parent.mkdir(parents=True, exist_ok=True)
        with (
            database.new_file(path, GalleryError, KIND) as part,
            self._lock,
            closing(database.connect(part, "rw")) as copy,
        ):
            self._database.backup(copy)

    def search(self, embeddings: np.ndarray, k: int) -> list[list[Neighbour]]:
        """For each of N embeddings [N, d] of unit length, its at most k most similar references, most similar first."""
        with self._lock:
            k = min(k, len(self._holdings))
            if k == 0 or len(embeddings) == 0:
                return [[] for _ in embeddings]
            found = self._holdings.search(embeddings, k)
        return [[Neighbour(*one) for one in row] for row in found]

    def centre_similarities(self, embeddings: np.ndarray, fine: Sequence[str]) -> np.ndarray:
        """Cosine of N embeddings [N, d] to the centre of each named class: [N, len(fine)]; -inf without references."""
        with self._lock:
            sums = [self._holdings.sum_of(name) for name in fine]
        return cosines_to_sums(embeddings, np.array(sums, np.float32).reshape(len(fine), self.dim))

    def references(self) -> list[Reference]:
        """All references in the order of their ids."""
        with self._lock:
            return self._holdings.references()

    def classes(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        with self._lock:
            return self._holdings.labels()

    def taxonomy(self, known: Taxonomy) -> Taxonomy:
        """`known` with the classes that only this gallery has after them. Raises GalleryError if they cannot be."""
        with self._lock:
            if self._whole is None or self._whole[0] is not known:
                classes = sorted((coarse, fine) for coarse, fine in self.classes() if fine is not None)
                try:
                    self._whole = (known, known.extended(classes))
                except TaxonomyError as error:
                    raise GalleryError(f"{self.path}: the gallery is damaged ({error})") from error
            return self._whole[1]

    def embeddings(self, ids: Sequence[int]) -> np.ndarray:
        """Embeddings of N references: float32 [N, d], unit length."""
        with self._lock:
            return self._holdings.embeddings(ids)

    def places(self) -> dict[int, Path]:
        """Where the files of references were when they were added, by id, if their folder is stored."""
        with self._lock:
            roots = self._holdings.roots()
            if not roots:
                return {}
            found = ((one, self._roots.get(roots.get(one.id, -1))) for one in self.references())
            return {one.id: place / one.path for one, place in found if place is not None}

    def entries(self) -> dict[int, ReferenceEntry]:
        """Everything stored for each reference besides its embedding, by id, in the order of the ids."""
        rows = self.query(
            "SELECT reference.id, coarse, fine, source, reference.path, digest, place FROM reference "
            "LEFT JOIN root ON root.id = root ORDER BY reference.id"
        )
        return {
            number: ReferenceEntry(coarse, fine, source, path, digest, None if place is None else Path(place))
            for number, coarse, fine, source, path, digest, place in rows
        }

    def find(self, digest: str) -> Reference | None:
        """The reference with this content, or None."""
        with self._lock:
            found = self.query("SELECT id FROM reference WHERE digest = ?", (digest,))
            return self._holdings.reference(found[0][0]) if found else None

    def picture(self, reference: Reference, roots: Sequence[Path] = ()) -> Path | None:
        """Where the reference's file is on this computer, or None.

        Args:
            reference: one of this gallery.
            roots: further folders to look in, besides the one that it was added from.
        """
        with self._lock:
            number = self._holdings.root(reference.id)
            own = [self._roots[number]] if number in self._roots else []
        for root in (*own, *roots):
            picture = (root / reference.path).absolute()
            with suppress(OSError):  # a name that is too long for this system
                if picture.is_file():
                    return picture
        return None

    def close(self) -> None:
        """Close the file; the gallery is not used after that. An index that is being made is abandoned."""
        self._closing.set()
        self.finish_index()
        with self._lock:
            self._file.held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def indexing(self) -> bool:
        """Whether an index is being made."""
        with self._lock:
            return self._making is not None and self._making.is_alive()

    def finish_index(self) -> None:
        """Wait until an index that is being made is stored and in use."""
        while self.indexing:
            making = self._making
            if making is not None:
                making.join()

    def _load(self) -> Holdings:
        """All references: by the stored index and what has changed since it was made, else from the file."""
        stored = self._stored_index()
        if stored is not None:
            index, touched = stored
            holdings = Holdings(index, self.dim)
            self._read_again(holdings, touched)
            if len(holdings) > search_index.EXACT:
                return holdings
        return Holdings(search_index.exact(self.path, self._database, self.dim), self.dim)

    def _stored_index(self) -> tuple[search_index.Index, set[int]] | None:
        """The stored index and the references touched since; None if no index belongs to this state of the file."""
        tried: Mark | None = None
        while True:  # another program may store a new one, and end the log of the old one, between the two reads
            stored = search_index_file.read(search_index_file.place_of(self.path), self.dim)
            if stored is None or stored[1] == tried:
                return None
            index, tried = stored
            touched = change_log.since(self._database, tried)
            if touched is not None:
                return index, touched

    def _read_again(self, holdings: Holdings, touched: set[int]) -> None:
        holdings.replace(touched, gallery_file.blocks(self.path, self._database, self.dim, touched))

    def _drop_index_of_few(self) -> None:
        """Remove an index that the gallery, once large, no longer needs."""
        place = search_index_file.place_of(self.path)
        if len(self._holdings) > search_index.EXACT or not place.exists():
            return
        try:
            with gallery_file.faults(self.path), database.transaction(self._database):
                change_log.end(self._database)
            place.unlink(missing_ok=True)
        except (GalleryError, OSError) as error:
            log.warning("a useless search index cannot be removed: %s", error)

    def _keep_indexed(self) -> None:
        """Begin to make an index, in the background, if there are many references without one."""
        holdings = self._holdings
        small = len(holdings) <= search_index.EXACT
        indexed = holdings.index.recall is not None and _LOOSE * holdings.changed <= len(holdings.index)
        if small or indexed or self._making is not None or self._closing.is_set():
            return
        try:
            with gallery_file.faults(self.path), database.transaction(self._database):
                mark = change_log.mark(self._database)
        except GalleryError as error:  # what was asked for is done
            log.warning("no search index is made: %s", error)
            return
        self._making = threading.Thread(target=self._make_index, args=(mark,), name="gallery index", daemon=True)
        self._making.start()

    def _make_index(self, mark: Mark) -> None:
        """In a thread of its own. If it fails the search stays as it is; `_making` keeps it from starting again."""
        try:
            with gallery_file.faults(self.path), closing(database.connect(self.path, "ro")) as connection:
                connection.execute("BEGIN")  # the same state of the file from the first read to the last
                index = search_index.approximate(self.path, connection, self.dim, self._closing.is_set)
            search_index_file.write(search_index_file.place_of(self.path), index, mark)
            with self._lock, gallery_file.faults(self.path):
                touched = change_log.since(self._database, mark)
                if touched is None:  # another program made an index meanwhile
                    return
                holdings = Holdings(index, self.dim)
                self._read_again(holdings, touched)
                self._holdings = holdings
                with database.transaction(self._database):
                    change_log.forget(self._database, mark)
                self._making = None
                self._keep_indexed()
        except search_index.CancelledError:
            return
        except (GalleryError, OSError) as error:
            log.warning("the search index cannot be made or stored: %s", error)
