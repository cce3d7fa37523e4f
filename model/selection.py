"""Selection of quadruplets inside a batch: for every row as reference a P+, a P- and an N.

Roles (Zhang et al., CVPR 2016; Karaman et al., ICIP 2019): *positive-plus* P+ has the reference's fine class,
*positive-minus* P- its coarse class and another fine class, *negative* N another coarse class. A rule is a function
from distances and masks to three columns of row numbers; a new rule is one function and one line in `RULES`.

Ties go to the lowest row number on every device. Cost: O(B^2) memory, and O(B^2) time but for the sort in `semi_easy`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

NONE = -1
"""Stands in a column of `Quadruplets` where the batch has no such row."""


class RoleMasks(NamedTuple):
    """Who may play which role for the reference in row i; all bool [B, B]."""

    plus: Tensor
    minus: Tensor
    negative: Tensor


class Quadruplets(NamedTuple):
    """Row numbers chosen for each reference, int64 [B], NONE where there is no candidate. Row i is reference i."""

    plus: Tensor
    minus: Tensor
    negative: Tensor


Rule = Callable[[Tensor, RoleMasks, float, torch.Generator], Quadruplets]
"""(squared distances [B, B], masks, rho, CPU generator) -> quadruplets; `rho` matters to `semi_easy` alone."""


def role_masks(coarse: Tensor, fine: Tensor) -> RoleMasks:
    """Masks from labels, int64 [B]; fine is negative where unknown.

    An image without a fine label is never P+ or P-. As a reference it has no P+; any image of its coarse class with a
    known fine class serves as its P-, which only the coarse hinge uses.
    """
    same_coarse = coarse[:, None] == coarse[None, :]
    known = fine >= 0
    same_fine = (fine[:, None] == fine[None, :]) & known[:, None]
    not_self = ~torch.eye(len(coarse), dtype=torch.bool, device=coarse.device)
    return RoleMasks(
        plus=same_fine & not_self,
        minus=same_coarse & ~same_fine & known[None, :] & not_self,
        negative=~same_coarse,
    )


def nearest(distances: Tensor, mask: Tensor) -> Tensor:
    """Column of the smallest allowed distance in each row, lowest on ties, NONE where nothing is allowed: int64 [B]."""
    masked = distances.masked_fill(~mask, torch.inf)
    smallest = masked.min(dim=1, keepdim=True).values
    columns = torch.arange(distances.shape[1], device=distances.device).expand_as(distances)
    # argmin leaves open which of several equal entries it returns
    first = columns.masked_fill((masked != smallest) | ~mask, distances.shape[1]).min(dim=1).values
    return first.masked_fill(~mask.any(dim=1), NONE)


def uniform(mask: Tensor, generator: torch.Generator) -> Tensor:
    """A uniformly drawn allowed column for each row, NONE where nothing is allowed: int64 [B]."""
    return _nth_allowed(mask, _draw_below(mask.sum(dim=1), generator))


def _draw_below(counts: Tensor, generator: torch.Generator) -> Tensor:
    # drawn on the CPU whatever the device, so that a seed means the same quadruplets everywhere
    draws = torch.rand(len(counts), generator=generator, dtype=torch.float64).to(counts.device)
    return (draws * counts).long().minimum((counts - 1).clamp(min=0))


def _nth_allowed(mask: Tensor, n: Tensor) -> Tensor:
    rank = mask.cumsum(dim=1) - 1
    columns = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    found = columns.masked_fill((rank != n[:, None]) | ~mask, mask.shape[1]).min(dim=1).values
    return found.masked_fill(~mask.any(dim=1), NONE)


def hardness(distances: Tensor, plus: Tensor, minus: Tensor) -> Tensor:
    """H[r, n] = min(D_rn, D_pn, D_qn) [B, B]: how near a candidate N is to the reference or to either of its positives.

    A positive that the batch does not have (NONE) is left out of the minimum.
    """
    result = distances
    for chosen in (plus, minus):
        rows = distances[chosen.clamp(min=0)]
        result = torch.minimum(result, rows.masked_fill((chosen == NONE)[:, None], torch.inf))
    return result


def random(distances: Tensor, masks: RoleMasks, rho: float, generator: torch.Generator) -> Quadruplets:
    """All three uniformly: the baseline of Karaman et al. ("randomly selected quadruplets")."""
    return Quadruplets(*(uniform(mask, generator) for mask in masks))


def class_aware(distances: Tensor, masks: RoleMasks, rho: float, generator: torch.Generator) -> Quadruplets:
    """The abstract of Karaman et al. taken by the letter: nearest P+, nearest P-, and the N of the least `hardness`."""
    plus = nearest(distances, masks.plus)
    minus = nearest(distances, masks.minus)
    return Quadruplets(plus, minus, nearest(hardness(distances, plus, minus), masks.negative))


def semi_easy(distances: Tensor, masks: RoleMasks, rho: float, generator: torch.Generator) -> Quadruplets:
    """A "relatively easy" P+: uniform among the nearest share `rho` (0 nearest, 1 random); the rest as `class_aware`.

    The nearest P- is at once a very hard negative of the fine hinge and the easy positive of the coarse hinge.
    """
    masked = distances.masked_fill(~masks.plus, torch.inf)
    order = masked.argsort(dim=1, stable=True)  # stable: ties keep row order
    share = (masks.plus.sum(dim=1) * rho).ceil().long().clamp(min=1)
    pick = _draw_below(share, generator)
    plus = order.gather(1, pick[:, None]).squeeze(1).masked_fill(~masks.plus.any(dim=1), NONE)
    minus = nearest(distances, masks.minus)
    return Quadruplets(plus, minus, nearest(hardness(distances, plus, minus), masks.negative))


RULES: dict[str, Rule] = {
    "random": random,
    "class_aware": class_aware,
    "semi_easy": semi_easy,
}
