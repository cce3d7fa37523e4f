"""Which photos are listed and in what order: one line of choices above the grid."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLineEdit, QWidget

from app.core.review.arrangement import Filter, Order, Show
from app.ui.review import actions
from app.ui.widgets import icons
from app.ui.widgets.basics import ElidedLabel, small_button
from model.system.wording import counted

_CONFIDENCES = {
    "any confidence": (0.0, 1.0),
    "below 50 %": (0.0, 0.5),
    "50 to 80 %": (0.5, 0.8),
    "80 to 95 %": (0.8, 0.95),
    "above 95 %": (0.95, 1.0),
}
_MARGINS = {
    "any margin": (0.0, 1.0),
    "margin below 10 %": (0.0, 0.1),
    "margin below 30 %": (0.0, 0.3),
    "margin above 30 %": (0.3, 1.0),
}
_ANY_LABEL = "any class"
_WIDTHS = (146, 140, 142, 144, 140)
_NARROW = 1000
_TYPING = 150  # milliseconds after the last key


class FilterBar(QFrame):
    """Offers filters and orders; all it knows of the project are counts and labels.

    Signals:
        changed: another filter or order was chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filters")
        self.setFixedHeight(44)
        self.show_box = _combo("status", [show.value for show in Show])
        self.label_box = _combo("class", [_ANY_LABEL])
        self.confidence_box = _combo("confidence", list(_CONFIDENCES))
        self.margin_box = _combo("margin between the two best classes", list(_MARGINS))
        self.order_box = _combo("sorted by", [order.value for order in Order])
        self.down_button = small_button("arrow-down-narrow-wide", "largest first")
        self.down_button.setCheckable(True)
        self.search = QLineEdit(placeholderText="search")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(actions.SEARCH.title)
        self.search.setToolTip(actions.SEARCH.tooltip)
        self.search.setMinimumWidth(64)
        self.search.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._count = ElidedLabel(kind="muted")
        self._count.setMinimumWidth(60)
        self._labels: list[str] = []
        self._typing = QTimer(self, interval=_TYPING, singleShot=True)
        self._lay_out()
        self._typing.timeout.connect(self._tell)
        self.search.textEdited.connect(lambda _text: self._typing.start())
        self.search.textChanged.connect(lambda text: None if text else self._tell())
        for box in self._boxes():
            box.activated.connect(lambda _index: self._tell())
        self.down_button.toggled.connect(lambda _on: self._tell())

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(6)
        for box in (self.show_box, self.label_box, self.confidence_box, self.margin_box):
            row.addWidget(box)
        row.addWidget(self.search, 2)
        row.addWidget(self.order_box)
        row.addWidget(self.down_button)
        row.addWidget(self._count, 1)
        for box, width in zip(self._boxes(), _WIDTHS, strict=True):
            box.setFixedWidth(width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """If there is little room the choice of margins is hidden, unless it is in use."""
        super().resizeEvent(event)
        self.margin_box.setVisible(self.width() >= _NARROW or self.margin_box.currentIndex() > 0)

    def filter(self) -> Filter:
        """The chosen filter."""
        least, most = _CONFIDENCES[self.confidence_box.currentText()]
        least_margin, most_margin = _MARGINS[self.margin_box.currentText()]
        label = self.label_box.currentData() or ""
        show = list(Show)[self.show_box.currentIndex()]
        return Filter(show, label, self.search.text(), least, most, least_margin, most_margin)

    def order(self) -> Order:
        """The chosen order."""
        return list(Order)[self.order_box.currentIndex()]

    def descending(self) -> bool:
        """Whether the largest come first."""
        return self.down_button.isChecked()

    def set_label(self, label: str) -> None:
        """Choose a class; empty for any."""
        if label and label not in self._labels:
            self._labels.append(label)
            self.label_box.addItem(label, label)
        self.label_box.setCurrentIndex(self._labels.index(label) + 1 if label else 0)
        self._tell()

    def set_order(self, order: Order, *, descending: bool = False) -> None:
        """Choose what is sorted by."""
        self.order_box.setCurrentIndex(list(Order).index(order))
        self.down_button.blockSignals(True)
        self.down_button.setChecked(descending)
        self.down_button.blockSignals(False)
        self._tell()

    def clear(self) -> None:
        """List everything, in the same order."""
        for box in self._boxes()[:-1]:
            box.setCurrentIndex(0)
        self.search.clear()
        self._tell()

    def show_facts(self, listed: int, counts: dict[Show, int], labels: dict[str, int]) -> None:
        """Show how many photos there are of each kind."""
        total = counts[Show.ALL]
        self._count.set_whole(f"{listed:,} of {total:,}" if listed != total else counted(total, "photo"))
        for place, show in enumerate(Show):
            self.show_box.setItemText(place, f"{show.value} ({counts[show]:,})")
        chosen = self.label_box.currentData() or ""
        self._labels = list(labels) if not chosen or chosen in labels else [*labels, chosen]
        self.label_box.clear()
        self.label_box.addItem(_ANY_LABEL, "")
        for name in self._labels:
            self.label_box.addItem(f"{name} ({labels.get(name, 0):,})", name)
        self.label_box.setCurrentIndex(self._labels.index(chosen) + 1 if chosen else 0)

    def _boxes(self) -> tuple[QComboBox, ...]:
        return self.show_box, self.label_box, self.confidence_box, self.margin_box, self.order_box

    def _tell(self) -> None:
        self._typing.stop()
        for box in self._boxes()[:-1]:  # a choice that hides photos must be visible
            kind = "set" if box.currentIndex() > 0 else ""
            if box.property("kind") != kind:
                box.setProperty("kind", kind)
                box.style().polish(box)
        self.changed.emit()


def _combo(words: str, items: list[str]) -> QComboBox:
    box = QComboBox()
    box.addItems(items)
    box.setAccessibleName(words)
    box.setToolTip(words)
    box.setMaxVisibleItems(24)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box
