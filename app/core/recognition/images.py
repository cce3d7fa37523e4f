"""Photos as pictures to show: in full size, and small."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from model.contract.photo import OTHER_FORMAT, PhotoError, read_small
from model.contract.photo import read_rgb as load

__all__ = ["PhotoError", "advice", "load", "thumbnail"]


def thumbnail(path: Path, side: int) -> Image.Image:
    """The picture upright in RGB, no larger than `side` x `side` pixels, proportions kept.

    Raises:
        PhotoError: as `load` does.
    """
    image = read_small(path, side)
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    return image


def advice(reason: str, otherwise: str) -> str:
    """What a person can do about a photo that cannot be opened.

    Args:
        reason: the one of its PhotoError. otherwise: what else they can do ("exclude it").
    """
    if OTHER_FORMAT in reason:
        return f"Convert it to JPEG, or {otherwise}."
    return f"Open it in another program to see whether it is damaged, or {otherwise}."
