"""Pictures that the finder learns from: windows of scenes, several scenes in one, and vehicles pasted into others.

Each picture is drawn from a seed of its own, so that a training that is resumed sees the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from model.contract.photo import read_rgb
from model.data.scenes import Scene

_ZOOM = (0.55, 2.2)
"""How much larger than the picture fills the square a window shows it, at the least and most."""
_STRETCH = 1.25
"""How much the proportions change at most."""
_VISIBLE, _TRACE = 0.4, 0.1
"""Share of a box in the window above which it is wanted, and above which it is ignored instead of empty."""
_SMALLEST = 7.0
"""Side of the smallest box that is wanted, in pixels of the square; smaller ones are ignored."""
_COLOUR = 0.4
_BLURRED, _NOISY, _GREY = 0.15, 0.15, 0.05
"""Shares of the pictures that are blurred, noisy, grey."""


class Example(NamedTuple):
    """A picture with its boxes.

    Attributes:
        picture: RGB.
        boxes: float32 [N, 4], left, top, right, bottom in pixels of the picture.
        kinds: int64 [N], of KINDS.
        ignored: float32 [M, 4], where nothing is learned.
    """

    picture: Image.Image
    boxes: np.ndarray
    kinds: np.ndarray
    ignored: np.ndarray


def example_of(scene: Scene) -> Example:
    """A scene as it is; a crowd is ignored. Raises PhotoError."""
    wanted = ~scene.crowd
    return Example(
        read_rgb(scene.path), scene.boxes[wanted], scene.kinds[wanted].astype(np.int64), scene.boxes[~wanted]
    )


def windowed(example: Example, size: int, random: np.random.Generator, zoom: tuple[float, float] = _ZOOM) -> Example:
    """A random window of an example, mirrored or not, as a square of `size` pixels.

    A window may reach beyond the picture, which is then surrounded by one colour.
    """
    width, height = example.picture.size
    factor = np.exp(random.uniform(*np.log(zoom)))
    stretch = np.exp(random.uniform(-1, 1) * np.log(_STRETCH) / 2)
    across, down = width / factor * stretch, height / factor / stretch
    left, top = _corner(example.boxes, (width, height), (across, down), random)
    window = np.array([left, top, left + across, top + down])
    picture = _cut(example.picture, window, size, random)
    scale = size / np.array([across, down, across, down])
    shift = np.array([left, top, left, top])
    found = Example(
        picture,
        ((example.boxes - shift) * scale).astype(np.float32),
        example.kinds,
        ((example.ignored - shift) * scale).astype(np.float32),
    )
    found = _within(found, size)
    return mirrored(found) if random.random() < 0.5 else found


def _corner(
    boxes: np.ndarray, picture: tuple[int, int], window: tuple[float, float], random: np.random.Generator
) -> tuple[float, float]:
    """Left and top of a window, around a random box where there are any and the window is smaller than the picture."""
    corner = [
        random.uniform(min(0.0, length - side), max(0.0, length - side))
        for length, side in zip(picture, window, strict=True)
    ]
    if len(boxes) and random.random() < 0.8:
        box = boxes[random.integers(len(boxes))]
        for axis in range(2):
            length, side = picture[axis], window[axis]
            if side < length:
                middle = random.uniform(box[axis], box[axis + 2])
                corner[axis] = float(np.clip(middle - random.uniform(0.2, 0.8) * side, 0, length - side))
    return corner[0], corner[1]


def _cut(picture: Image.Image, window: np.ndarray, size: int, random: np.random.Generator) -> Image.Image:
    left, top, right, bottom = (round(float(value)) for value in window)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    if left >= 0 and top >= 0 and right <= picture.width and bottom <= picture.height:
        part = picture.crop((left, top, right, bottom))
    else:
        part = Image.new("RGB", (right - left, bottom - top), tuple(int(c) for c in random.integers(0, 256, 3)))
        part.paste(picture, (-left, -top))
    return part.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _within(example: Example, size: int) -> Example:
    """The part of an example in a square of `size` pixels: boxes are cut, small rests ignored."""
    cut = example.boxes.clip(0, size)
    whole, seen = _areas(example.boxes), _areas(cut)
    share = seen / np.maximum(whole, 1e-9)
    sides = np.minimum(cut[:, 2] - cut[:, 0], cut[:, 3] - cut[:, 1])
    wanted = (share >= _VISIBLE) & (sides >= _SMALLEST)
    trace = ~wanted & (share >= _TRACE)
    ignored = example.ignored.clip(0, size)
    ignored = ignored[_areas(ignored) > 0]
    return Example(example.picture, cut[wanted], example.kinds[wanted], np.concatenate([ignored, cut[trace]]))


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]).clip(0) * (boxes[:, 3] - boxes[:, 1]).clip(0)


def mirrored(example: Example) -> Example:
    """Left and right exchanged."""
    width = example.picture.width

    def turned(boxes: np.ndarray) -> np.ndarray:
        return np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)

    picture = example.picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return Example(picture, turned(example.boxes), example.kinds, turned(example.ignored))


def tiled(examples: Sequence[Example], size: int, random: np.random.Generator) -> Example:
    """Four examples in one square of `size` pixels, side by side (Bochkovskiy et al., "YOLOv4", 2020)."""
    across, down = (round(size * random.uniform(0.3, 0.7)) for _ in range(2))
    square = Image.new("RGB", (size, size))
    boxes, kinds, ignored = [], [], []
    tiles = ((0, 0, across, down), (across, 0, size, down), (0, down, across, size), (across, down, size, size))
    for example, (left, top, right, bottom) in zip(examples, tiles, strict=True):
        width, height = right - left, bottom - top
        square.paste(example.picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0), (left, top))
        scale = np.array([width / example.picture.width, height / example.picture.height] * 2)
        shift = np.array([left, top, left, top])
        boxes.append(example.boxes * scale + shift)
        ignored.append(example.ignored * scale + shift)
        kinds.append(example.kinds)
    whole = Example(
        square,
        np.concatenate(boxes).astype(np.float32),
        np.concatenate(kinds),
        np.concatenate(ignored).astype(np.float32),
    )
    return _within(whole, size)


@dataclass(frozen=True, slots=True)
class CutOut:
    """Something cut out of a photo to be pasted: its picture, and its kind; None for what is neither of them."""

    picture: Image.Image
    kind: int | None


def pasted(ground: Example, cut_outs: Sequence[CutOut], random: np.random.Generator) -> Example:
    """The cut-outs, one after the other, at random places of a ground, with soft edges and no sharper than the ground.

    What is covered by a later one is ignored. Things without a kind are pasted in the same way, so that the seams of
    the pasting say nothing.
    """
    picture = ground.picture.copy()
    sharpness = _sharpness(picture)
    boxes, kinds = list(ground.boxes), list(ground.kinds)
    ignored = list(ground.ignored)
    for one in cut_outs:
        box = _place(one.picture.size, picture.size, random)
        left, top, right, bottom = box
        part = one.picture.resize((right - left, bottom - top), Image.Resampling.BILINEAR, reducing_gap=2.0)
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part
        part = _no_sharper(part, sharpness)
        picture.paste(part, (left, top), _soft_mask(part.size, random))
        covered = [_share_inside(other, box) > 0.5 for other in boxes]
        ignored += [other for other, gone in zip(boxes, covered, strict=True) if gone]
        boxes = [other for other, gone in zip(boxes, covered, strict=True) if not gone]
        kinds = [kind for kind, gone in zip(kinds, covered, strict=True) if not gone]
        if one.kind is not None:
            boxes.append(np.array(box, np.float32))
            kinds.append(np.int64(one.kind))
    return Example(
        picture,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(kinds, np.int64),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def _place(part: tuple[int, int], ground: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    """Where a cut-out goes: between a hundredth and half of the ground's area, wholly in it."""
    area = np.exp(random.uniform(np.log(0.012), np.log(0.5))) * ground[0] * ground[1]
    ratio = part[0] / part[1] * np.exp(random.uniform(-0.12, 0.12))
    width = int(np.clip(np.sqrt(area * ratio), 8, ground[0]))
    height = int(np.clip(np.sqrt(area / ratio), 8, ground[1]))
    left, top = int(random.integers(ground[0] - width + 1)), int(random.integers(ground[1] - height + 1))
    return left, top, left + width, top + height


def _soft_mask(size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Opaque in the middle, fading to the borders over a random breadth; corners sometimes round."""
    breadth = max(1, round(min(size) * random.uniform(0.01, 0.10)))
    mask = Image.new("L", size, 0)
    mask.paste(255, (breadth, breadth, max(size[0] - breadth, breadth + 1), max(size[1] - breadth, breadth + 1)))
    return mask.filter(ImageFilter.GaussianBlur(breadth / 2))


def _sharpness(picture: Image.Image) -> float:
    """Standard deviation of the differences between neighbouring pixels, as a share of that of the pixels."""
    grey = np.asarray(picture.convert("L"), np.float32)
    return float(np.diff(grey, axis=1).std() / (grey.std() + 1.0)) if grey.shape[1] > 1 else 0.0


def _no_sharper(part: Image.Image, sharpness: float) -> Image.Image:
    for radius in (0.6, 1.0):
        if _sharpness(part) <= sharpness * 1.3:
            break
        part = part.filter(ImageFilter.GaussianBlur(radius))
    return part


def _share_inside(box: np.ndarray, other: tuple[int, int, int, int]) -> float:
    """The share of a box that another one covers."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return float(max(width, 0) * max(height, 0) / max(area, 1e-9))


def recoloured(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast and colours changed at random; sometimes blurred, noisy or grey."""
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhancer(picture).enhance(random.uniform(1 - _COLOUR, 1 + _COLOUR))
    if random.random() < _BLURRED:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.5)))
    if random.random() < _NOISY:
        pixels = np.asarray(picture, np.float32)
        noise = random.normal(0, random.uniform(2, 12), pixels.shape).astype(np.float32)
        picture = Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))
    return picture.convert("L").convert("RGB") if random.random() < _GREY else picture
