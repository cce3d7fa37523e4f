"""Teaching the program something new: photos of a class go into the gallery, as one step that can be undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from app.core.gallery.gallery import ReferenceEntry
from app.core.gallery.selection import GallerySelection
from app.core.recognition.engine import Engine
from app.core.teaching.enrolment import Enrolled, enrol
from model.contract.samples import Sample
from model.contract.taxonomy import Taxonomy
from model.system.photo_files import scan, skipped_in_words

SOURCE = "own photos"
"""The collection that photos of the user belong to."""


def teach(
    engine: Engine,
    shelf: GallerySelection,
    paths: Sequence[Path],
    label: tuple[str, str | None],
    *,
    batch: int = 4,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, Enrolled]]:
    """Enrol photos and folders as one class. Yields the number of all photos and reports, the first one empty.

    Args:
        engine: the identification model in use.
        shelf: whose gallery takes them; the user's own is made first if it is missing.
        paths: files and folders.
        label: type and class.
        batch: photos per inference and transaction.
        cancelled: asked between batches; photos that are stored stay, and are one step.

    Raises:
        EngineError: if the inference fails.
        GalleryError: if the gallery cannot be written.
    """
    coarse, fine = label
    unread: list[str] = []
    skipped: Counter[str] = Counter()

    def problem(path: Path, why: str) -> None:
        unread.append(f"{path}: {why}")

    files = list(scan(paths, cancelled=cancelled, problem=problem, skipped=skipped))
    if skipped:
        unread.append(skipped_in_words(skipped))
    samples = [sample_of(path, coarse, fine) for path in files]
    total = len(samples) + len(unread)
    yield total, Enrolled(0, 0, tuple(unread))
    title = f"add photos to {fine or coarse}"
    for report in enrol_as_step(engine, shelf, samples, title, batch=batch, cancelled=cancelled):
        yield total, report


def sample_of(path: Path, coarse: str, fine: str | None) -> Sample:
    """A photo of the user as the gallery takes it."""
    return Sample(path, coarse, fine, SOURCE, group=str(path), origin=str(path))


def enrol_as_step(
    engine: Engine,
    shelf: GallerySelection,
    samples: Sequence[Sample],
    title: str,
    *,
    embeddings: Mapping[str, np.ndarray] | None = None,
    batch: int = 4,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Enrolled]:
    """Enrol photos as one step of the gallery, which `title` names; otherwise as `enrol` does.

    Raises:
        EngineError: if the inference fails.
        GalleryError: if the gallery cannot be written.
    """
    if not samples:
        return
    steps, step = shelf.additions(), None

    def store(vectors: np.ndarray, entries: list[ReferenceEntry]) -> None:
        nonlocal step
        step = steps.add(vectors, entries, title, step)

    yield from enrol(
        engine, steps.gallery, samples, batch=batch, cancelled=cancelled, store=store, embeddings=embeddings
    )


def label_problem(coarse: str, fine: str, types: Sequence[str], type_of: dict[str, str]) -> str:
    """Why a class cannot have this name or type, as a sentence; empty if it can.

    Args:
        coarse, fine: the new type and class. types: all existing types. type_of: the type of each existing class.
    """
    if not fine or not coarse:
        return "A class needs a name and a type."
    if fine in types:
        return f"{fine} is the name of a type; give the class another one."
    if coarse in type_of:
        return f"{coarse} is the name of a class; choose a type."
    if type_of.get(fine, coarse) != coarse:
        return f"There is a class {fine} already, of the type {type_of[fine]}."
    return ""


def known_types(known: Taxonomy | None, labels: Sequence[tuple[str, str | None]]) -> tuple[list[str], dict[str, str]]:
    """All types, and the type of each class: the model's, then those that only the gallery has."""
    types = dict.fromkeys(known.coarse if known is not None else ())
    type_of: dict[str, str] = {}
    if known is not None:
        type_of = {fine: known.coarse[parent] for fine, parent in zip(known.fine, known.parents, strict=True)}
    for coarse, fine in sorted(labels, key=lambda label: (label[0], label[1] or "")):
        types.setdefault(coarse)
        if fine is not None:
            type_of.setdefault(fine, coarse)
    return list(types), type_of
