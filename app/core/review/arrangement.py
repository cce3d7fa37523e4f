"""Which rows of a project are listed, and in what order. Pure functions over columns, fast enough to follow typing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.core.project.labels import VERDICTS, Verdict
from app.core.recognition.decision import Status
from app.core.recognition.features import NOBODY
from app.core.review.photo_columns import STATUSES, WAITING, PhotoColumns


class Show(StrEnum):
    """Which part of a project."""

    ALL = "all photos"
    UNDECIDED = "undecided"
    IDENTIFIED = "identified"
    COARSE_ONLY = "type only"
    UNKNOWN = "unknown"
    ERROR = "cannot be read"
    WAITING = "not identified yet"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    EXCLUDED = "excluded"


class Order(StrEnum):
    """What rows are sorted by."""

    ADDED = "order of adding"
    NAME = "file name"
    CLASS = "class"
    CONFIDENCE = "confidence"
    MARGIN = "margin"
    ODD = "odd ones first"
    ALIKE = "most like this one"


@dataclass(frozen=True)
class Filter:
    """What a row needs to be listed.

    Attributes:
        show: status or verdict.
        label: name of the class or type that the row is shown as; empty for any.
        text: every word of it occurs in the path or in a label, in any case.
        least, most: bounds of the confidence.
        least_margin, most_margin: of the margin between the two best classes.
    """

    show: Show = Show.ALL
    label: str = ""
    text: str = ""
    least: float = 0.0
    most: float = 1.0
    least_margin: float = 0.0
    most_margin: float = 1.0

    @property
    def is_all(self) -> bool:
        """Whether it lets everything through."""
        return self == Filter()


def matching(columns: PhotoColumns, wanted: Filter) -> np.ndarray:
    """Rows that pass a filter, in their order: int64."""
    mask = _shown(columns, wanted.show)
    if wanted.label:
        place = columns.names.place(wanted.label)
        mask &= (columns.shown.label == place) | (columns.shown.type == place)
    if (wanted.least, wanted.most) != (0.0, 1.0):
        mask &= (columns.shown.confidence >= wanted.least) & (columns.shown.confidence <= wanted.most)
    if (wanted.least_margin, wanted.most_margin) != (0.0, 1.0):
        margin = columns.margin()
        mask &= (margin >= wanted.least_margin) & (margin <= wanted.most_margin)
    rows = np.flatnonzero(mask)
    for word in wanted.text.casefold().split():
        rows = rows[_holds(columns, rows, word)]
    return rows


def sorted_rows(
    columns: PhotoColumns,
    rows: np.ndarray,
    order: Order,
    *,
    descending: bool = False,
    likeness: np.ndarray | None = None,
) -> np.ndarray:
    """The same rows in another order; equal ones stay in the order of adding.

    Args:
        columns: the project.
        rows: int64.
        order: what to sort by.
        descending: the largest first.
        likeness: for ODD and ALIKE, float [N] over all rows, the larger the more alike; NaN if unknown.
    """
    if order is Order.ADDED:
        return rows[::-1] if descending else rows
    keys = _keys(columns, rows, order, likeness)
    # a stable sort of the negated ranks keeps equal rows in their order, which reversing would not
    if descending:
        _, keys = np.unique(keys, return_inverse=True)
        keys = -keys
    return rows[np.argsort(keys, kind="stable")]


def counts(columns: PhotoColumns) -> dict[Show, int]:
    """How many rows each part has."""
    return {show: int(_shown(columns, show).sum()) for show in Show}


def labels_in_use(columns: PhotoColumns) -> dict[str, int]:
    """Every class and type that rows are shown as, with the number of rows, most frequent first."""
    shown = columns.shown
    found: dict[str, int] = {}
    for column in (shown.label, np.where(shown.label == shown.type, NOBODY, shown.type)):
        places, totals = np.unique(column[column >= 0], return_counts=True)
        for place, total in zip(places.tolist(), totals.tolist(), strict=True):
            name = columns.names[place]
            found[name] = found.get(name, 0) + total
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _shown(columns: PhotoColumns, show: Show) -> np.ndarray:
    status, verdict = columns.shown.status, columns.verdict
    if show is Show.ALL:
        return np.ones(len(columns), bool)
    if show is Show.UNDECIDED:
        return columns.undecided()
    if show is Show.WAITING:
        return status == WAITING
    if show in _BY_STATUS:
        return (status == STATUSES.index(_BY_STATUS[show])) & (verdict != VERDICTS.index(Verdict.EXCLUDED))
    return verdict == VERDICTS.index(_BY_VERDICT[show])


_BY_STATUS = {
    Show.IDENTIFIED: Status.IDENTIFIED,
    Show.COARSE_ONLY: Status.COARSE_ONLY,
    Show.UNKNOWN: Status.UNKNOWN,
    Show.ERROR: Status.ERROR,
}
_BY_VERDICT = {
    Show.ACCEPTED: Verdict.ACCEPTED,
    Show.CORRECTED: Verdict.CORRECTED,
    Show.EXCLUDED: Verdict.EXCLUDED,
}


def _holds(columns: PhotoColumns, rows: np.ndarray, word: str) -> np.ndarray:
    named = np.array([word in columns.names[place].casefold() for place in range(len(columns.names))] + [False])
    by_label = named[columns.shown.label[rows]] | named[columns.shown.type[rows]]  # the last one is NOBODY
    paths = columns.paths
    by_path = np.fromiter((word in paths[row].casefold() for row in rows.tolist()), bool, len(rows))
    return by_label | by_path


def _keys(columns: PhotoColumns, rows: np.ndarray, order: Order, likeness: np.ndarray | None) -> np.ndarray:
    if order is Order.CONFIDENCE:
        return columns.shown.confidence[rows]
    if order is Order.MARGIN:
        return columns.margin()[rows]
    if order is Order.NAME:
        return np.argsort(np.argsort([columns.paths[row].casefold() for row in rows.tolist()], kind="stable"))
    if order is Order.CLASS:
        ranked = sorted(range(len(columns.names)), key=lambda place: columns.names[place].casefold())
        rank = np.full(len(columns.names) + 1, len(ranked))  # without a label: at the end
        rank[ranked] = np.arange(len(ranked))
        return rank[columns.shown.label[rows]]
    if likeness is None:
        raise ValueError(f"'{order}' needs the likeness of the photos")
    known = np.nan_to_num(likeness[rows], nan=np.inf)
    return -known if order is Order.ALIKE else known
