"""The distance cost against the formulas written as loops."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from model.losses import Average, SecondHinge, quadruplet_hinge, squared_distances
from model.selection import NONE, RULES, Quadruplets, SelectionOptions, role_masks

MARGINS = {"margin_fine": 0.1, "margin_coarse": 0.25}


def by_loops(z, fine, chosen, second, average):
    """The cost of method and docstring, one reference at a time."""
    d = ((z[:, None] - z[None]) ** 2).sum(-1)
    m_f, m_c = MARGINS["margin_fine"], MARGINS["margin_coarse"]
    fine_terms, coarse_terms = [], []
    for r, (p, q, n) in enumerate(zip(*(column.tolist() for column in chosen), strict=True)):
        if p != NONE and q != NONE:
            fine_terms.append(max(0.0, d[r, p] - d[r, q] + m_f))
        if n == NONE or (p == NONE and fine[r] >= 0) or (p == NONE and q == NONE):
            continue
        near = d[r, n]
        if second is not SecondHinge.PLAIN:
            near = min([near, *(d[i, n] for i in (p, q) if i != NONE)])
        if p == NONE:
            coarse_terms.append(max(0.0, d[r, q] - near + m_c))
        elif q == NONE or second is SecondHinge.ANCHOR:
            coarse_terms.append(max(0.0, d[r, p] - near + m_f + m_c))
        else:
            coarse_terms.append(max(0.0, d[r, q] - near + m_c))
    total = 0.0
    for terms in (fine_terms, coarse_terms):
        counted = [t for t in terms if t > 0] if average is Average.ACTIVE else terms
        total += sum(terms) / max(len(counted), 1)
    return total


def batch(seed, size=12):
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.integers(0, 3, size))
    fine = coarse * 3 + torch.from_numpy(rng.integers(0, 3, size))
    fine[torch.from_numpy(rng.random(size) < 0.25)] = -1
    z = F.normalize(torch.from_numpy(rng.normal(size=(size, 4))), dim=1)
    return z, coarse, fine


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 100_000),
    rule=st.sampled_from(list(RULES)),
    second=st.sampled_from(list(SecondHinge)),
    average=st.sampled_from(list(Average)),
)
def test_cost_agrees_with_loops(seed, rule, second, average):
    z, coarse, fine = batch(seed)
    chosen = RULES[rule](
        squared_distances(z), role_masks(coarse, fine), SelectionOptions(), torch.Generator().manual_seed(seed)
    )
    got = quadruplet_hinge(z, fine, chosen, second_hinge=second, average=average, **MARGINS)
    assert float(got.loss) == pytest.approx(by_loops(z.numpy(), fine.numpy(), chosen, second, average), abs=1e-5)


def test_distances_are_float32_and_never_negative():
    z = F.normalize(torch.randn(6, 8), dim=1).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        d = squared_distances(z)
    assert d.dtype == torch.float32
    assert float(d.min()) >= 0


def test_a_batch_without_any_quadruplet_gives_a_zero_that_keeps_the_graph():
    z = torch.randn(3, 4, requires_grad=True)
    none = torch.full((3,), NONE)
    got = quadruplet_hinge(
        F.normalize(z, dim=1),
        torch.tensor([0, 1, 2]),
        Quadruplets(none, none, none),
        second_hinge=SecondHinge.PLAIN,
        average=Average.ACTIVE,
        **MARGINS,
    )
    got.loss.backward()
    assert float(got.loss.detach()) == 0 and got.valid == 0
    assert torch.equal(z.grad, torch.zeros_like(z))


# in the plain form D(R,P-) is pulled and pushed by the two hinges alike, and cancels where both are active
@pytest.mark.parametrize("second", [SecondHinge.TRIANGLE, SecondHinge.ANCHOR])
def test_gradient_flows_through_every_chosen_row(second):
    # far apart positives and near negatives: every hinge is active
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [0.9, 0.44]], dtype=torch.float64, requires_grad=True)
    one = torch.tensor
    chosen = Quadruplets(one([1, NONE, NONE, NONE]), one([2, NONE, NONE, NONE]), one([3, NONE, NONE, NONE]))
    got = quadruplet_hinge(z, one([0, 0, 1, 5]), chosen, second_hinge=second, average=Average.ROWS, **MARGINS)
    got.loss.backward()
    assert all(float(row.abs().sum()) > 0 for row in z.grad)


def test_minimising_the_cost_orders_the_distances():
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
        got = quadruplet_hinge(unit, fine, chosen, second_hinge=SecondHinge.ANCHOR, average=Average.ACTIVE, **MARGINS)
        optimiser.zero_grad()
        got.loss.backward()
        optimiser.step()
    d = squared_distances(F.normalize(z.detach(), dim=1))
    plus, minus, negative = (float(d[mask].mean()) for mask in masks)
    assert plus + MARGINS["margin_fine"] < minus < negative
