"""Dense batches; neighbours against the distances of all pairs."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.batching.dense import DenseSampler, LabelNeighbours
from model.contract.taxonomy import NO_FINE
from model.method.logratio import label_distances


def collection(seed: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[float, ...]]:
    """Labels with unknown fine classes, and no, one or two attributes: years with many ties, lengths, some missing."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 3, size)
    fine = coarse * 3 + rng.integers(0, 3, size)
    fine[rng.random(size) < 0.2] = NO_FINE
    # rounded, so that distances are equal or 1/700 apart: float32, in which all pairs are computed, distinguishes these
    lengths = rng.normal(size=size).round(3)
    attributes = np.stack([rng.integers(2000, 2006, size).astype(float), lengths], axis=1)[:, : seed % 3]
    attributes[rng.random(attributes.shape) < 0.25] = math.nan
    return coarse, fine, attributes, (4.0, 0.7)[: seed % 3]


def all_pairs(
    coarse: np.ndarray, fine: np.ndarray, attributes: np.ndarray, scales: tuple[float, ...], base: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    delta, valid = label_distances(
        torch.from_numpy(coarse),
        torch.from_numpy(fine),
        base=base,
        attributes=torch.from_numpy(attributes),
        scales=scales,
    )
    return delta.double().numpy(), valid.numpy()


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 8), st.sampled_from([1.2, 2.0]))
def test_neighbours_agree_with_the_distances_of_all_pairs(seed: int, size: int, k: int, base: float) -> None:
    labels = collection(seed, size)
    delta, valid = all_pairs(*labels, base=base)
    neighbours = LabelNeighbours(*labels, base=base)
    for anchor in range(size):
        certain, tied = neighbours.nearest(anchor, k)
        others = np.flatnonzero(valid[anchor])
        if len(others) == 0:
            assert len(certain) == len(tied) == 0
            continue
        assert np.allclose(neighbours.distances(anchor, others), delta[anchor, others], atol=1e-5)
        edge = np.sort(delta[anchor, others])[min(k, len(others)) - 1]
        assert sorted(certain) == others[delta[anchor, others] < edge - 1e-5].tolist()
        assert sorted(tied) == others[np.abs(delta[anchor, others] - edge) <= 1e-5].tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 5), st.integers(1, 8), st.integers(0, 3))
def test_every_image_is_shown_and_each_batch_is_anchor_neighbours_rest(
    seed: int, size: int, k: int, more: int, epoch: int
) -> None:
    coarse, fine, attributes, scales = collection(seed, size)
    delta, valid = all_pairs(coarse, fine, attributes, scales)
    whole = k + 1 + more
    batches = DenseSampler(coarse, fine, attributes, scales, whole, k, seed).batches(epoch)
    assert set(np.concatenate(batches).tolist()) == set(range(size))
    assert len(batches) <= -(-size // (whole - k))
    anchors, rests = [], []
    for batch in batches:
        assert batch.dtype == np.int64
        assert len(set(batch.tolist())) == len(batch)
        others = np.flatnonzero(valid[batch[0]])
        near = min(k, len(others))
        got = np.sort(delta[batch[0], batch[1 : near + 1]])
        assert np.allclose(got, np.sort(delta[batch[0], others])[:near], atol=1e-5)
        anchors.append(int(batch[0]))
        rests += batch[near + 1 :].tolist()
    assert max(Counter(anchors + rests).values()) == 1  # only neighbours come again
    assert all(len(batch) == whole for batch in batches[:-2])
    assert len(batches) == 1 or len(batches[-1]) >= 2


@given(st.integers(0, 1000), st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_seed_and_epoch_alone_decide(seed: int, epoch: int) -> None:
    labels = collection(seed, 40)
    once = DenseSampler(*labels, 10, 3, seed).batches(epoch)
    resumed = DenseSampler(*labels, 10, 3, seed)
    other = resumed.batches(epoch + 1)
    assert [batch.tolist() for batch in resumed.batches(epoch)] == [batch.tolist() for batch in once]
    assert [batch.tolist() for batch in other] != [batch.tolist() for batch in once]


def test_ties_are_drawn_evenly() -> None:
    coarse = np.zeros(11, dtype=np.int64)
    sampler = DenseSampler(coarse, coarse, None, (), 4, 2, 0)
    counts = Counter()
    for epoch in range(3000):
        anchor, *near = sampler.batches(epoch)[0][:3].tolist()
        if anchor == 0:
            counts.update(near)
    expected = sum(counts.values()) / 10
    assert sorted(counts) == list(range(1, 11))
    # 4 standard deviations of a count
    assert all(abs(count - expected) < 4 * math.sqrt(expected) for count in counts.values())


def test_without_attributes_few_images_come_twice_and_without_neighbours_none() -> None:
    fine = np.repeat(np.arange(50), 40)
    dense = np.concatenate(DenseSampler(fine // 5, fine, None, (), 100, 5, 0).batches(0))
    assert len(dense) <= 1.01 * len(fine)
    plain = DenseSampler(fine // 5, fine, None, (), 100, 0, 0).batches(0)
    assert np.array_equal(np.sort(np.concatenate(plain)), np.arange(2000))
    assert [len(batch) for batch in plain] == [100] * 20


def test_a_last_batch_of_one_image_joins_the_one_before() -> None:
    labels = np.zeros(9, dtype=np.int64)
    assert [len(batch) for batch in DenseSampler(labels, labels, None, (), 4, 0, 0).batches(0)] == [4, 5]
    assert [batch.tolist() for batch in DenseSampler(labels[:1], labels[:1], None, (), 4, 2, 0).batches(0)] == [[0]]


def test_a_hundred_thousand_images_are_each_drawn() -> None:
    rng = np.random.default_rng(0)
    fine = rng.integers(0, 500, 100_000)
    attributes = np.stack([rng.integers(1980, 2020, len(fine)).astype(float), rng.normal(size=len(fine))], axis=1)
    attributes[rng.random(attributes.shape) < 0.1] = math.nan
    # all pairs would be 10^10
    batches = DenseSampler(fine // 10, fine, attributes, (10.0, 1.0), 108, 5, 0).batches(0)
    assert len(set(np.concatenate(batches).tolist())) == len(fine)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fine": np.zeros(3, dtype=int)}, "labels must be one per photo"),
        ({"scales": (1.0, 2.0)}, "2 scales"),
        ({"scales": (0.0,)}, "scales above 0"),
        ({"attributes": np.full((4, 1), np.inf)}, "finite"),
        ({"base": 1.0}, "base above 1"),
        ({"batch": 3}, "batch 3, k 2"),
        ({"k": -1}, "k -1"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    labels = {"coarse": np.zeros(4, dtype=int), "fine": np.zeros(4, dtype=int), "attributes": np.zeros((4, 1))}
    given: dict[str, Any] = labels | {"scales": (1.0,), "batch": 4, "k": 2, "seed": 0}
    with pytest.raises(ValueError, match=message):
        DenseSampler(**(given | change))
