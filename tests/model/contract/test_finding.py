"""Which raw boxes of a finder count, compared with plain loops over all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.contract.finding import FoundBoxes, found_boxes, overlaps

SIZE = (100, 60)


def found(boxes: list[list[float]], scores: list[list[float]]) -> FoundBoxes:
    return found_boxes(np.array(boxes), np.array(scores), SIZE, least=0.3, same_kind=0.6, other_kind=0.8)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(both / (sum(areas) - both)) if both else 0.0


@given(
    arrays(np.float64, (12, 4), elements=st.floats(-30, 130)),
    arrays(np.float64, (12, 2), elements=st.floats(0, 1)),
)
def test_the_surest_of_boxes_around_one_thing_stays(boxes: np.ndarray, scores: np.ndarray) -> None:
    result = found(boxes.tolist(), scores.tolist())
    kept: list[tuple[np.ndarray, int, float]] = []
    for row in np.argsort(-scores.max(1), kind="stable"):
        left, top, right, bottom = boxes[row]
        inside = np.array([max(left, 0), max(top, 0), min(right, SIZE[0]), min(bottom, SIZE[1])], np.float32)
        usable = right > left and bottom > top and inside[2] - inside[0] >= 1 and inside[3] - inside[1] >= 1
        if not usable or scores[row].max() < 0.3:
            continue
        kind = int(scores[row].argmax())
        if all(overlap(inside, box) < (0.6 if kind == other else 0.8) for box, other, _ in kept):
            kept.append((inside, kind, float(scores[row].max())))
    assert result.kinds.tolist() == [kind for _, kind, _ in kept]
    np.testing.assert_allclose(result.scores, [score for *_, score in kept], rtol=1e-6)
    np.testing.assert_allclose(result.boxes, np.array([box for box, *_ in kept]).reshape(-1, 4), rtol=1e-6)


@pytest.mark.parametrize(
    "box",
    [
        [float("nan"), 0, 50, 50],
        [0, 0, float("inf"), 50],
        [50, 0, 50, 50],
        [60, 0, 50, 50],
        [-20, 0, 0.5, 50],
        [100, 0, 120, 50],
    ],
)
def test_a_box_that_is_none_is_dropped(box: list[float]) -> None:
    assert len(found([box, [10, 10, 40, 40]], [[0.9, 0.0], [0.5, 0.0]]).boxes) == 1


def test_a_box_without_a_score_that_is_a_number_is_dropped() -> None:
    assert len(found([[10, 10, 40, 40]], [[float("nan"), 0.9]]).boxes) == 0


def test_a_box_beyond_the_border_is_cut_there() -> None:
    assert found([[-5, 10, 150, 70]], [[0.1, 0.9]]).boxes.tolist() == [[0, 10, 100, 60]]


def test_a_car_on_a_carrier_stays() -> None:
    result = found([[0, 0, 100, 60], [10, 10, 30, 20]], [[0.9, 0.0], [0.5, 0.0]])
    assert result.boxes.tolist() == [[0, 0, 100, 60], [10, 10, 30, 20]]


def test_one_thing_has_one_kind() -> None:
    result = found([[0, 0, 50, 50], [0, 0, 50, 49]], [[0.6, 0.0], [0.0, 0.7]])
    assert result.kinds.tolist() == [1]


@given(arrays(np.float32, (3, 4), elements=st.floats(0, 50, width=32)))
def test_overlaps_are_those_of_every_pair(boxes: np.ndarray) -> None:
    boxes[:, 2:] += boxes[:, :2] + 1
    expected = [[overlap(one, other) for other in boxes] for one in boxes]
    np.testing.assert_allclose(overlaps(boxes, boxes), expected, atol=1e-5)
