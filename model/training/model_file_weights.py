"""From a model file back to a network that can be trained on.

The exporter folds a batch normalisation into the convolution before it. It comes back as one that adds what the folded
convolution adds. This gives the same answers, but it is not a start for a training, which divides by the scatter of
each batch.
`settle` gives it the statistics of real pictures, and weights that undo them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from model.contract import bundle
from model.contract.bundle import BundleError, BundleInfo, Variant

_NETWORK = "network."  # the network's name in the exported module
_HALF, _FOLDED = ".half", ".weight_bias"  # how the file calls weights in half precision, and what a convolution adds


def is_model_file(weights: str) -> bool:
    """Whether starting weights are a model file, by their name."""
    return Path(weights).suffix == ".onnx"


def stored_weights(path: Path) -> tuple[BundleInfo, dict[str, Tensor]]:
    """Metadata of a model file, and its weights by their names in the network, float32.

    Raises:
        BundleError: as `bundle.read`, and for a variant, whose weights are rounded.
    """
    info, model = bundle.read(path)
    try:
        return info, _stored(path, info, model)
    except (KeyError, IndexError, ValueError, TypeError) as error:  # from tensors that are not what they claim
        raise BundleError(f"{path}: the weights cannot be read ({error})") from error


def _stored(path: Path, info: BundleInfo, model: onnx.ModelProto) -> dict[str, Tensor]:
    if info.variant is not Variant.FP32:
        raise BundleError(f"{path}: weights of the variant {info.variant} cannot be trained on; take the full file")
    stored = {tensor.name.removesuffix(_HALF): numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = {
        name.removeprefix(_NETWORK): torch.from_numpy(array.astype(np.float32))
        for name, array in stored.items()
        if name.startswith(_NETWORK)
    }
    makers = {node.output[0]: node for node in model.graph.node}
    for level in ("coarse", "fine"):
        key = f"heads.{level}_head.weight"
        if key not in weights:
            weights[key] = torch.from_numpy(_small_head(makers, stored, f"{level}_logits").astype(np.float32).T)
    return weights


def _small_head(makers: Mapping[str, onnx.NodeProto], stored: Mapping[str, np.ndarray], logits: str) -> np.ndarray:
    """The directions of a cosine head, which the exporter precomputes if there are few: [d, classes]."""
    divided = makers[logits]
    return stored[makers[divided.input[0]].input[1]]


@torch.no_grad()
def unfolded(weights: Mapping[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """The weights of a backbone with a batch normalisation in place of each folded one.

    Args:
        weights: by their names in the backbone, those of a model file.
        backbone: of the same kind; not changed.
    """
    found, norms = dict(weights), _batch_norms(backbone)
    for convolution, norm in _normalised(backbone).items():
        shift = found.pop(f"{convolution}{_FOLDED}", None)
        if shift is not None:
            found[f"{norm}.weight"] = torch.ones_like(shift)
            found[f"{norm}.bias"] = shift
            found[f"{norm}.running_mean"] = torch.zeros_like(shift)
            found[f"{norm}.running_var"] = torch.full_like(shift, 1 - norms[norm].eps)
    return found


def _batch_norms(network: nn.Module) -> dict[str, nn.BatchNorm2d]:
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}


def _normalised(backbone: nn.Module) -> dict[str, str]:
    """Convolution -> the batch normalisation that takes its output; seen by calling the backbone once."""
    made: list[tuple[Tensor, str]] = []
    pairs: dict[str, str] = {}

    def note_output(name: str, _module: nn.Module, _taken: object, output: Tensor) -> None:
        made.append((output, name))

    def note_input(name: str, _module: nn.Module, taken: tuple[Tensor]) -> None:
        pairs.update({convolution: name for output, convolution in made if output is taken[0]})

    hooks = [
        module.register_forward_hook(partial(note_output, name))
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Conv2d)
    ] + [module.register_forward_pre_hook(partial(note_input, name)) for name, module in _batch_norms(backbone).items()]
    was_training = backbone.training
    backbone.eval()(torch.zeros(1, 3, 64, 64, device=next(backbone.parameters()).device))
    backbone.train(was_training)
    for hook in hooks:
        hook.remove()
    return pairs


@torch.no_grad()
def settle(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give normalisations that only add something the statistics of pictures, and weights that undo these.

    The network answers as before; in a training, batches are now divided by about what they are multiplied with.

    Args:
        network: takes the batches; normalisations with other statistics stay as they are.
        batches: pictures like those of the training.
    """
    only_adding = [
        norm
        for norm in _batch_norms(network).values()
        if norm.running_mean is not None and not norm.running_mean.any() and bool((norm.weight == 1).all())
    ]
    seen: dict[nn.Module, list[tuple[int, Tensor, Tensor]]] = {norm: [] for norm in only_adding}

    def note(module: nn.Module, taken: tuple[Tensor]) -> None:
        values = taken[0].double()
        seen[module].append((values[:, 0].numel(), values.sum((0, 2, 3)), values.square().sum((0, 2, 3))))

    hooks = [norm.register_forward_pre_hook(note) for norm in only_adding]
    was_training = network.training
    network.eval()
    for batch in batches:
        network(batch)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    for norm in only_adding:
        counts, sums, squares = zip(*seen[norm], strict=True)
        mean = sum(sums) / sum(counts)
        variance = (sum(squares) / sum(counts) - mean.square()).clamp(min=0)
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.bias.add_(mean)
        norm.weight.copy_((variance + norm.eps).sqrt())
