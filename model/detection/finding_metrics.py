"""How good a finder is: boxes found and missed at an overlap of one half, by size, with intervals over clusters.

Kinds are pooled: a vessel found as a vehicle counts as found, and `kind_right` says how often the kind is right.
Neither wanted nor counted against the finder are crowds and whatever is under a hundredth of the picture: people have
not boxed all of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from model.contract.finding import FoundBoxes, overlaps
from model.data.scenes import Scene

OVERLAP = 0.5
"""IoU from which on a box is found."""
LARGE, SMALL = (0.04, 1.01), (0.01, 0.04)
"""Sizes of boxes, as shares of the picture's area: from, and below."""
ALL = (0.01, 1.01)
PRECISION = 0.90
"""At which recall is compared."""
_DRAWS = 1000
_CROWDED = 0.5
"""Share of a found box in a crowd from which on it counts for the crowd."""


class Counted(NamedTuple):
    """What counts of the found boxes of all photos, for boxes of some size.

    Attributes:
        scores: [N] of the found boxes that count, highest first.
        right: bool [N], whether each is around a box of a person that nothing surer is around.
        cluster: int [N], of its photo.
        wanted: int [clusters], boxes of people of that size in each cluster.
        kind_right: share of the right ones whose kind is right.
    """

    scores: np.ndarray
    right: np.ndarray
    cluster: np.ndarray
    wanted: np.ndarray
    kind_right: float


class Interval(NamedTuple):
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def in_percent(self) -> str:
        """As a cell of a table, "44.9 (33.3-56.5)"; a dash for a share of nothing."""
        if math.isnan(self.value):
            return "-"
        return f"{100 * self.value:.1f} ({100 * self.low:.1f}-{100 * self.high:.1f})"


def counted(
    scenes: Sequence[Scene], found: Sequence[FoundBoxes], clusters: np.ndarray, sizes: tuple[float, float]
) -> Counted:
    """Compare what was found with what people have boxed, for boxes of these sizes.

    Args:
        scenes: the photos.
        found: in each.
        clusters: int [photos], 0 and up, the same for photos that show nearly the same.
        sizes: shares of the picture's area, from and below.
    """
    scores, right, cluster, kinds = [], [], [], []
    wanted = np.zeros(int(clusters.max()) + 1, int)
    for scene, one, number in zip(scenes, found, clusters, strict=True):
        order = np.argsort(-one.scores, kind="stable")
        one = FoundBoxes(one.boxes[order], one.kinds[order], one.scores[order])
        counts, box = _matched(scene, one, sizes)
        wanted[number] += int((_within(scene, scene.boxes, sizes) & ~scene.crowd).sum())
        scores.append(one.scores[counts])
        right.append(box[counts] >= 0)
        cluster.append(np.full(counts.sum(), number))
        hit = counts & (box >= 0)
        kinds.append(one.kinds[hit] == scene.kinds[box[hit]])
    all_scores = np.concatenate(scores)
    order = np.argsort(-all_scores, kind="stable")
    same = np.concatenate(kinds)
    return Counted(
        all_scores[order],
        np.concatenate(right)[order],
        np.concatenate(cluster)[order],
        wanted,
        float(same.mean()) if len(same) else float("nan"),
    )


def _matched(scene: Scene, found: FoundBoxes, sizes: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Which of the found boxes, surest first, count, and the person's box that each is around; -1 for none."""
    overlap = overlaps(found.boxes, scene.boxes)
    wanted = _within(scene, scene.boxes, sizes) & ~scene.crowd
    counts = _within(scene, found.boxes, sizes)
    box = np.full(len(found.boxes), -1)
    free = ~scene.crowd
    for row in range(len(found.boxes)):
        fit = np.where(free, overlap[row], 0.0)
        # boxes of the size in question are preferred
        best = max((wanted, ~wanted), key=lambda part: np.where(part, fit, 0.0).max(initial=0.0) >= OVERLAP)
        fit = np.where(best, fit, 0.0)
        if fit.max(initial=0.0) >= OVERLAP:
            box[row] = int(fit.argmax())
            free[box[row]] = False
            counts[row] = wanted[box[row]]
        elif _in_crowd(found.boxes[row], scene):
            counts[row] = False
    return counts, box


def _within(scene: Scene, boxes: np.ndarray, sizes: tuple[float, float]) -> np.ndarray:
    share = (boxes[:, 2:] - boxes[:, :2]).prod(1) / (scene.width * scene.height)
    return (share >= sizes[0]) & (share < sizes[1])


def _in_crowd(box: np.ndarray, scene: Scene) -> bool:
    crowds = scene.boxes[scene.crowd]
    both = (np.minimum(box[2:], crowds[:, 2:]) - np.maximum(box[:2], crowds[:, :2])).clip(0).prod(1)
    return bool((both >= _CROWDED * (box[2:] - box[:2]).prod()).any())


def recall_at(one: Counted, precision: float = PRECISION, weights: np.ndarray | None = None) -> float:
    """The highest recall at a threshold from which on at least `precision` of the found boxes are right.

    Args:
        weights: of each cluster; None for one each.
    """
    right, wrong, wanted = _sums(one, weights)
    enough = right >= precision * (right + wrong)
    return float(right[enough].max(initial=0.0) / wanted) if wanted else float("nan")


def threshold_at(one: Counted, precision: float = PRECISION) -> float:
    """The lowest score from which on at least `precision` of the found boxes are right; 1 if they are at no score."""
    right, wrong, _ = _sums(one, None)
    enough = np.flatnonzero(right >= precision * (right + wrong))
    return float(one.scores[enough[-1]]) if len(enough) else 1.0


def average_precision(one: Counted, weights: np.ndarray | None = None) -> float:
    """The mean over all recalls of the highest precision at that recall or more (all points, as in Pascal VOC 2010)."""
    right, wrong, wanted = _sums(one, weights)
    if not wanted:
        return float("nan")
    precision = right / np.maximum(right + wrong, 1e-9)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(right, prepend=0.0) / wanted * envelope).sum())


def _sums(one: Counted, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, float]:
    """Right and wrong boxes down to each score, and all that are wanted."""
    each = np.ones(len(one.wanted)) if weights is None else weights
    of_box = each[one.cluster]
    return np.cumsum(of_box * one.right), np.cumsum(of_box * ~one.right), float((each * one.wanted).sum())


def draws(clusters: int, seed: int = 0) -> np.ndarray:
    """How often each cluster is in each of some thousand samples with replacement: [draws, clusters]."""
    return np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=_DRAWS)


def interval(value: float, drawn: Sequence[float]) -> Interval:
    """A figure with the middle 95 % of its values in the samples."""
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def share(flags: np.ndarray, among: np.ndarray, clusters: np.ndarray) -> Interval:
    """The share of the photos in `among` that have a flag, with its interval over clusters; NaN where there are none.

    Args:
        flags, among: bool [photos].
        clusters: int [photos], 0 and up.
    """

    def of(each: np.ndarray) -> float:
        total = (each * among).sum()
        return float((each * (flags & among)).sum() / total) if total else float("nan")

    if not among.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    weights = draws(int(clusters.max()) + 1)[:, clusters]
    return interval(of(np.ones(len(flags))), [of(each) for each in weights])


def figures_table(columns: Mapping[str, Any], rows: Sequence[tuple[str, Callable[[Any], str]]]) -> str:
    """Figures in percent as a Markdown table. Args: columns by heading; rows: words, and the cell of a column."""
    lines = [f"| % | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    lines += [f"| {words} | {' | '.join(cell(one) for one in columns.values())} |" for words, cell in rows]
    return "\n".join(lines)
