"""Galleries of reference photos, wherever they are kept: what all of them can do, and how one is opened by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from app.core.gallery import Entry, Gallery, GalleryError, Neighbour, Reference
from model.taxonomy import Taxonomy

SHARED = ("postgresql://", "postgres://")
"""How the address of a gallery begins that a team shares."""


class References(Protocol):
    """A gallery; `Gallery` says what each part means."""

    fingerprint: str
    dim: int
    read_only: bool

    @property
    def name(self) -> str:
        """Where it is kept, for people."""

    def __len__(self) -> int: ...

    def add(self, embeddings: np.ndarray, entries: Sequence[Entry]) -> list[int]:
        """Add photos in one transaction; their ids."""

    def remove(self, ids: Iterable[int]) -> None:
        """Remove photos in one transaction."""

    def search(self, embeddings: np.ndarray, k: int) -> list[list[Neighbour]]:
        """The most similar references of each embedding."""

    def centre_similarities(self, embeddings: np.ndarray, fine: Sequence[str]) -> np.ndarray:
        """Cosines to the centres of classes."""

    def references(self) -> list[Reference]:
        """All references in the order of their ids."""

    def embeddings(self, ids: Sequence[int]) -> np.ndarray:
        """Embeddings of references, in the order of their ids given."""

    def classes(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""

    def taxonomy(self, known: Taxonomy) -> Taxonomy:
        """`known` with the gallery's own classes after its own."""

    def find(self, digest: str) -> Reference | None:
        """The reference with this content."""

    def picture(self, reference: Reference, roots: Sequence[Path] = ()) -> Path | None:
        """Where a reference's file is on this computer."""

    def close(self) -> None:
        """The gallery is not used after that."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


Place = Path | str
"""A gallery's file, or the address of one that is shared."""


def place_of(chosen: str) -> Place:
    """What a person has typed, as a place."""
    return chosen if is_shared(chosen) else Path(chosen)


def is_shared(place: Place) -> bool:
    """Whether a gallery's name is the address of one that a team shares."""
    return str(place).startswith(SHARED)


def open_references(place: Place, fingerprint: str, dim: int, *, write: bool) -> References:
    """Open a gallery by its file or address.

    Args:
        place: a file, or `postgresql://user@host/database`.
        fingerprint: of the identification model.
        dim: length of its embeddings.
        write: photos are to be added: a file that is missing is made. A shared gallery is made by whoever opens it
            first and may.

    Raises:
        GalleryError: if it cannot be used; the message says why.
    """
    if is_shared(place):
        try:
            from app.core.shared_gallery import SharedGallery
        except ImportError as error:
            raise GalleryError(
                f'{place}: shared galleries need one more package: pip install "marque[team]"'
            ) from error
        return SharedGallery.open(str(place), fingerprint, dim, read_only=not write)
    path = Path(place)
    if write and not path.exists():
        return Gallery.create(path, fingerprint, dim)
    return Gallery.open(path, fingerprint, read_only=not write)
