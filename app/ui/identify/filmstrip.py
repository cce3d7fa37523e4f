"""The photos that were opened, as a list model and a strip of thumbnails with their status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.recognition.decision import Status
from app.core.recognition.identifier import Identification
from app.ui.background.photo_loading import Thumbnails
from app.ui.widgets import thumbnail
from app.ui.widgets.status_face import FACES, percent

ENTRY_ROLE = Qt.ItemDataRole.UserRole
_THUMB = QSize(128, 84)
_ITEM = QSize(_THUMB.width() + 16, _THUMB.height() + 38)
_Index = QModelIndex | QPersistentModelIndex


@dataclass(slots=True)
class OpenedPhoto:
    """A row: a file or a pasted picture, and its result so far. Holds no pixels of files."""

    name: str
    source: Path | QImage
    status: Status | None = None
    label: str = ""
    detail: str = ""
    preview: QPixmap | None = None


class PhotoList(QAbstractListModel):
    """Rows are only added, or all removed: an index stays valid as long as the list is not cleared."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._entries: list[OpenedPhoto] = []
        self._row_of: dict[Path, int] = {}
        self._files_done = 0
        self._given_up: set[Path] = set()
        self._outdated: set[Path] = set()
        thumbnails.ready.connect(self._on_thumbnail)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of photos."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Name, tooltip, thumbnail (asks for a missing one), or the whole `OpenedPhoto`."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.DecorationRole:
            return entry.preview or (self._thumbnails.get(entry.source) if isinstance(entry.source, Path) else None)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            word = "waiting" if entry.status is None else FACES[entry.status].word
            return "\n".join(part for part in (entry.name, f"{word}: {entry.label}".rstrip(": "), entry.detail) if part)
        return None

    def entry(self, row: int) -> OpenedPhoto:
        """The photo in a row."""
        return self._entries[row]

    def row_of(self, path: Path) -> int | None:
        """The row of a file, None if it is not in the list."""
        return self._row_of.get(path)

    def waiting(self) -> list[Path]:
        """The files without an answer or an error, or to be asked again, in order; not those that were given up."""
        return [path for path in self._row_of if self.waits(path)]

    def waits(self, path: Path) -> bool:
        """Whether a file of the list has no answer yet, or must be identified again, and was not dropped."""
        entry = self._entries[self._row_of[path]]
        return path not in self._given_up and (entry.status is None or path in self._outdated)

    def files(self) -> list[Path]:
        """All files, in order, without pasted pictures."""
        return list(self._row_of)

    def clear(self) -> None:
        """Remove all photos."""
        self.beginResetModel()
        self._entries.clear()
        self._row_of.clear()
        self._files_done = 0
        self._given_up.clear()
        self._outdated.clear()
        self.endResetModel()

    def add_files(self, files: Iterable[Path]) -> list[Path]:
        """Append the files that are not in the list yet, and return those."""
        new = [path for path in dict.fromkeys(files) if path not in self._row_of]
        if new:
            first = len(self._entries)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            for row, path in enumerate(new, start=first):
                self._entries.append(OpenedPhoto(path.name, path))
                self._row_of[path] = row
            self.endInsertRows()
        return new

    def add_picture(self, picture: QImage) -> int:
        """Append a pasted picture; its row."""
        row = len(self._entries)
        pasted = 1 + sum(isinstance(entry.source, QImage) for entry in self._entries)
        preview = QPixmap.fromImage(
            picture.scaled(_THUMB * 2, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        )
        self.beginInsertRows(QModelIndex(), row, row)
        self._entries.append(OpenedPhoto(f"pasted photo {pasted}", picture, preview=preview))
        self.endInsertRows()
        return row

    def forget_answers(self) -> None:
        """All photos that can be read wait again: another identification model answers now."""
        self._files_done = 0
        self._given_up.clear()
        self._outdated.clear()
        for entry in self._entries:
            if entry.status is Status.ERROR:
                self._files_done += 1
            else:
                entry.status, entry.label, entry.detail = None, "", ""
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    def ask_again(self) -> None:
        """All photos with an answer are identified again, and show the old answer until the new one comes."""
        rows = self._row_of.items()
        self._outdated = {p for p, row in rows if self._entries[row].status not in (None, Status.ERROR)}
        self._files_done = sum(self._entries[row].status is Status.ERROR for row in self._row_of.values())

    def set_answers(self, found: Iterable[Identification]) -> None:
        """Take the answers for files; those for files that are not in the list are ignored."""
        for one in found:
            row = self._row_of.get(one.path) if one.path is not None else None
            if row is not None:
                self.set_answer(row, one)

    def set_answer(self, row: int, found: Identification) -> None:
        """Take the answer for one row."""
        if found.decision is None:
            self.set_error(row, found.error or "")
            return
        decision = found.decision
        if decision.status is Status.UNKNOWN:
            guess, sure = decision.fine or decision.coarse, decision.fine_confidence or decision.coarse_confidence
            self._set(row, decision.status, f"{guess}?", f"best guess, {percent(sure)}")
        else:
            self._set(row, decision.status, decision.label, percent(decision.confidence))

    def set_error(self, row: int, reason: str) -> None:
        """Mark a row whose file cannot be read."""
        self._set(row, Status.ERROR, "cannot be read", reason)

    def give_up(self) -> None:
        """Stop waiting for files without an answer; those to be identified again keep their answer."""
        self._files_done += len(self._outdated)
        self._outdated.clear()
        self._given_up.update(self.waiting())

    def given_up(self) -> int:
        """How many files have no answer and no longer wait for one."""
        return len(self._given_up)

    def progress(self) -> tuple[int, int]:
        """How many files have an answer or an error, and how many there are in all."""
        return self._files_done, len(self._row_of)

    def counts(self) -> Counter[Status | None]:
        """How many photos have which status; None counts those that wait."""
        return Counter(entry.status for entry in self._entries)

    def _set(self, row: int, status: Status, label: str, detail: str) -> None:
        entry = self._entries[row]
        if isinstance(entry.source, Path) and (entry.status is None or entry.source in self._outdated):
            self._files_done += 1
            self._given_up.discard(entry.source)
            self._outdated.discard(entry.source)
        entry.status, entry.label, entry.detail = status, label, detail
        self.dataChanged.emit(self.index(row), self.index(row))

    def _on_thumbnail(self, path: Path) -> None:
        row = self._row_of.get(path)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row), [Qt.ItemDataRole.DecorationRole])


class Filmstrip(QListView):
    """One row of thumbnails; only visible ones are painted and therefore made."""

    def __init__(self, photos: PhotoList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.setAccessibleName("opened photos")
        self.setModel(photos)
        self.setItemDelegate(_Delegate(self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)
        self.setMinimumHeight(_ITEM.height() + 18)

    def step(self, by: int) -> None:
        """Move `by` photos forward (or back), stopping at the ends."""
        count = self.model().rowCount()
        if count:
            row = min(max(self.currentIndex().row() + by, 0), count - 1)
            self.setCurrentIndex(self.model().index(row, 0))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel moves the strip sideways."""
        turn = event.angleDelta().x() or event.angleDelta().y()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - turn)
        event.accept()


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        return _ITEM

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry: OpenedPhoto = index.data(ENTRY_ROLE)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(rect.x() + 8, rect.y() + 8, _THUMB.width(), _THUMB.height())
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        thumbnail.paint_picture(
            painter,
            frame,
            picture if isinstance(picture, QPixmap) else None,
            missing=entry.status is Status.ERROR,
        )
        thumbnail.paint_outline(
            painter,
            frame,
            chosen=bool(option.state & QStyle.StateFlag.State_Selected),
            hovered=bool(option.state & QStyle.StateFlag.State_MouseOver),
        )
        line = QRect(rect.x() + 8, round(frame.bottom()) + 6, _THUMB.width(), 18)
        thumbnail.paint_line(painter, line, entry.status, entry.label or entry.name)
        painter.restore()
