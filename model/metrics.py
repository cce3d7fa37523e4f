"""Figures of the classification heads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor


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
    table = reliability(probabilities, labels, bins=bins)
    return sum(row["photos"] * abs(row["confidence"] - row["right"]) for row in table) / len(labels)


def reliability(probabilities: np.ndarray, labels: np.ndarray, *, bins: int = 15) -> list[dict[str, float]]:
    """For each equal-width bin of the confidence that has photos: their number, mean confidence and share right.

    Args:
        probabilities: [N, n_classes].
        labels: [N], all known.
    """
    if not len(labels):
        return []
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "photos": int((which == b).sum()),
            "confidence": float(confidence[which == b].mean()),
            "right": float(right[which == b].mean()),
        }
        for b in np.unique(which)
    ]


def mean_of(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN where there is none."""
    kept = [value for value in values if value == value]
    return sum(kept) / len(kept) if kept else float("nan")
