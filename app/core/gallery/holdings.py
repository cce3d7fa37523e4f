"""The references of an open gallery in memory: an index of most of them, and what has changed since it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import faiss
import numpy as np

from app.core.gallery.gallery_file import Block, Reference
from app.core.gallery.search_index import Index


class Holdings:
    """References that can be searched. Used by one thread at a time.

    The index does not change. What was added or changed since is kept beside it and always searched exactly; rows of
    the index that were changed or removed are skipped.

    Attributes:
        index: of the references as they were when it was made.
    """

    def __init__(self, index: Index, dim: int) -> None:
        self.index = index
        self._dim = dim
        self._live = np.ones(len(index), bool)
        self._gone = 0  # rows that are not live
        self._only: faiss.IDSelector | None = None  # the live rows, if some are not
        self._recent: dict[int, tuple[Reference, int | None]] = {}
        self._vectors = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
        self._sums = dict(index.sums)
        self._labels = index.columns.labels()
        self._in_root = index.columns.in_roots()

    def __len__(self) -> int:
        return len(self.index) - self._gone + len(self._recent)

    def __contains__(self, number: int) -> bool:
        return number in self._recent or self._row(number) is not None

    @property
    def changed(self) -> int:
        """How much has changed since the index: references changed, added and removed."""
        return len(self._recent) + self._gone

    def replace(self, touched: Iterable[int], now: Iterable[Block]) -> None:
        """References were added, changed or removed: `touched` are their ids, `now` those that exist."""
        self._drop({number for number in touched if number in self})
        for block in now:
            self._recent.update(
                (row[0], (Reference(*row[:-1]), row[-1]))
                for row in zip(block.ids, block.coarse, block.fine, block.source, block.path, block.root, strict=True)
            )
            self._labels.update(zip(block.coarse, block.fine, strict=True))
            self._in_root.update(block.root)
            for name, total in _sums_of(block.fine, block.unit).items():
                self._sums[name] = self._sums.get(name, 0) + total
            self._vectors.add_with_ids(block.unit, np.array(block.ids, np.int64))

    def search(self, embeddings: np.ndarray, k: int) -> list[list[tuple[Reference, float]]]:
        """For each of N embeddings [N, d], its at most k most similar references and their cosines, best first."""
        embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        reference = self.index.columns.reference
        of_index = [
            [(reference(row), cosine) for cosine, row in near] for near in self.index.search(embeddings, k, self._only)
        ]
        if not self._recent:
            return of_index
        cosines, ids = self._vectors.search(embeddings, min(k, len(self._recent)))
        return [
            sorted(
                [*first, *((self._recent[number][0], cosine) for number, cosine in zip(*found, strict=True))],
                key=lambda one: -one[1],
            )[:k]
            for first, found in zip(of_index, zip(ids.tolist(), cosines.tolist(), strict=True), strict=True)
        ]

    def reference(self, number: int) -> Reference | None:
        """The reference with this id, or None."""
        if number in self._recent:
            return self._recent[number][0]
        row = self._row(number)
        return None if row is None else self.index.columns.reference(row)

    def references(self) -> list[Reference]:
        """All references in the order of their ids."""
        of_index = self.index.columns.references(np.flatnonzero(self._live))
        recent = [reference for reference, _ in self._recent.values()]
        return sorted([*of_index, *recent], key=lambda one: one.id) if recent else of_index

    def root(self, number: int) -> int | None:
        """Number of a reference's folder, or None."""
        if number in self._recent:
            return self._recent[number][1]
        row = self._row(number)
        return None if row is None else self.index.columns.roots(np.array([row]))[0]

    def roots(self) -> dict[int, int]:
        """id -> number of the folder, for references that have one."""
        rows = np.flatnonzero(self._live)
        pairs = zip(self.index.columns.ids[rows].tolist(), self.index.columns.roots(rows), strict=True)
        found = {number: root for number, root in pairs if root is not None}
        return found | {number: root for number, (_, root) in self._recent.items() if root is not None}

    def roots_without(self, ids: Iterable[int]) -> set[int]:
        """Numbers of the folders of all other references."""
        left = self._in_root - Counter(self.root(number) for number in ids if number in self)
        return {root for root in left if root is not None}

    def embeddings(self, ids: Sequence[int]) -> np.ndarray:
        """Embeddings of N references, in the order given: float32 [N, d]. Raises KeyError if one is missing."""
        result = np.zeros((len(ids), self._dim), np.float32)
        recent = np.array([number in self._recent for number in ids], bool)
        wanted = np.asarray(ids, np.int64)
        rows = self.index.columns.rows(wanted[~recent])
        if len(rows) and (rows.min() < 0 or not self._live[rows].all()):
            raise KeyError("a reference is not in the gallery")
        if len(rows):
            result[~recent] = self.index.embeddings(rows)
        if recent.any():
            result[recent] = self._vectors.reconstruct_batch(wanted[recent])
        return result

    def labels(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        return Counter(self._labels)

    def sum_of(self, fine: str) -> np.ndarray:
        """Sum of the embeddings of a fine class, float32 [d]; zeros without any."""
        return self._sums.get(fine, np.zeros(self._dim, np.float32))

    def _row(self, number: int) -> int | None:
        row = int(self.index.columns.rows([number])[0])
        return row if row >= 0 and self._live[row] else None

    def _drop(self, gone: set[int]) -> None:
        if not gone:
            return
        ids = sorted(gone)
        left = [one for one in map(self.reference, ids) if one is not None]
        for name, total in _sums_of([one.fine for one in left], self.embeddings(ids)).items():
            self._sums[name] = self._sums[name] - total
        self._labels -= Counter((one.coarse, one.fine) for one in left)
        self._in_root -= Counter(map(self.root, ids))
        for name in {one.fine for one in left if one.fine is not None} - {fine for _, fine in self._labels}:
            del self._sums[name]  # what rounding leaves is not a centre
        recent = [number for number in ids if self._recent.pop(number, None) is not None]
        if recent:
            self._vectors.remove_ids(faiss.IDSelectorBatch(np.array(recent, np.int64)))
        rows = self.index.columns.rows(ids)
        self._live[rows[rows >= 0]] = False
        self._gone = len(self._live) - int(np.count_nonzero(self._live))
        chosen = np.packbits(self._live, bitorder="little")
        self._only = None if not self._gone else faiss.IDSelectorBitmap(chosen)  # type: ignore[call-arg,arg-type]


def _sums_of(fine: Sequence[str | None], unit: np.ndarray) -> dict[str, np.ndarray]:
    """For each fine class among N references, the sum of their embeddings [N, d], float32 [d]; None is left out."""
    numbers: dict[str | None, int] = {}
    codes = np.array([numbers.setdefault(name, len(numbers)) for name in fine], np.int64)
    if not len(codes):
        return {}
    order = np.argsort(codes, kind="stable")
    begins = np.searchsorted(codes[order], np.arange(len(numbers)))
    sums = np.add.reduceat(unit[order], begins, axis=0)
    return {name: sums[number] for name, number in numbers.items() if name is not None}


def cosines_to_sums(embeddings: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Cosine of N embeddings [N, d] of unit length to the centres of C classes, given as sums of their members [C, d].

    float32 [N, C]; -inf for a class without members.
    """
    lengths = np.linalg.norm(sums, axis=1)
    similarities = embeddings @ (sums / np.maximum(lengths, np.finfo(np.float32).tiny)[:, None]).T
    similarities[:, lengths == 0] = -np.inf
    return similarities
