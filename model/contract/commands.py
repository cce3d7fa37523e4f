"""Commands of the trainer that the program starts, and what they print for it, a line of JSON at a time."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class PaceReport(BaseModel, frozen=True):
    """Photos a second of a training: of which backbone, at which size in pixels, on which device ("cpu", "cuda")."""

    backbone: str
    size: int = Field(gt=0, le=1 << 20)
    device: str
    images_per_second: float = Field(gt=0, allow_inf_nan=False)


class ComparisonProgress(BaseModel, frozen=True):
    """Photos that are done, and all of them."""

    done: int
    photos: int


class ComparisonReport(BaseModel, frozen=True):
    """A model on the photos that a run held out.

    Attributes:
        figures: shares of one, by the trainer's names; None where there is nothing to count.
        photos: that were held out.
        unknown: how many of them are of classes that the model does not know.
    """

    figures: dict[str, float | None]
    photos: int
    unknown: int


def pace_command(backbone: str, size: int) -> list[str]:
    """The interpreter's arguments that measure how fast a network is trained; prints a PaceReport."""
    return ["-m", "model.pace", "--backbone", backbone, "--size", str(size)]


def compare_command(run: Path, model: Path) -> list[str]:
    """The interpreter's arguments that measure a model file on a run's held-out photos.

    Prints ComparisonProgress while it measures, and a ComparisonReport at its end.
    """
    return ["-m", "model.versus", str(run), "--model", str(model)]
