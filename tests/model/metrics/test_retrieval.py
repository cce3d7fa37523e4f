"""Retrieval figures against their definitions written as loops over one query at a time."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.metrics.retrieval import RECALLS, clustering, recall_1, retrieval


def ranked_levels(
    z: torch.Tensor, coarse: Sequence[int], fine: Sequence[int], groups: Sequence[int], euclidean: bool, q: int
) -> list[int]:
    similarity = -torch.cdist(z[q : q + 1], z)[0] if euclidean else (z[q : q + 1] @ z.T)[0]
    others = sorted((i for i in range(len(z)) if groups[i] != groups[q]), key=lambda i: (-float(similarity[i]), i))
    return [0 if coarse[i] != coarse[q] else 2 if fine[i] == fine[q] >= 0 else 1 for i in others]


def by_loops(
    z: torch.Tensor, coarse: Sequence[int], fine: Sequence[int], groups: Sequence[int], euclidean: bool
) -> dict[str, float]:
    values = {}
    for q in range(len(z)):
        levels = ranked_levels(z, coarse, fine, groups, euclidean, q)
        n_fine, n_relevant = levels.count(2), sum(level > 0 for level in levels)
        if n_relevant:
            values.setdefault("coarse_recall_1", []).append(levels[0] > 0)
        if not n_fine:
            continue
        for k in RECALLS:
            values.setdefault(f"recall_{k}", []).append(2 in levels[:k])
        hits = [i for i, level in enumerate(levels[:n_fine]) if level == 2]
        values.setdefault("map_at_r", []).append(sum(levels[: i + 1].count(2) / (i + 1) for i in hits) / n_fine)
        rel = [level / 2 for level in levels]
        h_ap = sum(
            (rel[k] + sum(min(rel[k], rel[j]) for j in range(k))) / (k + 1) for k in range(len(rel)) if rel[k] > 0
        )
        values.setdefault("hierarchical_ap", []).append(h_ap / sum(rel))
        ideal = sorted(levels, reverse=True)
        overlaps = [
            sum(min(levels[:k].count(level), ideal[:k].count(level)) for level in (1, 2)) / k
            for k in range(1, n_relevant + 1)
        ]
        values.setdefault("set_intersection", []).append(sum(overlaps) / n_relevant)
        dcg, best = (
            sum((2**level - 1) / math.log2(2 + i) for i, level in enumerate(order)) for order in (levels, ideal)
        )
        values.setdefault("ndcg", []).append(dcg / best)
        if levels[0] != 2:
            values.setdefault("severity", []).append(2 - levels[0])
    return {name: sum(v) / len(v) for name, v in values.items()}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 24), st.integers(1, 9), st.booleans(), st.booleans())
def test_figures_agree_with_loops(seed: int, size: int, block: int, grouped: bool, euclidean: bool) -> None:
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.integers(0, 3, size))
    fine = coarse * 3 + torch.from_numpy(rng.integers(0, 3, size))
    fine[torch.from_numpy(rng.random(size) < 0.2)] = -1
    z = torch.from_numpy(rng.normal(size=(size, 5))).float()
    z = z if euclidean else torch.nn.functional.normalize(z, dim=1)
    groups = torch.from_numpy(rng.integers(0, size, size)) if grouped else None
    got = retrieval(z, coarse, fine, groups=groups, euclidean=euclidean, block=block)
    expected = by_loops(
        z, coarse.tolist(), fine.tolist(), range(size) if groups is None else groups.tolist(), euclidean
    )
    every = torch.arange(size) if groups is None else groups
    assert recall_1(z, fine, every, euclidean=euclidean) == pytest.approx(got.recall[1], nan_ok=True)
    for k in RECALLS:
        assert got.recall[k] == pytest.approx(expected.get(f"recall_{k}", math.nan), nan_ok=True)
    for name in ("coarse_recall_1", "map_at_r", "hierarchical_ap", "set_intersection", "ndcg", "severity"):
        assert getattr(got, name) == pytest.approx(expected.get(name, math.nan), abs=1e-5, nan_ok=True), name


def test_figures_agree_with_pytorch_metric_learning() -> None:
    calculator = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator").AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision_at_r"), k="max_bin_count"
    )
    rng = np.random.default_rng(3)
    fine = torch.from_numpy(rng.integers(0, 12, 300))
    z = torch.from_numpy(rng.normal(size=(12, 16)))[fine] + torch.from_numpy(rng.normal(size=(300, 16)) * 1.5)
    z = torch.nn.functional.normalize(z.float(), dim=1)
    got, oracle = retrieval(z, fine // 4, fine), calculator.get_accuracy(z, fine)
    assert got.recall[1] == pytest.approx(oracle["precision_at_1"])
    assert got.map_at_r == pytest.approx(oracle["mean_average_precision_at_r"], abs=1e-5)


def test_clusters_of_separate_classes_agree_with_them() -> None:
    rng = np.random.default_rng(1)
    fine = np.repeat(np.arange(4), 30)
    points = np.eye(4, 6)[fine] * 10 + rng.normal(size=(120, 6)) * 0.1
    good, chance = clustering(points, fine), clustering(rng.normal(size=(120, 6)), fine)
    assert good.nmi == pytest.approx(1) and good.ami == pytest.approx(1)
    assert abs(chance.ami) < 0.2 < good.ami
    assert math.isnan(clustering(points[:30], fine[:30]).nmi)


def test_a_perfect_ranking_scores_one() -> None:
    fine = torch.arange(6).repeat_interleave(3)
    z = torch.zeros(18, 9)
    z[torch.arange(18), fine] = 1.0
    z[torch.arange(18), 6 + fine // 2] = 0.5
    got = retrieval(z, fine // 2, fine)
    assert got.recall[1] == got.map_at_r == got.set_intersection == 1
    assert got.hierarchical_ap == pytest.approx(1) and got.ndcg == pytest.approx(1) and math.isnan(got.severity)
