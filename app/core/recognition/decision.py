"""From the evidence to one answer with its reason, which is worded here. Pure functions: no files, no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.core.gallery.gallery import Neighbour
from app.core.recognition.evidence import ClassCandidate, Evidence
from model.contract.bundle import Thresholds
from model.contract.decision import LEVELS, Beliefs, Level, Why, rule

_RIVAL_SHARE = 0.5
"""A second class counts as a rival, and is named, from this part of the first one's probability."""


class Status(StrEnum):
    """What became of a photo."""

    IDENTIFIED = "identified"
    COARSE_ONLY = "coarse_only"
    UNKNOWN = "unknown"
    ERROR = "error"


STATUS_OF = {Level.FINE: Status.IDENTIFIED, Level.COARSE: Status.COARSE_ONLY, Level.NONE: Status.UNKNOWN}
"""The status of a photo, by the level of its answer."""


@dataclass(frozen=True)
class Decision:
    """The answer for one photo, and the best guess whatever the answer is.

    Attributes:
        status: identified (fine class), coarse_only (type) or unknown; ERROR is for photos without a decision.
        label: the class name of the answer; empty where the status is unknown.
        level: the level that `label` stands on.
        confidence: calibrated probability of `label`; 0 where there is none.
        reason: one plain sentence with figures.
        coarse, coarse_confidence: the type of the answer, else the most probable one, and its probability.
        fine, fine_confidence: the most probable fine class and its probability; "" and 0 where none is known.
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


def decide(evidence: Sequence[Evidence], thresholds: Thresholds) -> list[Decision]:
    """The answer of `model.contract.decision.rule` to each photo, in words."""
    ruling = rule(_beliefs(evidence), thresholds)
    return [
        _decision(one, thresholds, LEVELS[level], Why(why))
        for one, level, why in zip(evidence, ruling.level.tolist(), ruling.why.tolist(), strict=True)
    ]


def _beliefs(evidence: Sequence[Evidence]) -> Beliefs:
    guesses = [one.classes[0] if one.classes else None for one in evidence]
    return Beliefs(
        type_probability=np.array([one.types[0].probability for one in evidence], float),
        fine_probability=np.array([guess.probability if guess else 0.0 for guess in guesses], float),
        guessed=np.array([guess is not None for guess in guesses], bool),
        has_classes=np.array([one.types[0].has_classes for one in evidence], bool),
        enrolled=np.array([guess is not None and guess.enrolled for guess in guesses], bool),
        carried=np.array([one.carried for one in evidence], bool),
        likeness=np.array([one.likeness for one in evidence], float),
        familiarity=np.array([one.familiarity for one in evidence], float),
    )


def _decision(evidence: Evidence, thresholds: Thresholds, level: Level, why: Why) -> Decision:
    best = evidence.types[0]
    guess = evidence.classes[0] if evidence.classes else None
    if level is Level.FINE:
        assert guess is not None
        reason = f"class {_over(guess.probability, thresholds.fine)}" + _agreement(evidence, fine=guess.name)
        of_class = next(one.probability for one in evidence.types if one.name == guess.coarse)
        return Decision(
            *(STATUS_OF[level], guess.name, level, guess.probability, reason),
            *(guess.coarse, of_class, guess.name, guess.probability),
        )
    doubt = _doubt(evidence, thresholds, why)
    best_guesses = (best.name, best.probability, guess.name if guess else "", guess.probability if guess else 0.0)
    if level is Level.COARSE:
        reason = f"{doubt}: shown as {best.name}, {_over(best.probability, thresholds.coarse)}"
        reason += _agreement(evidence, coarse=best.name)
        return Decision(STATUS_OF[level], best.name, level, best.probability, reason, *best_guesses)
    if why is not Why.STRANGE:
        doubt += f"; type {best.name} {_under(best.probability, thresholds.coarse)}"
    return Decision(STATUS_OF[level], "", level, 0.0, doubt, *best_guesses)


def _doubt(evidence: Evidence, thresholds: Thresholds, why: Why) -> str:
    """Why the most probable fine class is not the answer."""
    if why is Why.STRANGE:
        assert thresholds.likeness is not None
        score, needed = _apart(evidence.likeness, thresholds.likeness)
        return f"unlike everything that the identification model knows (score {score}, needs {needed})"
    if why is Why.NO_CLASSES:
        return f"no classes are known of type {evidence.types[0].name}"
    if why is Why.UNFAMILIAR:
        assert thresholds.familiarity is not None
        score, needed = _apart(evidence.familiarity, thresholds.familiarity)
        return f"{_far(evidence.neighbours)} (score {score}, needs {needed})"
    guess = evidence.classes[0]
    return _other_opinion(evidence, guess) or _rivalry(evidence, thresholds.fine) or _short_of(guess, thresholds.fine)


def _far(neighbours: Sequence[Neighbour]) -> str:
    if not neighbours:
        return "unlike every known class"
    return f"far from every known class, closest reference photo {neighbours[0].similarity:.2f}"


def _other_opinion(evidence: Evidence, guess: ClassCandidate) -> str | None:
    """The class that most of the nearest reference photos have, where it is another than the best guess."""
    asked = evidence.neighbours
    names = Counter(neighbour.reference.fine for neighbour in asked if neighbour.reference.fine is not None)
    if not names:
        return None
    (name, count), *_ = names.most_common(1)
    if name == guess.name or count <= len(asked) / 2:
        return None
    return (
        f"neighbours disagree with the classifier: {count} of {len(asked)} are {name}, "
        f"the best guess is {guess.name} ({percent(guess.probability)})"
    )


def _rivalry(evidence: Evidence, needed: float) -> str | None:
    """Two classes of one type that only together would be sure enough."""
    guess, *others = evidence.classes
    rival = next((other for other in others if other.coarse == guess.coarse), None)
    if rival is None or rival.probability < _RIVAL_SHARE * guess.probability:
        return None
    together = guess.probability + rival.probability
    return f"{guess.name} and {rival.name} share {percent(together)}" if together >= needed else None


def _short_of(guess: ClassCandidate, needed: float) -> str:
    return f"class {guess.name} {_under(guess.probability, needed)}"


def _agreement(evidence: Evidence, *, fine: str | None = None, coarse: str | None = None) -> str:
    """How many neighbours carry the label of the answer, as the end of a sentence; empty without neighbours."""
    asked = evidence.neighbours
    if not asked:
        return ""
    agree = sum(
        neighbour.reference.fine == fine if fine is not None else neighbour.reference.coarse == coarse
        for neighbour in asked
    )
    if len(asked) == 1:
        return f"; the nearest reference photo {'agrees' if agree else 'disagrees'}"
    return f"; {agree} of {len(asked)} nearest reference photos agree"


def _over(probability: float, threshold: float) -> str:
    reached, needed = percent(probability), percent(threshold)
    return f"{reached}, just enough" if reached == needed else f"{reached}, above {needed}"


def _under(probability: float, threshold: float) -> str:
    low, needed = percent(probability), percent(threshold)
    if low == needed:
        low, needed = (f"{figure} %" for figure in _apart(100 * probability, 100 * threshold, 1, ends=(0.0, 100.0)))
    return f"only {low}, needs {needed}"


def percent(probability: float) -> str:
    """A probability for people. Nothing is called 0 % or 100 % that is not."""
    if 0.0 < probability < 0.01:
        return "<1 %"
    if 0.99 < probability < 1.0:
        return ">99 %"
    return f"{100 * probability:.0f} %"


def _apart(low: float, high: float, decimals: int = 2, ends: Sequence[float] = ()) -> tuple[str, str]:
    """Two different figures with as many decimals as it takes to tell them apart, and from `ends` that they are not."""

    def taken_for_another() -> bool:
        told = {figure: round(figure, decimals) for figure in (low, high)}
        return told[low] == told[high] or any(one in ends and one != figure for figure, one in told.items())

    while decimals < 9 and taken_for_another():
        decimals += 1
    return f"{low:.{decimals}f}", f"{high:.{decimals}f}"
