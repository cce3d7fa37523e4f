"""The log-ratio loss in O(B^2) against its B^3 terms written as loops."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.method.logratio import LogRatioLoss, label_distances


def batch(seed: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.integers(0, 3, size))
    fine = coarse * 2 + torch.from_numpy(rng.integers(0, 2, size))
    fine[torch.from_numpy(rng.random(size) < 0.2)] = -1
    attributes = torch.from_numpy(rng.normal(size=(size, 1)))
    attributes[torch.from_numpy(rng.random(size) < 0.3)] = math.nan
    return torch.from_numpy(rng.normal(size=(size, 4))), coarse, fine, attributes if seed % 2 else None


def by_loops(z: torch.Tensor, delta: torch.Tensor, valid: torch.Tensor, logarithm: bool) -> float:
    terms = []
    for a in range(len(z)):
        d = [float(((z[a] - z[i]) ** 2).sum()) + 1e-6 for i in range(len(z))]
        for i, j in itertools.permutations(range(len(z)), 2):
            if not valid[a, i] or not valid[a, j] or delta[a, i] == delta[a, j]:
                continue
            left, right = d[i] / d[j], float(delta[a, i] / delta[a, j])
            terms.append((math.log(left) - math.log(right)) ** 2 if logarithm else (left - right) ** 2)
    return sum(terms) / len(terms) if terms else 0.0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 10), st.booleans())
def test_it_agrees_with_loops(seed: int, size: int, logarithm: bool) -> None:
    z, coarse, fine, attributes = batch(seed, size)
    delta, valid = label_distances(coarse, fine, attributes=attributes, scales=(1.5,))
    got = float(LogRatioLoss(logarithm)(z, delta, valid))
    assert got == pytest.approx(by_loops(z, delta, valid, logarithm), rel=2e-3, abs=1e-3)


def test_label_distances_count_levels_and_attributes() -> None:
    coarse, fine = torch.tensor([0, 0, 0, 1, 0]), torch.tensor([0, 0, 1, 2, -1])
    years = torch.tensor([[2000.0], [2010.0], [math.nan], [2000.0], [2000.0]])
    delta, valid = label_distances(coarse, fine, attributes=years, scales=(5.0,))
    assert delta[0].tolist()[:4] == [1.0, 3.0, 2.0, 4.0]
    assert valid[0].tolist() == [False, True, True, True, False]
    assert valid[3].tolist() == [True, True, True, False, True]


def test_minimising_it_makes_distances_proportional_to_those_of_the_labels() -> None:
    torch.manual_seed(0)
    coarse = torch.arange(12) // 6
    fine = torch.arange(12) // 3
    delta, valid = label_distances(coarse, fine)
    z = torch.randn(12, 8, requires_grad=True)
    optimiser = torch.optim.Adam([z], lr=0.05)
    loss = LogRatioLoss()
    first = float(loss(z, delta, valid).detach())
    for _ in range(300):
        optimiser.zero_grad()
        value = loss(z, delta, valid)
        value.backward()
        optimiser.step()
    assert float(value.detach()) < first / 10


def test_a_batch_of_one_level_gives_a_zero_that_keeps_the_graph() -> None:
    z = torch.randn(4, 3, requires_grad=True)
    same = torch.zeros(4, dtype=torch.long)
    loss = LogRatioLoss()(z, *label_distances(same, same))
    loss.backward()
    assert float(loss.detach()) == 0 and z.grad is not None and torch.equal(z.grad, torch.zeros_like(z))
