"""From calibrated probabilities and neighbours to one answer with its reason. Pure functions: no files, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.core.gallery import Neighbour
from model.bundle import Thresholds
from model.taxonomy import NO_FINE, Taxonomy

_RIVAL_SHARE = 0.5
"""A second class counts as a rival, and is named, from this part of the first one's probability."""


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
    best = int(np.argmax(coarse_probabilities))
    coarse, coarse_confidence = taxonomy.coarse[best], float(coarse_probabilities[best])
    fine_best = int(np.argmax(fine_probabilities)) if taxonomy.fine else NO_FINE
    fine = taxonomy.fine[fine_best] if taxonomy.fine else ""
    fine_confidence = float(fine_probabilities[fine_best]) if taxonomy.fine else 0.0

    def answer(status: Status, label: str, level: Level, confidence: float, reason: str) -> Decision:
        return Decision(status, label, level, confidence, reason, coarse, coarse_confidence, fine, fine_confidence)

    if neighbours and neighbours[0].similarity < thresholds.similarity:
        closest, needed = _apart(neighbours[0].similarity, thresholds.similarity)
        reason = f"far from every reference photo (closest {closest}, needs {needed})"
        return answer(Status.UNKNOWN, "", Level.NONE, 0.0, reason)
    doubt = _doubt_about_fine(best, coarse_confidence, fine_best, fine_probabilities, taxonomy, thresholds)
    if doubt is None:
        reason = f"class {_over(fine_confidence, thresholds.fine)}" + _agreement(neighbours, fine=fine)
        return answer(Status.IDENTIFIED, fine, Level.FINE, fine_confidence, reason)
    if coarse_confidence >= thresholds.coarse:
        reason = f"{doubt}: shown as {coarse}, {_over(coarse_confidence, thresholds.coarse)}"
        return answer(
            Status.COARSE_ONLY, coarse, Level.COARSE, coarse_confidence, reason + _agreement(neighbours, coarse=coarse)
        )
    reason = f"{doubt}; type {coarse} {_under(coarse_confidence, thresholds.coarse)}"
    return answer(Status.UNKNOWN, "", Level.NONE, 0.0, reason)


def _doubt_about_fine(
    coarse: int,
    coarse_confidence: float,
    fine: int,
    probabilities: np.ndarray,
    taxonomy: Taxonomy,
    thresholds: Thresholds,
) -> str | None:
    """Why the most probable fine class is not the answer, or None if it is."""
    if not taxonomy.children(coarse):
        return f"no classes are known of type {taxonomy.coarse[coarse]}"
    name, probability, parent = taxonomy.fine[fine], float(probabilities[fine]), taxonomy.parents[fine]
    if parent != coarse:
        return (
            f"type and class disagree: {name} is of type {taxonomy.coarse[parent]} ({_percent(probability)}), "
            f"but the type looks like {taxonomy.coarse[coarse]} ({_percent(coarse_confidence)})"
        )
    if probability >= thresholds.fine:
        return None
    rivals = [i for i in taxonomy.children(coarse) if i != fine]
    if rivals:
        rival = max(rivals, key=lambda i: float(probabilities[i]))
        together = probability + float(probabilities[rival])
        if together >= thresholds.fine and float(probabilities[rival]) >= _RIVAL_SHARE * probability:
            return f"{name} and {taxonomy.fine[rival]} share {_percent(together)}"
    return f"class {name} {_under(probability, thresholds.fine)}"


def _agreement(neighbours: Sequence[Neighbour], *, fine: str | None = None, coarse: str | None = None) -> str:
    """How many neighbours carry the label of the answer, as the end of a sentence; empty without neighbours."""
    if not neighbours:
        return ""
    agree = sum(
        neighbour.reference.fine == fine if fine is not None else neighbour.reference.coarse == coarse
        for neighbour in neighbours
    )
    if len(neighbours) == 1:
        return f"; the nearest reference photo {'agrees' if agree else 'disagrees'}"
    return f"; {agree} of {len(neighbours)} nearest reference photos agree"


def _over(probability: float, threshold: float) -> str:
    reached, needed = _percent(probability), _percent(threshold)
    return f"{reached}, just enough" if reached == needed else f"{reached}, above {needed}"


def _under(probability: float, threshold: float) -> str:
    low, needed = _apart(100 * probability, 100 * threshold, decimals=0)
    return f"only {low} %, needs {needed} %"


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %"


def _apart(low: float, high: float, decimals: int = 2) -> tuple[str, str]:
    """Two different figures with as many decimals as it takes to tell them apart."""
    while f"{low:.{decimals}f}" == f"{high:.{decimals}f}" and decimals < 9:
        decimals += 1
    return f"{low:.{decimals}f}", f"{high:.{decimals}f}"
