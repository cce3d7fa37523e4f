"""What to check in a gallery: photos that are nearly the same, and photos unlike the others of their class."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from app.core.gallery.gallery import Reference

NEAR = 0.95
"""Cosine from which on two reference photos count as nearly the same. With the supplied model nearly all photos that
were saved again as JPEG (quality 85) reach it, and less than 1 % of different photos."""
NEIGHBOURS = 5
"""How many nearest references decide whether a label is odd."""
_BLOCK = 512
_UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class ReferenceLabels:
    """Labels of N references as numbers; `fine` is negative if the class is unknown."""

    coarse: np.ndarray
    fine: np.ndarray

    def differ(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Whether the labels of rows and others contradict each other, elementwise."""
        known = (self.fine[rows] >= 0) & (self.fine[others] >= 0)
        return (self.coarse[rows] != self.coarse[others]) | (known & (self.fine[rows] != self.fine[others]))


@dataclass(frozen=True)
class DuplicatePair:
    """Rows of two references that are nearly the same, `first` before `second`, and their cosine."""

    first: int
    second: int
    cosine: float


@dataclass(frozen=True)
class Outlier:
    """A reference whose label most of its nearest ones contradict.

    Attributes: row: that of the reference. other: the nearest one that contradicts it. against, asked: how many of its
        neighbours contradict it, and how many were compared.
    """

    row: int
    other: int
    against: int
    asked: int


@dataclass(frozen=True)
class Finding:
    """Two references to compare side by side, and why, in a few words."""

    first: Reference
    second: Reference
    why: str


def findings(
    references: Sequence[Reference], embeddings: np.ndarray, seen: Container[int] = frozenset(), near: float = NEAR
) -> tuple[list[Finding], list[Finding]]:
    """What to check: near-duplicates, those with contradicting labels first, and outliers.

    Args:
        references: N references.
        embeddings: of them, float32 [N, d], unit length.
        seen: ids of references whose pictures are available; what can be judged by its picture comes first. near:
        cosine from which on two of them are nearly the same.
    """
    numbers: dict[str | None, int] = {None: _UNKNOWN}
    coarse = np.array([numbers.setdefault(one.coarse, len(numbers)) for one in references], np.int64)
    numbers = {None: _UNKNOWN}
    fine = np.array([numbers.setdefault(one.fine, len(numbers)) for one in references], np.int64)
    labels = ReferenceLabels(coarse, fine)
    alike = []
    for pair in near_duplicates(embeddings, near):
        contradict = bool(labels.differ(np.array(pair.first), np.array(pair.second)))
        why = f"similarity {pair.cosine:.3f}" + (", but other labels" if contradict else "")
        alike.append((not contradict, Finding(references[pair.first], references[pair.second], why)))
    odd = [
        Finding(
            references[one.row],
            references[one.other],
            f"{one.against} of the {one.asked} nearest have another label; the nearest of these is on the right",
        )
        for one in outliers(embeddings, labels)
    ]
    alike.sort(key=lambda one: (_unseen(one[1], seen), one[0]))
    return [finding for _, finding in alike], sorted(odd, key=lambda one: _unseen(one, seen))


def _unseen(finding: Finding, seen: Container[int]) -> int:
    """How many of the two pictures are missing."""
    return sum(one.id not in seen for one in (finding.first, finding.second))


def near_duplicates(embeddings: np.ndarray, threshold: float = NEAR, limit: int = 5000) -> list[DuplicatePair]:
    """Pairs with a cosine of at least `threshold`, the most similar `limit` of them, most similar first.

    Args:
        embeddings: float32 [N, d], unit length.
        threshold: cosine.
        limit: the most pairs to return.
    """
    firsts, seconds = np.zeros(0, np.int64), np.zeros(0, np.int64)
    cosines = np.zeros(0, np.float32)
    for start in range(0, len(embeddings), _BLOCK):
        found = embeddings[start : start + _BLOCK] @ embeddings[start:].T
        found[np.tril_indices(found.shape[0], 0, found.shape[1])] = -np.inf  # itself, and pairs that were found already
        rows, columns = np.nonzero(found >= threshold)
        firsts = np.concatenate([firsts, rows + start])
        seconds = np.concatenate([seconds, columns + start])
        cosines = np.concatenate([cosines, found[rows, columns]])
        best = np.lexsort((seconds, firsts, -cosines))[:limit]
        firsts, seconds, cosines = firsts[best], seconds[best], cosines[best]
    return [DuplicatePair(*pair) for pair in zip(firsts.tolist(), seconds.tolist(), cosines.tolist(), strict=True)]


def outliers(embeddings: np.ndarray, labels: ReferenceLabels, k: int = NEIGHBOURS) -> list[Outlier]:
    """References whose label more than half of their nearest others contradict; the most contradicted first.

    The k nearest are compared, but not more than there are others with the label: in a small class the next ones are
    strangers, however well it is labelled. A label with fewer than two others is not judged.

    Args:
        embeddings: float32 [N, d], unit length.
        labels: of N references. k: number of neighbours to compare.
    """
    others = _others(labels)
    judged = np.flatnonzero(others >= 2)
    found = []
    for start in range(0, len(judged), _BLOCK):
        rows = judged[start : start + _BLOCK]
        cosines = embeddings[rows] @ embeddings.T
        cosines[np.arange(len(rows)), rows] = -np.inf
        most = min(k, len(embeddings) - 1)
        near = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(cosines, near, axis=1), axis=1, kind="stable")
        near = np.take_along_axis(near, order, axis=1)
        asked = np.minimum(others[rows], most)
        against = labels.differ(rows[:, None], near) & (np.arange(most) < asked[:, None])
        for place in np.flatnonzero(2 * against.sum(axis=1) > asked).tolist():
            other = near[place, int(np.argmax(against[place]))]
            found.append(Outlier(int(rows[place]), int(other), int(against[place].sum()), int(asked[place])))
    return sorted(found, key=lambda one: (-one.against / one.asked, -one.asked, one.row))


def _others(labels: ReferenceLabels) -> np.ndarray:
    """For each reference, how many others have its label: int64 [N]."""
    classes = np.stack([labels.coarse, labels.fine], axis=1)
    _, inverse, counts = np.unique(classes, axis=0, return_inverse=True, return_counts=True)
    return counts[inverse.reshape(-1)] - 1
