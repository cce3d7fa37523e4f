"""References of another identification model, embedded again by the one in use.

A gallery belongs to one model. Galleries of other models (an earlier one of the user, or one to import) stay as they
are; if the picture of a reference is known, it is read again and added to the gallery in use.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from app.core.gallery.gallery import Gallery, GalleryError, ReferenceEntry
from app.core.gallery.gallery_steps import GallerySteps
from app.core.gallery.selection import GallerySelection, own_place
from app.core.recognition.engine import Engine
from app.core.recognition.images import PhotoError, load
from app.core.recognition.pipeline import default_workers, map_in_order
from app.core.teaching.enrolment import Enrolled, digest_of
from model.system.wording import counted


@dataclass(frozen=True)
class Behind:
    """References left in galleries of other models.

    Attributes: entries: references whose pictures exist. missing: where the pictures of further references should be
        but are not.
        problems: why a gallery could not be read.
    """

    entries: tuple[ReferenceEntry, ...] = ()
    missing: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def own_galleries(fingerprint: str) -> list[Path]:
    """The user's galleries of other identification models, the one changed last first."""
    own = own_place(fingerprint)
    others = [path for path in own.parent.glob(f"*{own.suffix}") if path != own and path.is_file()]
    return sorted(others, key=lambda one: one.stat().st_mtime, reverse=True)


def left_behind(galleries: Sequence[Path], fingerprint: str, known: Container[str]) -> Behind:
    """Look through galleries of other identification models.

    References without a place for their picture, like the supplied ones, do not count.

    Args:
        galleries: files; if a photo is in several of them, the first one counts. fingerprint: that of the model in use;
        a gallery of this model is skipped. known: digests that the gallery in use already has.
    """
    found: dict[str, ReferenceEntry] = {}
    problems = []
    for path in galleries:
        try:
            with Gallery.open(path, read_only=True) as gallery:
                entries = gallery.entries().values() if gallery.fingerprint != fingerprint else ()
        except GalleryError as error:
            problems.append(str(error))
            continue
        for entry in entries:
            if entry.root is not None and entry.digest not in known:
                found.setdefault(entry.digest, entry)
    there = {digest for digest, entry in found.items() if _place(entry).is_file()}
    return Behind(
        tuple(entry for digest, entry in found.items() if digest in there),
        tuple(_place(entry) for digest, entry in found.items() if digest not in there),
        tuple(problems),
    )


def reembed(
    engine: Engine,
    shelf: GallerySelection,
    entries: Sequence[ReferenceEntry],
    *,
    batch: int = 4,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, Enrolled]]:
    """Embed references again, as one step of the gallery in use; yields their number and reports, the first one empty.

    Labels, source and place stay as they are. A picture that has changed since it was enrolled is skipped.

    Raises:
        EngineError: if the inference fails.
        GalleryError: if the gallery cannot be written.
    """
    total = len(entries)
    yield total, Enrolled(0, 0, ())
    if not entries:
        return
    steps, step = GallerySteps(shelf.writable()), None
    title = f"re-embed {counted(total, 'reference')}"
    workers = default_workers()
    reading = map_in_order(
        lambda entry: _read(engine, entry), entries, workers=workers, ahead=batch + workers, cancelled=cancelled
    )
    while chunk := list(islice(reading, batch)):
        if cancelled():
            return
        fresh = [(entry, pixels) for entry, pixels, _ in chunk if pixels is not None]
        if fresh:
            vectors = engine.run(np.stack([pixels for _, pixels in fresh])).embeddings
            step = steps.add(vectors, [entry for entry, _ in fresh], title, step)
        problems = tuple(f"{_place(entry)}: {why}" for entry, pixels, why in chunk if pixels is None)
        yield total, Enrolled(len(fresh), 0, problems)


def _place(entry: ReferenceEntry) -> Path:
    return (entry.root or Path()) / entry.path


def _read(engine: Engine, entry: ReferenceEntry) -> tuple[ReferenceEntry, np.ndarray | None, str]:
    """A picture as the model takes it, or why it cannot be used."""
    place = _place(entry)
    try:
        # if it is a part of a photo, its box is not stored, and its digest is not that of the file
        if digest_of(place.read_bytes()) != entry.digest:
            return entry, None, "the file has changed since, or a part of it was enrolled; enrol it again"
        return entry, engine.prepare(load(place)), ""
    except PhotoError as error:
        return entry, None, error.reason
    except OSError as error:
        return entry, None, f"the file cannot be read ({error.strerror})"
