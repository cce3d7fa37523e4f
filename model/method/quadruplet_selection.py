"""Selection of quadruplets inside a batch: for every row as reference a P+, a P- and an N.

Roles (Zhang et al., CVPR 2016; Karaman et al., ICIP 2019): *positive-plus* P+ has the reference's fine class,
*positive-minus* P- its coarse class and another fine class, *negative* N another coarse class. A rule is a function
from distances and masks to three columns of row numbers; a new rule is one function and one line in `RULES`.

Ties go to the lowest row number on every device. Cost: O(B^2) memory; O(B^2) time, and a sort of each row in
`semi_easy` and with `skip_hardest`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

NONE = -1
"""In a column of `Quadruplets`: the batch has no such row."""


class RoleMasks(NamedTuple):
    """Who may play which role for the reference in row i; all bool [B, B]."""

    plus: Tensor
    minus: Tensor
    negative: Tensor


class Quadruplets(NamedTuple):
    """Row numbers chosen for each reference, int64 [B], NONE without a candidate. Row i is reference i."""

    plus: Tensor
    minus: Tensor
    negative: Tensor


@dataclass(frozen=True)
class SelectionOptions:
    """Options that some rules have.

    Attributes:
        rho: `semi_easy` draws P+ from this nearest share of its candidates; 0 = the nearest, 1 = any.
        skip_hardest: every rule that takes the nearest P- or the hardest N passes over this many still harder ones
            (or as many as leave one). Photos that stand in two classes are at distance 0 and would always be chosen.
    """

    rho: float = 0.5
    skip_hardest: int = 0


Rule = Callable[[Tensor, RoleMasks, SelectionOptions, torch.Generator], Quadruplets]
"""(squared distances [B, B], masks, options, CPU generator) -> quadruplets."""


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


def nearest(distances: Tensor, mask: Tensor, skip: int = 0) -> Tensor:
    """Column of the smallest allowed distance in each row, lowest on ties, NONE where nothing is allowed: int64 [B].

    With `skip`, the one after as many smaller ones, or the largest if a row has too few.
    """
    masked = distances.masked_fill(~mask, torch.inf)
    if skip:
        order = masked.argsort(dim=1, stable=True)
        last = (mask.sum(dim=1) - 1).clamp(min=0)
        chosen = order.gather(1, last.clamp(max=skip)[:, None]).squeeze(1)
        return chosen.masked_fill(~mask.any(dim=1), NONE)
    smallest = masked.min(dim=1, keepdim=True).values
    columns = torch.arange(distances.shape[1], device=distances.device).expand_as(distances)
    # argmin may return any of several equal entries
    first = columns.masked_fill((masked != smallest) | ~mask, distances.shape[1]).min(dim=1).values
    return first.masked_fill(~mask.any(dim=1), NONE)


def farthest(distances: Tensor, mask: Tensor) -> Tensor:
    """Column of the largest allowed distance in each row, lowest on ties, NONE where nothing is allowed: int64 [B]."""
    return nearest(-distances, mask)


def uniform(mask: Tensor, generator: torch.Generator) -> Tensor:
    """A uniformly drawn allowed column for each row, NONE where nothing is allowed: int64 [B]."""
    return _nth_allowed(mask, _draw_below(mask.sum(dim=1), generator))


def _draw_below(counts: Tensor, generator: torch.Generator) -> Tensor:
    # drawn on the CPU on any device, so that a seed means the same quadruplets everywhere
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


def random(distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator) -> Quadruplets:
    """All three uniformly: the baseline of Karaman et al. ("randomly selected quadruplets")."""
    return Quadruplets(*(uniform(mask, generator) for mask in masks))


def hard_negative(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """Earlier practice, which looks at the distance of R and N alone: random positives, the nearest N."""
    plus, minus = uniform(masks.plus, generator), uniform(masks.minus, generator)
    return Quadruplets(plus, minus, nearest(distances, masks.negative, options.skip_hardest))


def easy_positive_hard_negative(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """The nearest of all three: the abstract of Karaman et al. without the distances of N to P+ and P-."""
    skip = options.skip_hardest
    return Quadruplets(
        nearest(distances, masks.plus),
        nearest(distances, masks.minus, skip),
        nearest(distances, masks.negative, skip),
    )


def class_aware(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """Abstract and conclusion of Karaman et al. to the letter: nearest P+ and P-, and the N of the least `hardness`."""
    return _with_hardest_negative(nearest(distances, masks.plus), distances, masks, options)


def class_aware_sum(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """As `class_aware`, with the N of the least D_rn + D_pn + D_qn, which is smoother than the minimum."""
    plus = nearest(distances, masks.plus)
    minus = nearest(distances, masks.minus, options.skip_hardest)
    total = distances
    for chosen in (plus, minus):
        total = total + distances[chosen.clamp(min=0)].masked_fill((chosen == NONE)[:, None], 0.0)
    return Quadruplets(plus, minus, nearest(total, masks.negative, options.skip_hardest))


def hard_hard(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """The farthest P+ with the nearest P- and N: the control, expected to collapse."""
    skip = options.skip_hardest
    return Quadruplets(
        farthest(distances, masks.plus),
        nearest(distances, masks.minus, skip),
        nearest(distances, masks.negative, skip),
    )


def semi_easy(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """A "relatively easy" P+: uniform among the nearest share `rho` (0 nearest, 1 random); the rest as `class_aware`.

    The nearest P- is at once a very hard negative of the fine hinge and the easy positive of the coarse hinge.
    """
    masked = distances.masked_fill(~masks.plus, torch.inf)
    order = masked.argsort(dim=1, stable=True)  # stable: ties keep row order
    share = (masks.plus.sum(dim=1) * options.rho).ceil().long().clamp(min=1)
    pick = _draw_below(share, generator)
    plus = order.gather(1, pick[:, None]).squeeze(1).masked_fill(~masks.plus.any(dim=1), NONE)
    return _with_hardest_negative(plus, distances, masks, options)


def semi_hard(
    distances: Tensor, masks: RoleMasks, options: SelectionOptions, generator: torch.Generator
) -> Quadruplets:
    """Nearest P+ and P-; the N of the least `hardness` H that is still above D(R,P-), else of the largest: no collapse.

    The semi-hard negative of Schroff et al. (CVPR 2015), carried to quadruplets. Without a P-, D(R,P+) is the bar.
    """
    plus = nearest(distances, masks.plus)
    minus = nearest(distances, masks.minus, options.skip_hardest)
    bar_at = torch.where(minus == NONE, plus, minus)
    bar = distances.gather(1, bar_at.clamp(min=0)[:, None]).masked_fill((bar_at == NONE)[:, None], -torch.inf)
    hard = hardness(distances, plus, minus)
    above = nearest(hard, masks.negative & (hard > bar), options.skip_hardest)
    return Quadruplets(plus, minus, torch.where(above == NONE, farthest(hard, masks.negative), above))


def _with_hardest_negative(plus: Tensor, distances: Tensor, masks: RoleMasks, options: SelectionOptions) -> Quadruplets:
    minus = nearest(distances, masks.minus, options.skip_hardest)
    return Quadruplets(plus, minus, nearest(hardness(distances, plus, minus), masks.negative, options.skip_hardest))


RULES: dict[str, Rule] = {
    "random": random,
    "hard_negative": hard_negative,
    "easy_positive_hard_negative": easy_positive_hard_negative,
    "class_aware": class_aware,
    "class_aware_sum": class_aware_sum,
    "hard_hard": hard_hard,
    "semi_easy": semi_easy,
    "semi_hard": semi_hard,
}
