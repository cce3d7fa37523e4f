"""A temperature from logits, a threshold from confidences, a bound between two sets of scores."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from model.contract.posterior import softmax


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 that minimises the negative log-likelihood of softmax(logits / T) (Guo et al., ICML 2017)."""

    def cost(log_t: float) -> float:
        return log_loss(softmax(logits / np.exp(log_t)), labels)

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(1e-3), np.log(20.0)), method="bounded").x))


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-probability of the known labels (>= 0); 0 without any."""
    rows = np.flatnonzero(labels >= 0)
    return float(-np.log(np.maximum(probabilities[rows, labels[rows]], 1e-12)).mean()) if len(rows) else 0.0


def threshold_for(confidence: np.ndarray, right: np.ndarray, precision: float) -> float:
    """The smallest confidence from which on at least `precision` of the answers are right.

    "From which on": all answers at or above the threshold together. If no threshold reaches the precision, the largest
    confidence seen.

    Args:
        confidence: [N] in [0, 1].
        right: bool [N].
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    share_right = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last_of_equal = np.append(ranked[1:] != ranked[:-1], True)
    reached = np.flatnonzero((share_right >= precision) & last_of_equal)
    return float(ranked[reached[-1]] if len(reached) else ranked[0])


def separating(known: np.ndarray, others: np.ndarray, most_refused: float = 1.0) -> float:
    """The score from which on a photo counts as known: the best mean of the known kept and the others turned away.

    Args:
        known, others: scores, higher for what is known.
        most_refused: the largest share of the known that may be turned away.
    """
    candidates = np.unique(np.concatenate([known, others]))
    kept = np.array([(known >= candidate).mean() for candidate in candidates])
    turned_away = np.array([(others < candidate).mean() for candidate in candidates])
    allowed = kept >= 1 - most_refused
    return float(candidates[allowed][np.argmax((kept + turned_away)[allowed])])
