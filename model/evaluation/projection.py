"""What photos are compared by after a training: the pooled feature, whitened, instead of the trained embedding.

The heads draw the photos of a class together, and with them everything that they do not need to separate the classes of
the training; but that is what a new class is recognised by. So the embedding that a gallery keeps is made of the
pooled feature beneath it: its square root, which keeps a few strong channels from deciding alone (Perronnin, Sanchez
and Mensink, ECCV 2010), divided by the scatter within the classes (Hatch, Kajarekar and Stolcke, "Within-class
covariance normalization", Interspeech 2006), on its main axes (as in Jegou and Chum, ECCV 2012), at unit length. One
matrix, fitted to the training photos; model/README.md says what it gains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf_shrinkage

from model.contract.samples import DataError
from model.data.labels import encode
from model.data.splits import Split
from model.evaluation.answers import keep_references
from model.evaluation.landmarks import landmarks
from model.method.network import Projection, signed_root
from model.system.files import write_whole
from model.training.inference import features_of, has_projection, part_of, trained_network
from model.training.run_folder import RunFolder

SHRINKAGE = 0.3
"""How far the scatter within the classes is drawn to that of a sphere, at least. Of 0.1, 0.3 and 0.5 this did well both
with classes of the training and with others; it was chosen on the photos of the unseen classes in model/README.md."""
_FLAT = 1e-6
"""Axes with a smaller share of the largest one's variance carry nothing: there are fewer photos than axes. A smaller
share of all variance is not scatter: the same photos occur twice."""
_SAME = 1e-4
"""Features nearer to each other than this share of the largest one are the same: rounding on the way through a network
in float32 makes about 1e-6 of it. (After an epoch with the photos of the tests ResNet-18 has 0.8, MobileNetV3, which
starts from random weights, 2e-6.)"""


def fit(features: np.ndarray, levels: Sequence[np.ndarray], dim: int) -> Projection:
    """The projection that the photos of a training ask for.

    Args:
        features: pooled, float32 [N, width].
        levels: class of each photo [N], negative where unknown, finest level first; the first level that has a class of
            two different photos counts, and photos without a class at it count for the axes alone. If no level has one,
            all photos count as one class.
        dim: length of the result; if there are fewer axes, the rest is zero.

    Raises:
        DataError: if all features are the same.
    """
    if np.ptp(features, axis=0).max() <= _SAME * np.abs(features).max():
        raise DataError(
            f"the network sees no difference between the {len(features)} training photos, so they cannot be compared; "
            "train it for more epochs, or again with a smaller --lr"
        )
    roots = signed_root(torch.from_numpy(features)).double().numpy()
    centre = roots.mean(axis=0)
    roots -= centre
    whitening = _inverse_root(_shrunk_covariance(_within_classes(roots, levels)))
    values, axes = np.linalg.eigh(np.atleast_2d(np.cov((roots @ whitening).T)))
    largest = np.argsort(-values)[:dim]
    kept = largest[values[largest] > _FLAT * values.max()]
    matrix = np.zeros((dim, features.shape[1]))
    matrix[: len(kept)] = (whitening @ axes[:, kept]).T
    return Projection(torch.from_numpy(centre).float(), torch.from_numpy(matrix).float())


def _within_classes(roots: np.ndarray, levels: Sequence[np.ndarray]) -> np.ndarray:
    """Photos about the centres of their classes, [n, width]; a photo alone in its class says nothing of the scatter."""
    for labels in levels:
        _, places, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        counted = (labels >= 0) & (sizes[places] > 1)
        centres = np.zeros((len(sizes), roots.shape[1]))
        np.add.at(centres, places, roots)
        inside = (roots - (centres / sizes[:, None])[places])[counted]
        if (inside**2).sum() > _FLAT * (roots[counted] ** 2).sum():
            return inside
    return roots


def _shrunk_covariance(inside: np.ndarray) -> np.ndarray:
    """Covariance about zero, shrunk to a sphere."""
    # few photos say little about their scatter (Ledoit and Wolf, 2004)
    shrinkage = max(SHRINKAGE, float(ledoit_wolf_shrinkage(inside, assume_centered=True)))
    covariance = inside.T @ inside / len(inside)
    mean = float(np.trace(covariance)) / len(covariance)
    return (1 - shrinkage) * covariance + shrinkage * mean * np.eye(len(covariance))


def _inverse_root(covariance: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(covariance)
    return axes / np.sqrt(values) @ axes.T


def project(run: RunFolder) -> None:
    """Fit the projection of a trained run and keep it, with landmarks and references as they are seen through it.

    Nothing is done if the run has it already, or uses the trained embedding.

    Raises:
        RunError, PhotoError: if the run has no checkpoint, or a photo cannot be read any more.
        DataError: if the network sees no differences between the training photos.
    """
    config, step = run.config(), run.load_checkpoint()["step"]
    if config.network.compared_by == "trained" or has_projection(run, step):
        return
    network, samples = trained_network(run), part_of(run, Split.TRAIN)
    features = features_of(network, samples, config)
    labels = encode(samples, run.taxonomy())
    projection = fit(features.numpy(), (labels.fine, labels.coarse), config.network.embedding_dim)
    run.references.unlink(missing_ok=True)  # those of the trained embedding
    with torch.inference_mode():
        embeddings = projection(features).numpy()
    marks = landmarks(embeddings, np.stack([labels.coarse, labels.fine], axis=1))
    centre, axes = projection.centre.numpy(), projection.axes.numpy()
    write_whole(run.projection, lambda file: np.savez(file, step=step, centre=centre, axes=axes, landmarks=marks))
    keep_references(run, step, embeddings)
