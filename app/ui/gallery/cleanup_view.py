"""Cleaning up: near-duplicates and outliers, two photos side by side, and the actions for them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QListView,
    QPushButton,
    QSlider,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.gallery.gallery import Reference
from app.core.gallery.selection import ADDS_ONLY
from app.core.teaching.cleanup import NEAR, Finding
from app.ui.background.photo_loading import Thumbnails
from app.ui.gallery.gallery_session import GalleryClass
from app.ui.gallery.reference_cards import paint_reference, paint_words
from app.ui.widgets import theme
from app.ui.widgets.basics import frame, label
from app.ui.widgets.cards import ITEM, Index, ItemList

_PICTURE = QSize(150, 100)
_ROW = 116
_NEAR_RANGE = (850, 999)  # thousandths; below this too many photos of one class are alike
_SETTLE = 300  # milliseconds for which the slider must rest


class CleanupView(QWidget):
    """Signals:
    remove_wanted: (Reference)
    relabel_wanted: (Reference, GalleryClass) the label that it shall have
    near_changed: another similarity from which two photos count as nearly the same
    """

    remove_wanted = Signal(Reference)
    relabel_wanted = Signal(Reference, GalleryClass)
    near_changed = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: tuple[list[Finding], list[Finding]] = ([], [])
        self.alike_button, self.odd_button = _tab("nearly the same"), _tab("unlike their class")
        self._tabs = QButtonGroup(self)
        for place, tab in enumerate((self.alike_button, self.odd_button)):
            self._tabs.addButton(tab, place)
        self.alike_button.setChecked(True)
        self._words = label("", "muted")
        self.near_slider = QSlider(Qt.Orientation.Horizontal)
        self.near_slider.setRange(*_NEAR_RANGE)
        self.near_slider.setValue(round(1000 * NEAR))
        self.near_slider.setFixedWidth(160)
        self.near_slider.setAccessibleName("similarity from which two photos are nearly the same")
        self.near_slider.setToolTip("similarity from which two photos are nearly the same (Left, Right)")
        self._near_words = label("", "muted")
        self._settled = QTimer(self, interval=_SETTLE, singleShot=True)
        self.pictures: dict[int, Path] = {}  # by the references' ids
        self.listing = ItemList(_sentence, _sentence, self)
        self.view = QListView()
        self.view.setObjectName("grid")
        self.view.setAccessibleName("reference photos that deserve a look")
        self.view.setModel(self.listing)
        self.view.setUniformItemSizes(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setItemDelegate(_Pair(self, thumbnails))
        self.remove_left, self.remove_right = QPushButton("remove left"), QPushButton("remove right")
        self.label_left, self.label_right = QPushButton("label left as right"), QPushButton("label right as left")
        self._adds_only = False
        self._lay_out()
        thumbnails.ready.connect(lambda: self.view.viewport().update())
        self._settled.timeout.connect(self.near_changed)
        self.near_slider.valueChanged.connect(self._on_near)
        self._tabs.idClicked.connect(self._show)
        self.view.selectionModel().currentChanged.connect(self._enable)
        self.remove_left.clicked.connect(lambda: self._remove(0))
        self.remove_right.clicked.connect(lambda: self._remove(1))
        self.label_left.clicked.connect(lambda: self._relabel(0))
        self.label_right.clicked.connect(lambda: self._relabel(1))
        self._write_near()
        self.show_waiting()

    def _lay_out(self) -> None:
        top, bottom = frame("filters"), frame("verdicts")
        row = QHBoxLayout(top)
        row.setContentsMargins(12, 6, 12, 6)
        for widget in (self.alike_button, self.odd_button):
            row.addWidget(widget)
        row.addSpacing(16)
        row.addWidget(self._near_words)
        row.addWidget(self.near_slider)
        row.addStretch(1)
        row.addWidget(self._words)
        beneath = QHBoxLayout(bottom)
        beneath.setContentsMargins(12, 8, 12, 8)
        beneath.setSpacing(8)
        for button in (self.remove_left, self.label_left):
            beneath.addWidget(button)
        beneath.addStretch(1)
        for button in (self.label_right, self.remove_right):
            beneath.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(top)
        column.addWidget(self.view, 1)
        column.addWidget(bottom)

    def set_adds_only(self, on: bool) -> None:
        """Set whether findings can only be viewed, as a team shares the gallery."""
        self._adds_only = on
        for button in (self.remove_left, self.remove_right, self.label_left, self.label_right):
            button.setToolTip(ADDS_ONLY if on else "")
        self._enable()

    def near(self) -> float:
        """The cosine from which two photos count as nearly the same."""
        return self.near_slider.value() / 1000

    def show_waiting(self) -> None:
        """The gallery is being checked; earlier findings are removed."""
        self._found = ([], [])
        self._show()
        self._words.setText("checking the gallery")

    def show_findings(self, found: tuple[list[Finding], list[Finding]]) -> None:
        """Show near-duplicates and outliers."""
        self._found = found
        self._show()

    def findings(self) -> tuple[list[Finding], list[Finding]]:
        """Near-duplicates and outliers."""
        return self._found

    def show_pictures(self, pictures: dict[int, Path]) -> None:
        """Take the places of the pictures, by the references' ids."""
        self.pictures = pictures
        self.view.viewport().update()

    def references(self) -> list[Reference]:
        """All references that are shown anywhere here."""
        return [one for found in self._found for finding in found for one in (finding.first, finding.second)]

    def words(self) -> str:
        """The line at the top."""
        return self._words.text()

    def finding(self) -> Finding | None:
        """The one that is current."""
        found: Finding | None = self.view.currentIndex().data(ITEM)
        return found

    def _show(self) -> None:
        alike, odd = self._found
        place = max(self.view.currentIndex().row(), 0)
        which = self._tabs.checkedId()
        for widget in (self.near_slider, self._near_words):
            widget.setVisible(which == 0)
        self.listing.show(self._found[which])
        self.alike_button.setText(f"nearly the same {len(alike):,}" if alike else "nearly the same")
        self.odd_button.setText(f"unlike their class {len(odd):,}" if odd else "unlike their class")
        count = self.listing.rowCount()
        nothing = ("no two photos are nearly the same", "no photo is unlike its class")[which]
        asked = "view only" if self._adds_only else "choose one, then what to do with it"
        self._words.setText(asked if count else nothing)
        if count:
            self.view.setCurrentIndex(self.listing.index(min(place, count - 1)))
        self._enable()

    def _on_near(self) -> None:
        self._write_near()
        self._settled.start()

    def _write_near(self) -> None:
        self._near_words.setText(f"from similarity {self.near():.3f}")

    def _enable(self) -> None:
        finding = None if self._adds_only else self.finding()
        for button in (self.remove_left, self.remove_right):
            button.setEnabled(finding is not None)
        differ = finding is not None and _label(finding.first) != _label(finding.second)
        for button in (self.label_left, self.label_right):
            button.setEnabled(differ)

    def _remove(self, side: int) -> None:
        finding = self.finding()
        if finding is not None:
            self.remove_wanted.emit((finding.first, finding.second)[side])

    def _relabel(self, side: int) -> None:
        finding = self.finding()
        if finding is not None:
            pair = (finding.first, finding.second)
            self.relabel_wanted.emit(pair[side], _label(pair[1 - side]))


class _Pair(QStyledItemDelegate):
    """Picture and words of the left one, why, words and picture of the right one."""

    def __init__(self, cleaning: CleanupView, thumbnails: Thumbnails) -> None:
        super().__init__(cleaning)
        self._cleaning, self._thumbnails = cleaning, thumbnails

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(480, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        finding: Finding = index.data(ITEM)
        state, rect = option.state, option.rect
        colours = theme.tokens()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QColor(colours.accent))
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(rect.adjusted(6, 2, -6, -2), theme.RADIUS, theme.RADIUS)
        top, left, right = rect.top() + 8, rect.left() + 14, rect.right() - 14 - _PICTURE.width()
        room = (rect.width() - 28 - 2 * _PICTURE.width() - 32) // 2
        sides = (
            (finding.first, left, left + _PICTURE.width() + 12, Qt.AlignmentFlag.AlignLeft),
            (finding.second, right, right - 12 - room, Qt.AlignmentFlag.AlignRight),
        )
        for one, x, words, across in sides:
            place = self._cleaning.pictures.get(one.id)
            paint_reference(painter, QPoint(x, top), _PICTURE, one, place, self._thumbnails)
            line = QRect(words, top + 4, room, 16)
            paint_words(painter, line, one.fine or "no class", colours.text, across)
            paint_words(painter, line.translated(0, 16), one.coarse, colours.muted, across)
            paint_words(painter, line.translated(0, 32), PurePosixPath(one.path).name, colours.muted, across)
        between = QRect(left + _PICTURE.width() + 12, top + _PICTURE.height() - 34, 2 * room + 8, 32)
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(colours.caution if "label" in finding.why else colours.muted))
        painter.drawText(between, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, finding.why)
        painter.restore()


def _sentence(finding: Finding) -> str:
    sides = (f"{side.fine or side.coarse}: {side.path}" for side in (finding.first, finding.second))
    return "\n".join([*sides, finding.why])


def _label(one: Reference) -> GalleryClass:
    return GalleryClass(one.coarse, one.fine)


def _tab(words: str) -> QToolButton:
    button = QToolButton()
    button.setText(words)
    button.setCheckable(True)
    button.setAccessibleName(words)
    return button
