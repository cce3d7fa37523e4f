"""What speaks for an answer, as a picture to lay over the photo: the stronger, the redder."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PySide6.QtGui import QImage

CANNOT_TELL = (
    "Marque cannot show where the answer comes from: the identification model has no maps for it, "
    "or only the gallery knows the class."
)

_SIDE = 128
_STRONGEST = 165  # of 255: the photo must still be seen
_COLD, _HOT = np.array([255.0, 190.0, 40.0]), np.array([235.0, 30.0, 30.0])


def as_picture(heat: np.ndarray | None) -> QImage | None:
    """Float [h, w] from 0 to 1 as a smooth, partly transparent picture."""
    if heat is None:
        return None
    smooth = np.asarray(
        Image.fromarray(heat.astype(np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), np.float32
    ).clip(0, 1)[..., None]
    colour = _COLD * (1 - smooth) + _HOT * smooth
    pixels = np.concatenate([colour, _STRONGEST * smooth], axis=-1).astype(np.uint8)
    return QImage(pixels.tobytes(), _SIDE, _SIDE, _SIDE * 4, QImage.Format.Format_RGBA8888).copy()
