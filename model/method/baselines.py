"""Costs to compare with: one-level metric learning on the fine labels, all from pytorch-metric-learning.

They act on the unit-length embedding. Margins and scales are the library's defaults, which are the papers', unless a
comment says otherwise. The library takes seconds to import and is therefore imported only by the cost that is built.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Baseline(nn.Module):
    """A loss of pytorch-metric-learning, with the miner that chooses its pairs or triplets.

    Its parameters, if it has any, are the proxies of the fine classes.
    """

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner

    def forward(self, embedding: Tensor, fine: Tensor) -> Tensor:
        """The cost of a batch, a scalar that keeps the graph, also where no row has a fine class.

        Args:
            embedding: unit length, [B, d].
            fine: int64 [B]; rows with a negative value, unknown, are left out.
        """
        known = fine >= 0
        if not bool(known.any()):
            return embedding.float().sum() * 0
        with torch.autocast(embedding.device.type, enabled=False):
            z, labels = embedding.float()[known], fine[known]
            return self.loss(z, labels, None if self.miner is None else self.miner(z, labels))


def _triplet_semi_hard(_n_fine: int, _embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import TripletMarginMiner

    # FaceNet's: squared distances, margin 0.2
    distance = LpDistance(power=2)
    miner = TripletMarginMiner(margin=0.2, type_of_triplets="semihard", distance=distance)
    return Baseline(TripletMarginLoss(margin=0.2, distance=distance), miner)


def _triplet_easy_hard(_n_fine: int, _embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import BatchEasyHardMiner

    distance = LpDistance(power=2)
    miner = BatchEasyHardMiner(BatchEasyHardMiner.EASY, BatchEasyHardMiner.HARD, distance=distance)
    return Baseline(TripletMarginLoss(margin=0.2, distance=distance), miner)


def _lifted(_n_fine: int, _embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.losses import LiftedStructureLoss

    return Baseline(LiftedStructureLoss())


def _n_pairs(_n_fine: int, _embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.losses import NPairsLoss

    return Baseline(NPairsLoss())


def _multi_similarity(_n_fine: int, _embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.losses import MultiSimilarityLoss
    from pytorch_metric_learning.miners import MultiSimilarityMiner

    return Baseline(MultiSimilarityLoss(), MultiSimilarityMiner())


def _proxy_nca(n_fine: int, embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.losses import ProxyNCALoss

    # embeddings and proxies of length 3: squared distances up to 4 would leave the softmax over many classes flat
    return Baseline(ProxyNCALoss(n_fine, embedding_dim, softmax_scale=9))


def _proxy_anchor(n_fine: int, embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.losses import ProxyAnchorLoss

    return Baseline(ProxyAnchorLoss(n_fine, embedding_dim))


def _soft_triple(n_fine: int, embedding_dim: int) -> Baseline:
    from pytorch_metric_learning.losses import SoftTripleLoss
    from pytorch_metric_learning.regularizers import SparseCentersRegularizer

    # the paper's weight of the term that merges the centres of a class; the library's default is to go without it
    return Baseline(
        SoftTripleLoss(
            n_fine,
            embedding_dim,
            centers_per_class=10,
            weight_regularizer=SparseCentersRegularizer(n_fine, 10),
            weight_reg_weight=0.2,
        )
    )


BASELINES: dict[str, Callable[[int, int], Baseline]] = {
    "triplet_semi_hard": _triplet_semi_hard,
    "triplet_easy_hard": _triplet_easy_hard,
    "lifted": _lifted,
    "n_pairs": _n_pairs,
    "proxy_nca": _proxy_nca,
    "proxy_anchor": _proxy_anchor,
    "multi_similarity": _multi_similarity,
    "soft_triple": _soft_triple,
}
"""Name -> builder from the number of fine classes and the length of the embedding."""
