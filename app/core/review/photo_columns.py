"""The images of a project in columns: what a list of 100,000 rows needs to be filtered, sorted and decided at once.

Owned by one thread (the window's). Data from the file arrives in pieces made by another thread
(`PredictionTable.features`); putting a piece in its place takes a few array operations.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np

from app.core.project.labels import VERDICTS, Label, Verdict
from app.core.project.records import Place, SubjectId
from app.core.project.results import overlaid
from app.core.recognition.decision import STATUS_OF, Status
from app.core.recognition.features import FEATURES, NOBODY, beliefs
from model.contract.bundle import Thresholds
from model.contract.decision import LEVELS, Level, rule

STATUSES = (*Status,)
WAITING = len(STATUSES)
"""In the column `status`: neither identified nor failed yet. The other values are places in STATUSES."""

_STATUSES_OF_LEVELS = np.array([STATUSES.index(STATUS_OF[level]) for level in LEVELS], np.int8)
_TOLD = [VERDICTS.index(Verdict.ACCEPTED), VERDICTS.index(Verdict.CORRECTED)]


class ClassNumbers:
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
class ShownAnswers:
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


class PhotoColumns:
    """N images in the order they were added.

    Attributes:
        names: class names by number.
        ids: int64 [N], ascending.
        paths: N texts.
        errors: why a row's file could not be read, by row.
        predictions: FEATURES [N]; `image` is 0 in rows without one.
        verdict: int8 [N], places in VERDICTS, or NOBODY.
        told_type, told_fine: int32 [N], the person's names.
        shown: the current answers.
    """

    def __init__(self, names: ClassNumbers | None = None, thresholds: Thresholds | None = None) -> None:
        self.names = names or ClassNumbers()
        self._thresholds = thresholds or Thresholds()
        self.ids = np.zeros(0, np.int64)
        self.paths: list[str] = []
        self.errors: dict[int, str] = {}
        self.predictions = np.zeros(0, FEATURES)
        self.verdict = np.zeros(0, np.int8)
        self.told_type = np.zeros(0, np.int32)
        self.told_fine = np.zeros(0, np.int32)
        self.shown = _shown(0)

    def __len__(self) -> int:
        return len(self.ids)

    def snapshot(self) -> PhotoColumns:
        """A copy for another thread."""
        copy = PhotoColumns(self.names, self._thresholds)
        copy.ids, copy.paths, copy.errors = self.ids.copy(), list(self.paths), dict(self.errors)
        copy.predictions, copy.verdict = self.predictions.copy(), self.verdict.copy()
        copy.told_type, copy.told_fine = self.told_type.copy(), self.told_fine.copy()
        copy.shown = ShownAnswers(*(getattr(self.shown, name).copy() for name in _SHOWN))
        return copy

    @property
    def thresholds(self) -> Thresholds:
        """What must be reached for an answer."""
        return self._thresholds

    def rows_of(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows int64 of the ids that the columns have."""
        rows, here = self._look_up(ids)
        return rows[here]

    def subject(self, row: int) -> SubjectId:
        """The level of the label that each row is shown with."""
        return SubjectId(int(self.ids[row]))

    def _look_up(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The row where each id is or would be, int64, and whether the columns have it, bool."""
        wanted = np.asarray(ids, np.int64)
        rows = np.searchsorted(self.ids, wanted)
        here = rows < len(self.ids)
        here[here] = self.ids[rows[here]] == wanted[here]
        return rows, here

    def add(self, images: Sequence[Place]) -> np.ndarray:
        """Add images, new ones and known ones whose place or error has changed; their rows.

        A known image loses its prediction: it waits again, until a piece brings a new one.

        Args:
            images: numbers ascending.
        """
        last = int(self.ids[-1]) if len(self.ids) else 0
        numbers = np.fromiter(map(itemgetter(0), images), np.int64, len(images))
        known = int(np.searchsorted(numbers, last, side="right"))
        if known < len(images):
            self._grow(len(images) - known)
            self.ids[-(len(images) - known) :] = numbers[known:]
            self.paths += [os.fsdecode(path) for _, path, _ in images[known:]]
        rows = self.rows_of(numbers)
        for row, (_, path, _) in zip(rows[:known].tolist(), images, strict=False):
            self.paths[row] = os.fsdecode(path)
            self.errors.pop(row, None)
        self.errors |= {int(rows[at]): one[2] for at, one in enumerate(images) if one[2] is not None}
        self.predictions["image"][rows] = 0
        self._decide(rows)
        return rows

    def move(self, image: int, place: Path) -> None:
        """The image's file has moved."""
        for row in self.rows_of([image]).tolist():
            self.paths[row] = os.fspath(place)

    def set_predictions(self, piece: np.ndarray) -> np.ndarray:
        """Add rows of FEATURES; their rows here.

        A row without its image is left out: a run may store an image and its answer after the images were read but
        before the answers, and what it stores is fetched again, image and answer together.
        """
        rows, here = self._look_up(piece["image"])
        rows = rows[here]
        self.predictions[rows] = piece[here]
        self._decide(rows)
        return rows

    def set_labels(self, labels: Mapping[SubjectId, Label | None]) -> np.ndarray:
        """Add the person's labels, by subject; None removes a label; their rows."""
        rows = self.rows_of(list(labels))
        for row in rows.tolist():
            label = labels[self.subject(row)]
            self.verdict[row] = NOBODY if label is None else VERDICTS.index(label.verdict)
            self.told_type[row] = NOBODY if label is None else self.names.place(label.coarse)
            self.told_fine[row] = NOBODY if label is None else self.names.place(label.fine)
        self._decide(rows)
        return rows

    def decide(self, thresholds: Thresholds) -> None:
        """Decide everything again."""
        self._thresholds = thresholds
        self._decide(np.arange(len(self)))

    def accepted(self, row: int) -> Label | None:
        """The label by which a person accepts what a row shows; None if it shows no answer."""
        status = self.shown.status[row]
        if status == STATUSES.index(Status.UNKNOWN):
            return Label(Verdict.UNKNOWN)
        if status not in (STATUSES.index(Status.IDENTIFIED), STATUSES.index(Status.COARSE_ONLY)):
            return None
        fine = self.names[self.shown.label[row]] if self.shown.level[row] == LEVELS.index(Level.FINE) else ""
        return Label(Verdict.ACCEPTED, self.names[self.shown.type[row]], fine)

    def margin(self) -> np.ndarray:
        """How far the best class is ahead of the second one, float64 [N]; 0 without a prediction."""
        ahead = self.predictions["fine_probability"] - self.predictions["second_probability"]
        return np.where(self.predictions["image"] > 0, ahead, 0.0)

    def labelled(self) -> np.ndarray:
        """Rows whose type or class the person has given: bool [N]."""
        return np.isin(self.verdict, _TOLD)

    def undecided(self) -> np.ndarray:
        """Rows with an answer of the model but none of the person: bool [N]."""
        return (self.verdict == NOBODY) & (self.predictions["image"] > 0)

    def _grow(self, by: int) -> None:
        self.ids = _with(self.ids, np.zeros(by, np.int64))
        self.predictions = _with(self.predictions, np.zeros(by, FEATURES))
        self.verdict = _with(self.verdict, np.full(by, NOBODY, np.int8))
        self.told_type = _with(self.told_type, np.full(by, NOBODY, np.int32))
        self.told_fine = _with(self.told_fine, np.full(by, NOBODY, np.int32))
        more = _shown(by)
        self.shown = ShownAnswers(*(_with(getattr(self.shown, f), getattr(more, f)) for f in _SHOWN))

    def _decide(self, rows: np.ndarray) -> None:
        fresh = answers(self.predictions[rows], self._thresholds)
        missing = self.predictions["image"][rows] == 0
        fresh.type[missing] = NOBODY
        _take_away(fresh, missing, WAITING)
        if self.errors:
            failed = np.isin(rows, np.fromiter(self.errors, np.int64, len(self.errors)))
            _take_away(fresh, failed, STATUSES.index(Status.ERROR))
        self._overlay(fresh, rows)
        for name in _SHOWN:
            getattr(self.shown, name)[rows] = getattr(fresh, name)

    def _overlay(self, fresh: ShownAnswers, rows: np.ndarray) -> None:
        """Put the person's labels over the model's answers, as in `results.with_labels`."""
        verdict, fine, kind = self.verdict[rows], self.told_fine[rows], self.told_type[rows]
        fresh.level[:] = overlaid(fresh.level, verdict, fine != NOBODY)
        labelled = (verdict != NOBODY) & (verdict != VERDICTS.index(Verdict.EXCLUDED))
        decided = labelled & (fresh.level != LEVELS.index(Level.NONE))
        fresh.status[labelled] = _STATUSES_OF_LEVELS[fresh.level[labelled]]
        fresh.label[labelled] = NOBODY
        fresh.label[decided] = np.where(fine == NOBODY, kind, fine)[decided]
        fresh.type[decided] = kind[decided]
        fresh.confidence[labelled] = decided[labelled]


def _with(column: np.ndarray, more: np.ndarray) -> np.ndarray:
    """A column from this function, or an empty one, with more values at its end.

    It is a view of twice the room needed when it last grew: otherwise a hundred pieces would be copied a hundred times.
    """
    before, after = len(column), len(column) + len(more)
    store = column.base
    if store is None or len(store) < after:
        store = np.empty(2 * after, column.dtype)
        store[:before] = column
    store[before:after] = more
    return store[:after]


_SHOWN = ("status", "level", "label", "type", "confidence")


def _shown(count: int) -> ShownAnswers:
    return ShownAnswers(
        np.full(count, WAITING, np.int8),
        np.full(count, LEVELS.index(Level.NONE), np.int8),
        np.full(count, NOBODY, np.int32),
        np.full(count, NOBODY, np.int32),
        np.zeros(count),
    )


def _take_away(shown: ShownAnswers, mask: np.ndarray, status: int) -> None:
    """Remove the answers of these rows; they get this status."""
    shown.status[mask] = status
    shown.level[mask] = LEVELS.index(Level.NONE)
    shown.label[mask] = NOBODY
    shown.confidence[mask] = 0.0


def answers(predictions: np.ndarray, thresholds: Thresholds) -> ShownAnswers:
    """The answers of `decision.decide` for many rows of FEATURES at once, without the reasons."""
    p, level = predictions, rule(beliefs(predictions), thresholds).level
    fine, coarse = level == LEVELS.index(Level.FINE), level == LEVELS.index(Level.COARSE)
    return ShownAnswers(
        status=_STATUSES_OF_LEVELS[level],
        level=level,
        label=np.select([fine, coarse], [p["fine"], p["type"]], NOBODY),
        type=np.where(fine, p["fine_type"], p["type"]),
        confidence=np.select([fine, coarse], [p["fine_probability"], p["type_probability"]], 0.0),
    )


def best_guess(predictions: np.ndarray) -> np.ndarray:
    """The most probable type and class of rows of FEATURES, whatever the thresholds: int32 [N, 2].

    The class is NOBODY if none is known.
    """
    kind = np.where(predictions["fine"] != NOBODY, predictions["fine_type"], predictions["type"])
    return np.stack([kind, predictions["fine"]], axis=1).astype(np.int32)
