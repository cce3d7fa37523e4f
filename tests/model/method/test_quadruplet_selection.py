"""The vectorised selection rules against loops over every candidate, with ties and empty sets."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.method.quadruplet_selection import NONE, RULES, SelectionOptions, hardness, nearest, role_masks, semi_easy

BATCHES = 1000


def random_batch(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and distances of a batch: small integers as distances give ties, few classes give empty sets."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 14))
    n_coarse = int(rng.integers(1, 4))
    coarse = rng.integers(0, n_coarse, size)
    fine = coarse * 10 + rng.integers(0, int(rng.integers(1, 4)), size)
    fine[rng.random(size) < 0.2] = -1
    drawn: np.ndarray = rng.integers(0, 4, (size, size)) if seed % 2 else rng.random((size, size)) * 4
    distances = np.minimum(drawn, drawn.T).astype(np.float32)
    np.fill_diagonal(distances, 0)
    return coarse, fine, distances


def candidates(coarse: np.ndarray, fine: np.ndarray, r: int) -> tuple[list[int], list[int], list[int]]:
    """P+, P- and N of reference `r`, by the definitions of the roles."""
    others = [i for i in range(len(coarse)) if i != r]
    plus = [i for i in others if fine[r] >= 0 and fine[i] == fine[r]]
    minus = [i for i in others if coarse[i] == coarse[r] and fine[i] >= 0 and fine[i] != fine[r]]
    negative = [i for i in others if coarse[i] != coarse[r]]
    return plus, minus, negative


def lowest(items: list[int], key: Callable[[int], float]) -> int:
    """The item of the smallest key, the lowest on ties; NONE of nothing."""
    return min(items, key=lambda i: (key(i), i), default=NONE)


class Draws:
    """The uniform numbers that the rules draw, one vector for each draw, in their order."""

    def __init__(self, seed: int, size: int) -> None:
        self._generator, self._size = torch.Generator().manual_seed(seed), size

    def __call__(self) -> list[float]:
        return torch.rand(self._size, generator=self._generator, dtype=torch.float64).tolist()


def pick(items: list[int], draw: float) -> int:
    return items[min(int(draw * len(items)), len(items) - 1)] if items else NONE


def nearest_but(skip: int, items: list[int], key: Callable[[int], float]) -> int:
    """The item of the smallest key after passing over `skip` smaller ones, as far as there are as many."""
    ranked = sorted(items, key=lambda i: (key(i), i))
    return ranked[min(skip, len(ranked) - 1)] if ranked else NONE


def negative_of(rule: str, d: np.ndarray, r: int, p: int, q: int, negative: list[int], skip: int) -> int:
    """N of one reference, by the definition of the rule."""
    present = [i for i in (p, q) if i != NONE]

    def hardness(n: int) -> float:
        return min(d[i, n] for i in (r, *present))

    if rule in ("hard_negative", "easy_positive_hard_negative", "hard_hard"):
        return nearest_but(skip, negative, d[r].__getitem__)
    if rule == "class_aware_sum":
        return nearest_but(skip, negative, lambda n: float(sum((d[i, n] for i in present), start=d[r, n])))
    if rule == "semi_hard":
        bar = d[r, q] if q != NONE else d[r, p] if p != NONE else -math.inf
        above = [n for n in negative if hardness(n) > bar]
        return nearest_but(skip, above, hardness) if above else lowest(negative, lambda n: -hardness(n))
    return nearest_but(skip, negative, hardness)


def brute_force(
    rule: str, coarse: np.ndarray, fine: np.ndarray, distances: np.ndarray, options: SelectionOptions, seed: int
) -> list[tuple[int, int, int]]:
    rho, skip = options.rho, options.skip_hardest
    size = len(coarse)
    draws = Draws(seed, size)
    roles = [candidates(coarse, fine, r) for r in range(size)]
    drawn = [draws() for _ in range({"random": 3, "hard_negative": 2, "semi_easy": 1}.get(rule, 0))]
    rows = []
    for r, (plus, minus, negative) in enumerate(roles):
        if rule in ("random", "hard_negative"):
            p, q = pick(plus, drawn[0][r]), pick(minus, drawn[1][r])
        else:
            q = nearest_but(skip, minus, distances[r].__getitem__)
            p = lowest(plus, (-distances[r] if rule == "hard_hard" else distances[r]).__getitem__)
        if rule == "semi_easy":
            ranked = sorted(plus, key=lambda i: (distances[r, i], i))
            p = pick(ranked[: max(1, math.ceil(np.float32(rho) * np.float32(len(plus))))], drawn[0][r])
        n = pick(negative, drawn[2][r]) if rule == "random" else negative_of(rule, distances, r, p, q, negative, skip)
        rows.append((p, q, n))
    return rows


@pytest.mark.parametrize("rule", RULES)
def test_rules_agree_with_brute_force(rule: str) -> None:
    empty = ties = 0
    for seed in range(BATCHES):
        coarse, fine, distances = random_batch(seed)
        options = SelectionOptions(rho=(0.0, 0.25, 0.5, 1.0)[seed % 4], skip_hardest=seed % 3)
        masks = role_masks(torch.from_numpy(coarse), torch.from_numpy(fine))
        got = RULES[rule](torch.from_numpy(distances), masks, options, torch.Generator().manual_seed(seed))
        expected = brute_force(rule, coarse, fine, distances, options, seed)
        assert list(zip(*(column.tolist() for column in got), strict=True)) == expected, f"batch {seed}"
        empty += sum(NONE in row for row in expected)
        ties += len(np.unique(distances)) < distances.size // 2
    # the comparison says nothing unless both cases really occurred
    assert empty > BATCHES and ties > BATCHES // 4


def test_ties_go_to_the_lowest_row() -> None:
    distances = torch.zeros(5, 5)
    mask = torch.tensor([[False, False, True, True, False]]).expand(5, 5)
    assert nearest(distances, mask).tolist() == [2] * 5


def test_nothing_allowed_gives_none() -> None:
    assert nearest(torch.zeros(3, 3), torch.zeros(3, 3, dtype=torch.bool)).tolist() == [NONE] * 3


def test_unlabelled_images_are_never_positives() -> None:
    coarse = torch.tensor([0, 0, 0, 1])
    fine = torch.tensor([0, -1, -1, -1])
    masks = role_masks(coarse, fine)
    assert not masks.plus.any()
    assert not masks.minus[:, 1:].any()
    assert masks.minus[1, 0] and masks.minus[2, 0]
    assert masks.negative[0].tolist() == [False, False, False, True]


def test_hardness_leaves_absent_positives_out() -> None:
    distances = torch.tensor([[0.0, 3.0, 2.0], [3.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    none = torch.full((3,), NONE)
    assert torch.equal(hardness(distances, none, none), distances)
    with_plus = hardness(distances, torch.tensor([1, NONE, NONE]), none)
    assert with_plus[0].tolist() == [0.0, 0.0, 1.0]
    assert torch.equal(with_plus[1:], distances[1:])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_semi_easy_draws_within_its_share(seed: int, rho: float) -> None:
    coarse, fine, distances = random_batch(seed)
    masks = role_masks(torch.from_numpy(coarse), torch.from_numpy(fine))
    chosen = semi_easy(torch.from_numpy(distances), masks, SelectionOptions(rho), torch.Generator().manual_seed(seed))
    for r, p in enumerate(chosen.plus.tolist()):
        plus, _, _ = candidates(coarse, fine, r)
        assert (p == NONE) == (not plus)
        if plus:
            nearer = sum(distances[r, i] < distances[r, p] for i in plus)
            assert p in plus and nearer < max(1, math.ceil(rho * len(plus) + 1e-6))


def test_memory_stays_quadratic() -> None:
    size = 1024
    generator = torch.Generator().manual_seed(0)
    coarse = torch.arange(size) // 128
    fine = torch.arange(size) // 4
    distances = torch.rand(size, size, generator=generator)
    for rule in RULES.values():
        chosen = rule(distances, role_masks(coarse, fine), SelectionOptions(), generator)
        assert all(column.shape == (size,) for column in chosen)
