"""Which places of the finder answer for which box, and what that costs.

The places that a box is learned from are those inside it whose own answer is best already, by score and overlap
together (Feng et al., "TOOD", ICCV 2021); the score that such a place is to give is its overlap, relative to the best
place of the box. The cost is varifocal for scores (Zhang et al., CVPR 2021) and 1 - GIoU for boxes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_iou, generalized_box_iou_loss

from model.detection.finder_network import PlaceAnswers

_CHOSEN = 10
"""Places of a box that learn it."""
_SCORE_POWER, _OVERLAP_POWER = 1.0, 6.0
_EMPTY_WEIGHT, _EMPTY_POWER = 0.75, 2.0
"""Of a place without box: the weight of its score's cost, and of the score itself in that weight."""
_BOX_WEIGHT = 2.0
_TINY = 1e-9


class Wanted(NamedTuple):
    """What a picture of the training shows, in pixels of the square.

    Attributes:
        boxes: [N, 4], left, top, right and bottom.
        kinds: [N], places in KINDS.
        ignored: [M, 4], where nothing is learned: crowds, what is cut off or too small, what the teacher is unsure of.
    """

    boxes: Tensor
    kinds: Tensor
    ignored: Tensor


class Assignment(NamedTuple):
    """Of each of the P places: the box that it answers for, and the score that it is to give.

    Attributes:
        box: [P], place in `Wanted.boxes`; -1 for none.
        score: [P], in [0, 1]; 0 for none.
        counts: [P], whether its scores are learned at all.
    """

    box: Tensor
    score: Tensor
    counts: Tensor


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, middles: Tensor, wanted: Wanted) -> Assignment:
    """Deal the boxes of one picture to places.

    Args:
        scores: [P, kinds] in [0, 1]; boxes: [P, 4]; middles: [P, 2]; all in pixels of the square.
    """
    count = len(middles)
    counts = ~_inside(middles, wanted.ignored).any(0)
    if not len(wanted.boxes):
        return Assignment(torch.full((count,), -1), torch.zeros(count), counts)
    overlap = box_iou(wanted.boxes, boxes)
    fit = scores[:, wanted.kinds].T ** _SCORE_POWER * overlap**_OVERLAP_POWER
    fit = torch.where(_inside(middles, wanted.boxes), fit + _TINY, 0.0)
    best = fit.topk(min(_CHOSEN, count), dim=1)
    chosen = torch.zeros_like(fit).scatter_(1, best.indices, (best.values > 0).to(fit.dtype)).bool()
    # a place inside several boxes answers for the one that its own box overlaps most
    most = torch.where(chosen, overlap, -1.0).max(0)
    box = torch.where(most.values >= 0, most.indices, -1)
    mine = box == torch.arange(len(wanted.boxes))[:, None]
    fit = torch.where(mine, fit, 0.0)
    highest = torch.where(mine, overlap, 0.0).amax(1, keepdim=True)
    score = (fit / fit.amax(1, keepdim=True).clamp(min=_TINY) * highest).amax(0)
    return Assignment(box, score, counts | (box >= 0))


def cost(found: PlaceAnswers, middles: Tensor, wanted: list[Wanted]) -> tuple[Tensor, dict[str, float]]:
    """The cost of a batch, and its parts as figures.

    Args:
        middles: [P, 2], of `places`.
        wanted: of each picture.
    """
    scores = found.logits.sigmoid()
    of_scores = found.logits.new_zeros(())
    of_boxes = found.logits.new_zeros(())
    total = 0.0
    for row, one in enumerate(wanted):
        dealt = assign(scores[row].detach(), found.boxes[row].detach(), middles, one)
        target = torch.zeros_like(scores[row])
        has = dealt.box >= 0
        target[has, one.kinds[dealt.box[has]]] = dealt.score[has]
        with torch.no_grad():
            empty = _EMPTY_WEIGHT * scores[row] ** _EMPTY_POWER
            weight = torch.where(target > 0, target, empty) * dealt.counts[:, None]
        entropy = F.binary_cross_entropy_with_logits(found.logits[row], target, reduction="none")
        of_scores = of_scores + (weight * entropy).sum()
        if has.any():
            away = generalized_box_iou_loss(found.boxes[row][has], one.boxes[dealt.box[has]], reduction="none")
            of_boxes = of_boxes + (away * dealt.score[has]).sum()
        total += float(dealt.score.sum())
    share = max(total, 1.0)
    loss = of_scores / share + _BOX_WEIGHT * of_boxes / share
    figures = {"loss": float(loss.detach()), "scores": float(of_scores.detach()) / share}
    return loss, figures | {"boxes": float(of_boxes.detach()) / share}


def _inside(middles: Tensor, boxes: Tensor) -> Tensor:
    """Which of P places are in which of N boxes: [N, P]."""
    x, y = middles.T
    left, top, right, bottom = boxes.T[..., None]
    return (x >= left) & (x < right) & (y >= top) & (y < bottom)
