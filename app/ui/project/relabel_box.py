"""The box for another label: type a few letters, choose, Enter. It can also make a new name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QLineEdit, QListWidgetItem, QVBoxLayout, QWidget

from app.core.project.labels import Label, Verdict
from app.core.review.class_search import find
from app.core.review.vocabulary import classes, likely
from app.ui.project.open_project import OpenProject
from app.ui.widgets.basics import label
from app.ui.widgets.popup import OfferingPopup

_SIZE = (360, 320)
_OFFERED = 10
_USED = 6


class RelabelBox(OfferingPopup):
    """Asks for a label; a click elsewhere closes it too.

    Signals:
        chosen: (Label, numbers of the images that it is for, int64)
    """

    chosen = Signal(Label, np.ndarray)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(*_SIZE)
        self._types: tuple[str, ...] = ()
        self._type_of: dict[str, str] = {}
        self._likely: list[str] = []
        self._used: list[str] = []
        self._images = np.zeros(0, np.int64)
        self._title = label("", "muted")
        self.line = QLineEdit(placeholderText="class or type")
        self.line.setAccessibleName("new label")
        self.line.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        for widget in (self._title, self.line, self.offers):
            column.addWidget(widget)
        self.line.textChanged.connect(self._offer)
        self.line.returnPressed.connect(self._choose)
        self.offers.itemClicked.connect(self._take)

    def ask_about(self, project: OpenProject, rows: np.ndarray, at: QPoint) -> None:
        """Show the box for some rows of a project, int64, with the existing names, the likeliest ones first."""
        columns = project.columns
        self._images = columns.ids[rows]  # other photos may be chosen by the time the box is answered
        self.set_classes(*classes(columns, project.model.taxonomy if project.model is not None else None))
        self.ask(len(rows), likely(columns, int(rows[0]), self.used()), at)

    def set_classes(self, types: Sequence[str], type_of: Mapping[str, str]) -> None:
        """The choices: types, and the type of each class."""
        self._types = tuple(types)
        self._type_of = dict(type_of)

    def used(self) -> list[str]:
        """The labels that were chosen last, the last one at the end."""
        return list(self._used)

    def ask(self, count: int, likely: Sequence[str], at: QPoint) -> None:
        """Show the box at a point of its page, for this many photos; `likely` classes are offered at first."""
        self._title.setText("new label" if count == 1 else f"new label for {count:,} photos")
        self._likely = list(dict.fromkeys(name for name in likely if name))
        self.line.clear()
        self._offer("")
        self.show_at(at, self.line)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Without the focus the box closes."""
        if event.type() is QEvent.Type.FocusOut and self.isVisible() and not self.offers.underMouse():
            self.leave()
        return super().eventFilter(watched, event)

    def _offer(self, text: str) -> None:
        self.offers.clear()
        names = find(text, [*self._types, *self._type_of], _OFFERED) if text.strip() else self._likely
        for name in names:
            if name in self._type_of:
                self._add(f"{name}\n    {self._type_of[name]}", Label(Verdict.CORRECTED, self._type_of[name], name))
            elif name in self._types:
                self._add(f"{name}\n    type only", Label(Verdict.CORRECTED, name, ""))
        self._offer_new(text.strip())
        self.offers.setCurrentRow(0)

    def _offer_new(self, typed: str) -> None:
        """`new name, type`, or a new name under each of the types that are likely."""
        name, _, kind = (part.strip() for part in typed.partition(","))
        if not name or name in self._type_of or name in self._types:
            return
        types = find(kind, self._types, 3) or ([kind] if kind else self._likely_types())
        for one in types:
            self._add(f"make “{name}” a new class\n    of type {one}", Label(Verdict.CORRECTED, one, name))

    def _likely_types(self) -> list[str]:
        likely = [self._type_of.get(name, name) for name in self._likely]
        return list(dict.fromkeys([*likely, *self._types]))[:3]

    def _add(self, text: str, what: Label) -> None:
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, what)
        item.setToolTip(text.replace("\n    ", ", "))
        self.offers.addItem(item)

    def _choose(self) -> None:
        item = self.offers.currentItem()
        if item is not None:
            self._take(item)

    def _take(self, item: QListWidgetItem) -> None:
        what = item.data(Qt.ItemDataRole.UserRole)
        name = what.fine or what.coarse
        self._used = [*(one for one in self._used if one != name), name][-_USED:]
        self.leave()
        self.chosen.emit(what, self._images)
