"""Retrieval and classification figures. A query never counts itself among its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor


def recall_at_k(embeddings: Tensor, labels: Tensor, ks: Sequence[int], *, block: int = 1024) -> dict[int, float]:
    """Leave-one-out Recall@k: the share of queries with an item of their own class among their k nearest others.

    Queries whose class has no other item are left out, as they cannot be found. Equal similarities are ordered by row
    number. Blocks of queries keep the memory at `block` x N.

    Args:
        embeddings: unit length, [N, d].
        labels: int64 [N]; negative = unknown, neither query nor item.

    Returns:
        k -> recall in [0, 1]; NaN where there is no query.
    """
    known = labels >= 0
    z, y = embeddings[known].float(), labels[known]
    counts = torch.bincount(y, minlength=1) if len(y) else torch.zeros(1, dtype=torch.long)
    queries = torch.nonzero(counts[y] > 1).squeeze(1) if len(y) else torch.zeros(0, dtype=torch.long)
    if not len(queries):
        return dict.fromkeys(ks, float("nan"))
    hits = dict.fromkeys(ks, 0)
    depth = min(max(ks), len(y) - 1)
    for rows in queries.split(block):
        similarity = z[rows] @ z.T
        similarity[torch.arange(len(rows)), rows] = -torch.inf
        order = similarity.argsort(dim=1, descending=True, stable=True)[:, :depth]
        found = y[order] == y[rows][:, None]
        for k in ks:
            hits[k] += int(found[:, :k].any(dim=1).sum())
    return {k: hits[k] / len(queries) for k in ks}


def accuracy(logits: Tensor, labels: Tensor, *, top: int = 1) -> float:
    """Share of the rows with a known label (>= 0) whose label is among the `top` largest logits; NaN where none is."""
    known = labels >= 0
    if not bool(known.any()):
        return float("nan")
    best = logits[known].topk(min(top, logits.shape[1]), dim=1).indices
    return float((best == labels[known][:, None]).any(dim=1).float().mean())


def macro_accuracy(logits: Tensor, labels: Tensor) -> float:
    """Mean over the classes of each class's accuracy, so that a rare class counts as much as a frequent one."""
    known = labels >= 0
    if not bool(known.any()):
        return float("nan")
    right = (logits[known].argmax(dim=1) == labels[known]).float()
    classes, inverse = labels[known].unique(return_inverse=True)
    sums = torch.zeros(len(classes)).index_add_(0, inverse, right)
    return float((sums / torch.bincount(inverse)).mean())


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, *, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their size (Guo et al., ICML 2017).

    Args:
        probabilities: [N, n_classes].
        labels: [N], all known.
    """
    if not len(labels):
        return float("nan")
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = 0.0
    for b in np.unique(which):
        rows = which == b
        gap += rows.mean() * abs(confidence[rows].mean() - right[rows].mean())
    return float(gap)


def mean_of(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN where there is none."""
    kept = [value for value in values if value == value]
    return sum(kept) / len(kept) if kept else float("nan")
