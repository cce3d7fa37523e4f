"""The distance cost over selected quadruplets: two hinges, and the terms that tie N to P+ and P-.

D_ij is the squared Euclidean distance of unit-length embeddings, in [0, 4], always float32: in half precision the
small distances that selection compares would be noise.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from model.selection import NONE, Quadruplets


class SecondHinge(StrEnum):
    """Which distances the coarse hinge compares.

    plain:    [D_rq - D_rn + m_coarse]_+   (Zhang et al., CVPR 2016)
    triangle: [D_rq - min(D_rn, D_pn, D_qn) + m_coarse]_+
    anchor:   [D_rp - min(D_rn, D_pn, D_qn) + m_fine + m_coarse]_+
    """

    PLAIN = "plain"
    TRIANGLE = "triangle"
    ANCHOR = "anchor"


class Average(StrEnum):
    """Over which rows a hinge is averaged: those above zero (as pytorch-metric-learning does), or all of them."""

    ACTIVE = "active"
    ROWS = "rows"


class DistanceLoss(NamedTuple):
    """The cost and what happened in the batch.

    Attributes:
        loss: scalar that keeps the graph, also where nothing was valid.
        fine_active, coarse_active: share of each hinge's rows that are above zero, in [0, 1].
        valid: number of rows that gave at least one term.
        plus, minus, negative: mean D(R,P+), D(R,P-), D(R,N) over the rows that have them; NaN where none has.
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


def quadruplet_hinge(
    embeddings: Tensor,
    fine: Tensor,
    chosen: Quadruplets,
    *,
    margin_fine: float,
    margin_coarse: float,
    second_hinge: SecondHinge,
    average: Average,
) -> DistanceLoss:
    """[D_rp - D_rq + m_fine]_+ plus a second hinge against N, over the chosen quadruplets.

    What a row gives when a role is missing:
    - no P-: the triplet [D_rp - D_rn + m_fine + m_coarse]_+ (with `min(D_rn, D_pn)` for `triangle` and `anchor`),
      averaged with the coarse hinge;
    - no N: the fine hinge alone;
    - no P+ although the fine class is known: nothing;
    - fine class unknown: [D_rq - D_rn + m_coarse]_+ alone (with `min(D_rn, D_qn)` for `triangle` and `anchor`).

    Args:
        embeddings: unit length, [B, d].
        fine: fine class of each row, int64 [B], negative where unknown.
        chosen: one quadruplet for each row.
    """
    plus, minus, negative = chosen
    has_plus, has_minus, has_negative = plus != NONE, minus != NONE, negative != NONE
    distance = squared_distances(embeddings)
    d_plus, d_minus, d_negative = (_of_pairs(distance, column) for column in chosen)

    to_negative = d_negative
    if second_hinge is not SecondHinge.PLAIN:
        for other in (plus, minus):
            across = distance[other.clamp(min=0), negative.clamp(min=0)]
            to_negative = torch.minimum(to_negative, across.masked_fill(other == NONE, torch.inf))

    fine_rows = has_plus & has_minus
    fine_terms = F.relu(d_plus - d_minus + margin_fine)[fine_rows]

    pull_plus = d_plus + margin_fine + margin_coarse
    pull_minus = d_minus + margin_coarse
    whole = has_plus & has_minus & has_negative
    triplet = has_plus & ~has_minus & has_negative
    unlabelled = (fine < 0) & has_minus & has_negative
    near = pull_plus if second_hinge is SecondHinge.ANCHOR else pull_minus
    pull = torch.where(triplet, pull_plus, torch.where(whole, near, pull_minus))
    coarse_rows = whole | triplet | unlabelled
    coarse_terms = F.relu(pull - to_negative)[coarse_rows]

    valid = int((fine_rows | coarse_rows).sum())
    loss = _mean(fine_terms, average) + _mean(coarse_terms, average) if valid else embeddings.float().sum() * 0
    return DistanceLoss(
        loss=loss,
        fine_active=_share_above_zero(fine_terms),
        coarse_active=_share_above_zero(coarse_terms),
        valid=valid,
        plus=_mean_value(d_plus, has_plus),
        minus=_mean_value(d_minus, has_minus),
        negative=_mean_value(d_negative, has_negative),
    )


def _of_pairs(distance: Tensor, column: Tensor) -> Tensor:
    return distance.gather(1, column.clamp(min=0)[:, None]).squeeze(1)


def _mean(terms: Tensor, average: Average) -> Tensor:
    count = int((terms > 0).sum()) if average is Average.ACTIVE else len(terms)
    return terms.sum() / max(count, 1)  # an empty sum is 0 and keeps the graph; a mean would be NaN


def _share_above_zero(terms: Tensor) -> float:
    return float((terms > 0).float().mean()) if len(terms) else 0.0


def _mean_value(values: Tensor, rows: Tensor) -> float:
    return float(values.detach()[rows].mean()) if bool(rows.any()) else float("nan")
