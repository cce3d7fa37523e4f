"""How alike photos look, by their embeddings: which ones stand out in their class, which are most like a given one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def over_rows(
    ids: np.ndarray, embeddings: np.ndarray, labels: np.ndarray, all_ids: np.ndarray, to: int | None
) -> np.ndarray:
    """How alike all photos of a list are to one of them, or (for None) each to its own class: float32 over `all_ids`.

    Args:
        ids: int64 [N], of the photos that have an embedding, ascending.
        embeddings: float32 [N, d], unit length.
        labels: int over `all_ids`.
        all_ids: int64, of the whole list, ascending. to: a photo's number.
    """
    rows = np.searchsorted(all_ids, ids)
    inside = rows < len(all_ids)
    ids, embeddings, rows = ids[inside], embeddings[inside], rows[inside]
    if to is None:
        values = to_own_class(embeddings, labels[rows])
    else:
        place = int(np.searchsorted(ids, to))
        known = place < len(ids) and ids[place] == to
        values = to_one(embeddings, place) if known else np.zeros(len(ids), np.float32)
    return spread(ids, values, all_ids)


def to_own_class(embeddings: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cosine of each photo to the centre of those that are shown as the same class, itself left out: float32 [N].

    The lowest stand out. A photo that is alone in its class has the highest value, 1.

    Args:
        embeddings: float32 [N, d], unit length.
        labels: int [N].
    """
    result = np.ones(len(labels), np.float32)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            continue
        vectors = embeddings[members]
        others = vectors.sum(axis=0) - vectors
        lengths = np.maximum(np.linalg.norm(others, axis=1), np.finfo(np.float32).tiny)
        result[members] = (vectors * others).sum(axis=1) / lengths
    return result


def to_one(embeddings: np.ndarray, row: int) -> np.ndarray:
    """Cosine of each photo to that in `row`: float32 [N]; 2 for itself, so that no rounding puts another before it."""
    result = embeddings @ embeddings[row]
    result[row] = 2.0
    return result


def spread(ids: np.ndarray, values: np.ndarray, all_ids: np.ndarray) -> np.ndarray:
    """Values of some photos over all of them: float32 [N], NaN for the others. Both lists of ids ascend."""
    result = np.full(len(all_ids), np.nan, np.float32)
    places = np.searchsorted(all_ids, ids)
    inside = places < len(all_ids)
    inside[inside] = all_ids[places[inside]] == ids[inside]
    result[places[inside]] = values[inside]
    return result


def most_similar(
    embeddings: np.ndarray, among: np.ndarray, k: int, rows: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k most similar of some photos for each of N: places in `among` int64 [N, k] and cosines, most similar first.

    In blocks, so that memory does not grow with N times the number of `among`.
    """
    k = min(k, len(among))
    wanted = embeddings if rows is None else embeddings[np.asarray(rows)]
    places, cosines = np.zeros((len(wanted), k), np.int64), np.zeros((len(wanted), k), np.float32)
    block = max(1, 4_000_000 // max(len(among), 1))
    for start in range(0, len(wanted), block):
        found = wanted[start : start + block] @ among.T
        best = np.argpartition(-found, k - 1, axis=1)[:, :k] if k < found.shape[1] else np.argsort(-found, axis=1)
        values = np.take_along_axis(found, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        places[start : start + block] = np.take_along_axis(best, order, axis=1)
        cosines[start : start + block] = np.take_along_axis(values, order, axis=1)
    return places, cosines
