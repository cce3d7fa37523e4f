"""The distance cost against the formulas written as loops."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from model.method.losses import Average, Form, QuadrupletCost, SecondHinge, squared_distances
from model.method.quadruplet_selection import NONE, RULES, Quadruplets, SelectionOptions, role_masks

MARGINS: dict[str, Any] = {"margin_fine": 0.1, "margin_coarse": 0.25}


def violation(cost: QuadrupletCost, small: float, large: float, margin: float) -> float:
    if cost.form is Form.HINGE:
        return max(0.0, small - large + margin)
    return max(0.0, 1 - math.sqrt(large + 1e-12) / (math.sqrt(small + 1e-12) + margin))


def by_loops(cost: QuadrupletCost, z: np.ndarray, fine: np.ndarray, chosen: Quadruplets) -> float:
    """The cost of method and docstring, one reference at a time."""
    d = np.maximum(0, 2 - 2 * z @ z.T)
    m_f, m_c = cost.margin_fine, cost.margin_coarse
    fine_terms, coarse_terms = [], []
    rows = list(zip(*(column.tolist() for column in chosen), strict=True))
    for r, (p, q, n) in enumerate(rows):
        if p != NONE and q != NONE:
            fine_terms.append(violation(cost, d[r, p], d[r, q], m_f))
        if n == NONE or (p == NONE and fine[r] >= 0) or (p == NONE and q == NONE):
            continue
        near = d[r, n]
        if cost.second_hinge is not SecondHinge.PLAIN:
            near = min([near, *(d[i, n] for i in (p, q) if i != NONE)])
        if p != NONE and (q == NONE or cost.second_hinge is SecondHinge.ANCHOR):
            coarse_terms.append(violation(cost, d[r, p], near, m_f + m_c))
        else:
            coarse_terms.append(violation(cost, d[r, q], near, m_c))
    total = 0.0
    for terms in (fine_terms, coarse_terms):
        counted = [t for t in terms if t > 0] if cost.average is Average.ACTIVE else terms
        total += sum(terms) / max(len(counted), 1)
    if not fine_terms and not coarse_terms:
        return 0.0
    groups = [[d[r, row[role]] / 4 for r, row in enumerate(rows) if row[role] != NONE] for role in range(3)]
    spread = sum(float(np.var(group)) for group in groups if group)
    order = sum(
        max(0.0, float(np.mean(a) - np.mean(b)) + cost.global_margin) for a, b in itertools.pairwise(groups) if a and b
    )
    return total + cost.lambda_global * (spread + order)


def batch(seed: int, size: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.integers(0, 3, size))
    fine = coarse * 3 + torch.from_numpy(rng.integers(0, 3, size))
    fine[torch.from_numpy(rng.random(size) < 0.25)] = -1
    z = F.normalize(torch.from_numpy(rng.normal(size=(size, 4))), dim=1)
    return z, coarse, fine


COSTS = st.builds(
    QuadrupletCost,
    margin_fine=st.just(0.1),
    margin_coarse=st.just(0.25),
    form=st.sampled_from(Form),
    second_hinge=st.sampled_from(SecondHinge),
    average=st.sampled_from(Average),
    lambda_global=st.sampled_from([0.0, 0.7]),
)


@settings(deadline=None, max_examples=120)
@given(seed=st.integers(0, 100_000), rule=st.sampled_from(list(RULES)), cost=COSTS)
def test_cost_agrees_with_loops(seed: int, rule: str, cost: QuadrupletCost) -> None:
    z, coarse, fine = batch(seed)
    generator = torch.Generator().manual_seed(seed)
    chosen = RULES[rule](squared_distances(z), role_masks(coarse, fine), SelectionOptions(), generator)
    expected = by_loops(cost, z.numpy(), fine.numpy(), chosen)
    assert float(cost(z, fine, chosen).loss) == pytest.approx(expected, abs=1e-4)


def test_distances_are_float32_and_never_negative() -> None:
    z = F.normalize(torch.randn(6, 8), dim=1).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        d = squared_distances(z)
    assert d.dtype == torch.float32
    assert float(d.min()) >= 0


def test_a_batch_without_any_quadruplet_gives_a_zero_that_keeps_the_graph() -> None:
    z = torch.randn(3, 4, requires_grad=True)
    none = torch.full((3,), NONE)
    cost = QuadrupletCost(**MARGINS, lambda_global=1.0)
    got = cost(F.normalize(z, dim=1), torch.tensor([0, 1, 2]), Quadruplets(none, none, none))
    got.loss.backward()
    assert float(got.loss.detach()) == 0 and got.valid == 0
    assert z.grad is not None and torch.equal(z.grad, torch.zeros_like(z))


# in the plain form D(R,P-) is pulled and pushed by the two hinges alike, and cancels where both are active
@pytest.mark.parametrize("second", [SecondHinge.TRIANGLE, SecondHinge.ANCHOR])
def test_gradient_flows_through_every_chosen_row(second: SecondHinge) -> None:
    # far apart positives and near negatives: every hinge is active
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [0.9, 0.44]], dtype=torch.float64, requires_grad=True)
    one = torch.tensor
    chosen = Quadruplets(one([1, NONE, NONE, NONE]), one([2, NONE, NONE, NONE]), one([3, NONE, NONE, NONE]))
    cost = QuadrupletCost(**MARGINS, second_hinge=second, average=Average.ROWS)
    got = cost(z, one([0, 0, 1, 5]), chosen)
    got.loss.backward()
    assert all(float(row.abs().sum()) > 0 for row in z.grad)


def test_minimising_the_cost_orders_the_distances() -> None:
    """Plain gradient descent on free embeddings brings D(R,P+) < D(R,P-) < D(R,N)."""
    torch.manual_seed(0)
    coarse = torch.tensor([c for c, _, _ in itertools.product(range(2), range(2), range(3))])
    fine = torch.tensor([c * 2 + f for c, f, _ in itertools.product(range(2), range(2), range(3))])
    z = torch.randn(12, 8, requires_grad=True)
    optimiser = torch.optim.SGD([z], lr=0.5)
    masks = role_masks(coarse, fine)
    for step in range(150):
        unit = F.normalize(z, dim=1)
        chosen = RULES["semi_easy"](
            squared_distances(unit.detach()), masks, SelectionOptions(), torch.Generator().manual_seed(step)
        )
        got = QuadrupletCost(**MARGINS)(unit, fine, chosen)
        optimiser.zero_grad()
        got.loss.backward()
        optimiser.step()
    d = squared_distances(F.normalize(z.detach(), dim=1))
    plus, minus, negative = (float(d[mask].mean()) for mask in masks)
    assert plus + MARGINS["margin_fine"] < minus < negative
