"""From photographs to batches of pixels: decoding, a cache of uint8 pictures, augmentation on the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from model.console import console
from model.contract.photo import FitPolicy, PhotoError, fit, read_object
from model.contract.samples import Sample


@dataclass(frozen=True, slots=True)
class PictureForm:
    """How photos are held: squares of `size` pixels, made by `model.contract.photo.fit`.

    Attributes:
        exchanged: whether with red and blue exchanged.
        mirrored: whether left and right are exchanged.
    """

    size: int
    fit: FitPolicy
    exchanged: bool = False
    mirrored: bool = False

    @property
    def bytes_each(self) -> int:
        """Bytes of one decoded picture."""
        return self.size * self.size * 3

    def decode(self, sample: Sample) -> np.ndarray:
        """The photo, or the object in its box where it has one: uint8 [size, size, 3]. Raises PhotoError."""
        picture = fit(read_object(sample.path, sample.box), self.size, self.fit)
        picture = picture[:, ::-1] if self.mirrored else picture
        return picture[..., ::-1] if self.exchanged else picture


class PictureStore:
    """The pictures of a list of samples, decoded once into memory or, when they do not fit, at every use."""

    def __init__(self, samples: Sequence[Sample], form: PictureForm, *, budget: float, workers: int) -> None:
        """Args: budget: bytes that the decoded pictures may take; above it they are decoded at every use."""
        self.samples = tuple(samples)
        self.form = form
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")
        shape = (len(self.samples), form.size, form.size, 3)
        self._cache = np.empty(shape, dtype=np.uint8) if len(self.samples) * form.bytes_each <= budget else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def is_cached(self) -> bool:
        """Whether the decoded pictures are kept."""
        return self._cache is not None

    def __len__(self) -> int:
        return len(self.samples)

    def decode_all(self, title: str) -> list[PhotoError]:
        """Decode every photo once, into the cache where there is one; the errors of those that cannot be decoded.

        This comes before a training even if nothing is cached: a damaged photo should be reported in the first minutes,
        not in the third hour.
        """
        jobs = self._pool.map(self._decode_into_cache, range(len(self)))
        with console.progress() as progress:
            decoded = progress.track(jobs, description=title, total=len(self))
            return [error for error in decoded if error is not None]

    def _decode_into_cache(self, index: int) -> PhotoError | None:
        try:
            picture = self.form.decode(self.samples[index])
        except PhotoError as error:
            return error
        if self._cache is not None:
            self._cache[index] = picture
        return None

    def batches(self, groups: Iterable[np.ndarray]) -> Iterator[Tensor]:
        """For each group of indices the pictures as uint8 [B, 3, size, size]; decoded a batch ahead where not cached.

        Raises:
            PhotoError: if a photo that is not cached has become unreadable meanwhile.
        """
        if self._cache is not None:
            for group in groups:
                yield _channels_first(self._cache[group])
            return
        ahead: list[list] = []
        for group in groups:
            ahead.append([self._pool.submit(self.form.decode, self.samples[i]) for i in group])
            if len(ahead) > 2:
                yield _channels_first(np.stack([job.result() for job in ahead.pop(0)]))
        for jobs in ahead:
            yield _channels_first(np.stack([job.result() for job in jobs]))

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """All pictures in their order, in batches of at most `batch`."""
        return self.batches(np.arange(start, min(start + batch, len(self))) for start in range(0, len(self), batch))


def _channels_first(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def _red_and_blue_exchanged(picture: Tensor) -> Tensor:
    return picture.flip(-3)


class Augmentation:
    """Random crops, mirror images, colours and erased patches, for each picture its own, on the pictures' device.

    Each picture has its own seed, so that it looks the same in any batch.
    """

    def __init__(
        self, size: int, *, crop_scale: float, colour: float, trivial: bool, exchange: float, erase: float
    ) -> None:
        """Args: as `model.contract.config.InputSettings`; trivial: one operation of TrivialAugment instead of the
        jitter.
        """
        steps: list[torch.nn.Module] = [
            v2.RandomResizedCrop(size, scale=(crop_scale, 1.0), ratio=(0.75, 4 / 3), antialias=True),
            v2.RandomHorizontalFlip(),
        ]
        if trivial:
            steps.append(v2.TrivialAugmentWide())
        elif colour > 0:
            steps.append(v2.ColorJitter(brightness=colour, contrast=colour, saturation=colour))
        if exchange > 0:
            steps.append(v2.RandomApply([v2.Lambda(_red_and_blue_exchanged)], p=exchange))
        if erase > 0:
            steps.append(v2.RandomErasing(p=erase, scale=(0.02, 0.15)))
        self._transform = v2.Compose(steps)

    def __call__(self, pictures: Tensor, seeds: Sequence[int]) -> Tensor:
        """uint8 [B, 3, S, S] -> uint8 [B, 3, size, size]; seeds torch's global generators."""
        return torch.stack([self._one(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)])

    def _one(self, picture: Tensor, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return self._transform(picture)
