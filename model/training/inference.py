"""Outputs of a trained network for the photos of its run, as the program would make them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.batching.pipeline import PictureForm, PictureStore
from model.contract.config import Config
from model.contract.photo import fit
from model.contract.samples import Sample
from model.data.splits import Split
from model.data.strangers import stranger
from model.method.network import Network, NetworkOutput, Projection
from model.training.optimiser import average_weights
from model.training.run_folder import RunError, RunFolder, Shape, must_have, read_arrays
from model.training.trainer import build_network, infer

STRANGERS = 150
"""Number of pictures without vehicle or vessel for the measurement."""
_BATCH = 64
_PROJECTION: dict[str, Shape] = {"step": (), "centre": ("width",), "axes": ("d", "width")}


def trained_network(run: RunFolder) -> Network:
    """The averaged network of the run's last checkpoint, ready for inference, with its projection. Raises RunError."""
    config, state = run.config(), run.load_checkpoint()
    average = average_weights(build_network(config, run.taxonomy()), config.optimiser.ema)
    try:
        average.load_state_dict(state["average"])
    except RuntimeError as error:
        raise run.damaged_checkpoint(error) from error
    network = average.module
    assert isinstance(network, Network)
    kept = _kept_projection(run, state["step"])
    if kept is not None:
        needed = (config.network.embedding_dim, network.heads.embed.in_features)
        if kept["axes"].shape != needed:
            raise RunError(f"{run.projection}: damaged ('axes' are {kept['axes'].shape}, not {needed}); {_advice(run)}")
        network.heads.projection = Projection(torch.from_numpy(kept["centre"]), torch.from_numpy(kept["axes"]))
        network.heads.landmarks = torch.from_numpy(kept["landmarks"])
    return network.eval()


def has_projection(run: RunFolder, step: int) -> bool:
    """Whether the run has a projection, with landmarks, that was fitted at this step. Raises RunError."""
    return _kept_projection(run, step) is not None


def _kept_projection(run: RunFolder, step: int) -> dict[str, np.ndarray] | None:
    """Raises RunError if the file is damaged."""
    if not run.projection.is_file():
        return None
    kept = read_arrays(run.projection, _PROJECTION, _advice(run))
    if "landmarks" in kept:
        must_have(run.projection, kept, _PROJECTION | {"landmarks": ("marks", "d")}, _advice(run))
    return kept if "landmarks" in kept and int(kept["step"]) == step else None


def _advice(run: RunFolder) -> str:
    """How to replace a damaged projection."""
    return f"delete it; {run.choosing_again}; then evaluate and export the run again"


def part_of(run: RunFolder, split: Split) -> list[Sample]:
    """The photos of one part of the run."""
    samples, splits = run.samples()
    return [sample for sample, part in zip(samples, splits, strict=True) if part is split]


def infer_samples(
    network: Network,
    samples: Sequence[Sample],
    config: Config,
    *,
    exchanged: bool = False,
    mirrored: bool = False,
) -> NetworkOutput:
    """Outputs for photos as the program would make them: full float32, at the finished model's size.

    Args:
        exchanged: whether red and blue of the photos are exchanged.
        mirrored: whether left and right are.

    Raises:
        PhotoError: if a photo cannot be read any more.
    """
    assert config.input.size is not None
    form = PictureForm(config.input.size, config.input.fit, exchanged, mirrored)
    device = _device(config)
    with PictureStore(samples, form, budget=0, workers=config.machine.workers) as store:
        return infer(network.to(device), store, device)


def features_of(network: Network, samples: Sequence[Sample], config: Config) -> Tensor:
    """Pooled features of photos, float32 [N, width] on the CPU, as `infer_samples` otherwise. Raises PhotoError."""
    assert config.input.size is not None
    device = _device(config)
    network = network.to(device).eval()
    form = PictureForm(config.input.size, config.input.fit)
    with PictureStore(samples, form, budget=0, workers=config.machine.workers) as store, torch.inference_mode():
        return torch.cat([network.features(images.to(device)).float().cpu() for images in store.in_order(_BATCH)])


def infer_strangers(network: Network, config: Config, *, first: int, count: int = STRANGERS) -> NetworkOutput:
    """Outputs for drawn pictures without vehicle or vessel, with the seeds from `first` on."""
    size, policy = config.input.size, config.input.fit
    assert size is not None
    device = _device(config)
    parts = []
    with torch.inference_mode():
        for start in range(first, first + count, _BATCH):
            seeds = range(start, min(start + _BATCH, first + count))
            pictures = np.stack([fit(stranger(seed), size, policy) for seed in seeds])
            parts.append(network.to(device)(torch.from_numpy(pictures).permute(0, 3, 1, 2).to(device)))
    return NetworkOutput(*(torch.cat(columns).float().cpu() for columns in zip(*parts, strict=True)))


def _device(config: Config) -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() and config.machine.accelerator != "cpu" else "cpu")
