"""Points as soft dots in a picture, in one pass over all of them: where they lie close, their colours mix."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

_MOST_TOUCHED = 350_000  # pixels touched by all dots; keeps a frame short
_SMALLEST, _LARGEST = 0.9, 5.0


def radius_for(count: int) -> float:
    """Radius of a dot in pixels where so many are in sight: 0.9 to 5."""
    return float(np.clip(np.sqrt(_MOST_TOUCHED / (np.pi * max(count, 1))), _SMALLEST, _LARGEST))


def splat(spots: np.ndarray, colours: np.ndarray, width: int, height: int, *, radius: float, opacity: float) -> QImage:
    """A picture of dots on nothing.

    Args:
        spots: float32 [M, 2], pixels from the top left corner; those outside are left out.
        colours: uint8 [M, 3], red, green, blue.
        width, height: of the picture, pixels.
        radius: of a dot, pixels.
        opacity: of a single dot, 0 to 1; several on one another come closer to 1.
    """
    reach = int(np.ceil(radius))
    across, down = width + 2 * reach, height + 2 * reach  # dots at the edge reach over it
    x, y = np.floor(spots[:, 0]).astype(np.int32) + reach, np.floor(spots[:, 1]).astype(np.int32) + reach
    seen = (x >= reach) & (x < across - reach) & (y >= reach) & (y < down - reach)
    steps = np.arange(-reach, reach + 1)
    weights = np.clip(radius + 0.5 - np.hypot(steps[:, None], steps), 0, 1)
    dy, dx = np.nonzero(weights > 0.1)
    weight = weights[dy, dx]
    touched = ((y[seen] * across + x[seen])[:, None] + ((dy - reach) * across + dx - reach)).ravel()
    cover = np.bincount(touched, np.tile(weight, int(seen.sum())), minlength=across * down)
    lit = np.flatnonzero(cover)
    amount = cover[lit]
    alpha = 255 * (1 - (1 - opacity) ** amount)
    pixels = np.zeros(across * down, np.uint32)
    value = alpha.astype(np.uint32) << 24
    for channel, shift in enumerate((16, 8, 0)):
        weighed = (colours[seen, channel].astype(np.float32)[:, None] * weight).ravel()
        total = np.bincount(touched, weighed, minlength=across * down)[lit]
        value |= (total / amount * alpha / 255).astype(np.uint32) << shift
    pixels[lit] = value
    data = np.ascontiguousarray(pixels.reshape(down, across)[reach : reach + height, reach : reach + width])
    # the copy owns its pixels; the first one borrows `data`
    return QImage(data.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()
