"""Which level of the label tree an answer stands on: one rule for one photo, for a list of photos and for the trainer.

It works on columns of N subjects (a vehicle; today one a photo); one alone is a column of one. Needs no torch.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

import numpy as np

from model.contract.bundle import Thresholds

CLASSES_KEPT = 10
"""The most probable fine classes of a subject that are kept, and counted for `Beliefs.carried`."""


class Level(StrEnum):
    """The level of the label tree that an answer stands on."""

    FINE = "fine"
    COARSE = "coarse"
    NONE = "none"


LEVELS = (*Level,)
"""A column of levels holds places in it."""


class Why(IntEnum):
    """Why an answer is the fine class, or why it is not."""

    SURE = 0
    STRANGE = 1
    """Unlike everything that the model knows: then not even the type is the answer."""
    NO_CLASSES = 2
    """No fine class is known of the best type."""
    UNFAMILIAR = 3
    """Far from every known class."""
    UNSURE = 4
    """The best fine class is not probable enough."""


class Beliefs(NamedTuple):
    """What a decision rests on.

    Attributes:
        type_probability, fine_probability: of the best type and the best fine class, float64 [N]; 0 without a class.
        guessed: whether there is a best fine class, bool [N].
        has_classes: whether any fine class of the best type is known, bool [N].
        enrolled: whether only the gallery knows the best fine class, bool [N].
        carried: whether only the gallery knows most of the best type too, and the class is of that type, bool [N].
        likeness: to what the model was trained on at all, float64 [N].
        familiarity: with the known classes (model/contract/openset.py), float64 [N].
    """

    type_probability: np.ndarray
    fine_probability: np.ndarray
    guessed: np.ndarray
    has_classes: np.ndarray
    enrolled: np.ndarray
    carried: np.ndarray
    likeness: np.ndarray
    familiarity: np.ndarray


class Ruling(NamedTuple):
    """The answers to N subjects.

    Attributes:
        level: places in LEVELS, int8 [N].
        why: of `Why`, int8 [N].
    """

    level: np.ndarray
    why: np.ndarray


def rule(beliefs: Beliefs, thresholds: Thresholds) -> Ruling:
    """The most specific answers that the beliefs allow.

    What shows nothing that the model knows is unknown, unless it is one of the classes that were enrolled into the
    gallery, which stand on their reference photos alone. The best fine class is the answer if it reaches its threshold
    and looks like a known class at all; otherwise the best type, whose probability is the sum over its classes, if that
    reaches its own; otherwise the subject is unknown.
    """
    of_type = beliefs.type_probability >= thresholds.coarse
    of_class = beliefs.fine_probability >= thresholds.fine
    strange = unfamiliar = np.zeros(len(of_type), bool)
    if thresholds.likeness is not None:
        # the network's score says nothing of what was enrolled after its training: where that carries an answer, of the
        # class or of its type, it does not count
        strange = ~(beliefs.likeness >= thresholds.likeness) & ~(beliefs.carried & (of_type | of_class))
    if thresholds.familiarity is not None:
        unfamiliar = (beliefs.familiarity < thresholds.familiarity) & ~beliefs.enrolled
    # plain numbers: an array compares with a member of an enumeration five times as slowly
    why = np.full(len(of_type), Why.SURE.value, np.int8)
    why[~of_class] = Why.UNSURE.value  # a graver reason replaces a lesser one
    why[unfamiliar] = Why.UNFAMILIAR.value
    why[~(beliefs.guessed & beliefs.has_classes)] = Why.NO_CLASSES.value
    why[strange] = Why.STRANGE.value
    level = np.full(len(of_type), LEVELS.index(Level.NONE), np.int8)
    level[of_type & ~strange] = LEVELS.index(Level.COARSE)
    level[why == Why.SURE.value] = LEVELS.index(Level.FINE)
    return Ruling(level, why)
