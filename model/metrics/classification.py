"""Figures of the classification heads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

_DRAWN = 1_000_000
"""Answers that are drawn at once: so many photos do not need much memory."""


def accuracy(logits: Tensor, labels: Tensor, *, top: int = 1) -> float:
    """Share of the rows with a known label (>= 0) whose label is among the `top` largest logits; else NaN."""
    known = labels >= 0
    if not bool(known.any()):
        return float("nan")
    best = logits[known].topk(min(top, logits.shape[1]), dim=1).indices
    return float((best == labels[known][:, None]).any(dim=1).float().mean())


def macro_accuracy(logits: Tensor, labels: Tensor) -> float:
    """Mean over the classes of each class's accuracy, so that a rare class counts as much as a frequent one."""
    return float(_of_classes(logits, labels)[0].mean())


def macro_standard_error(logits: Tensor, labels: Tensor) -> float:
    """Standard error of `macro_accuracy` for other photos of the same classes, as many of each; NaN without labels.

    sqrt(sum_c a_c (1 - a_c) / n_c) / C, for class c with accuracy a_c of n_c photos. A class of one photo adds nothing
    to it, so it is rather too small if classes have few photos.
    """
    shares, photos = _of_classes(logits, labels)
    return float((shares * (1 - shares) / photos).sum().sqrt() / len(photos))


def _of_classes(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The accuracy and number of photos of each class that has some; empty if no label is known (>= 0)."""
    known = labels >= 0
    right = (logits[known].argmax(dim=1) == labels[known]).float()
    classes, inverse = labels[known].unique(return_inverse=True)
    photos = torch.bincount(inverse, minlength=len(classes))
    return torch.zeros(len(classes)).index_add_(0, inverse, right) / photos, photos


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


def chance_calibration_error(
    probabilities: np.ndarray, *, bins: int = 15, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Calibration errors of answers that are right just as often as they say: their mean, and what 1 in 20 exceeds.

    Few photos in a bin are right more or less often than their mean confidence by chance alone, which the error counts
    (as "consistency resampling", Broecker & Smith, Weather and Forecasting 2007).

    Args:
        probabilities: [N, n_classes].
    """
    if not len(probabilities):
        return float("nan"), float("nan")
    confidence = probabilities.max(axis=1)
    inverse = np.unique(_bins(confidence, bins), return_inverse=True)[1]
    member = np.eye(inverse.max() + 1)[inverse]  # [N, bins that have photos]
    random = np.random.default_rng(seed)
    at_once = max(1, _DRAWN // len(confidence))
    errors = np.concatenate(
        [
            np.abs(((random.random((min(at_once, draws - done), len(confidence))) < confidence) - confidence) @ member)
            for done in range(0, draws, at_once)
        ]
    )
    errors = errors.sum(axis=1) / len(confidence)
    return float(errors.mean()), float(np.quantile(errors, 0.95))


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
    which = _bins(confidence, bins)
    return [
        {
            "photos": int((which == b).sum()),
            "confidence": float(confidence[which == b].mean()),
            "right": float(right[which == b].mean()),
        }
        for b in np.unique(which)
    ]


def _bins(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((confidence * bins).astype(int), bins - 1)


def mean_of(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN without any."""
    kept = [value for value in values if value == value]
    return sum(kept) / len(kept) if kept else float("nan")
