"""Which classes are taken for each other, and which of these mistakes cross from one type to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.core.explore.evaluation import EvaluatedPhotos
from app.core.recognition.features import NOBODY


@dataclass(frozen=True)
class ClassName:
    """A class and its type; without a class if only the type is known."""

    type: str
    fine: str

    @property
    def name(self) -> str:
        """The most specific name."""
        return self.fine or self.type


@dataclass(frozen=True, eq=False)
class ConfusedPair:
    """Two classes that are taken for each other.

    Attributes:
        one: the class whose photos are taken for the other more often.
        other: the other one.
        there: int64, places in the judged photos: those of `one`, taken for `other`. back: those of `other`, taken for
        `one`.
        photos: how many photos the two classes have together.
    """

    one: ClassName
    other: ClassName
    there: np.ndarray
    back: np.ndarray
    photos: int

    @property
    def count(self) -> int:
        """Mistakes in both directions."""
        return len(self.there) + len(self.back)

    @property
    def share(self) -> float:
        """Of the photos of both classes, how many are taken for the other: 0 to 1."""
        return self.count / self.photos


@dataclass(frozen=True, eq=False)
class Crossing:
    """Mistakes between T types.

    Attributes:
        types: their names.
        counts: int64 [T, T], photos by their type (row) and the answer's (column).
        within: int64 [T], photos of each type that were taken for another class of the same type.
    """

    types: tuple[str, ...]
    counts: np.ndarray
    within: np.ndarray

    @property
    def across(self) -> int:
        """Photos that were taken for a class of another type."""
        return int(self.counts.sum() - np.trace(self.counts))

    def share(self, row: int, column: int) -> float:
        """Of the photos of a type, how many are taken for (a class of) another one: 0 to 1."""
        return float(self.counts[row, column] / max(int(self.counts[row].sum()), 1))


def mistakes(judged: EvaluatedPhotos) -> np.ndarray:
    """Which photos were taken for another type, or for another class of their own type: bool [N].

    If only the type is known, or only a type was answered, the right type is not a mistake.
    """
    truth, answer = judged.truth, judged.answer
    both = (truth[:, 1] != NOBODY) & (answer[:, 1] != NOBODY)
    return (truth[:, 0] != answer[:, 0]) | (both & (truth[:, 1] != answer[:, 1]))


def confused(judged: EvaluatedPhotos) -> list[ConfusedPair]:
    """All pairs of classes with a mistake between them, the most frequent first. Every mistake is in one pair."""
    wrong = np.flatnonzero(mistakes(judged))
    if not len(wrong):
        return []
    labels, places = np.unique(np.concatenate([judged.truth, judged.answer]), axis=0, return_inverse=True)
    is_, said = places.reshape(2, -1)
    photos = np.bincount(is_, minlength=len(labels))
    named = [ClassName(judged.names[kind], judged.names[fine]) for kind, fine in labels.tolist()]
    low, high = np.minimum(is_, said)[wrong], np.maximum(is_, said)[wrong]
    keys, of = np.unique(low * len(labels) + high, return_inverse=True)
    members = np.split(wrong[np.argsort(of, kind="stable")], np.cumsum(np.bincount(of))[:-1])
    pairs = []
    for key, rows in zip(keys.tolist(), members, strict=True):
        first, second = divmod(key, len(labels))
        there, back = rows[is_[rows] == first], rows[is_[rows] == second]
        if len(back) > len(there):
            first, second, there, back = second, first, back, there
        pairs.append(ConfusedPair(named[first], named[second], there, back, int(photos[first] + photos[second])))
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share, pair.one.name, pair.other.name))


def crossing(judged: EvaluatedPhotos, order: Sequence[str] = ()) -> Crossing:
    """How often each type is taken for each other one.

    Args:
        judged: the photos.
        order: types that come first, in this order; the others follow by name. Types that do not occur are left out.
    """
    types, places = np.unique(
        np.concatenate([judged.truth[:, 0], judged.answer[:, 0]]) if len(judged) else np.zeros(0, np.int32),
        return_inverse=True,
    )
    named = [judged.names[kind] for kind in types.tolist()]
    rank = {name: place for place, name in enumerate(order)}
    sequence = sorted(range(len(named)), key=lambda one: (rank.get(named[one], len(rank)), named[one].casefold()))
    place_of = np.zeros(len(named), np.int64)
    place_of[sequence] = np.arange(len(named))
    is_, said = place_of[places].reshape(2, -1)
    counts = np.zeros((len(named), len(named)), np.int64)
    np.add.at(counts, (is_, said), 1)
    inside = mistakes(judged) & (is_ == said)
    within = np.bincount(is_[inside], minlength=len(named))
    return Crossing(tuple(named[one] for one in sequence), counts, within)
