"""How the weights are updated: AdamW with a rate for each depth, its course over the training, the moving average."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from model.contract.config import Config, OptimiserSettings
from model.method.objective import Objective

_Tensors = tuple[Tensor, ...] | list[Tensor]


def average_weights(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of all weights and statistics, with a short memory in the first steps."""

    def mix(averages: _Tensors, currents: _Tensors, count: Tensor | int) -> None:
        memory = min(decay, (1 + int(count)) / (10 + int(count)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, currents, 1 - memory)
        else:  # the batch counters of the normalisation layers
            torch._foreach_copy_(averages, currents)

    return AveragedModel(network, multi_avg_fn=mix, use_buffers=True)


def build_optimiser(network: nn.Module, objective: Objective, config: Config) -> torch.optim.AdamW:
    """AdamW; biases and normalisation do not decay, embedding and heads learn `head_lr_factor` times as fast.

    The parameters of the objective, proxies of which only the direction counts, learn `proxy_lr_factor` times as fast
    and do not decay.
    """
    settings = config.optimiser
    depths = _depths(network)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        depth = depths.get(name)
        factor = settings.head_lr_factor if depth is None else settings.first_lr_factor ** (1 - depth)
        groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    described: list[dict[str, Any]] = [
        {
            "params": parameters,
            "weight_decay": settings.weight_decay if decays else 0.0,
            "height": settings.lr * factor,
        }
        for (factor, decays), parameters in groups.items()
    ]
    return torch.optim.AdamW([*described, *proxy_groups(objective, settings)], lr=settings.lr)


def proxy_groups(objective: Objective, settings: OptimiserSettings) -> list[dict[str, Any]]:
    """The objective's own parameters as a group of the optimiser, if it has any."""
    proxies = list(objective.parameters())
    height = settings.lr * settings.proxy_lr_factor
    return [{"params": proxies, "weight_decay": 0.0, "height": height}] if proxies else []


def set_learning_rates(optimiser: torch.optim.Optimizer, progress: float, warmup: float) -> None:
    """Give each group its learning rate at `progress`; its full rate is its `height`."""
    share = learning_rate_share(progress, warmup)
    for group in optimiser.param_groups:
        group["lr"] = group["height"] * share


def _depths(network: nn.Module) -> dict[str, float]:
    """Parameter of the backbone -> its depth between the first (0) and the last (1), in steps of a tenth.

    torchvision's networks name their parameters in the order in which a picture goes through them.
    """
    names = [name for name, _ in network.named_parameters() if name.startswith("backbone.")]
    return {name: round(place / max(len(names) - 1, 1), 1) for place, name in enumerate(names)}


def learning_rate_share(progress: float, warmup: float) -> float:
    """Share of the full learning rate at `progress` in [0, 1]: a linear rise over `warmup`, then half a cosine to 0."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
