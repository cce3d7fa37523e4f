"""Near-duplicates and outliers, compared with brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.teaching import cleanup
from app.core.teaching.cleanup import ReferenceLabels, near_duplicates, outliers

SEED = st.integers(0, 2**32 - 1)


def some(seed: int, count: int, dim: int = 3) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(0, 40), st.floats(0.3, 0.99), st.integers(1, 40), st.integers(1, 50))
def test_near_duplicates_agree_with_brute_force(
    seed: int, count: int, threshold: float, limit: int, block: int
) -> None:
    vectors = some(seed, count)
    cosines = vectors @ vectors.T
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    clear = all(abs(cosines[i, j] - threshold) > 1e-5 for i, j in pairs)
    expected = sorted((-cosines[i, j], i, j) for i, j in pairs if cosines[i, j] >= threshold)[:limit]
    usual, cleanup._BLOCK = cleanup._BLOCK, block
    try:
        found = near_duplicates(vectors, threshold, limit)
    finally:
        cleanup._BLOCK = usual
    if clear:
        np.testing.assert_allclose([one.cosine for one in found], [-cosine for cosine, *_ in expected], atol=1e-5)
    assert all(one.first < one.second for one in found)
    assert all(abs(cosines[one.first, one.second] - one.cosine) < 1e-5 for one in found)
    assert len({(one.first, one.second) for one in found}) == len(found)


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(0, 40), st.integers(1, 7), st.integers(1, 50))
def test_outliers_agree_with_brute_force(seed: int, count: int, k: int, block: int) -> None:
    random = np.random.default_rng(seed)
    vectors, fine = some(seed, count), random.integers(-1, 4, count)
    coarse = np.where(fine < 0, random.integers(0, 2, count), fine // 2)
    usual, cleanup._BLOCK = cleanup._BLOCK, block
    try:
        found = {one.row: one for one in outliers(vectors, ReferenceLabels(coarse, fine), k)}
    finally:
        cleanup._BLOCK = usual
    for row in range(count):
        same = sum(coarse[j] == coarse[row] and fine[j] == fine[row] for j in range(count)) - 1
        asked = min(k, same)
        near = sorted((j for j in range(count) if j != row), key=lambda j: -float(vectors[row] @ vectors[j]))[:asked]
        contradicts = [
            j for j in near if coarse[j] != coarse[row] or (fine[j] >= 0 and fine[row] >= 0 and fine[j] != fine[row])
        ]
        if same >= 2 and 2 * len(contradicts) > asked:
            assert found.pop(row) == cleanup.Outlier(row, contradicts[0], len(contradicts), asked)
    assert not found
