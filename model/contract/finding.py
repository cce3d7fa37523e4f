"""What finder and program agree on: the kinds of things that are found, and which of the raw boxes count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

KINDS = ("vehicle", "vessel")
"""What a finder tells apart, in the order of its scores. Motorcycles are vehicles; bicycles, trains and aircraft are
neither kind."""
STRIDES = (8, 16, 32, 64)
"""Distances between the places of the finder's maps, in pixels of its square."""
MOST_BOXES = 300
"""Of the raw boxes of a photo the surest so many are looked at."""


class FoundBoxes(NamedTuple):
    """Vehicles and vessels in one photo, surest first.

    Attributes:
        boxes: float32 [N, 4], left, top, right and bottom in pixels of the upright photo, right and bottom exclusive.
        kinds: int64 [N], places in KINDS.
        scores: float32 [N], in [0, 1].
    """

    boxes: np.ndarray
    kinds: np.ndarray
    scores: np.ndarray


def found_boxes(
    boxes: np.ndarray,
    scores: np.ndarray,
    size: tuple[int, int],
    *,
    least: float,
    same_kind: float,
    other_kind: float,
    most: int = MOST_BOXES,
) -> FoundBoxes:
    """What counts of the raw boxes of one photo.

    Boxes with values that are not numbers, without area, or with less than a pixel of the photo are dropped; others
    are cut at its borders. Of boxes of one kind that overlap by `same_kind` or more, and of any two by `other_kind`,
    the surer one stays. A box within another is as good as any: cars on a carrier are vehicles, too.

    Args:
        boxes: [N, 4], left, top, right, bottom in pixels of the photo.
        scores: [N, kinds].
        size: width and height of the photo.
        least: score below which a box is dropped.
        same_kind, other_kind: overlaps as IoU.
        most: of the raw boxes the surest so many are looked at.
    """
    with np.errstate(invalid="ignore"):
        kinds, sure = scores.argmax(1), scores.max(1)
        inside = boxes.clip(0, np.array([*size, *size], boxes.dtype))
        usable = np.isfinite(boxes).all(1) & np.isfinite(scores).all(1) & (sure >= least)
        usable &= (boxes[:, 2:] > boxes[:, :2]).all(1) & ((inside[:, 2:] - inside[:, :2]) >= 1).all(1)
    order = np.flatnonzero(usable)
    order = order[np.argsort(-sure[order], kind="stable")][:most]
    found = FoundBoxes(inside[order].astype(np.float32), kinds[order], sure[order].astype(np.float32))
    kept = _distinct(found, same_kind, other_kind)
    return FoundBoxes(found.boxes[kept], found.kinds[kept], found.scores[kept])


def _distinct(found: FoundBoxes, same_kind: float, other_kind: float) -> np.ndarray:
    """Places of the boxes that no surer one stands for; `found` is sorted."""
    overlap = overlaps(found.boxes, found.boxes)
    limit = np.where(found.kinds[:, None] == found.kinds, same_kind, other_kind)
    left = np.ones(len(found.boxes), bool)
    for place in range(len(left)):
        if left[place]:
            left[place + 1 :] &= (overlap < limit)[place, place + 1 :]
    return np.flatnonzero(left)


def overlaps(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes [N, 4] with boxes [M, 4]: [N, M]."""
    low, high = np.maximum(some[:, None, :2], others[:, :2]), np.minimum(some[:, None, 2:], others[:, 2:])
    both = (high - low).clip(0).prod(2)
    areas, other_areas = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (some, others))
    return both / np.maximum(areas[:, None] + other_areas - both, 1e-9)
