"""Opening photos; the program opens photographs nowhere else."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from model.photo import PhotoError
from model.photo import read_rgb as load

__all__ = ["PhotoError", "load", "thumbnail"]


def thumbnail(path: Path, side: int) -> Image.Image:
    """The picture upright in RGB, no larger than `side` x `side` pixels, proportions kept.

    A JPEG is decoded at a fraction of its size, several times faster than in full.

    Raises:
        PhotoError: as `load` does.
    """
    image = _reduced_jpeg(path, side) or load(path)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    return image


def _reduced_jpeg(path: Path, side: int) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            if image.format not in ("JPEG", "MPO"):
                return None
            image.draft("RGB", (side, side))
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # `load` knows how to say what is wrong with the file
