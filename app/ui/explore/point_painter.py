"""Points as soft dots in a picture, all of them at once: where they are close, their colours mix and grow denser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QImage

_MOST_TOUCHED = 150_000  # pixels touched by all dots; keeps a frame short
_LARGEST = 5.0
_MANY = 3000  # from this many points on, pixels are drawn in place of points
_LEAST = 1.15  # radius of those


def radius_for(count: int) -> float:
    """Radius of a dot in pixels if this many are visible."""
    return float(np.clip(np.sqrt(_MOST_TOUCHED / (np.pi * max(count, 1))), 1.0, _LARGEST))


class PointPainter:
    """Draws pictures of one size after another into the same memory: fresh memory costs more than the drawing."""

    def __init__(self) -> None:
        self._pixels = np.zeros(0, np.uint32)
        self._place = np.zeros(0, np.int32)  # pixel -> one of those that touch it; older entries are never read

    def draw(
        self, spots: np.ndarray, colours: np.ndarray, width: int, height: int, *, radius: float, opacity: float
    ) -> QImage:
        """A picture of dots on nothing. It holds until the next is drawn.

        Args:
            spots: float32 [M, 2], pixels from the top left corner; those outside are left out.
            colours: uint8 [M, 3], red, green, blue.
            width, height: of the picture, pixels.
            radius: of a dot, pixels.
            opacity: that of a single dot, 0 to 1; several on top of each other come closer to 1.
        """
        many = len(spots) > _MANY
        radius = max(radius, _LEAST) if many else radius
        reach = int(np.ceil(radius))
        across, down = width + 2 * reach, height + 2 * reach  # dots at the edge reach over it
        if len(self._pixels) != across * down:
            self._pixels, self._place = np.empty(across * down, np.uint32), np.zeros(across * down, np.int32)
        self._pixels.fill(0)
        x, y = spots[:, 0], spots[:, 1]
        seen = np.flatnonzero((x >= 0) & (x < width) & (y >= 0) & (y < height))
        cell = (y[seen].astype(np.int32) + reach) * across + (x[seen].astype(np.int32) + reach)
        if many:
            self._spread(cell, colours[seen], across, opacity, radius)
        else:
            self._stamp(cell, colours[seen], across, opacity, radius)
        inside = self._pixels[reach * across + reach :]
        return QImage(inside.data, width, height, 4 * across, QImage.Format.Format_ARGB32_Premultiplied)

    def _stamp(self, cell: np.ndarray, tints: np.ndarray, across: int, opacity: float, radius: float) -> None:
        """Round dots, each drawn by itself; where they overlap, their colours mix."""
        offsets, weight = _dot(radius, across)
        touched = (cell[:, None] + offsets).ravel()
        weighed = [(tints[:, [channel]] * weight).ravel() for channel in range(3)]
        lit, amount, mixed = self._gather(touched, np.tile(weight, len(cell)), weighed)
        self._pixels[lit] = _packed(_alpha(amount, opacity), mixed)

    def _spread(self, cell: np.ndarray, tints: np.ndarray, across: int, opacity: float, radius: float) -> None:
        """Points gathered in pixels; each pixel is drawn as a dot, the rims of all before the middles of any."""
        lit, amount, mixed = self._gather(cell, None, [tints[:, channel] for channel in range(3)])
        deep = _alpha(amount, opacity)
        offsets, weights = _dot(radius, across)
        for weight in np.unique(weights):
            ring = _packed(weight * deep, mixed)
            for offset in offsets[weights == weight].tolist():
                self._pixels[lit + offset] = ring

    def _gather(
        self, touched: np.ndarray, weight: np.ndarray | None, weighed: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """The pixels that are touched, each once; the sum of the weights there, and the means of what was weighed."""
        count = len(touched)
        self._place[touched] = np.arange(count, dtype=np.int32)
        spokesman = self._place[touched]
        sums = np.bincount(spokesman, weight, minlength=count)
        some = np.flatnonzero(sums)
        amount = sums[some].astype(np.float32)
        means = [np.bincount(spokesman, one, minlength=count)[some].astype(np.float32) / amount for one in weighed]
        return touched[some], amount, means


def _dot(radius: float, across: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a dot: distances in memory from its middle, int32 [K], and how much of each is covered, float32."""
    reach = int(np.ceil(radius))
    steps = np.arange(-reach, reach + 1, dtype=np.int32)
    weights = np.clip(radius + 0.5 - np.hypot(steps[:, None], steps), 0, 1).astype(np.float32)
    dy, dx = np.nonzero(weights > 0.1)
    return steps[dy] * across + steps[dx], weights[dy, dx]


def _alpha(amount: np.ndarray, opacity: float) -> np.ndarray:
    """The opacity of this many dots on top of each other; less than one is the edge of a dot."""
    return np.where(amount < 1, opacity * amount, 1 - np.float32(1 - opacity) ** amount)


def _packed(alpha: np.ndarray, mixed: Sequence[np.ndarray]) -> np.ndarray:
    """Premultiplied pixels uint32 of an opacity and of red, green and blue (0 to 255)."""
    value = (255 * alpha).astype(np.uint32) << 24
    for channel, shift in zip(mixed, (16, 8, 0), strict=True):
        value |= (channel * alpha).astype(np.uint32) << shift
    return value
