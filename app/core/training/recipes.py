"""Three recipes for a training, words for the settings worth changing, and the approximate time of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.core.training.paces import CPU
from model.contract.choices import Backbone
from model.contract.commands import PaceReport
from model.contract.config import Config, InputSettings, NetworkSettings, OptimiserSettings

BACKBONES: dict[Backbone, str] = {
    "mobilenet_v3_small": "smallest",
    "mobilenet_v2": "small, fast on every computer",
    "mobilenet_v3_large": "small",
    "resnet18": "plain",
    "resnet50": "larger",
    "efficientnet_v2_s": "larger, accurate",
    "convnext_tiny": "larger, accurate",
    "densenet169": "larger, slow",
}
"""Name -> words."""

_COST = {
    "mobilenet_v3_small": 0.6,
    "mobilenet_v2": 1.0,
    "mobilenet_v3_large": 1.2,
    "resnet18": 1.0,
    "resnet50": 2.8,
    "efficientnet_v2_s": 2.9,
    "convnext_tiny": 3.7,
    "densenet169": 3.1,
}
"""Processor time of a training step for a photo, with mobilenet_v2 as one: measured at 160 pixels in bfloat16."""
_ELSEWHERE = PaceReport(backbone="mobilenet_v2", size=160, device=CPU, images_per_second=40.0)
"""On each processor of the computer that trained the supplied model."""
_EVALUATION = 1.15  # share of the time for the steps, including what comes after them
STARTS = {"imagenet": "ImageNet (downloaded once)", "none": "nothing: from the beginning"}
"""Starting weights that are not a file -> words."""
LARGEST_SIZE, SMALLEST_SIZE, SIZE_STEP = 640, 32, 32


def _recipe(backbone: Backbone, size: int, epochs: int) -> Config:
    """All other settings as the trainer has them."""
    return Config(
        network=NetworkSettings(backbone=backbone, weights="imagenet"),
        input=InputSettings(size=size),
        optimiser=OptimiserSettings(epochs=epochs),
    )


RECIPES = {
    "quick": _recipe("mobilenet_v2", 128, 6),
    "good": _recipe("mobilenet_v2", 160, 16),
    "best": _recipe("efficientnet_v2_s", 224, 24),
}
"""What the three buttons fill in, for every setting."""

RECIPE_WORDS = {
    "quick": "to see whether the data is right",
    "good": "a network as fast as that of the supplied marque-lite",
    "best": "more accurate, takes many times longer",
}


def estimate(
    config: Config,
    photos: int,
    device: str,
    trained: Sequence[PaceReport],
    measured: Sequence[PaceReport],
    processors: int,
) -> tuple[float, str] | None:
    """About how many seconds a training takes, and the basis of this estimate; None if nothing is known.

    A pace of the same network and size is taken as it is; else one is scaled: by the number of pixels, and between
    networks by their cost on a processor. Held-out photos and larger pictures in the last epochs are counted;
    augmentation, cost, precision and teacher are not.

    Args:
        config: the settings, with the data.
        photos: how many were read. device: the one that trains, "cpu" or "cuda"; paces of the other do not count.
        trained: paces of earlier trainings on this computer, the newest last. measured: those of `paces`. processors:
        of this computer.
    """
    trained, measured = ([one for one in paces if one.device == device] for paces in (trained, measured))
    settings = config.resolved()
    network = network_of(config)
    found = _pace(network, trained, measured)
    if found is None and device == CPU:
        found = _scaled(_ELSEWHERE, network) * processors, "scaled from mobilenet_v2 on another computer"
    if found is None:
        return None
    pace, rests_on = found
    late, epochs = settings.input.finish_share, settings.optimiser.epochs
    assert settings.input.finish_size is not None and epochs is not None  # the settings are resolved
    pixels = (1 - late) + late * (settings.input.finish_size / network[1]) ** 2
    return photos * _learned_from(settings) * epochs * pixels / pace * _EVALUATION, rests_on


def network_of(config: Config) -> tuple[str, int]:
    """The backbone and the side of the pictures, in pixels, at the beginning of a training."""
    settings = config.resolved()
    assert settings.network.backbone is not None and settings.input.train_size is not None
    return settings.network.backbone, settings.input.train_size


def is_known(config: Config, device: str, paces: Sequence[PaceReport]) -> bool:
    """Whether one of the paces is of the same network, size and device."""
    return any((one.backbone, one.size, one.device) == (*network_of(config), device) for one in paces)


def _learned_from(settings: Config) -> float:
    """Share of the photos; if classes are left out, as if all classes had the same number."""
    data = settings.data
    if data.split == "class_disjoint":
        return (0.5 if data.fold is None else 0.25) * (1 - data.validation)
    return (1 - data.unseen) * (1 - data.validation - data.test)


def _pace(
    network: tuple[str, int], trained: Sequence[PaceReport], measured: Sequence[PaceReport]
) -> tuple[float, str] | None:
    backbone, size = network
    for paces, words in ((measured, "measured on this computer"), (trained, "as in your earlier trainings")):
        exact = [one for one in paces if (one.backbone, one.size) == network]
        if exact:
            return exact[-1].images_per_second, words
    others = [one for one in (*trained, *measured) if one.backbone in _COST]
    if not others:
        return None
    # the same network first, then the nearest size; of equals the newest
    nearest = min(reversed(others), key=lambda one: (one.backbone != backbone, abs(math.log(one.size / size))))
    return _scaled(nearest, network), f"scaled from {nearest.backbone} at {nearest.size} pixels"


def _scaled(known: PaceReport, network: tuple[str, int]) -> float:
    backbone, size = network
    cost = _COST[backbone] / _COST[known.backbone] * (size / known.size) ** 2
    return known.images_per_second / cost


def rough(seconds: float) -> str:
    """A time as an estimate: "about 3 hours"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 0.9 * length:
            count = seconds / length
            shown = f"{count:.1f}" if count < 9.5 and unit != "minute" else f"{count:.0f}"
            shown = shown.removesuffix(".0")
            return f"about {shown} {unit}{'' if shown == '1' else 's'}"
    return "under a minute"
