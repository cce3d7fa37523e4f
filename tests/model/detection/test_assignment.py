"""Which place of the finder answers for which box, compared with loops over all of them."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.detection.assignment import Wanted, assign, cost
from model.detection.finder_network import PlaceAnswers, places

SIDE = 64
MIDDLES = places(SIDE)


def drawn(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor, Wanted]:
    random = np.random.default_rng(seed)

    def boxes(number: int) -> torch.Tensor:
        corners = random.uniform(0, SIDE - 12, (number, 2))
        sides = random.uniform(8, SIDE / 2, (number, 2))
        return torch.tensor(np.concatenate([corners, corners + sides], 1), dtype=torch.float32).reshape(-1, 4)

    scores = torch.tensor(random.uniform(0.01, 0.9, (len(MIDDLES), 2)), dtype=torch.float32)
    away = torch.tensor(random.uniform(1, 20, (len(MIDDLES), 4)), dtype=torch.float32)
    around = torch.cat([MIDDLES - away[:, :2], MIDDLES + away[:, 2:]], 1)
    kinds = torch.tensor(random.integers(0, 2, count))
    return scores, around, Wanted(boxes(count), kinds, boxes(int(random.integers(0, 2))))


def overlap(one: list[float], other: list[float]) -> float:
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    both = width * height
    return both / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)


def inside(place: list[float], box: list[float]) -> bool:
    return box[0] <= place[0] < box[2] and box[1] <= place[1] < box[3]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 4))
def test_the_best_places_inside_a_box_answer_for_it(seed: int, count: int) -> None:
    scores, boxes, wanted = drawn(seed, count)
    dealt = assign(scores, boxes, MIDDLES, wanted)
    claims: dict[int, list[tuple[float, int]]] = {}
    fits: dict[tuple[int, int], float] = {}
    for number, (box, kind) in enumerate(zip(wanted.boxes.tolist(), wanted.kinds.tolist(), strict=True)):
        candidates = []
        for place in range(len(MIDDLES)):
            if inside(MIDDLES[place].tolist(), box):
                share = overlap(box, boxes[place].tolist())
                fit = float(scores[place, kind]) * share**6 + 1e-9
                candidates.append((fit, place, share))
                fits[number, place] = fit
        for _, place, share in sorted(candidates, reverse=True)[:10]:
            claims.setdefault(place, []).append((share, number))
    for place in range(len(MIDDLES)):
        expected = max(claims[place])[1] if place in claims else -1
        assert int(dealt.box[place]) == expected
    for number in range(count):
        own = [place for place in range(len(MIDDLES)) if int(dealt.box[place]) == number]
        if not own:
            continue
        best = max(fits[number, place] for place in own)
        most = max(overlap(wanted.boxes[number].tolist(), boxes[place].tolist()) for place in own)
        for place in own:
            np.testing.assert_allclose(float(dealt.score[place]), fits[number, place] / best * most, rtol=1e-3)


def test_nothing_is_learned_where_the_picture_is_ignored() -> None:
    nothing = torch.zeros(0, 4)
    wanted = Wanted(nothing, torch.zeros(0, dtype=torch.int64), torch.tensor([[0.0, 0.0, SIDE, SIDE]]))
    logits = torch.zeros(1, len(MIDDLES), 2, requires_grad=True)
    loss, _ = cost(PlaceAnswers(logits, torch.zeros(1, len(MIDDLES), 4)), MIDDLES, [wanted])
    loss.backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def test_an_empty_picture_teaches_low_scores() -> None:
    nothing = torch.zeros(0, 4)
    wanted = Wanted(nothing, torch.zeros(0, dtype=torch.int64), nothing)
    logits = torch.zeros(1, len(MIDDLES), 2, requires_grad=True)
    loss, figures = cost(PlaceAnswers(logits, torch.zeros(1, len(MIDDLES), 4)), MIDDLES, [wanted])
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad > 0).all()
    assert figures["boxes"] == 0
