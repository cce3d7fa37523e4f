"""The model in use on the photos that a training held out, measured by the trainer in a process of its own."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ValidationError


class ModelComparison(BaseModel, frozen=True):
    """What was found.

    Attributes:
        figures: shares of one, by the trainer's names; None where there is nothing to count.
        photos: that were held out.
        unknown: how many of them are of classes that the model does not know.
    """

    figures: dict[str, float | None]
    photos: int
    unknown: int


class Count(BaseModel, frozen=True):
    """How far it is: photos that are done, and all of them."""

    done: int
    photos: int


def command(run: Path, model: Path) -> list[str]:
    """The interpreter's arguments that measure a model file on the photos that a run held out."""
    return ["-m", "model.versus", str(run), "--model", str(model)]


def told(line: str) -> ModelComparison | Count | None:
    """A line that such a process printed; None if it is something else."""
    for kind in (ModelComparison, Count):
        try:
            return kind.model_validate_json(line)
        except ValidationError:
            continue
    return None
