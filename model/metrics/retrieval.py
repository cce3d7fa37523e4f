"""How well nearest neighbours carry the labels of both levels: leave-one-out retrieval and clustering figures.

A query never counts itself, nor photos of its own group, which may show the same object a minute later. Equal
similarities are ordered by row number. Queries go in blocks, so that 100,000 embeddings need no N x N matrix. The level
of an item for a query is 2 for the same fine class, 1 for the same coarse class alone, 0 otherwise. A photo whose fine
class is unknown is an item of level 1 at most, and a query of the coarse figure alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np
import torch
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
from torch import Tensor

RECALLS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Retrieval:
    """Means over the queries, each in [0, 1] except `severity`; NaN if no query counts.

    Attributes:
        recall: k -> share of queries with an item of their fine class among the k nearest (queries that have one).
        coarse_recall_1: the same for the coarse class and k = 1, over all photos.
        map_at_r: mean average precision at R, R the number of other items of the class (Musgrave et al., ECCV 2020).
        hierarchical_ap: H-AP (Ramzi et al., ECCV 2022) with relevance level / 2.
        set_intersection: ASI (Sun et al., CVPR 2021): mean over k of the overlap of the k nearest with the k that the
            labels would rank first.
        ndcg: with gain 2^level - 1 and discount log2(1 + rank), over the whole ranking.
        severity: mean height of the lowest common ancestor of query and nearest item where their fine classes differ:
            1 same coarse class, 2 another (Bertinetto et al., CVPR 2020).
    """

    recall: dict[int, float]
    coarse_recall_1: float
    map_at_r: float
    hierarchical_ap: float
    set_intersection: float
    ndcg: float
    severity: float


def retrieval(
    embeddings: Tensor,
    coarse: Tensor,
    fine: Tensor,
    *,
    groups: Tensor | None = None,
    euclidean: bool = False,
    block: int = 256,
) -> Retrieval:
    """All retrieval figures in one pass.

    Args:
        embeddings: [N, d].
        coarse, fine: int64 [N]; fine negative where unknown.
        groups: int64 [N], where photos may be of one group.
        euclidean: rank by distance; else by cosine, where the length of an embedding does not matter.
        block: queries at a time; memory is about 40 x block x N bytes.
    """
    z = embeddings.float() if euclidean else torch.nn.functional.normalize(embeddings.float(), dim=1)
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for levels in _ranked_levels(z, coarse, fine, groups, euclidean, block):
        for name, (values, counted) in _figures_of(levels).items():
            sums[name] = sums.get(name, 0.0) + float(values[counted].double().sum())
            counts[name] = counts.get(name, 0) + int(counted.sum())
    mean = {name: sums[name] / counts[name] if counts[name] else float("nan") for name in sums}
    missing = float("nan")
    return Retrieval(
        recall={k: mean.get(f"recall_{k}", missing) for k in RECALLS},
        **{
            name: mean.get(name, missing)
            for name in ("coarse_recall_1", "map_at_r", "hierarchical_ap", "set_intersection", "ndcg", "severity")
        },
    )


def recall_1(embeddings: Tensor, fine: Tensor, groups: Tensor, *, euclidean: bool = False) -> float:
    """R@1 of the fine classes alone, much faster than `retrieval`. Args: as there; at most some 10,000 embeddings."""
    z = embeddings.float() if euclidean else torch.nn.functional.normalize(embeddings.float(), dim=1)
    mates = groups[:, None] == groups
    has_other = ((fine[:, None] == fine) & ~mates).any(dim=1) & (fine >= 0)
    nearest = _similarity(z, z, euclidean).masked_fill(mates, -torch.inf).max(dim=1).indices
    return float((fine[nearest] == fine)[has_other].float().mean())


def _similarity(queries: Tensor, items: Tensor, euclidean: bool) -> Tensor:
    """[Q, N]: larger for the nearer of two items of a query."""
    products = queries @ items.T
    # -|q - x|^2 / 2 without |q|^2 / 2, which is the same for all items
    return products - (items * items).sum(dim=1) / 2 if euclidean else products


def _ranked_levels(
    z: Tensor, coarse: Tensor, fine: Tensor, groups: Tensor | None, euclidean: bool, block: int
) -> Iterator[Tensor]:
    """For blocks of queries the levels of all other items, nearest first: int64 [b, N - 1].

    Those of the query's own group stand last and have level 0, where they change no figure.
    """
    for rows in torch.arange(len(z)).split(block) if len(z) > 1 else ():
        similarity = _similarity(z[rows], z, euclidean)
        if groups is not None:
            similarity[groups[rows][:, None] == groups] = -torch.inf
        similarity[torch.arange(len(rows)), rows] = torch.inf  # it comes first, and is cut off
        order = similarity.argsort(dim=1, descending=True, stable=True)[:, 1:]
        same_coarse = coarse[order] == coarse[rows][:, None]
        if groups is not None:
            same_coarse &= groups[order] != groups[rows][:, None]
        same_fine = (fine[order] == fine[rows][:, None]) & (fine[rows] >= 0)[:, None]
        yield same_coarse.long() + (same_coarse & same_fine).long()


def _figures_of(levels: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Name -> (value of each query, whether it counts), from levels in ranked order [b, M]."""
    is_fine, is_relevant = levels == 2, levels > 0
    n_fine, n_relevant = is_fine.sum(dim=1), is_relevant.sum(dim=1)
    has_fine, has_relevant = n_fine > 0, n_relevant > 0
    rank = torch.arange(1, levels.shape[1] + 1)
    fine_so_far, relevant_so_far = is_fine.cumsum(dim=1), is_relevant.cumsum(dim=1)

    precision = fine_so_far / rank
    within_r = rank <= n_fine[:, None]
    map_at_r = (precision * (is_fine & within_r)).sum(dim=1) / n_fine.clamp(min=1)

    relevance = levels / 2
    # min(rel_j, rel_k) over j before k: rel_j itself where k is of the fine class, else 1/2 of every relevant j
    before = torch.where(is_fine, relevance.cumsum(dim=1) - relevance, (relevant_so_far - 1) / 2)
    hierarchical = ((relevance + before) / rank * is_relevant).sum(dim=1) / relevance.sum(dim=1).clamp(min=0.5)

    coarse_so_far = relevant_so_far - fine_so_far
    overlap = fine_so_far.minimum(n_fine[:, None]) + coarse_so_far.minimum((rank - n_fine[:, None]).clamp(min=0))
    counted = rank <= n_relevant[:, None]
    intersection = (overlap / rank * counted).sum(dim=1) / n_relevant.clamp(min=1)

    discount = torch.log2(1 + rank.float())
    gain = (2.0**levels - 1) / discount
    ideal = (2.0 ** levels.sort(dim=1, descending=True).values - 1) / discount
    ndcg = gain.sum(dim=1) / ideal.sum(dim=1).clamp(min=1e-12)

    figures = {f"recall_{k}": (is_fine[:, :k].any(dim=1).float(), has_fine) for k in RECALLS}
    return figures | {
        "coarse_recall_1": (is_relevant[:, 0].float(), has_relevant),
        "map_at_r": (map_at_r, has_fine),
        "hierarchical_ap": (hierarchical, has_fine),
        "set_intersection": (intersection, has_fine),
        "ndcg": (ndcg, has_fine),
        "severity": (2.0 - levels[:, 0], has_fine & ~is_fine[:, 0]),
    }


@dataclass(frozen=True)
class Clustering:
    """Agreement of k-means clusters with the fine classes, k the number of classes.

    Attributes:
        nmi: normalised mutual information (arithmetic mean), in [0, 1].
        ami: the same adjusted for chance, at most 1.
    """

    nmi: float
    ami: float


def clustering(embeddings: np.ndarray, fine: np.ndarray, *, seed: int = 0) -> Clustering:
    """k-means of embeddings [N, d] of photos with known fine classes [N]; NaN for fewer than two classes."""
    classes = len(np.unique(fine))
    if classes < 2:
        return Clustering(float("nan"), float("nan"))
    points = np.ascontiguousarray(embeddings, dtype=np.float32)
    means = faiss.Kmeans(points.shape[1], classes, niter=30, seed=seed, min_points_per_centroid=1, verbose=False)
    means.train(points)
    _, assigned = means.index.search(points, 1)
    return Clustering(
        nmi=float(normalized_mutual_info_score(fine, assigned[:, 0])),
        ami=float(adjusted_mutual_info_score(fine, assigned[:, 0])),
    )
