"""Synthetic references, and what a gallery that holds them must answer, found by brute force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from app.core.gallery.gallery import Gallery, ReferenceEntry

DIM = 16


def clustered(count: int, seed: int = 1) -> np.ndarray:
    """Unit vectors [N, d] in clusters; what float16 leaves of them."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(12, DIM))
    vectors = centres[chance.integers(0, 12, count)] + chance.normal(0, 0.4, (count, DIM))
    return unit(unit(vectors).astype(np.float16))


def unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def entries(numbers: Sequence[int], fine: str = "TL") -> list[ReferenceEntry]:
    return [
        ReferenceEntry("sedan", f"{fine} {n % 5}", "test", f"{n}.jpg", f"digest {n}", Path("/photos")) for n in numbers
    ]


def check(gallery: Gallery, held: Mapping[str, np.ndarray]) -> None:
    """The gallery holds these, by their digests, and everything it says agrees with that."""
    known = {digest: gallery.find(digest) for digest in held}
    found = {digest: one for digest, one in known.items() if one is not None}
    assert len(found) == len(held) == len(gallery)
    assert [one.id for one in gallery.references()] == sorted(one.id for one in found.values())
    assert gallery.classes().total() == len(held)
    if held:
        vectors = np.stack(list(held.values()))
        ids = [found[digest].id for digest in held]
        np.testing.assert_allclose(gallery.embeddings(ids), vectors, atol=1e-3)
        queries = unit(np.random.default_rng(7).normal(size=(4, DIM)))
        names = sorted({one.fine or "" for one in found.values()})
        sums = np.array([sum(held[d] for d, one in found.items() if one.fine == name) for name in names])
        np.testing.assert_allclose(gallery.centre_similarities(queries, names), queries @ unit(sums).T, atol=2e-3)
        for query, near in zip(queries, gallery.search(queries, 10), strict=True):
            expected = np.sort(vectors @ query)[::-1][:10]
            np.testing.assert_allclose([one.similarity for one in near], expected, atol=1e-3)


def vector_of(number: int, version: int) -> np.ndarray:
    """The embedding of a photo, which may come again in another version: float32 [d], unit length."""
    return clustered(1, seed=1000 * version + number)[0]
