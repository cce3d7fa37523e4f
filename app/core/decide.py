"""From calibrated probabilities and neighbours to one answer with its reason. Pure functions: no files, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.core.gallery import Neighbour
from model.bundle import Thresholds
from model.taxonomy import Taxonomy


class Status(StrEnum):
    """What became of a photo."""

    IDENTIFIED = "identified"
    COARSE_ONLY = "coarse_only"
    UNKNOWN = "unknown"
    ERROR = "error"


class Level(StrEnum):
    """The level of the label tree that the answer stands on."""

    FINE = "fine"
    COARSE = "coarse"
    NONE = "none"


@dataclass(frozen=True)
class Decision:
    """The answer for one photo, and the best guess whatever the answer is.

    Attributes:
        status: identified (fine class), coarse_only (type) or unknown; ERROR is for photos without a decision.
        label: the class name of the answer; empty where the status is unknown.
        level: the level that `label` stands on.
        confidence: calibrated probability of `label`; 0 where there is none.
        reason: one plain sentence with figures.
        coarse, coarse_confidence: the most probable type and its probability.
        fine, fine_confidence: the most probable fine class and its probability; "" and 0 where the model knows none.
    """

    status: Status
    label: str
    level: Level
    confidence: float
    reason: str
    coarse: str
    coarse_confidence: float
    fine: str
    fine_confidence: float


def decide(
    coarse_probabilities: np.ndarray,
    fine_probabilities: np.ndarray,
    neighbours: Sequence[Neighbour],
    taxonomy: Taxonomy,
    thresholds: Thresholds,
) -> Decision:
    """The most specific answer that the evidence bears.

    A photo that is far from every reference photo is unknown. The best fine class is the answer if it reaches its
    threshold and belongs to the best type; otherwise the best type, if that reaches its own; otherwise the photo is
    unknown.

    Args:
        coarse_probabilities: [n_coarse], calibrated.
        fine_probabilities: [n_fine], calibrated.
        neighbours: reference photos, most similar first; none where there is no gallery or it is empty.
        taxonomy: names of the columns.
        thresholds: what a confidence must reach.
    """
    raise NotImplementedError
