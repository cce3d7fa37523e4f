"""Dense batches for the log-ratio loss: an anchor, its k nearest in label space, and a random rest.

Kim et al., "Deep metric learning beyond binary supervision", CVPR 2019. The distance of labels is that of
`model.method.logratio.label_distances`: 1 in a fine class, b in a coarse class, b^2 elsewhere, plus |difference| /
scale of each attribute that both images have; images of one coarse class of which one has no fine label have none.

Neighbours come from the tree, fine class first, and within its levels from KD-trees over the attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.spatial import KDTree

from model.batching.sampler import Sampler, check_labels
from model.contract.taxonomy import NO_FINE

_TIE = 1e-9
"""Distances of labels nearer to each other than this are equal: attributes are divided and summed in floating point."""


class _Places:
    """Images of one level that lack the same attributes, by their place: the values of some of the others."""

    def __init__(self, images: np.ndarray, values: np.ndarray) -> None:
        """Args: images: int64 [n]; values: float64 [n, d], no NaN; d may be 0, then all are at one place."""
        points, place_of = np.unique(values, axis=0, return_inverse=True) if values.shape[1] else (None, None)
        if points is None or place_of is None:
            self._members, self._tree = [images], None
            return
        order = np.argsort(place_of, kind="stable")
        self._members = np.split(images[order], np.flatnonzero(np.diff(place_of.ravel()[order])) + 1)
        self._tree = KDTree(points)

    def outwards(self, value: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
        """Distance (sum of absolute differences) and images of each place, nearest first."""
        if self._tree is None:
            yield 0.0, self._members[0]
            return
        done, asked = 0, 8
        while done < len(self._members):
            asked = min(2 * asked, len(self._members))
            distances, places = self._tree.query(value, k=np.arange(done + 1, asked + 1), p=1)
            for distance, place in zip(distances.tolist(), places.tolist(), strict=True):
                yield distance, self._members[place]
            done = asked


class LabelNeighbours:
    """Finds the nearest images in label space.

    Building costs O(n log n) for each level and each set of attributes that the images of it lack. A query looks only
    at the places within the distance of the k-th neighbour: with images that tie there (a large class without
    attributes), at all of these.
    """

    def __init__(
        self,
        coarse: np.ndarray,
        fine: np.ndarray,
        attributes: np.ndarray | None = None,
        scales: Sequence[float] = (),
        *,
        base: float = 2.0,
    ) -> None:
        """Take the labels.

        Args:
            coarse, fine: int [n]; fine NO_FINE where unknown.
            attributes: float [n, a], NaN where missing.
            scales: one for each attribute.
            base: b, above 1.

        Raises:
            ValueError: if lengths differ, there are no images, an attribute is infinite, or a scale is not above 0.
        """
        check_labels(coarse, fine)
        values = np.zeros((len(coarse), 0)) if attributes is None else np.asarray(attributes, dtype=np.float64)
        if values.shape != (len(coarse), len(scales)):
            raise ValueError(f"{len(coarse)} images and {len(scales)} scales, but attributes of shape {values.shape}")
        if np.isinf(values).any() or any(not scale > 0 for scale in scales) or not base > 1:
            raise ValueError("attributes must be finite or NaN, their scales above 0 and the base above 1")
        self._coarse, self._fine, self._base = coarse, fine, base
        self._values = values / np.asarray(scales, dtype=np.float64)
        self._has = ~np.isnan(self._values)
        # a number for the set of attributes that an image has
        self._pattern = np.unique(self._has, axis=0, return_inverse=True)[1].ravel() if scales else np.zeros_like(fine)
        known: np.ndarray = fine != NO_FINE
        everything = np.arange(len(coarse))
        self._levels = {("fine", label): rows for label, rows in _by_label(fine, everything[known])}
        self._levels |= {("coarse", label): rows for label, rows in _by_label(coarse, everything[known])}
        self._levels["all", 0] = everything
        self._parts: dict[tuple[str, int], list[np.ndarray]] = {}
        self._places: dict[tuple[str, int, int, bytes], _Places] = {}

    def nearest(self, anchor: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The images that may be called the k nearest of an anchor.

        Returns:
            certain: int64, fewer than k or k images that are nearer than any other.
            tied: int64, equally far images, of which any fill up to k; fewer than needed only where no more have a
                distance to the anchor.
        """
        found = np.empty(0, dtype=np.int64)
        if k == 0:
            return found, found
        fine, coarse = int(self._fine[anchor]), int(self._coarse[anchor])
        levels = [("all", 0, self._base**2)]
        if fine != NO_FINE:
            levels = [("fine", fine, 1.0), ("coarse", coarse, self._base), *levels]
        delta = np.empty(0)
        for level, label, least in levels:
            if len(found) >= k and np.partition(delta, k - 1)[k - 1] < least - _TIE:
                break  # nothing at this level can be as near
            found = np.union1d(found, self._of_level((level, label), anchor, k))
            delta = self.distances(anchor, found)
        if len(found) == 0:
            return found, found
        last = min(k, len(found)) - 1
        edge = np.partition(delta, last)[last]
        return found[delta < edge - _TIE], found[np.abs(delta - edge) <= _TIE]

    def distances(self, anchor: int, images: np.ndarray) -> np.ndarray:
        """Distance of labels of an anchor and images: float64 [len(images)]; it is not asked whether they have one."""
        same_coarse = self._coarse[images] == self._coarse[anchor]
        same_fine = (self._fine[images] == self._fine[anchor]) & (self._fine[anchor] != NO_FINE)
        levels = np.where(same_fine, 1.0, np.where(same_coarse, self._base, self._base**2))
        return levels + np.nansum(np.abs(self._values[images] - self._values[anchor]), axis=1)

    def _of_level(self, level: tuple[str, int], anchor: int, k: int) -> np.ndarray:
        """The k nearest by attributes of the images of a level, with all that tie with the last of them.

        A level holds those below it, which at equal attributes are nearer still. So whatever is among the k nearest by
        labels is among the k nearest by attributes of its level.
        """
        if level not in self._parts:
            self._parts[level] = [rows for _, rows in _by_label(self._pattern, self._levels[level])]
        chosen = []
        for number, rows in enumerate(self._parts[level]):
            common = self._has[anchor] & self._has[rows[0]]
            key = (*level, number, common.tobytes())
            if key not in self._places:
                self._places[key] = _Places(rows, self._values[rows][:, common])
            count, edge = 0, np.inf
            for distance, images in self._places[key].outwards(self._values[anchor, common]):
                if distance > edge + 2 * _TIE:
                    break
                usable = images[self._has_distance(anchor, images)]
                chosen.append(usable)
                count += len(usable)
                if count >= k:
                    edge = min(edge, distance)
        return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)

    def _has_distance(self, anchor: int, images: np.ndarray) -> np.ndarray:
        both = (self._fine[images] != NO_FINE) & (self._fine[anchor] != NO_FINE)
        return (both | (self._coarse[images] != self._coarse[anchor])) & (images != anchor)


def _by_label(labels: np.ndarray, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    order = rows[np.argsort(labels[rows], kind="stable")]
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(members):
            yield int(labels[members[0]]), members.astype(np.int64)


class DenseSampler(Sampler):
    """Composes the batches of an epoch, from the seed and the number of the epoch alone.

    The first image of a batch is its anchor: the first, in a random order of all, that the epoch has not shown. Its k
    nearest in label space follow, then images not shown yet, in that random order. Between equally near images chance
    decides, among those not shown yet first. No image occurs twice in a batch.

    Guaranteed: an epoch shows every image at least once; only neighbours come again, at most k in a batch, so it has at
    most ceil(n / (batch - k)) batches. Every batch but the last has `batch` images; a last batch of a single image
    joins the one before it. With k = 0 the batches are random, and an epoch shows every image exactly once.
    """

    def __init__(
        self,
        coarse: np.ndarray,
        fine: np.ndarray,
        attributes: np.ndarray | None,
        scales: Sequence[float],
        batch: int,
        k: int,
        seed: int,
        *,
        base: float = 2.0,
    ) -> None:
        """Take the labels of the training images, as `LabelNeighbours` does.

        Raises:
            ValueError: as `LabelNeighbours`; if k is negative, or a batch has no place beside anchor and neighbours.
        """
        if k < 0 or batch < k + 2:
            raise ValueError(f"a batch holds an anchor, k >= 0 neighbours and one more image: batch {batch}, k {k}")
        self._neighbours = LabelNeighbours(coarse, fine, attributes, scales, base=base)
        self._n, self._batch, self._k, self._seed = len(coarse), batch, k, seed

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: int64 indices into the labels, the anchor first."""
        rng = np.random.default_rng((self._seed, epoch))
        shown = np.zeros(self._n, dtype=bool)
        order = rng.permutation(self._n)
        batches = []
        begin = 0  # all of `order` before it has been shown
        while begin < self._n:
            if shown[order[begin]]:
                begin += 1
                continue
            members = np.concatenate([order[begin : begin + 1], self._near(int(order[begin]), shown, rng)])
            shown[members] = True
            rest: list[int] = []
            while begin < self._n and len(members) + len(rest) < self._batch:
                if not shown[order[begin]]:
                    rest.append(int(order[begin]))
                begin += 1
            shown[rest] = True
            batches.append(np.concatenate([members, np.array(rest, dtype=np.int64)]))
        if len(batches) > 1 and len(batches[-1]) < 2:
            batches[-2:] = [np.concatenate(batches[-2:])]
        return batches

    def _near(self, anchor: int, shown: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        certain, tied = self._neighbours.nearest(anchor, self._k)
        drawn = rng.permutation(tied)
        drawn = drawn[np.argsort(shown[drawn], kind="stable")]
        return np.concatenate([certain, drawn[: self._k - len(certain)]])
