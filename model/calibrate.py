"""Temperatures and thresholds, chosen on the validation photos of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

from model.bundle import Calibration, Thresholds
from model.data.splits import Split
from model.evaluate import infer_samples, part_of, trained_network
from model.labels import encode
from model.metrics import expected_calibration_error
from model.run import Run, write_json

FINE_PRECISION = 0.90
COARSE_PRECISION = 0.95
FAMILIAR = 0.99
"""Share of the validation photos that the similarity threshold must leave as known."""
MIN_PHOTOS = 30
"""Fewer photos than this say too little: temperature 1 and the plain thresholds stay."""


def temperature(logits: Tensor, labels: Tensor) -> float:
    """The T > 0 that minimises the negative log-likelihood of softmax(logits / T) (Guo et al., ICML 2017)."""

    def cost(log_t: float) -> float:
        return float(F.cross_entropy(logits / np.exp(log_t), labels))

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def threshold_for(confidence: np.ndarray, right: np.ndarray, precision: float) -> float:
    """The smallest confidence from which on at least `precision` of the answers are right.

    "From which on": all answers at or above the threshold together. Where no threshold reaches the precision, the
    largest confidence seen.

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


def calibrate(run: Run) -> tuple[Calibration, Thresholds, dict[str, Any]]:
    """Choose temperatures and thresholds and write them, with the figures that they rest on, into the run.

    The similarity threshold is the cosine to the nearest training photo that 99 % of the validation photos exceed.

    Raises:
        RunError, PhotoError: as `model.evaluate.evaluate`.
    """
    config, network = run.config(), trained_network(run)
    samples = part_of(run, Split.VALIDATION)
    calibration, thresholds = Calibration(), Thresholds()
    facts: dict[str, Any] = {"photos": len(samples)}
    if len(samples) >= MIN_PHOTOS:
        output = infer_samples(network, samples, config)
        labels = encode(samples, run.taxonomy())
        t_coarse, coarse, coarse_facts = _head(output.coarse_logits, labels.coarse, COARSE_PRECISION)
        t_fine, fine, fine_facts = _head(output.fine_logits, labels.fine, FINE_PRECISION)
        references = infer_samples(network, part_of(run, Split.TRAIN), config).embedding
        closest = (output.embedding @ references.T).max(dim=1).values.numpy()
        similarity = float(np.quantile(closest, 1 - FAMILIAR))
        calibration = Calibration(coarse_temperature=t_coarse, fine_temperature=t_fine)
        thresholds = Thresholds(fine=fine, coarse=coarse, similarity=max(-1.0, min(1.0, similarity)))
        facts |= {"coarse": coarse_facts, "fine": fine_facts}
    write_json(
        run.calibration,
        {"calibration": calibration.model_dump(), "thresholds": thresholds.model_dump(), "validation": facts},
    )
    return calibration, thresholds, facts


def _head(logits: Tensor, labels: np.ndarray, precision: float) -> tuple[float, float, dict[str, float]]:
    known = labels >= 0
    if known.sum() < MIN_PHOTOS:
        return 1.0, Thresholds().fine, {"photos": int(known.sum())}
    logits, target = logits[torch.from_numpy(known)], torch.from_numpy(labels[known])
    t = temperature(logits, target)
    before, after = (torch.softmax(logits / divisor, dim=1).numpy() for divisor in (1.0, t))
    right = after.argmax(axis=1) == labels[known]
    threshold = threshold_for(after.max(axis=1), right, precision)
    accepted = after.max(axis=1) >= threshold
    return (
        t,
        threshold,
        {
            "photos": int(known.sum()),
            "ece_before": expected_calibration_error(before, labels[known]),
            "ece_after": expected_calibration_error(after, labels[known]),
            "accepted": float(accepted.mean()),
            "accepted_right": float(right[accepted].mean()),
        },
    )
