"""The person's label over the model's answer."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.project.labels import VERDICTS, Label, Verdict
from app.core.project.results import overlaid, with_labels
from app.core.recognition.decision import Decision, Status
from app.core.recognition.features import NOBODY
from model.contract.decision import LEVELS, Level

MODELS = Decision(Status.COARSE_ONLY, "sedan", Level.COARSE, 0.7, "by the model", "sedan", 0.7, "TL", 0.4)


def test_the_level_of_a_label_replaces_that_of_the_answer() -> None:
    """Every verdict, with a class and without, over every level at once."""
    cases = {
        NOBODY: (None, None),
        VERDICTS.index(Verdict.ACCEPTED): (Level.FINE, Level.COARSE),
        VERDICTS.index(Verdict.CORRECTED): (Level.FINE, Level.COARSE),
        VERDICTS.index(Verdict.UNKNOWN): (Level.NONE, Level.NONE),
        VERDICTS.index(Verdict.EXCLUDED): (None, None),
    }
    rows = [
        (LEVELS.index(level), verdict, fine, LEVELS.index(level if with_label is None else with_label))
        for level in LEVELS
        for verdict, found in cases.items()
        for fine, with_label in zip((True, False), found, strict=True)
    ]
    level, verdict, fine, expected = (np.array(column) for column in zip(*rows, strict=True))
    before = level.astype(np.int8)
    assert overlaid(before, verdict, fine).tolist() == expected.tolist()
    assert before.tolist() == level.tolist()


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (None, MODELS),
        (Label(Verdict.EXCLUDED), MODELS),
        (
            Label(Verdict.UNKNOWN),
            Decision(Status.UNKNOWN, "", Level.NONE, 0.0, "unknown to a person", "sedan", 0.7, "TL", 0.4),
        ),
        (
            Label(Verdict.ACCEPTED, "sedan"),
            Decision(Status.COARSE_ONLY, "sedan", Level.COARSE, 1.0, "accepted by a person", "sedan", 1.0, "TL", 0.4),
        ),
        (
            Label(Verdict.CORRECTED, "coupe", "RX-8"),
            Decision(Status.IDENTIFIED, "RX-8", Level.FINE, 1.0, "corrected by a person", "coupe", 1.0, "RX-8", 1.0),
        ),
    ],
)
def test_a_label_holds_before_the_answer_and_best_guesses_stay(label: Label | None, expected: Decision) -> None:
    assert with_labels([None, MODELS], [None, label]) == [None, expected]


def test_a_label_is_an_answer_where_the_model_has_none() -> None:
    _, found = with_labels([None, None], [None, Label(Verdict.CORRECTED, "coupe")])
    assert found == Decision(
        Status.COARSE_ONLY, "coupe", Level.COARSE, 1.0, "corrected by a person", "coupe", 1.0, "", 0.0
    )
