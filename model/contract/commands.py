"""Commands of the trainer that the program starts, and what they print for it, one line of JSON at a time."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class PaceReport(BaseModel, frozen=True):
    """How many photos per second a training handles, with its backbone, size in pixels and device ("cpu", "cuda")."""

    backbone: str
    size: int = Field(gt=0, le=1 << 20)
    device: str
    images_per_second: float = Field(gt=0, allow_inf_nan=False)


class ComparisonProgress(BaseModel, frozen=True):
    """How many photos are done, and how many there are."""

    done: int
    photos: int


class ComparisonReport(BaseModel, frozen=True):
    """A model on the photos that a run held out.

    Attributes:
        figures: from 0 to 1, by the trainer's names; None if there is nothing to count.
        photos: how many were held out.
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
