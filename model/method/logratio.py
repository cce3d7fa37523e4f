"""Log-ratio loss (Kim et al., "Deep metric learning beyond binary supervision", CVPR 2019) on two label levels.

For an anchor a and two others i, j the loss is (log[D(a,i) / D(a,j)] - log[delta(a,i) / delta(a,j)])^2, where D is the
squared distance of embeddings (not normalised) and delta a distance of labels. Pairs with equal delta say nothing and
are left out: otherwise all items of a level would be driven to equal distances.

Every row of a batch is an anchor with all pairs of others: B^3 terms. They are never formed. With
x_i = log D(a,i) - log delta(a,i) the sum over all ordered pairs is 2 n sum(x^2) - 2 (sum x)^2, and the same over each
group of equal delta is taken off again: O(B^2 log B) time for the sort into groups, O(B^2) memory. The form without the
logarithm expands in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_EPSILON = 1e-6


def label_distances(
    coarse: Tensor,
    fine: Tensor,
    *,
    base: float = 2.0,
    attributes: Tensor | None = None,
    scales: Sequence[float] = (),
) -> tuple[Tensor, Tensor]:
    """delta of all pairs, and which pairs have one.

    1 for the same fine class, `base` for the same coarse class, `base`^2 otherwise, plus |difference| / scale of each
    attribute that both photos have. Two photos of one coarse class of which one has no fine label have no delta.

    Args:
        coarse, fine: int64 [B]; fine negative where unknown.
        attributes: float [B, n], NaN where missing.
        scales: one for each attribute, for instance its interquartile range over the training photos.

    Returns:
        delta float32 [B, B] and bool [B, B]; the diagonal is False.
    """
    same_coarse = coarse[:, None] == coarse[None, :]
    known = (fine >= 0)[:, None] & (fine >= 0)[None, :]
    same_fine = known & (fine[:, None] == fine[None, :])
    delta = torch.full_like(same_coarse, base**2, dtype=torch.float32)
    delta = delta.masked_fill(same_coarse, base).masked_fill(same_fine, 1.0)
    if attributes is not None:
        for column, scale in zip(attributes.T, scales, strict=True):
            delta = delta + ((column[:, None] - column[None, :]).abs() / scale).nan_to_num(0.0)
    valid = known | ~same_coarse
    return delta, valid & ~torch.eye(len(coarse), dtype=torch.bool, device=coarse.device)


@dataclass(frozen=True)
class LogRatioLoss:
    """Mean over all anchors and all ordered pairs of others with different delta; without such pairs 0 that keeps the
    graph.

    Attributes:
        logarithm: False compares the ratios themselves, (D(a,i) / D(a,j) - delta(a,i) / delta(a,j))^2.
    """

    logarithm: bool = True

    def __call__(self, embeddings: Tensor, delta: Tensor, valid: Tensor) -> Tensor:
        """Args: embeddings: [B, d], any length; delta, valid: [B, B], see `label_distances`."""
        with torch.autocast(embeddings.device.type, enabled=False):
            z = embeddings.float()
            squares = (z * z).sum(dim=1)
            distance = (squares[:, None] + squares[None, :] - 2 * z @ z.T).clamp(min=0) + _EPSILON
            groups = _groups_of_equal(delta, valid)
            if self.logarithm:
                total, pairs = _log_sums(distance.log() - delta.log(), valid, groups)
            else:
                total, pairs = _ratio_sums(distance, delta, valid, groups)
            count = pairs.sum()
            return total.sum() / count if bool(count > 0) else z.sum() * 0


def _groups_of_equal(delta: Tensor, valid: Tensor) -> Tensor:
    """For each row the number of the group of equal delta that a column is in: int64 [B, B], in [0, B)."""
    ordered, order = delta.masked_fill(~valid, torch.inf).sort(dim=1)
    is_new = torch.zeros_like(ordered, dtype=torch.long)
    is_new[:, 1:] = (ordered[:, 1:] != ordered[:, :-1]).long()
    return torch.empty_like(is_new).scatter_(1, order, is_new.cumsum(dim=1))


def _by_group(values: Tensor, valid: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the valid values of each row: over the row [B], and over each of its groups [B, B]."""
    kept = values * valid
    return kept.sum(dim=1), torch.zeros_like(kept).scatter_add(1, groups, kept)


def _log_sums(x: Tensor, valid: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    n, n_of = _by_group(torch.ones_like(x), valid, groups)
    s, s_of = _by_group(x, valid, groups)
    q, q_of = _by_group(x * x, valid, groups)
    total = 2 * (n * q - s * s) - 2 * (n_of * q_of - s_of * s_of).sum(dim=1)
    return total, n * n - (n_of * n_of).sum(dim=1)


def _ratio_sums(distance: Tensor, delta: Tensor, valid: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    n, n_of = _by_group(torch.ones_like(distance), valid, groups)
    total = torch.zeros_like(n)
    # (u_i / u_j - d_i / d_j)^2 = (u_i^2)(u_j^-2) - 2 (u_i d_i)(u_j d_j)^-1 + (d_i^2)(d_j^-2)
    for factor, product in ((1.0, distance**2), (-2.0, distance * delta), (1.0, delta**2)):
        over, over_of = _by_group(product, valid, groups)
        under, under_of = _by_group(1 / product, valid, groups)
        total = total + factor * (over * under - (over_of * under_of).sum(dim=1))
    return total, n * n - (n_of * n_of).sum(dim=1)
