"""The rows of the page Review: those of a project that pass the filter, in the chosen order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QPixmap

from app.core.project.labels import VERDICTS, Verdict
from app.core.recognition.decision import Status
from app.core.recognition.features import NOBODY
from app.core.review import arrangement
from app.core.review.arrangement import Filter, Order
from app.core.review.photo_columns import STATUSES, WAITING, PhotoColumns
from app.ui.background.photo_loading import Thumbnails
from app.ui.widgets.status_face import FACES, VERDICT_FACES, percent

ROW_ROLE = Qt.ItemDataRole.UserRole
HEADERS = ("photo", "status", "yours", "label", "type", "confidence", "margin", "folder")
_PHOTO, _STATUS, _YOURS, _LABEL, _TYPE, _CONFIDENCE, _MARGIN, _FOLDER = range(len(HEADERS))
_FIGURES = (_CONFIDENCE, _MARGIN)
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class ListedPhoto:
    """What is painted for a row. status: None while it waits; verdict: the person's."""

    name: str
    status: Status | None
    verdict: Verdict | None
    text: str


class PhotoListing(QAbstractTableModel):
    """A table over `PhotoColumns`; the grid shows the same rows by their first column. Holds no item objects.

    Attributes:
        filter, order, descending, likeness: for the next `rearrange`; see app/core/review/arrangement.py. only: numbers
        of images to list, in this order, in place of those that pass the filter; or None.
    """

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._columns = PhotoColumns()
        self._rows = np.zeros(0, np.int64)
        self._place = np.zeros(0, np.int64)  # row of the columns -> row of the table, or NOBODY
        self.filter = Filter()
        self.order, self.descending = Order.ADDED, False
        self.likeness: np.ndarray | None = None
        self.only: np.ndarray | None = None
        thumbnails.ready.connect(self._on_thumbnail)

    # what is listed

    @property
    def columns(self) -> PhotoColumns:
        """The project whose rows these are."""
        return self._columns

    def show(self, columns: PhotoColumns) -> None:
        """List another project."""
        self._columns = columns
        self.likeness = None
        self.rearrange()

    def rearrange(self) -> None:
        """Filter and sort again."""
        self.beginResetModel()
        order = self.order
        likeness = self.likeness
        if order in (Order.ODD, Order.ALIKE) and (likeness is None or len(likeness) != len(self._columns)):
            order = Order.ADDED  # until it has been worked out
        if self.only is not None:
            self._rows = self._columns.rows_of(self.only)
        else:
            rows = arrangement.matching(self._columns, self.filter)
            self._rows = arrangement.sorted_rows(
                self._columns, rows, order, descending=self.descending, likeness=likeness
            )
        self._place = np.full(len(self._columns), NOBODY)
        self._place[self._rows] = np.arange(len(self._rows))
        self.endResetModel()

    def refresh(self, rows: np.ndarray) -> None:
        """Rows of the columns have changed; they stay where they are."""
        inside = rows[rows < len(self._place)]
        places = self._place[inside]
        places = places[places != NOBODY]
        if len(places):
            first, last = int(places.min()), int(places.max())
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(HEADERS) - 1))

    # rows and images

    def images(self, places: np.ndarray | None = None) -> np.ndarray:
        """Numbers of the images in these rows of the table, or in all: int64."""
        rows = self._rows if places is None else self._rows[places]
        return self._columns.ids[rows]

    def row(self, place: int) -> int:
        """The columns' row in a row of the table."""
        return int(self._rows[place])

    def place_of(self, image: int) -> int:
        """The table's row of an image, or NOBODY."""
        rows = self._columns.rows_of([image])
        inside = len(rows) and rows[0] < len(self._place)
        return int(self._place[rows[0]]) if inside else NOBODY

    def next_undecided(self, place: int, step: int = 1) -> int:
        """The next row of the table after (or before) `place` that the person has not decided, or NOBODY."""
        open_ = np.flatnonzero(self._columns.undecided()[self._rows])
        ahead = open_[open_ > place] if step > 0 else open_[open_ < place][::-1]
        return int(ahead[0]) if len(ahead) else NOBODY

    # Qt's side

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of listed photos."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Number of columns of the table."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell's text, its tooltip, the photo's thumbnail (asks for a missing one), or the whole `ListedPhoto`."""
        if not index.isValid():
            return None
        row = self.row(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, index.column())
        if role == Qt.ItemDataRole.DecorationRole and index.column() == _PHOTO:
            return None if row in self._columns.errors else self._thumbnails.get(self.path(row))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in _FIGURES:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == ROW_ROLE:
            return self._row(row)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            texts = (self._text(row, column) for column in (_STATUS, _YOURS, _LABEL, _CONFIDENCE))
            return "\n".join(
                [self._columns.paths[row], " ".join(filter(None, texts)), self._columns.errors.get(row, "")]
            )
        return None

    def cell(self, place: int) -> tuple[int, ListedPhoto, QPixmap | None]:
        """What the grid paints in a row of the table: the image's number, its words, its thumbnail if there is one."""
        row = self.row(place)
        picture = None if row in self._columns.errors else self._thumbnails.get(self.path(row))
        return int(self._columns.ids[row]), self._row(row), picture

    def path(self, row: int) -> Path:
        """The file of a row of the columns."""
        return Path(self._columns.paths[row])

    def _row(self, row: int) -> ListedPhoto:
        status, verdict = int(self._columns.shown.status[row]), int(self._columns.verdict[row])
        label = self._columns.names[self._columns.shown.label[row]]
        if not label and self._columns.predictions["image"][row]:
            guess = self._columns.predictions["fine"][row]
            label = self._columns.names[guess if guess != NOBODY else self._columns.predictions["type"][row]] + "?"
        return ListedPhoto(
            Path(self._columns.paths[row]).name,
            None if status == WAITING else STATUSES[status],
            None if verdict == NOBODY else VERDICTS[verdict],
            label,
        )

    def _text(self, row: int, column: int) -> str:
        columns = self._columns
        if column == _PHOTO:
            return Path(columns.paths[row]).name
        if column == _FOLDER:
            return str(Path(columns.paths[row]).parent)
        if column == _STATUS:
            status = int(columns.shown.status[row])
            return "waiting" if status == WAITING else FACES[STATUSES[status]].word
        if column == _YOURS:
            verdict = int(columns.verdict[row])
            return "" if verdict == NOBODY else VERDICT_FACES[VERDICTS[verdict]].word
        if column == _LABEL:
            return columns.names[columns.shown.label[row]]
        if column == _TYPE:
            return columns.names[columns.shown.type[row]]
        if not columns.predictions["image"][row]:
            return ""
        if column == _CONFIDENCE:
            return percent(float(columns.shown.confidence[row])) if columns.shown.confidence[row] else ""
        prediction = columns.predictions[row]
        return percent(float(prediction["fine_probability"] - prediction["second_probability"]))

    def _on_thumbnail(self, _path: Path) -> None:
        # only visible rows ask for thumbnails, and painting all of them again costs less than finding the one
        if len(self._rows):
            self.dataChanged.emit(
                self.index(0, _PHOTO), self.index(len(self._rows) - 1, _PHOTO), [Qt.ItemDataRole.DecorationRole]
            )
