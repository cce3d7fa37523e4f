"""From logits and reference photos to probabilities on the label tree; one way for the trainer and the program.

Both heads have an opinion of the type: the coarse head its own, the fine head the sum over the classes of a type. The
two are combined, and the classes of a type then share what their type has. So the probabilities of a type's classes
always sum to the type's, and type and class cannot contradict each other. Needs no torch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.contract.bundle import Calibration, Fusion
from model.contract.openset import energy
from model.contract.taxonomy import Taxonomy

_LEAST = 1e-12
_TELLING = 3.0
"""Standard deviations beyond which a logit says no more: for pictures of nothing known it may be anything."""


class Posterior(NamedTuple):
    """Probabilities of N photos.

    Attributes:
        coarse: float64 [N, n_coarse], rows sum to 1.
        fine: float64 [N, n_fine]; the classes of a type sum to the type's probability, unless a gallery has added
            classes to a type of which the network knows none: the rest then belongs to none of them.
    """

    coarse: np.ndarray
    fine: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis of [N, n], in float64; n may be 0."""
    logits = np.asarray(logits, np.float64)
    if logits.shape[-1] == 0:
        return logits
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def type_sums(fine: np.ndarray, taxonomy: Taxonomy) -> np.ndarray:
    """Sums [N, n_coarse] over the classes of each type; fine: [N, n_fine]."""
    sums = np.zeros((len(fine), len(taxonomy.coarse)))
    np.add.at(sums.T, taxonomy.parent_array, np.asarray(fine, np.float64).T)
    return sums


def domain_of(coarse_logits: np.ndarray, taxonomy: Taxonomy, calibration: Calibration) -> np.ndarray:
    """The domain with most of the coarse head's probability, as its place in `calibration.domains`: int64 [N]."""
    plain = softmax(coarse_logits)
    shares = [
        plain[:, [taxonomy.coarse_index[name] for name in domain.types]].sum(axis=1) for domain in calibration.domains
    ]
    return np.argmax(np.stack(shares, axis=1), axis=1) if shares else np.zeros(len(plain), np.int64)


def tree_posterior(
    coarse_logits: np.ndarray, fine_logits: np.ndarray, taxonomy: Taxonomy, calibration: Calibration
) -> Posterior:
    """Calibrated probabilities of both levels from the logits of both heads.

    With C the softmax of the coarse head and S(t) the sum of the fine head's softmax over the classes of type t, the
    type's probability is proportional to C(t)^w S(t)^(1-w), w being `calibration.coarse_weight`. A type without
    classes takes its S from C, and the classes share what is left.

    Args:
        coarse_logits: [N, n_coarse].
        fine_logits: [N, n_fine].
    """
    t_coarse, t_fine = temperatures(coarse_logits, taxonomy, calibration)
    log_coarse = _log_softmax(coarse_logits / t_coarse[:, None])
    if not taxonomy.fine:
        return Posterior(np.exp(log_coarse), np.zeros((len(log_coarse), 0)))
    log_fine = _log_softmax(fine_logits / t_fine[:, None])
    log_sums = _log_type_sums(log_fine, taxonomy)
    has_classes = np.isin(np.arange(len(taxonomy.coarse)), taxonomy.parent_array)
    with_classes = np.exp(log_coarse[:, has_classes]).sum(axis=1, keepdims=True)
    of_fine_head = np.where(has_classes, log_sums + np.log(np.maximum(with_classes, _LEAST)), log_coarse)
    weight = calibration.coarse_weight
    types = softmax(weight * log_coarse + (1 - weight) * of_fine_head)
    within = np.exp(log_fine - log_sums[:, taxonomy.parent_array])
    return Posterior(types, types[:, taxonomy.parent_array] * within)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    return logits - energy(logits)[:, None]


def _log_type_sums(log_fine: np.ndarray, taxonomy: Taxonomy) -> np.ndarray:
    """Logarithm of the sums over the classes of each type, exact however small: [N, n_coarse]; 0 without classes."""
    peak = np.full((len(log_fine), len(taxonomy.coarse)), -np.inf)
    np.maximum.at(peak.T, taxonomy.parent_array, log_fine.T)
    peak[~np.isfinite(peak)] = 0
    sums = type_sums(np.exp(log_fine - peak[:, taxonomy.parent_array]), taxonomy)
    return peak + np.log(np.where(sums > 0, sums, 1))


def temperatures(
    coarse_logits: np.ndarray, taxonomy: Taxonomy, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray]:
    """Temperature of each head for each photo, by its domain: two of [N]."""
    if not calibration.domains:
        n = len(coarse_logits)
        return np.full(n, calibration.coarse_temperature), np.full(n, calibration.fine_temperature)
    domains = domain_of(coarse_logits, taxonomy, calibration)
    coarse, fine = zip(*((d.coarse_temperature, d.fine_temperature) for d in calibration.domains), strict=True)
    return np.asarray(coarse)[domains], np.asarray(fine)[domains]


def class_scores(similarities: np.ndarray, classes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """How alike N photos are to each class of a gallery, as cosines: [N, n_classes].

    The mean of the similarity to the class's centre and to its most similar reference, which is better than either
    alone with
    few and with many references of a class. If a class is not among the K neighbours, the last of them stands in: its
    most similar reference cannot be more similar.

    Args:
        similarities: cosine to the K nearest references [N, K], descending.
        classes: the class of each [N, K], negative if it is unknown or missing.
        centres: cosine to the class centres [N, n_classes]; -inf for a class without references.
    """
    best = np.repeat(similarities[:, -1:], centres.shape[1], axis=1)
    rows, columns = np.nonzero(classes >= 0)
    np.maximum.at(best, (rows, classes[rows, columns]), similarities[rows, columns])
    return (best + centres) / 2


def enrolled_posterior(scores: np.ndarray, known: int, familiar: np.ndarray, fusion: Fusion) -> np.ndarray:
    """Probabilities of the classes that only a gallery has, by the reference photos: [N, n_classes - known].

    Softmax of `class_scores` over all classes that have references and one more competitor, "none of them", whose score
    is `fusion.none`: without it a gallery of one class would find that class in every picture. A class with five
    references has the same chance as one with fifty. The fine head does not know the new classes, but it shows what it
    does know: the more familiar a photo, the more the other classes and "none" count.

    Args:
        scores: [N, n_classes]; -inf for a class without references, which has no probability.
        known: how many of the classes the network knows; they come first.
        familiar: the largest logit in standard deviations of the validation photos [N] (`openset.familiarity`).
    """
    gain = fusion.logit * np.clip(familiar, -_TELLING, _TELLING)[:, None]
    none = np.full((len(scores), 1), fusion.none)
    logits = np.concatenate([scores[:, known:], scores[:, :known], none], axis=1) / fusion.temperature
    new = scores.shape[1] - known
    logits[:, new:] += gain
    return softmax(logits)[:, :new]


def fuse(
    tree: Posterior, scores: np.ndarray, familiar: np.ndarray, known: Taxonomy, whole: Taxonomy, fusion: Fusion
) -> Posterior:
    """The opinions of heads and reference photos combined, over the classes of both.

    A class that only the gallery has (`whole` but not `known`) has its `enrolled_posterior`. The others share the
    rest, by a log-linear pool: proportional to exp(fusion.heads log p + fusion.references score). A class without
    references keeps what the heads give it. Types follow; what the heads give to a type without known classes stays
    with it.

    Args:
        tree: of the N photos, over `known`.
        scores: `class_scores` over the classes of `whole` [N, n_fine of `whole`]; -inf for one without references.
        familiar: the largest logit in standard deviations [N] (`openset.familiarity`).
        known: the network's taxonomy.
        whole: the same with the gallery's own types and classes after it (`Taxonomy.extended`).
    """
    n_fine, n_coarse = len(known.fine), len(known.coarse)
    new = enrolled_posterior(scores, n_fine, familiar, fusion)
    rest = np.maximum(1 - new.sum(axis=1, keepdims=True), 0)
    known_share = tree.fine.sum(axis=1, keepdims=True)
    fine = np.concatenate([rest * known_share * _pooled(tree.fine, scores[:, :n_fine], fusion), new], axis=1)
    coarse = np.zeros((len(fine), len(whole.coarse)))
    coarse[:, :n_coarse] = rest * np.maximum(tree.coarse - type_sums(tree.fine, known), 0)
    return Posterior(coarse + type_sums(fine, whole), fine)


def _pooled(fine: np.ndarray, scores: np.ndarray, fusion: Fusion) -> np.ndarray:
    """Both opinions of the network's own classes: rows sum to 1; [N, n_fine]."""
    if not fine.shape[1]:
        return fine
    share = fine / np.maximum(fine.sum(axis=1, keepdims=True), _LEAST)
    present = np.isfinite(scores)
    if not present.any():
        return share
    # a class without references gets the mean of those that have some: nothing speaks for or against it
    weights = np.where(present, share + _LEAST, 0)
    means = (np.where(present, scores, 0) * weights).sum(axis=1) / weights.sum(axis=1)
    filled = np.where(present, scores, means[:, None])
    return softmax(fusion.heads * np.log(share + _LEAST) + fusion.references * filled)
