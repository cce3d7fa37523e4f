"""Embeddings as places on a plane: principal components at once, t-SNE step by step from there."""

from __future__ import annotations

from collections.abc import Callable

import faiss
import numpy as np

PERPLEXITY = 30.0
LEAST_FOR_TSNE = 5
"""With fewer points than this there are no neighbourhoods worth unfolding."""
STEPS = 750
"""Iterations of t-SNE: a third pulls neighbours together, the rest spreads them out."""
DIMENSIONS = 50
"""Neighbours are searched for in this many principal components."""

_EARLY = 250
_EVERY = 5  # iterations from one report to the next
_BLOCK = 2000
_SEED = 7

Report = Callable[[int, np.ndarray | None], bool]
"""Takes the iterations done and the places float32 [N, 2] (None during the search for neighbours); False stops."""


class StoppedError(Exception):
    """The report asked to stop."""


def principal_components(vectors: np.ndarray, count: int = 2) -> np.ndarray:
    """Coordinates along the directions of largest variance: float32 [N, count], zeros beyond the rank.

    By the covariance, so that the time grows with N only once. Each axis points to where its largest loading is
    positive, so that the same photos give the same map.

    Args:
        vectors: float32 [N, d].
    """
    result = np.zeros((len(vectors), count), np.float32)
    if not vectors.size:
        return result
    centred = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    taken = axes[:, np.argsort(-values, kind="stable")[:count]]
    taken *= np.where(taken[np.abs(taken).argmax(axis=0), np.arange(taken.shape[1])] < 0, -1.0, 1.0)
    result[:, : taken.shape[1]] = centred @ taken.astype(np.float32)
    return result


def tsne(vectors: np.ndarray, start: np.ndarray, report: Report, threads: int = 1) -> np.ndarray:
    """Unfold neighbourhoods by t-SNE (openTSNE), beginning with the places `start`: float32 [N, 2].

    Args:
        vectors: float32 [N, d], N >= LEAST_FOR_TSNE.
        start: [N, 2], such as the first two principal components.
        report: called before the first and after every few of the STEPS iterations.
        threads: how many processors may be used.

    Raises:
        StoppedError: once `report` returns False.
        ValueError: if there are too few points.
    """
    if len(vectors) < LEAST_FOR_TSNE:
        raise ValueError(f"t-SNE needs {LEAST_FOR_TSNE} points or more, not {len(vectors)}")
    # imported here, as it takes a second with all that it brings
    from openTSNE import OptimizationInterrupt, TSNEEmbedding, affinity, nearest_neighbors

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    near, distances = _neighbours(vectors, int(3 * perplexity), report)
    index = nearest_neighbors.PrecomputedNeighbors(near, distances)
    affinities = affinity.PerplexityBasedNN(perplexity=perplexity, knn_index=index, n_jobs=threads)
    embedding = TSNEEmbedding(_beginning(start), affinities, n_jobs=threads, random_state=_SEED)
    before = 0

    def stop(iteration: int, _error: float, places: np.ndarray) -> bool:
        return not report(before + iteration, np.array(places, np.float32))

    for iterations, exaggeration in ((_EARLY, 12), (STEPS - _EARLY, 1)):
        try:
            embedding.optimize(
                *(iterations, True, True),  # in place; an interruption raises
                exaggeration=exaggeration,
                momentum=0.8,
                callbacks=stop,
                callbacks_every_iters=_EVERY,
            )
        except OptimizationInterrupt:
            raise StoppedError from None
        before += iterations
    return np.array(embedding, np.float32)


def fitted(places: np.ndarray) -> np.ndarray:
    """The same places float32 [N, 2], moved and scaled alike in both directions into -1 to 1."""
    if not len(places):
        return places.astype(np.float32)
    low, high = places.min(axis=0), places.max(axis=0)
    reach = float((high - low).max()) / 2
    return ((places - (low + high) / 2) / (reach or 1.0)).astype(np.float32)


def inside(places: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which of the places [N, 2] are inside a closed polygon [M, 2], by even and odd crossings: bool [N]."""
    result = np.zeros(len(places), bool)
    if len(polygon) < 3:
        return result
    near = np.flatnonzero(((places >= polygon.min(axis=0)) & (places <= polygon.max(axis=0))).all(axis=1))
    near = near[np.argsort(places[near, 1])]
    x, y = places[near, 0], places[near, 1]
    crossed = np.zeros(len(near), bool)
    for (x0, y0), (x1, y1) in zip(polygon.tolist(), np.roll(polygon, -1, axis=0).tolist(), strict=True):
        if y0 != y1:
            beside = slice(*np.searchsorted(y, sorted((y0, y1))))  # an edge only affects points at its height
            crossed[beside] ^= x[beside] < (x1 - x0) * (y[beside] - y0) / (y1 - y0) + x0
    result[near] = crossed
    return result


def _beginning(start: np.ndarray) -> np.ndarray:
    """The start that t-SNE needs: tiny, with no two points at the same place."""
    noise = np.random.default_rng(_SEED).normal(0, 1e-2, start.shape)
    scale = float(start.std(axis=0).max()) or 1.0
    return 1e-4 * (start / scale + noise)


def _neighbours(vectors: np.ndarray, k: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of each point without itself: places int64 [N, k] and distances float64 [N, k]."""
    reduced = vectors
    if vectors.shape[1] > DIMENSIONS:
        reduced = principal_components(vectors, DIMENSIONS)
    reduced = np.ascontiguousarray(reduced, np.float32)
    index = faiss.IndexFlatL2(reduced.shape[1])
    index.add(reduced)
    near, squares = np.zeros((len(reduced), k), np.int64), np.zeros((len(reduced), k))
    for first in range(0, len(reduced), _BLOCK):
        if not report(0, None):
            raise StoppedError
        rows = np.arange(first, min(first + _BLOCK, len(reduced)))
        found_squares, found = index.search(reduced[rows], k + 1)
        own = found == rows[:, None]
        own[~own.any(axis=1), -1] = True  # among more than k twins a point may not find itself
        near[rows], squares[rows] = found[~own].reshape(-1, k), found_squares[~own].reshape(-1, k)
    return near, np.sqrt(np.maximum(squares, 0))
