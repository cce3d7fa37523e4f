"""Photos whose class is known with their answers: by the person's labels, by a training, or with one left out."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from app.core.explore.held_out import HeldOut
from app.core.explore.map_points import MapPoints
from app.core.review.photo_columns import ClassNumbers, PhotoColumns, best_guess
from model.contract.run_layout import RunLayout
from model.system.errors import MarqueError

_BLOCK = 500


class TestPartError(MarqueError):
    """A training's test photos cannot be used; the message says why."""

    __test__ = False  # pytest would take it for a test


@dataclass(frozen=True, eq=False)
class EvaluatedPhotos:
    """N photos.

    Attributes:
        names: of types and classes.
        truth: int32 [N, 2], type and class; the class is NOBODY if only the type is known. answer: the same for the
        answers.
        images: int64 [N], numbers of the project's images, NOBODY for photos that it does not have; empty for
        references of a gallery. files: one for each photo; for a reference that is not on this computer, its place
        within its collection. missing: bool [N], which files are not on this computer.
    """

    names: ClassNumbers
    truth: np.ndarray
    answer: np.ndarray
    images: np.ndarray
    files: tuple[str, ...]
    missing: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)


def by_person(columns: PhotoColumns) -> EvaluatedPhotos:
    """The model's best guesses, whatever the thresholds, for the photos that the person accepted or corrected."""
    rows = np.flatnonzero(columns.labelled() & (columns.predictions["image"] > 0))
    return _of_project(columns, rows, np.stack([columns.told_type[rows], columns.told_fine[rows]], axis=1))


def by_test_part(columns: PhotoColumns, labels: Mapping[str, tuple[str, str]]) -> EvaluatedPhotos:
    """The model's best guesses for those test photos of a training that are in the project.

    Args:
        labels: file -> type and class ("" where only the type is known), as `read_test_part` gives it.
    """
    known = columns.predictions["image"] > 0
    rows = np.array([row for row, path in enumerate(columns.paths) if known[row] and path in labels], np.int64)
    place = columns.names.place
    named = [[place(name) for name in labels[columns.paths[row]]] for row in rows.tolist()]
    return _of_project(columns, rows, np.array(named, np.int32).reshape(-1, 2))


def read_test_part(folder: Path) -> dict[str, tuple[str, str]]:
    """Every photo of a run's test part with its type and class ("" where only the type is known).

    Raises:
        TestPartError: if the run has no test part or its list cannot be read.
    """
    # the window starts without the readers of data
    from model.contract.samples import DataError
    from model.data.splits import Split, read_split

    try:
        samples, splits = read_split(RunLayout(folder).split_file)
    except DataError as error:
        raise TestPartError.like(error) from error
    parts = zip(samples, splits, strict=True)
    found = {os.fspath(one.path): (one.coarse, one.fine or "") for one, split in parts if split is Split.TEST}
    if not found:
        raise TestPartError(f"{folder}: this training kept no photos for testing")
    return found


def by_training(photos: HeldOut, columns: PhotoColumns) -> EvaluatedPhotos:
    """What a training's own network said of its test photos, whether they are in the project or not."""
    images, nothing = photos.images(columns), np.zeros(len(photos.files), bool)
    return EvaluatedPhotos(photos.names, photos.truth, photos.answer, images, photos.files, nothing)


def leave_one_out(points: MapPoints) -> Generator[int, None, EvaluatedPhotos]:
    """The answers for a gallery's references if each were not in it: the label of the most similar other one.

    Only the nearest counts, as a class may have as few as two photos, which a vote of more would overrule.

    Args:
        points: references only, P = 0.

    Yields:
        How many have been judged so far.

    Returns:
        All of them, when the generator ends.
    """
    names = ClassNumbers()
    labels = [(names.place(one.coarse), names.place(one.fine or "")) for one in points.references]
    truth = np.array(labels, np.int32).reshape(-1, 2)
    answer = truth.copy()
    count = len(truth)
    if count > 1:
        index = faiss.IndexFlatIP(points.vectors.shape[1])
        index.add(points.vectors)
        for first in range(0, count, _BLOCK):
            rows = np.arange(first, min(first + _BLOCK, count))
            _, found = index.search(points.vectors[rows], 2)
            # among more than two copies a photo may not find itself
            answer[rows] = truth[np.where(found[:, 0] == rows, found[:, 1], found[:, 0])]
            yield int(rows[-1]) + 1
    pictured = zip(points.references, points.pictures, strict=True)
    files = tuple(one.path if picture is None else os.fspath(picture) for one, picture in pictured)
    missing = np.array([picture is None for picture in points.pictures], bool)
    return EvaluatedPhotos(names, truth, answer, np.zeros(0, np.int64), files, missing)


def _of_project(columns: PhotoColumns, rows: np.ndarray, truth: np.ndarray) -> EvaluatedPhotos:
    answer = best_guess(columns.predictions[rows])
    files = tuple(columns.paths[row] for row in rows.tolist())
    return EvaluatedPhotos(
        columns.names, truth.astype(np.int32), answer, columns.ids[rows], files, np.zeros(len(rows), bool)
    )
