"""The search index over the references of a gallery at one time: exact, or approximate if there are very many.

The approximate one is an inverted file (FAISS `IndexIVFScalarQuantizer`): references are sorted into sqrt(N) cells
around centres found by k-means, and only the cells nearest to the photo in question are searched, with the
embeddings as float16, as the gallery's file has them. A graph (HNSW, 32 links) of 200,000 references took 82 s to
build, while this takes 1.6 s, and more than twice the memory; both answer in a millisecond.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from app.core.gallery.gallery_file import blocks, count
from app.core.gallery.reference_columns import Gathering, ReferenceColumns

EXACT = 100_000
"""The most references that are searched exactly: this takes 8 to 12 ms, in proportion to their number, on the one core
that
FAISS gives to the search of one photo."""

RECALL = 0.99
"""Share of the true 10 nearest that the approximate search must find; more cells are searched until it does."""

_K = 10
_SAMPLE = 200  # references that recall is measured on
_LEAST_PROBED = 64  # cells: a new photo may be farther from the centres than the references that recall is measured on
_SPARE = 6  # found in addition, as the order changes when products are divided by the lengths
_SAME = 1e-6  # cosines this close are the same in float32
_TRAINED_ON = 64  # references for each centre
_TURNS = 10  # of k-means
_SEED = 5


class CancelledError(Exception):
    """The index was abandoned while it was being made."""


@dataclass(frozen=True)
class Recall:
    """The share of the true 10 nearest that the approximate search finds, on average over `sample` references."""

    value: float
    sample: int

    @property
    def words(self) -> str:
        """For people."""
        return f"recall@10 {self.value:.3f} measured on {self.sample} references"


@dataclass(frozen=True, eq=False)
class Index:
    """N references ready to be searched; does not change.

    Attributes:
        columns: what they are.
        vectors: FAISS index of them by inner product; its ids are rows of `columns`.
        sums: the sum of the embeddings of each fine class, float32 [d]. lengths: of the embeddings in `vectors`,
        float32 [N]; None if they are unit vectors. recall: None if the search is exact.
    """

    columns: ReferenceColumns
    vectors: Any  # the stubs of FAISS lack the attributes of an inverted file
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    lengths: np.ndarray | None = None
    recall: Recall | None = None

    def __len__(self) -> int:
        return len(self.columns)

    def search(
        self, embeddings: np.ndarray, k: int, only: faiss.IDSelector | None = None
    ) -> list[list[tuple[float, int]]]:
        """(cosine, row) of the at most k nearest to each of M embeddings, best first.

        The few results are handled without numpy, whose code the search has driven out of the processor's cache.

        Args:
            embeddings: float32 [M, d], unit length.
            k: at least one.
            only: the rows to search, None for all.
        """
        # without a choice of rows no parameters are passed: beside torch, FAISS may have a search that takes none
        if self.lengths is None:
            exactly = {} if only is None else {"params": faiss.SearchParameters(sel=only)}  # type: ignore[call-arg]
            cosines, rows = self.vectors.search(embeddings, k, **exactly)
            return [
                [(cosine, row) for cosine, row in zip(*near, strict=True) if row >= 0]
                for near in zip(cosines.tolist(), rows.tolist(), strict=True)
            ]
        cells = {}
        if only is not None:
            cells["params"] = faiss.SearchParametersIVF(sel=only, nprobe=self.vectors.nprobe)  # type: ignore[call-arg]
        products, rows = self.vectors.search(embeddings, k + _SPARE, **cells)
        lengths = self.lengths.data
        found = [
            [(product / lengths[row], row) for product, row in zip(*near, strict=True) if row >= 0]
            for near in zip(products.tolist(), rows.tolist(), strict=True)
        ]
        return [sorted(near, key=itemgetter(0), reverse=True)[:k] for near in found]

    def embeddings(self, rows: np.ndarray) -> np.ndarray:
        """Embeddings of N rows, N > 0: float32 [N, d], unit length."""
        found = np.asarray(self.vectors.reconstruct_batch(rows))
        return found if self.lengths is None else found / self.lengths[rows, None]


def exact(path: Path, connection: sqlite3.Connection, dim: int) -> Index:
    """All references of a gallery's file, searched exactly. Raises GalleryError."""
    gathering, vectors = Gathering(), faiss.IndexFlatIP(dim)
    # reserved, as it would otherwise be copied again and again while it grows
    vectors.codes.resize(count(path, connection, dim) * vectors.code_size)
    vectors.codes.clear()
    for block in blocks(path, connection, dim):
        gathering.add(block)
        vectors.add(block.unit)
    return _with_sums(Index(gathering.columns(), vectors))


def approximate(path: Path, connection: sqlite3.Connection, dim: int, cancelled: Callable[[], bool]) -> Index:
    """All references of a gallery's file, more than ten, searched approximately; takes half a minute for a million.

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
    queries = _some(path, connection, dim, chance.choice(ids, min(_SAMPLE, len(ids)), replace=False))
    gathering, lengths = Gathering(), []
    best = np.zeros((len(queries), 0), np.float32)
    for block in blocks(path, connection, dim):
        if cancelled():
            raise CancelledError
        near, _ = faiss.knn(queries, block.unit, min(_K + 1, len(block.ids)), metric=faiss.METRIC_INNER_PRODUCT)
        best = -np.sort(-np.concatenate([best, near], axis=1), axis=1)[:, : _K + 1]
        gathering.add(block)
        lengths.append(block.lengths)
        vectors.add(block.unit * block.lengths[:, None])  # float16 holds exactly what is in the file
    vectors.make_direct_map()
    index = Index(gathering.columns(), vectors, lengths=np.concatenate(lengths))
    return _with_sums(replace(index, recall=_probe_until_good(index, queries, best[:, -1])))


def _with_sums(index: Index) -> Index:
    return replace(index, sums={name: index.embeddings(rows).sum(axis=0) for name, rows in index.columns.by_fine()})


def empty(dim: int, cells: int) -> Any:
    """An empty inverted file, without centres and references."""
    return faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, cells, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )


def _some(path: Path, connection: sqlite3.Connection, dim: int, ids: np.ndarray) -> np.ndarray:
    found = blocks(path, connection, dim, ids.tolist())
    return np.concatenate([np.zeros((0, dim), np.float32), *(block.unit for block in found)])


def _probe_until_good(index: Index, queries: np.ndarray, least: np.ndarray) -> Recall:
    """Set the number of searched cells that the recall needs; the recall.

    Args:
        index: approximate.
        queries: embeddings of M references, each of which is the nearest to itself and does not count.
        least: cosine of the 10th nearest other, float32 [M].
    """
    vectors = index.vectors
    vectors.nprobe = min(_LEAST_PROBED, vectors.nlist)
    while True:
        recall = recall_at_10([[cosine for cosine, _ in one] for one in index.search(queries, _K + 1)], least)
        if recall.value >= RECALL or vectors.nprobe == vectors.nlist:
            return recall
        vectors.nprobe = min(2 * vectors.nprobe, vectors.nlist)


def recall_at_10(found: Sequence[Sequence[float]], least: Sequence[float] | np.ndarray) -> Recall:
    """Recall of searches for references; each also finds itself, which does not count.

    Whatever is as near as the true 10th counts as found.

    Args:
        found: cosines of the 11 that each of M searches has found.
        least: for each the cosine of its true 10th nearest other.
    """
    good = [sum(cosine >= true - _SAME for cosine in one) - 1 for one, true in zip(found, least, strict=True)]
    return Recall(float(np.mean(np.clip(good, 0, _K) / _K)), len(good))
