"""A gallery as one file to give away, and merging such a file into another gallery.

The file holds labels, embeddings, and the source, path and digest of each picture, by which it is found where the
pictures are. It does not hold where they are on this computer, nor what was changed or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from app.core.gallery import gallery_file, search_index_file
from app.core.gallery.gallery import Gallery, GalleryError
from app.core.gallery.gallery_file import KIND
from app.core.gallery.gallery_steps import GallerySteps
from app.core.gallery.references import References
from app.core.gallery.selection import GallerySelection
from app.core.system import database
from app.core.teaching.enrolment import Enrolled

SUFFIX = ".gallery"
"""Ending of a gallery's file name."""
_CHUNK = 2000


def export(
    gallery: References, place: Path, *, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, Enrolled]]:
    """Write a gallery into one file; yields the number of its references and a report, after each piece.

    The file appears whole or not at all, and never over another one.

    Raises:
        GalleryError: if something is there, or it cannot be written.
    """
    entries = gallery.entries()
    ids = list(entries)
    yield len(ids), Enrolled(0, 0, ())
    with suppress(_CancelledError), database.new_file(place, GalleryError, KIND) as part:
        try:
            gallery_file.fill(part, gallery.fingerprint, gallery.dim)
            with Gallery.open(part) as copy:
                for start in range(0, len(ids), _CHUNK):
                    if cancelled():
                        raise _CancelledError
                    piece = ids[start : start + _CHUNK]
                    copy.add(gallery.embeddings(piece), [replace(entries[number], root=None) for number in piece])
                    yield len(ids), Enrolled(len(piece), 0, ())
        finally:
            search_index_file.place_of(part).unlink(missing_ok=True)


class _CancelledError(Exception):
    """The file must not appear."""


def merge(
    shelf: GallerySelection, place: Path, fingerprint: str, dim: int, *, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, Enrolled]]:
    """Add what another gallery has to the one in use, as one step; yields their number and a report, after each piece.

    A photo that exists here stays as it is, even if the other gallery labels it differently.

    Args:
        shelf: whose gallery takes it.
        place: the other gallery's file, which is not changed. fingerprint, dim: those of the identification model in
        use and its embeddings.

    Raises:
        GalleryError: if the file is not a gallery, belongs to another model, or the gallery cannot be written.
    """
    with Gallery.open(place, read_only=True) as other:
        _check(other, fingerprint, dim)
        entries = other.entries()
        yield len(entries), Enrolled(0, 0, ())
        gallery = shelf.writable()
        steps, step = GallerySteps(gallery), None
        ids = list(entries)
        for start in range(0, len(ids), _CHUNK):
            if cancelled():
                return
            fresh, problems = [], []
            for number in ids[start : start + _CHUNK]:
                entry, known = entries[number], gallery.find(entries[number].digest)
                if known is None:
                    fresh.append(number)
                elif (known.coarse, known.fine) != (entry.coarse, entry.fine):
                    here, there = known.fine or known.coarse, entry.fine or entry.coarse
                    problems.append(f"{entry.path}: is {here} here and {there} in {place.name}; it stays as it is")
            if fresh:
                title = f"import {place.name}"
                step = steps.add(other.embeddings(fresh), [entries[number] for number in fresh], title, step)
            known_too = min(_CHUNK, len(ids) - start) - len(fresh) - len(problems)
            yield len(ids), Enrolled(len(fresh), known_too, tuple(problems))


def _check(other: Gallery, fingerprint: str, dim: int) -> None:
    if other.dim != dim:
        raise GalleryError(
            f"{other.path}: its embeddings have {other.dim:,} numbers, those of the identification model in use "
            f"{dim:,}. Open the model that it was made with, or enrol its photos again"
        )
    if other.fingerprint != fingerprint:
        raise GalleryError(
            f"{other.path}: it was made with another identification model ({other.fingerprint}; the one in use is "
            f"{fingerprint}), and embeddings of two models cannot be compared. "
            "Open that model, or enrol its photos again"
        )
