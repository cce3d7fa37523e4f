"""Batches in which every fine class comes equally often, however many photos it has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.batching.sampler import BatchShape, Sampler
from model.contract.samples import DataError
from model.contract.taxonomy import NO_FINE


class EvenSampler(Sampler):
    """Draws C x F fine classes for each batch and K photos of each, from the seed and the number of the epoch alone.

    Classes come in shuffled rounds, so that over an epoch the numbers of their appearances differ by one at most; a
    round that ends within a batch gives way to the next, without a class that the batch holds. The photos of a class
    come in shuffled rounds too; a class with fewer than K shows all that it has. An epoch has as many batches as the
    photos would fill. Photos whose fine class is unknown are not drawn.
    """

    def __init__(self, fine: np.ndarray, shape: BatchShape, seed: int) -> None:
        """Take the labels of the training photos.

        Args:
            fine: int [n], fine class of each photo, NO_FINE where unknown.
            shape: C, F and K.
            seed: of all random choices.

        Raises:
            DataError: if no photo has a fine class.
        """
        self._photos = [np.flatnonzero(fine == name) for name in np.unique(fine[fine != NO_FINE])]
        if not self._photos:
            raise DataError("even batches need photos with a class, and no photo has one; choose other batches")
        self._shape, self._seed = shape, seed
        self._count = max(1, round(len(fine) / (shape.chunks * shape.images)))

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: int64 indices into the labels, no photo twice in a batch."""
        rng = np.random.default_rng((self._seed, epoch))
        classes = _rounds(np.arange(len(self._photos)), min(self._shape.chunks, len(self._photos)), rng)
        photos = [_rounds(members, min(self._shape.images, len(members)), rng) for members in self._photos]
        return [np.concatenate([next(photos[one]) for one in next(classes)]) for _ in range(self._count)]


def _rounds(members: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endlessly `size` distinct members, each round of all members in a new order."""
    waiting = rng.permutation(members)
    while True:
        taken, waiting = waiting[:size], waiting[size:]
        if len(taken) < size:
            following = rng.permutation(members)
            held = np.isin(following, taken)
            order = np.concatenate([following[~held], following[held]])
            missing = size - len(taken)
            taken, waiting = np.concatenate([taken, order[:missing]]), order[missing:]
        yield taken.astype(np.int64)
