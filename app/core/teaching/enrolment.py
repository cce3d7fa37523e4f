"""Adding labelled photos to a gallery: decode, embed, store, one batch after the other."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from app.core.gallery.gallery import ReferenceEntry
from app.core.gallery.references import References
from app.core.recognition.engine import BATCH, Engine
from app.core.recognition.pipeline import default_workers, map_in_order
from app.core.system.content_digest import new_digest
from model.contract.photo import PhotoError, read_object
from model.contract.samples import Box, Sample


@dataclass(frozen=True)
class Enrolled:
    """The result of one batch.

    Attributes:
        added: photos that the gallery took in, or whose label or place it changed.
        known: photos that were already in it. problems: one message for each skipped photo.
    """

    added: int
    known: int
    problems: tuple[str, ...]

    @property
    def done(self) -> int:
        """Number of finished photos."""
        return self.added + self.known + len(self.problems)


@dataclass(frozen=True)
class _Read:
    sample: Sample
    digest: str = ""
    pixels: np.ndarray | None = None
    embedding: np.ndarray | None = None
    error: str | None = None


def limit_per_class(samples: Iterable[Sample], limit: int) -> list[Sample]:
    """The first `limit` samples of each class, in their order."""
    counts: Counter[tuple[str, str | None]] = Counter()
    kept = []
    for sample in samples:
        counts[sample.coarse, sample.fine] += 1
        if counts[sample.coarse, sample.fine] <= limit:
            kept.append(sample)
    return kept


def enrol(
    engine: Engine,
    gallery: References,
    samples: Sequence[Sample],
    *,
    remember_root: bool = True,
    batch: int = BATCH,
    workers: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    store: Callable[[np.ndarray, list[ReferenceEntry]], object] | None = None,
    embeddings: Mapping[str, np.ndarray] | None = None,
) -> Iterator[Enrolled]:
    """Add `samples` to the gallery; yields a report after each batch, which is then safely stored.

    A photo is identified by its content and box: one that is already in the gallery is not added again, but gets the
    new label if that differs, and its new place if it has moved. Of equal photos in `samples` the first counts.

    Args:
        engine: the model that the gallery belongs to.
        gallery: the one that takes them. samples: labelled photos; if one has a box, only the box is embedded, as in
            the trainer. remember_root: whether the gallery also stores the folder of each source, where its paths
            start, so that its pictures are found; not for a gallery that is given away.
        batch: photos per inference and transaction.
        workers: decoding threads; None for as many as suit this computer.
        cancelled: asked between batches; no further batch is added when it answers True.
        store: puts embeddings [N, d] and their entries into the gallery; `gallery.add` if it is None. embeddings: by
        digest, float [d], unit length: made by this model earlier, and not made again.

    Raises:
        EngineError: if the inference fails.
        GalleryError: if the gallery cannot be written.
    """
    if gallery.fingerprint != engine.info.fingerprint:
        raise ValueError(f"{gallery.name} belongs to model {gallery.fingerprint}, not {engine.info.fingerprint}")
    workers = workers or default_workers()
    roots = _common_folders(samples)
    first_with: dict[str, Sample] = {}
    reading = map_in_order(
        lambda sample: _read(engine, gallery, sample, remember_root, embeddings or {}),
        samples,
        workers=workers,
        ahead=batch + workers,
        cancelled=cancelled,
    )
    while chunk := list(islice(reading, batch)):
        if cancelled():
            return
        fresh, problems = _divided(chunk, first_with)
        if fresh:
            entries = [_entry(read, roots[_home(read.sample)], remember_root) for read in fresh]
            (store or gallery.add)(_embed(engine, fresh), entries)
        yield Enrolled(len(fresh), len(chunk) - len(fresh) - len(problems), tuple(problems))


def _divided(chunk: Sequence[_Read], first_with: dict[str, Sample]) -> tuple[list[_Read], list[str]]:
    """The photos that the gallery does not have yet, and a message for each skipped one."""
    fresh, problems = [], []
    for read in chunk:
        problem = read.error or _same_content(read, first_with.setdefault(read.digest, read.sample))
        if problem is not None:
            problems.append(f"{read.sample.path}: {problem}")
        elif read.pixels is not None or read.embedding is not None:
            fresh.append(read)
    return fresh, problems


def _embed(engine: Engine, fresh: Sequence[_Read]) -> np.ndarray:
    """Embeddings [N, d], in the photos' order; only missing ones are computed."""
    pixels = [read.pixels for read in fresh if read.pixels is not None]
    made = iter(engine.run(np.stack(pixels)).embeddings if pixels else ())
    return np.stack([next(made) if read.embedding is None else read.embedding for read in fresh])


def _common_folders(samples: Iterable[Sample]) -> dict[tuple[str, str], Path]:
    """(source, drive) -> the folder that holds all its photos; paths from there reveal nothing else of the computer."""
    folders: dict[tuple[str, str], list[Path]] = {}
    for sample in samples:
        folders.setdefault(_home(sample), []).append(sample.path.absolute().parent)
    return {home: Path(os.path.commonpath(parents)) for home, parents in folders.items()}


def _home(sample: Sample) -> tuple[str, str]:
    return sample.source, sample.path.absolute().drive


def digest_of(content: bytes, box: Box | None = None) -> str:
    """The key of a photo, or a part of one, in a gallery: several objects of one photo are several references."""
    digest = new_digest()
    digest.update(content)
    if box is not None:
        digest.update(repr(box).encode())
    return digest.hexdigest()


def _read(
    engine: Engine, gallery: References, sample: Sample, remember_root: bool, embeddings: Mapping[str, np.ndarray]
) -> _Read:
    """Decode a photo, unless the gallery has it with this label and, if that matters, knows its place."""
    try:
        digest = digest_of(sample.path.read_bytes(), sample.box)
        known = gallery.find(digest)
        if (
            known is not None
            and (known.coarse, known.fine) == (sample.coarse, sample.fine)
            and (not remember_root or gallery.picture(known) is not None)
        ):
            return _Read(sample, digest)
        if digest in embeddings:
            return _Read(sample, digest, embedding=embeddings[digest])
        return _Read(sample, digest, pixels=engine.prepare(read_object(sample.path, sample.box)))
    except PhotoError as error:
        return _Read(sample, error=error.reason)
    except OSError as error:
        return _Read(sample, error=f"the file cannot be read ({error.strerror})")


def _same_content(read: _Read, first: Sample) -> str | None:
    if first is read.sample:
        return None
    label = " / ".join(filter(None, (first.coarse, first.fine)))
    return f"the same picture as {first.path}, which is enrolled as {label}"


def _entry(read: _Read, root: Path, remember_root: bool) -> ReferenceEntry:
    sample = read.sample
    return ReferenceEntry(
        coarse=sample.coarse,
        fine=sample.fine,
        source=sample.source,
        path=sample.path.absolute().relative_to(root).as_posix(),
        digest=read.digest,
        root=root if remember_root else None,
    )
