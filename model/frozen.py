"""Training embedding and heads alone, on features of a backbone that stays as it is: seconds a run instead of minutes.

The features of all photos are computed once and kept in a cache file. Selection, cost, batches and schedule are those
of the whole training; what is missing is augmentation and everything that a moving backbone would do.
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

from model.config import Config
from model.data.pipeline import PictureForm, PictureStore
from model.data.sampler import BatchShape, HierarchicalSampler
from model.data.samples import Sample
from model.files import write_whole
from model.labels import Labels
from model.metrics import mean_of
from model.network import HeadOn, Heads, load_starting_weights
from model.objective import Objective, collapse_signs
from model.taxonomy import Taxonomy
from model.trainer import build_network, learning_rate_share, step_seed

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
    """Changes with anything that the features depend on."""
    network, weights = config.network, config.network.weights
    digest = hashlib.sha256(f"{network.backbone} {config.input.size} {config.input.fit}".encode())
    digest.update(Path(weights).read_bytes() if weights and Path(weights).is_file() else str(weights).encode())
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
    """What one run gave.

    Attributes:
        heads: trained, ready for inference on features of unit length times `scale`.
        collapsed: whether any epoch showed a sign of collapse.
        step_ms: mean milliseconds of a step.
    """

    heads: Heads
    scale: float
    collapsed: bool
    step_ms: float

    def embed(self, features: np.ndarray) -> Tensor:
        """Unit-length embeddings of features of unit length."""
        with torch.inference_mode():
            return self.heads(torch.from_numpy(features) * self.scale).embedding


def train_heads(config: Config, features: np.ndarray, labels: Labels, taxonomy: Taxonomy) -> FrozenRun:
    """Train embedding and heads on the features of the training photos.

    Args:
        features: unit length, float32 [N, width].
        labels: of the same photos.
    """
    settings, machine, network = config.optimiser, config.machine, config.network
    assert settings.epochs is not None
    torch.manual_seed(machine.seed)
    width = features.shape[1]
    scale = width**0.5  # components of about unit size, as the initialisation of a linear layer expects
    heads = Heads(
        width,
        len(taxonomy.coarse),
        len(taxonomy.fine),
        embedding_dim=network.embedding_dim,
        coarse_head_on=HeadOn(network.coarse_head_on),
        fine_head_on=HeadOn(network.fine_head_on),
        tau=network.tau,
    )
    objective = Objective(config.loss, len(taxonomy.fine), network.embedding_dim)
    groups = [{"params": list(heads.parameters()), "height": settings.lr * settings.head_lr_factor}]
    if proxies := list(objective.parameters()):
        groups.append({"params": proxies, "height": settings.lr * settings.proxy_lr_factor})
    optimiser = torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay)
    shape = BatchShape(settings.batch_coarse, settings.batch_fine, settings.batch_images)
    sampler = HierarchicalSampler(labels.coarse, labels.fine, shape, machine.seed)
    inputs = torch.from_numpy(features) * scale
    step, seconds, collapsed = 0, 0.0, False
    for epoch in range(settings.epochs):
        batches = sampler.batches(epoch)
        sums: dict[str, list[float]] = {}
        for i, rows in enumerate(batches):
            start = time.perf_counter()
            for group in optimiser.param_groups:
                group["lr"] = group["height"] * learning_rate_share(
                    (epoch + i / len(batches)) / settings.epochs, settings.warmup
                )
            generator = torch.Generator().manual_seed(step_seed(machine.seed, step))
            coarse, fine = (torch.from_numpy(column) for column in labels.at(rows))
            loss, figures = objective(heads(inputs[rows]), coarse, fine, epoch=epoch, generator=generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            step += 1
            seconds += time.perf_counter() - start
            for name, value in figures.items():
                sums.setdefault(name, []).append(value)
        collapsed |= bool(collapse_signs({name: mean_of(values) for name, values in sums.items()}))
    return FrozenRun(heads.eval(), scale, collapsed, 1000 * seconds / max(step, 1))
