"""What a person chooses for a training: three recipes, the few settings worth changing, and about how long it takes.

The backbones stand here once more because the trainer's own list comes with torch, which the window starts without; for
six settings that is simpler than asking a trainer process for its form. `tests/app/test_recipes.py` holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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

MEASURED_SIZE = 160
_MEASURED = {"mobilenet_v2": 40.0}
"""Photos a second of training at MEASURED_SIZE on each processor of the computer that trained the supplied model."""
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

    def arguments(self, data: str, *, skip_bad: bool = False) -> list[str]:
        """The trainer's command line, without `--out`."""
        result = ["--data", data, "--backbone", self.backbone, "--weights", self.weights]
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


def estimate(recipe: Recipe, photos: int, own: Mapping[str, float], processors: int | None) -> tuple[float, str] | None:
    """About how many seconds a training takes and what that is taken from; None where nothing is known.

    Args:
        own: photos a second of each backbone in trainings on this computer, at MEASURED_SIZE.
        processors: of this computer; None where it trains on a GPU, for which nothing was measured.
    """
    if recipe.backbone in own:
        pace, source = own[recipe.backbone], "from your earlier trainings"
    elif recipe.backbone in _MEASURED and processors is not None:
        pace, source = _MEASURED[recipe.backbone] * processors, "from the pace of another computer"
    else:
        return None
    pace *= (MEASURED_SIZE / recipe.size) ** 2
    return photos * (1 - _HELD_OUT) * recipe.epochs / pace * _EVALUATION, source


def rough(seconds: float) -> str:
    """A time for people who know that it is a guess: "about 3 hours"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 0.9 * length:
            count = seconds / length
            shown = f"{count:.1f}" if count < 9.5 and unit != "minute" else f"{count:.0f}"
            shown = shown.removesuffix(".0")
            return f"about {shown} {unit}{'' if shown == '1' else 's'}"
    return "under a minute"
