"""The images of a project in columns: what a list of 100,000 rows needs to be filtered, sorted and decided at once.

Owned by one thread (the window's). What is read from the file arrives in pieces that another thread made
(`read_predictions`); putting a piece in its place is a few array operations.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core.decide import Level, Status
from app.core.evidence import Evidence
from app.core.labels import Label, Verdict
from app.core.project import Project, ProjectImage
from model.bundle import Thresholds

NOBODY = -1
"""In a column of names or verdicts: none."""

STATUSES = (*Status,)
LEVELS = (*Level,)
VERDICTS = (*Verdict,)
WAITING = len(STATUSES)
"""In the column `status`: neither identified nor failed yet. The other values are places in STATUSES."""

_PIECE = 1000

PREDICTION = np.dtype(
    [
        ("image", "i8"),
        ("type", "i4"),  # most probable one
        ("type_probability", "f8"),
        ("type_has_classes", "?"),
        ("fine", "i4"),  # best guess, or NOBODY
        ("fine_type", "i4"),
        ("fine_probability", "f8"),
        ("second_probability", "f8"),
        ("enrolled", "?"),
        ("energy", "f8"),
        ("familiarity", "f8"),
        ("near", "i4"),  # class of most of the nearest reference photos, or NOBODY
        ("near_type", "i4"),
        ("near_votes", "i4"),
        ("near_asked", "i4"),
    ]
)
"""A row of what the decision rests on. Names are places in `Names`."""


class Names:
    """Numbers for class names. Only ever grows; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: int) -> str:
        """The name; empty for NOBODY."""
        return self._names[place] if place >= 0 else ""

    def place(self, name: str) -> int:
        """The name's number; NOBODY for the empty one."""
        if not name:
            return NOBODY
        with self._lock:
            if name not in self._places:
                self._names.append(name)
                self._places[name] = len(self._names) - 1
            return self._places[name]


@dataclass(frozen=True)
class Shown:
    """What a row says: the person's label where there is one, else the model's answer by the thresholds.

    Attributes:
        status: place in STATUSES, or WAITING.
        level: place in LEVELS.
        label, type: names.
        confidence: of the label, 0 where there is none.
    """

    status: np.ndarray
    level: np.ndarray
    label: np.ndarray
    type: np.ndarray
    confidence: np.ndarray


class Columns:
    """N images in the order they were added.

    Attributes:
        names: class names by number.
        ids: int64 [N], ascending.
        paths: N texts.
        errors: why a row's file could not be read, by row.
        predictions: PREDICTION [N]; `image` is 0 in rows without one.
        verdict: int8 [N], places in VERDICTS, or NOBODY.
        told_type, told_fine: int32 [N], the person's names.
        shown: what holds now.
    """

    def __init__(self, names: Names | None = None, thresholds: Thresholds | None = None) -> None:
        self.names = names or Names()
        self._thresholds = thresholds or Thresholds()
        self.ids = np.zeros(0, np.int64)
        self.paths: list[str] = []
        self.errors: dict[int, str] = {}
        self.predictions = np.zeros(0, PREDICTION)
        self.verdict = np.zeros(0, np.int8)
        self.told_type = np.zeros(0, np.int32)
        self.told_fine = np.zeros(0, np.int32)
        self.shown = _shown(0)

    def __len__(self) -> int:
        return len(self.ids)

    def snapshot(self) -> Columns:
        """A copy for another thread."""
        copy = Columns(self.names, self._thresholds)
        copy.ids, copy.paths, copy.errors = self.ids.copy(), list(self.paths), dict(self.errors)
        copy.predictions, copy.verdict = self.predictions.copy(), self.verdict.copy()
        copy.told_type, copy.told_fine = self.told_type.copy(), self.told_fine.copy()
        copy.shown = Shown(*(getattr(self.shown, name).copy() for name in _SHOWN))
        return copy

    @property
    def thresholds(self) -> Thresholds:
        """What must be reached for an answer."""
        return self._thresholds

    def rows_of(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows int64 of the ids that are here."""
        wanted = np.asarray(ids, np.int64)
        rows = np.searchsorted(self.ids, wanted)
        here = rows < len(self.ids)
        here[here] = self.ids[rows[here]] == wanted[here]
        return rows[here]

    def add(self, images: Sequence[ProjectImage]) -> np.ndarray:
        """Take in images, new ones (their numbers ascend) and known ones whose place or error has changed; their rows.

        A known image's prediction is dropped: it waits again, until a piece brings another.
        """
        last = int(self.ids[-1]) if len(self.ids) else 0
        new = [image for image in images if image.id > last]
        if new:
            self._grow(len(new))
            self.ids[-len(new) :] = [image.id for image in new]
            self.paths += [os.fspath(image.path) for image in new]
        rows = self.rows_of([image.id for image in images])
        for row, image in zip(rows.tolist(), images, strict=True):
            self.paths[row] = os.fspath(image.path)
            self.errors.pop(row, None)
            if image.error is not None:
                self.errors[row] = image.error
        self.predictions["image"][rows] = 0
        self._decide(rows)
        return rows

    def move(self, image: int, place: Path) -> None:
        """The image's file lies elsewhere now."""
        for row in self.rows_of([image]).tolist():
            self.paths[row] = os.fspath(place)

    def set_predictions(self, piece: np.ndarray) -> np.ndarray:
        """Take in rows of PREDICTION, whose images are here; their rows."""
        rows = self.rows_of(piece["image"])
        self.predictions[rows] = piece
        self._decide(rows)
        return rows

    def set_labels(self, labels: Mapping[int, Label | None]) -> np.ndarray:
        """Take in what the person said, by image; None takes a label away; their rows."""
        rows = self.rows_of(list(labels))
        for row in rows.tolist():
            label = labels[int(self.ids[row])]
            self.verdict[row] = NOBODY if label is None else VERDICTS.index(label.verdict)
            self.told_type[row] = NOBODY if label is None else self.names.place(label.coarse)
            self.told_fine[row] = NOBODY if label is None else self.names.place(label.fine)
        self._decide(rows)
        return rows

    def decide(self, thresholds: Thresholds) -> None:
        """Decide everything anew."""
        self._thresholds = thresholds
        self._decide(np.arange(len(self)))

    def accepted(self, row: int) -> Label | None:
        """The label by which a person accepts what a row shows; None where it shows no answer."""
        status = self.shown.status[row]
        if status == STATUSES.index(Status.UNKNOWN):
            return Label(Verdict.UNKNOWN)
        if status not in (STATUSES.index(Status.IDENTIFIED), STATUSES.index(Status.COARSE_ONLY)):
            return None
        fine = self.names[self.shown.label[row]] if self.shown.level[row] == LEVELS.index(Level.FINE) else ""
        return Label(Verdict.ACCEPTED, self.names[self.shown.type[row]], fine)

    def margin(self) -> np.ndarray:
        """How far the best class is ahead of the second, float64 [N]; 0 without a prediction."""
        ahead = self.predictions["fine_probability"] - self.predictions["second_probability"]
        return np.where(self.predictions["image"] > 0, ahead, 0.0)

    def undecided(self) -> np.ndarray:
        """Rows that have an answer of the model and none of the person: bool [N]."""
        return (self.verdict == NOBODY) & (self.predictions["image"] > 0)

    def _grow(self, by: int) -> None:
        self.ids = np.concatenate([self.ids, np.zeros(by, np.int64)])
        self.predictions = np.concatenate([self.predictions, np.zeros(by, PREDICTION)])
        self.verdict = np.concatenate([self.verdict, np.full(by, NOBODY, np.int8)])
        self.told_type = np.concatenate([self.told_type, np.full(by, NOBODY, np.int32)])
        self.told_fine = np.concatenate([self.told_fine, np.full(by, NOBODY, np.int32)])
        more = _shown(by)
        self.shown = Shown(*(np.concatenate([getattr(self.shown, f), getattr(more, f)]) for f in _SHOWN))

    def _decide(self, rows: np.ndarray) -> None:
        fresh = answers(self.predictions[rows], self._thresholds)
        missing = self.predictions["image"][rows] == 0
        fresh.type[missing] = NOBODY
        _put(fresh, missing, WAITING, Level.NONE)
        if self.errors:
            failed = np.fromiter((row in self.errors for row in rows.tolist()), bool, len(rows))
            _put(fresh, failed, STATUSES.index(Status.ERROR), Level.NONE)
        self._overlay(fresh, rows)
        for name in _SHOWN:
            getattr(self.shown, name)[rows] = getattr(fresh, name)

    def _overlay(self, fresh: Shown, rows: np.ndarray) -> None:
        """Put what the person said over what the model says, as results.answer does."""
        verdict, fine, kind = self.verdict[rows], self.told_fine[rows], self.told_type[rows]
        _put(fresh, verdict == VERDICTS.index(Verdict.UNKNOWN), STATUSES.index(Status.UNKNOWN), Level.NONE)
        told = (verdict == VERDICTS.index(Verdict.ACCEPTED)) | (verdict == VERDICTS.index(Verdict.CORRECTED))
        for mask, status, level, label in (
            (told & (fine != NOBODY), Status.IDENTIFIED, Level.FINE, fine),
            (told & (fine == NOBODY), Status.COARSE_ONLY, Level.COARSE, kind),
        ):
            _put(fresh, mask, STATUSES.index(status), level)
            fresh.label[mask] = label[mask]
            fresh.type[mask] = kind[mask]
            fresh.confidence[mask] = 1.0


_SHOWN = ("status", "level", "label", "type", "confidence")


def _shown(count: int) -> Shown:
    return Shown(
        np.full(count, WAITING, np.int8),
        np.full(count, LEVELS.index(Level.NONE), np.int8),
        np.full(count, NOBODY, np.int32),
        np.full(count, NOBODY, np.int32),
        np.zeros(count),
    )


def _put(shown: Shown, mask: np.ndarray, status: int, level: Level) -> None:
    shown.status[mask] = status
    shown.level[mask] = LEVELS.index(level)
    shown.label[mask] = NOBODY
    shown.confidence[mask] = 0.0


def answers(predictions: np.ndarray, thresholds: Thresholds) -> Shown:
    """What `decide.decide` answers, for rows of PREDICTION at once and without the sentence."""
    p = predictions
    guessed, enrolled = p["fine"] != NOBODY, p["enrolled"]
    strange = np.zeros(len(p), bool)
    if thresholds.energy is not None:
        strange = (p["energy"] < thresholds.energy) & ~(guessed & enrolled)
    doubt = ~guessed | ~p["type_has_classes"] | (p["fine_probability"] < thresholds.fine)
    if thresholds.familiarity is not None:
        doubt |= (p["familiarity"] < thresholds.familiarity) & ~enrolled
    fine = ~strange & ~doubt
    coarse = ~strange & doubt & (p["type_probability"] >= thresholds.coarse)
    result = _shown(len(p))
    _put(result, np.ones(len(p), bool), STATUSES.index(Status.UNKNOWN), Level.NONE)
    _put(result, fine, STATUSES.index(Status.IDENTIFIED), Level.FINE)
    _put(result, coarse, STATUSES.index(Status.COARSE_ONLY), Level.COARSE)
    result.label[fine], result.label[coarse] = p["fine"][fine], p["type"][coarse]
    result.confidence[fine], result.confidence[coarse] = p["fine_probability"][fine], p["type_probability"][coarse]
    result.type[:] = np.where(fine, p["fine_type"], p["type"])
    return result


def read_predictions(
    project: Project, model: str, names: Names, ids: Sequence[int] | None = None
) -> Iterator[np.ndarray]:
    """What a model has said of all images, or of those among `ids`, in pieces of PREDICTION rows.

    Raises:
        ProjectError: if the project cannot be read.
    """
    if ids is not None:
        piece = list(project.evidence(model, ids))
        if piece:
            yield _piece(piece, names)
        return
    last = 0
    while piece := list(project.evidence_after(model, last, _PIECE)):
        last = piece[-1][0]
        yield _piece(piece, names)


def _piece(found: Sequence[tuple[int, Evidence]], names: Names) -> np.ndarray:
    rows = np.zeros(len(found), PREDICTION)
    for row, (image, evidence) in zip(rows, found, strict=True):
        best, near = evidence.types[0], _nearest_classes(evidence)
        row["image"], row["type"], row["type_probability"] = image, names.place(best.name), best.probability
        row["type_has_classes"] = best.has_classes
        row["energy"], row["familiarity"] = evidence.energy, evidence.familiarity
        row["fine"] = row["fine_type"] = NOBODY
        if evidence.classes:
            guess, *others = evidence.classes
            row["fine"], row["fine_type"] = names.place(guess.name), names.place(guess.coarse)
            row["fine_probability"], row["enrolled"] = guess.probability, guess.enrolled
            row["second_probability"] = others[0].probability if others else 0.0
        row["near"], row["near_type"], row["near_votes"] = names.place(near[0]), names.place(near[1]), near[2]
        row["near_asked"] = len(evidence.neighbours)
    return rows


def _nearest_classes(evidence: Evidence) -> tuple[str, str, int]:
    """Class, its type and its count among the nearest reference photos; of the most frequent one, the nearest first."""
    counts: dict[tuple[str, str], int] = {}
    for neighbour in evidence.neighbours:
        if neighbour.reference.fine is not None:
            key = (neighbour.reference.fine, neighbour.reference.coarse)
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return "", "", 0
    (fine, coarse), votes = max(counts.items(), key=lambda item: item[1])
    return fine, coarse, votes
