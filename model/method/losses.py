"""The distance cost over selected quadruplets: hinges or ratios, and the terms that tie N to P+ and P-.

D_ij is the squared Euclidean distance of unit-length embeddings, in [0, 4], always float32: in half precision the
small distances that selection compares would be noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from model.contract.choices import Average, Form, SecondHinge
from model.method.quadruplet_selection import NONE, Quadruplets, RoleMasks

_EPSILON = 1e-12  # the slope of a square root at 0 is infinite


class DistanceLoss(NamedTuple):
    """The cost and what happened in the batch.

    Attributes:
        loss: scalar that keeps the graph, also where nothing was valid.
        fine_active, coarse_active: share of each term's rows that are above zero, in [0, 1].
        valid: number of rows that gave at least one term.
        plus, minus, negative: mean D(R,P+), D(R,P-), D(R,N) over the rows that have them; NaN if none has.
    """

    loss: Tensor
    fine_active: float
    coarse_active: float
    valid: int
    plus: float
    minus: float
    negative: float


def squared_distances(embeddings: Tensor) -> Tensor:
    """D_ij = 2 - 2 z_i.z_j, clamped at 0, of unit-length embeddings [B, d]: float32 [B, B]."""
    with torch.autocast(embeddings.device.type, enabled=False):
        z = embeddings.float()
        return (2 - 2 * z @ z.T).clamp(min=0)


@dataclass(frozen=True)
class QuadrupletCost:
    """A fine term, P+ against P-, plus a coarse term against N, over the chosen quadruplets.

    What a row contributes when a role is missing:
    - no P-: R,P+ against R,N with both margins (with `min(D_rn, D_pn)` for `triangle` and `anchor`), averaged with the
      coarse term;
    - no N: the fine term alone;
    - no P+ although the fine class is known: nothing;
    - fine class unknown: R,P- against R,N alone (with `min(D_rn, D_qn)` for `triangle` and `anchor`).

    Attributes:
        margin_fine, margin_coarse: m of the two terms.
        form, second_hinge, average: see there.
        lambda_global: weight of the global term (Kumar et al., CVPR 2016) over the three groups of chosen pairs; with
            means mu and variances var of D / 4 it is
            var_plus + var_minus + var_neg + [mu_plus - mu_minus + t]_+ + [mu_minus - mu_neg + t]_+.
        global_margin: t.
    """

    margin_fine: float
    margin_coarse: float
    form: Form = Form.HINGE
    second_hinge: SecondHinge = SecondHinge.ANCHOR
    average: Average = Average.ACTIVE
    lambda_global: float = 0.0
    global_margin: float = 0.01

    def __call__(self, embeddings: Tensor, fine: Tensor, chosen: Quadruplets) -> DistanceLoss:
        """The cost of a batch.

        Args:
            embeddings: unit length, [B, d].
            fine: fine class of each row, int64 [B], negative where unknown.
            chosen: one quadruplet for each row.
        """
        has_plus, has_minus, has_negative = (column != NONE for column in chosen)
        distance = squared_distances(embeddings)
        d_plus, d_minus, d_negative = (_of_pairs(distance, column) for column in chosen)
        to_negative = self._to_negative(distance, d_negative, chosen)

        fine_rows = has_plus & has_minus
        fine_terms = self._violation(d_plus, d_minus, self.margin_fine)[fine_rows]

        both = self.margin_fine + self.margin_coarse
        whole, triplet = has_plus & has_minus & has_negative, has_plus & ~has_minus & has_negative
        unlabelled = (fine < 0) & has_minus & has_negative
        from_plus = (triplet | whole) if self.second_hinge is SecondHinge.ANCHOR else triplet
        coarse_rows = whole | triplet | unlabelled
        coarse_terms = torch.where(
            from_plus,
            self._violation(d_plus, to_negative, both),
            self._violation(d_minus, to_negative, self.margin_coarse),
        )[coarse_rows]

        valid = int((fine_rows | coarse_rows).sum())
        loss = embeddings.float().sum() * 0  # keeps the graph if there are no terms
        if valid:
            loss = _mean(fine_terms, self.average) + _mean(coarse_terms, self.average)
            if self.lambda_global:
                groups = (d_plus[has_plus], d_minus[has_minus], d_negative[has_negative])
                loss = loss + self.lambda_global * _global_term(groups, self.global_margin)
        return DistanceLoss(
            loss=loss,
            fine_active=_share_above_zero(fine_terms),
            coarse_active=_share_above_zero(coarse_terms),
            valid=valid,
            plus=_mean_value(d_plus, has_plus),
            minus=_mean_value(d_minus, has_minus),
            negative=_mean_value(d_negative, has_negative),
        )

    def _to_negative(self, distance: Tensor, d_negative: Tensor, chosen: Quadruplets) -> Tensor:
        """D_rn, or the least of D_rn, D_pn and D_qn: [B]."""
        if self.second_hinge is SecondHinge.PLAIN:
            return d_negative
        least = d_negative
        for other in (chosen.plus, chosen.minus):
            across = distance[other.clamp(min=0), chosen.negative.clamp(min=0)]
            least = torch.minimum(least, across.masked_fill(other == NONE, torch.inf))
        return least

    def _violation(self, small: Tensor, large: Tensor, margin: float) -> Tensor:
        if self.form is Form.HINGE:
            return F.relu(small - large + margin)
        return F.relu(1 - (large + _EPSILON).sqrt() / ((small + _EPSILON).sqrt() + margin))


def over_all_pairs(loss: Tensor, distances: Tensor, masks: RoleMasks) -> DistanceLoss:
    """The figures of a cost that chooses no quadruplets: mean distances over all pairs that could play a role."""
    means = (float(distances[mask].mean()) if bool(mask.any()) else float("nan") for mask in masks)
    return DistanceLoss(loss, float("nan"), float("nan"), int(masks.negative.any(dim=1).sum()), *means)


def _global_term(groups: tuple[Tensor, Tensor, Tensor], margin: float) -> Tensor:
    plus, minus, negative = (group / 4 for group in groups)
    term = sum((group.var(unbiased=False) for group in (plus, minus, negative) if len(group)), start=plus.sum() * 0)
    for nearer, farther in ((plus, minus), (minus, negative)):
        if len(nearer) and len(farther):
            term = term + F.relu(nearer.mean() - farther.mean() + margin)
    return term


def _of_pairs(distance: Tensor, column: Tensor) -> Tensor:
    return distance.gather(1, column.clamp(min=0)[:, None]).squeeze(1)


def _mean(terms: Tensor, average: Average) -> Tensor:
    count = int((terms > 0).sum()) if average is Average.ACTIVE else len(terms)
    return terms.sum() / max(count, 1)  # an empty sum is 0 and keeps the graph; a mean would be NaN


def _share_above_zero(terms: Tensor) -> float:
    return float((terms > 0).float().mean()) if len(terms) else 0.0


def _mean_value(values: Tensor, rows: Tensor) -> float:
    return float(values.detach()[rows].mean()) if bool(rows.any()) else float("nan")
