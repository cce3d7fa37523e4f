"""The evidence for the labels of a photo: the heads' probabilities, the reference photos, and how familiar it looks.

It is all that a decision rests on, and small enough to be kept for every photo of a project, so new thresholds need no
new inference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import starmap
from typing import Self

import numpy as np
from pydantic import AliasChoices, BaseModel, Field, FiniteFloat, TypeAdapter

from app.core.gallery.gallery import Neighbour, Reference
from app.core.recognition.engine import EngineOutputs
from model.contract.bundle import BundleInfo
from model.contract.decision import CLASSES_KEPT
from model.contract.openset import familiarity
from model.contract.posterior import Posterior, class_scores, fuse, tree_posterior
from model.contract.taxonomy import NO_FINE, Taxonomy

NEIGHBOURS_KEPT = 5
"""How many of the nearest reference photos are kept, shown and counted."""
_TYPES_KEPT = 3
_LEAST = 5e-4


class _Stored(BaseModel):
    """The evidence of a photo as a project keeps it."""

    types: list[tuple[str, FiniteFloat, bool]]
    classes: list[tuple[str, str, FiniteFloat, bool]]
    likeness: float = Field(validation_alias=AliasChoices("likeness", "energy"))  # its earlier name
    familiarity: float
    neighbours: list[tuple[int, str, str | None, str, str, FiniteFloat]]


_STORED = TypeAdapter(_Stored)


@dataclass(frozen=True)
class TypeCandidate:
    """A type, its calibrated probability, and whether any fine class of it is known."""

    name: str
    probability: float
    has_classes: bool


@dataclass(frozen=True)
class ClassCandidate:
    """A fine class, its type, its calibrated probability.

    `enrolled`: only the gallery knows it; the network was not trained on it.
    """

    name: str
    coarse: str
    probability: float
    enrolled: bool


@dataclass(frozen=True)
class Evidence:
    """The evidence of one photo.

    Attributes:
        types: all types, most probable first.
        classes: the most probable fine classes, at most CLASSES_KEPT, most probable first.
        likeness: to anything that the model was trained on (`model.contract.bundle.LIKENESS`).
        familiarity: with the known classes, in standard deviations (model/contract/openset.py).
        neighbours: nearest reference photos, at most NEIGHBOURS_KEPT, most similar first.
    """

    types: tuple[TypeCandidate, ...]
    classes: tuple[ClassCandidate, ...]
    likeness: float
    familiarity: float
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def carried(self) -> bool:
        """Whether only the gallery knows the best guess, and whether it knows most of the best type."""
        if not self.classes or not self.classes[0].enrolled or self.classes[0].coarse != self.types[0].name:
            return False
        best = self.types[0]
        share = sum(one.probability for one in self.classes if one.enrolled and one.coarse == best.name)
        return 2 * share >= best.probability

    def to_json(self) -> str:
        """One line that `from_json` reads; probabilities with six decimals, types below 0.05 % left out."""
        types = [one for rank, one in enumerate(self.types) if rank < _TYPES_KEPT or one.probability >= _LEAST]
        return json.dumps(
            {
                "types": [[one.name, round(one.probability, 6), one.has_classes] for one in types],
                "classes": [[one.name, one.coarse, round(one.probability, 6), one.enrolled] for one in self.classes],
                "likeness": round(self.likeness, 6),
                "familiarity": round(self.familiarity, 6),
                "neighbours": [[*astuple(near.reference), round(near.similarity, 6)] for near in self.neighbours],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        values = _STORED.validate_json(text)
        return cls(
            tuple(starmap(TypeCandidate, values.types)),
            tuple(starmap(ClassCandidate, values.classes)),
            values.likeness,
            values.familiarity,
            tuple(
                Neighbour(Reference(number, coarse, fine, source, path), similarity)
                for number, coarse, fine, source, path, similarity in values.neighbours
            ),
        )


def weigh(
    outputs: EngineOutputs,
    found: Sequence[Sequence[Neighbour]],
    info: BundleInfo,
    gallery: tuple[Taxonomy, np.ndarray] | None = None,
) -> list[Evidence]:
    """The evidence of N photos.

    Args:
        outputs: of the network.
        found: for each photo its nearest references, most similar first; empty lists without a gallery.
        info: of the identification model.
        gallery: the model's taxonomy with the gallery's own classes after it, and the cosine of the photos to the
            centres of its fine classes [N, n_fine]; None without a gallery.
    """
    taxonomy = info.taxonomy
    posterior = tree_posterior(outputs.coarse_logits, outputs.fine_logits, taxonomy, info.calibration)
    closest = None
    if gallery is not None and any(found):
        by_logit = familiarity(outputs.fine_logits, None, info.familiarity)
        posterior = _with_references(posterior, found, by_logit, info, *gallery)
        closest = _closest(posterior, found, len(taxonomy.fine), gallery[1])
    scores = familiarity(outputs.fine_logits, closest, info.familiarity)
    known = len(taxonomy.fine)
    names = taxonomy if gallery is None else gallery[0]
    return [
        Evidence(
            types=_types(coarse, names),
            classes=_classes(fine, names, known),
            likeness=float(likeness),
            familiarity=float(score),
            neighbours=tuple(near[:NEIGHBOURS_KEPT]),
        )
        for coarse, fine, likeness, score, near in zip(*posterior, outputs.likeness, scores, found, strict=True)
    ]


def _with_references(
    tree: Posterior,
    found: Sequence[Sequence[Neighbour]],
    familiar: np.ndarray,
    info: BundleInfo,
    whole: Taxonomy,
    centres: np.ndarray,
) -> Posterior:
    asked = min(info.fusion.neighbours, max(map(len, found)))
    similarities = np.full((len(found), asked), -1.0)
    classes = np.full((len(found), asked), NO_FINE)
    for row, near in enumerate(found):
        for column, neighbour in enumerate(near[:asked]):
            similarities[row, column] = neighbour.similarity
            classes[row, column] = whole.fine_index.get(neighbour.reference.fine or "", NO_FINE)
    scores = class_scores(similarities, classes, centres)
    return fuse(tree, scores, familiar, info.taxonomy, whole, info.fusion)


def _closest(posterior: Posterior, found: Sequence[Sequence[Neighbour]], known: int, centres: np.ndarray) -> np.ndarray:
    """Cosine to the nearest reference [N]; NaN if the best of the network's classes has no references.

    Without pictures to compare with, a photo cannot be far from a class.
    """
    closest = np.array([near[0].similarity if near else np.nan for near in found])
    if not known:
        return np.full(len(found), np.nan)
    best = posterior.fine[:, :known].argmax(axis=1)
    return np.where(np.isfinite(centres[np.arange(len(found)), best]), closest, np.nan)


def _types(probabilities: np.ndarray, taxonomy: Taxonomy) -> tuple[TypeCandidate, ...]:
    with_classes = set(taxonomy.parents)
    return tuple(
        TypeCandidate(taxonomy.coarse[i], float(probabilities[i]), i in with_classes)
        for i in np.argsort(-probabilities, kind="stable").tolist()
    )


def _classes(probabilities: np.ndarray, taxonomy: Taxonomy, known: int) -> tuple[ClassCandidate, ...]:
    return tuple(
        ClassCandidate(
            taxonomy.fine[i], taxonomy.coarse[taxonomy.parents[i]], float(probabilities[i]), enrolled=i >= known
        )
        for i in np.argsort(-probabilities, kind="stable")[:CLASSES_KEPT].tolist()
    )
