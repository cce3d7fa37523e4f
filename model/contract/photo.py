"""From an image file to the pixels that the network sees; one way for the trainer and the program.

`read_rgb` opens a photograph as a person would see it; `fit` brings it to the square that the network takes. Neither
needs torch. Written twice they would drift apart, and the program would lose accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from model.contract.photo_opening import (
    MISSING,
    NO_PERMISSION,
    OTHER_FORMAT,
    PhotoError,
    decode,
    opened,
    orientation,
    within_memory,
)

__all__ = [
    "MISSING",
    "NO_PERMISSION",
    "OTHER_FORMAT",
    "FitPolicy",
    "PhotoError",
    "fit",
    "placed",
    "read_object",
    "read_rgb",
    "read_small",
    "upright_size",
]

_ON_THEIR_SIDE = (5, 6, 7, 8)
_TRANSPOSE_OF = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BAND = 4_000_000  # pixels that are converted at once: the steps in between take a few times their memory
_GREY_BAND = 1_000_000

_LETTERBOX_GREY = (124, 116, 104)  # the ImageNet mean: the padding is then near zero after normalisation


class FitPolicy(StrEnum):
    """How a picture of any shape becomes a square: stretched, between grey bars, or its middle alone.

    The first two keep all of it, also a ship's bow and stern.
    """

    SQUASH = "squash"
    LETTERBOX = "letterbox"
    CROP = "crop"


def read_rgb(path: Path | str) -> Image.Image:
    """Open an image file upright, in 8-bit RGB: EXIF orientation applied, the first frame of an animation.

    16-bit greyscale is scaled to its own range, transparency is laid on white, CMYK and palettes are converted. A JPEG
    whose pixels would take too much memory is read at a half, a quarter or an eighth of its size.

    Raises:
        PhotoError: if the file is missing, empty, not an image, cut short, or takes too much memory or time.
    """
    with opened(path) as image:
        # read the pixels before the file is closed
        decode(image)
        return _to_rgb(_upright(image))


def read_object(path: Path | str, box: tuple[int, int, int, int] | None) -> Image.Image:
    """Like `read_rgb`, but only a box of it: left, top, right and bottom in pixels of `upright_size`; None for all."""
    with opened(path) as image:
        width, height = _upright_size(image)
        decode(image)
        photo = _to_rgb(_upright(image))
    if box is None:
        return photo
    if photo.size != (width, height):
        across, down = photo.width / width, photo.height / height
        left, top, right, bottom = box
        return photo.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))
    return photo.crop(box)


def read_small(path: Path | str, side: int) -> Image.Image:
    """Like `read_rgb`, but a JPEG is read at the smallest of half, quarter and eighth of its size that reaches `side`.

    This is several times faster than in full.
    """
    with opened(path) as image:
        if image.format in ("JPEG", "MPO"):
            image.draft("RGB", (side, side))
        decode(image)
        return _to_rgb(_upright(image))


def upright_size(path: Path | str) -> tuple[int, int]:
    """Width and height of a photograph, upright and in full, from the file's header alone.

    Raises:
        PhotoError: if the file is missing, empty, not an image, or takes too much memory.
    """
    with opened(path) as image:
        return _upright_size(image)


def _upright_size(image: ImageFile) -> tuple[int, int]:
    width, height = image.size
    within_memory(image)
    if image.format == "TIFF":  # its decoder turns the picture itself, as the size shows
        return width, height
    return (height, width) if orientation(image) in _ON_THEIR_SIDE else (width, height)


def _upright(image: ImageFile) -> Image.Image:
    method = _TRANSPOSE_OF.get(orientation(image))
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _wide_grey_to_rgb(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _in_bands(image, _BAND, _on_white)
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    ground = Image.new("RGB", rgba.size, (255, 255, 255))
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground


def _wide_grey_to_rgb(image: Image.Image) -> Image.Image:
    """16- and 32-bit grey has no agreed white: stretch from the smallest to the largest value present."""
    low, high = np.inf, -np.inf
    for _, band in _bands(image, _GREY_BAND):
        values = np.asarray(band, dtype=np.float64)
        present = values[np.isfinite(values)]
        if present.size:
            low, high = min(low, float(present.min())), max(high, float(present.max()))

    def stretched(band: Image.Image) -> Image.Image:
        values = np.asarray(band, dtype=np.float64)
        if not low < high:
            return Image.new("RGB", band.size)
        scaled = (np.where(np.isfinite(values), values, low) - low) / (high - low)
        return Image.fromarray((scaled * 255).round().astype(np.uint8)).convert("RGB")

    return _in_bands(image, _GREY_BAND, stretched)


def _in_bands(image: Image.Image, pixels: int, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """A picture converted to RGB some rows at a time, as each pixel is converted by itself."""
    if image.width * image.height <= pixels:
        return convert(image)
    whole = Image.new("RGB", image.size)
    for top, band in _bands(image, pixels):
        whole.paste(convert(band), (0, top))
    return whole


def _bands(image: Image.Image, pixels: int) -> Iterator[tuple[int, Image.Image]]:
    """Parts of a picture of about this many pixels, each with its first row."""
    rows = max(1, pixels // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def placed(width: int, height: int, policy: FitPolicy) -> tuple[float, float, float, float]:
    """Where `fit` puts a picture: left, top, right and bottom in sides of the square, which reaches from 0 to 1.

    Between grey bars it is smaller than the square; with the middle cut out it reaches beyond.
    """
    if policy is FitPolicy.SQUASH:
        return 0.0, 0.0, 1.0, 1.0
    side = max(width, height) if policy is FitPolicy.LETTERBOX else min(width, height)
    across, down = width / side, height / side
    return (1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2


def fit(image: Image.Image, size: int, policy: FitPolicy) -> np.ndarray:
    """Resize an RGB picture to the network's square.

    Args:
        image: RGB picture of any shape.
        size: side of the square, pixels.
        policy: `squash` stretches the whole picture; `letterbox` keeps its proportions between grey bars; `crop` takes
            the largest square in its middle.

    Returns:
        uint8 [size, size, 3].
    """
    if policy is FitPolicy.SQUASH:
        return np.asarray(_resize(image, size, size))
    if policy is FitPolicy.CROP:
        side = min(image.size)
        left, top = ((length - side) // 2 for length in image.size)
        return np.asarray(_resize(image.crop((left, top, left + side, top + side)), size, size))
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (size, size), _LETTERBOX_GREY)
    square.paste(_resize(image, width, height), ((size - width) // 2, (size - height) // 2))
    return np.asarray(square)


def _resize(image: Image.Image, width: int, height: int) -> Image.Image:
    # reducing_gap takes large photographs down in a fast first step; 2.0 keeps the result within a level or two
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
