"""From an image file to the pixels that the network sees; one way for the trainer and the program.

`read_rgb` opens a photograph as a person would see it; `fit` brings it to the square that the network takes. Neither
needs torch. If the two were written twice they would drift apart, and with them the accuracy of the program.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from model.errors import MarqueError

MAX_PIXELS = 400_000_000
"""Images above this are refused: 20,000 x 20,000 pixels already take 1.2 GB as RGB."""

# Pillow only warns up to twice this figure; the limit that the user is told is the one that holds
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_ORIENTATION_TAG = 0x0112
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

# Pillow's decoders report damaged files with any of these
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, MemoryError, ArithmeticError),
    *(RuntimeError, struct.error, zlib.error),
)

_LETTERBOX_GREY = (124, 116, 104)  # the ImageNet mean: the padding is then near zero after normalisation


MISSING = "the file does not exist"
"""Reason of a PhotoError, by which a program can tell a file that was moved from a damaged one."""
NO_PERMISSION = "no permission to read the file"
"""The same of a file that is there, and may be readable another time."""


class PhotoError(MarqueError):
    """A file that cannot be read as a picture. `reason` is a sentence for the user, without the path."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


class FitPolicy(StrEnum):
    """How a picture of any shape becomes a square: stretched; between grey bars; or its middle alone.

    The first two keep every part of it: a ship's bow and stern stay in.
    """

    SQUASH = "squash"
    LETTERBOX = "letterbox"
    CROP = "crop"


def read_rgb(path: Path | str) -> Image.Image:
    """Open an image file upright, in 8-bit RGB: EXIF orientation applied, the first frame of an animation.

    16-bit greyscale is scaled to its own range, transparency is laid on white, CMYK and palettes are converted.

    Raises:
        PhotoError: if the file is missing, empty, not an image, cut short, or larger than MAX_PIXELS.
    """
    with _opened(path) as image:
        # read the pixels before the file is closed
        image.load()
        return _to_rgb(_upright(image))


def upright_size(path: Path | str) -> tuple[int, int]:
    """Width and height of a photograph as `read_rgb` gives it, from the file's header alone.

    Raises:
        PhotoError: if the file is missing, empty, not an image, or larger than MAX_PIXELS.
    """
    with _opened(path) as image:
        width, height = image.size
        if image.format == "TIFF":  # its decoder turns the picture itself, and says so in the size
            return width, height
        return (height, width) if _orientation(image) in _ON_THEIR_SIDE else (width, height)


@contextmanager
def _opened(path: Path | str) -> Iterator[Image.Image]:
    """Open an image file; whatever goes wrong with it, here or in the block, becomes a PhotoError."""
    path = Path(path)
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width * image.height / 1e6:.0f} megapixels"
                raise PhotoError(path, f"{size} are more than this program opens ({MAX_PIXELS / 1e6:.0f})")
            yield image
    except FileNotFoundError:
        raise PhotoError(path, MISSING) from None
    except IsADirectoryError:
        raise PhotoError(path, "this is a folder, not a picture") from None
    except PermissionError:
        # Windows refuses to open a folder in these words
        reason = "this is a folder, not a picture" if path.is_dir() else NO_PERMISSION
        raise PhotoError(path, reason) from None
    except Image.DecompressionBombError:
        raise PhotoError(path, f"more than {MAX_PIXELS / 1e6:.0f} megapixels") from None
    except UnidentifiedImageError:
        reason = "the file is empty" if path.stat().st_size == 0 else "not a picture in a format this program reads"
        raise PhotoError(path, reason) from None
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:
            raise PhotoError(path, f"the file cannot be read ({error.strerror})") from error
        raise PhotoError(path, f"damaged or cut short ({error})") from error


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; a damaged EXIF block does not make the picture unreadable."""
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except _DAMAGE:
        return 1


def _upright(image: Image.Image) -> Image.Image:
    method = _TRANSPOSE_OF.get(_orientation(image))
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _wide_grey_to_rgb(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGB", rgba.size, (255, 255, 255))
        ground.paste(rgba, mask=rgba.getchannel("A"))
        return ground
    return image.convert("RGB")


def _wide_grey_to_rgb(image: Image.Image) -> Image.Image:
    """16- and 32-bit grey has no agreed white: stretch from the smallest to the largest value present."""
    values = np.asarray(image, dtype=np.float64)
    finite = np.isfinite(values)
    low = float(values[finite].min()) if finite.any() else 0.0
    high = float(values[finite].max()) if finite.any() else 0.0
    scaled = np.zeros(values.shape) if high <= low else (np.where(finite, values, low) - low) / (high - low)
    return Image.fromarray((scaled * 255).round().astype(np.uint8)).convert("RGB")


def placed(width: int, height: int, policy: FitPolicy) -> tuple[float, float, float, float]:
    """Where `fit` puts a picture: left, top, right and bottom in sides of the square, which reaches from 0 to 1.

    Between grey bars it is smaller than the square; where the middle is cut out it reaches beyond.
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
