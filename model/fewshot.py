"""How well a class that the network has never seen is told by a few reference photos: N-way K-shot episodes."""

from __future__ import annotations

import numpy as np

from model.posterior import class_scores

WAYS = 20
SHOTS = (1, 5, 10)
EPISODES = 500
QUERIES = 5
"""Photos of each class that are asked about in an episode."""


def episodes(
    embeddings: np.ndarray,
    fine: np.ndarray,
    groups: np.ndarray,
    *,
    shots: int,
    ways: int = WAYS,
    count: int = EPISODES,
    seed: int = 0,
) -> float:
    """Share of the query photos that the gallery gives their class, over random episodes; NaN without enough classes.

    In each episode `ways` classes are drawn, `shots` photos of each are enrolled, and QUERIES others are told by
    `class_scores`, as the program does it. What is asked is of no group that was enrolled: the same object again would
    tell nothing of the class. A class whose photos could be used up by the groups that are enrolled does not take part.

    Args:
        embeddings: float [N, d], unit length, of classes that the network was not trained on.
        fine: class of each [N]; negative ones are left out.
        groups: group of each [N].
    """
    members = [np.flatnonzero(fine == label) for label in np.unique(fine[fine >= 0])]
    members = [rows for rows in members if _outside(groups[rows], shots) >= QUERIES]
    if len(members) < ways:
        return float("nan")
    rng = np.random.default_rng(seed)
    right = 0
    for _ in range(count):
        drawn = [rng.permutation(members[i]) for i in rng.choice(len(members), ways, replace=False)]
        enrolled = np.concatenate([rows[:shots] for rows in drawn])
        asked = np.concatenate([rows[~np.isin(groups[rows], groups[rows[:shots]])][:QUERIES] for rows in drawn])
        similarities = embeddings[asked] @ embeddings[enrolled].T
        order = np.argsort(-similarities, axis=1)
        centres = embeddings[enrolled].reshape(ways, shots, -1).mean(axis=1)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        scores = class_scores(
            np.take_along_axis(similarities, order, axis=1), order // shots, embeddings[asked] @ centres.T
        )
        answers = scores.argmax(axis=1)
        right += int((answers == np.repeat(np.arange(ways), QUERIES)).sum())
    return right / (count * ways * QUERIES)


def _outside(groups: np.ndarray, shots: int) -> int:
    """How many photos of a class are left at least, whichever `shots` of them are taken with their groups."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int(np.sort(sizes)[::-1][shots:].sum())
