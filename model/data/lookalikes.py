"""Photos of nearly the same look: copies in another size, compression or brightness, also mirrored or stretched.

They are found by a perceptual hash: of the picture in grey, 32 x 32 pixels, the signs of the lowest 16 x 16 frequencies
against their median, as in Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010). Parts
cut from a photo, and other photos of the same ship, are not found.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from model.contract.photo import read_small

MOST_BITS = 48
"""Bits of 255 by which photos of nearly the same look differ at most.

Chosen by looking at all pairs around it among 15,700 photos of cars, ships, streets and harbours: of 150 photos that
are in two collections 149 are within 36 and one is at 44; at 44 to 50 are retouched copies, and pictures of one ship or
car taken in a series; from 52 on most pairs show different cars on white, or different ships on the same horizon.
"""

_SIDE, _FREQUENCIES = 32, 16
_BLOCK = 512  # photos that are compared at once with all others


def looks(photos: Sequence[Path]) -> np.ndarray:
    """The hashes of photos: bool [N, 2, 255], each as it is and mirrored.

    Raises:
        PhotoError: if a photo cannot be read.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return np.array(list(pool.map(_look, photos)), bool).reshape(-1, 2, _FREQUENCIES**2 - 1)


def alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Which photos have nearly the same look: int64 [P, 2], places in two lists of hashes."""
    upright = _signs(second[:, 0])
    pairs = []
    for start in range(0, len(first), _BLOCK):
        block = first[start : start + _BLOCK]
        agreeing = np.maximum(_signs(block[:, 0]) @ upright.T, _signs(block[:, 1]) @ upright.T)
        found = np.argwhere(block.shape[2] - agreeing <= 2 * MOST_BITS)
        pairs.append(found + np.array([start, 0]))
    return np.concatenate([np.empty((0, 2), np.int64), *pairs])


def clusters(hashes: np.ndarray, together: Sequence[str] | None = None) -> np.ndarray:
    """int64 [N]: equal for photos that are connected by a chain of pairs of nearly the same look.

    Args:
        hashes: from `looks`.
        together: for each photo a name; photos of one name are connected too.
    """
    count = len(hashes)
    pairs = [alike(hashes, hashes)]
    if together is not None:
        first = {name: place for place, name in reversed(list(enumerate(together)))}
        pairs.append(np.array([(place, first[name]) for place, name in enumerate(together)], np.int64).reshape(-1, 2))
    rows, columns = np.concatenate(pairs).T
    joined = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(count, count))
    return connected_components(joined, directed=False)[1].astype(np.int64)


def _look(photo: Path) -> np.ndarray:
    small = read_small(photo, 2 * _SIDE).convert("L")
    grey = np.asarray(small.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64)
    waves = dctn(np.stack([grey, grey[:, ::-1]]), axes=(1, 2), norm="ortho")[:, :_FREQUENCIES, :_FREQUENCIES]
    waves = waves.reshape(2, -1)[:, 1:]  # the first one is the brightness
    return waves > np.median(waves, axis=1, keepdims=True)


def _signs(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.float32) * 2 - 1
