"""The search index over the references of a gallery at one time: exact, or approximate where there are very many.

The approximate one is an inverted file (FAISS `IndexIVFScalarQuantizer`): references are sorted into sqrt(N) cells
around centres found by k-means, and only the cells nearest to the photo that is asked about are searched, with the
embeddings as float16, as the gallery's file has them. A graph (HNSW) was no faster at the same recall, and took more
than twice the memory and fifty times as long to build.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from app.core.gallery_columns import Columns, Gathering
from app.core.gallery_file import blocks

EXACT = 200_000
"""Most references that are searched exactly: beyond them one search takes longer than 15 ms on one core."""

RECALL = 0.99
"""Part of the true 10 nearest that the approximate search is to find; more cells are searched until it does."""

_K = 10
_SAMPLE = 200  # references that recall is measured on
_LEAST_PROBED = 64  # cells: a new photo may lie farther from the centres than the references that recall is measured on
_TRAINED_ON = 64  # references for each centre
_TURNS = 10  # of k-means
_SEED = 5


class CancelledError(Exception):
    """The index was given up while it was being made."""


@dataclass(frozen=True)
class Recall:
    """What part of the true 10 nearest others the approximate search finds, on average over `sample` references."""

    value: float
    sample: int


@dataclass(frozen=True, eq=False)
class Index:
    """N references ready to be searched; does not change.

    Attributes:
        columns: what they are.
        vectors: FAISS index of them by inner product; its ids are rows of `columns`.
        sums: of each fine class the sum of its embeddings, float32 [d].
        recall: None where the search is exact.
    """

    columns: Columns
    vectors: Any  # the stubs of FAISS do not have what an inverted file has
    sums: dict[str, np.ndarray]
    recall: Recall | None = None

    def __len__(self) -> int:
        return len(self.columns)

    def labels(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""
        return self.columns.labels(np.arange(len(self)))

    def only(self, live: np.ndarray) -> Any:
        """Parameters of `vectors.search` to look only at rows where `live`, bool [N], holds."""
        chosen = faiss.IDSelectorBitmap(np.packbits(live, bitorder="little"))  # type: ignore[call-arg,arg-type]
        if self.recall is None:
            return faiss.SearchParameters(sel=chosen)  # type: ignore[call-arg]
        return faiss.SearchParametersIVF(sel=chosen, nprobe=self.vectors.nprobe)  # type: ignore[call-arg]


def exact(path: Path, connection: sqlite3.Connection, dim: int) -> Index:
    """All references of a gallery's file, searched exactly. Raises GalleryError."""
    gathering, vectors = Gathering(), faiss.IndexFlatIP(dim)
    for block in blocks(path, connection, dim):
        gathering.add(block)
        vectors.add(block.unit)
    return Index(gathering.columns(), vectors, gathering.sums())


def approximate(path: Path, connection: sqlite3.Connection, dim: int, cancelled: Callable[[], bool]) -> Index:
    """All references of a gallery's file, at least one, searched approximately; takes half a minute for a million.

    Raises:
        GalleryError: if the file cannot be read.
        CancelledError: soon after `cancelled` answers True.
    """
    ids = np.array([number for (number,) in connection.execute("SELECT id FROM reference ORDER BY id")], np.int64)
    chance = np.random.default_rng(_SEED)
    cells = math.isqrt(len(ids))
    vectors = empty(dim, cells)
    vectors.cp.niter, vectors.cp.seed, vectors.cp.min_points_per_centroid = _TURNS, _SEED, 1
    vectors.train(_some(path, connection, dim, chance.choice(ids, min(_TRAINED_ON * cells, len(ids)), replace=False)))
    asked = np.sort(chance.choice(len(ids), min(_SAMPLE, len(ids)), replace=False))
    queries = _some(path, connection, dim, ids[asked])
    gathering = Gathering()
    best = _Best(len(queries))
    for block in blocks(path, connection, dim):
        if cancelled():
            raise CancelledError
        best.add(*faiss.knn(queries, block.unit, _K + 1, metric=faiss.METRIC_INNER_PRODUCT), vectors.ntotal)
        gathering.add(block)
        vectors.add(block.unit)
    vectors.make_direct_map()
    recall = _probe_until_good(vectors, queries, asked, best.rows)
    return Index(gathering.columns(), vectors, gathering.sums(), recall)


def empty(dim: int, cells: int) -> Any:
    """An inverted file without centres and references."""
    return faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, cells, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )


class _Best:
    """The nearest of all blocks seen so far."""

    def __init__(self, count: int) -> None:
        self._cosines = np.zeros((count, 0), np.float32)
        self.rows = np.zeros((count, 0), np.int64)

    def add(self, cosines: np.ndarray, rows: np.ndarray, begin: int) -> None:
        """What was found in a block, [N, k] each; rows of a block start at `begin`, -1 is none."""
        cosines = np.concatenate([self._cosines, np.where(rows < 0, -np.inf, cosines)], axis=1)
        rows = np.concatenate([self.rows, np.where(rows < 0, -1, rows + begin)], axis=1)
        order = np.argsort(-cosines, axis=1, kind="stable")[:, : _K + 1]
        self._cosines = np.take_along_axis(cosines, order, axis=1)
        self.rows = np.take_along_axis(rows, order, axis=1)


def _some(path: Path, connection: sqlite3.Connection, dim: int, ids: Sequence[int] | np.ndarray) -> np.ndarray:
    found = blocks(path, connection, dim, map(int, ids))
    return np.concatenate([np.zeros((0, dim), np.float32), *(block.unit for block in found)])


def _probe_until_good(vectors: Any, queries: np.ndarray, own: np.ndarray, true: np.ndarray) -> Recall:
    """Have as many cells searched as recall asks for; the recall.

    Args:
        queries: embeddings of M references.
        own: their rows; a reference is no neighbour of its own.
        true: rows of the nearest ones [M, 11], most similar first.
    """
    wanted = [_others(rows, row) for rows, row in zip(true.tolist(), own.tolist(), strict=True)]
    vectors.nprobe = min(_LEAST_PROBED, vectors.nlist)
    while True:
        _, found = vectors.search(queries, _K + 1)
        parts = [
            len(_others(rows, row) & expected) / max(len(expected), 1)
            for rows, row, expected in zip(found.tolist(), own.tolist(), wanted, strict=True)
        ]
        recall = Recall(float(np.mean(parts)), len(parts))
        if recall.value >= RECALL or vectors.nprobe == vectors.nlist:
            return recall
        vectors.nprobe = min(2 * vectors.nprobe, vectors.nlist)


def _others(rows: list[int], own: int) -> set[int]:
    return set([row for row in rows if row not in (own, -1)][:_K])
