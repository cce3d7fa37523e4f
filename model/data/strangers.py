"""Pictures that show neither vehicle nor vessel: textures, screenshots, drawn scenes.

A folder of photos always holds some (maps, documents, portraits, the sky), and the program must not give them a class.
The pictures are drawn, so that everybody can measure this without a collection of such photos.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_SIDE = 224
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def stranger(seed: int) -> Image.Image:
    """One picture, RGB, 224 pixels square; the same for the same seed. The three kinds take turns."""
    rng = np.random.default_rng(seed)
    return _KINDS[seed % len(_KINDS)](rng)


def _texture(rng: np.random.Generator) -> Image.Image:
    """Noise of many sizes, waves, stripes or checks, in a random pair of colours."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    kind = rng.integers(4)
    if kind == 0:
        field = sum(_cloud(rng, cells) / 2**octave for octave, cells in enumerate((4, 8, 16, 32, 64)))
    elif kind == 1:
        field = sum(np.sin(rng.uniform(10, 90) * (x * np.cos(a) + y * np.sin(a))) for a in rng.uniform(0, np.pi, 3))
    elif kind == 2:
        angle, width = rng.uniform(0, np.pi), rng.uniform(8, 50)
        field = np.sign(np.sin(width * (x * np.cos(angle) + y * np.sin(angle))))
    else:
        cells = rng.integers(4, 24)
        field = ((x * cells).astype(int) + (y * cells).astype(int)) % 2
    field = np.asarray(field, float)
    share = ((field - field.min()) / max(np.ptp(field), 1e-9))[..., None]
    first, second = rng.uniform(0, 255, (2, 3))
    noisy = first * share + second * (1 - share) + rng.normal(0, rng.uniform(0, 15), (_SIDE, _SIDE, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))


def _cloud(rng: np.random.Generator, cells: int) -> np.ndarray:
    coarse = Image.fromarray(rng.integers(0, 256, (cells, cells), np.uint8))
    return np.asarray(coarse.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), float)


def _screenshot(rng: np.random.Generator) -> Image.Image:
    """Windows with bars, buttons and lines of text."""
    dark = rng.random() < 0.4
    ground, ink = ((24, 26, 32), (220, 224, 230)) if dark else ((246, 247, 249), (32, 36, 42))
    picture = Image.new("RGB", (_SIDE, _SIDE), tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 4)):
        left, top = rng.integers(0, _SIDE // 2, 2).tolist()
        right, bottom = rng.integers(_SIDE // 2, _SIDE, 2).tolist()
        draw.rectangle((left, top, right, bottom), fill=ground, outline=ink)
        draw.rectangle((left, top, right, top + 14), fill=tuple(rng.integers(40, 220, 3).tolist()))
        for row in range(top + 20, bottom - 10, 12):
            if rng.random() < 0.15:
                colour = tuple(rng.integers(40, 230, 3).tolist())
                draw.rounded_rectangle((left + 6, row, left + 6 + int(rng.integers(20, 60)), row + 10), 3, fill=colour)
            else:
                words = "".join(rng.choice([*_LETTERS, " ", " ", " "], rng.integers(4, 40)))
                draw.text((left + 6, row), words[: max(1, (right - left - 12) // 6)], fill=ink)
    return picture


def _scene(rng: np.random.Generator) -> Image.Image:
    """Sky and ground with hills, trees, houses and faces, as a child would draw them."""
    sky, ground = rng.integers(120, 256, 3), rng.integers(40, 180, 3)
    horizon = int(rng.integers(_SIDE // 3, 2 * _SIDE // 3))
    picture = Image.new("RGB", (_SIDE, _SIDE), tuple(sky.tolist()))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, horizon, _SIDE, _SIDE), fill=tuple(ground.tolist()))
    for _ in range(rng.integers(2, 9)):
        x, size = int(rng.integers(0, _SIDE)), int(rng.integers(24, 110))
        foot = int(rng.integers(horizon, _SIDE))
        _THINGS[rng.integers(len(_THINGS))](draw, x, foot, size, rng)
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2)))


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(rng.integers(30, 240, 3).tolist())


def _tree(draw: ImageDraw.ImageDraw, x: int, foot: int, size: int, rng: np.random.Generator) -> None:
    draw.rectangle((x - size // 12, foot - size, x + size // 12, foot), fill=(90, 62, 40))
    crown = (30, int(rng.integers(90, 180)), 50)
    draw.ellipse((x - size // 2, foot - 2 * size, x + size // 2, foot - size // 2), fill=crown)


def _house(draw: ImageDraw.ImageDraw, x: int, foot: int, size: int, rng: np.random.Generator) -> None:
    draw.rectangle((x - size // 2, foot - size, x + size // 2, foot), fill=_colour(rng))
    draw.polygon([(x - size // 2, foot - size), (x, foot - 3 * size // 2), (x + size // 2, foot - size)], _colour(rng))
    for side in (-1, 1):
        left = x + side * size // 4 - size // 10
        draw.rectangle((left, foot - 3 * size // 4, left + size // 5, foot - size // 2), fill=(230, 230, 200))


def _face(draw: ImageDraw.ImageDraw, x: int, foot: int, size: int, rng: np.random.Generator) -> None:
    middle = foot - size // 2
    draw.ellipse((x - size // 2, middle - size // 2, x + size // 2, middle + size // 2), fill=_colour(rng))
    for side in (-1, 1):
        eye = x + side * size // 5
        draw.ellipse((eye - 4, middle - size // 6 - 4, eye + 4, middle - size // 6 + 4), fill=(20, 20, 20))
    draw.arc(
        (x - size // 4, middle - size // 8, x + size // 4, middle + size // 4), 20, 160, fill=(40, 20, 20), width=3
    )


def _hill(draw: ImageDraw.ImageDraw, x: int, foot: int, size: int, rng: np.random.Generator) -> None:
    draw.polygon([(x - 2 * size, foot), (x, foot - size), (x + 2 * size, foot)], fill=_colour(rng))


_THINGS: tuple[Callable[[ImageDraw.ImageDraw, int, int, int, np.random.Generator], None], ...] = (
    _tree,
    _house,
    _face,
    _hill,
)
_KINDS: tuple[Callable[[np.random.Generator], Image.Image], ...] = (_texture, _screenshot, _scene)
