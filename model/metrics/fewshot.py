"""How well a few reference photos identify a class that the network has never seen: N-way K-shot episodes."""

from __future__ import annotations

import numpy as np

from model.contract.posterior import class_scores

WAYS = 20
SHOTS = (1, 5, 10)
EPISODES = 500
QUERIES = 5
"""Photos of each class that are asked about in an episode."""
FEW = 5
SURPASSED = 0.01
"""Both of `none_score`."""
_CLASSES = 500  # enough for a good estimate; their scores are in memory together


class TooFewError(ValueError):
    """Too few photos for a figure."""


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
    """Share of the query photos that get their class from the gallery, over random episodes; NaN without enough
    classes.

    In each episode `ways` classes are drawn, `shots` photos of each are enrolled, and QUERIES others are identified
    by `class_scores`, as in the program. No query is of a group that was enrolled: the same object again would say
    nothing about the class. A class takes no part if the enrolled groups could use up its photos.

    Args:
        embeddings: float [N, d], unit length, of classes that the network was not trained on.
        fine: class of each [N]; negative ones are left out.
        groups: group of each [N].
    """
    members = lasting(fine, groups, shots)
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


def lasting(fine: np.ndarray, groups: np.ndarray, shots: int) -> list[np.ndarray]:
    """Rows of each class that has QUERIES photos left to ask about, whichever `shots` of it are enrolled."""
    members = [np.flatnonzero(fine == label) for label in np.unique(fine[fine >= 0])]
    return [rows for rows in members if _outside(groups[rows], shots) >= QUERIES]


def none_score(
    references: np.ndarray, fine: np.ndarray, asked: np.ndarray, asked_fine: np.ndarray, seed: int = 0
) -> float:
    """The class score that SURPASSED of the photos of other classes reach with a class of FEW references.

    For `Fusion.none`: a photo that is less like an enrolled class than this more likely belongs to none. It is measured
    on the classes that the network knows: photos of their other classes are no more like them than photos of unknown
    classes are.

    Args:
        references: float32 [M, d], unit length, to enrol from.
        fine: class of each [M]; negative ones are left out.
        asked: float32 [N, d], unit length.
        asked_fine: class of each [N]; negative ones are left out.

    Raises:
        TooFewError: if no class has FEW references, or no photo is of another one.
    """
    rng = np.random.default_rng(seed)
    labels, counts = np.unique(fine[fine >= 0], return_counts=True)
    classes = labels[counts >= FEW]
    if len(classes) > _CLASSES:
        classes = rng.choice(classes, _CLASSES, replace=False)
    asked, asked_fine = asked[asked_fine >= 0], asked_fine[asked_fine >= 0]
    scores = []
    for label in classes:
        enrolled = references[rng.permutation(np.flatnonzero(fine == label))[:FEW]]
        others = asked[asked_fine != label]
        centre = enrolled.mean(axis=0)
        similarities = np.sort(others @ enrolled.T, axis=1)[:, ::-1]
        to_centre = others @ (centre / np.linalg.norm(centre))
        scores.append(class_scores(similarities, np.zeros(similarities.shape, np.int64), to_centre[:, None]))
    if not any(map(len, scores)):
        raise TooFewError("no class with enough references, or no photo of another one")
    return float(np.quantile(np.concatenate(scores), 1 - SURPASSED))


def _outside(groups: np.ndarray, shots: int) -> int:
    """How many photos of a class remain at least, whichever `shots` of them are taken with their groups."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int(np.sort(sizes)[::-1][shots:].sum())
