"""Training embedding and heads alone, on features of a backbone that stays as it is: seconds a run instead of minutes.

The features of all photos are computed once and kept in a cache file. Selection, cost, batches and schedule are those
of the whole training; what is missing is augmentation and everything that training the backbone would do.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from model.batching.batch_choice import build_sampler
from model.batching.pipeline import PictureForm, PictureStore
from model.contract.config import Config
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.data.labels import EncodedLabels, attribute_scales
from model.method.network import Heads, NetworkOutput
from model.method.objective import Objective
from model.metrics.classification import mean_of
from model.metrics.retrieval import recall_1
from model.system.files import write_whole
from model.training.optimiser import proxy_groups, set_learning_rates
from model.training.run_folder import RunFolder
from model.training.starting_weights import load_starting_weights
from model.training.trainer import build_network, head_settings, step_seed

_BATCH = 32


def cached_features(samples: Sequence[Sample], config: Config, folder: Path) -> Path:
    """A .npy file of the photos' pooled features, of unit length, float32 [N, width].

    It is computed once for the same photos, backbone, weights and size.

    Raises:
        WeightsError, PhotoError: if the weights do not fit or a photo cannot be read.
        OSError: if the cache cannot be written.
    """
    path = folder / f"features-{_key(samples, config)}.npy"
    if not path.is_file():
        features = _features(samples, config)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda file: np.save(file, features))
    return path


def _key(samples: Sequence[Sample], config: Config) -> str:
    """A key that changes with anything that the features depend on."""
    network, weights = config.network, config.network.weights
    digest = hashlib.sha256(f"{network.backbone} {config.input.size} {config.input.fit}".encode())
    place = Path(weights or "")
    file = RunFolder(place).checkpoint if place.is_dir() else place
    digest.update(file.read_bytes() if file.is_file() else str(weights).encode())
    for sample in samples:
        state = sample.path.stat()
        digest.update(f"{sample.path} {sample.box} {state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _features(samples: Sequence[Sample], config: Config) -> np.ndarray:
    assert config.network.backbone is not None and config.network.weights is not None and config.input.size is not None
    network = build_network(config, Taxonomy(coarse=("any",), fine=(), parents=()))
    load_starting_weights(network.backbone, config.network.backbone, config.network.weights)
    device = torch.device("cuda" if torch.cuda.is_available() and config.machine.accelerator != "cpu" else "cpu")
    network.to(device).eval()
    form = PictureForm(config.input.size, config.input.fit)
    with PictureStore(samples, form, budget=0, workers=config.machine.workers) as store, torch.inference_mode():
        parts = [
            F.normalize(network.features(images.to(device)).float(), dim=1).cpu() for images in store.in_order(_BATCH)
        ]
    return torch.cat(parts).numpy()


@dataclass(frozen=True)
class FrozenRun:
    """The results of one run.

    Attributes:
        heads: trained.
        mean, deviation: of the training features, [width]; the heads take standardised features.
        epochs: for each epoch the means of its steps' figures, and `recall_1` of the watched photos.
    """

    heads: Heads
    mean: np.ndarray
    deviation: np.ndarray
    epochs: list[dict[str, float]]

    def infer(self, features: np.ndarray) -> NetworkOutput:
        """Outputs for features of unit length, [N, width]."""
        with torch.inference_mode():
            return self.heads(_standardised(features, self.mean, self.deviation))


def train_heads(
    config: Config,
    features: np.ndarray,
    labels: EncodedLabels,
    taxonomy: Taxonomy,
    watched: tuple[np.ndarray, EncodedLabels],
) -> FrozenRun:
    """Train embedding and heads on the features of the training photos.

    The features are standardised first: a frozen backbone cannot remove their large common mean, which disturbs a
    linear layer.

    Args:
        features: unit length, float32 [N, width].
        labels: of the same photos.
        watched: features and labels, of any taxonomy, of the photos whose R@1 is followed.
    """
    machine = config.machine
    torch.manual_seed(machine.seed)
    heads = Heads(features.shape[1], len(taxonomy.coarse), len(taxonomy.fine), **head_settings(config))
    scales = attribute_scales(labels, config.loss.label_attributes)
    objective = Objective(config.loss, taxonomy.parents, config.network.embedding_dim, scales)
    optimiser = _optimiser(heads, objective, config)
    sampler = build_sampler(labels, len(taxonomy.fine), scales, config)
    run = FrozenRun(heads, features.mean(axis=0), features.std(axis=0) + 1e-6, [])
    inputs = _standardised(features, run.mean, run.deviation)
    step = 0
    assert config.optimiser.epochs is not None
    for epoch in range(config.optimiser.epochs):
        batches = sampler.batches(epoch)
        sums: dict[str, list[float]] = {}
        heads.train()
        for i, rows in enumerate(batches):
            start = time.perf_counter()
            share = (epoch + i / len(batches)) / config.optimiser.epochs
            set_learning_rates(optimiser, share, config.optimiser.warmup)
            generator = torch.Generator().manual_seed(step_seed(machine.seed, step))
            output = heads(inputs[rows])
            loss, figures = objective(output, labels.at(rows), epoch=epoch, generator=generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            sampler.learn(output.embedding.detach().numpy(), labels.fine[rows])
            step += 1
            figures["step_ms"] = 1000 * (time.perf_counter() - start)
            for name, value in figures.items():
                sums.setdefault(name, []).append(value)
        sampler.end_epoch()
        heads.eval()
        reached = _recall_1(run, *watched, unit=config.loss.unit_length)
        run.epochs.append({**{name: mean_of(values) for name, values in sums.items()}, "recall_1": reached})
    return run


def _recall_1(run: FrozenRun, features: np.ndarray, labels: EncodedLabels, *, unit: bool) -> float:
    """R@1 of photos by their classes, with embeddings of unit length or as they are."""
    output, fine = run.infer(features), torch.from_numpy(labels.fine)
    return recall_1(output.embedding if unit else output.raw, fine, torch.arange(len(fine)), euclidean=not unit)


def _standardised(features: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> Tensor:
    """Standardised by column, then scaled to one length: that of a row of as many standard normal numbers."""
    z = torch.from_numpy((features - mean) / deviation)
    return F.normalize(z, dim=1) * z.shape[1] ** 0.5


def _optimiser(heads: Heads, objective: Objective, config: Config) -> torch.optim.AdamW:
    settings = config.optimiser
    group = {
        "params": list(heads.parameters()),
        "weight_decay": settings.weight_decay,
        "height": settings.lr * settings.head_lr_factor,
    }
    return torch.optim.AdamW([group, *proxy_groups(objective, settings)], lr=settings.lr)
