"""Where a network starts: weights of ImageNet, of a file, of a model file, or of an earlier run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import torch
import torchvision
from torch import Tensor, nn

from model.console.console import note
from model.contract.bundle import BundleError
from model.contract.taxonomy import Taxonomy
from model.method.network import BACKBONES, Heads, Network
from model.system.errors import MarqueError
from model.system.wording import first_of
from model.training.model_file_weights import is_model_file, stored_weights, unfolded
from model.training.run_folder import RunFolder
from model.training.tensor_files import not_finite, read_tensors


class WeightsError(MarqueError):
    """Starting weights that cannot be loaded or do not fit; the message lists what does not fit."""


def start_network(network: Network, name: str, taxonomy: Taxonomy, weights: str) -> None:
    """Fill a network before its first step: the backbone and, from a run or a model file, what its heads know.

    The embedding is taken over if it has the same length, and from the heads the classes with the same names.

    Args:
        name: of the backbone.
        taxonomy: of the heads.
        weights: as for `load_starting_weights`, which raises the same.
    """
    load_starting_weights(network.backbone, name, weights)
    if Path(weights).is_dir():
        run = RunFolder.open(Path(weights))
        _take_heads(network.heads, taxonomy, run.taxonomy(), _average_of(run))
    elif is_model_file(weights):
        info, state = stored_weights(Path(weights))
        _take_heads(network.heads, taxonomy, info.taxonomy, state)


@torch.no_grad()
def _take_heads(heads: Heads, taxonomy: Taxonomy, known: Taxonomy, state: Mapping[str, Tensor]) -> None:
    """Args: known, state: taxonomy and weights of the other network."""
    of_classes = {
        "coarse_head": _same(taxonomy.coarse_index, known.coarse_index),
        "fine_head": _same(taxonomy.fine_index, known.fine_index),
    }
    for key, own in heads.named_parameters():
        given = state.get(f"heads.{key}")
        if given is None or given.shape[1:] != own.shape[1:]:
            continue  # an embedding of another length, or a head built on something else
        part = key.partition(".")[0]
        if part in of_classes:
            here, there = of_classes[part]
            if len(given) <= max(there, default=-1):
                raise WeightsError(f"the weights '{key}' are of {len(given)} classes, fewer than their labels")
            own[here] = given[there]
        elif given.shape == own.shape:
            own.copy_(given)


def _same(own: Mapping[str, int], known: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """Places of the common classes, in each."""
    both = [name for name in own if name in known]
    return [own[name] for name in both], [known[name] for name in both]


def _average_of(run: RunFolder) -> dict[str, Tensor]:
    """The averaged network of a run's checkpoint as a state dict."""
    average = run.load_checkpoint()["average"]
    return {key.removeprefix("module."): value for key, value in average.items() if key.startswith("module.")}


def load_starting_weights(backbone: nn.Module, name: str, weights: str) -> None:
    """Fill a backbone with `imagenet` (torchvision's own), `none` (as initialised), those of a file, or a run's.

    A file is a model file (`.onnx`), `.safetensors`, or anything that `torch.load(weights_only=True)` takes; a
    classifier in the last two is ignored.

    Raises:
        WeightsError: if the weights cannot be downloaded or read, or names or shapes do not fit.
        RunError: if it is a folder without a run, or one without a checkpoint.
    """
    if weights == "none":
        return
    if weights == "imagenet":
        state = _imagenet_state(name)
    elif Path(weights).is_dir():
        state = _state_of_run(RunFolder.open(Path(weights)), name)
    elif is_model_file(weights):
        state = _state_of_model_file(Path(weights), name, backbone)
    else:
        state = _state_of_file(Path(weights))
    # the files of torchvision's first DenseNets say "norm.1" for the network's "norm1"
    state = {re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", key): value for key, value in state.items()}
    head = BACKBONES[name][0] + "."
    state = {key: value for key, value in state.items() if not key.startswith(head) or key in backbone.state_dict()}
    wanted = backbone.state_dict()
    optional = ("num_batches_tracked",)
    wrong = [
        f"missing: {key}"
        for key in wanted
        if key not in state and not key.endswith(optional) and not key.startswith(head)
    ]
    wrong += [f"not in {name}: {key}" for key in state if key not in wanted and not key.endswith(optional)]
    wrong += [
        f"shape of {key}: {tuple(state[key].shape)} in the file, {tuple(wanted[key].shape)} in {name}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    if wrong:
        lines = [f"  {line}" for line in first_of(wrong, 10)]
        raise WeightsError(f"{weights}: these weights do not fit {name}:", lines=lines)
    backbone.load_state_dict({key: state[key].to(wanted[key].dtype) for key in wanted if key in state}, strict=False)


def _imagenet_state(name: str) -> dict[str, Tensor]:
    weights = torchvision.models.get_model_weights(name)["DEFAULT"]
    _announce(name, weights)
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"torchvision's ImageNet weights for {name} could not be downloaded ({error}). "
            "Give a file with --weights FILE, or start from nothing with --weights none"
        ) from error


def _announce(name: str, weights: torchvision.models.WeightsEnum) -> None:
    """Say what is downloaded from where, unless it was downloaded before: the trainer never goes online otherwise."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    address = urlsplit(weights.url)
    if not (folder / Path(address.path).name).exists():
        size = f"{weights.meta['_file_size']:.0f} MB"
        note(
            f"downloading ImageNet's weights of {name} from {address.hostname} ({size}) to {folder}; "
            "--weights none, or a file, avoids it"
        )


def _state_of_run(run: RunFolder, name: str) -> dict[str, Tensor]:
    if run.config().network.backbone != name:
        raise WeightsError(f"{run.folder}: that run is of a {run.config().network.backbone}, not of a {name}")
    state = _average_of(run)
    return {key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.")}


def _state_of_model_file(path: Path, name: str, backbone: nn.Module) -> dict[str, Tensor]:
    try:
        info, weights = stored_weights(path)
    except BundleError as error:
        raise WeightsError.like(error) from error
    bad = not_finite(weights)
    if bad:
        raise WeightsError(f"{path}: '{bad}' holds values that are not numbers; the file is damaged")
    own = info.training.get("backbone")
    if own != name:
        raise WeightsError(f"{path}: that identification model is of a {own}, not of a {name}")
    part = "backbone."
    return unfolded({key.removeprefix(part): value for key, value in weights.items() if key.startswith(part)}, backbone)


def _state_of_file(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; --weights takes imagenet, none, a file or the folder of a run")
    try:
        state = read_tensors(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read as weights ({error.strerror})") from error
    except ValueError as error:
        raise WeightsError(f"{path}: cannot be read as weights ({error})") from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise WeightsError(f"{path}: holds no state dict (a mapping from names to tensors)")
    bad = not_finite(state)
    if bad:
        raise WeightsError(f"{path}: '{bad}' holds values that are not numbers; the file is damaged")
    return state
