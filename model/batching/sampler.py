"""Batches of C coarse classes x F fine classes x K images; an epoch shows every image once, or rare ones again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.contract.taxonomy import NO_FINE

_DUE = 1e6  # larger than every other key of a draw


@dataclass(frozen=True)
class BatchShape:
    """C coarse classes, F fine classes of each, K images of each fine class; all at least 1."""

    coarse: int
    fine: int
    images: int

    def __post_init__(self) -> None:
        if min(self.coarse, self.fine, self.images) < 1:
            raise ValueError(f"a batch needs at least one coarse class, fine class and image: {self}")

    @property
    def chunks(self) -> int:
        """Places for fine classes in a batch, C x F."""
        return self.coarse * self.fine


class Sampler:
    """Composes the batches of the epochs of a training. All that is not in the labels is in `state`."""

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: int64 indices into the labels."""
        raise NotImplementedError

    def learn(self, embeddings: np.ndarray, fine: np.ndarray) -> None:
        """See the embeddings [B, d] of a step, and its fine classes [B]; most samplers ignore them."""

    def end_epoch(self) -> None:
        """An epoch is over: what was learned may change the batches of the next one."""

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to keep."""
        return {}

    def load(self, state: dict[str, np.ndarray]) -> None:
        """Continue from `state`. Raises ValueError if it does not fit."""


class HierarchicalSampler(Sampler):
    """Composes the batches of each epoch, from the seed and the number of the epoch alone.

    Each epoch shows every image exactly once, so that the classifiers see the natural distribution; except images of
    rare fine classes, if that is asked for: those of a class with n images come sqrt(often / n) times on average, where
    that is above 1 (repeat factor sampling, Gupta et al., "LVIS", CVPR 2019). The images of a fine class are shuffled
    and cut into chunks of K; what is left makes one shorter chunk, no image is twice in a chunk.
    Images whose fine class is unknown are cut into chunks by coarse class; such chunks are not a class to contrast,
    so up to F of them may stand in one batch. A fine class with more chunks than the epoch has batches has several in a
    batch, spread over the epoch rather than left to its end.

    A batch takes C coarse classes and one chunk from each of F fine classes of each of these. Both draws are without
    replacement, weighted by the chunks left; a class with so many chunks left that it must be in every remaining batch
    comes first. Where a coarse class has fewer than F fine classes left, or fewer than C coarse classes are left, the
    free places go to other fine classes of any coarse class, and where there are none either, to second chunks
    of the classes already there. So every batch but the last has C x F chunks; it has fewer than C x F x K images only
    by the short chunks. A last batch of a single image joins the one before it.
    """

    def __init__(self, coarse: np.ndarray, fine: np.ndarray, shape: BatchShape, seed: int, often: int = 0) -> None:
        """Take the labels of the training images.

        Args:
            coarse: int [n], coarse class of each image.
            fine: int [n], fine class of each image, NO_FINE where unknown.
            shape: C, F and K.
            seed: of all random choices.
            often: images from which on a fine class is not rare; 0 if none is.

        Raises:
            ValueError: if there are no images or the arrays differ in length.
        """
        check_labels(coarse, fine)
        self._shape = shape
        self._seed = seed
        order = np.lexsort((fine, coarse))  # stable: images of a class stay in their order
        borders = np.flatnonzero(np.diff(coarse[order]) | np.diff(fine[order])) + 1
        self._images = [members.astype(np.int64) for members in np.split(order, borders)]
        self._coarse_of = [int(coarse[members[0]]) for members in self._images]
        self._unknown = [int(fine[members[0]]) == NO_FINE for members in self._images]
        self._shown = [
            len(members) if unknown else max(len(members), round((often * len(members)) ** 0.5))
            for members, unknown in zip(self._images, self._unknown, strict=True)
        ]

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: int64 indices into the labels, each index in at least one batch."""
        rng = np.random.default_rng((self._seed, epoch))
        chunks_of = [self._chunks(*one, rng) for one in zip(self._images, self._shown, strict=True)]
        expected = _rounded_up(sum(map(len, chunks_of)), self._shape.chunks)
        depot = _Depot(self._shape, rng)
        for chunks, coarse, unknown in zip(chunks_of, self._coarse_of, self._unknown, strict=True):
            # A draw takes one chunk from a pile. A class with more chunks than there are batches gets more piles, or
            # it would be left over at the end; the unknown get F, as several of their chunks may stand in a batch.
            piles = max(_rounded_up(len(chunks), expected), self._shape.fine if unknown else 1)
            for pile in range(min(piles, len(chunks))):
                depot.add(coarse, chunks[pile::piles])
        batches = depot.batches()
        if len(batches) > 1 and len(batches[-1]) < 2:
            batches[-2:] = [np.concatenate(batches[-2:])]
        return batches

    def _chunks(self, members: np.ndarray, shown: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Chunks of K with this many images in all; each image comes once before one comes again."""
        size, chunks = self._shape.images, []
        for begin in range(0, shown, len(members)):
            shuffled = rng.permutation(members)[: shown - begin]
            chunks += [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
        rng.shuffle(chunks)  # the shorter one may come at any time
        return chunks


def check_labels(coarse: np.ndarray, fine: np.ndarray) -> None:
    """Raises ValueError if the labels of both levels are not one for each photo, or there are no photos."""
    if coarse.shape != fine.shape or coarse.ndim != 1 or len(coarse) == 0:
        raise ValueError(f"labels must be one per photo, not coarse {coarse.shape} and fine {fine.shape}")


def _rounded_up(total: int, part: int) -> int:
    return -(-total // part)


class _Depot:
    """The chunks of an epoch that are not in a batch yet."""

    def __init__(self, shape: BatchShape, rng: np.random.Generator) -> None:
        self._shape = shape
        self._rng = rng
        self._piles: list[list[np.ndarray]] = []
        self._piles_of: dict[int, list[int]] = {}

    def add(self, coarse: int, chunks: list[np.ndarray]) -> None:
        """Add the chunks of one class."""
        self._piles_of.setdefault(coarse, []).append(len(self._piles))
        self._piles.append(chunks)

    def batches(self) -> list[np.ndarray]:
        """Take out everything."""
        left = np.array([len(pile) for pile in self._piles])
        members = [np.array(piles) for piles in self._piles_of.values()]
        batches = []
        while left.any():
            batch = []
            for pile in self._compose(left, members):
                left[pile] -= 1
                batch.append(self._piles[pile].pop())
            batches.append(np.concatenate(batch))
        return batches

    def _compose(self, left: np.ndarray, members: list[np.ndarray]) -> list[int]:
        """The piles from which the next batch takes a chunk each; `left` counts the chunks of each pile."""
        later = _rounded_up(int(left.sum()), self._shape.chunks) - 1  # batches after this one
        of_coarse = np.array([left[piles].sum() for piles in members])
        taken: list[int] = []
        for coarse in self._draw(of_coarse, self._shape.coarse, due=later * self._shape.fine):
            piles = members[coarse]
            taken += [int(piles[i]) for i in self._draw(left[piles], self._shape.fine, due=later)]
        rest = left.copy()
        rest[taken] = 0
        taken += self._draw(rest, self._shape.chunks - len(taken), due=later)
        while len(taken) < self._shape.chunks:  # every class is in the batch already: second chunks
            rest = left - np.bincount(taken, minlength=len(left))
            if not rest.any():
                break
            taken += self._draw(rest, self._shape.chunks - len(taken), due=later)
        return taken

    def _draw(self, weights: np.ndarray, count: int, due: int) -> list[int]:
        """Up to `count` distinct indices of positive weight, at random in proportion; those above `due` first."""
        candidates = np.flatnonzero(weights)
        chosen = weights[candidates]
        # the largest of log(weight) + Gumbel noise are a weighted draw without replacement (Yellott 1977)
        keys = np.log(chosen) + self._rng.gumbel(size=len(candidates)) + _DUE * (chosen > due)
        return [int(i) for i in candidates[np.argsort(-keys, kind="stable")[:count]]]
