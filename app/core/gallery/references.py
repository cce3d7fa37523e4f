"""Galleries of reference photos, wherever they are kept: what all of them can do, and how one is opened by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from app.core.gallery.gallery import Gallery, GalleryError, Neighbour, Reference, ReferenceEntry
from model.contract.taxonomy import Taxonomy

if TYPE_CHECKING:  # psycopg is optional
    from app.core.gallery.shared_gallery import SharedGallery

SHARED = ("postgresql://", "postgres://")
"""The beginnings of the address of a gallery that a team shares."""


class References(Protocol):
    """A gallery; `Gallery` says what each part means."""

    fingerprint: str
    dim: int
    read_only: bool

    @property
    def name(self) -> str:
        """Where it is kept, for people."""

    def __len__(self) -> int: ...

    @property
    def approximation(self) -> str | None:
        """How the search is approximate, for people; None where it is exact."""

    def add(self, embeddings: np.ndarray, entries: Sequence[ReferenceEntry]) -> list[int]:
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
        """Embeddings of references, in the order of the ids given."""

    def classes(self) -> Counter[tuple[str, str | None]]:
        """Number of references for each (coarse, fine)."""

    def taxonomy(self, known: Taxonomy) -> Taxonomy:
        """`known` with the gallery's own classes after them."""

    def entries(self) -> dict[int, ReferenceEntry]:
        """Everything stored for each reference besides its embedding, by id, in the order of the ids."""

    def find(self, digest: str) -> Reference | None:
        """The reference with this content, if there is one."""

    def picture(self, reference: Reference, roots: Sequence[Path] = ()) -> Path | None:
        """Where a reference's file is on this computer, if anywhere."""

    def close(self) -> None:
        """The gallery is not used after that."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


Place = Path | str
"""A gallery's file, or the address of one that is shared."""


def place_of(chosen: str) -> Place:
    """A place from what a person has typed."""
    return chosen if is_shared(chosen) else Path(chosen)


def is_shared(place: Place) -> bool:
    """Whether a gallery's name is the address of a shared gallery."""
    return str(place).startswith(SHARED)


def shown(place: Place) -> str:
    """A gallery's place for people: of an address only user, computer and database, never a password."""
    if not is_shared(place):
        return str(place)
    try:
        parts = urlsplit(str(place))
        host, query = parts.netloc.rpartition("@")[2], dict(parse_qsl(parts.query))
        user = parts.username or query.get("user", "")
    except ValueError:
        return f"{SHARED[0]}..."
    return f"{SHARED[0]}{user}{'@' if user else ''}{host or query.get('host', '')}{parts.path}"


def team_is_missing() -> str:
    """The command that installs what shared galleries need; empty if it is installed."""
    missing = find_spec("psycopg") is None or find_spec("pgvector") is None
    return 'pip install "marque[team]"' if missing else ""


def address_problem(text: str) -> str:
    """What is wrong with a typed address of a shared gallery, as a sentence; empty if nothing."""
    try:
        parts = urlsplit(text)
        password, host = parts.password, parts.hostname
        _ = parts.port  # raises if it is not a number
    except ValueError:
        return "This is not an address. Write it as postgresql://user@host/database."
    if not is_shared(text) or not (host or "host=" in parts.query) or not parts.path.strip("/"):
        return "Write the address as postgresql://user@host/database."
    if password or "password=" in parts.query:
        return "Leave out the password, because the address is remembered. PostgreSQL reads it from the file ~/.pgpass."
    return ""


def open_references(place: Place, fingerprint: str, dim: int, *, write: bool) -> Gallery | SharedGallery:
    """Open a gallery by its file or address.

    Args:
        place: a file, or `postgresql://user@host/database`.
        fingerprint: of the identification model.
        dim: length of its embeddings.
        write: for adding photos: a missing file is made. A shared gallery is made by the first person who opens it and
            has permission.

    Raises:
        GalleryError: if it cannot be used; the message says why.
    """
    if is_shared(place):
        try:
            from app.core.gallery.shared_gallery import SharedGallery
        except ImportError as error:
            missing = team_is_missing()
            raise GalleryError(
                f"{shown(place)}: shared galleries "
                + (f"need one more package: {missing}" if missing else f"cannot be used ({error})")
            ) from error
        return SharedGallery.open(str(place), fingerprint, dim, read_only=not write)
    path = Path(place)
    if write and not path.exists():
        return Gallery.create(path, fingerprint, dim)
    return Gallery.open(path, fingerprint, read_only=not write)
