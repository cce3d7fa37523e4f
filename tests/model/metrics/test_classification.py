"""Figures against their definitions written as loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.evaluation.threshold_search import temperature, threshold_for
from model.metrics.classification import (
    accuracy,
    chance_calibration_error,
    expected_calibration_error,
    macro_accuracy,
    macro_standard_error,
    mean_of,
)


def test_accuracies_agree_with_a_calculation_by_hand() -> None:
    logits = torch.tensor([[3.0, 2, 1], [3, 2, 1], [1, 2, 3], [1, 3, 2]])
    labels = torch.tensor([0, 1, -1, 0])
    assert accuracy(logits, labels) == pytest.approx(1 / 3)
    assert accuracy(logits, labels, top=2) == pytest.approx(2 / 3)
    assert macro_accuracy(logits, labels) == pytest.approx((1 / 2 + 0) / 2)
    assert math.isnan(accuracy(logits, torch.full((4,), -1)))


def test_calibration_error_agrees_with_a_calculation_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 1])
    # bin of 0.9: confidence 0.9, half right; bin of 0.6: all right
    assert expected_calibration_error(probabilities, labels, bins=10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


@pytest.mark.parametrize("photos", [30, 300])
def test_calibration_error_by_chance_is_that_of_labels_drawn_as_the_probabilities_say(photos: int) -> None:
    random = np.random.default_rng(3)
    probabilities = random.dirichlet(np.full(4, 0.7), size=photos)
    drawn = [
        expected_calibration_error(probabilities, np.array([random.choice(4, p=row) for row in probabilities]))
        for _ in range(300)
    ]
    mean, high = chance_calibration_error(probabilities)
    assert mean == pytest.approx(np.mean(drawn), abs=4 * float(np.std(drawn)) / math.sqrt(300))
    assert 0.02 <= np.mean(np.array(drawn) > high) <= 0.09
    assert chance_calibration_error(np.eye(4)) == (0.0, 0.0)
    assert all(math.isnan(value) for value in chance_calibration_error(np.empty((0, 4))))


def test_standard_error_of_the_mean_over_classes_is_that_of_photos_drawn_again() -> None:
    logits, labels = torch.eye(3)[[0, 1, 0, 0, 1, 2, 2, 0, 2]], torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, -1])
    random = np.random.default_rng(5)
    of_class = [np.flatnonzero(labels.numpy() == c) for c in range(3)]
    drawn = []
    for _ in range(3000):
        rows = np.concatenate([random.choice(rows, len(rows)) for rows in of_class])
        drawn.append(macro_accuracy(logits[rows], labels[rows]))
    assert macro_standard_error(logits, labels) == pytest.approx(np.std(drawn), rel=0.05)
    assert math.isnan(macro_standard_error(logits, torch.full((9,), -1)))


def test_mean_of_leaves_missing_values_out() -> None:
    assert mean_of([1.0, math.nan, 3.0]) == 2.0
    assert math.isnan(mean_of([math.nan]))


@pytest.mark.parametrize("true_t", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(true_t: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(4000, 10, generator=generator) * 2
    labels = torch.multinomial(torch.softmax(logits, dim=1), 1, generator=generator).squeeze(1)
    assert temperature((logits * true_t).numpy(), labels.numpy()) == pytest.approx(true_t, rel=0.07)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40), st.floats(0.1, 1))
def test_threshold_is_the_smallest_that_holds(answers: list[tuple[int, bool]], precision: float) -> None:
    confidence = np.array([c / 20 for c, _ in answers])
    right = np.array([r for _, r in answers])

    def holds(t: float) -> bool:
        return right[confidence >= t].mean() >= precision

    good = [t for t in confidence if holds(t)]
    assert threshold_for(confidence, right, precision) == (min(good) if good else max(confidence))
