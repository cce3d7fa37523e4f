"""Which gallery is in use: the one that was named, the user's own for this model, or the one supplied with the model.

The supplied gallery is never written. The first change copies it to the user's folder, under the fingerprint of the
identification model, so galleries of two models are never mixed; from then on the copy is used.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.gallery.gallery import Gallery, GalleryError, Reference
from app.core.gallery.gallery_steps import GallerySteps
from app.core.gallery.references import Place, is_shared, open_references
from app.core.gallery.shared_steps import SharedSteps
from app.core.system import paths

if TYPE_CHECKING:  # psycopg is an extra
    from app.core.gallery.shared_gallery import SharedGallery

ADDS_ONLY = "In a shared gallery the window only adds photos. A photo that is added to another class moves there."
"""Why other changes are refused."""


@dataclass(frozen=True, eq=False)
class GalleryContents:
    """The content of a gallery at one time.

    Attributes:
        references: all of them, in the order of their ids.
        places: id -> where the file was when it was added. undo, redo: titles of the steps that could be undone or
        redone, else None. approximation: how the search is approximate, in words, None if it is exact. compared_by:
        stays equal while photos are compared with the same references under the same labels.
    """

    references: tuple[Reference, ...] = ()
    places: dict[int, Path] = field(default_factory=dict)
    undo: str | None = None
    redo: str | None = None
    approximation: str | None = None
    compared_by: int = field(init=False)

    def __post_init__(self) -> None:
        labels = tuple((one.id, one.coarse, one.fine) for one in self.references)
        object.__setattr__(self, "compared_by", hash(labels))


class GallerySelection:
    """The gallery of one identification model. Used by one thread.

    Attributes:
        gallery: the one in use, or None. shared: whether it is, or should be, one that a team shares. problem: why an
        existing gallery is not in use, or None.
    """

    def __init__(self, fingerprint: str, dim: int, *, named: Place | None, supplied: Path | None) -> None:
        """Open the gallery to use.

        Args:
            fingerprint: of the identification model.
            dim: length of its embeddings.
            named: the gallery that the user asked for; it is used in place, and changed there if it is a file.
            supplied: the one supplied with the model.
        """
        self._fingerprint, self._dim = fingerprint, dim
        self._own = named if isinstance(named, Path) else own_place(fingerprint)
        self.gallery: Gallery | SharedGallery | None = None
        self._shared_steps: SharedSteps | None = None
        self._read_at = -1  # the revision of a shared gallery whose contents were read last
        self.problem: str | None = None
        self.shared = named is not None and is_shared(named)
        own = self._own if self._own.exists() else None
        for place in (named,) if named is not None else (own, supplied):
            if place is None:
                continue
            try:
                self.gallery = open_references(place, fingerprint, dim, write=self.shared)
            except GalleryError as error:
                self.problem = self.problem or str(error)
                continue
            if not isinstance(self.gallery, Gallery):
                self._shared_steps = SharedSteps(self.gallery)
            return

    def writable(self) -> Gallery:
        """The gallery, ready to be changed; it is copied or made first if the user has none for this model yet.

        Raises:
            GalleryError: if it cannot be copied, made or written, or is one that a team shares.
        """
        if isinstance(self.gallery, Gallery) and not self.gallery.read_only:
            return self.gallery
        if self.shared:  # also if it cannot be reached: its photos must not go elsewhere
            raise GalleryError(ADDS_ONLY)
        if not self._own.exists():
            self._make()
        writable = Gallery.open(self._own, self._fingerprint)
        self.close()
        self.gallery, self.problem = writable, None
        return writable

    def additions(self) -> GallerySteps | SharedSteps:
        """Adds photos as steps that can be undone; in a shared gallery only while it stays open.

        Raises:
            GalleryError: as `writable`, but a shared gallery takes additions while it can be reached.
        """
        if not self.shared:
            return GallerySteps(self.writable())
        if self._shared_steps is None:
            raise GalleryError(self.problem or "The shared gallery is not open.")
        return self._shared_steps

    def contents(self) -> GalleryContents:
        """Its content now."""
        gallery = self.gallery
        if gallery is None:
            return GalleryContents()
        if isinstance(gallery, Gallery):
            steps = GallerySteps(gallery).next_steps()
            return GalleryContents(tuple(gallery.references()), gallery.places(), *steps, gallery.approximation)
        self._read_at = gallery.revision
        references = tuple(gallery.references())
        places = {number: one.root / one.path for number, one in gallery.entries().items() if one.root is not None}
        return GalleryContents(references, places, *self.additions().next_steps(), gallery.approximation)

    def overtaken(self) -> bool:
        """Whether somebody has changed a shared gallery since its contents were read."""
        gallery = self.gallery
        return gallery is not None and not isinstance(gallery, Gallery) and gallery.revision != self._read_at

    def give_up(self, why: str) -> None:
        """The gallery can no longer be reached: continue without it."""
        self.close()
        self.problem = why

    def close(self) -> None:
        """Close the gallery."""
        if self.gallery is not None:
            self.gallery.close()
            self.gallery = self._shared_steps = None

    def _make(self) -> None:
        if not isinstance(self.gallery, Gallery):
            with suppress(OSError):  # `create` raises the reason
                self._own.parent.mkdir(parents=True, exist_ok=True)
            Gallery.create(self._own, self._fingerprint, self._dim).close()
        else:
            self.gallery.copy_to(self._own)


def own_place(fingerprint: str) -> Path:
    """The place of the user's gallery for an identification model, whether it exists or not."""
    return paths.user_data_dir() / "galleries" / f"{fingerprint}.gallery"
