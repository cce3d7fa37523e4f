"""The rule on columns against the same rule, in its own words, for one subject."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contract.bundle import Thresholds
from model.contract.decision import LEVELS, Beliefs, Level, Why, rule

# few values, so that thresholds are met exactly too
UNIT, SCORE, BOOL = st.integers(0, 10).map(lambda n: n / 10), st.integers(-3, 3).map(float), st.booleans()
SUBJECT = st.builds(Beliefs, UNIT, UNIT, BOOL, BOOL, BOOL, BOOL, *(SCORE | st.just(math.nan),) * 2)
THRESHOLDS = st.builds(Thresholds, fine=UNIT, coarse=UNIT, likeness=st.none() | SCORE, familiarity=st.none() | SCORE)
KINDS = (float, float, bool, bool, bool, bool, float, float)


def columns(rows: list[Beliefs]) -> Beliefs:
    return Beliefs(*(np.array([row[i] for row in rows], kind) for i, kind in enumerate(KINDS)))


def answers(rows: list[Beliefs], thresholds: Thresholds) -> list[tuple[Level, Why]]:
    ruling = rule(columns(rows), thresholds)
    assert ruling.level.dtype == ruling.why.dtype == np.int8
    return [(LEVELS[level], Why(why)) for level, why in zip(ruling.level, ruling.why, strict=True)]


def answer_to(one: Beliefs, thresholds: Thresholds) -> tuple[Level, Why]:
    """What one subject is: the sentences of the rule, the gravest reason first."""
    type_is_sure, class_is_sure = one.type_probability >= thresholds.coarse, one.fine_probability >= thresholds.fine
    stands_on_its_references = one.carried and (type_is_sure or class_is_sure)
    looks_like_something_known = thresholds.likeness is None or one.likeness >= thresholds.likeness
    if not looks_like_something_known and not stands_on_its_references:
        return Level.NONE, Why.STRANGE
    otherwise = Level.COARSE if type_is_sure else Level.NONE
    if not (one.guessed and one.has_classes):
        return otherwise, Why.NO_CLASSES
    if thresholds.familiarity is not None and one.familiarity < thresholds.familiarity and not one.enrolled:
        return otherwise, Why.UNFAMILIAR
    return (Level.FINE, Why.SURE) if class_is_sure else (otherwise, Why.UNSURE)


@given(st.lists(SUBJECT, max_size=30), THRESHOLDS)
def test_each_subject_of_a_column_gets_the_answer_of_the_rule_for_one(rows: list[Beliefs], chosen: Thresholds) -> None:
    assert answers(rows, chosen) == [answer_to(row, chosen) for row in rows]


@given(SUBJECT, THRESHOLDS)
def test_one_alone_is_a_column_of_one(one: Beliefs, chosen: Thresholds) -> None:
    assert answers([one], chosen) == [answer_to(one, chosen)]


SURE = Beliefs(*map(np.asarray, (0.9, 0.9, True, True, False, False, 1.0, 1.0)))
BOUNDS = Thresholds(fine=0.5, coarse=0.5, likeness=0.0, familiarity=0.0)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (Level.FINE, Why.SURE)),
        ({"fine_probability": 0.4}, (Level.COARSE, Why.UNSURE)),
        ({"fine_probability": 0.4, "type_probability": 0.4}, (Level.NONE, Why.UNSURE)),
        ({"familiarity": -1.0, "fine_probability": 0.4}, (Level.COARSE, Why.UNFAMILIAR)),
        ({"familiarity": -1.0, "enrolled": True}, (Level.FINE, Why.SURE)),
        ({"guessed": False, "familiarity": -1.0}, (Level.COARSE, Why.NO_CLASSES)),
        ({"has_classes": False}, (Level.COARSE, Why.NO_CLASSES)),
        ({"likeness": -1.0, "has_classes": False}, (Level.NONE, Why.STRANGE)),
        ({"likeness": -1.0, "enrolled": True}, (Level.NONE, Why.STRANGE)),
        ({"likeness": -1.0, "enrolled": True, "carried": True}, (Level.FINE, Why.SURE)),
        ({"likeness": math.nan}, (Level.NONE, Why.STRANGE)),  # nothing says that it is like anything
        ({"familiarity": math.nan}, (Level.FINE, Why.SURE)),  # nothing says that it is far from the known classes
    ],
)
def test_the_gravest_reason_counts(changed: dict[str, float], expected: tuple[Level, Why]) -> None:
    found = SURE._replace(**{name: np.asarray(value) for name, value in changed.items()})
    assert answers([found], BOUNDS) == [expected]


def test_without_subjects_there_are_no_answers() -> None:
    assert answers([], BOUNDS) == []
