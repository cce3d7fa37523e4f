import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.batching.class_hard import ClassHardSampler, ClassMeans
from model.batching.sampler import BatchShape
from model.contract.taxonomy import NO_FINE

SHAPES = st.builds(BatchShape, coarse=st.integers(1, 4), fine=st.integers(1, 4), images=st.integers(1, 4))


@st.composite
def collections(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, ClassMeans]:
    """Labels in random order, and means of which some are not yet seen."""
    coarse, fine, number = [], [], 0
    for parent in range(draw(st.integers(1, 4))):
        for size in draw(st.lists(st.integers(1, 25), max_size=4)):
            coarse += [parent] * size
            fine += [number] * size
            number += 1
        unknown = draw(st.integers(0, 15))
        coarse += [parent] * unknown
        fine += [NO_FINE] * unknown
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    order = rng.permutation(len(coarse))
    means = ClassMeans(number, 3, 0.5)
    seen = np.flatnonzero(rng.random(number) < 0.7)
    means.update(rng.normal(size=(len(seen), 3)), seen)
    means.freeze()
    return np.array(coarse, dtype=np.int64)[order], np.array(fine, dtype=np.int64)[order], means


@settings(deadline=None)
@given(collections(), SHAPES, st.integers(0, 3), st.integers(0, 3))
def test_each_image_is_in_exactly_one_batch_of_full_chunks(
    collection: tuple[np.ndarray, np.ndarray, ClassMeans], shape: BatchShape, seed: int, epoch: int
) -> None:
    coarse, fine, means = collection
    if len(coarse) == 0:
        return
    batches = ClassHardSampler(coarse, fine, shape, seed, means).batches(epoch)
    assert all(batch.dtype == np.int64 for batch in batches)
    assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(len(coarse)))
    pairs = list(zip(coarse.tolist(), fine.tolist(), strict=True))
    chunks = sum(-(-pairs.count(pair) // shape.images) for pair in set(pairs))
    expected = -(-chunks // shape.chunks)
    assert len(batches) in (expected, max(1, expected - 1))
    assert max(len(batch) for batch in batches) <= shape.chunks * shape.images + 1
    assert len(batches) == 1 or len(batches[-1]) >= 2


@settings(deadline=None)
@given(collections(), SHAPES, st.integers(0, 2**32), st.integers(0, 100))
def test_seed_epoch_and_frozen_means_alone_decide(
    collection: tuple[np.ndarray, np.ndarray, ClassMeans], shape: BatchShape, seed: int, epoch: int
) -> None:
    coarse, fine, means = collection
    if len(coarse) == 0:
        return
    once = ClassHardSampler(coarse, fine, shape, seed, means).batches(epoch)
    resumed = ClassMeans(len(means.current), 3, 0.5)
    resumed.load(means.state())
    known = np.arange(len(means.current))
    resumed.update(np.ones((len(known), 3)), known)  # in mid-epoch the running means have moved
    sampler = ClassHardSampler(coarse.copy(), fine.copy(), shape, seed, resumed)
    sampler.batches(epoch + 1)
    assert [batch.tolist() for batch in sampler.batches(epoch)] == [batch.tolist() for batch in once]


def by_loops(vectors: np.ndarray, parents: np.ndarray, anchor: int) -> tuple[int | None, int | None]:
    """Nearest sibling and nearest stranger of a class, by looking at every other class."""
    best: dict[bool, tuple[float, int | None]] = {True: (-2.0, None), False: (-2.0, None)}
    for other, parent in enumerate(parents):
        if other == anchor:
            continue
        cosine = float(vectors[anchor] @ vectors[other])
        same = bool(parent == parents[anchor])
        best[same] = max(best[same], (cosine, other), key=lambda pair: pair[0])
    return best[True][1], best[False][1]


@pytest.mark.parametrize("seed", range(10))
def test_a_batch_of_one_group_is_a_class_its_nearest_sibling_and_its_nearest_stranger(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parents = np.repeat(np.arange(4), 5)
    means = ClassMeans(20, 8, 0.9)
    means.update(rng.normal(size=(20, 8)), np.arange(20))
    means.freeze()
    fine = np.repeat(np.arange(20), 4)
    sampler = ClassHardSampler(parents[fine], fine, BatchShape(3, 1, 4), seed, means)
    batch = sampler.batches(0)[0]
    anchor, sibling, stranger = fine[batch][::4].tolist()
    assert (sibling, stranger) == by_loops(means.frozen, parents, anchor)
    assert np.array_equal(fine[batch], np.repeat([anchor, sibling, stranger], 4))


def test_confused_classes_meet_more_often_than_in_batches_without_means() -> None:
    parents = np.repeat(np.arange(6), 10)
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(6, 5, 16)).repeat(2, axis=1).reshape(60, 16)  # classes 2i and 2i + 1 look the same
    means = ClassMeans(60, 16, 0.9)
    fine = np.repeat(np.arange(60), 20)
    sampler = ClassHardSampler(parents[fine], fine, BatchShape(3, 2, 4), 0, means)

    def meetings() -> float:
        drawn = [set(fine[batch].tolist()) for batch in sampler.batches(0)]
        return float(np.mean([len(classes) - len({c // 2 for c in classes}) for classes in drawn]))

    without = meetings()
    means.update(pairs + 0.01 * rng.normal(size=pairs.shape), np.arange(60))
    means.freeze()
    assert meetings() > 3 * without


def test_one_class_alone_and_unknown_images_alone_make_batches() -> None:
    alone = np.zeros(10, dtype=np.int64)
    means = ClassMeans(1, 2, 0.5)
    batches = ClassHardSampler(alone, alone, BatchShape(2, 1, 2), 0, means).batches(0)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    coarse = np.repeat([0, 1], 20)
    batches = ClassHardSampler(coarse, np.full(40, NO_FINE), BatchShape(2, 2, 2), 0, ClassMeans(0, 2, 0.5)).batches(0)
    assert [len(batch) for batch in batches] == [8] * 5
    assert np.mean([len(set(coarse[batch].tolist())) for batch in batches]) > 1.5


def test_a_class_larger_than_the_rest_together_is_in_every_batch() -> None:
    fine = np.repeat([0, 1, 2, 3], [400, 40, 40, 40])
    batches = ClassHardSampler(fine // 2, fine, BatchShape(3, 1, 4), 0, ClassMeans(4, 2, 0.5)).batches(0)
    share = np.array([(fine[batch] == 0).mean() for batch in batches])
    assert np.all(share > 0.3)
    # it may have two of the three places in a batch before its neighbours run out, and groups are whole at first
    assert np.all(share[:10] < 0.7)


def test_means_are_running_means_of_unit_length() -> None:
    means = ClassMeans(3, 2, 0.75)
    means.update(np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]), np.array([0, 0, NO_FINE]))
    assert means.current.tolist() == [[1, 0], [0, 0], [0, 0]]
    means.update(np.array([[0.0, 1.0]]), np.array([0]))
    assert np.allclose(means.current[0], np.array([0.75, 0.25]) / np.hypot(0.75, 0.25))
    assert not means.frozen.any()
    means.freeze()
    assert np.array_equal(means.frozen, means.current)
    means.update(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([1, 1]))  # no direction
    assert not means.current[1].any()


@given(st.integers(0, 1000), st.integers(1, 30))
def test_seen_means_have_unit_length(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    means = ClassMeans(5, 3, 0.9)
    for _ in range(3):
        means.update(rng.normal(size=(size, 3)), rng.integers(-1, 5, size))
    lengths = np.linalg.norm(means.current, axis=1)
    assert np.all((lengths == 0) | (np.abs(lengths - 1) < 1e-5))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="momentum"):
        ClassMeans(2, 2, 1.0)
    with pytest.raises(ValueError, match="class means of shape"):
        ClassMeans(2, 2, 0.5).load(ClassMeans(3, 2, 0.5).state())
    labels = np.array([0, 2])
    with pytest.raises(ValueError, match="fine class 2 has no mean"):
        ClassHardSampler(labels, labels, BatchShape(1, 1, 1), 0, ClassMeans(2, 2, 0.5))
    with pytest.raises(ValueError, match="labels must be one per photo"):
        ClassHardSampler(labels, labels[:1], BatchShape(1, 1, 1), 0, ClassMeans(2, 2, 0.5))
