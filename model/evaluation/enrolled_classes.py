"""What the program answers where classes that the network has never seen were enrolled with a few photos."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.contract.decision import LEVELS, Level, rule
from model.contract.openset import familiarity
from model.contract.posterior import fuse, tree_posterior
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.labels import encode, group_numbers, taxonomy_of
from model.evaluation.answers import Seen, TrainingReferences, beliefs
from model.evaluation.calibration import CalibrationChoice
from model.method.network import NetworkOutput
from model.metrics.fewshot import SHOTS, lasting

DRAWS = 5
"""How often other photos are enrolled; the figures are means."""


class AnsweredPhotos(NamedTuple):
    """Photos, and what the network says of them."""

    samples: list[Sample]
    output: NetworkOutput

    def at(self, rows: np.ndarray) -> AnsweredPhotos:
        """Some of them."""
        return AnsweredPhotos([self.samples[i] for i in rows], NetworkOutput(*(column[rows] for column in self.output)))


def enrolled_figures(
    unseen: AnsweredPhotos,
    known: AnsweredPhotos,
    references: TrainingReferences,
    taxonomy: Taxonomy,
    chosen: CalibrationChoice,
) -> dict[str, float]:
    """Shares of photos, for each K of SHOTS; all unseen classes that have enough are enrolled, K photos of each.

    - enrolled_K: of the unseen classes' other photos, of other groups than those enrolled, that get their class.
    - enrolled_K_wrong: that get another class which was enrolled.
    - enrolled_K_taken: of the known photos, that get one of the enrolled classes.
    - *_alone: the same in a gallery without the network's own classes.

    Nothing where no class has enough photos.

    Args:
        unseen: photos of classes that the network was not trained on.
        known: photos of classes that it was trained on, none of them among the references.
        references: the photos that the network was trained on.
    """
    found: dict[str, float] = {}
    fine, groups = encode(unseen.samples, taxonomy_of(unseen.samples)).fine, group_numbers(unseen.samples)
    for shots in SHOTS:
        rows = lasting(fine, groups, shots)
        if not rows:
            continue
        enough = unseen.at(np.sort(np.concatenate(rows)))
        names = (f"enrolled_{shots}", f"enrolled_{shots}_wrong", f"enrolled_{shots}_taken")
        for ending, beside in (("", references), ("_alone", None)):
            shares = [_shares(enough, known, beside, taxonomy, chosen, shots, seed) for seed in range(DRAWS)]
            found |= {name + ending: float(mean) for name, mean in zip(names, np.mean(shares, axis=0), strict=True)}
    return found


def _shares(
    unseen: AnsweredPhotos,
    known: AnsweredPhotos,
    beside: TrainingReferences | None,
    taxonomy: Taxonomy,
    chosen: CalibrationChoice,
    shots: int,
    seed: int,
) -> tuple[float, float, float]:
    """Shares right, wrong and taken, with one draw of photos."""
    own = taxonomy_of(unseen.samples)
    fine, groups = encode(unseen.samples, own).fine, group_numbers(unseen.samples)
    enrolled, asked = _draw(fine, groups, shots, np.random.default_rng(seed))
    whole = taxonomy.extended([(own.coarse[parent], name) for name, parent in zip(own.fine, own.parents, strict=True)])
    number = np.array([whole.fine_index[name] for name in own.fine])
    embeddings, labels = unseen.output.embedding.numpy()[enrolled], number[fine[enrolled]]
    if beside is not None:
        embeddings, labels = np.concatenate([beside.embeddings, embeddings]), np.concatenate([beside.fine, labels])
    gallery = TrainingReferences.of(embeddings, labels, len(whole.fine))
    found, meant = _enrolled_answers(unseen.at(asked), gallery, taxonomy, whole, chosen), number[fine[asked]]
    taken = _enrolled_answers(known, gallery, taxonomy, whole, chosen) >= 0
    return float((found == meant).mean()), float(((found >= 0) & (found != meant)).mean()), float(taken.mean())


def _draw(fine: np.ndarray, groups: np.ndarray, shots: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to enrol, so many of each class, and rows to ask: the classes' photos of other groups."""
    enrolled = np.concatenate(
        [rng.permutation(np.flatnonzero(fine == label))[:shots] for label in range(fine.max() + 1)]
    )
    return enrolled, np.flatnonzero(~np.isin(groups, groups[enrolled]))


def _enrolled_answers(
    photos: AnsweredPhotos, gallery: TrainingReferences, known: Taxonomy, whole: Taxonomy, chosen: CalibrationChoice
) -> np.ndarray:
    """Number in `whole` of the enrolled class that is the answer to each photo, -1 where another one is or none."""
    seen = Seen.by(photos.output, encode(photos.samples, known), gallery, chosen.fusion.neighbours)
    tree = tree_posterior(seen.coarse_logits, seen.fine_logits, known, chosen.calibration)
    familiar = familiarity(seen.fine_logits, None, chosen.familiarity)
    posterior = fuse(tree, seen.scores, familiar, known, whole, chosen.fusion)
    found = beliefs(posterior, seen.likeness, familiar, whole, known)
    answered = found.enrolled & (rule(found, chosen.thresholds).level == LEVELS.index(Level.FINE))
    return np.where(answered, posterior.fine.argmax(axis=1), -1)
