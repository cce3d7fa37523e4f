"""Photos whose class is known beside what was answered: by the person's labels, by a run's test part, one left out."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from app.core.columns import VERDICTS, Columns, Names
from app.core.figures import NOBODY
from app.core.labels import Verdict
from app.core.points import Points

VOTES = 5
"""References that vote on the class of the one that is left out."""
_BLOCK = 500
_TOLD = [VERDICTS.index(Verdict.ACCEPTED), VERDICTS.index(Verdict.CORRECTED)]


class TestPartError(Exception):
    """A training's test photos cannot be told; the message says why."""

    __test__ = False  # pytest would take it for a test


@dataclass(frozen=True, eq=False)
class Judged:
    """N photos.

    Attributes:
        names: of types and classes.
        truth: int32 [N, 2], type and class; the class is NOBODY where only the type is known.
        answer: the same of what was answered.
        images: int64 [N], numbers of the project's images; empty for references of a gallery.
        files: of each photo where it is, or None where it is not on this computer.
    """

    names: Names
    truth: np.ndarray
    answer: np.ndarray
    images: np.ndarray
    files: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.truth)


def by_person(columns: Columns) -> Judged:
    """The model's best guesses, whatever the thresholds, of the photos that the person accepted or corrected."""
    rows = np.flatnonzero(np.isin(columns.verdict, _TOLD) & (columns.predictions["image"] > 0))
    return _of_project(columns, rows, np.stack([columns.told_type[rows], columns.told_fine[rows]], axis=1))


def by_test_part(columns: Columns, labels: Mapping[str, tuple[str, str]]) -> Judged:
    """The model's best guesses of those test photos of a training that are in the project.

    Args:
        labels: file -> type and class ("" where only the type is known), as `read_test_part` gives it.
    """
    known = columns.predictions["image"] > 0
    rows = np.array([row for row, path in enumerate(columns.paths) if known[row] and path in labels], np.int64)
    place = columns.names.place
    told = [[place(name) for name in labels[columns.paths[row]]] for row in rows.tolist()]
    return _of_project(columns, rows, np.array(told, np.int32).reshape(-1, 2))


def read_test_part(folder: Path) -> dict[str, tuple[str, str]]:
    """Every photo of a run's test part with its type and class ("" where only the type is known).

    Raises:
        TestPartError: if the run has none or its list cannot be read.
    """
    # the window starts without the readers of data
    from model.data.samples import DataError
    from model.data.splits import Split, read_split

    try:
        samples, splits = read_split(folder / "split.csv")
    except DataError as error:
        raise TestPartError(str(error)) from error
    parts = zip(samples, splits, strict=True)
    found = {os.fspath(one.path): (one.coarse, one.fine or "") for one, split in parts if split is Split.TEST}
    if not found:
        raise TestPartError(f"{folder}: this training kept no photos for testing")
    return found


def leave_one_out(points: Points) -> Generator[int, None, Judged]:
    """What a gallery's references would be taken for if each were not in it: by a vote of its VOTES nearest others.

    Of equally frequent labels that of the nearest one wins. Other copies of the same photo have a vote, as they would
    for a new photo.

    Args:
        points: references only, P = 0.

    Yields:
        How many have been judged so far.

    Returns:
        All of them, once the generator has ended.
    """
    names = Names()
    labels = [(names.place(one.coarse), names.place(one.fine or "")) for one in points.references]
    truth = np.array(labels, np.int32).reshape(-1, 2)
    answer = truth.copy()
    count = len(truth)
    votes = min(VOTES, count - 1)
    if votes > 0:
        distinct, of = np.unique(truth, axis=0, return_inverse=True)
        index = faiss.IndexFlatIP(points.vectors.shape[1])
        index.add(points.vectors)
        for first in range(0, count, _BLOCK):
            rows = np.arange(first, min(first + _BLOCK, count))
            _, found = index.search(points.vectors[rows], votes + 1)
            answer[rows] = distinct[_elected(of.ravel()[_others(found, rows)])]
            yield int(rows[-1]) + 1
    files = tuple(None if picture is None else os.fspath(picture) for picture in points.pictures)
    return Judged(names, truth, answer, np.zeros(0, np.int64), files)


def _of_project(columns: Columns, rows: np.ndarray, truth: np.ndarray) -> Judged:
    guess = columns.predictions[rows]
    kind = np.where(guess["fine"] != NOBODY, guess["fine_type"], guess["type"])
    answer = np.stack([kind, guess["fine"]], axis=1).astype(np.int32)
    files = tuple(columns.paths[row] for row in rows.tolist())
    return Judged(columns.names, truth.astype(np.int32), answer, columns.ids[rows], files)


def _others(found: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The neighbours int64 [R, k + 1] of some rows, without the rows themselves: [R, k], nearest first."""
    own = found == rows[:, None]
    own[~own.any(axis=1), -1] = True  # among more than k copies a photo need not find itself
    return found[~own].reshape(len(rows), -1)


def _elected(votes: np.ndarray) -> np.ndarray:
    """The most frequent value of each row [R, k], of equally frequent ones the first: [R]."""
    support = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    return votes[np.arange(len(votes)), support.argmax(axis=1)]
