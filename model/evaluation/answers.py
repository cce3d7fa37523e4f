"""The answers that the program would give to the photos of a run, with the run's training photos as its gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from model.contract.bundle import Calibration, Familiarity, Fusion
from model.contract.decision import CLASSES_KEPT, Beliefs
from model.contract.openset import familiarity
from model.contract.posterior import Posterior, class_scores, fuse, tree_posterior
from model.contract.taxonomy import NO_FINE, Taxonomy
from model.data.labels import EncodedLabels, encode
from model.data.splits import Split
from model.method.network import Network, NetworkOutput
from model.system.files import write_whole
from model.training.inference import infer_samples, part_of
from model.training.run_folder import RunError, RunFolder, read_arrays

_ADVICE = "delete it; it is made again when it is needed"
_BLOCK = 1024  # photos whose similarities to all references are in memory at once


@dataclass(frozen=True)
class TrainingReferences:
    """The training photos as a gallery.

    Attributes:
        embeddings: float32 [M, d], unit length.
        fine: class of each [M], negative where unknown.
        centres: float32 [n_fine, d], unit length; zero for a class without photos.
    """

    embeddings: np.ndarray
    fine: np.ndarray
    centres: np.ndarray

    @classmethod
    def of(cls, embeddings: np.ndarray, fine: np.ndarray, n_fine: int) -> Self:
        """A gallery of M photos."""
        centres = np.zeros((n_fine, embeddings.shape[1]), np.float32)
        np.add.at(centres, fine[fine >= 0], embeddings[fine >= 0])
        lengths = np.linalg.norm(centres, axis=1, keepdims=True)
        return cls(embeddings, fine, centres / np.maximum(lengths, np.finfo(np.float32).tiny))

    def nearest(self, embeddings: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Cosines to the k nearest references and their classes, [N, k] each, most similar first."""
        k = min(k, len(self.embeddings))
        similarities, classes = [], []
        for start in range(0, len(embeddings), _BLOCK):
            block = embeddings[start : start + _BLOCK] @ self.embeddings.T
            nearest = np.argsort(-block, axis=1, kind="stable")[:, :k]
            similarities.append(np.take_along_axis(block, nearest, axis=1))
            classes.append(self.fine[nearest])
        if not similarities:
            return np.zeros((0, k), np.float32), np.full((0, k), NO_FINE)
        return np.concatenate(similarities), np.concatenate(classes)


def references_of(run: RunFolder, network: Network) -> TrainingReferences:
    """The training photos of a run; their embeddings are kept in the run folder. Raises PhotoError, RunError."""
    samples, taxonomy = part_of(run, Split.TRAIN), run.taxonomy()
    step = run.load_checkpoint()["step"]
    kept = _kept_references(run)
    if kept is not None and int(kept["step"]) == step:
        embeddings = kept["embeddings"]
        needed = (len(samples), run.config().network.embedding_dim)
        if embeddings.shape != needed:
            raise RunError(f"{run.references}: damaged (embeddings {embeddings.shape}, not {needed}); {_ADVICE}")
    else:
        embeddings = infer_samples(network, samples, run.config()).embedding.numpy()
        keep_references(run, step, embeddings)
    return TrainingReferences.of(embeddings, encode(samples, taxonomy).fine, len(taxonomy.fine))


def _kept_references(run: RunFolder) -> dict[str, np.ndarray] | None:
    if not run.references.is_file():
        return None
    return read_arrays(run.references, {"step": (), "embeddings": ("photos", "d")}, _ADVICE)


def keep_references(run: RunFolder, step: int, embeddings: np.ndarray) -> None:
    """Write the embeddings of the training photos into the run folder, as they are at this step."""
    write_whole(run.references, lambda file: np.savez(file, step=step, embeddings=embeddings))


@dataclass(frozen=True)
class Seen:
    """What network and gallery say of N photos, before any weighing.

    Attributes:
        coarse_logits, fine_logits: float32 [N, n_coarse], [N, n_fine].
        likeness: to what the network was trained on [N].
        closest: cosine to the nearest reference [N].
        scores: `class_scores` [N, n_fine].
        labels: of the photos.
    """

    coarse_logits: np.ndarray
    fine_logits: np.ndarray
    likeness: np.ndarray
    closest: np.ndarray
    scores: np.ndarray
    labels: EncodedLabels

    @classmethod
    def by(cls, output: NetworkOutput, labels: EncodedLabels, references: TrainingReferences, neighbours: int) -> Self:
        """The same for photos whose outputs are known."""
        embeddings = output.embedding.numpy()
        similarities, classes = references.nearest(embeddings, neighbours)
        centres = embeddings @ references.centres.T
        centres[:, ~references.centres.any(axis=1)] = -np.inf
        return cls(
            output.coarse_logits.numpy(),
            output.fine_logits.numpy(),
            output.likeness.numpy(),
            similarities[:, 0],
            class_scores(similarities, classes, centres),
            labels,
        )

    def at(self, rows: np.ndarray) -> Seen:
        """The same for some of the photos."""
        return Seen(
            self.coarse_logits[rows],
            self.fine_logits[rows],
            self.likeness[rows],
            self.closest[rows],
            self.scores[rows],
            self.labels.at(rows),
        )

    def posterior(self, taxonomy: Taxonomy, calibration: Calibration, fusion: Fusion) -> Posterior:
        """Probabilities as the program shows them."""
        tree = tree_posterior(self.coarse_logits, self.fine_logits, taxonomy, calibration)
        return fuse(tree, self.scores, np.zeros(len(self.closest)), taxonomy, taxonomy, fusion)

    def familiarity(self, scale: Familiarity) -> np.ndarray:
        """`openset.familiarity` [N]."""
        return familiarity(self.fine_logits, self.closest, scale)


def beliefs(
    posterior: Posterior, likeness: np.ndarray, familiar: np.ndarray, whole: Taxonomy, known: Taxonomy
) -> Beliefs:
    """What the program's answers to N subjects rest on.

    Args:
        posterior: over the classes of `whole`.
        likeness, familiar: `Beliefs.likeness` and `Beliefs.familiarity` [N].
        whole: the network's taxonomy with the gallery's own types and classes after it (`Taxonomy.extended`).
        known: the network's.
    """
    count, kind = len(posterior.coarse), posterior.coarse.argmax(axis=1)
    best = posterior.fine.argmax(axis=1) if whole.fine else np.full(count, NO_FINE)
    enrolled = best >= len(known.fine)
    return Beliefs(
        type_probability=posterior.coarse.max(axis=1),
        fine_probability=posterior.fine.max(axis=1, initial=0),
        guessed=best != NO_FINE,
        has_classes=np.isin(kind, whole.parent_array),
        enrolled=enrolled,
        carried=_carried(posterior, enrolled, whole, known),
        likeness=likeness,
        familiarity=familiar,
    )


def _carried(posterior: Posterior, enrolled: np.ndarray, whole: Taxonomy, known: Taxonomy) -> np.ndarray:
    """`Beliefs.carried` [N], by the classes that the program keeps of a photo."""
    carried, rows = np.zeros(len(enrolled), bool), np.flatnonzero(enrolled)
    if not len(rows):
        return carried
    coarse, fine = posterior.coarse[rows], posterior.fine[rows]
    kept = np.argsort(-fine, axis=1, kind="stable")[:, :CLASSES_KEPT]
    of_best_type = whole.parent_array[kept] == coarse.argmax(axis=1)[:, None]
    share = np.where(of_best_type & (kept >= len(known.fine)), np.take_along_axis(fine, kept, axis=1), 0).sum(axis=1)
    carried[rows] = of_best_type[:, 0] & (2 * share >= coarse.max(axis=1))
    return carried
