"""What the finder sees in an epoch: scenes, pictures with a teacher's boxes, cut pictures and composites, by shares."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from model.data.scenes import Scene
from model.detection.assignment import Wanted
from model.detection.scene_pictures import (
    CutOut,
    Example,
    example_of,
    pasted,
    recoloured,
    tiled,
    windowed,
)

_AHEAD = 4
"""Batches that are made while one is learned from."""
_FULL = 0.85
"""Share of the picture from which on a box counts as one around the whole picture."""
_MOST_PASTED = 5
_OTHER_THINGS = 0.35
"""Share of the pasted cut-outs that are neither vehicle nor vessel."""
_TILE = 256
"""Side of a scene before four of them are put into one picture."""


@dataclass(frozen=True, slots=True)
class PictureShares:
    """Shares of an epoch's pictures; what is left are windows of `scenes`.

    Attributes:
        taught: windows of photos with a teacher's boxes.
        framed: pictures that one vehicle fills.
        composed: photos without vehicles, or scenes, with vehicles pasted in.
        tiled: four pictures in one.
    """

    taught: float
    framed: float
    composed: float
    tiled: float


class FinderPictures:
    """The training pictures of a finder; which one, and how it is changed, follows from a seed."""

    def __init__(self, scenes: Sequence[Scene], taught: Sequence[Scene], shares: PictureShares, size: int) -> None:
        """A source of training pictures.

        Args:
            scenes: with the boxes of people, and photos without any vehicle or vessel.
            taught: photos with a teacher's boxes; those with a box around the whole picture are `framed`.
            size: side of the square, pixels.
        """
        self.size, self._shares = size, shares
        self._scenes = list(scenes)
        self._empty = [scene for scene in scenes if not len(scene.boxes)]
        self._framed = [scene for scene in taught if _is_framed(scene)]
        self._taught = [scene for scene in taught if not _is_framed(scene)]
        # what can be cut out: most of a picture, so that it is sharp enough, and in one piece
        self._cuttable = [scene for scene in (*scenes, *self._taught) if _large(scene).any()]

    def __len__(self) -> int:
        """Photos that there are, of all sources."""
        return len(self._scenes) + len(self._framed) + len(self._taught)

    def drawn(self, seed: Sequence[int]) -> Example:
        """The picture of a seed, a square of `size` pixels. Raises PhotoError."""
        random = np.random.default_rng(seed)
        shares = self._shares
        draw = random.random()
        for share, make in (
            (
                shares.taught if self._taught else 0.0,
                lambda: windowed(self._one(self._taught, random), self.size, random),
            ),
            (shares.framed if self._framed else 0.0, lambda: self._frame(random)),
            (shares.composed if self._cut_outs_there() else 0.0, lambda: self._composite(random)),
            (shares.tiled, lambda: self._tiles(random)),
        ):
            if draw < share:
                found = make()
                break
            draw -= share
        else:
            found = windowed(self._one(self._scenes, random), self.size, random)
        return found._replace(picture=recoloured(found.picture, random))

    def _cut_outs_there(self) -> bool:
        return bool(self._framed or self._cuttable)

    @staticmethod
    def _one(scenes: Sequence[Scene], random: np.random.Generator) -> Example:
        return example_of(scenes[int(random.integers(len(scenes)))])

    def _frame(self, random: np.random.Generator) -> Example:
        """One vehicle that fills the picture, or nearly so."""
        return windowed(self._one(self._framed, random), self.size, random, zoom=(0.85, 1.1))

    def _tiles(self, random: np.random.Generator) -> Example:
        def one() -> Example:
            draw = random.random()
            if draw < 0.25 and self._framed:
                return windowed(self._one(self._framed, random), _TILE, random, zoom=(0.4, 1.0))
            pool = self._taught if draw < 0.5 and self._taught else self._scenes
            return windowed(self._one(pool, random), _TILE, random, zoom=(0.6, 1.6))

        return tiled([one() for _ in range(4)], self.size, random)

    def _composite(self, random: np.random.Generator) -> Example:
        pool = self._empty if self._empty and random.random() < 0.7 else self._scenes
        ground = windowed(self._one(pool, random), self.size, random, zoom=(0.9, 2.0))
        count = 1 + int(random.integers(_MOST_PASTED))
        return pasted(ground, [self._cut_out(random) for _ in range(count)], random)

    def _cut_out(self, random: np.random.Generator) -> CutOut:
        if random.random() < _OTHER_THINGS and self._empty:
            return _thing(self._one(self._empty, random), random)
        if self._framed and (random.random() < 0.7 or not self._cuttable):
            framed = self._one(self._framed, random)
            return CutOut(_part(framed, 0), int(framed.kinds[0]))
        scene = self._cuttable[int(random.integers(len(self._cuttable)))]
        row = int(random.choice(np.flatnonzero(_large(scene))))
        photo = example_of(scene)
        return CutOut(_part(photo, row), int(photo.kinds[row]))


def _part(example: Example, row: int) -> Image.Image:
    """What is in a box."""
    left, top, right, bottom = example.boxes[row].round().astype(int).tolist()
    return example.picture.crop((left, top, right, bottom))


def _thing(example: Example, random: np.random.Generator) -> CutOut:
    """A random part of a photo without vehicles."""
    width, height = example.picture.size
    across, down = (max(16, int(side * random.uniform(0.2, 0.8))) for side in (width, height))
    left, top = (int(random.integers(max(1, total - part + 1))) for total, part in ((width, across), (height, down)))
    return CutOut(example.picture.crop((left, top, min(left + across, width), min(top + down, height))), None)


def _is_framed(scene: Scene) -> bool:
    """Whether its one box is around the whole picture."""
    shares = _shares_of(scene)[~scene.crowd]
    return len(shares) == 1 and bool(shares[0] >= _FULL)


def _large(scene: Scene) -> np.ndarray:
    """Which of its boxes, crowds left out as in an Example, are large enough to be cut out."""
    return _shares_of(scene)[~scene.crowd] >= 0.06


def _shares_of(scene: Scene) -> np.ndarray:
    """The share of the picture that each box covers."""
    boxes = scene.boxes
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / (scene.width * scene.height)


def batches(
    pictures: FinderPictures, seed: int, numbers: range, batch: int, workers: int
) -> Iterator[tuple[Tensor, list[Wanted]]]:
    """The batches of those numbers: uint8 [B, 3, size, size], and what each picture shows. Made some batches ahead.

    Raises:
        PhotoError: if a photo has become unreadable.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="draw") as pool:
        ahead: deque[list[Future[Example]]] = deque()
        try:
            for number in numbers:
                ahead.append([pool.submit(pictures.drawn, (seed, number, place)) for place in range(batch)])
                if len(ahead) > _AHEAD:
                    yield _stacked([job.result() for job in ahead.popleft()])
            while ahead:
                yield _stacked([job.result() for job in ahead.popleft()])
        finally:
            pool.shutdown(cancel_futures=True)


def _stacked(examples: list[Example]) -> tuple[Tensor, list[Wanted]]:
    pixels = np.stack([np.asarray(example.picture) for example in examples])
    wanted = [
        Wanted(*(torch.from_numpy(np.ascontiguousarray(column)) for column in (one.boxes, one.kinds, one.ignored)))
        for one in examples
    ]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), wanted
