"""Batches of classes that the embedding confuses: each class with its nearest sibling and its nearest stranger.

*Sibling*: another fine class of the same coarse class. *Stranger*: a fine class of another coarse class. Near is what
the running means of the classes' embeddings say, so that the P- and N that a selection rule needs are in the batch.
"""

from __future__ import annotations

import numpy as np

from model.batching.sampler import BatchShape, Sampler, check_labels
from model.contract.taxonomy import NO_FINE


class ClassMeans:
    """Exponential moving average of the embeddings of each fine class, of unit length.

    Batches of an epoch are composed from the means as they stood at its beginning (`frozen`), so that an epoch that is
    resumed in its middle has the same batches; `state` holds both.
    """

    def __init__(self, n_fine: int, dim: int, momentum: float) -> None:
        """Args: momentum: share of the old mean that an update keeps, in [0, 1)."""
        if not 0 <= momentum < 1:
            raise ValueError(f"the momentum of the class means must be in [0, 1): {momentum}")
        self._momentum = momentum
        self.current = np.zeros((n_fine, dim), dtype=np.float32)
        self.frozen = self.current.copy()
        """float32 [n_fine, dim], unit length, or zero if the class has not been seen."""

    def update(self, embeddings: np.ndarray, fine: np.ndarray) -> None:
        """Move the means of the classes in a batch.

        Args:
            embeddings: float [B, dim].
            fine: int [B], NO_FINE where unknown; these are passed over.
        """
        known = fine != NO_FINE
        classes, row_of = np.unique(fine[known], return_inverse=True)
        sums = np.zeros((len(classes), self.current.shape[1]), dtype=np.float32)
        np.add.at(sums, row_of, embeddings[known].astype(np.float32))
        fresh = _unit(sums)
        old = self.current[classes]
        keep = np.where(old.any(axis=1), self._momentum, 0.0).astype(np.float32)[:, None]
        mixed = _unit(keep * old + (1 - keep) * fresh)
        # opposite vectors may cancel out: a mean without direction would count as never seen
        self.current[classes] = np.where(mixed.any(axis=1, keepdims=True), mixed, old)

    def freeze(self) -> None:
        """An epoch is over: the next one is composed from its means."""
        self.frozen = self.current.copy()

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to keep."""
        return {"current": self.current.copy(), "frozen": self.frozen.copy()}

    def load(self, state: dict[str, np.ndarray]) -> None:
        """Continue from `state`. Raises ValueError if it is of other classes or another dimension."""
        for name in ("current", "frozen"):
            if state[name].shape != self.current.shape:
                raise ValueError(f"class means of shape {state[name].shape} where {self.current.shape} is expected")
        self.current, self.frozen = state["current"].copy(), state["frozen"].copy()


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


class ClassHardSampler(Sampler):
    """Composes the batches of each epoch, from the seed, the number of the epoch and the frozen means alone.

    Each epoch shows every image exactly once. The images of a fine class are shuffled and cut into chunks of K, the
    last of them shorter; a batch takes C x F chunks. An anchor class is drawn in proportion to the chunks it has left
    and takes a chunk, then its nearest sibling, then its nearest stranger; one that is already in the batch is not
    taken twice, and one without chunks left is replaced by the next nearest. So the groups are truest at the beginning
    of an epoch, and the neighbours of a class that is larger than they are run out before it. A class without siblings
    or strangers goes without. Between classes not yet seen, chance decides;
    seen classes count as nearer.

    Chunks of unknown fine class (by coarse class) are drawn as anchors too, alone. A class with more chunks than there
    are batches may stand several times in a batch and comes first when it has to. A last batch of a single image
    joins the one before it.
    """

    def __init__(self, coarse: np.ndarray, fine: np.ndarray, shape: BatchShape, seed: int, means: ClassMeans) -> None:
        """Take the labels of the training images.

        Args:
            coarse: int [n], coarse class of each image.
            fine: int [n], fine class of each image, NO_FINE where unknown.
            shape: C, F and K.
            seed: of all random choices.
            means: of all fine classes; read again at each call of `batches`.

        Raises:
            ValueError: if there is no image, the arrays differ in length, or a fine class has no row in `means`.
        """
        check_labels(coarse, fine)
        if fine.max() >= len(means.frozen):
            raise ValueError(f"fine class {fine.max()} has no mean: there are {len(means.frozen)}")
        self._shape, self._seed, self._means = shape, seed, means
        order = np.lexsort((fine, coarse))
        borders = np.flatnonzero(np.diff(coarse[order]) | np.diff(fine[order])) + 1
        self._images = [members.astype(np.int64) for members in np.split(order, borders)]
        self._coarse = np.array([coarse[members[0]] for members in self._images])
        self._fine = np.array([fine[members[0]] for members in self._images])

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: int64 indices into the labels, each index in exactly one batch."""
        rng = np.random.default_rng((self._seed, epoch))
        size = self._shape.images
        piles = []
        for members in self._images:
            shuffled = rng.permutation(members)
            chunks = [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
            rng.shuffle(chunks)  # the shorter chunk may come at any time
            piles.append(chunks)
        siblings, strangers = self._neighbours(rng)
        left = np.array([len(chunks) for chunks in piles])
        count = -(-int(left.sum()) // self._shape.chunks)
        quota = -(-left // count)
        batches = []
        for later in range(count - 1, -1, -1):
            taken = self._compose(left, quota, later, siblings, strangers, rng)
            batches.append(np.concatenate([piles[pile].pop() for pile in taken]))
        if len(batches) > 1 and len(batches[-1]) < 2:
            batches[-2:] = [np.concatenate(batches[-2:])]
        return batches

    def learn(self, embeddings: np.ndarray, fine: np.ndarray) -> None:
        """Move the running means."""
        self._means.update(embeddings, fine)

    def end_epoch(self) -> None:
        """Compose the next epoch from the means as they are now."""
        self._means.freeze()

    def state(self) -> dict[str, np.ndarray]:
        """The means."""
        return self._means.state()

    def load(self, state: dict[str, np.ndarray]) -> None:
        """Take the means of a checkpoint. Raises ValueError if they are of other classes or another dimension."""
        self._means.load(state)

    def _neighbours(self, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """For each pile the piles of its siblings and of its strangers, nearest first."""
        vectors = np.zeros((len(self._fine), self._means.frozen.shape[1]), dtype=np.float32)
        known = self._fine != NO_FINE
        vectors[known] = self._means.frozen[self._fine[known]]
        seen = np.asarray(vectors.any(axis=1))
        cosine = np.where(seen[:, None] & seen[None, :], vectors @ vectors.T, -np.inf)
        mixed = rng.permutation(len(vectors))  # ties are decided by chance
        siblings, strangers = [], []
        for pile, similar in enumerate(cosine):
            order = mixed[np.argsort(-similar[mixed], kind="stable")]
            order = order[known[order] & (order != pile)] if known[pile] else order[:0]
            same = self._coarse[order] == self._coarse[pile]
            siblings.append(order[same])
            strangers.append(order[~same])
        return siblings, strangers

    def _compose(
        self,
        left: np.ndarray,
        quota: np.ndarray,
        later: int,
        siblings: list[np.ndarray],
        strangers: list[np.ndarray],
        rng: np.random.Generator,
    ) -> list[int]:
        """The piles from which a batch takes one chunk each, taken off `left`; `later` batches come after it."""
        taken: list[int] = []
        inside = np.zeros(len(left), dtype=np.int64)

        def take(pile: int) -> None:
            taken.append(pile)
            inside[pile] += 1
            left[pile] -= 1

        while len(taken) < self._shape.chunks and left.any():
            anchor = _draw(left, inside, quota, later, rng)
            take(anchor)
            for near in (siblings[anchor], strangers[anchor]):
                usable = near[(left[near] > 0) | (inside[near] > 0)]
                if len(taken) < self._shape.chunks and len(usable) and not inside[usable[0]]:
                    take(int(usable[0]))
        return taken


def _draw(left: np.ndarray, inside: np.ndarray, quota: np.ndarray, later: int, rng: np.random.Generator) -> int:
    """A pile at random, in proportion to what is left of those that may still enter the batch, the overdue first."""
    open_ = left * (inside < quota)
    overdue = open_ * (left > later * quota)
    weights = next(w for w in (overdue, open_, left) if w.any())
    return int(rng.choice(len(weights), p=weights / weights.sum()))
