"""Groups of photos that are probably shown as the wrong class, each of which can be corrected in one step.

Two things speak against a row that the person has not decided: most of its nearest reference photos have another class;
or most of the photos most like it, among those that the person labelled in this project, have another label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.core.project.labels import VERDICTS, Label, Verdict
from app.core.recognition.decision import Status
from app.core.recognition.features import NOBODY
from app.core.review.likeness import most_similar
from app.core.review.photo_columns import STATUSES, PhotoColumns
from model.contract.decision import LEVELS, Level

_ASKED = 5
_ALIKE = 0.8
"""Least cosine to a labelled photo that counts: in the supplied gallery every photo has another one this similar."""


@dataclass(frozen=True)
class Suggestion:
    """Photos that are shown as one class and should probably be another.

    Attributes:
        images: their numbers, the surest first.
        shown: their present class; empty if unknown. label: what they should be. reason: why, in words.
    """

    images: tuple[int, ...]
    shown: str
    label: Label
    reason: str


def suggest(columns: PhotoColumns, ids: np.ndarray, embeddings: np.ndarray) -> list[Suggestion]:
    """All suggestions, the largest group first.

    Args:
        columns: the project.
        ids: int64 [M], ascending, of the photos with an embedding.
        embeddings: float32 [M, d], unit length.
    """
    found: dict[tuple[str, str, str], list[tuple[float, int]]] = {}
    reasons: dict[tuple[str, str, str], str] = {}
    taken: set[int] = set()  # what the person's own labels say about a row comes first
    for rows, types, fines, sure, reason in (_by_person(columns, ids, embeddings), _by_references(columns)):
        for row, kind, fine, weight in zip(rows.tolist(), types.tolist(), fines.tolist(), sure.tolist(), strict=True):
            if row in taken:
                continue
            taken.add(row)
            key = (columns.names[columns.shown.label[row]], columns.names[kind], columns.names[fine])
            found.setdefault(key, []).append((weight, row))
            reasons.setdefault(key, reason)
    result = [
        Suggestion(
            tuple(int(columns.ids[row]) for _, row in sorted(group, key=lambda one: (-one[0], one[1]))),
            shown,
            Label(Verdict.CORRECTED, coarse, fine),
            reasons[shown, coarse, fine],
        )
        for (shown, coarse, fine), group in found.items()
    ]
    return sorted(result, key=lambda one: (-len(one.images), one.shown, one.label.fine or one.label.coarse))


_Found = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str]


def _by_references(columns: PhotoColumns) -> _Found:
    """Rows whose nearest reference photos mostly have another class than the best guess, with that class."""
    p = columns.predictions
    against = (p["near"] != NOBODY) & (p["near_votes"] * 2 > p["near_asked"])
    # a photo that is only shown as a type is contradicted if its neighbours are of another type
    fine_shown = columns.shown.level == LEVELS.index(Level.FINE)
    coarse_shown = columns.shown.level == LEVELS.index(Level.COARSE)
    differs = (fine_shown & (p["near"] != columns.shown.label)) | (
        coarse_shown & (p["near_type"] != columns.shown.label)
    )
    rows = np.flatnonzero(columns.undecided() & against & differs)
    return rows, p["near_type"][rows], p["near"][rows], p["near_votes"][rows], "most of their nearest reference photos"


def _by_person(columns: PhotoColumns, ids: np.ndarray, embeddings: np.ndarray) -> _Found:
    """Rows that look like photos which the person labelled otherwise, with that label."""
    rows_of = columns.rows_of(ids)
    labelled = np.isin(columns.verdict[rows_of], [VERDICTS.index(Verdict.ACCEPTED), VERDICTS.index(Verdict.CORRECTED)])
    open_ = columns.undecided()[rows_of] & (columns.shown.status[rows_of] != STATUSES.index(Status.ERROR))
    nothing = np.zeros(0, np.int64)
    if not labelled.any() or not open_.any():
        return nothing, nothing, nothing, nothing, ""
    places, cosines = most_similar(embeddings[open_], embeddings[labelled], _ASKED)
    kinds, fines = columns.told_type[rows_of][labelled][places], columns.told_fine[rows_of][labelled][places]
    keys = np.where(cosines >= _ALIKE, kinds * (len(columns.names) + 1) + fines + 1, -1)
    rows, types, classes, votes = [], [], [], []
    for row, key, kind, fine in zip(rows_of[open_].tolist(), keys, kinds, fines, strict=True):
        counted = key[key >= 0]
        if len(counted) < 2:
            continue
        values, totals = np.unique(counted, return_counts=True)
        best = values[totals.argmax()]
        place = int(np.flatnonzero(key == best)[0])
        label = fine[place] if fine[place] != NOBODY else kind[place]
        if totals.max() * 2 > len(counted) and totals.max() >= 2 and label != columns.shown.label[row]:
            rows.append(row)
            types.append(kind[place])
            classes.append(fine[place])
            votes.append(totals.max())
    reason = "most of the photos like them that you labelled"
    return np.array(rows, np.int64), np.array(types, np.int64), np.array(classes, np.int64), np.array(votes), reason
