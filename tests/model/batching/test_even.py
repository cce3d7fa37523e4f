"""Even batches: every class as often as every other one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.batching.even import EvenSampler
from model.batching.sampler import BatchShape
from model.contract.samples import DataError
from model.contract.taxonomy import NO_FINE

SHAPES = st.builds(BatchShape, coarse=st.integers(1, 3), fine=st.integers(1, 3), images=st.integers(1, 4))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(0, 9), SHAPES, st.integers(0, 3))
def test_classes_and_their_photos_come_equally_often(
    sizes: list[int], unknown: int, shape: BatchShape, epoch: int
) -> None:
    fine = np.repeat([*range(len(sizes)), NO_FINE], [*sizes, unknown])
    batches = EvenSampler(fine, shape, seed=1).batches(epoch)
    assert len(batches) == max(1, round(len(fine) / (shape.chunks * shape.images)))
    appearances = np.zeros(len(sizes), int)
    for batch in batches:
        assert batch.dtype == np.int64 and len(set(batch.tolist())) == len(batch)
        shown, counts = np.unique(fine[batch], return_counts=True)
        assert NO_FINE not in shown and len(shown) == min(shape.chunks, len(sizes))
        assert all(count == min(shape.images, sizes[one]) for one, count in zip(shown, counts, strict=True))
        appearances[shown] += 1
    assert appearances.max() - appearances.min() <= 1
    photos = np.bincount(np.concatenate(batches), minlength=len(fine))
    for name in range(len(sizes)):
        of_class = photos[fine == name]
        assert of_class.max() - of_class.min() <= 1


def test_a_seed_and_an_epoch_give_the_same_batches_and_others_do_not() -> None:
    fine = np.repeat(np.arange(20), 9)
    shape = BatchShape(3, 2, 4)
    first, again = (EvenSampler(fine, shape, seed=4).batches(2) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], EvenSampler(fine, shape, seed=4).batches(3)[0])
    assert not np.array_equal(first[0], EvenSampler(fine, shape, seed=5).batches(2)[0])


def test_photos_without_a_class_alone_are_refused() -> None:
    with pytest.raises(DataError, match="photos with a class"):
        EvenSampler(np.full(4, NO_FINE), BatchShape(1, 1, 1), seed=0)
