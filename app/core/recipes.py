"""What a person chooses for a training: three recipes, the few settings worth changing, and about how long it takes.

The backbones stand here once more because the trainer's own list comes with torch, which the window starts without; for
six settings that is simpler than asking a trainer process for its form. `tests/app/test_recipes.py` holds them to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.paces import CPU, Pace

BACKBONES = {
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
_ELSEWHERE = Pace(backbone="mobilenet_v2", size=160, device=CPU, images_per_second=40.0)
"""On each processor of the computer that trained the supplied model."""
_HELD_OUT = 0.2
_EVALUATION = 1.15  # of the time for the steps, with what comes after them
STARTS = {"imagenet": "ImageNet (downloaded once)", "none": "nothing: from the beginning"}
"""Starting weights that are no file -> words."""
LARGEST_SIZE, SMALLEST_SIZE, SIZE_STEP = 640, 32, 32


@dataclass(frozen=True)
class Recipe:
    """The settings of a training that the form shows.

    Attributes:
        backbone: one of BACKBONES.
        size: side of the picture that the network sees, pixels.
        epochs: passes over the photos.
        weights: one of STARTS, or a file.
    """

    backbone: str
    size: int
    epochs: int
    weights: str = "imagenet"

    def arguments(self, data: Sequence[str], *, skip_bad: bool = False) -> list[str]:
        """The trainer's command line, without `--out`."""
        result = [argument for one in data for argument in ("--data", one)]
        result += ["--backbone", self.backbone, "--weights", self.weights]
        result += ["--size", str(self.size), "--epochs", str(self.epochs)]
        return [*result, "--skip-bad"] if skip_bad else result


RECIPES = {
    "quick": Recipe("mobilenet_v2", 128, 6),
    "good": Recipe("mobilenet_v2", 160, 16),
    "best": Recipe("efficientnet_v2_s", 224, 24),
}
"""What the three buttons fill in."""

RECIPE_WORDS = {
    "quick": "to see whether the data is right",
    "good": "much as the supplied model was made",
    "best": "more accurate, many times as long",
}


def estimate(
    recipe: Recipe, photos: int, device: str, trained: Sequence[Pace], measured: Sequence[Pace], processors: int
) -> tuple[float, str] | None:
    """About how many seconds a training takes, and on what that rests; None where nothing is known.

    A pace of the very network and size is taken as it is; else one is scaled: by the number of pixels, and between
    networks by what they cost a processor.

    Args:
        device: that trains, "cpu" or "cuda"; paces of others do not count.
        trained: of earlier trainings on this computer, the newest last.
        measured: by `paces`.
        processors: of this computer.
    """
    trained, measured = ([one for one in paces if one.device == device] for paces in (trained, measured))
    found = _pace(recipe, trained, measured)
    if found is None and device == CPU:
        found = _scaled(_ELSEWHERE, recipe) * processors, "scaled from mobilenet_v2 on another computer"
    if found is None:
        return None
    pace, rests_on = found
    return photos * (1 - _HELD_OUT) * recipe.epochs / pace * _EVALUATION, rests_on


def is_known(recipe: Recipe, device: str, paces: Sequence[Pace]) -> bool:
    """Whether one of the paces is of this very network, size and device."""
    return any((one.backbone, one.size, one.device) == (recipe.backbone, recipe.size, device) for one in paces)


def _pace(recipe: Recipe, trained: Sequence[Pace], measured: Sequence[Pace]) -> tuple[float, str] | None:
    for paces, words in ((measured, "measured on this computer"), (trained, "as in your earlier trainings")):
        exact = [one for one in paces if (one.backbone, one.size) == (recipe.backbone, recipe.size)]
        if exact:
            return exact[-1].images_per_second, words
    others = [one for one in (*trained, *measured) if one.backbone in _COST]
    if not others:
        return None
    # the own network first, then the nearest size; of equals the newest
    nearest = min(
        reversed(others), key=lambda one: (one.backbone != recipe.backbone, abs(math.log(one.size / recipe.size)))
    )
    return _scaled(nearest, recipe), f"scaled from {nearest.backbone} at {nearest.size} pixels"


def _scaled(known: Pace, recipe: Recipe) -> float:
    cost = _COST[recipe.backbone] / _COST[known.backbone] * (recipe.size / known.size) ** 2
    return known.images_per_second / cost


def rough(seconds: float) -> str:
    """A time for people who know that it is a guess: "about 3 hours"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 0.9 * length:
            count = seconds / length
            shown = f"{count:.1f}" if count < 9.5 and unit != "minute" else f"{count:.0f}"
            shown = shown.removesuffix(".0")
            return f"about {shown} {unit}{'' if shown == '1' else 's'}"
    return "under a minute"
