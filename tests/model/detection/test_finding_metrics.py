"""Figures of a finder: small cases by hand, and drawn ones against loops over all thresholds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.contract.finding import FoundBoxes
from model.data.scenes import Scene
from model.detection.finding_metrics import (
    ALL,
    LARGE,
    Counted,
    average_precision,
    counted,
    draws,
    interval,
    recall_at,
    threshold_at,
)


def scene(boxes: list[list[float]], crowd: list[bool] | None = None) -> Scene:
    count = len(boxes)
    return Scene(
        Path("photo.jpg"),
        "photo.jpg",
        100,
        100,
        "drawn",
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros(count, np.int8),
        np.array(crowd or [False] * count, bool),
    )


def found(boxes: list[list[float]], scores: list[float], kinds: list[int] | None = None) -> FoundBoxes:
    count = len(boxes)
    return FoundBoxes(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(kinds or [0] * count), np.array(scores, np.float32)
    )


def compared(of: Scene, with_found: FoundBoxes, sizes: tuple[float, float] = ALL) -> Counted:
    return counted([of], [with_found], np.array([0]), sizes)


CAR, BUS, TINY = [10.0, 10, 40, 40], [50.0, 50, 95, 95], [0.0, 0, 5, 5]


def test_a_second_box_around_one_car_is_wrong() -> None:
    result = compared(scene([CAR]), found([CAR, [11, 10, 40, 40]], [0.8, 0.9]))
    assert result.right.tolist() == [True, False]


def test_a_box_without_a_car_is_wrong_and_a_missing_one_lowers_recall() -> None:
    result = compared(scene([CAR, BUS]), found([CAR, [60, 0, 90, 30]], [0.9, 0.8]))
    assert result.right.tolist() == [True, False]
    assert recall_at(result) == 0.5
    assert average_precision(result) == 0.5


def test_a_crowd_is_neither_wanted_nor_wrong() -> None:
    result = compared(scene([CAR, BUS], [False, True]), found([[55, 55, 70, 70], CAR], [0.9, 0.8]))
    assert result.right.tolist() == [True]
    assert result.wanted.tolist() == [1]


def test_boxes_of_another_size_do_not_count() -> None:
    result = compared(scene([CAR, TINY]), found([CAR, TINY, [80, 0, 85, 5]], [0.9, 0.8, 0.7]), LARGE)
    assert result.right.tolist() == [True]
    assert result.wanted.tolist() == [1]


def test_a_vessel_found_as_a_vehicle_is_found_and_its_kind_is_wrong() -> None:
    result = compared(scene([CAR, BUS]), found([CAR, BUS], [0.9, 0.8], [0, 1]))
    assert result.right.all()
    assert result.kind_right == 0.5


def test_the_threshold_is_the_lowest_with_the_precision() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    one = Counted(scores, np.array([True, True, False, True]), np.zeros(4, int), np.array([5]), 1.0)
    assert threshold_at(one, 0.75) == 0.6
    assert threshold_at(one, 0.9) == 0.8
    assert recall_at(one, 0.9) == 0.4
    assert threshold_at(one._replace(right=np.zeros(4, bool)), 0.9) == 1.0


@settings(deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 30))
def test_recall_and_average_precision_are_those_of_all_thresholds(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    scores = -np.sort(-random.random(count))
    right = random.random(count) < 0.6
    one = Counted(scores, right, random.integers(0, 3, count), np.array([count, 2, 1]), 1.0)
    points = []
    for threshold in scores:
        taken = scores >= threshold
        points.append((right[taken].sum() / (count + 3), right[taken].mean()))
    assert recall_at(one, 0.7) == pytest.approx(max([r for r, p in points if p >= 0.7], default=0.0))
    area, before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    assert average_precision(one) == pytest.approx(area)


def test_a_figure_of_every_cluster_once_is_the_figure() -> None:
    one = Counted(np.array([0.9, 0.8]), np.array([True, False]), np.array([0, 1]), np.array([1, 1]), 1.0)
    assert recall_at(one, weights=np.ones(2)) == recall_at(one) == 0.5
    assert recall_at(one, weights=np.array([2, 0])) == 1.0
    drawn = [recall_at(one, weights=weights) for weights in draws(2)]
    assert interval(recall_at(one), drawn) == (0.5, 0.0, 1.0)
