"""Photos as pictures on show: in full, and small."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from model.photo import PhotoError, read_small
from model.photo import read_rgb as load

__all__ = ["PhotoError", "load", "thumbnail"]


def thumbnail(path: Path, side: int) -> Image.Image:
    """The picture upright in RGB, no larger than `side` x `side` pixels, proportions kept.

    Raises:
        PhotoError: as `load` does.
    """
    image = read_small(path, side)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    return image
