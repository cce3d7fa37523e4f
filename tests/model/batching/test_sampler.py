import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.batching.sampler import BatchShape, HierarchicalSampler
from model.contract.taxonomy import NO_FINE

SHAPES = st.builds(BatchShape, coarse=st.integers(1, 4), fine=st.integers(1, 4), images=st.integers(1, 4))


@st.composite
def labels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Coarse and fine label of each image, fine classes numbered through, in random order."""
    coarse, fine = [], []
    number = 0
    for parent in range(draw(st.integers(1, 5))):
        for size in draw(st.lists(st.integers(1, 30), max_size=5)):
            coarse += [parent] * size
            fine += [number] * size
            number += 1
        unknown = draw(st.integers(0, 20))
        coarse += [parent] * unknown
        fine += [NO_FINE] * unknown
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(coarse))
    return np.array(coarse, dtype=np.int64)[order], np.array(fine, dtype=np.int64)[order]


def chunk_counts(coarse: np.ndarray, fine: np.ndarray, images: int) -> dict[tuple[int, int], int]:
    """Number of chunks of each (coarse, fine), counted by hand."""
    pairs = list(zip(coarse.tolist(), fine.tolist(), strict=True))
    return {pair: -(-pairs.count(pair) // images) for pair in set(pairs)}


def composition(batch: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> dict[int, dict[int, int]]:
    """Fine classes of each coarse class in a batch, and how many images of each."""
    parts = {}
    for image in batch:
        counts = parts.setdefault(int(coarse[image]), {})
        counts[int(fine[image])] = counts.get(int(fine[image]), 0) + 1
    return parts


@given(labels(), SHAPES, st.integers(0, 3), st.integers(0, 3))
def test_each_image_is_in_exactly_one_batch_of_a_bounded_size(
    labels: tuple[np.ndarray, np.ndarray], shape: BatchShape, seed: int, epoch: int
) -> None:
    coarse, fine = labels
    if len(coarse) == 0:
        return
    batches = HierarchicalSampler(coarse, fine, shape, seed).batches(epoch)
    assert all(batch.dtype == np.int64 for batch in batches)
    assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(len(coarse)))
    whole = shape.chunks * shape.images
    assert all(len(batch) <= whole for batch in batches[:-1])
    assert len(batches[-1]) <= whole + 1
    assert len(batches) == 1 or len(batches[-1]) >= 2
    expected = -(-sum(chunk_counts(coarse, fine, shape.images).values()) // shape.chunks)
    assert len(batches) in (expected, max(1, expected - 1))


@given(labels(), SHAPES, st.integers(0, 3), st.integers(1, 60))
def test_images_of_rare_classes_come_again_in_the_proportion_that_is_asked_for(
    labels: tuple[np.ndarray, np.ndarray], shape: BatchShape, epoch: int, often: int
) -> None:
    coarse, fine = labels
    if len(coarse) == 0:
        return
    batches = HierarchicalSampler(coarse, fine, shape, 0, often).batches(epoch)
    times = np.bincount(np.concatenate(batches), minlength=len(coarse))
    for label in set(fine.tolist()):
        own = times[fine == label]
        rare = label != NO_FINE and len(own) < often
        assert own.sum() == (round(len(own) * (often / len(own)) ** 0.5) if rare else len(own))
        assert own.min() >= 1 and own.max() - own.min() <= 1
    if often == 1:
        once = HierarchicalSampler(coarse, fine, shape, 0).batches(epoch)
        assert all(np.array_equal(a, b) for a, b in zip(once, batches, strict=True))


@given(labels(), SHAPES, st.integers(0, 3))
def test_the_first_batch_has_the_shape_as_far_as_the_classes_allow(
    labels: tuple[np.ndarray, np.ndarray], shape: BatchShape, seed: int
) -> None:
    coarse, fine = labels
    if len(coarse) == 0:
        return
    batches = HierarchicalSampler(coarse, fine, shape, seed).batches(0)
    if len(batches) == 1:
        return
    chunks = chunk_counts(coarse, fine, shape.images)
    parts = composition(batches[0], coarse, fine)
    assert len(parts) >= min(shape.coarse, len(set(coarse.tolist())))
    rich = [
        len({f for c, f in chunks if c == parent and f != NO_FINE}) >= shape.fine for parent in set(coarse.tolist())
    ]
    known_only = NO_FINE not in fine
    if known_only and all(rich) and len(rich) >= shape.coarse and max(chunks.values()) < len(batches):
        assert sorted(len(counts) for counts in parts.values()) == [shape.fine] * shape.coarse
        assert all(size <= shape.images for counts in parts.values() for size in counts.values())


@given(labels(), SHAPES, st.integers(0, 2**32), st.integers(0, 100))
def test_seed_and_epoch_alone_decide(
    labels: tuple[np.ndarray, np.ndarray], shape: BatchShape, seed: int, epoch: int
) -> None:
    coarse, fine = labels
    if len(coarse) == 0:
        return
    once = HierarchicalSampler(coarse, fine, shape, seed).batches(epoch)
    resumed = HierarchicalSampler(coarse.copy(), fine.copy(), shape, seed)
    resumed.batches(epoch + 1)
    again = resumed.batches(epoch)
    assert [batch.tolist() for batch in once] == [batch.tolist() for batch in again]


def balanced(coarse: int = 4, fine: int = 5, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(coarse * fine), size)
    return labels // fine, labels


def test_balanced_classes_give_batches_of_exactly_c_f_k() -> None:
    coarse, fine = balanced()
    batches = HierarchicalSampler(coarse, fine, BatchShape(2, 3, 4), seed=1).batches(0)
    assert len(batches) == 10
    for batch in batches[:5]:
        parts = composition(batch, coarse, fine)
        assert [list(counts.values()) for counts in parts.values()] == [[4, 4, 4], [4, 4, 4]]
    assert all(len(batch) == 24 for batch in batches)


def test_other_epochs_and_seeds_give_other_batches() -> None:
    coarse, fine = balanced()
    sampler = HierarchicalSampler(coarse, fine, BatchShape(2, 3, 4), seed=1)
    other = HierarchicalSampler(coarse, fine, BatchShape(2, 3, 4), seed=2)
    first = sampler.batches(0)[0].tolist()
    assert first != sampler.batches(1)[0].tolist()
    assert first != other.batches(0)[0].tolist()


def test_a_short_class_gives_a_short_chunk_and_no_repeats() -> None:
    fine = np.repeat([0, 1, 2, 3], [4, 1, 3, 4])
    batches = HierarchicalSampler(fine // 2, fine, BatchShape(2, 2, 4), seed=0).batches(0)
    assert [composition(batch, fine // 2, fine) for batch in batches] == [{0: {0: 4, 1: 1}, 1: {2: 3, 3: 4}}]
    assert len(set(batches[0].tolist())) == 12


def test_several_chunks_of_unknown_fine_class_may_stand_in_a_batch() -> None:
    coarse = np.repeat([0, 1], [40, 40])
    fine = np.full(80, NO_FINE)
    batches = HierarchicalSampler(coarse, fine, BatchShape(2, 2, 4), seed=0).batches(0)
    assert [np.bincount(coarse[batch]).tolist() for batch in batches] == [[8, 8]] * 5


def test_a_last_batch_of_one_image_joins_the_one_before() -> None:
    fine = np.zeros(9, dtype=np.int64)
    sizes = set()
    for seed in range(20):
        batches = HierarchicalSampler(fine, fine, BatchShape(1, 1, 4), seed).batches(0)
        sizes.add(tuple(len(batch) for batch in batches))
    assert sizes == {(1, 4, 4), (4, 1, 4), (4, 5)}
    one = HierarchicalSampler(fine[:1], fine[:1], BatchShape(2, 2, 2), seed=0).batches(0)
    assert [batch.tolist() for batch in one] == [[0]]


# photos of each fine class, and last of those without one, as a collection of ship photos has them
VESSELS = [
    [87, 53, 43, 32, 31, 1879],
    [116, 111, 104, 68, 15, 5, 1033],
    [1122, 0],
    [841, 55, 17, 0],
    [836, 55, 0],
    [115, 109, 84, 20, 0],
    [126, 34, 29, 11, 0],
    [120, 18, 16, 0],
]
TANKER = 11  # fine class with more chunks than there are batches


def long_tail() -> tuple[np.ndarray, np.ndarray]:
    coarse, fine, number = [], [], 0
    for parent, (*known, unknown) in enumerate(VESSELS):
        for size in known:
            fine += [number] * size
            number += 1
        fine += [NO_FINE] * unknown
        coarse += [parent] * (sum(known) + unknown)
    return np.array(coarse), np.array(fine)


@pytest.mark.parametrize("shape", [BatchShape(3, 6, 6), BatchShape(4, 4, 4), BatchShape(4, 2, 8)])
def test_a_long_tail_leaves_no_tail_of_one_class(shape: BatchShape) -> None:
    coarse, fine = long_tail()
    for seed in range(5):
        batches = HierarchicalSampler(coarse, fine, shape, seed).batches(0)
        assert all(len(set(coarse[batch].tolist())) >= 2 for batch in batches[:-1])


def test_large_classes_are_spread_over_the_whole_epoch() -> None:
    coarse, fine = long_tail()
    batches = HierarchicalSampler(coarse, fine, BatchShape(4, 4, 4), seed=0).batches(0)
    assert fine.tolist().count(TANKER) > 4 * len(batches)
    share = [float((fine[batch] == TANKER).mean()) for batch in batches[:-1]]
    assert np.mean(np.array(share) > 0) > 0.7
    assert max(share) < 0.4


def test_twelve_thousand_images_fill_their_batches() -> None:
    rng = np.random.default_rng(0)
    fine = rng.integers(0, 224, 12_000)
    sampler = HierarchicalSampler(fine // 16, fine, BatchShape(3, 6, 6), seed=0)
    batches = sampler.batches(0)
    assert np.mean([len(batch) for batch in batches[:-1]]) > 90


@pytest.mark.parametrize(
    ("coarse", "fine"), [(np.zeros(3), np.zeros(2)), (np.zeros(0), np.zeros(0)), (np.zeros((2, 2)), np.zeros((2, 2)))]
)
def test_labels_that_do_not_belong_together_are_refused(coarse: np.ndarray, fine: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels must be one per photo"):
        HierarchicalSampler(coarse.astype(int), fine.astype(int), BatchShape(1, 1, 1), 0)


@pytest.mark.parametrize("shape", [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_an_empty_batch_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        BatchShape(*shape)
