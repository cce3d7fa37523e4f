"""What is minimised: both classification terms and the distance cost, over one batch of outputs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.contract.config import LossSettings
from model.data.labels import EncodedLabels
from model.method.baselines import BASELINES
from model.method.logratio import LogRatioLoss, label_distances
from model.method.losses import DistanceLoss, QuadrupletCost, over_all_pairs, squared_distances
from model.method.network import NetworkOutput
from model.method.quadruplet_selection import RULES, RoleMasks, SelectionOptions, random, role_masks

COLLAPSED = 1e-3
"""Mean distance between the pictures of a batch below which the embedding has collapsed to a point."""


class Objective(nn.Module):
    """lambda_coarse CE_coarse + lambda_fine CE_fine + lambda_distance L_distance, as the settings say.

    Its parameters, to be trained with the network's, are the proxies of a baseline; most costs have none.
    """

    _parents: Tensor

    def __init__(
        self, settings: LossSettings, parents: Sequence[int], embedding_dim: int, scales: Sequence[float] = ()
    ) -> None:
        """Args: parents: coarse class of each fine class; scales: of the attributes, `labels.attribute_scales`."""
        super().__init__()
        self.register_buffer("_parents", torch.tensor(parents, dtype=torch.int64), persistent=False)
        self._scales = scales
        self._settings = settings
        build = BASELINES.get(settings.distance)
        self._baseline = build(len(parents), embedding_dim) if build else None
        self._options = SelectionOptions(settings.rho, settings.skip_hardest)
        self._cost = QuadrupletCost(
            settings.margin_fine,
            settings.margin_coarse,
            settings.form,
            settings.second_hinge,
            settings.average,
            settings.lambda_global,
        )

    def forward(
        self, output: NetworkOutput, labels: EncodedLabels, *, epoch: int, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """The cost of a batch and the figures to follow.

        Args:
            epoch: from 0; in the first `random_epochs` the selection is random.
            generator: on the CPU, of the random choices.
        """
        device = output.embedding.device
        coarse, fine = torch.from_numpy(labels.coarse).to(device), torch.from_numpy(labels.fine).to(device)
        attributes = torch.from_numpy(labels.attributes).float().to(device)
        distance, pairs, seconds = self._distance_loss(output, coarse, fine, attributes, epoch, generator)
        classification, figures = self.classification(output, labels)
        loss = classification + self._settings.lambda_distance * distance.loss
        return loss, {
            **figures,
            "loss": float(loss.detach()),
            "distance": float(distance.loss.detach()),
            "fine_active": distance.fine_active,
            "coarse_active": distance.coarse_active,
            "valid": float(distance.valid),
            "d_plus": distance.plus,
            "d_minus": distance.minus,
            "d_negative": distance.negative,
            **pairs,
            "selection_ms": 1000 * seconds,
        }

    def classification(self, output: NetworkOutput, labels: EncodedLabels) -> tuple[Tensor, dict[str, float]]:
        """The cost of both heads, weighted, and its parts."""
        settings, device = self._settings, output.embedding.device
        coarse, fine = torch.from_numpy(labels.coarse).to(device), torch.from_numpy(labels.fine).to(device)
        parents, smoothing = self._parents if settings.partial_labels else None, settings.label_smoothing
        ce_coarse = F.cross_entropy(output.coarse_logits.float(), coarse, label_smoothing=smoothing)
        ce_fine = fine_cross_entropy(output.fine_logits.float(), fine, coarse, parents, smoothing)
        loss = settings.lambda_coarse * ce_coarse + settings.lambda_fine * ce_fine
        return loss, {"coarse": float(ce_coarse.detach()), "fine": float(ce_fine.detach())}

    def of_mixture(
        self, output: NetworkOutput, labels: EncodedLabels, others: EncodedLabels, share: float
    ) -> tuple[Tensor, dict[str, float]]:
        """The cost of mixed pictures: both heads, by both labels (model/batching/mixing.py).

        Args:
            others: labels of the pictures that were mixed in.
            share: of a picture itself.
        """
        own, figures = self.classification(output, labels)
        other, other_figures = self.classification(output, others)
        loss = share * own + (1 - share) * other
        parts = {name: share * value + (1 - share) * other_figures[name] for name, value in figures.items()}
        return loss, {"loss": float(loss.detach()), **parts}

    def _distance_loss(
        self,
        output: NetworkOutput,
        coarse: Tensor,
        fine: Tensor,
        attributes: Tensor,
        epoch: int,
        generator: torch.Generator,
    ) -> tuple[DistanceLoss, dict[str, float], float]:
        """The distance cost, the figures of all pairs of the batch, and the seconds of the selection."""
        settings, embedding = self._settings, output.embedding
        masks = role_masks(coarse, fine)
        with torch.no_grad():
            distances = squared_distances(embedding)
        pairs = _pair_figures(distances, masks)
        if settings.distance != "quadruplet":
            loss = self._without_quadruplets(output, coarse, fine, attributes)
            return over_all_pairs(loss, distances, masks), pairs, 0.0
        start = time.perf_counter()
        with torch.no_grad():
            rule = RULES[settings.rule] if epoch >= settings.random_epochs else random
            chosen = rule(distances, masks, self._options, generator)
        seconds = time.perf_counter() - start
        return self._cost(embedding, fine, chosen), pairs, seconds

    def _without_quadruplets(self, output: NetworkOutput, coarse: Tensor, fine: Tensor, attributes: Tensor) -> Tensor:
        settings = self._settings
        if self._baseline is not None:
            return self._baseline(output.embedding, fine)
        if settings.distance == "none":
            return output.embedding.float().sum() * 0
        delta, valid = label_distances(
            coarse, fine, base=settings.label_base, attributes=attributes, scales=self._scales
        )
        z = output.embedding if settings.unit_length else output.raw
        return LogRatioLoss(settings.distance == "log_ratio")(z, delta, valid)


def fine_cross_entropy(
    logits: Tensor, fine: Tensor, coarse: Tensor, parents: Tensor | None, label_smoothing: float
) -> Tensor:
    """Mean over the rows that say something about the class; if none does, 0 that keeps the graph.

    A row with a fine label: cross-entropy. A row with a type alone, where `parents` is given: the negative logarithm of
    the sum of the probabilities of the type's classes, so that a tanker without a class does not become a car, and the
    sums up the tree are trained (Cour et al., "Learning from partial labels", JMLR 2011). A row whose type has no
    classes counts for nothing.

    Args:
        logits: float32 [B, n_fine].
        fine: int64 [B], negative where unknown.
        coarse: int64 [B].
        parents: coarse class of each fine class, int64 [n_fine]; None to leave rows without a fine label out.
        label_smoothing: of the first kind of rows.
    """
    known = fine >= 0
    parts = [logits.new_zeros(0)]
    if bool(known.any()):
        parts.append(F.cross_entropy(logits[known], fine[known], label_smoothing=label_smoothing, reduction="none"))
    if parents is not None:
        of_type = parents[None, :] == coarse[:, None]
        by_type = ~known & of_type.any(dim=1)
        inside = logits[by_type].masked_fill(~of_type[by_type], -torch.inf)
        parts.append(logits[by_type].logsumexp(dim=1) - inside.logsumexp(dim=1))
    terms = torch.cat(parts)
    return terms.mean() if len(terms) else logits.sum() * 0  # a mean over no row would be NaN


def _pair_figures(distances: Tensor, masks: RoleMasks) -> dict[str, float]:
    """Over all pairs of different pictures of a batch, selected or not; NaN without any.

    spread is their mean distance; gap is how much farther away than P+ the pictures that could be N are, on average.
    """
    n = len(distances)
    plus, negative = (
        float(distances[mask].mean()) if bool(mask.any()) else float("nan") for mask in (masks.plus, masks.negative)
    )
    return {"spread": float(distances.sum()) / max(n * (n - 1), 1), "gap": negative - plus}


def collapse_signs(means: dict[str, float]) -> list[str]:
    """The signs of a collapsing embedding in an epoch's mean figures; empty without any."""
    signs = []
    if means["spread"] < COLLAPSED:
        signs.append(f"the embedding has collapsed: mean distance {means['spread']:.1e} between pictures")
    if means["gap"] < 0:
        signs.append(f"negatives are nearer than positives, by {-means['gap']:.3f} in the mean over all pairs")
    return signs
